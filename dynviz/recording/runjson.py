"""The file run.json of a recording's folder."""

from dataclasses import replace
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.recording import disk, files, layout, sealed
from dynviz.recording.disk import Folder
from dynviz.recording.metadata import FORMAT, Metadata


def version(folder: Path) -> tuple[int, int, int]:
    """A value that changes whenever run.json is written."""
    try:
        file = (folder / layout.METADATA).stat()
    except OSError:
        return (0, 0, 0)
    return (file.st_ino, file.st_mtime_ns, file.st_size)


def load(folder: Path) -> Metadata:
    """Read the run.json of a recording's folder.

    Raises:
        DynvizError: The folder is not a recording that this version can read.
    """
    path = folder / layout.METADATA
    try:
        return Metadata.from_json(sealed.unseal(files.read(path)))
    except FileNotFoundError as error:
        if folder.is_dir():
            raise DynvizError(f"{folder} is not a recording: it has no {layout.METADATA}") from error
        raise DynvizError(f"there is no folder {folder}") from error
    except OSError as error:
        raise disk.unreadable(path, error) from error
    except (ValueError, RecursionError) as error:
        raise DynvizError(f"cannot read {path}: it is not JSON: {error}") from error
    except DynvizError as error:
        raise DynvizError(f"cannot read {path}: {error}") from error


def save(folder: Folder, metadata: Metadata) -> None:
    """Write run.json atomically."""
    data = sealed.seal(replace(metadata, format=FORMAT).to_json())
    with folder.replacing(layout.METADATA) as file:
        file.write(data)


def check_intact(folder: Path) -> None:
    """Check that run.json is intact.

    Raises:
        DynvizError: It is not intact.
    """
    sealed.check(folder / layout.METADATA)
