"""Logs of other programs as recordings: TensorBoard's event files, offline runs of Weights & Biases, CSV."""
