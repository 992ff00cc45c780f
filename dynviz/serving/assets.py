"""The files of the page: these and no others, read once, so that no path of a request is ever opened."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import NamedTuple

KINDS: Mapping[str, tuple[str, str | None]] = {
    "index.html": ("text/html", "utf-8"),
    "page.css": ("text/css", "utf-8"),
    "page.js": ("text/javascript", "utf-8"),
    "screen.js": ("text/javascript", "utf-8"),
    "ink.js": ("text/javascript", "utf-8"),
    "keys.js": ("text/javascript", "utf-8"),
    "mono.ttf": ("font/ttf", None),
    "mono-bold.ttf": ("font/ttf", None),
}
FONTS = {"mono.ttf": "DejaVuSansMono.ttf", "mono-bold.ttf": "DejaVuSansMono-Bold.ttf"}
"""Matplotlib's fonts: they have the arrows, circles and lines of the player's words."""


class Asset(NamedTuple):
    """A file of the page.

    Attributes:
        body: What is in it.
        kind: Its media type.
        charset: Of text.
    """

    body: bytes
    kind: str
    charset: str | None


def assets() -> Mapping[str, Asset]:
    """The files of the page by their names."""
    import matplotlib

    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    page = resources.files("dynviz.serving") / "page"
    return {
        name: Asset((fonts / FONTS[name] if name in FONTS else page / name).read_bytes(), kind, charset)
        for name, (kind, charset) in KINDS.items()
    }
