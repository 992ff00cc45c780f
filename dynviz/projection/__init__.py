"""Projections of a loss onto lines and planes, made of recorded parameters after training."""
