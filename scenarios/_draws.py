"""Random numbers of steps: a pure function of a seed and the step, drawn in blocks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BLOCK = 1024
"""Steps whose numbers are drawn together."""
KEPT = 2
"""Blocks that stay in memory."""


class Draws:
    """What one lane draws, for any steps and in any order."""

    def __init__(self, seed: int, draw: Callable[[np.random.Generator, int], NDArray[Any]]) -> None:
        """Say what is drawn.

        Args:
            seed: Of the lane.
            draw: Function of a generator and a count to so many rows.
        """
        self._seed = seed
        self._draw = draw
        self._blocks: dict[int, Tensor] = {}

    def rows(self, start: int, count: int) -> Tensor:
        """The rows of steps start..start+count-1."""
        first, last = start // BLOCK, (start + count - 1) // BLOCK
        drawn = [self._block(number) for number in range(first, last + 1)]
        joined = drawn[0] if len(drawn) == 1 else torch.cat(drawn)
        return joined[start - first * BLOCK :][:count]

    def _block(self, number: int) -> Tensor:
        if number not in self._blocks:
            generator = np.random.default_rng([self._seed, number])
            self._blocks[number] = torch.from_numpy(self._draw(generator, BLOCK))
            while len(self._blocks) > KEPT:
                del self._blocks[next(iter(self._blocks))]
        return self._blocks[number]


def normal(size: int) -> Callable[[np.random.Generator, int], NDArray[np.float32]]:
    """Standard normal numbers, so many in a row."""
    return lambda generator, count: generator.standard_normal((count, size), dtype=np.float32)


def integers(size: int, below: int) -> Callable[[np.random.Generator, int], NDArray[np.int64]]:
    """Whole numbers from 0, so many in a row."""
    return lambda generator, count: generator.integers(below, size=(count, size))
