"""Which measurements a picture reads, so that it can say so."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_noted: ContextVar[list[tuple[Path, str]] | None] = ContextVar("noted", default=None)


@contextmanager
def noted_reads() -> Iterator[list[tuple[Path, str]]]:
    """Note which measurements are read meanwhile: the folder of the recording, and the name."""
    noted: list[tuple[Path, str]] = []
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


def note_read(folder: Path, name: str) -> None:
    """Note that a measurement was read, if that is wanted."""
    noted = _noted.get()
    if noted is not None:
        noted.append((folder, name))
