"""Ratios of two ways of doing the same thing: the median of interleaved pairs, so that a noisy machine harms both."""

from dynviz.bench.figure import ratio

__all__ = ["ratio"]
