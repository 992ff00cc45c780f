"""The files that a run depends on: their hashes in run.json, and copies of small ones.

Copies stand in the recording's folder `inputs`, for its user to compare or to put back. None is ever run or read from
there.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.recording import disk, files, schema
from dynviz.recording.disk import Folder
from dynviz.recording.schema import Misfit

FOLDER = "inputs"
LARGEST = 1_000_000
"""Bytes of a file of which a copy is kept, at most."""
_COPY = re.compile(r"(?!\.)[^/\0]{1,250}")


@dataclass(frozen=True)
class Input:
    """A file that a run depends on.

    Attributes:
        path: Absolute.
        sha256: Of its bytes when the run began.
        code: Whether it is run: a scenario, a rule, or a file that one of them imports.
        copy: The name of its copy in the recording's folder of inputs; empty of one that is too large.
    """

    path: str
    sha256: str
    code: bool = False
    copy: str = ""


def copy_name(value: object) -> str:
    """Read the name of a copy, which must lead nowhere else; empty for none."""
    name = schema.text(value)
    if name and not _COPY.fullmatch(name):
        raise Misfit("is no name of a file")
    return name


def of(code: Iterable[Path], data: Iterable[Path]) -> tuple[Input, ...]:
    """Hash files.

    Args:
        code: Those that are run.
        data: Those that are read.

    Raises:
        DynvizError: One cannot be read.
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
        DynvizError: One cannot be read any more, or has changed meanwhile.
    """
    kept = [each for each in inputs if each.copy]
    if not kept:
        return
    with root.folder(FOLDER, make=True) as folder:
        for each in kept:
            try:
                data = files.read(each.path)
            except OSError as error:
                raise disk.unreadable(each.path, error) from error
            if hashlib.sha256(data).hexdigest() != each.sha256:
                raise DynvizError(f"{each.path} changed while the run began; begin it again")
            with folder.replacing(each.copy) as file:
                file.write(data)


def check(recording: Path, inputs: Iterable[Input], *, beside: Path | None = None) -> None:
    """See that the files that a run reads are what they were; or its code, where that is found to have changed.

    Args:
        recording: The folder that copies are in.
        inputs: The files.
        beside: The user's file whose code is checked, which may have moved since the run began.

    Raises:
        DynvizError: One has changed or is not there.
    """
    for each in inputs:
        path = Path(each.path) if beside is None else beside.with_name(Path(each.path).name)
        if each.code != (beside is not None):
            continue
        copy = recording / FOLDER / each.copy
        kept = f"put back the copy of it that is kept, {copy}, or " if each.copy and copy.is_file() else ""
        try:
            changed = _sha256(path) != each.sha256
        except OSError as error:
            raise DynvizError(f"{disk.unreadable(path, error)}, which the run needs; {kept}begin a new run") from error
        if changed:
            raise DynvizError(f"{path} has changed since the run began; {kept}begin a new run with it")


def damaged(recording: Path, inputs: Iterable[Input]) -> dict[str, str]:
    """What is wrong with copies, by their path in the recording; one that is not there is not missed."""
    problems = {}
    for each in inputs:
        path, name = recording / FOLDER / each.copy, f"{FOLDER}/{each.copy}"
        if not each.copy or not os.path.lexists(path):
            continue
        try:
            if path.is_symlink() or path.parent.is_symlink():
                problems[name] = f"{name}: it is a link, which is not followed"
            elif hashlib.sha256(files.read(path)).hexdigest() != each.sha256:
                problems[name] = f"{name}: it is not what was written"
        except OSError as error:
            problems[name] = str(disk.unreadable(path, error))
    return problems


def _sha256(path: Path) -> str:
    with os.fdopen(files.open_regular(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _free(path: Path, taken: set[str]) -> str:
    """The name of a copy: the file's own, with a number where it is taken. Names that begin with a dot are hidden."""
    name, number = path.name.lstrip(".") or "file", 2
    while name in taken:
        name, number = f"{number}-{path.name.lstrip('.')}", number + 1
    return name
