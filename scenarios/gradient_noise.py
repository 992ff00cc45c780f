"""How far stochastic gradients are from the gradient, in images and in language."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from torch import Generator, Tensor
from torch.nn import functional

from dynviz.errors import DynvizError
from dynviz.scenarios._data import CLASSES, images
from dynviz.scenarios._draws import Draws, integers
from dynviz.scenarios._transformer import Transformer
from dynviz.scenarios._zipf import language, unseen
from dynviz.task import Batch, Channel, Probe, Task, Tensors

Source: TypeAlias = Literal["digits", "shapes", "language"]

SIDE = 8
WORDS = 200
"""Different tokens of the language."""
LENGTH = 8
"""Tokens of a sequence."""
HEADS, LAYERS = 4, 2
EVERY = 10
SELDOM = 50
"""Steps between measurements of the noise, each of which takes gradients of all data."""
BATCH = 32
UNSEEN = 512
"""Sequences that are never trained on. (Of images as many are kept apart.)"""


@dataclass(frozen=True)
class GradientNoise:
    """A small convolutional network learns images, or a transformer a made language with words as rare as ours.

    All data is cut into small batches, once for each lane. At a step their gradients are taken at the present weights;
    the mean of these is the gradient of all data, and `noise` holds the distance of each from it. Training itself goes
    by other batches, drawn at random. `val_loss` is the loss on images or sequences that training never sees.

    Source: Zhang et al. 2020, Why are adaptive methods good for attention models?; Ahn et al. 2024, Linear attention is
    (maybe) all you need.

    Attributes:
        data: Handwritten digits (from scikit-learn), shapes that are drawn in noise, or a made language.
        rows: How many images or sequences.
        noise_batch: Images or sequences in a batch whose gradient is compared.
        width: Width of the transformer, a multiple of 4; the convolutions have a quarter and half as many filters.
    """

    data: Source = "digits"
    rows: int = 1024
    noise_batch: int = 4
    width: int = 32

    def __post_init__(self) -> None:
        if self.data not in get_args(Source):
            raise DynvizError(f"gradient-noise has no data {self.data!r}; choose one of {', '.join(get_args(Source))}")
        if not 16 <= self.rows <= 100_000:
            raise DynvizError(f"rows={self.rows} cannot be; write a whole number from 16 to 100000")
        if not 1 <= self.noise_batch <= self.rows // 8:
            raise DynvizError(
                f"noise_batch={self.noise_batch} leaves too few batches; write one from 1 to {self.rows // 8}"
            )
        if self.width % HEADS or not HEADS <= self.width <= 1024:
            raise DynvizError(f"width={self.width} cannot be; write a multiple of {HEADS} up to 1024")

    def build(self, seed: int) -> Task:
        generator = Generator().manual_seed(seed)
        (inputs, labels), (new, new_labels) = self._data()
        parameters = self._parameters(generator)
        rows = len(inputs)
        batches = rows // self.noise_batch
        cut = torch.randperm(rows, generator=generator)[: batches * self.noise_batch].view(batches, -1)
        chosen = Draws(seed, integers(min(BATCH, rows), rows))
        network = self._transformer.logits if self.data == "language" else _convolutional

        def of(parameters: Tensors, inputs: Tensor, labels: Tensor) -> Tensor:
            logits = network(parameters, inputs)
            return functional.cross_entropy(logits.flatten(0, -2), labels.flatten())

        def loss(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:
            (index,) = batch
            return of(parameters, constants["inputs"][index], constants["labels"][index])

        def whole(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            return of(parameters, constants["inputs"], constants["labels"])

        def validation(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            return of(parameters, constants["new"], constants["new_labels"])

        def noise(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            gradient = torch.func.vmap(torch.func.grad(of), in_dims=(None, 0, 0))
            cut = constants["cut"]
            slopes = gradient(dict(parameters), constants["inputs"][cut], constants["labels"][cut])
            squares = [(slope - slope.mean(0)).flatten(1).square().sum(1) for slope in slopes.values()]
            return torch.stack(squares).sum(0).sqrt()

        return Task(
            parameters=parameters,
            loss=loss,
            batches=lambda start, count: (chosen.rows(start, count),),
            steps=400,
            tokens=inputs.shape[1] if self.data == "language" else 0,
            constants={"inputs": inputs, "labels": labels, "cut": cut, "new": new, "new_labels": new_labels},
            probes=(
                Probe((Channel("train_loss", EVERY, (), "mean cross-entropy of all data", better="lower"),), whole),
                Probe(
                    (Channel("val_loss", EVERY, (), f"mean cross-entropy of {len(new)} unseen ones", better="lower"),),
                    validation,
                ),
                Probe(
                    (
                        Channel(
                            "noise",
                            SELDOM,
                            ("batch",),
                            "norm of the difference between the gradient of each small batch and that of all data",
                            title="distance of gradients from the mean",
                        ),
                    ),
                    noise,
                    stacked=False,
                ),
            ),
            every=10,
            hyperparameters=TUNED["language" if self.data == "language" else "images"],
            views=("noise", "curves"),
            title="How far small batches are from the gradient",
            what={"data": {"digits": "digits", "language": "a language of rare words"}.get(self.data, "shapes")},
            facts={"data": self.data, "noise_batch": self.noise_batch},
        )

    @property
    def _transformer(self) -> Transformer:
        return Transformer(tokens=WORDS, outputs=WORDS, length=LENGTH, width=self.width, heads=HEADS, layers=LAYERS)

    def _data(self) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Inputs and labels that are trained on, and others."""
        if self.data == "language":
            text = language(WORDS, 1.0, self.rows, LENGTH, 0)
            return (text.inputs, text.labels), unseen(WORDS, 1.0, self.rows, LENGTH, 0, count=UNSEEN)
        known = images(self.data, SIDE)
        return (known.train[: self.rows], known.train_label[: self.rows]), (known.test, known.test_label)

    def _parameters(self, generator: Generator) -> dict[str, Tensor]:
        if self.data == "language":
            made: dict[str, Tensor] = self._transformer.parameters(generator)
            return made
        return _filters(generator, self.width // 4, self.width // 2)


TUNED = {
    "images": {"growing": {"lr": 0.1, "momentum": 0.9}, "adam": {"lr": 0.01}, "*": {"lr": 3e-3}},
    "language": {"growing": {"lr": 0.3, "momentum": 0.9}, "adam": {"lr": 0.01}, "*": {"lr": 3e-3}},
}
"""Rates of least loss after 400 steps, in sweeps by factors of three."""


def _filters(generator: Generator, first: int, second: int) -> dict[str, Tensor]:
    """Initial weights of He's variance, for so many filters of the two layers."""
    shapes = {
        "conv1": (first, 1, 3, 3),
        "conv2": (second, first, 3, 3),
        "W": (CLASSES, second * (SIDE // 4) ** 2),
    }
    parameters = {
        name: torch.randn(shape, generator=generator) * math.sqrt(2 / math.prod(shape[1:]))
        for name, shape in shapes.items()
    }
    return parameters | {"bias1": torch.zeros(first), "bias2": torch.zeros(second), "b": torch.zeros(CLASSES)}


def _convolutional(parameters: Tensors, images: Tensor) -> Tensor:
    """Two convolutions, each with half the pixels after it, and a linear layer."""
    x = images
    for layer in ("1", "2"):
        x = functional.conv2d(x, parameters[f"conv{layer}"], parameters[f"bias{layer}"], padding=1)
        x = torch.relu(functional.avg_pool2d(x, 2))
    return functional.linear(x.flatten(1), parameters["W"], parameters["b"])


scenario = GradientNoise
