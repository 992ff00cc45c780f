"""Exporters and their options, and the sizes of what they write."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from dynviz import plugins
from dynviz.errors import DynvizError, unknown
from dynviz.frame import format_of
from dynviz.plugins.option_values import read

Publication: TypeAlias = Literal["column", "page"]
SHARED = ("quality", "loop", "background", "font", "publication")
"""Options that mean the same in every format that has them."""
MOST_LOOPS = 0xFFFF
"""What GIF can count."""
INCHES: dict[Publication, float] = {"column": 3.25, "page": 6.75}
"""The width of a column of text and of a page of two, as classes of LaTeX for conferences have them."""
POINTS = 72
"""In an inch."""
FULL_SIZE = 4
"""Up to so many frames of a contact sheet are as large as asked for; more have half the width and height."""
LEAST_HALF = 160
"""Pixels; a side of a frame is not halved to fewer."""


def publication_size(publication: Publication, shape: tuple[int, int]) -> tuple[int, int]:
    """Width and height in points of a figure of this shape (width and height).

    >>> publication_size("column", (640, 480))
    (234, 176)

    Raises:
        DynvizError: There is no such width.
    """
    if publication not in INCHES:
        raise unknown("width for publication", publication, INCHES)
    width = POINTS * INCHES[publication]
    return round(width), round(width * shape[1] / shape[0])


def tile_size(count: int, size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of each of the frames of a contact sheet.

    >>> tile_size(4, (640, 480)), tile_size(12, (640, 480))
    ((640, 480), (320, 240))
    """
    half = size[0] // 2, size[1] // 2
    return half if count > FULL_SIZE and min(half) >= LEAST_HALF else size


def find_exporter(suffix: str) -> plugins.Plugin:
    """The exporter that writes files of this suffix.

    Raises:
        DynvizError: There is none.
    """
    name = suffix.removeprefix(".").lower()
    known = plugins.files("exporters")
    if name not in known:
        there = ", ".join(f".{suffix}" for suffix in known)
        asked = f".{name} files" if name else "a file without a suffix"
        raise DynvizError(f"no exporter writes {asked}; there are: {there}")
    return plugins.load("exporters", name)


def choose(export: plugins.Plugin, options: Mapping[str, Any]) -> dict[str, Any]:
    """Check the options of an exporter, and add those that were written after its name.

    Raises:
        DynvizError: An option does not exist, has an invalid value, or is given twice.
    """
    for name in options:
        if name not in export.options and name in SHARED:
            able = [stem for stem in plugins.files("exporters") if name in plugins.load("exporters", stem).options]
            raise DynvizError(f"{export.stem} has no option {name}; formats that have it: {', '.join(able)}")
        if name not in export.options:
            raise unknown(f"option of exporter {export.stem}", name, export.options)
        if name in export.given:
            raise DynvizError(f"{name} is given twice, in --exporter {export.stem} and on its own; give it once")
    chosen = {**read(export.options, options, f"exporter {export.stem}"), **export.given}
    if not 0 <= chosen.get("loop", 0) <= MOST_LOOPS:
        raise DynvizError(f"loop cannot be {chosen['loop']}; choose 1 to {MOST_LOOPS} times, or 0 to repeat forever")
    return chosen


def moving() -> list[str]:
    """The names of the animated formats; this imports all exporters."""
    formats = {name: format_of(plugins.load("exporters", name).target) for name in plugins.files("exporters")}
    return [name for name, shows in formats.items() if shows.motion]
