"""Recover a low-rank matrix from products with random vectors, each seen once."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from torch import Generator, Tensor, nn

from dynviz.errors import DynvizError
from dynviz.task import Batch, Channel, Probe, Task, Tensors

Model: TypeAlias = Literal["linear"]

BLOCK = 256
"""Steps whose data are drawn together."""
KEPT = 4
"""Blocks that stay in memory: several recordings of a run read almost the same steps."""
LARGEST = 10
"""Singular values that are recorded."""


@dataclass(frozen=True)
class MatrixSensing:
    """A product W1 W2 learns the matrix T of low rank from numbers a^T T b, with SGD and one sample a step.

    T = gamma randn(d, rank) randn(rank, d), W1 and W2 begin Xavier-normal, a and b are standard normal, the loss is
    (a^T T b - a^T W1 W2 b)^2 / 2. The steps are d^2 / 2, half as many as T has entries: without knowing that the rank
    is low, the solution of least norm leaves a relative error of sqrt(1/2). Small initial weights find T nevertheless;
    gamma says how small they are beside it. The larger d is, the better it works: SGD leaves .004 at 256, .3 at 64.

    Instance, initial weights and data come from the lane's seed, in the order of the published run, which has seed 0.

    Attributes:
        model: What learns: a product of two square matrices.
        d: Rows and columns of the matrix.
        rank: Of the matrix.
        gamma: Scale of the matrix.
    """

    model: Model = "linear"
    d: int = 256
    rank: int = 2
    gamma: float = 100.0

    def __post_init__(self) -> None:
        if self.model not in get_args(Model):
            raise DynvizError(f"matrix-sensing has no model {self.model!r}; there is {', '.join(get_args(Model))}")
        if not 2 <= self.d <= 4096:
            raise DynvizError(f"d={self.d} is no size to learn; write a whole number from 2 to 4096")
        if not 1 <= self.rank <= self.d:
            raise DynvizError(
                f"a matrix of size {self.d} has no rank {self.rank}; write a whole number from 1 to {self.d}"
            )
        if not 0 < self.gamma < math.inf:
            raise DynvizError(f"gamma={self.gamma} is no scale; write a number above 0")

    def _rate(self, published: float, size: float, scale: float) -> float:
        """The published learning rate, carried over to other sizes and scales: there T is learned and nothing diverges.

        Curvature grows with gamma, so SGD's rate falls with it; Adam does not see how large the gradient is, and has to
        go as far as the weights, whose scale is the root of gamma. The powers of d were found by trial from 64 to 256.
        """
        return published * math.pow(256 / self.d, size) * math.pow(100 / self.gamma, scale)

    def build(self, seed: int) -> Task:
        d, rank = self.d, self.rank
        generator = Generator().manual_seed(seed)
        target = torch.randn(d, rank, generator=generator) @ torch.randn(rank, d, generator=generator) * self.gamma
        # The published run draws both matrices once in vain before it initialises them.
        torch.randn(2, d, d, generator=generator)
        first, second = (nn.init.xavier_normal_(torch.empty(d, d), generator=generator) for _ in range(2))
        count = min(LARGEST, d)

        def spectrum(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            product = parameters["W1"] @ parameters["W2"]
            # A factorisation fails on numbers that are not finite, for all lanes: such a lane is measured as NaN.
            good = product.isfinite().all()
            values: Tensor = torch.linalg.svdvals(torch.where(good, product, 0.0))[:count]
            return torch.where(good, values, torch.nan)

        def truth(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            values: Tensor = torch.linalg.svdvals(constants["target"])[:rank]
            return values

        return Task(
            parameters={"W1": first, "W2": second},
            loss=_loss,
            batches=Stream(generator, d).batches,
            steps=d * d // 2,
            constants={"target": target},
            probes=(
                Probe((Channel("relative_error", 100, (), "|W1 W2 - T| / |T|, Frobenius norms"),), _error),
                Probe((Channel("singular_values", 200, ("index",), "of W1 W2, the largest"),), spectrum),
                Probe((Channel("true_singular_values", 0, ("index",), "of T"),), truth),
            ),
            hyperparameters={"sgd": {"lr": self._rate(2e-8, 2.5, 1)}, "*": {"lr": self._rate(2e-3, 2, -0.5)}},
            views=("spectrum", "curves"),
            facts={"d": d, "rank": rank, "least_norm_error": 0.5**0.5},
        )


def _loss(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:
    a, b = batch
    return 0.5 * (a @ constants["target"] @ b - a @ parameters["W1"] @ parameters["W2"] @ b) ** 2


def _error(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
    target = constants["target"]
    error: Tensor = (parameters["W1"] @ parameters["W2"] - target).norm() / target.norm()
    return error


class Stream:
    """The data of one lane, a and b of each step one after the other out of one generator.

    A block can be drawn again from the generator's state at its beginning, so any step can be asked for at any time.
    Where d is a multiple of 16, blocks hold the numbers that drawing each vector by itself would give.
    """

    def __init__(self, generator: Generator, d: int) -> None:
        self._generator = generator
        self._d = d
        self._states = [generator.get_state()]
        self._blocks: dict[int, Tensor] = {}

    def batches(self, start: int, count: int) -> Batch:
        """The vectors a and b of the steps start..start+count-1, each [count, d]."""
        first, last = start // BLOCK, (start + count - 1) // BLOCK
        drawn = torch.cat([self._block(number) for number in range(first, last + 1)])
        rows = drawn[start - first * BLOCK :][:count]
        return rows[:, 0], rows[:, 1]

    def _block(self, number: int) -> Tensor:
        if number in self._blocks:
            return self._blocks[number]
        for place in range(min(number, len(self._states) - 1), number + 1):
            self._generator.set_state(self._states[place])
            block = torch.randn(BLOCK, 2, self._d, generator=self._generator)
            if place + 1 == len(self._states):
                self._states.append(self._generator.get_state())
        self._blocks[number] = block
        while len(self._blocks) > KEPT:
            del self._blocks[next(iter(self._blocks))]
        return block


scenario = MatrixSensing
