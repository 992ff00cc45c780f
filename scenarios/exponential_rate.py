"""Weight decay as a growing rate in disguise, in a scale-invariant network."""

from dataclasses import dataclass
from itertools import pairwise
from typing import get_args

import torch
from torch import Generator, Tensor
from torch.nn import functional

from dynviz.errors import DynvizError
from dynviz.scenarios._data import CLASSES, Data, images
from dynviz.scenarios.landscape import ImageBatches
from dynviz.task import Batch, Channel, Probe, Task, Tensors

SIDE = 8
BATCH = 64
SEEN = 64
"""Test images on which the function is recorded."""
EVERY = 10
SHARPNESS = 3.0
"""What the normalised logits are multiplied by."""


@dataclass(frozen=True)
class ExponentialRate:
    """A perceptron learns small images; its layers are normalised, so that it does not see the length of its weights.

    There SGD with momentum, weight decay and a constant rate trains the same functions as SGD without decay whose rate
    grows exponentially: only the length of the weights, which shrinks in one and grows in the other, tells them apart.
    The schedule `undecayed` computes that rate; it is zero from where the numbers would overflow. All is in float64.

    Source: Li and Arora 2020, An exponential learning rate schedule for deep learning.

    Attributes:
        data: Handwritten digits (from scikit-learn), or shapes that are drawn in noise.
        width: Units of both hidden layers.
    """

    data: Data = "digits"
    width: int = 32

    def __post_init__(self) -> None:
        if self.data not in get_args(Data):
            raise DynvizError(f"exponential-rate has no data {self.data!r}; choose one of {', '.join(get_args(Data))}")
        if not 2 <= self.width <= 4096:
            raise DynvizError(f"width={self.width} is not a number of units; write one from 2 to 4096")

    def build(self, seed: int) -> Task:
        generator = Generator().manual_seed(seed)
        data = images(self.data, SIDE)
        sizes = [SIDE * SIDE, self.width, self.width, CLASSES]
        parameters = {
            f"W{layer}": torch.randn(after, before, generator=generator, dtype=torch.float64) / before**0.5
            for layer, (before, after) in enumerate(pairwise(sizes), start=1)
        }
        channels = (
            Channel("outputs", EVERY, ("image", "class"), f"logits of {SEEN} test images"),
            Channel("log_norm", EVERY, (), "log10 of the norm of all weights", title="log10 of the weights' norm"),
            Channel("test_loss", EVERY, (), "mean cross-entropy of the test images", better="lower"),
            Channel(
                "test_accuracy",
                EVERY,
                (),
                "share of the test images that are classified correctly",
                better="higher",
                bounds=(0.0, 1.0),
            ),
        )
        return Task(
            parameters=parameters,
            loss=_loss,
            batches=ImageBatches(seed, len(data.train), BATCH, (0, 0.0)).batches,
            steps=1000,
            constants={
                name: value.double() if value.is_floating_point() else value for name, value in vars(data).items()
            },
            probes=(Probe(channels, _measure),),
            every=EVERY,
            hyperparameters={"growing": {"lr": 0.02, "momentum": 0.9}, "*": {"lr": 1e-3}},
            views=("equivalence", "curves"),
            title="Weight decay, or a rate that grows",
            what={"data": ""},
        )


def _logits(parameters: Tensors, images: Tensor) -> Tensor:
    """Each layer is normalised over its units, without anything that is added to the variance."""
    x = images.flatten(1)
    for layer in range(1, len(parameters) + 1):
        x = functional.linear(x, parameters[f"W{layer}"])
        x = functional.layer_norm(x, x.shape[-1:], eps=0.0)
        x = x.relu() if layer < len(parameters) else SHARPNESS * x
    return x


def _loss(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:
    (index,) = batch
    return functional.cross_entropy(_logits(parameters, constants["train"][index]), constants["train_label"][index])


def _measure(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
    logits, label = _logits(parameters, constants["test"]), constants["test_label"]
    # The largest weight is taken out before numbers are squared, which overflow at the root of the largest number.
    largest = torch.stack([value.abs().amax() for value in parameters.values()]).amax()
    squares = torch.stack([(value / largest).square().sum() for value in parameters.values()]).sum()
    right = (logits.argmax(dim=1) == label).to(logits.dtype).mean()
    return logits[:SEEN], largest.log10() + squares.log10() / 2, functional.cross_entropy(logits, label), right


scenario = ExponentialRate
