"""How sharp a minimum is: the largest eigenvalues of the Hessian, and the loss at a distance from it."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins.trust import Trusted
from dynviz.projection.asked import asked
from dynviz.projection.evaluate import Losses, Progress, losses, suggested, task_of, threads
from dynviz.projection.own_loss import LossFunction
from dynviz.projection.project import PARAMETERS, number, rows_of
from dynviz.projection.statistics import joined, statistics_of
from dynviz.recording import Recording
from dynviz.recording.projections import titled, write
from dynviz.training import devices

Array: TypeAlias = NDArray[np.float64]
Scalar: TypeAlias = Callable[[Tensor], Tensor]

NAME = "sharpness"
EXACT = 200
"""Up to so many parameters the whole Hessian is computed."""
CLOSE = 1e-3
"""An eigenvalue is found when its error is this share of it."""


@frozen
class Look:
    """What to measure.

    Attributes:
        samples: Number of steps at which to measure, evenly spaced back from the last one.
        eigenvalues: Number of largest eigenvalues.
        loss: Name of the loss; empty for the first that the scenario suggests.
        ways: Number of random directions in which the loss around the last step is measured.
        reach: Largest distance; None for a quarter of the parameters' norm.
        radii: Number of distances.
        lane: Lane whose parameters are used.
        batches: Number of training batches over which `loss` is averaged.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        trust: The user's own code that may run, see `dynviz.plugins.trust`.
        function: The loss, for recordings of a script's own loop; see `dynviz.projection.project.Wish`.
    """

    samples: int = 20
    eigenvalues: int = 2
    loss: str = ""
    ways: int = 10
    reach: float | None = None
    radii: int = 21
    lane: int = 0
    batches: int = 1
    device: str = "auto"
    trust: Trusted = ()
    function: str | LossFunction | None = None


def largest(function: Scalar, row: Tensor, count: int, seed: int = 0) -> Array:
    """The largest eigenvalues [count] of a function's Hessian at a point, in descending order; NaN if it is not finite.

    Args:
        function: A twice differentiable function of a row of numbers.
        row: The point [numbers].
        count: The number of eigenvalues; if there are fewer, the rest is NaN.
        seed: The seed of the initial vector of the Lanczos iteration.
    """
    eigenvalues = np.full(count, np.nan)
    if len(row) <= EXACT:
        product, basis = _product(function, row), torch.eye(len(row), dtype=row.dtype, device=row.device)
        try:
            hessian = torch.func.vmap(product)(basis)
        except RuntimeError:
            # It has no rule for something in the function.
            hessian = torch.stack([product(vector) for vector in basis])
        if hessian.isfinite().all():
            values = torch.linalg.eigvalsh(hessian.double()).flip(0)[:count].cpu().numpy()
            eigenvalues[: len(values)] = values
        return eigenvalues
    values = _lanczos(function, row, count, seed)
    eigenvalues[: len(values)] = values
    return eigenvalues


def _product(function: Scalar, row: Tensor) -> Callable[[Tensor], Tensor]:
    """The Hessian at a point, as a function of vectors."""
    gradient = torch.func.grad(function)
    # Twice backwards: of forward derivatives torch has one for all threads.
    return lambda vector: torch.func.grad(lambda at: gradient(at) @ vector)(row)


def _lanczos(function: Scalar, row: Tensor, count: int, seed: int) -> Array:
    """By ARPACK's restarted Lanczos iteration, in products of the Hessian with vectors."""
    try:
        from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
    except ImportError as error:
        raise DynvizError(
            f"the Hessian of {len(row)} parameters needs SciPy; install it with: pip install 'dynviz[data]'"
        ) from error
    product = _product(function, row)

    def times(vector: NDArray[Any]) -> Array:
        image = product(torch.as_tensor(vector.ravel(), dtype=row.dtype, device=row.device)).double().cpu().numpy()
        if not np.isfinite(image).all():
            raise FloatingPointError
        return np.asarray(image)

    start = np.random.default_rng(seed).standard_normal(len(row))
    operator = LinearOperator((len(row), len(row)), matvec=times, dtype=np.float64)
    try:
        eigenvalues = eigsh(
            operator, min(count, len(row) - 1), which="LA", v0=start, tol=CLOSE, return_eigenvectors=False
        )
    except ArpackNoConvergence as error:
        eigenvalues = error.eigenvalues
    except FloatingPointError:
        return np.full(count, np.nan)
    return np.sort(eigenvalues)[::-1]


@frozen
class Sharpness:
    """The measured sharpness of a recording.

    Attributes:
        recording: The recording.
        about: The description.
        arrays: The numbers, by name.
    """

    recording: Recording
    about: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]

    def save(self) -> Path:
        """Store it in the recording's folder, for the view `sharpness`."""
        return write(self.recording.folder, titled(NAME, lane=self.about["lane"]), self.about, self.arrays)


def measure(recording: Recording, look: Look, progress: Progress | None = None) -> Path:
    """Measure the sharpness along a recording, and store it in its folder; see `evaluate`."""
    return evaluate(recording, look, progress).save()


@devices.reproducible()
def evaluate(recording: Recording, look: Look, progress: Progress | None = None) -> Sharpness:
    """Measure the sharpness along a recording.

    Raises:
        DynvizError: Parameters are not recorded, or there is no such loss.
    """
    if min(look.samples, look.eigenvalues, look.ways, look.radii - 1) < 1:
        raise DynvizError("sharpness needs at least one sample, one eigenvalue and two radii")
    rows = rows_of(recording, look.lane)
    name = look.loss or suggested(recording)[0]
    again = functools.partial(task_of, recording, look.lane, look.trust, look.function)
    measured = losses(again(), (name,), look.batches, look.device, again)
    statistics = statistics_of(recording, look.lane, measured, recording.steps(PARAMETERS))
    at = np.unique(np.linspace(len(rows) - 1, 0, look.samples).astype(np.int64))
    eigenvalues = _along(measured, (rows[at], statistics[at]), look.eigenvalues, progress)
    last = rows[-1].astype(np.float64)
    reach = look.reach or float(np.linalg.norm(last)) / 4 or 1.0
    radii = np.linspace(0, reach, look.radii)
    lane = number(recording, look.lane)
    about: dict[str, Any] = {
        "kind": NAME,
        "format": 1,
        "loss": name,
        "lane": lane,
        "at": int(recording.steps(PARAMETERS)[-1]),
    }
    about["asked"] = asked(look, lane)
    arrays = {
        "steps": recording.steps(PARAMETERS)[at],
        "eigenvalues": eigenvalues,
        "radii": radii,
        "around": _around(measured, (last, statistics[-1]), radii, look.ways),
    }
    return Sharpness(recording, about, arrays)


def _along(measured: Losses, points: tuple[NDArray[Any], NDArray[Any]], count: int, progress: Progress | None) -> Array:
    """Eigenvalues [samples, count] at each of several points, given by their parameters and their buffers."""

    def one(row: NDArray[Any], statistics: NDArray[Any]) -> Array:
        buffers = measured.row(statistics)

        def function(row: Tensor) -> Tensor:
            return measured.measure(*measured.tensors(torch.cat([row, buffers])))[0]

        return largest(function, measured.row(row), count)

    eigenvalues = []
    with threads(measured.device) as pool:
        for values in pool.map(one, *points):
            eigenvalues.append(values)
            if progress:
                progress(len(eigenvalues), len(points[0]))
    return np.stack(eigenvalues)


def _around(measured: Losses, point: tuple[Array, NDArray[Any]], radii: Array, ways: int) -> Array:
    """The loss [directions, radii] at distances from a point, in random directions of all parameters together."""
    base, statistics = point
    directions = np.random.default_rng(0).standard_normal((ways, len(base)))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    count = len(radii)

    def rows(start: int, stop: int) -> Array:
        place = np.arange(start, stop)
        return joined(base + radii[place % count][:, None] * directions[place // count], statistics)

    losses_around: Array = measured.at(rows, ways * count)[0].reshape(ways, count)
    return losses_around
