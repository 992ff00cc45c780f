"""Linear least squares with two weights: samples that no weights fit exactly."""

import functools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

TRUTH = (1.5, -0.5)
MIXING = ((1.0, 0.6), (0.0, 0.5))
"""From independent features to those of the samples, so that the bowl is long and tilted."""
SPREAD = 0.5
"""Deviation of the targets from what the truth gives."""


@dataclass(frozen=True)
class Samples:
    """The samples, and what their mean loss (1/n) sum_i (a_i^T w - b_i)^2 / 2 comes down to.

    Attributes:
        features: a [samples, 2].
        targets: b [samples].
        optimum: The weights of least loss.
        constants: The names in the text of `least-squares`, with their numbers.
    """

    features: Tensor
    targets: Tensor
    optimum: tuple[float, float]
    constants: dict[str, float]

    def rows(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """The samples of batches: features [steps, batch, 2] and targets [steps, batch]."""
        return self.features[indices], self.targets[indices]


@functools.lru_cache(maxsize=16)
def samples(count: int) -> Samples:
    """So many samples, the same ones in every lane."""
    generator = np.random.default_rng(count)
    features = generator.standard_normal((count, 2)) @ np.array(MIXING)
    targets = features @ np.array(TRUTH) + SPREAD * generator.standard_normal(count)
    best, *_ = np.linalg.lstsq(features, targets, rcond=None)
    hessian = features.T @ features / count
    rest = float(np.square(features @ best - targets).mean() / 2)
    u, v = map(float, best)
    constants = {"a": hessian[0, 0], "b": hessian[0, 1], "c": hessian[1, 1], "u": u, "v": v, "rest": rest}
    return Samples(
        torch.from_numpy(features),
        torch.from_numpy(targets),
        (u, v),
        {name: float(value) for name, value in constants.items()},
    )


def loss(weights: Tensor, features: Tensor, targets: Tensor) -> Tensor:
    """Half the mean square of what is left over on a batch, features [samples, 2]."""
    left: Tensor = features @ weights - targets
    return left.square().mean() / 2
