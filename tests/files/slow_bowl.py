"""A bowl whose steps take a while, so that a test can end them on the way."""

import time
from dataclasses import dataclass

import torch

from dynviz.errors import DynvizError
from dynviz.task import Task, no_batches


@dataclass(frozen=True)
class SlowBowl:
    """A bowl of so many dimensions.

    Attributes:
        size: Dimensions.
        seconds: That a step takes.
        steps: How many.
    """

    size: int = 2
    seconds: float = 0.005
    steps: int = 100

    def __post_init__(self) -> None:
        if self.size == 13:
            raise DynvizError("a bowl of 13 dimensions brings bad luck")

    def build(self, seed: int) -> Task:
        generator = torch.Generator().manual_seed(seed)

        def loss(parameters, constants, batch):
            time.sleep(self.seconds)
            if self.size == 14 and len(constants["long"]):
                raise ZeroDivisionError("nobody foresaw this")
            return parameters["w"].square().sum()

        start = {"w": torch.randn(self.size, generator=generator)}
        return Task(start, loss, no_batches, self.steps, {"long": torch.zeros(4)}, every=1)


scenario = SlowBowl
