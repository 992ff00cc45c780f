"""A transformer learns modular arithmetic by heart, and understands it long after."""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias, get_args

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional

from dynviz.errors import DynvizError
from dynviz.plugins.ranges import Range
from dynviz.scenarios._transformer import Transformer
from dynviz.task import Batch, Channel, Probe, Task, Tensors, no_batches

Operation: TypeAlias = Literal["add", "divide"]

EVERY = 10
LENGTH = 3
"""Tokens of an equation: both numbers and the sign of equality."""
LARGEST = 997


@dataclass(frozen=True)
class Grokking:
    """A small transformer learns a + b, or a / b, modulo a prime p, from a share of all pairs.

    Each step sees all training pairs. It knows them within a hundred steps; with weight decay it comes to know the
    others after ten times as many. The embedding of the numbers then consists of a few waves, a cos(2 pi k a / p) and
    b sin(2 pi k a / p). For division these are waves over the powers of a primitive root, among which multiplication
    is addition of exponents; zero, which is no power, is left out of them.

    The published size is `p=97,width=128,share=0.5`; the default is one that takes a minute or two on a CPU. A lane's
    seed draws the training pairs and the initial weights.

    Source: Power, Burda, Edwards, Babuschkin and Misra 2022, Grokking; for the waves Nanda et al. 2023, Progress
    measures for grokking via mechanistic interpretability.

    Attributes:
        operation: Addition, or division by numbers other than zero.
        p: The prime.
        share: Of the pairs that are trained on; the others are the test.
        width: Of the transformer.
        heads: Of its attention.
        layers: How many.
    """

    operation: Operation = "add"
    p: int = 31
    share: Annotated[float, Range(0.05, 0.95)] = 0.5
    width: int = 32
    heads: int = 4
    layers: int = 2

    def __post_init__(self) -> None:
        if self.operation not in get_args(Operation):
            known = ", ".join(get_args(Operation))
            raise DynvizError(f"grokking has no operation {self.operation!r}; choose one of {known}")
        if not 3 <= self.p <= LARGEST or any(self.p % factor == 0 for factor in range(2, self.p)):
            raise DynvizError(f"p={self.p} is not a prime from 3 to {LARGEST}")
        if not (1 <= self.heads <= self.width <= 1024 and self.width % self.heads == 0):
            raise DynvizError(
                f"width={self.width} cannot be shared by {self.heads} heads; write a multiple of heads to 1024"
            )
        if not 1 <= self.layers <= 12:
            raise DynvizError(f"layers={self.layers} cannot be; write a whole number from 1 to 12")

    def build(self, seed: int) -> Task:
        generator = Generator().manual_seed(seed)
        pairs, answers = self._equations()
        order = torch.randperm(len(pairs), generator=generator)
        known = max(1, round(self.share * len(pairs)))
        network = Transformer(
            tokens=self.p + 1,
            outputs=self.p,
            length=LENGTH,
            width=self.width,
            heads=self.heads,
            layers=self.layers,
        )
        numbers, waves = _waves(self.p, self.operation)
        constants = {
            "train": pairs[order[:known]],
            "train_answer": answers[order[:known]],
            "test": pairs[order[known:]],
            "test_answer": answers[order[known:]],
            "numbers": numbers,
            "waves": waves,
        }

        def loss(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            logits = network.logits(parameters, constants["train"], last=True)
            return functional.cross_entropy(logits, constants["train_answer"])

        def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
            logits = {name: network.logits(parameters, constants[name], last=True) for name in ("train", "test")}
            right = [
                (logits[name].argmax(1) == constants[f"{name}_answer"]).to(parameters["output"].dtype).mean()
                for name in ("train", "test")
            ]
            norm = torch.stack([value.square().sum() for value in parameters.values()]).sum().sqrt()
            test = functional.cross_entropy(logits["test"], constants["test_answer"])
            return *right, test, norm, _spectrum(parameters["embedding"], constants)

        channels = (
            *(
                Channel(
                    name, EVERY, (), f"share of {pairs} that are answered correctly", better="higher", bounds=(0.0, 1.0)
                )
                for name, pairs in (("train_accuracy", "the training pairs"), ("test_accuracy", "the other pairs"))
            ),
            Channel("test_loss", EVERY, (), "mean cross-entropy of the other pairs", better="lower"),
            Channel("weight_norm", EVERY, (), "norm of all parameters", title="norm of the weights"),
            Channel(
                "spectrum",
                EVERY,
                ("frequency",),
                "share of each frequency from 1 in the variance of the numbers' embedding",
                title="waves in the embedding",
                bounds=(0.0, 1.0),
            ),
        )
        return Task(
            parameters=network.parameters(generator),
            loss=loss,
            batches=no_batches,
            steps=3000,
            constants=constants,
            probes=(Probe(channels, measure),),
            every=100,
            hyperparameters={
                "adamw": {"lr": 3e-3, "weight_decay": 1.0, "beta2": 0.98},
                "growing": {"lr": 0.3},
                "signed-momentum": {"lr": 3e-4, "weight_decay": 1.0},
                "*": {"lr": 3e-3},
            },
            views=("grokking", "curves"),
            title=f"Learning a {'+' if self.operation == 'add' else '/'} b modulo {self.p}",
            what={"operation": "", "p": "", "share": f"from {100 * self.share:g} % of the pairs"},
            facts={"p": self.p, "operation": self.operation},
        )

    def _equations(self) -> tuple[Tensor, Tensor]:
        """Tokens [pairs, 3] of all equations, and their answers [pairs]."""
        first = torch.arange(self.p)
        second = first if self.operation == "add" else first[1:]
        a, b = (grid.flatten() for grid in torch.meshgrid(first, second, indexing="ij"))
        if self.operation == "add":
            answers = (a + b) % self.p
        else:
            inverse = torch.tensor([0, *(pow(number, -1, self.p) for number in range(1, self.p))])
            answers = a * inverse[b] % self.p
        return torch.stack([a, b, torch.full_like(a, self.p)], dim=1), answers


def _waves(p: int, operation: Operation) -> tuple[Tensor, Tensor]:
    """The numbers in the order in which the operation is addition, and waves over them [2, frequencies, numbers]."""
    numbers = list(range(p))
    if operation == "divide":
        numbers = next(powers for root in range(2, p + 1) if len(set(powers := _powers(root, p))) == p - 1)
    count = len(numbers)
    angles = 2 * np.pi * np.outer(np.arange(1, count // 2 + 1), np.arange(count)) / count
    waves = np.stack([np.cos(angles), np.sin(angles)])
    if count % 2 == 0:
        # The fastest wave has no sine beside its cosine, whose values are all 1 or -1.
        waves[:, -1] /= np.sqrt(2)
    return torch.tensor(numbers), torch.from_numpy(waves).float()


def _powers(root: int, p: int) -> list[int]:
    return [pow(root, exponent, p) for exponent in range(p - 1)]


def _spectrum(embedding: Tensor, constants: Tensors) -> Tensor:
    """The share of each frequency in the variance of the embedding."""
    power = (constants["waves"] @ embedding[constants["numbers"]]).square().sum((0, 2))
    return power / power.sum()


scenario = Grokking
