"""Small networks for images of ten classes, written as functions of their tensors."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

import torch
from torch import Generator, Tensor
from torch.nn import functional

from dynviz.task import Tensors

Forward: TypeAlias = Callable[[Tensors, Tensor, Tensor | None, Tensors | None], tuple[Tensor, Tensors]]
"""Function of (parameters, images, dropout's mask of the last hidden layer, statistics) to logits and statistics.

Without statistics batch normalisation takes those of the images, and gives them back; else it takes the given ones.
"""

EPS = 1e-5
CHANNELS = (16, 32, 64)


@dataclass(frozen=True)
class Network:
    """A network: its tensors and the function of them.

    Attributes:
        parameters: Initial.
        forward: From images to logits.
        side: Of the images.
        hidden: Units of the last hidden layer, which dropout may silence.
        statistics: Initial running means and variances, where there is batch normalisation.
    """

    parameters: dict[str, Tensor]
    forward: Forward
    side: int
    hidden: int
    statistics: dict[str, Tensor] = field(default_factory=dict)


def he(generator: Generator, *shape: int) -> Tensor:
    """Normal numbers of variance 2 / (numbers that reach one unit)."""
    return torch.randn(*shape, generator=generator) * math.sqrt(2 / math.prod(shape[1:]))


def mlp(generator: Generator, sizes: Sequence[int] = (32, 32), side: int = 8) -> Network:
    """A perceptron with ReLU; of digits with two layers of 32 it has 3 466 parameters."""
    widths = [side * side, *sizes, 10]
    parameters: dict[str, Tensor] = {}
    for layer, (before, after) in enumerate(pairwise(widths), start=1):
        parameters[f"W{layer}"] = he(generator, after, before)
        parameters[f"b{layer}"] = torch.zeros(after)
    last = len(sizes) + 1

    def forward(
        parameters: Tensors, images: Tensor, mask: Tensor | None, statistics: Tensors | None
    ) -> tuple[Tensor, Tensors]:
        x = images.flatten(1)
        for layer in range(1, last):
            x = torch.relu(functional.linear(x, parameters[f"W{layer}"], parameters[f"b{layer}"]))
        x = x if mask is None else x * mask
        return functional.linear(x, parameters[f"W{last}"], parameters[f"b{last}"]), statistics or {}

    return Network(parameters, forward, side, sizes[-1])


def cnn(generator: Generator) -> Network:
    """Two convolutions and two linear layers on images of 28 x 28: 105 866 parameters."""
    parameters = {
        "conv1": he(generator, 16, 1, 3, 3),
        "bias1": torch.zeros(16),
        "conv2": he(generator, 32, 16, 3, 3),
        "bias2": torch.zeros(32),
        "W3": he(generator, 64, 32 * 7 * 7),
        "b3": torch.zeros(64),
        "W4": he(generator, 10, 64),
        "b4": torch.zeros(10),
    }

    def forward(
        parameters: Tensors, images: Tensor, mask: Tensor | None, statistics: Tensors | None
    ) -> tuple[Tensor, Tensors]:
        x = images
        for layer in ("1", "2"):
            x = functional.conv2d(x, parameters[f"conv{layer}"], parameters[f"bias{layer}"], padding=1)
            x = torch.relu(_halved(x))
        x = torch.relu(functional.linear(x.flatten(1), parameters["W3"], parameters["b3"]))
        x = x if mask is None else x * mask
        return functional.linear(x, parameters["W4"], parameters["b4"]), statistics or {}

    return Network(parameters, forward, 28, 64)


def _halved(x: Tensor) -> Tensor:
    """The largest of each 2 x 2 pixels. Two maxima of slices take a tenth of the time of `max_pool2d` on a CPU."""
    rows = torch.maximum(x[..., 0::2, :], x[..., 1::2, :])
    return torch.maximum(rows[..., 0::2], rows[..., 1::2])


def resnet(generator: Generator, depth: int = 20, *, skip: bool = True) -> Network:
    """The residual network of He et al. 2016 for small images, on 8 x 8: depth 6n + 2, in stages of 16, 32, 64.

    Without `skip` it is the plain network of the same layers. Shortcuts have no parameters (their option A).

    Source: He, Zhang, Ren and Sun 2016, Deep residual learning for image recognition, section 4.2.
    """
    blocks = [
        (f"{stage}.{place}", CHANNELS[max(stage - (place == 0), 0)], CHANNELS[stage])
        for stage in range(len(CHANNELS))
        for place in range((depth - 2) // 6)
    ]
    layers = [("first", 1, CHANNELS[0])]
    for name, before, after in blocks:
        layers += [(f"{name}.a", before, after), (f"{name}.b", after, after)]
    parameters: dict[str, Tensor] = {}
    statistics: dict[str, Tensor] = {}
    for name, before, after in layers:
        parameters[f"{name}.conv"] = he(generator, after, before, 3, 3)
        parameters[f"{name}.scale"] = torch.ones(after)
        parameters[f"{name}.shift"] = torch.zeros(after)
        statistics[f"{name}.mean"] = torch.zeros(after)
        statistics[f"{name}.variance"] = torch.ones(after)
    parameters["W"] = he(generator, 10, CHANNELS[-1])
    parameters["b"] = torch.zeros(10)

    def forward(
        parameters: Tensors, images: Tensor, mask: Tensor | None, statistics: Tensors | None
    ) -> tuple[Tensor, Tensors]:
        running: dict[str, Tensor] = {}

        def layer(x: Tensor, name: str, stride: int = 1) -> Tensor:
            x = functional.conv2d(x, parameters[f"{name}.conv"], stride=stride, padding=1)
            mean, variance = (
                _moments(x) if statistics is None else (statistics[f"{name}.mean"], statistics[f"{name}.variance"])
            )
            running[f"{name}.mean"], running[f"{name}.variance"] = mean, variance
            scale = parameters[f"{name}.scale"] * torch.rsqrt(variance + EPS)
            return x * scale[:, None, None] + (parameters[f"{name}.shift"] - mean * scale)[:, None, None]

        x = torch.relu(layer(images, "first"))
        for name, before, after in blocks:
            stride = 1 if before == after else 2
            inner = layer(torch.relu(layer(x, f"{name}.a", stride)), f"{name}.b")
            x = torch.relu(inner + _shortcut(x, stride, after - before)) if skip else torch.relu(inner)
        x = x.mean(dim=(2, 3))
        x = x if mask is None else x * mask
        return functional.linear(x, parameters["W"], parameters["b"]), running

    return Network(parameters, forward, 8, CHANNELS[-1], statistics)


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    return x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), correction=0)


def _shortcut(x: Tensor, stride: int, more: int) -> Tensor:
    """The images as they are; every other pixel, and channels of zeros behind, where the block has more of them."""
    return functional.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, more)) if more else x
