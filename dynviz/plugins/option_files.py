"""Options that name input files: those whose type is, or contains, `pathlib.Path`."""

import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def takes_file(kind: Any) -> bool:
    """Whether values of this type may be paths.

    >>> takes_file(Path), takes_file(tuple[Path, ...]), takes_file(Path | None), takes_file(str)
    (True, True, True, False)
    """
    return kind is Path or any(map(takes_file, typing.get_args(kind)))


def locate(value: str | Path) -> Path:
    """Resolve the path of a file, so that it no longer depends on the working directory.

    Raises:
        ValueError: There is no such file.
    """
    path = Path(value).expanduser()
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    return path.resolve()


def located(default: Any, base: Path) -> Any:
    """A default value with relative paths resolved against a folder."""
    if isinstance(default, tuple | list):
        return type(default)(located(item, base) for item in default)
    return (base / default.expanduser()).resolve() if isinstance(default, Path) else default


def paths(value: Any) -> Iterator[Path]:
    """The paths in the value of an option."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from paths(item)
