"""Noise for rules that request it: a pure function of the lane's seed and the step."""

from collections.abc import Sequence

import torch
from torch import Tensor

BLOCK = 256
"""Steps that are drawn at once: a generator for each would take longer than a step."""
HELD = 250_000
"""Numbers that are held of a lane at most; so many take far longer to draw than a generator to make."""


class Noise:
    """Uniform numbers between 0 and 1 for each number of theta at each step."""

    def __init__(self, seeds: Sequence[int], theta: Tensor) -> None:
        """Prepare the noise, without drawing any.

        Args:
            seeds: The seeds of the lanes; lanes with the same seed get the same noise, stacked or not.
            theta: All parameters, flattened: [numbers] for one lane, [lanes, numbers] for several.
        """
        self._seeds = tuple(seeds)
        self._theta = theta
        # By the numbers of one lane, so that the noise of a lane does not depend on its neighbours.
        self._block = max(1, min(BLOCK, HELD // max(theta.shape[-1], 1)))
        self._drawn: tuple[int, Tensor] = (-1, theta)

    def at(self, t: int) -> Tensor:
        """The noise of step t, shaped like theta."""
        block, place = divmod(t - 1, self._block)
        if self._drawn[0] != block:
            numbers = self._theta.shape[-1]
            lanes = []
            for seed in self._seeds:
                # Apart from the seeds that scenarios draw their batches by.
                generator = torch.Generator().manual_seed((seed * 0x9E3779B97F4A7C15 + block + 1) % 2**63)
                lanes.append(torch.rand(self._block, numbers, generator=generator, dtype=self._theta.dtype))
            rows = torch.stack(lanes, dim=1) if self._theta.ndim == 2 else lanes[0]
            self._drawn = block, rows.to(self._theta.device)
        return self._drawn[1][place]
