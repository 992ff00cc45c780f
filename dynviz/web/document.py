"""The page as one file: its skeleton, its looks, its script, and the numbers as a text."""

import base64
import functools
import json
import zlib
from collections.abc import Callable, Sequence
from html import escape
from importlib import resources
from string import Template
from typing import Any

from dynviz.errors import DynvizError
from dynviz.frame import Slot, View
from dynviz.frozen import frozen
from dynviz.scene.theme import Theme
from dynviz.text import clean
from dynviz.web.look import looks
from dynviz.web.pool import NumberPool
from dynviz.web.views import tell

SCRIPTS = ("numbers.js", "data.js", "shapes.js", "draw.js", "words.js", "hover.js", "player.js", "keys.js", "page.js")
"""In this order they are one program."""
ROUNDED = 6
MOST = 1_000_000
"""Size in characters that a page should not exceed."""


@frozen(kw_only=True)
class WebPage:
    """What a page holds besides its views.

    Attributes:
        title: Of the window.
        alt: What the page shows, in words.
        comment: What made it.
        recipe: How it was made, as a line of JSON without the signs of markup.
        theme: The theme that is asked for; the page has its opposite, too.
        loop: How many times it plays; 0 repeats forever.
    """

    title: str
    alt: str
    comment: str
    recipe: str
    theme: Theme
    loop: int = 0


class ViewError(DynvizError):
    """A view that a page can do without fails at a frame."""

    def __init__(self, view: View) -> None:
        """Name the view."""
        super().__init__(f"view {view.name} cannot be shown")
        self.view = view


def document(
    page: WebPage,
    views: Sequence[View],
    slots: Sequence[Slot],
    details: Sequence[tuple[int, int]],
    report: Callable[[int], None] = lambda _: None,
) -> str:
    """The page, as detailed as fits into a megabyte.

    Args:
        page: What it holds besides its views.
        views: The views, at least one; the first is shown first.
        slots: The step of each frame, and for how many seconds it is shown.
        details: The columns of pixels that long lines keep the extremes of, and the rows and columns of images, the
            finest first; the last of them is taken where none fits.
        report: Called often, with the number of frames that are done.

    Raises:
        DynvizError: The first view fails at a frame; others that do are left out.
    """
    text, most = "", 0

    def done(share: float) -> None:
        nonlocal most
        most = max(most, int(share * len(slots)))
        report(min(most, len(slots) - 1))

    left, shown = list(details), list(views)
    while left:
        rows = left[0][1]
        try:
            text, images = _detailed(page, shown, slots, left[0], done)
        except ViewError as error:
            shown.remove(error.view)
            continue
        del left[0]
        if len(text) <= MOST:
            break
        # All but the images is about as long at any detail: what cannot fit is not tried, unless it is the last.
        rest = len(text) - images
        left = [one for one in left if one is left[-1] or rest + images * (one[1] / rows) ** 2 <= MOST]
    report(len(slots))
    return text


def _detailed(
    page: WebPage,
    views: Sequence[View],
    slots: Sequence[Slot],
    detail: tuple[int, int],
    done: Callable[[float], None],
) -> tuple[str, int]:
    """The page, and how many of its characters are images."""
    steps, count = [step for step, _ in slots], len(views) * len(slots)
    pool = NumberPool()
    told: list[Any] = []
    for view in views:
        before = len(told) * len(slots)
        try:
            told.append(tell(view, steps, pool, detail, lambda frame: done((before + frame) / count)))  # noqa: B023
        except DynvizError as error:
            if view is views[0]:
                raise
            raise ViewError(view) from error
    tree = {
        "steps": steps,
        "seconds": [round(seconds, ROUNDED) for _, seconds in slots],
        "loop": page.loop,
        "theme": page.theme.name,
        "looks": looks(page.theme, told),
        "views": told,
        "entries": pool.entries,
    }
    text = Template(_file("page.html")).substitute(
        title=escape(clean(page.title)),
        alt=escape(page.alt),
        comment=escape(page.comment),
        recipe=page.recipe,
        style=_file("page.css"),
        script="\n".join(_file(name) for name in SCRIPTS),
        data=packed(tree, pool.data),
    )
    return text, pool.image_bytes * 4 // 3


def packed(tree: Any, data: bytes) -> str:
    """A tree of JSON and the bytes after it, compressed, as text: the length of the tree, the tree, the bytes."""
    text = json.dumps(_cleaned(tree), allow_nan=False, separators=(",", ":")).encode()
    return base64.b64encode(zlib.compress(len(text).to_bytes(4, "little") + text + data, 9)).decode()


def _cleaned(tree: Any) -> Any:
    """The tree with what a recording names made safe to show."""
    if isinstance(tree, str):
        return clean(tree)
    if isinstance(tree, dict):
        return {name: _cleaned(value) for name, value in tree.items()}
    return [_cleaned(value) for value in tree] if isinstance(tree, list | tuple) else tree


@functools.cache
def _file(name: str) -> str:
    return (resources.files("dynviz.web") / "page" / name).read_text(encoding="utf-8")
