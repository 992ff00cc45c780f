"""A line through noisy points, fitted by minibatches."""

from dataclasses import dataclass

import torch
from torch import Tensor

from dynviz.task import Batch, Channel, Probe, Task, Tensors, parameter

# The line above is what `dynviz list` says about this file, and the docstring below what it says about each option:
#
#     dynviz run ./NAME.py:noise=0.5 -o sgd:lr=0.1 -o adam:lr=0.1
#     dynviz run ./NAME.py -o sgd:lr=0.1 --seeds 0:8

POINTS = 256


@dataclass(frozen=True)
class Mine:
    """The points are y = 2 x - 1 with noise; the parameters are slope and offset.

    Attributes:
        noise: Standard deviation of the noise in y.
        batch: Points in a batch.
    """

    # The options. Whoever writes `./NAME.py:noise=0.5` sets one.
    # A file that is read is an option too, `data: Path = Path("points.csv")`: then a run notices when it changes.
    noise: float = 0.2
    batch: int = 16

    def build(self, seed: int) -> Task:
        """The task of the lane with this seed, written for one lane; training stacks lanes."""
        generator = torch.Generator().manual_seed(seed)
        x = 2 * torch.rand(POINTS, generator=generator) - 1
        y = 2 * x - 1 + self.noise * torch.randn(POINTS, generator=generator)

        def batches(start: int, count: int) -> Batch:
            # A pure function of the seed and the step, so that a run can be stopped and gone on with, bit for bit.
            chosen = [
                torch.randint(POINTS, (self.batch,), generator=torch.Generator().manual_seed(seed * 1_000_003 + step))
                for step in range(start, start + count)
            ]
            rows = torch.stack(chosen)
            return x[rows], y[rows]

        return Task(
            parameters={"line": torch.zeros(2)},
            constants={"x": x, "y": y},
            loss=loss,
            batches=batches,
            steps=500,
            # What is recorded beside the loss: a parameter as it is, and a measurement.
            probes=(
                parameter("line", 1, ("coefficient",), "slope and offset of the line"),
                Probe(
                    (Channel("val_loss", 5, (), "mean squared error over all points", better="lower"),),
                    val_loss,
                ),
            ),
            every=5,
            # What the protocol of this task sets for optimizers by name, and for all others.
            hyperparameters={"*": {"lr": 0.05}},
            # The views that suit, the most telling first; `dynviz list views` prints all.
            views=("curves",),
        )


def loss(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
    """Mean squared error of a batch: a pure function of parameters, constants of the task, and the batch."""
    x, y = batch
    return _error(parameters, x, y)


def val_loss(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
    """The same over all points."""
    return _error(parameters, constants["x"], constants["y"])


def _error(parameters: Tensors, x: Tensor, y: Tensor) -> Tensor:
    line = parameters["line"]
    return (line[0] * x + line[1] - y).square().mean()


scenario = Mine
