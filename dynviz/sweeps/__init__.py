"""Sweeps: one scenario and its optimizers over grids of options, hyperparameters and seeds."""
