"""Optimizers as equations, one file each."""
