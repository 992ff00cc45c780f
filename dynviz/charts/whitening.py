"""Preconditioned coordinates, in which an optimizer's steps are those of plain gradient descent."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts.limits import finite
from dynviz.charts.samples import has, index_at, lined
from dynviz.recording import Recording

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]
Root: TypeAlias = Callable[[int], Floats]
"""Function of a step to a symmetric matrix S [2, 2] of determinant 1, the root of the preconditioner: x = S z."""

CHANNELS = ("state.position.preconditioner", "state.preconditioner")
CLEAR = 1e-8
"""A direction with less than this share of the other's has no estimate yet."""


def own(recording: Recording, lane: int) -> Root | None:
    """The root of the preconditioner that a rule exposes from its state; None if it exposes none."""
    channel = next((name for name in CHANNELS if name in recording and has(recording, name)), None)
    if channel is None:
        return None
    values, steps = recording[channel], recording.steps(channel)

    def root(step: int) -> Floats:
        factor = values[index_at(steps, step), lane].astype(np.float64)
        return scaled(np.diag(factor) if factor.ndim == 1 else factor, 0.5)

    return root


def gathered(recording: Recording, lane: int, power: float, *, full: bool) -> Root:
    """The root of a preconditioner C^-power, where C is the sum of outer products of the recorded gradients.

    Args:
        recording: A recording with the channel `gradient`.
        lane: Which.
        power: The exponent; 1/2 is AdaGrad's.
        full: Whether to use all of C, or only its diagonal.
    """
    # Of a sum that is scaled afterwards, evenly spaced terms tell as much.
    steps, gradient = lined(recording, "gradient", lane)
    gradient = np.where(finite(gradient), gradient, 0.0).astype(np.float64)
    sums = np.cumsum(gradient[:, :, None] * gradient[:, None, :], axis=0)

    def root(step: int) -> Floats:
        # The gradient of a sample is of the step that follows it.
        index = index_at(steps, step) - 1
        if index < 0:
            return np.eye(2)
        statistics = sums[index]
        return scaled(statistics if full else np.diag(np.diag(statistics)), -power / 2)

    return root


def scaled(matrix: Floats, power: float) -> Floats:
    """A power of a symmetric matrix, scaled to determinant 1; the identity if that is impossible."""
    if not np.isfinite(matrix).all():
        return np.eye(2)
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    if values.min() <= CLEAR * values.max():
        return np.eye(2)
    powered = (values / values.max()) ** power
    powered /= np.sqrt(powered.prod())
    return np.asarray((vectors * powered) @ vectors.T)


def curvatures(landscape: Array, extent: tuple[float, float, float, float]) -> Floats:
    """The Hessian [2, 2] of the quadratic that fits a landscape [rows, columns] best around its lowest place."""
    left, right, bottom, top = extent
    rows, columns = landscape.shape
    x = left + (np.arange(columns) + 0.5) * (right - left) / columns
    y = bottom + (np.arange(rows) + 0.5) * (top - bottom) / rows
    good = finite(landscape)
    row, column = np.unravel_index(np.where(good, landscape, np.inf).argmin(), landscape.shape)
    near = slice(max(row - 4, 0), row + 5), slice(max(column - 4, 0), column + 5)
    dx, dy = np.meshgrid(x[near[1]] - x[column], y[near[0]] - y[row])
    use = good[near]
    dx, dy, f = dx[use], dy[use], landscape[near][use].astype(np.float64)
    terms = np.column_stack([np.ones_like(dx), dx, dy, dx**2 / 2, dx * dy, dy**2 / 2])
    a, b, c = np.linalg.lstsq(terms, f, rcond=None)[0][3:]
    return np.array([[a, b], [b, c]])
