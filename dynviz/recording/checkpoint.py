"""Checkpoints: named arrays in a .npz file, without pickle, the same bytes for the same arrays."""

import os
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.recording import disk, layout
from dynviz.recording.arrays import check_intact, read_npz
from dynviz.recording.checksums import Checksum
from dynviz.recording.disk import Folder

SUMS = "checksum:"
"""Prefix of arrays that are checksums of the files a checkpoint depends on."""


def steps(folder: Path) -> tuple[int, ...]:
    """The steps of a recording's checkpoints, ascending."""
    try:
        names = os.listdir(folder / layout.CHECKPOINTS)  # noqa: PTH208 - ten times as fast
    except OSError:
        return ()
    stems = (name.removesuffix(layout.CHECKPOINT_SUFFIX) for name in names if name.endswith(layout.CHECKPOINT_SUFFIX))
    return tuple(sorted(int(stem) for stem in stems if stem.isascii() and stem.isdigit()))


def save(folder: Folder, step: int, data: bytes) -> None:
    """Write the checkpoint of a step atomically."""
    with folder.replacing(f"{step}{layout.CHECKPOINT_SUFFIX}") as file:
        file.write(data)


def load(folder: Path, step: int) -> dict[str, NDArray[Any]]:
    """The arrays of a checkpoint."""
    return {name: array for name, array in _load(folder, step).items() if not name.startswith(SUMS)}


def checksums(folder: Path, step: int) -> dict[str, Checksum]:
    """The checksums of the channels and event files that a checkpoint covers; empty in an old recording."""
    try:
        return {
            name.removeprefix(SUMS): Checksum.from_array(array)
            for name, array in _load(folder, step).items()
            if name.startswith(SUMS)
        }
    except ValueError as error:
        raise DynvizError(f"{folder / layout.checkpoint_file(step)} is not a checkpoint: {error}") from error


def _load(folder: Path, step: int) -> dict[str, NDArray[Any]]:
    """All arrays of a checkpoint.

    Raises:
        DynvizError: There is none at that step, or it is damaged, or it holds Python objects.
    """
    path = folder / layout.checkpoint_file(step)
    try:
        arrays = read_npz(path)
        check_intact(path)
    except FileNotFoundError as error:
        known = ", ".join(map(str, steps(folder)))
        there = f"there are checkpoints at {known}" if known else "there is none"
        raise DynvizError(f"no checkpoint at step {step} in {folder}: {there}") from error
    except OSError as error:
        raise disk.unreadable(path, error) from error
    except ValueError as error:
        raise DynvizError(f"{path} is not a checkpoint: {' '.join(str(error).split())}") from error
    return arrays
