"""Products of matrices classify points whose class two of ten features decide."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from dynviz.errors import DynvizError
from dynviz.plugins.ranges import Range
from dynviz.scenarios._spectra import effective_rank, singular_values
from dynviz.task import Batch, Channel, Probe, Task, Tensors, no_batches

EVERY = 20
STEPS = 6000
RELEVANT = 2
"""Features that decide the class."""


@dataclass(frozen=True)
class DeepLinear:
    """A linear classifier, written as a product of matrices, learns as many points as it has weights by heart.

    Classes are equal sectors of the plane of the first two features; the others are noise. The best classifier has
    rank 2. Gradient descent on a single matrix finds one of full rank; on a product, singular values grow one after
    another, and those that are not needed stay as small as they were drawn: the deeper the product and the smaller it
    begins, the lower the rank and the better the classifier.

    As published, training ends once the mean cross-entropy is 0.01: after that no gradient is left. The points of seed
    0 and, for one matrix, its 53 % are those that were published; further seeds are draws of their own.

    Source: Johan S. Wind 2022, Implicit bias by small initialization: A simple classification task where deeper is
    better.

    Attributes:
        depth: Matrices in the product; one starts at zero, several at Xavier-normal weights.
        scale: Factor of the product: small for a small initialisation.
        rank: Columns of the first matrix, which no more singular values can pass; none: as many as classes.
        features: Of a point.
        classes: Sectors of the plane.
        samples: Points to learn, and as many to test with.
        environment: Seed of the points; none: that of each lane.
        enough: Mean cross-entropy at which training ends.
    """

    depth: Annotated[int, Range(1, 16)] = 3
    scale: Annotated[float, Range(1e-8, 1e8)] = 1.0
    rank: int | None = None
    features: Annotated[int, Range(RELEVANT, 1000)] = 10
    classes: Annotated[int, Range(2, 1000)] = 10
    samples: Annotated[int, Range(2, 100_000)] = 100
    environment: int | None = 0
    enough: Annotated[float, Range(0, 10)] = 0.01

    def __post_init__(self) -> None:
        if self.rank is not None and (self.depth == 1 or not 1 <= self.rank <= self.classes):
            raise DynvizError(
                f"rank={self.rank} is not possible for depth={self.depth}; write 1 to {self.classes}, with a depth "
                "of at least 2"
            )
        if self.environment is not None and not 0 <= self.environment < 2**63:
            raise DynvizError(f"environment={self.environment} is not a seed; write a whole number below 2^63, or none")

    def build(self, seed: int) -> Task:
        own = self.environment is None or self.environment == seed
        generator = Generator().manual_seed(seed if self.environment is None else self.environment)
        points = torch.randn(2 * self.samples, self.features, generator=generator)
        angles = (torch.atan2(points[:, 0], points[:, 1]) / math.pi + 1) / 2
        labels = (angles * self.classes).long().clamp(max=self.classes - 1)
        # As in the published code the lane of the points' own seed draws its weights after them.
        parameters = self._parameters(generator if own else Generator().manual_seed(seed))
        count = min(self.features, self.classes)
        return Task(
            parameters=parameters,
            loss=self._loss,
            batches=no_batches,
            steps=STEPS,
            constants={
                "train": points[: self.samples],
                "train_label": labels[: self.samples],
                "test": points[self.samples :],
                "test_label": labels[self.samples :],
            },
            probes=(
                Probe(
                    (
                        Channel(
                            "test_accuracy",
                            EVERY,
                            (),
                            "fraction of the test points that are classified correctly",
                            better="higher",
                            bounds=(0.0, 1.0),
                        ),
                    ),
                    self._accuracy,
                ),
                Probe(
                    (
                        Channel("singular_values", EVERY, ("index",), f"of the product, the {count} largest"),
                        Channel("effective_rank", EVERY, (), "exponential of the entropy of its singular values"),
                        Channel(
                            "relevant",
                            EVERY,
                            (),
                            "share of the product's squared norm in the two features that decide the class",
                            better="higher",
                            bounds=(0.0, 1.0),
                        ),
                    ),
                    self._spectrum,
                ),
            ),
            hyperparameters=self._protocol(),
            views=("spectrum", "curves"),
            title=f"A classifier of {self.classes} classes, as a product of matrices",
            what={
                "depth": "one matrix" if self.depth == 1 else f"{self.depth} matrices",
                "scale": f"product times {self.scale:g}" if self.scale != 1 else "",
                "rank": f"rank {self.rank} at most" if self.rank else "",
                "environment": "",
            },
            facts={"classes": self.classes, "depth": self.depth},
        )

    def _parameters(self, generator: Generator) -> dict[str, Tensor]:
        if self.depth == 1:
            return {"W1": torch.zeros(self.features, self.classes)}
        inner = self.rank or self.classes
        sizes = [self.features, inner, *(self.classes for _ in range(self.depth - 1))]
        weights = (torch.empty(rows, columns) for rows, columns in pairwise(sizes))
        return {
            f"W{place}": nn.init.xavier_normal_(weight, generator=generator)
            for place, weight in enumerate(weights, start=1)
        }

    def _protocol(self) -> dict[str, dict[str, float]]:
        """Gradient descent's published rates; those of other scales lie between. Adam's were found by trial."""
        descent = {1: 10.0, 2: 1.0}.get(self.depth, 0.03)
        if self.depth > 1:
            # With three matrices 100 at a scale of 1e-4 and 0.001 at 1000.
            descent *= self.scale ** (-math.log10(100 / 0.03) / 4 if self.scale < 1 else -math.log10(30) / 3)
        return {"growing": {"lr": descent}, "*": {"lr": 0.01 * self.scale ** (-1 / self.depth)}}

    def _product(self, parameters: Tensors) -> Tensor:
        matrix = parameters["W1"]
        for place in range(2, self.depth + 1):
            matrix = matrix @ parameters[f"W{place}"]
        return self.scale * matrix

    def _loss(self, parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG002
        logits = constants["train"] @ self._product(parameters)
        loss = functional.cross_entropy(logits, constants["train_label"])
        return torch.where(loss > self.enough, loss, loss.detach())

    def _accuracy(self, parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG002
        answers = (constants["test"] @ self._product(parameters)).argmax(dim=1)
        return (answers == constants["test_label"]).to(constants["test"].dtype).mean()

    def _spectrum(self, parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG002
        product = self._product(parameters)
        values = singular_values(product)
        # A product that is zero, as one matrix is before training, has no directions.
        squares = product.square().sum(dim=1)
        whole = squares.sum().clamp(min=torch.finfo(product.dtype).tiny)
        rank = torch.where(values.sum() > 0, effective_rank(values + torch.finfo(product.dtype).tiny), 0.0)
        return values, rank, squares[:RELEVANT].sum() / whole


scenario = DeepLinear
