"""The files that a run depends on: their hashes in run.json, and copies of small ones.

Copies are kept in the folder `inputs` of the recording, for the user to compare or restore. They are never run or read
as inputs.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.recording import disk, files, schema
from dynviz.recording.disk import Folder
from dynviz.recording.schema import Misfit

FOLDER = "inputs"
LARGEST = 1_000_000
"""Files of at least this size, in bytes, are not copied."""
_COPY = re.compile(r"(?!\.)[^/\0]{1,250}")


@frozen
class Input:
    """A file that a run depends on.

    Attributes:
        path: The absolute path.
        sha256: The hash of its contents when the run began.
        code: Whether it is executed: a scenario, a rule, or a file that one of them imports.
        copy: The name of its copy in the folder of inputs; empty if it is too large.
    """

    path: str
    sha256: str
    code: bool = False
    copy: str = ""


def copy_name(value: object) -> str:
    """Validate the name of a copy, which must not lead outside the folder; empty for none."""
    name = schema.text(value)
    if name and not _COPY.fullmatch(name):
        raise Misfit("is not a file name")
    return name


def of(code: Iterable[Path], data: Iterable[Path]) -> tuple[Input, ...]:
    """Hash files.

    Args:
        code: Files that are executed.
        data: Files that are read.

    Raises:
        DynvizError: A file cannot be read.
    """
    kinds = dict.fromkeys(data, False) | dict.fromkeys(code, True)
    names: set[str] = set()
    hashed = []
    for path, is_code in kinds.items():
        try:
            sha256, small = _sha256(path), path.stat().st_size < LARGEST
        except OSError as error:
            raise disk.unreadable(path, error) from error
        copy = _free(path, names) if small else ""
        names.add(copy)
        hashed.append(Input(str(path), sha256, is_code, copy))
    return tuple(hashed)


def keep(root: Folder, inputs: Sequence[Input]) -> None:
    """Copy small files into a recording's folder.

    Raises:
        DynvizError: A file can no longer be read, or has changed.
    """
    kept = [input_file for input_file in inputs if input_file.copy]
    if not kept:
        return
    with root.folder(FOLDER, make=True) as folder:
        for input_file in kept:
            try:
                data = files.read(input_file.path)
            except OSError as error:
                raise disk.unreadable(input_file.path, error) from error
            if hashlib.sha256(data).hexdigest() != input_file.sha256:
                raise DynvizError(f"{input_file.path} changed while the run began; begin it again")
            with folder.replacing(input_file.copy) as file:
                file.write(data)


def check(recording: Path, inputs: Iterable[Input], *, beside: Path | None = None) -> None:
    """Check that the data files of a run are unchanged, or, with `beside`, its code files.

    Args:
        recording: The folder of the recording, which contains the copies.
        inputs: The files.
        beside: The user's file whose code is checked instead; it may have moved since the run began.

    Raises:
        DynvizError: A file is missing or has changed.
    """
    inputs = tuple(inputs)
    for input_file in inputs:
        if input_file.code != (beside is not None):
            continue
        path = Path(input_file.path) if beside is None else _moved(Path(input_file.path), inputs, beside)
        copy = recording / FOLDER / input_file.copy
        kept = f"put back the copy of it that is kept, {copy}, or " if input_file.copy and copy.is_file() else ""
        try:
            changed = _sha256(path) != input_file.sha256
        except OSError as error:
            raise DynvizError(f"{disk.unreadable(path, error)}, which the run needs; {kept}begin a new run") from error
        if changed:
            raise DynvizError(f"{path} has changed since the run began; {kept}begin a new run with it")


def damaged(recording: Path, inputs: Iterable[Input]) -> dict[str, str]:
    """Problems with copies, by their path in the recording; missing copies are not a problem."""
    problems = {}
    for input_file in inputs:
        path, name = recording / FOLDER / input_file.copy, f"{FOLDER}/{input_file.copy}"
        if not input_file.copy or not os.path.lexists(path):
            continue
        try:
            if path.is_symlink() or path.parent.is_symlink():
                problems[name] = f"{name}: it is a link, which is not followed"
            elif hashlib.sha256(files.read(path)).hexdigest() != input_file.sha256:
                problems[name] = f"{name}: it is not what was written"
        except OSError as error:
            problems[name] = str(disk.unreadable(path, error))
    return problems


def _moved(path: Path, inputs: Iterable[Input], beside: Path) -> Path:
    """Where a code file is now, if it is a neighbour of the user's file, which is now `beside`."""
    places = [Path(code.path) for code in inputs if code.code and Path(code.path).name == beside.name]
    folder = beside.parent if beside in places or not places else places[0].parent
    return beside.parent / path.relative_to(folder) if path.is_relative_to(folder) else path


def _sha256(path: Path) -> str:
    with os.fdopen(files.open_regular(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _free(path: Path, taken: set[str]) -> str:
    """A free name for a copy: the file's own without leading dots, with a number in front if it is taken."""
    name, number = path.name.lstrip(".") or "file", 2
    while name in taken:
        name, number = f"{number}-{path.name.lstrip('.')}", number + 1
    return name
