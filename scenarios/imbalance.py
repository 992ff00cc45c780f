"""Classes as rare as words: SGD learns the frequent ones alone, Adam all of them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, get_args

import torch
from torch import Generator, Tensor
from torch.nn import functional

from dynviz.errors import DynvizError
from dynviz.plugins.ranges import Range
from dynviz.scenarios._draws import Draws, integers
from dynviz.scenarios._transformer import Transformer
from dynviz.scenarios._zipf import LabelledData, language, points
from dynviz.task import Batch, Channel, Probe, Task, Tensors, no_batches

Model: TypeAlias = Literal["linear", "mlp", "transformer"]

WORDS = {"linear": "a linear classifier", "mlp": "a perceptron", "transformer": "a transformer"}
FEATURES = 16
HIDDEN = 64
LENGTH = 16
"""Tokens of a sequence that the transformer reads."""
HEADS = 4
EVERY = 5
STEPS = 200
TUNED: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "linear": {
        "growing": {"lr": 10.0, "momentum": 0.9},
        "adam": {"lr": 10.0},
        "signsgd": {"lr": 0.03},
        "*": {"lr": 0.1},
    },
    "mlp": {
        "growing": {"lr": 1.0, "momentum": 0.9},
        "adam": {"lr": 0.1},
        "signsgd": {"lr": 0.003},
        "*": {"lr": 0.01},
    },
    "transformer": {
        "growing": {"lr": 0.3, "momentum": 0.9},
        "adam": {"lr": 0.03},
        "signsgd": {"lr": 0.01},
        "*": {"lr": 0.01},
    },
}
"""Of each model, the rates of least loss after 120 to 200 steps, in sweeps by factors of three; * was not swept."""


@dataclass(frozen=True)
class Imbalance:
    """A classifier learns classes whose frequencies follow Zipf's law, k^-zipf; with `zipf=0` all are equal.

    The linear classifier and the perceptron see points around random centers, the transformer a made language in which
    half of the tokens follow from the one before. By default each step sees all data, so that no noise of batches has
    a part in it. The loss is recorded apart for ten groups of classes by frequency, each a tenth of the data.

    The data is the same in all lanes; a lane's seed draws initial weights and batches.

    Source: Kunstner, Yadav, Milligan, Schmidt and Bietti 2024, Heavy-tailed class imbalance and why Adam outperforms
    gradient descent on language models.

    Attributes:
        model: A linear classifier from zero weights, a perceptron with a hidden layer, or a small transformer.
        classes: How many.
        zipf: The exponent of their frequencies.
        samples: Points, or tokens that the transformer predicts.
        batch: Points or sequences in a step, drawn at random; `full` for all of them.
        width: Of the transformer.
        environment: Seed of the data.
    """

    model: Model = "linear"
    classes: int = 1000
    zipf: Annotated[float, Range(0, 5)] = 1.0
    samples: int = 2048
    batch: str = "full"
    width: int = 32
    environment: int = 0

    def __post_init__(self) -> None:
        if self.model not in get_args(Model):
            raise DynvizError(f"imbalance has no model {self.model!r}; choose one of {', '.join(get_args(Model))}")
        for option, least, most in (("classes", 2, 50_000), ("samples", 16, 10**6), ("environment", 0, 2**31)):
            if not least <= getattr(self, option) <= most:
                raise DynvizError(
                    f"{option}={getattr(self, option)} cannot be; write a whole number from {least} to {most}"
                )
        if not (4 <= self.width <= 1024 and self.width % HEADS == 0):
            raise DynvizError(
                f"width={self.width} cannot be shared by {HEADS} heads; write a multiple of {HEADS} to 1024"
            )
        if self.batch != "full" and not (self.batch.isdecimal() and 1 <= int(self.batch) <= 10**5):
            raise DynvizError(f"batch={self.batch} is not a number of samples; write one from 1 to 100000, or full")

    def build(self, seed: int) -> Task:
        data = self._data()
        rows = len(data.labels)
        network = self._network()
        order = Draws(seed, integers(int(self.batch), rows)) if self.batch != "full" else None
        members = torch.from_numpy(data.groups)[data.labels.flatten()]
        means = functional.one_hot(members).T.float()
        means = means / means.sum(1, keepdim=True)

        def losses(parameters: Tensors, inputs: Tensor, labels: Tensor) -> Tensor:
            logits = network(parameters, inputs)
            return functional.cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="none")

        def chosen(constants: Tensors, batch: Batch) -> tuple[Tensor, Tensor]:
            inputs, labels = constants["inputs"], constants["labels"]
            return (inputs[batch[0]], labels[batch[0]]) if batch else (inputs, labels)

        def loss(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:
            return losses(parameters, *chosen(constants, batch)).mean()

        def gradient(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, Tensors]:
            inputs, labels = chosen(constants, batch)
            return _gradient(parameters, inputs, labels.flatten())

        def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
            each = losses(parameters, constants["inputs"], constants["labels"])
            return each.mean(), constants["means"] @ each

        def frequency(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
            return constants["share"], constants["group"]

        counts = torch.from_numpy(data.counts)
        return Task(
            parameters=self._parameters(seed),
            loss=loss,
            gradient=None if self.model == "transformer" else gradient,
            batches=no_batches if order is None else lambda start, count: (order.rows(start, count),),
            steps=STEPS,
            tokens=data.inputs.shape[1] if self.model == "transformer" else 0,
            constants={
                "inputs": data.inputs,
                "labels": data.labels,
                "means": means,
                "share": counts / counts.sum(),
                "group": torch.from_numpy(data.groups),
            },
            probes=(
                Probe(
                    (
                        Channel("train_loss", EVERY, (), "mean cross-entropy of all data", better="lower"),
                        Channel(
                            "group_loss",
                            EVERY,
                            ("group",),
                            "the same of each group of classes, the most frequent ones first",
                            title="loss of each group",
                        ),
                    ),
                    measure,
                ),
                Probe(
                    (
                        Channel("class_share", 0, ("class",), "share of the data that each class has, falling"),
                        Channel("class_group", 0, ("class",), "the group of each class"),
                    ),
                    frequency,
                ),
            ),
            every=10,
            hyperparameters=TUNED[self.model],
            views=("groups", "curves"),
            title=f"{int((data.counts > 0).sum())} classes, {'most' if self.zipf else 'none'} of them rare",
            what={
                "model": WORDS[self.model],
                "classes": "",
                "zipf": "" if self.zipf in (0, 1) else f"Zipf's law to the power {self.zipf:g}",
            },
            facts={"groups": int(data.groups.max()) + 1},
        )

    def _data(self) -> LabelledData:
        if self.model == "transformer":
            sequences = max(1, self.samples // LENGTH)
            return language(self.classes, self.zipf, sequences, LENGTH, self.environment)
        return points(self.classes, self.zipf, self.samples, FEATURES, self.environment)

    def _shape(self) -> Transformer:
        return Transformer(
            tokens=self.classes, outputs=self.classes, length=LENGTH, width=self.width, heads=HEADS, layers=2
        )

    def _network(self) -> Callable[[Tensors, Tensor], Tensor]:
        if self.model == "transformer":
            logits: Callable[[Tensors, Tensor], Tensor] = self._shape().logits
            return logits
        return _linear if self.model == "linear" else _perceptron

    def _parameters(self, seed: int) -> dict[str, Tensor]:
        generator = Generator().manual_seed(seed)
        if self.model == "transformer":
            parameters: dict[str, Tensor] = self._shape().parameters(generator)
            return parameters
        if self.model == "linear":
            return {"W": torch.zeros(self.classes, FEATURES), "b": torch.zeros(self.classes)}
        return {
            "W1": torch.randn(HIDDEN, FEATURES, generator=generator) * math.sqrt(2 / FEATURES),
            "b1": torch.zeros(HIDDEN),
            "W2": torch.randn(self.classes, HIDDEN, generator=generator) * math.sqrt(1 / HIDDEN),
            "b2": torch.zeros(self.classes),
        }


def _linear(parameters: Tensors, inputs: Tensor) -> Tensor:
    return functional.linear(inputs, parameters["W"], parameters["b"])


def _perceptron(parameters: Tensors, inputs: Tensor) -> Tensor:
    hidden = functional.linear(inputs, parameters["W1"], parameters["b1"]).relu()
    return functional.linear(hidden, parameters["W2"], parameters["b2"])


def _gradient(parameters: Tensors, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensors]:
    """The mean cross-entropy of a linear model or a perceptron, and its gradient, with one pass of exponentials."""
    deep = "W1" in parameters
    hidden = functional.linear(inputs, parameters["W1"], parameters["b1"]).relu() if deep else inputs
    last = ("W2", "b2") if deep else ("W", "b")
    logits = functional.linear(hidden, *(parameters[name] for name in last))
    shares, places = torch.softmax(logits, dim=1), labels.unsqueeze(1)
    # The largest share is one over the sum of exponentials, of logits less the largest.
    rest = logits.amax(dim=1) - shares.amax(dim=1).log()
    loss = (rest - logits.gather(1, places).squeeze(1)).mean()
    wrong = shares.scatter_add(1, places, torch.full_like(places, -1, dtype=shares.dtype)).div_(len(labels))
    gradients = {last[0]: wrong.T @ hidden, last[1]: wrong.sum(dim=0)}
    if deep:
        back = (wrong @ parameters["W2"]) * (hidden > 0)
        gradients |= {"W1": back.T @ inputs, "b1": back.sum(dim=0)}
    return loss, gradients


scenario = Imbalance
