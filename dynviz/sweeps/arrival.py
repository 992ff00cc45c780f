"""Bringing home what a worker recorded that does not share the sweep's file system."""

import contextlib
import hashlib
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from dynviz.errors import DynvizError
from dynviz.recording import disk, staging
from dynviz.recording.disk import Folder
from dynviz.recording.syncing import sync_file, sync_folder
from dynviz.sweeps.work import ERRORS, move_aside

CHUNK = 1 << 22
"""Bytes that come at a time."""


class Reader(Protocol):
    """Reads a part of a file on a worker."""

    def __call__(self, path: str, offset: int, most: int) -> bytes:
        """At most so many bytes from an offset."""
        ...


def bring_home(folder: Path, job: str, answer: Mapping[str, Any], read: Reader) -> Iterator[None]:
    """Copy a job's recording into the sweep's folder, where it appears as a whole or not at all.

    Args:
        folder: The sweep's.
        job: The job's name.
        answer: What `run_job` returned.
        read: Reads a part of a file on the worker.

    Yields:
        After each chunk.

    Raises:
        DynvizError: The disk is full, or what arrives is not what the worker says.
    """
    place = PurePosixPath(answer["place"])
    recorded, traceback = [], []
    for name, size, sha256 in answer["files"]:
        top, *inner = _parts(name)
        if top == job and inner:
            recorded.append((inner, size, sha256))
        elif [top, *inner] == [ERRORS, f"{job}.txt"]:
            traceback.append((size, sha256))
        else:
            raise DynvizError(f"{answer['worker']} sends {name!r}, which is no file of job {job}")
    for size, sha256 in traceback:
        with Folder(folder) as sweep, sweep.folder(ERRORS, make=True) as errors, errors.replacing(f"{job}.txt") as file:
            for chunk in _chunks(str(place / ERRORS / f"{job}.txt"), size, sha256, read):
                file.write(chunk)
                yield
    if not recorded:
        return
    with staging.beside(folder / job) as whole:
        for inner, size, sha256 in recorded:
            with _opened(whole, inner) as descriptor:
                offset = 0
                for chunk in _chunks(str(place.joinpath(job, *inner)), size, sha256, read):
                    disk.write_at(descriptor, chunk, offset)
                    offset += len(chunk)
                    yield
        # A part of it may be there, from before the sweep was stopped; it may also be somebody's.
        move_aside(folder, job)
        staging.move(whole, [folder / job])


def _parts(name: str) -> Sequence[str]:
    """The parts of a path that leads nowhere but down.

    Raises:
        DynvizError: It does not.
    """
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or PurePosixPath(name).is_absolute() or "\0" in name:
        raise DynvizError(f"a worker sends {name!r}, which is not a path in a sweep's folder")
    return parts


@contextlib.contextmanager
def _opened(whole: Path, inner: Sequence[str]) -> Iterator[int]:
    """A new file below a folder, which is on the disk when the block ends."""
    try:
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(Folder(whole))
            for name in inner[:-1]:
                folder = stack.enter_context(folder.folder(name, make=True))
            descriptor = folder.open(inner[-1], os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            try:
                yield descriptor
                sync_file(descriptor)
                sync_folder(folder.fd)
            finally:
                os.close(descriptor)
    except OSError as error:
        raise disk.unwritable(whole.joinpath(*inner), error) from error


def _chunks(path: str, size: int, sha256: str, read: Reader) -> Iterator[bytes]:
    digest = hashlib.sha256()
    left = size
    for number in itertools.count():
        if not left:
            break
        chunk = read(path, number * CHUNK, min(CHUNK, left))
        if len(chunk) != min(CHUNK, left):
            raise DynvizError(f"{path} became shorter while it was read from its worker")
        digest.update(chunk)
        left -= len(chunk)
        yield chunk
    if digest.hexdigest() != sha256:
        raise DynvizError(f"{path} arrived from its worker with other contents than it had there")
