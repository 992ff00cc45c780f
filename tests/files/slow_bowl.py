"""A bowl whose steps take a while, so that a test can end them on the way; and that waits where a test wants it to.

It waits while there is a file `hold-import` or `hold-SIZE` beside it, and says by a file `held-...` that it does.
"""

import itertools
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from dynviz.errors import DynvizError
from dynviz.task import Task, no_batches

HERE = Path(__file__).parent
LOSSES = 60
"""A bowl that waits does it from this one on."""


def hold(name: str) -> None:
    file = HERE / f"hold-{name}"
    if file.exists():
        (HERE / f"held-{name}").touch()
    while file.exists():
        time.sleep(0.01)


@dataclass(frozen=True)
class SlowBowl:
    """A bowl of so many dimensions.

    Attributes:
        size: Dimensions.
        seconds: That a step takes.
        steps: The number of steps.
    """

    size: int = 2
    seconds: float = 0.005
    steps: int = 100

    def __post_init__(self) -> None:
        if self.size == 13:
            raise DynvizError("a bowl of 13 dimensions brings bad luck")

    def build(self, seed: int) -> Task:
        generator = torch.Generator().manual_seed(seed)
        losses = itertools.count(1)

        def loss(parameters, constants, batch):
            time.sleep(self.seconds)
            if next(losses) >= LOSSES:
                hold(str(self.size))
            if self.size == 14 and len(constants["long"]):
                raise ZeroDivisionError("nobody foresaw this")
            return parameters["w"].square().sum()

        start = {"w": torch.randn(self.size, generator=generator)}
        constants = {"long": torch.zeros(4)}
        return Task(start, loss, no_batches, self.steps, constants=constants, every=1, views=("curves",))


hold("import")
scenario = SlowBowl
