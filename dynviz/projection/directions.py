"""Directions through the parameters of a network, as rows of numbers."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.recording.metadata import Part

Array: TypeAlias = NDArray[np.float64]
Kind: TypeAlias = Literal["filter", "gaussian", "pca", "between"]

MOST = 400
"""So many samples of a trajectory tell its principal components."""


def gaussian(row: Array, parts: Mapping[str, Part], rng: np.random.Generator) -> Array:
    """Normal random numbers, scaled for each parameter to the parameter's own norm."""
    direction = rng.standard_normal(row.shape)
    for part in parts.values():
        own = _slice(part)
        direction[own] *= _ratio(np.linalg.norm(row[own]), np.linalg.norm(direction[own]))
    return direction


def filter_normalised(row: Array, parts: Mapping[str, Part], rng: np.random.Generator) -> Array:
    """Normal random numbers, scaled for each filter to the filter's own norm; zero for biases and normalisation.

    A filter holds the weights of one unit: a slice along the first dimension of a parameter with two or more
    dimensions.

    Source: Li, Xu, Taylor, Studer and Goldstein 2018, Visualizing the loss landscape of neural nets, section 4.
    """
    direction = rng.standard_normal(row.shape)
    for part in parts.values():
        own = _slice(part)
        if len(part.shape) < 2:
            direction[own] = 0
            continue
        filters = direction[own].reshape(part.shape[0], -1)
        norms = np.linalg.norm(row[own].reshape(part.shape[0], -1), axis=1)
        direction[own] = (filters * _ratio(norms, np.linalg.norm(filters, axis=1))[:, None]).ravel()
    return direction


def principal(rows: NDArray[Any], count: int) -> Array:
    """The principal components [count, numbers] of some samples of a trajectory [samples, numbers], each of length 1.

    Raises:
        DynvizError: The trajectory spans fewer directions.
    """
    moved = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    # The few samples have far fewer products with each other than the many numbers have.
    values, vectors = np.linalg.eigh(moved @ moved.T)
    values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
    if len(values) < count or values[-1] <= 1e-14 * max(values[0], 0.0):
        raise DynvizError(
            f"the trajectory's {len(rows)} samples do not span {count} principal components; record parameters "
            "more often (--record parameters:every=N), or use --directions filter"
        )
    directions = (vectors / np.sqrt(values)).T @ moved
    # A sign that does not depend on the factorisation: the way ends on the positive side.
    return np.asarray(
        directions * np.where(directions @ (rows[-1].astype(np.float64) - rows[0]) < 0, -1.0, 1.0)[:, None]
    )


def coordinates(moved: Array, directions: Array) -> tuple[Array, Array]:
    """The nearest points on a line or plane for rows [samples, numbers], and the distances to them.

    Args:
        moved: The rows relative to a point of the line or plane.
        directions: [directions, numbers]; they need not be orthogonal.

    Returns:
        Coordinates [samples, directions] and distances [samples].
    """
    place = np.asarray(np.linalg.solve(directions @ directions.T, directions @ moved.T).T, dtype=np.float64)
    return place, np.asarray(np.linalg.norm(moved - place @ directions, axis=1), dtype=np.float64)


def explained(rows: Array, directions: Array) -> float:
    """The fraction of a trajectory's variance that lies along the directions; 1 if it does not move."""
    moved = rows - rows.mean(axis=0)
    basis, _ = np.linalg.qr(directions.T)
    total = float(np.square(moved).sum())
    return float(np.square(moved @ basis).sum()) / total if total > 0 else 1.0


def _slice(part: Part) -> slice:
    return slice(part.start, part.start + int(np.prod(part.shape, dtype=np.int64)))


def _ratio(above: Any, below: Any) -> Any:
    return np.divide(above, below, out=np.zeros_like(np.asarray(below, dtype=np.float64)), where=np.asarray(below) > 0)
