"""Classes whose frequencies follow Zipf's law: data sets of points, and a made language of tokens."""

import functools
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array: TypeAlias = NDArray[Any]

GROUPS = 10
"""Into which classes are divided, by frequency: of a tenth of the data each, as nearly as whole classes allow."""
SPREAD = 0.3
"""Deviation of points around their center: about that of the centers, so that neighbours overlap."""
COMMON = 0.5
"""The share of tokens of the language that follow from the one before."""


@dataclass(frozen=True)
class LabelledData:
    """Inputs and their classes, of which class 0 is the most frequent.

    Attributes:
        inputs: Points [rows, features], or sequences of tokens [rows, length].
        labels: Classes [rows], or [rows, length].
        counts: Of each class, falling [classes].
        groups: The group of each class [classes], from that of the most frequent ones.
    """

    inputs: Tensor
    labels: Tensor
    counts: Array
    groups: Array


def frequencies(classes: int, zipf: float) -> Array:
    """Shares that fall as k^-zipf; all equal for zipf = 0."""
    shares = np.arange(1, classes + 1, dtype=np.float64) ** -zipf
    return np.asarray(shares / shares.sum())


def grouped(counts: Array) -> Array:
    """The group of each class, sorted by frequency: where the middle of its share of the data lies.

    >>> grouped(np.array([10, 10, 5, 5, 5, 5])).tolist()
    [0, 1, 2, 3, 4, 5]
    """
    shares = counts / max(counts.sum(), 1)
    places = np.minimum((GROUPS * (np.cumsum(shares) - shares / 2)).astype(np.int64), GROUPS - 1)
    # One class may be more than a group: those that it leaves empty are no groups.
    return np.unique(places, return_inverse=True)[1]


@functools.lru_cache(maxsize=4)
def points(classes: int, zipf: float, rows: int, features: int, environment: int) -> LabelledData:
    """Normal points around centers of a cube, one a class; each class has a point at least."""
    draws = np.random.default_rng(environment)
    counts = np.maximum(1, np.round(rows * frequencies(classes, zipf))).astype(np.int64)
    centers = draws.uniform(0, 1, (classes, features))
    labels = np.repeat(np.arange(classes), counts)
    inputs = centers[labels] + SPREAD * draws.standard_normal((len(labels), features))
    return LabelledData(torch.from_numpy(inputs).float(), torch.from_numpy(labels), counts, grouped(counts))


@functools.lru_cache(maxsize=4)
def language(classes: int, zipf: float, rows: int, length: int, environment: int) -> LabelledData:
    """Sequences of tokens, and the token that follows each.

    A token follows from the one before half of the time, by a table that is drawn once; else it is drawn anew. Both
    the table and the draws obey Zipf's law. Tokens are renamed in order of their frequency.
    """
    draws = np.random.default_rng(environment)
    shares = frequencies(classes, zipf)
    table = draws.choice(classes, classes, p=shares)
    tokens = np.empty((rows, length + 1), dtype=np.int64)
    fresh = draws.choice(classes, tokens.shape, p=shares)
    follows = draws.random(tokens.shape) < COMMON
    tokens[:, 0] = fresh[:, 0]
    for place in range(1, length + 1):
        tokens[:, place] = np.where(follows[:, place], table[tokens[:, place - 1]], fresh[:, place])
    names = np.argsort(np.argsort(-np.bincount(tokens[:, 1:].ravel(), minlength=classes), kind="stable"))
    tokens = names[tokens]
    counts = np.bincount(tokens[:, 1:].ravel(), minlength=classes)
    return LabelledData(
        torch.from_numpy(tokens[:, :-1].copy()), torch.from_numpy(tokens[:, 1:].copy()), counts, grouped(counts)
    )
