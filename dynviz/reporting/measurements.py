"""Measurements of a whole recording, each a number for every lane, and calculations that need no recording."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from dynviz.charts.moments import excess
from dynviz.errors import DynvizError
from dynviz.optimizers._sketch import shrink
from dynviz.recording import Recording
from dynviz.rule import NOISE
from dynviz.training.trees import from_arrays
from dynviz.views._null import share
from dynviz.views.kronecker import KroneckerStatistics, small_matrix

Array: TypeAlias = NDArray[Any]


def diverged(recording: Recording) -> Array:
    """1 for a lane whose loss is no longer finite at some step, else 0."""
    lanes = {event.lane for event in recording.events() if event.kind == "diverged"}
    return np.array([float(lane in lanes) for lane in range(len(recording.seeds))])


def nearest_agreement(recording: Recording) -> Array:
    """The share of the square whose class is that of the nearest center: 1 for a Voronoi partition."""
    classes = np.asarray(recording["environment"][0])
    left, right, bottom, top = recording.facts["extent"]
    shares = []
    for lane in range(classes.shape[0]):
        grid = classes[lane]
        centers, labels = np.asarray(recording["true_centers"][0][lane]), np.asarray(recording["true_class"][0][lane])
        rows, columns = grid.shape
        x = left + (np.arange(columns) + 0.5) / columns * (right - left)
        y = bottom + (np.arange(rows) + 0.5) / rows * (top - bottom)
        known = np.isfinite(centers).all(axis=-1)
        points = np.stack(np.meshgrid(x, y), axis=-1)
        distances = ((points[:, :, None] - centers[known]) ** 2).sum(axis=-1)
        shares.append(float((labels[known][distances.argmin(axis=-1)] == grid).mean()))
    return np.array(shares)


def state_per_parameter(recording: Recording) -> Array:
    """The numbers that the optimizer keeps for each parameter, of whatever precision."""
    checkpoints = recording.checkpoints()
    if not checkpoints:
        raise DynvizError(f"{recording.folder} has no checkpoint, from which the optimizer's state is counted")
    tree = from_arrays(recording.checkpoint(checkpoints[-1]), torch.device("cpu"))
    parameters = sum(stack["theta"].numel() for stack in tree["crew"])
    return np.full(
        len(recording.seeds), sum(map(_numbers, (stack["optimizer"] for stack in tree["crew"]))) / parameters
    )


def kronecker_factor(recording: Recording) -> Array:
    """The least c with C <= c r sqrt(L) x sqrt(R) in the Loewner order, after all gradients, of rank r at most.

    At most 1 by lemma 8 of Gupta et al. 2018. C is the sum of all products of two numbers of a gradient.
    """
    if "gradient" not in recording:
        raise DynvizError("kronecker-factor needs the gradients of all steps: --record gradient:every=1")
    parameter = small_matrix(recording)
    factors = []
    for lane in range(len(recording.seeds)):
        statistics = KroneckerStatistics(recording, parameter, lane)
        factors.append(excess(*statistics.at(int(statistics.steps[-1]))) / statistics.rank)
    return np.array(factors)


def _numbers(node: Any) -> int:
    """How many numbers a tree of tensors holds; noise is in it, and is kept from no step to the next."""
    if isinstance(node, torch.Tensor):
        return node.numel()
    if isinstance(node, Mapping):
        node = [value for key, value in node.items() if key != NOISE]
    return sum(map(_numbers, node)) if isinstance(node, list | tuple) else 0


MEASUREMENTS: Mapping[str, Callable[[Recording], Array]] = {
    "diverged": diverged,
    "kronecker-factor": kronecker_factor,
    "nearest-agreement": nearest_agreement,
    "state-per-parameter": state_per_parameter,
}
"""By the name in a claims file."""


def gaussian_top_quarter(seed: int, *, rows: float, columns: float, beta: float, steps: float) -> float:  # noqa: ARG001
    """The share of the top quarter of the eigenvalues of averaged outer products of Gaussian matrices."""
    return share(int(rows), int(columns), beta, int(steps))


def random_cosine(seed: int, *, dimensions: float) -> float:
    """The size of the cosine between two Gaussian vectors."""
    one, other = np.random.default_rng(seed).standard_normal((2, int(dimensions)))
    return float(abs(one @ other) / np.linalg.norm(one) / np.linalg.norm(other))


def sketch_error(seed: int, *, rows: float, columns: float, rank: float) -> float:
    """The error of a Frequent Directions sketch in the operator norm, relative to its bound by what is beyond the rank.

    The bound is |A - A_k|_F^2 / (l - k) for a sketch of l rows, with k = l / 2. The matrix has a falling spectrum.
    """
    length, half = int(rank), int(rank) // 2
    matrix = np.random.default_rng(seed).standard_normal((int(rows), int(columns)))
    matrix *= 0.9 ** np.arange(int(columns))
    sketch = torch.zeros(length, int(columns), dtype=torch.float64)
    for vector in torch.from_numpy(matrix):
        sketch = shrink(sketch, vector[None]).rows
    errors = np.linalg.eigvalsh(matrix.T @ matrix - (sketch.T @ sketch).numpy())
    beyond = (np.linalg.svd(matrix, compute_uv=False)[half:] ** 2).sum()
    return float(np.abs(errors).max() * (length - half) / beyond)


def full_matrix_petabytes(seed: int, *, rows: float, columns: float) -> float:  # noqa: ARG001
    """The size of the full covariance of a matrix's gradients, in float32 and units of 1e15 bytes."""
    return 4 * (rows * columns) ** 2 / 1e15


CALCULATIONS: Mapping[str, Callable[..., float]] = {
    "full-matrix-petabytes": full_matrix_petabytes,
    "gaussian-top-quarter": gaussian_top_quarter,
    "random-cosine": random_cosine,
    "sketch-error": sketch_error,
}
"""By the name in a claims file; each takes a seed."""
