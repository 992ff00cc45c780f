"""Projections of a loss onto lines and planes, computed from recorded parameters after training."""
