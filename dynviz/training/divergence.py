"""Which lanes of a recording have diverged, and when."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BLOWN_UP = 1e6
"""A loss this many times the first one (or 1, if that is larger) counts as diverged, as one that is not finite does."""


class DivergenceWatch:
    """Sees lanes diverge as their losses are written."""

    def __init__(self, lanes: int) -> None:
        self._reference = np.full(lanes, np.nan)
        # The step at which each lane diverged, -1 where it did not.
        self._steps = np.full(lanes, -1, dtype=np.int64)

    def look(self, losses: NDArray[Any], steps: NDArray[np.int64]) -> Iterator[tuple[int, int, float]]:
        """The steps, lanes and losses at which lanes diverge for the first time.

        Args:
            losses: [samples, lanes]
            steps: [samples], from 0 for the very first sample of a run.
        """
        if steps[0] == 0:
            self._reference = np.maximum(np.abs(np.nan_to_num(losses[0], nan=1.0, posinf=1.0, neginf=1.0)), 1.0)
        with np.errstate(invalid="ignore"):
            bad = ~np.isfinite(losses) | (losses > BLOWN_UP * self._reference)
        for place, lane in zip(*np.nonzero(bad), strict=True):
            if self._steps[lane] < 0:
                self._steps[lane] = steps[place]
                yield int(steps[place]), int(lane), float(losses[place, lane])

    def state(self) -> dict[str, Tensor]:
        """What is seen so far, as a tree."""
        return {"reference": torch.from_numpy(self._reference), "diverged": torch.from_numpy(self._steps)}

    @classmethod
    def of(cls, tree: dict[str, Tensor]) -> "DivergenceWatch":
        """What goes on from a state that `state` gave."""
        watch = cls(0)
        watch._reference, watch._steps = tree["reference"].cpu().numpy(), tree["diverged"].cpu().numpy()
        return watch

    def forget(self, step: int) -> None:
        """What happens from this step on will be seen again."""
        self._steps[self._steps >= step] = -1
