"""A small network, written as an nn.Module, learns which of two spirals a point lies on."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from dynviz.task import Batch, Channel, Probe, Task, Tensors

# The line above is what `dynviz list` prints about this file, and the docstring below what it prints about each option:
#
#     dynviz run ./NAME.py:width=64 -o adam -o muon
#     dynviz run ./NAME.py -o adam --seeds 0:8 --record parameters

POINTS = 512


class Network(nn.Module):
    """Two hidden layers; any module does, as long as it changes nothing but its output."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.head = nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers(x))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Mine:
    """Each point lies on one of two spirals; the network says which.

    Attributes:
        width: Units of each hidden layer.
        batch: Points in a batch.
    """

    # The options. `./NAME.py:width=64` sets one.
    width: int = 32
    batch: int = 64

    def build(self, seed: int) -> Task:
        """The task of the lane with this seed. Write it for one lane; training stacks lanes."""
        # The module is initialised by the seed alone, whatever has drawn random numbers before.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = Network(self.width)
            x, y = spirals()

        def batches(start: int, count: int) -> Batch:
            # A pure function of the seed and the step, so that a run can be stopped and resumed bit for bit.
            rows = [
                torch.randint(POINTS, (self.batch,), generator=torch.Generator().manual_seed(seed * 1_000_003 + step))
                for step in range(start, start + count)
            ]
            return x[torch.stack(rows)], y[torch.stack(rows)]

        def loss(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            # The module's own parameters are never changed: it is called with those of the step.
            points, classes = batch
            return nn.functional.cross_entropy(functional_call(network, dict(parameters), (points,)), classes)

        def accuracy(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            logits: Tensor = functional_call(network, dict(parameters), (constants["x"],))
            return (logits.argmax(dim=-1) == constants["y"]).float().mean()

        return Task(
            parameters={name: value.detach().clone() for name, value in network.named_parameters()},
            constants={"x": x, "y": y},
            loss=loss,
            batches=batches,
            steps=1000,
            # What is recorded beside the loss.
            probes=(
                Probe((Channel("accuracy", 10, (), "fraction of all points that are classified correctly"),), accuracy),
            ),
            # The hyperparameters that this task sets: by optimizer name, and for all others.
            hyperparameters={"sgd": {"lr": 0.3}, "*": {"lr": 0.01}},
            views=("curves",),
        )


def spirals() -> tuple[Tensor, Tensor]:
    """Points in the plane [POINTS, 2] and their classes, 0 or 1."""
    classes = torch.arange(POINTS) % 2
    radius = torch.rand(POINTS).sqrt()
    angle = 2 * math.pi * radius + math.pi * classes
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1), classes


scenario = Mine
