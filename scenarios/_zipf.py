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
    spoken, draws = _language(classes, zipf, environment)
    tokens = spoken.sequences(draws, rows, length)
    names = _names(tokens, classes)
    counts = np.bincount(names[tokens[:, 1:]].ravel(), minlength=classes)
    return LabelledData(*_predicted(names[tokens]), counts, grouped(counts))


def unseen(classes: int, zipf: float, rows: int, length: int, environment: int, *, count: int) -> tuple[Tensor, Tensor]:
    """So many other sequences of the language that `language` of these arguments speaks, and what follows each token.

    They come from draws of their own: no sequence is taken from the data, though short ones may occur in both.
    """
    spoken, draws = _language(classes, zipf, environment)
    names = _names(spoken.sequences(draws, rows, length), classes)
    return _predicted(names[spoken.sequences(np.random.default_rng([environment, 1]), count, length)])


@dataclass(frozen=True)
class _Language:
    """A language before its tokens are renamed.

    Attributes:
        shares: How often each token is drawn [classes].
        table: Which token follows from each [classes].
    """

    shares: Array
    table: Array

    def sequences(self, draws: np.random.Generator, rows: int, length: int) -> Array:
        """Sequences [rows, length + 1]."""
        tokens = np.empty((rows, length + 1), dtype=np.int64)
        fresh = draws.choice(len(self.shares), tokens.shape, p=self.shares)
        follows = draws.random(tokens.shape) < COMMON
        tokens[:, 0] = fresh[:, 0]
        for place in range(1, length + 1):
            tokens[:, place] = np.where(follows[:, place], self.table[tokens[:, place - 1]], fresh[:, place])
        return tokens


def _language(classes: int, zipf: float, environment: int) -> tuple[_Language, np.random.Generator]:
    """A language, and the draws that its data goes on from."""
    draws = np.random.default_rng(environment)
    shares = frequencies(classes, zipf)
    return _Language(shares, draws.choice(classes, classes, p=shares)), draws


def _names(tokens: Array, classes: int) -> Array:
    """The new name of each token [classes], by falling frequency in sequences [rows, length + 1]."""
    return np.argsort(np.argsort(-np.bincount(tokens[:, 1:].ravel(), minlength=classes), kind="stable"))


def _predicted(tokens: Array) -> tuple[Tensor, Tensor]:
    """All tokens of sequences but the last, and the one that follows each."""
    return torch.from_numpy(tokens[:, :-1].copy()), torch.from_numpy(tokens[:, 1:].copy())
