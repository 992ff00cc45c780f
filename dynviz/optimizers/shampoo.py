"""Shampoo: whitens the rows and columns of a matrix separately."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.errors import DynvizError
from dynviz.optimizers._roots import along, eigen, powered, sizes, spectrum, turned, unfolded
from dynviz.plugins.ranges import Share, Size
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class Shampoo:
    """X_t = X_{t-1} - lr (eps I + L_t)^{-1/4} G_t (eps I + R_t)^{-1/4}.

    L_t = beta2 L_{t-1} + G_t G_t^T and R_t = beta2 R_{t-1} + G_t^T G_t, from zero. beta2 = 1 gives the sums of the
    paper; below it these are exponential averages, up to the factor 1 - beta2: a normalised average, with epsilon
    scaled too, takes the same steps with lr multiplied by sqrt(1 - beta2).

    A tensor of order k has one matrix for each axis, of its gradient unfolded along it, each to the power -1/(2k):
    a vector is full-matrix AdaGrad. Tensors of higher order are taken as they are, not reshaped to matrices.

    An axis longer than `largest` keeps the diagonal of its matrix alone, as in the paper's experiments: a step of it
    costs as much as its number of entries, and not that number's third power.

    Every `interval` steps, from the first on, the roots are made anew; in between the old ones are used. Because a
    rule does not branch on t, the factorisation is made at each step all the same: the option shows what stale roots
    do, and saves no time.

    Epsilon is added to the eigenvalues at each use, which for sums is the paper's start at eps I. Where eps is zero, or
    nothing beside the largest eigenvalue, the roots are pseudoinverses. Statistics, roots and factorisations are
    float64, whatever the parameters are. The terms of a step are its part along the gradient, and the rest, orthogonal
    to it: what preconditioning turned.

    Source: Gupta, Koren and Singer 2018, algorithms 1 and 2.

    Attributes:
        lr: Learning rate (eta in the paper).
        beta2: Fraction of the statistics that each step keeps, 0 to 1; 1 for sums.
        eps: Added to the eigenvalues of the statistics.
        interval: Steps between updates of the inverse roots.
        largest: Longest axis with a full matrix; longer ones have a diagonal.
    """

    lr: Size = 1e-2
    beta2: Share = 1.0
    eps: Size = 1e-6
    interval: int = 1
    largest: int = 1200

    coordinatewise: ClassVar[bool] = False
    family: ClassVar[str] = "falling"

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise DynvizError(f"shampoo:interval={self.interval} is not a number of steps; write 1 or more")

    def init(self, theta: Tensor) -> State:
        state = {}
        for axis, size in enumerate(sizes(theta)):
            shape = (size, size) if size <= self.largest else (size,)
            state[f"statistics{axis}"] = theta.new_zeros(shape, dtype=torch.float64)
            if self.interval > 1:
                state[f"root{axis}"] = theta.new_zeros(shape, dtype=torch.float64)
        return state

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        whole = gradient.double()
        direction, after = whole, {}
        axes = len(sizes(theta))
        for axis in range(axes):
            rows = unfolded(whole, axis)
            before = state[f"statistics{axis}"]
            statistics = self.beta2 * before + (rows @ rows.mT if before.ndim == 2 else rows.square().sum(dim=1))
            root = self._root(statistics, -0.5 / axes)
            if self.interval > 1:
                root = torch.where((t - 1) % self.interval == 0, root, state[f"root{axis}"])
                after[f"root{axis}"] = root
            after[f"statistics{axis}"] = statistics
            direction = along(direction, axis, root.matmul if root.ndim == 2 else root[:, None].mul)
        return turned(whole, -self.lr * direction), after

    def fallback(self, shape: tuple[int, ...]) -> str:
        """What is done with vectors, and with long axes."""
        if max(shape, default=1) > self.largest:
            return f"diagonal statistics for axes longer than {self.largest}"
        if math.prod(shape) == 1:
            return "AdaGrad's step"
        return "full-matrix AdaGrad's step" if len(shape) == 1 else ""

    def watch(self, state: State) -> dict[str, Tensor]:
        """Eigenvalues of each axis' statistics, the largest first, and directions of those of the top quarter."""
        numbers = {}
        for axis in range(sum(name.startswith("statistics") for name in state)):
            statistics = state[f"statistics{axis}"]
            if statistics.ndim == 1:
                numbers[f"eigenvalues.{axis}"] = statistics.sort(descending=True).values
                continue
            numbers[f"eigenvalues.{axis}"], directions = spectrum(statistics)
            if len(directions):
                numbers[f"directions.{axis}"] = directions
        return numbers

    def _root(self, statistics: Tensor, power: float) -> Tensor:
        if statistics.ndim == 1:
            return powered(statistics, power, self.eps)
        values, vectors = eigen(statistics)
        return (vectors * powered(values, power, self.eps)) @ vectors.mT


optimizer = Shampoo
