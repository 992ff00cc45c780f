"""One weight that most samples push a little, and rare ones push hard."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias, get_args

import torch
from torch import Generator, Tensor
from torch.nn.functional import softplus

from dynviz.errors import DynvizError
from dynviz.plugins.ranges import Positive, Range
from dynviz.task import Batch, Channel, Probe, Task, Tensors, parameter

Order: TypeAlias = Literal["random", "periodic"]
Rarity: TypeAlias = Annotated[float, Range(0, 0.5, without="low")]

TOGETHER = 1024
"""Samples that are drawn at once."""


@dataclass(frozen=True)
class RareGradient:
    """The bias of an imbalanced classifier, one sample per step: many small gradients and a rare large one.

    A sample is of the rare class with a small probability r. The classifier says "common" with probability p =
    sigmoid(w). Near the optimum a common sample pulls w up with a gradient of about r, and a rare one pulls it down
    with about one: an optimizer that settles on the common samples alone runs off towards plus infinity until the next
    rare one. With the rare sample's loss counted `size` times, the mean loss over samples is least at

        w* = log((1 - r) / (size r)),  p* = (1 - r) / (1 - r + size r).

    Attributes:
        rate: The share r of rare samples.
        size: How many times a rare sample's loss counts.
        order: Whether rare samples come at random, or every 1 / rate steps.
        start: The weight before the first step.
    """

    rate: Rarity = 0.01
    size: Positive = 1.0
    order: Order = "random"
    start: float = 0.0

    def __post_init__(self) -> None:
        if self.order not in get_args(Order):
            raise DynvizError(f"rare-gradient has no order {self.order!r}; choose one of {', '.join(get_args(Order))}")

    def build(self, seed: int) -> Task:
        rate, size = self.rate, self.size
        optimum = math.log((1 - rate) / (size * rate))

        def mean_loss(weight: Tensor) -> Tensor:
            return (1 - rate) * softplus(-weight) + rate * size * softplus(weight)

        least = float(mean_loss(torch.tensor(optimum, dtype=torch.float64)))

        def loss(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            weight, (rare,) = parameters["weight"], batch
            return (1 - rare) * softplus(-weight) + rare * size * softplus(weight)

        def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
            weight = parameters["weight"]
            return weight - optimum, mean_loss(weight) - least, batch[0]

        channels = (
            Channel("distance", 1, (), "weight minus the optimal one", title="distance from the optimum"),
            Channel(
                "excess_loss",
                1,
                (),
                "mean loss over all samples, minus its minimum",
                title="excess of the mean loss",
                better="lower",
                bounds=(0.0, math.inf),
            ),
            Channel(
                "rare",
                1,
                (),
                "1 if the sample of the step is a rare one, else 0",
                title="rare samples",
                bounds=(0.0, 1.0),
            ),
        )
        return Task(
            {"weight": torch.tensor(self.start, dtype=torch.float64)},
            loss,
            lambda start, count: (self._rare(seed, start, count),),
            10_000,
            probes=(Probe(channels, measure), parameter("weight", 1, (), "the weight")),
            every=1,
            hyperparameters={
                "growing": {"lr": 0.1},
                "*": {"lr": 0.01},
            },
            views=("curves", "scalars"),
            title="Many small gradients, then a large one",
            what={
                "rate": f"one sample in {1 / self.rate:.4g} is rare",
                "order": "at random" if self.order == "random" else "in turn",
            },
            facts={"optimum": [[optimum]]},
        )

    def _rare(self, seed: int, start: int, count: int) -> Tensor:
        """Which of some samples are rare: 1, or 0; a function of the seed and the step alone."""
        steps = range(start, start + count)
        if self.order == "periodic":
            period = max(1, round(1 / self.rate))
            return torch.tensor([float(step % period == period - 1) for step in steps], dtype=torch.float64)
        first, last = start // TOGETHER, (start + count - 1) // TOGETHER
        draws = torch.cat([_draws(seed, number) for number in range(first, last + 1)])
        return (draws[start - first * TOGETHER :][:count] < self.rate).to(torch.float64)


def _draws(seed: int, number: int) -> Tensor:
    """Even numbers from 0 to 1 for the samples number x TOGETHER and on."""
    generator = Generator().manual_seed((seed * 1_000_003 + number + 1) % 2**63)
    return torch.rand(TOGETHER, generator=generator, dtype=torch.float64)


scenario = RareGradient
