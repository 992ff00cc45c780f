"""Loss projections as numbers, and their files in a recording. Free of torch, because views import it.

<recording>/projections/<name>.npz    named arrays, with a description as JSON
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import DynvizError, unknown
from dynviz.frozen import frozen
from dynviz.recording import disk, schema
from dynviz.recording.arrays import check_shapes, read_npz, write_npz
from dynviz.recording.disk import Folder
from dynviz.recording.noted_reads import note_read
from dynviz.recording.schema import list_of, record, typed, whole
from dynviz.recording.values import encode

Array: TypeAlias = NDArray[np.float64]

FOLDER = "projections"
SUFFIX = ".npz"
FORMAT = 1
_ABOUT = "about"
MOST_BYTES = 1 << 29
"""Maximum size of a projection: half a gigabyte holds 64 losses on a plane of 1000 x 1000 points."""
_NAME = re.compile(r"[\w-][\w.-]{0,99}", re.ASCII)


@frozen
class About:
    """What was projected, and how.

    Attributes:
        directions: `filter`, `gaussian`, `pca` or `between`.
        at: The step through whose parameters the line or plane goes.
        seed: The seed of random directions.
        lane: The lane whose parameters they are, counted from 0 over all lanes of the recording.
        losses: The losses that were evaluated; the honesty meter uses the first.
        paths: A name for each trajectory, the recording's own first.
        goals: The networks to which the directions lead, if any.
        format: The version of the file format.
        asked: What was asked for, by the names of `dynviz.projection.project.Wish`; empty where it cannot be repeated.
        towards: The folders of the recordings of `goals`.
    """

    directions: str
    at: int
    seed: int
    lane: int
    losses: tuple[str, ...]
    paths: tuple[str, ...]
    goals: tuple[str, ...] = ()
    format: int = FORMAT
    asked: Mapping[str, Any] = field(default_factory=dict)
    towards: tuple[str, ...] = ()


@frozen
class Trajectory:
    """A trajectory and its projection (shadow) onto a line or plane.

    Attributes:
        steps: [samples].
        place: Coordinates of the nearest point of the line or plane [samples, directions].
        off: Distance from the line or plane [samples].
        far: Distance from the point through which the line or plane goes [samples].
        loss: The losses at the parameters themselves [losses, samples].
        shadow: The losses at the nearest point [losses, samples].
        explained: The fraction of the trajectory's variance that lies along the line or plane.
    """

    steps: NDArray[np.int64]
    place: Array
    off: Array
    far: Array
    loss: Array
    shadow: Array
    explained: float

    @property
    def share(self) -> Array:
        """The distance from the line or plane relative to the extent of the trajectory [samples]; 0 on it."""
        reach = float(self.far.max(initial=0.0))
        return self.off / reach if reach > 0 else np.zeros_like(self.off)

    @property
    def error(self) -> Array:
        """The relative error of the picture, |loss - shadow| / the larger [losses, samples]; 0 on the line or plane."""
        with np.errstate(invalid="ignore"):
            relative = np.abs(self.loss - self.shadow) / np.maximum(np.abs(self.loss), np.abs(self.shadow))
        return np.where(self.loss == self.shadow, 0.0, relative)


@frozen
class Projection:
    """A loss on a line or a plane: at coordinates (a, b) the parameters are `at` + a first + b second direction.

    Attributes:
        about: The description.
        axes: The coordinates that were evaluated, along each direction.
        values: [losses, points of the first axis] for a line, [losses, second axis, first axis] for a plane.
        paths: The trajectories.
        lengths: The lengths of the directions, in units of the parameters.
        cosine: The cosine between the directions of a plane.
    """

    about: About
    axes: tuple[Array, ...]
    values: Array
    paths: tuple[Trajectory, ...]
    lengths: tuple[float, ...] = ()
    cosine: float = 0.0

    @property
    def plane(self) -> bool:
        """Whether there are two directions."""
        return len(self.axes) == 2

    def save(self, folder: Path, name: str) -> Path:
        """Write it into a recording's folder, atomically replacing any projection of that name."""
        about = asdict(self.about) | {
            "lengths": self.lengths,
            "cosine": self.cosine,
            "explained": [path.explained for path in self.paths],
        }
        arrays: dict[str, NDArray[Any]] = {f"axis{index}": axis for index, axis in enumerate(self.axes)}
        arrays["values"] = self.values
        for index, path in enumerate(self.paths):
            for key in ("steps", "place", "off", "far", "loss", "shadow"):
                arrays[f"path{index}.{key}"] = getattr(path, key)
        return write(folder, name, about, arrays)


def load(folder: Path, name: str) -> Projection:
    """Read a projection of a recording.

    Raises:
        DynvizError: There is no such projection, or it is damaged or of a newer format.
    """
    tree, arrays = read(folder, name)
    try:
        about, own = _about(tree)
        plane, count = "axis1" in arrays, len(about.paths)
        forms = {"axis0": "a", **({"axis1": "b", "values": "lba"} if plane else {"values": "la"})}
        for index in range(count):
            # Each trajectory may have its own number of samples.
            samples = chr(0x100 + index)
            own_forms = {"steps": "", "place": "d", "off": "", "far": ""}
            forms |= {f"path{index}.{key}": samples + form for key, form in own_forms.items()}
            forms |= {f"path{index}.{key}": f"l{samples}" for key in ("loss", "shadow")}
        check_shapes(arrays, forms)
        if len(about.losses) != len(arrays["values"]) or arrays["path0.place"].shape[1] != 1 + plane:
            raise DynvizError("its arrays are not those of its losses on its line or plane")  # noqa: TRY301
        paths = tuple(
            Trajectory(
                **{key: arrays[f"path{index}.{key}"] for key in ("steps", "place", "off", "far", "loss", "shadow")},
                explained=explained,
            )
            for index, explained in enumerate(own["explained"])
        )
        axes = tuple(arrays[key] for key in ("axis0", "axis1") if key in arrays)
        return Projection(about, axes, arrays["values"], paths, tuple(own["lengths"]), own["cosine"])
    except (DynvizError, ValueError) as error:
        raise DynvizError(f"{file(folder, name)} is not a projection: {error}") from error


def _about(tree: dict[str, Any]) -> tuple[About, dict[str, Any]]:
    own = {key: tree.pop(key, None) for key in ("lengths", "cosine", "explained")}
    about = schema.check(_ABOUT_READER, tree, "a projection")
    known: dict[str, Any] = schema.check(_OWN_READER, own, "a projection")
    if not 1 <= len(about.paths) == len(known["explained"]):
        raise ValueError("it does not name its trajectories")
    return about, known


_ABOUT_READER = typed(
    About,
    at=whole(0, schema.STEPS),
    seed=whole(0, 2**64),
    lane=whole(0, schema.LANES - 1),
    losses=list_of(schema.text, 1),
    paths=list_of(schema.text, 1),
    format=whole(0, FORMAT),
)
_OWN_READER: schema.Reader[dict[str, Any]] = record(
    dict, lengths=list_of(schema.number, most=2), cosine=schema.number, explained=list_of(schema.number, 1)
)


def names(folder: Path) -> tuple[str, ...]:
    """The names of the projections of a recording, newest first."""
    newest_first = sorted((folder / FOLDER).glob(f"*{SUFFIX}"), key=lambda path: (-_written(path), path.name))
    return tuple(path.name.removesuffix(SUFFIX) for path in newest_first)


def _written(path: Path) -> int:
    """The modification time; a broken link counts as the oldest."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def titled(*words: str, lane: int) -> str:
    """A name for a measurement of a lane; the first lane is not mentioned."""
    return "-".join([*words, *([f"lane-{lane}"] if lane else [])])


def newest(folder: Path, kind: str, lanes: Sequence[int] | None = None) -> str | None:
    """The name of the newest measurement of a kind: `plane`, `line`, or the kind in its file; None if there is none.

    Args:
        folder: The recording's folder.
        kind: The kind of measurement.
        lanes: The lanes to consider; None for all.
    """
    for name in names(folder):
        tree, arrays = _content(folder, name)
        own = tree.get("kind") or ("plane" if "axis1" in arrays else "line")
        if own == kind and (lanes is None or tree.get("lane", 0) in lanes):
            return name
    return None


def file(folder: Path, name: str) -> Path:
    """The path of a projection."""
    return folder / FOLDER / f"{name}{SUFFIX}"


def write(folder: Path, name: str, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Path:
    """Write arrays and their description atomically, without pickle."""
    if not _NAME.fullmatch(name):
        raise DynvizError(
            f"a projection cannot be named {name!r}: use at most 100 letters, digits, '_', '-' and '.', "
            "and do not begin with '.'"
        )
    text = np.frombuffer(json.dumps(encode(dict(about), _ABOUT), allow_nan=False).encode(), np.uint8)
    with (
        Folder(folder) as root,
        root.folder(FOLDER, make=True) as inside,
        inside.replacing(f"{name}{SUFFIX}") as target,
    ):
        target.write(write_npz({_ABOUT: text, **arrays}))
    return file(folder, name)


_SAME = {"format": whole(0), "lane": whole(0, schema.LANES - 1), "kind": schema.text}
"""Optional fields in the description of any measurement."""


def _description(text: NDArray[Any] | None) -> dict[str, Any]:
    """Parse the description in a file."""
    tree = None if text is None else json.loads(text.tobytes())
    if not isinstance(tree, dict):
        raise DynvizError("it does not say what it is")
    for key, reader in _SAME.items():
        if key in tree:
            schema.check(reader, tree[key], f"a projection by its {key}")
    return tree


def read(folder: Path, name: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read a description and arrays from `write`.

    Raises:
        DynvizError: There is no such projection, or it is damaged or of a newer format.
    """
    content = _content(folder, name)
    note_read(folder, name)
    return content


def _content(folder: Path, name: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    path = file(folder, name)
    if not path.exists():
        raise unknown(f"projection of {folder.name}", name, names(folder))
    try:
        arrays = read_npz(path, MOST_BYTES)
        tree = _description(arrays.pop(_ABOUT, None))
    except OSError as error:
        raise disk.unreadable(path, error) from error
    except (ValueError, RecursionError, DynvizError) as error:
        raise DynvizError(f"{path} is not a projection: {' '.join(str(error).split())}") from error
    if tree.get("format", 0) > FORMAT:
        raise DynvizError(f"{path} is of format {tree['format']}; this dynviz reads up to {FORMAT}: make it again")
    return tree, arrays
