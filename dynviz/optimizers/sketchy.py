"""Sketchy: Shampoo with low-rank sketches of its statistics, in far less memory."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from dynviz.errors import DynvizError
from dynviz.optimizers._roots import along, powered, quarter, sizes, turned, unfolded
from dynviz.optimizers._sketch import Shrunk, distance, shrink
from dynviz.plugins.ranges import Range, Share, Size
from dynviz.rule import State, Terms

TINY = 1e-300
"""A row of zeros is divided by this."""
EXACT = "exact_"
"""What stands before the names of sketches that whole decompositions made."""


@dataclass(frozen=True)
class Sketchy:
    """X_t = X_{t-1} - lr L_t^{-1/4} G_t R_t^{-1/4} with L_t = B_t^T B_t + rho_t I, and R_t likewise.

    This is S-Shampoo. B [rank, m] is the Frequent Directions sketch of sqrt(beta2) B_{t-1} over the rows of G_t^T
    (for R: of G_t). Each step subtracts delta_t, the eigenvalue number `rank`, from the eigenvalues of B^T B; the
    escaped mass rho_t = beta2 rho_{t-1} + delta_t is added back on the diagonal. A vector has one sketch and the
    power -1/2, which is S-AdaGrad; a tensor of order k has one sketch for each axis and the power -1/(2k).

    The state of a matrix [m, n] is `rank` (m + n) numbers, in the parameters' dtype, and the two escaped masses;
    an axis shorter than `rank` has as many rows as it is long, and its sketch then loses nothing. Factorisations are
    float64. Epsilon is added to the eigenvalues, relative to the largest; without it the roots are pseudoinverses.
    beta2 = 1 gives sums; below it these are exponential averages up to the factor 1 - beta2, as in `shampoo`. The terms
    of a step are its part along the gradient, and the rest, orthogonal to it.

    Each step needs the leading singular vectors of B_{t-1} over the new rows. By default a whole decomposition gives
    them; with `iterations` that many subspace iterations do, which start from the last step's vectors. For m much
    larger than `rank` that takes a fraction of the time, and two or three suffice where the spectrum decays. `checked`
    says how large the error is while it trains: whole decompositions make sketches of the same gradients, and
    `--record 'state.*error*'` records how far the statistics, and the steps made with them, are from those.

    Source: Feinberg et al. 2023, algorithms 1 to 3. Its published code subtracts the eigenvalue after number `rank`
    instead, and lets the escaped mass decay by the root of beta2.

    Attributes:
        lr: Learning rate (eta in the paper).
        rank: Rows of a sketch (l in the paper).
        beta2: Fraction of the statistics that each step keeps, 0 to 1; 1 for sums.
        eps: Added to the eigenvalues, as a share of the largest.
        iterations: Subspace iterations for the singular vectors; 0 for a whole decomposition.
        checked: Whether iterated sketches are compared with exact ones, which takes their time and memory as well.
    """

    lr: Size = 1e-2
    rank: int = 128
    beta2: Share = 0.999
    eps: Size = 1e-7
    iterations: Annotated[int, Range(0)] = 0
    checked: bool = False

    coordinatewise: ClassVar[bool] = False
    family: ClassVar[str] = "falling"

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise DynvizError(f"sketchy:rank={self.rank} is not a number of rows; write 1 or more")
        if self.checked and not self.iterations:
            raise DynvizError("sketchy:checked=true is for iterated sketches; write iterations=2, for example")

    def init(self, theta: Tensor) -> State:
        state = {}
        for axis, size in enumerate(sizes(theta)):
            for kind in ("", EXACT) if self.checked else ("",):
                state[f"{kind}sketch{axis}"] = theta.new_zeros(min(self.rank, size), size)
                state[f"{kind}escaped{axis}"] = theta.new_zeros(())
        if self.checked:
            state["step_error"] = theta.new_zeros(())
        return state

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:  # noqa: ARG002
        whole = gradient.double()
        direction, after = self._preconditioned(whole, state, self.iterations)
        if self.checked:
            exact, more = self._preconditioned(whole, state, 0, EXACT)
            error = (direction - exact).norm() / exact.norm().clamp_min(TINY)
            after |= {**more, "step_error": error}
        return turned(whole, -self.lr * direction), after

    def _preconditioned(
        self, gradient: Tensor, state: State, iterations: int, kind: str = ""
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The preconditioned gradient, and the statistics of this kind after it."""
        direction, after = gradient, {}
        axes = len(sizes(gradient))
        for axis in range(axes):
            kept = self.beta2**0.5 * state[f"{kind}sketch{axis}"].double()
            sketch = shrink(kept, unfolded(gradient, axis).mT, iterations)
            before = self.beta2 * state[f"{kind}escaped{axis}"].double()
            after[f"{kind}sketch{axis}"], after[f"{kind}escaped{axis}"] = sketch.rows, before + sketch.escaped
            direction = along(direction, axis, self._root(sketch, before, -0.5 / axes))
        return direction, after

    def fallback(self, shape: tuple[int, ...]) -> str:
        """What is done with vectors, and where no axis is longer than a sketch."""
        exact = max(shape, default=1) <= self.rank
        if math.prod(shape) == 1:
            return "AdaGrad's step"
        if len(shape) == 1:
            return "full-matrix AdaGrad's step" if exact else "S-AdaGrad's step"
        return "Shampoo's step (no axis is over the rank)" if exact else ""

    def watch(self, state: State) -> dict[str, Tensor]:
        """Eigenvalues of each axis' B^T B + rho I, the largest first, and directions of those of the top quarter.

        If it is checked also the distance to the exact B^T B + rho I in operator norm, as a share of that norm, and the
        error of the last step, as a share of its length.
        """
        numbers = {"step_error": state["step_error"]} if self.checked else {}
        for axis in range(sum(name.startswith("sketch") for name in state)):
            sketch, escaped = state[f"sketch{axis}"], state[f"escaped{axis}"]
            # The rows are orthogonal, the longest first.
            values = sketch.double().square().sum(dim=1)
            rest = values.new_zeros(sketch.shape[1] - sketch.shape[0])
            numbers[f"eigenvalues.{axis}"] = torch.cat([values, rest]) + escaped.double()
            # The last row is zero.
            count = min(quarter(sketch.shape[1]), len(sketch) - 1)
            if count:
                numbers[f"directions.{axis}"] = torch.nn.functional.normalize(sketch[:count].double(), dim=1, eps=TINY)
            if self.checked:
                exact, other = state[f"{EXACT}sketch{axis}"], state[f"{EXACT}escaped{axis}"]
                gap = distance(sketch.double(), exact.double(), escaped.double() - other.double())
                norm = exact.double().square().sum(dim=1).amax() + other.double()
                numbers[f"sketch_error.{axis}"] = gap / norm.clamp_min(TINY)
        return numbers

    def _root(self, sketch: Shrunk, before: Tensor, power: float) -> Callable[[Tensor], Tensor]:
        """Multiplication by the inverse root, without making the matrix."""
        # Of the directions in the sketch, then of all others.
        values = torch.cat([sketch.values + before, (sketch.escaped + before)[None]])
        roots = powered(values, power, self.eps * values[:1])
        inside, outside = roots[:-1, None], roots[-1]

        def multiplied(matrix: Tensor) -> Tensor:
            shares = sketch.directions @ matrix
            return sketch.directions.mT @ (inside * shares) + outside * (matrix - sketch.directions.mT @ shares)

        return multiplied


optimizer = Sketchy
