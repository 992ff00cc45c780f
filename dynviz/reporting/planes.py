"""The loss on lines and planes through trained parameters: `dynviz project` as a source of claims."""

import argparse
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.projection.project import Wish, project
from dynviz.recording import Recording
from dynviz.recording.projections import load, names, titled

Array: TypeAlias = NDArray[Any]

NAME = "claim"
"""Of projections that a report makes."""
MOST_POINTS = 101
"""Along each direction."""
OPTIONS = "--directions, --line, --grid, --extent, --at, --of and --seed"


@frozen
class ProjectionCommand:
    """A command that evaluates a loss on a line or a plane, for every lane that was trained.

    Attributes:
        directions: `filter`, `gaussian` or `pca`.
        line: Whether it is a line.
        grid: The number of points along each direction.
        extent: How far it reaches; None for the command's default.
        at: The step whose parameters it goes through; None for the last.
        of: The loss; empty for the scenario's first.
        seed: The seed of random directions.
    """

    directions: str = "filter"
    line: bool = False
    grid: int = 21
    extent: float | None = None
    at: int | None = None
    of: str = ""
    seed: int = 0

    @property
    def text(self) -> str:
        """The command as it is written in a claims file."""
        return shlex.join(self._words())

    def words(self, folder: str) -> str:
        """The command as it is written in a shell."""
        return shlex.join([*self._words(), folder])

    def _words(self) -> list[str]:
        words = ["dynviz", "project", "--directions", self.directions, *(["--line"] if self.line else [])]
        words += ["--grid", str(self.grid)]
        chosen = {"extent": self.extent, "at": self.at, "of": self.of or None, "seed": self.seed or None}
        for name, value in chosen.items():
            words += [f"--{name}", str(value)] if value is not None else []
        return words

    def missing(self, recording: Recording) -> list[int]:
        """The lanes that were not projected yet."""
        known = names(recording.folder)
        return [lane for lane in range(len(recording.seeds)) if titled(NAME, lane=lane) not in known]

    def evaluate(self, recording: Recording, trust: Sequence[str]) -> None:
        """Project what is missing.

        Raises:
            DynvizError: Parameters are not recorded, or it is impossible otherwise.
        """
        for lane in self.missing(recording):
            wish = Wish(
                self.directions,  # type: ignore[arg-type]
                1 if self.line else 2,
                self.grid,
                self.extent,
                self.at,
                (self.of,) if self.of else (),
                lane,
                self.seed,
                trust=tuple(trust),
            )
            project(recording, wish).save(recording.folder, titled(NAME, lane=lane))


class _ProjectionParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise DynvizError(f"{message}; a projection of a claims file takes {OPTIONS}")


def read_projection(text: str) -> ProjectionCommand:
    """Read a command.

    >>> read_projection("project --grid 9 --of train_loss").grid
    9

    Raises:
        DynvizError: It is not `project`, or has other options or values.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise DynvizError(f"command {text!r} cannot be read: {error}") from error
    if words[:1] == ["dynviz"]:
        words = words[1:]
    if words[:1] != ["project"]:
        raise DynvizError(f"command {text!r} is not 'project', with which lines and planes are evaluated")
    parser = _ProjectionParser(prog="dynviz", add_help=False, allow_abbrev=False)
    # The fourth kind leads to other networks.
    parser.add_argument("--directions", default="filter", choices=["filter", "gaussian", "pca"])
    parser.add_argument("--line", action="store_true")
    parser.add_argument("--grid", type=int, default=21)
    parser.add_argument("--extent", type=float)
    parser.add_argument("--at", type=int)
    parser.add_argument("--of", default="")
    parser.add_argument("--seed", type=int, default=0)
    command = ProjectionCommand(**vars(parser.parse_args(words[1:])))
    if not 3 <= command.grid <= MOST_POINTS:
        raise DynvizError(f"command {text!r} has a grid of {command.grid} points; write 3 to {MOST_POINTS}")
    return command


def local_minima(losses: Array) -> float:
    """How many inner points [points] or [rows, columns] are lower than all points around them.

    >>> local_minima(np.array([2.0, 1.0, 2.0, 0.0, 1.0]))
    2.0
    """
    if losses.ndim == 1:
        losses = np.stack([np.full_like(losses, np.inf), losses, np.full_like(losses, np.inf)])
    inner = losses[1:-1, 1:-1]
    rows, columns = losses.shape
    around = [
        losses[1 + down : rows - 1 + down, 1 + right : columns - 1 + right]
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
        if down or right
    ]
    return float(np.all([inner < other for other in around], axis=0).sum())


def roughness(losses: Array) -> float:
    """The mean size of second differences along the axes, as a share of the range: 0 where the loss is flat or linear.

    >>> roughness(np.array([0.0, 1.0, 2.0])), roughness(np.array([0.0, 1.0, 0.0]))
    (0.0, 2.0)
    """
    bends = np.concatenate([np.abs(np.diff(losses, 2, axis=axis)).ravel() for axis in range(losses.ndim)])
    span = float(losses.max() - losses.min())
    return float(bends.mean() / span) if span else 0.0


def rise(losses: Array) -> float:
    """How far the largest loss is above that in the middle."""
    return float(losses.max() - losses[tuple(size // 2 for size in losses.shape)])


SHAPES: Mapping[str, Callable[[Array], float]] = {
    "surface-minima": local_minima,
    "surface-rise": rise,
    "surface-roughness": roughness,
}
"""By the name in a claims file: numbers of the first loss on a line or plane."""


def measure_shape(recording: Recording, shape: str) -> Array:
    """The number of each lane [lanes].

    Raises:
        DynvizError: Nothing was projected.
    """
    lanes = recording.chosen if recording.chosen is not None else range(len(recording.seeds))
    surfaces = [load(recording.folder, titled(NAME, lane=lane)).values[0] for lane in lanes]
    return np.array([SHAPES[shape](losses) if np.isfinite(losses).all() else np.nan for losses in surfaces])
