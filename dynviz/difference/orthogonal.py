"""By which conventions of Muon two optimizers differ: each is given matrices of its own, and conventions are tried."""

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch

from dynviz.difference.candidates import Steps, candidate
from dynviz.difference.conventions import hyperparameters, told_apart
from dynviz.difference.families import Trace
from dynviz.difference.newton_schulz import NEAR, ROUGH, Array, Quintic, matrix_step, quintic
from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.training.parameter_layout import ParameterLayout

MATRIX_STEPS = "ns_steps"
TALL, WIDE, FILTER = (16, 8), (8, 20), (16, 1, 3, 2)
PLAIN = "1"
SCALES: Mapping[str, Callable[[int, int], float]] = {
    "sqrt(max(1, rows / columns))": lambda m, n: math.sqrt(max(1, m / n)),
    PLAIN: lambda _m, _n: 1.0,
    "0.2 sqrt(max(rows, columns))": lambda m, n: 0.2 * math.sqrt(max(m, n)),
    "sqrt(max(rows, columns))": lambda m, n: math.sqrt(max(m, n)),
    "sqrt(rows / columns)": lambda m, n: math.sqrt(m / n),
    "sqrt(max(1, columns / rows))": lambda m, n: math.sqrt(max(1, n / m)),
    "0.2 sqrt(max(rows, columns) max(1, rows / columns))": lambda m, n: 0.2 * math.sqrt(max(m, n) * max(1, m / n)),
}
MOMENTUM = ("Nesterov's", "Nesterov's, corrected for bias", "heavy ball", "none")
STEPS = 4
DIGITS = 1e-3
"""Coefficients that a search has found are known to so much."""


@frozen(kw_only=True)
class Orthogonal:
    """What one side does with matrices.

    Attributes:
        quintic: Its Newton-Schulz steps.
        scale: What the step is multiplied with, by the matrix's shape.
        filters: The same of filters; empty where it refuses them.
        momentum: Which momentum is made orthogonal; empty where it is none that is known.
    """

    quintic: Quintic
    scale: str
    filters: str
    momentum: str


def explained(texts: tuple[str, str]) -> list[str]:
    """The conventions of Muon by which two optimizers differ, a line each; empty where one of them is none."""
    sides = [_side(text) for text in texts]
    one, other = sides
    if one is None or other is None or not (one.quintic.rounds or other.quintic.rounds):
        return []
    lines = []
    if not (one.quintic.rounds and other.quintic.rounds):
        told = [f"{side.quintic.rounds or 'none'}" for side in (one, other)]
        return [f"Newton-Schulz steps: {told[0]} in A, {told[1]} in B"]
    if _apart(one.quintic, other.quintic):
        lines.append(f"Newton-Schulz coefficients: {one.quintic} in A, {other.quintic} in B")
    if one.quintic.rounds != other.quintic.rounds:
        lines.append(f"Newton-Schulz steps: {one.quintic.rounds} in A, {other.quintic.rounds} in B")
    if one.quintic.rough != other.quintic.rough:
        told = ["bfloat16" if side.quintic.rough else "the parameters' precision" for side in (one, other)]
        lines.append(f"Newton-Schulz steps: in {told[0]} in A, in {told[1]} in B")
    for what, first, second in (
        ("scale by shape", one.scale, other.scale),
        ("scale of filters", one.filters, other.filters),
        ("momentum", one.momentum, other.momentum),
    ):
        if first and second and first != second:
            lines.append(f"{what}: {first} in A, {second} in B")
    return lines + _of_vectors(texts)


def _side(text: str) -> Orthogonal | None:
    """What an optimizer does with matrices; None where it makes no Newton-Schulz steps and no steps of a gradient."""
    steps: dict[tuple[int, ...], list[tuple[Array, Array]]] = {}
    values: dict[str, float] = {}
    for shape in (TALL, WIDE):
        taken = _steps(text, shape)
        if taken is None:
            return None
        steps[shape], values = taken
    found = _quintic(steps[TALL][0], values)
    if found is None:
        return None
    lr = values.get("lr", 1.0)
    factors = {shape: _factor(found, *steps[shape][0]) / lr for shape in steps}
    tolerance = ROUGH if found.rough else 10 * NEAR
    return Orthogonal(
        quintic=found,
        scale=_scale(factors, tolerance),
        filters=_filters(text, found, lr, tolerance),
        momentum=_momentum(steps[TALL], found, factors[TALL] * lr, values),
    )


def _steps(text: str, shape: tuple[int, ...]) -> tuple[list[tuple[Array, Array]], dict[str, float]] | None:
    """Gradients and what was done with each, as matrices [rows, the rest], and the hyperparameters; None if refused.

    Parameters begin at zero, so that weight decay is nothing at first.
    """
    layout = ParameterLayout({"weight": shape})
    theta = torch.zeros(math.prod(shape), dtype=torch.float64)
    matrix = (shape[0], -1)
    with contextlib.suppress(DynvizError):
        side = candidate(text, layout, theta)
        values = hyperparameters(side.values)
        decay = values.get("lr", 0.0) * values.get("weight_decay", 0.0)
        taken = []
        for number in range(1, STEPS + 1):
            gradient = _gradient(shape, number)
            after, _ = side.step(theta.clone(), torch.from_numpy(gradient).reshape(-1), number)
            step = (after - theta + decay * theta).numpy()
            taken.append((gradient.reshape(matrix), step.reshape(matrix)))
            theta = after
        return taken, values
    return None


def _gradient(shape: tuple[int, ...], seed: int) -> Array:
    """A gradient whose singular values span two decades."""
    rows, columns = shape[0], math.prod(shape[1:])
    noise = np.random.default_rng(seed).standard_normal((rows, columns))
    left, singular, right = np.linalg.svd(noise, full_matrices=False)
    made: Array = (left * np.geomspace(1, 0.01, len(singular))) @ right
    return made.reshape(shape)


def _quintic(taken: tuple[Array, Array], values: Mapping[str, float]) -> Quintic | None:
    step = matrix_step(*taken)
    declared = values.get(MATRIX_STEPS)
    return None if step is None else quintic(step, None if declared is None else int(declared))


def _apart(one: Quintic, other: Quintic) -> bool:
    """Whether steps that both sides make have other coefficients."""
    pairs = zip(one.steps, other.steps, strict=False)
    return any(np.abs(np.subtract(*pair)).max() > DIGITS for pair in pairs)


def _factor(found: Quintic, gradient: Array, step: Array) -> float:
    """What Newton-Schulz steps were multiplied with."""
    made = found.on(gradient)
    return -float((made * step).sum() / (made * made).sum())


def _scale(factors: Mapping[tuple[int, ...], float], tolerance: float) -> str:
    """The formula that gives the factors of matrices by their shapes, else the factors."""
    for name, formula in SCALES.items():
        if all(abs(factor / formula(*shape) - 1) < tolerance for shape, factor in factors.items()):
            return name
    return " and ".join(f"{factor:.4g} for {shape[0]} x {shape[1]}" for shape, factor in factors.items())


def _filters(text: str, found: Quintic, lr: float, tolerance: float) -> str:
    taken = _steps(text, FILTER)
    if taken is None or not found.rounds:
        return ""
    factor = _factor(found, *taken[0][0]) / lr
    rows, columns = FILTER[0], math.prod(FILTER[1:])
    for (name, formula), (of, shape) in itertools.product(
        SCALES.items(), (("the flattened filter", (rows, columns)), ("its kernel", FILTER[-2:]))
    ):
        if abs(factor / formula(*shape) - 1) < tolerance:
            return f"{name} of {of}" if name != PLAIN else name
    return f"{factor:.4g} for {' x '.join(map(str, FILTER))}"


def _momentum(taken: list[tuple[Array, Array]], found: Quintic, factor: float, values: Mapping[str, float]) -> str:
    """Which momentum the later steps are made of."""
    mu = values.get("momentum", 0.0)
    gradients, steps = [gradient for gradient, _ in taken], [step for _, step in taken]
    for name in MOMENTUM:
        errors = []
        for aim, step in zip(_aims(gradients, mu, name), steps, strict=True):
            made = -factor * found.on(aim)
            errors.append(float(np.linalg.norm(made - step) / np.linalg.norm(step)))
        if max(errors) < (2 * ROUGH if found.rough else 1e-3):
            return name
    return ""


def _aims(gradients: list[Array], mu: float, way: str) -> Iterator[Array]:
    mean = np.zeros_like(gradients[0])
    for t, gradient in enumerate(gradients, 1):
        mean = mu * mean + (1 - mu) * gradient
        if way == MOMENTUM[0]:
            yield mu * mean + (1 - mu) * gradient
        elif way == MOMENTUM[1]:
            yield mu * mean / (1 - mu ** (t + 1)) + (1 - mu) * gradient / (1 - mu**t)
        else:
            yield mean if way == MOMENTUM[2] else gradient


def _of_vectors(texts: tuple[str, str]) -> list[str]:
    """What differs in how vectors are treated, where both sides take them."""
    traces = []
    with contextlib.suppress(DynvizError):
        traces = [_vector_trace(text) for text in texts]
    if not traces or np.allclose(traces[0].theta, traces[1].theta, rtol=1e-9, atol=0):
        return []
    apart = told_apart(traces)
    if apart is None:
        return ["vectors: by another rule, or with other hyperparameters, in A than in B"]
    return [f"{name} of vectors: {one} in A, {other} in B" for name, one, other in apart]


def _vector_trace(text: str) -> Trace:
    layout = ParameterLayout({"bias": (8,)})
    noise = np.random.default_rng(0).standard_normal((STEPS + 1, 8))
    theta = torch.from_numpy(noise[-1])
    side: Steps = candidate(text, layout, theta)
    rows = [theta.numpy()]
    for number, gradient in enumerate(noise[:-1], 1):
        theta, _ = side.step(theta.clone(), torch.from_numpy(gradient.copy()), number)
        rows.append(theta.numpy())
    return Trace(
        theta=np.array(rows), gradients=noise[:-1], values=hyperparameters(side.values), shapes=dict(layout.shapes)
    )
