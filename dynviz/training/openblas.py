"""The threads of OpenBLAS, which NumPy and SciPy compute with, and which torch's own setting does not reach."""

import contextlib
import ctypes
import itertools
from collections.abc import Iterator
from pathlib import Path

LOADED = Path("/proc/self/maps")
"""What the present process has in memory, on Linux; elsewhere nothing is set."""
AFFIXES = tuple(itertools.product(("scipy_", ""), ("64_", "_64", "")))
"""What stands before and after the names of its functions, by how it was built."""


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread, because sums over several threads are rounded differently; restore the setting later.

    This applies to every loaded copy of the library; NumPy and SciPy each bring one.
    """
    before = [(library, library.threads()) for library in _libraries()]
    for library, _ in before:
        library.set_threads(1)
    try:
        yield
    finally:
        for library, threads in before:
            library.set_threads(threads)


class _Library:
    """A copy of OpenBLAS in memory."""

    def __init__(self, path: str) -> None:
        """Find its functions.

        Raises:
            LookupError: It has none of a known name.
        """
        library = ctypes.CDLL(path)
        for before, after in AFFIXES:
            names = (f"{before}openblas_{verb}_num_threads{after}" for verb in ("get", "set"))
            get, put = (getattr(library, name, None) for name in names)
            if get is not None and put is not None:
                self._get, self._set = get, put
                return
        raise LookupError(path)

    def threads(self) -> int:
        return int(self._get())

    def set_threads(self, count: int) -> None:
        self._set(ctypes.c_int(count))


def _libraries() -> list[_Library]:
    try:
        lines = LOADED.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    # The sixth word of a line is the file's path, which may hold blanks.
    paths = {words[5] for line in lines if "openblas" in line and len(words := line.split(maxsplit=5)) == 6}
    libraries = []
    for path in sorted(paths):
        if "openblas" in Path(path).name:
            with contextlib.suppress(LookupError, OSError):
                libraries.append(_Library(path))
    return libraries
