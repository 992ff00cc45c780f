"""What Newton-Schulz steps did with a gradient's singular values, told from the step that an optimizer made with it."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.frozen import frozen

Array = NDArray[np.float64]

Coefficients: TypeAlias = tuple[float, float, float]

PUBLISHED = (3.4445, -4.7750, 2.0315)
STARTS = (PUBLISHED, (2.0, -1.5, 0.5), (15 / 8, -10 / 8, 3 / 8))
"""Where the search begins: at the coefficients of Muon, of its first version, and of the iteration that converges."""
POLAR_EXPRESS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
    (1.891301407787398, -1.2679958271945868, 0.37680408948524835),
    (1.8750014808534479, -1.2500016453999487, 0.3750001645474248),
    (1.875, -1.25, 0.375),
)
"""Of each step, from Amsel et al. 2025, algorithm 1."""
SAFE = (
    (8.2051, -22.9019, 16.4607),
    (4.0664, -2.8612, 0.5184),
    (3.9096, -2.8234, 0.5250),
    (3.2856, -2.4153, 0.4853),
    (2.2779, -1.6198, 0.3985),
    (1.8726, -1.2307, 0.3585),
    (1.8564, -1.2132, 0.3568),
    (1.8750, -1.2500, 0.3750),
)
"""The same with the factor 1.01 of safety in them, as libraries print them."""
EARLIER = (
    (7.2086, -15.5131, 9.0178),
    (3.9623, -2.5813, 0.4542),
    (3.9466, -2.5765, 0.4544),
    (3.8991, -2.5671, 0.4566),
    (3.7186, -2.5308, 0.4653),
    (3.1390, -2.3073, 0.4733),
    (2.1715, -1.5246, 0.3885),
    (1.8648, -1.2224, 0.3577),
)
"""What libraries took for those of Polar Express: NVIDIA-NeMo/Emerging-Optimizers, issue 73."""
TUNED = (
    (4.0848, -6.8946, 2.9270),
    (3.9505, -6.3029, 2.6377),
    (3.7418, -5.5913, 2.3037),
    (2.8769, -3.1427, 1.2046),
    (2.8366, -3.0525, 1.2012),
)
"""Of modded-nanogpt, by Cesista."""


KNOWN: tuple[tuple[Coefficients, ...], ...] = (
    *((one,) for one in STARTS),
    ((1.5, -0.5, 0.0),),
    POLAR_EXPRESS,
    SAFE,
    EARLIER,
    TUNED,
    (*(PUBLISHED,) * 8, (2.0, -1.5, 0.5)),
)
"""The same for every step, then those that change from step to step; the last is DeepSeek's."""
MOST_ROUNDS = 12
ROUNDS = 60
CLOSE = 1e-6
NEAR = 1e-5
"""Directions agree to this share: implementations add other epsilons to the norm."""
ROUGH = 0.02
"""The same where matrices are multiplied in bfloat16."""


@frozen(kw_only=True)
class MatrixStep:
    """What an optimizer made of the singular values of a gradient.

    Attributes:
        x: The singular values, divided by the gradient's norm [rank].
        reached: What stands for each of them in the step [rank].
        rough: Whether the step has more than rounding beside them.
    """

    x: Array
    reached: Array
    rough: bool


@frozen(kw_only=True)
class Quintic:
    """X <- A X + (B XX^T + C (XX^T)^2) X, some times over.

    Attributes:
        schedule: A, B and C of each step; the last ones stay.
        rounds: How often; 0 for a step along the gradient itself.
        rough: Whether it was computed in less than the precision of the parameters.
    """

    schedule: tuple[Coefficients, ...]
    rounds: int
    rough: bool = False

    @property
    def steps(self) -> list[Coefficients]:
        """The coefficients of each of its steps."""
        return [self.schedule[min(number, len(self.schedule) - 1)] for number in range(self.rounds)]

    def of(self, x: Array) -> Array:
        """What it makes of singular values."""
        with np.errstate(over="ignore", invalid="ignore"):
            for a, b, c in self.steps:
                x = a * x + b * x**3 + c * x**5
        return x

    def on(self, matrix: Array) -> Array:
        """What it makes of a matrix."""
        left, singular, right = np.linalg.svd(matrix, full_matrices=False)
        made: Array = (left * self.of(singular / np.linalg.norm(singular))) @ right
        return made

    def __str__(self) -> str:
        """The coefficients that were used, as papers print them."""
        used = self.schedule[: self.rounds]
        return "; ".join(", ".join(f"{number:.4f}" for number in coefficients) for coefficients in used)


def matrix_step(gradient: Array, step: Array) -> MatrixStep | None:
    """The step as a function of the gradient's singular values; None where it is none.

    Args:
        gradient: A matrix.
        step: The first step that an optimizer without weight decay made with it.
    """
    left, singular, right = np.linalg.svd(gradient, full_matrices=False)
    reached = -np.diag(left.T @ step @ right.T)
    size = float(np.linalg.norm(reached))
    rest = float(np.linalg.norm(step + left @ np.diag(reached) @ right))
    if not size or not np.isfinite(size) or rest > 2 * ROUGH * size:
        return None
    return MatrixStep(x=singular / np.linalg.norm(singular), reached=reached, rough=rest > NEAR * size)


def quintic(step: MatrixStep, declared: int | None) -> Quintic | None:
    """The Newton-Schulz steps that lead to a step; None where there are none.

    Known coefficients are tried first, with every number of steps, then a search for others.

    Args:
        step: What was made of the singular values.
        declared: How many Newton-Schulz steps the optimizer says it makes; None if it says nothing.
    """
    if step.rough:
        every = [Quintic(schedule=known, rounds=count, rough=True) for count in _counts(declared) for known in KNOWN]
        best = min(every, key=lambda one: _distance(one, step))
        return best if _distance(best, step) < ROUGH else None
    for count in _counts(declared):
        for known in KNOWN:
            found = Quintic(schedule=known, rounds=count)
            if _distance(found, step) < NEAR:
                return found
    for count in _counts(declared):
        searches = (_search(np.array(start), step.x, step.reached, count) for start in STARTS if count)
        for guess in searches:
            if guess is not None:
                return _constant(guess, count)
    return None


def _counts(declared: int | None) -> Iterator[int]:
    """Numbers of Newton-Schulz steps, the likeliest first."""
    first = 5 if declared is None else declared
    yield first
    yield from (count for count in range(MOST_ROUNDS + 1) if count != first)


def _constant(guess: Any, rounds: int) -> Quintic:
    return Quintic(schedule=((float(guess[0]), float(guess[1]), float(guess[2])),), rounds=rounds)


def _distance(found: Quintic, step: MatrixStep) -> float:
    return float(np.linalg.norm(_error(found, step.x, step.reached)))


def _search(guess: Array, x: Array, reached: Array, rounds: int) -> Array | None:
    """The coefficients that a search leads to, by Levenberg's and Marquardt's method; None where it ends elsewhere."""
    damping = 1e-3
    error = _error(_constant(guess, rounds), x, reached)
    for _ in range(ROUNDS):
        slopes = np.stack(
            [(_error(_constant(guess + 1e-7 * unit, rounds), x, reached) - error) / 1e-7 for unit in np.eye(3)],
            axis=1,
        )
        square = slopes.T @ slopes
        move = np.linalg.solve(square + damping * np.diag(np.diag(square) + 1e-12), -slopes.T @ error)
        tried = _error(_constant(guess + move, rounds), x, reached)
        if np.linalg.norm(tried) < np.linalg.norm(error):
            guess, error, damping = guess + move, tried, damping / 3
        else:
            damping *= 4
    return guess if float(np.linalg.norm(error)) < CLOSE else None


def _error(found: Quintic, x: Array, reached: Array) -> Array:
    """How far the values stand from those that were reached, both of length one: the scale of a step is its own."""
    made = found.of(x)
    with np.errstate(over="ignore", invalid="ignore"):
        unit = made / np.linalg.norm(made) - reached / np.linalg.norm(reached)
    error: Array = np.nan_to_num(unit, nan=1e3, posinf=1e3, neginf=-1e3)
    return error
