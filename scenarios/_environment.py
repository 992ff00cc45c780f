"""The truth of the classification tasks: centers in a square, and points that have their classes."""

import functools
import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from dynviz.task import Batch, chunked

Division: TypeAlias = Literal["tangent", "nearest"]

SIDE = 100.0
"""The square is [-SIDE, SIDE]^2."""
TRAIN, VALIDATION, TEST = 320_000, 10_000, 10_000
TRAIN_ROWS = slice(0, TRAIN)
VALIDATION_ROWS = slice(TRAIN, TRAIN + VALIDATION)
TEST_ROWS = slice(TRAIN + VALIDATION, TRAIN + VALIDATION + TEST)
BATCH = 32
UNKNOWN = 255
"""Stands for the class of a point that nobody asked for."""


@dataclass(frozen=True)
class Environment:
    """The truth and its points.

    Attributes:
        seed: What it was drawn from.
        centers: [centers, 2].
        classes: [centers], the class of each.
        points: [points, 2]: those to train on in the published order, then validation, then test.
        rule: Which center a point belongs to.
    """

    seed: int
    centers: Tensor
    classes: Tensor
    points: Tensor
    rule: Division

    def labels(self, rows: Tensor | slice) -> Tensor:
        """The classes of points, which are found when they are asked for: all of them at once take seconds."""
        known = self._known[rows]
        new = known == UNKNOWN
        if new.any():
            places = (torch.arange(len(self.points))[rows] if isinstance(rows, slice) else rows)[new]
            (nearest,) = chunked(
                lambda x: self.classes[owner(x, self.centers, self.rule)], self.points[places], size=4096
            )
            self._known[places] = nearest.byte()
            known = self._known[rows]
        return known.long()

    @functools.cached_property
    def _known(self) -> Tensor:
        return torch.full((len(self.points),), UNKNOWN, dtype=torch.uint8)

    def batches(self, seed: int, start: int, count: int) -> Batch:
        """The batches of a lane with this seed: points [count, 32, 2] and classes [count, 32].

        A lane with the environment's own seed takes the points once in the published order; other lanes, and later
        rounds, in an order of their own.
        """
        chosen = self._chosen(seed, start * BATCH, (start + count) * BATCH)
        x, y = self.points[chosen], self.labels(chosen)
        return x.reshape(count, BATCH, 2), y.reshape(count, BATCH)

    def majority(self, rows: slice) -> float:
        """The share of these points that has their most frequent class."""
        labels = self.labels(rows)
        return int(labels.bincount().max()) / len(labels)

    def _chosen(self, seed: int, start: int, stop: int) -> Tensor:
        turn, place = divmod(start, TRAIN)
        here = torch.arange(place, min(place + stop - start, TRAIN))
        end = start + len(here)
        if turn or seed != self.seed:
            a, b = order(seed, turn)
            here = (a * here + b) % TRAIN
        return here if end == stop else torch.cat([here, self._chosen(seed, end, stop)])


@functools.lru_cache(maxsize=64)
def environment(seed: int, rule: Division) -> Environment:
    """Draw the environment, in the published order, with NumPy's legacy generator, whose numbers never change."""
    draw = np.random.RandomState(seed)
    k = draw.randint(100, 151)
    centers = _square(draw.rand(k, 2))
    classes = torch.from_numpy(draw.randint(2, size=k)).long()
    points = _square(draw.rand(TRAIN + VALIDATION + TEST, 2))
    return Environment(seed, centers, classes, points, rule)


def _square(uniform: np.ndarray[Any, np.dtype[np.float64]]) -> Tensor:
    return torch.from_numpy((2 * uniform - 1) * SIDE).float()


def owner(x: Tensor, centers: Tensor, rule: Division) -> Tensor:
    """The index [rows] of the center that each point belongs to, in float64: at borders rounding would decide.

    Args:
        x: [rows, 2].
        centers: [centers, 2].
        rule: `nearest` by distance; `tangent` by the distance to the line through c perpendicular to c, over |c|.
    """
    x, centers = x.double(), centers.double()
    square = centers.square().sum(dim=1)
    products = x @ centers.T
    distance = square - 2 * products if rule == "nearest" else (products / square - 1).square()
    return distance.argmin(dim=1)


def tangents(centers: Tensor) -> Tensor:
    """R = c / |c|^2: x R^T is 1 on the line through c perpendicular to c. Other roundings lead to other runs."""
    norm: Tensor = torch.linalg.norm(centers, dim=1, keepdim=True)
    return centers / norm**2


@functools.lru_cache(maxsize=64)
def instance(seed: int, rule: Division, grid: int) -> dict[str, Tensor]:
    """What a task holds of an environment beside the points to train on; the same tensors for all lanes.

    Args:
        seed: Of the environment.
        rule: Which center a point belongs to.
        grid: Rows and columns of the map of the square, the first row at the bottom.
    """
    truth = environment(seed, rule)
    places = (torch.arange(grid) + 0.5) * (2 * SIDE / grid) - SIDE
    points = torch.cartesian_prod(places, places).flip(1)
    (classes,) = chunked(lambda x: truth.classes[owner(x, truth.centers, rule)], points, size=4096)
    return {
        "true_centers": truth.centers,
        "true_class": truth.classes,
        "tangents": tangents(truth.centers),
        "environment": classes.byte().reshape(grid, grid),
        "grid": points,
        "val": truth.points[VALIDATION_ROWS],
        "val_label": truth.labels(VALIDATION_ROWS),
        "test": truth.points[TEST_ROWS],
        "test_label": truth.labels(TEST_ROWS),
    }


@functools.lru_cache(maxsize=4096)
def order(seed: int, turn: int) -> tuple[int, int]:
    """Two numbers that set the order of one round through the training points: i -> (a i + b) mod n.

    The points are independent of each other, so that this is as good as a shuffle, and a block of steps anywhere
    costs no more than its own points.
    """
    draw = np.random.default_rng((seed % 2**64, turn))
    while math.gcd(a := int(draw.integers(TRAIN)), TRAIN) > 1:
        pass
    return a, int(draw.integers(TRAIN))
