"""Checkpoints: named arrays in a .npz file, without pickle, the same bytes for the same arrays."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.recording import disk, layout
from dynviz.recording.arrays import read_npz
from dynviz.recording.disk import Folder


def steps(folder: Path) -> tuple[int, ...]:
    """The steps of a recording's checkpoints, ascending."""
    try:
        names = os.listdir(folder / layout.CHECKPOINTS)  # noqa: PTH208 - ten times as fast
    except OSError:
        return ()
    stems = (name.removesuffix(layout.CHECKPOINT_SUFFIX) for name in names if name.endswith(layout.CHECKPOINT_SUFFIX))
    return tuple(sorted(int(stem) for stem in stems if stem.isascii() and stem.isdigit()))


def save(folder: Folder, step: int, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write the checkpoint of a step into the folder of checkpoints; it is there whole or not at all."""
    import zipfile

    # Not np.savez: it stores the time of day, and refuses arrays that are named like its own arguments.
    with folder.replacing(f"{step}{layout.CHECKPOINT_SUFFIX}") as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def load(folder: Path, step: int) -> dict[str, NDArray[Any]]:
    """The arrays of a checkpoint.

    Raises:
        DynvizError: There is none at that step, or it is damaged, or it holds Python objects.
    """
    path = folder / layout.checkpoint_file(step)
    try:
        return read_npz(path)
    except FileNotFoundError as error:
        known = ", ".join(map(str, steps(folder)))
        there = f"there are checkpoints at {known}" if known else "there is none"
        raise DynvizError(f"no checkpoint at step {step} in {folder}: {there}") from error
    except OSError as error:
        raise disk.unreadable(path, error) from error
    except ValueError as error:
        raise DynvizError(f"{path} is not a checkpoint: {' '.join(str(error).split())}") from error
