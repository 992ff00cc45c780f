"""A deep ReLU network: initial weights decide whether it can learn."""

import math
import re
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

INITIAL_WORDS = {"he": "He", "xavier": "Xavier", "equal": "all equal", "orthogonal": "orthogonal"}
INITIAL = ("he", "xavier", "equal", "orthogonal")
SIDE = 8
BATCH = 128
SEEN = 256
"""Images that signal and gradients are measured on."""


@dataclass(frozen=True)
class Initialisation:
    """A plain ReLU network of 22 or 30 layers learns small images, from weights that are drawn in one of five ways.

    ReLU halves the mean square of a signal in every layer. He's variance, 2 / n, makes up for it; Xavier's, 1 / n, does
    not, and after 30 layers signal and gradient are 2^-15 of what they were. With 22 layers both learn, He's sooner;
    with 30 Xavier's stands still.

    With `equal` weights, 1 / n each, all units of a layer get the same gradient and stay the same: every matrix keeps
    rank 1, however long it is trained. With `normal(sigma)` the deviation is the same in all layers: too small, and the
    signal dies; too large, and it explodes.

    Source: He, Zhang, Ren and Sun 2015, Delving deep into rectifiers, figures 2 and 3; Glorot and Bengio 2010; for
    orthogonal weights Saxe, McClelland and Ganguli 2014.

    Attributes:
        init: Variance of the initial weights: `he` 2 / n, `xavier` 2 / (n + m), of a layer from n to m units.
        layers: Number of weight layers, including the output layer.
        width: Units of a hidden layer.
        data: Handwritten digits (from scikit-learn), or shapes drawn in noise.
    """

    init: str = "he"
    layers: int = 22
    width: int = 64
    data: Data = "digits"

    def __post_init__(self) -> None:
        if self.init not in INITIAL and self._sigma is None:
            known = ", ".join((*INITIAL, "normal(sigma) with a number from 0"))
            raise DynvizError(f"initialisation has no init {self.init!r}; choose one of {known}")
        if self.data not in get_args(Data):
            raise DynvizError(f"initialisation has no data {self.data!r}; choose one of {', '.join(get_args(Data))}")
        if not 2 <= self.layers <= 200:
            raise DynvizError(f"layers={self.layers} is not a number of layers; write a whole number from 2 to 200")
        if not 1 <= self.width <= 4096:
            raise DynvizError(f"width={self.width} is not a number of units; write one from 1 to 4096")

    def build(self, seed: int) -> Task:
        generator = Generator().manual_seed(seed)
        data = images(self.data, SIDE)
        sizes = [SIDE * SIDE, *[self.width] * (self.layers - 1), CLASSES]
        parameters: dict[str, Tensor] = {}
        for layer, (before, after) in enumerate(pairwise(sizes), start=1):
            parameters[f"W{layer}"] = self._weights(after, before, generator)
            parameters[f"b{layer}"] = torch.zeros(after)
        layer_dims = ("layer",)
        signal = Channel(
            "signal",
            10,
            layer_dims,
            "root mean square of each layer's output",
            title="signal after each layer",
        )
        gradient = Channel(
            "gradient_size",
            10,
            layer_dims,
            "norm of the gradient of each layer's weights",
            title="gradient of each layer's weights",
        )
        rank = Channel(
            "weight_rank",
            10,
            layer_dims,
            "participation ratio of the squared singular values of each layer's weights: k of k equal ones",
            title="rank of each layer",
        )
        test = (
            Channel("test_loss", 10, (), "mean cross-entropy of the test images", better="lower"),
            Channel(
                "test_accuracy",
                10,
                (),
                "fraction of the test images that are classified correctly",
                better="higher",
                bounds=(0.0, 1.0),
            ),
        )
        return Task(
            parameters=parameters,
            loss=self._loss,
            batches=ImageBatches(seed, len(data.train), BATCH, (0, 0.0)).batches,
            steps=600,
            constants={**vars(data)},
            probes=(
                Probe((signal,), self._signal),
                Probe((gradient,), self._gradient),
                Probe((rank,), self._rank),
                Probe(test, self._test),
            ),
            every=10,
            # Found by trial: deeper networks of He's variance are lost at the rate that suits 22 layers.
            hyperparameters={
                "growing": {"lr": min(0.01, 0.01 * (22 / self.layers) ** 3), "momentum": 0.9},
                "*": {"lr": 1e-3},
            },
            views=("layers", "curves"),
            title=f"A network of {self.layers} layers learns, or does not",
            what={"init": INITIAL_WORDS.get(self.init, self.init), "layers": "", "data": ""},
            facts={"layers": self.layers, "init": self.init},
        )

    @property
    def _sigma(self) -> float | None:
        """The deviation of `normal(sigma)`; None for any other word."""
        match = re.fullmatch(r"normal\((.+)\)", self.init)
        try:
            sigma = float(match[1]) if match else math.nan
        except ValueError:
            return None
        return sigma if 0 <= sigma < math.inf else None

    def _weights(self, after: int, before: int, generator: Generator) -> Tensor:
        if self.init == "equal":
            return torch.full((after, before), 1 / before)
        if self.init == "orthogonal":
            return torch.nn.init.orthogonal_(torch.empty(after, before), math.sqrt(2), generator)
        variance = {"he": 2 / before, "xavier": 2 / (before + after)}.get(self.init, (self._sigma or 0.0) ** 2)
        return math.sqrt(variance) * torch.randn(after, before, generator=generator)

    def _rank(self, parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG002
        ranks = []
        for layer in range(1, self.layers + 1):
            weights = parameters[f"W{layer}"]
            least = torch.finfo(weights.dtype).tiny
            # Scaled first: fourth powers of small weights are below the smallest number.
            weights = weights / weights.abs().amax().clamp(min=least)
            gram = weights @ weights.mT
            ranks.append(gram.trace().square() / gram.square().sum().clamp(min=least))
        return torch.stack(ranks)

    def _outputs(self, parameters: Tensors, images: Tensor) -> list[Tensor]:
        """What each layer puts out [rows, units], the logits last."""
        signals = [images.flatten(1)]
        for layer in range(1, self.layers + 1):
            out = functional.linear(signals[-1], parameters[f"W{layer}"], parameters[f"b{layer}"])
            signals.append(torch.relu(out) if layer < self.layers else out)
        return signals[1:]

    def _loss(self, parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:
        (index,) = batch
        return self._of(parameters, constants["train"][index], constants["train_label"][index])

    def _of(self, parameters: Tensors, images: Tensor, label: Tensor) -> Tensor:
        return functional.cross_entropy(self._outputs(parameters, images)[-1], label)

    def _signal(self, parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG002
        outputs = self._outputs(parameters, constants["train"][:SEEN])
        return torch.stack([out.square().mean().sqrt() for out in outputs])

    def _gradient(self, parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG002
        images, label = constants["train"][:SEEN], constants["train_label"][:SEEN]
        # A transform of its own: probes run without gradients.
        slopes = torch.func.grad(lambda values: self._of(values, images, label))(dict(parameters))
        return torch.stack([slopes[f"W{layer}"].norm() for layer in range(1, self.layers + 1)])

    def _test(self, parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG002
        logits, label = self._outputs(parameters, constants["test"])[-1], constants["test_label"]
        right = (logits.argmax(dim=1) == label).to(logits.dtype).mean()
        return functional.cross_entropy(logits, label), right


scenario = Initialisation
