"""Modifiers: rules over a rule, one file each."""
