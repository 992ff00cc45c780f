"""The arrangement of a story: what leads takes most of the page, and at most a few panels support it."""

from dataclasses import replace
from itertools import pairwise

from dynviz.layout.arrange import Rect

SHARE = 0.64
"""What leads takes this share of the page's width or height."""
MORE = 1.05
"""How much wider than its height a map's part is, for the words at its left."""
WIDE = 1.25
"""From this ratio of width to height on, panels that support stand beside what leads; else below it."""


def arrange_story(
    lead: int, supports: int, size: tuple[int, int], aspect: float, shape: float = 0.0
) -> tuple[Rect, ...]:
    """A rectangle for each panel, those that lead first; none overlap.

    >>> arrange_story(1, 2, (100, 60), 1.0)[0]
    Rect(left=0, top=0, width=64, height=60)

    A lone map stands in the middle of its part. Several maps have those that support below or beside them, whichever
    leaves the maps larger.

    Args:
        lead: The number of panels that lead, side by side.
        supports: The number of panels that support.
        size: Width and height of the area, in pixels or cells.
        aspect: Width of one pixel or cell over its height.
        shape: The width-to-height ratio of maps that lead; 0 for what fills its part.
    """
    width, height = size
    if not supports:
        return tuple(_row(Rect(0, 0, width, height), lead))
    left = round(SHARE * width)
    edges = [round(height * part / supports) for part in range(supports + 1)]
    column = [Rect(left, top, width - left, bottom - top) for top, bottom in pairwise(edges)]
    if lead > 1 and shape and _side(left, height, lead, aspect) > _side(width, SHARE * height, lead, aspect):
        return *_row(Rect(0, 0, left, height), lead), *column
    if lead == 1 and width * aspect >= WIDE * height:
        return _middle(Rect(0, 0, left, height), shape, aspect), *column
    top = round(SHARE * height)
    if lead == 1:
        return _middle(Rect(0, 0, width, top), shape, aspect), *_row(Rect(0, top, width, height - top), supports)
    return (*_row(Rect(0, 0, width, top), lead), *_row(Rect(0, top, width, height - top), supports))


def _middle(area: Rect, shape: float, aspect: float) -> Rect:
    """The middle of an area, as wide as a map of this shape needs; all of it for what fills it."""
    needed = min(round(MORE * shape * area.height / aspect), area.width) if shape else area.width
    return replace(area, left=area.left + (area.width - needed) // 2, width=needed)


def _side(width: float, height: float, count: int, aspect: float) -> float:
    """The side of so many square maps in a row."""
    return min(width * aspect / count, height)


def _row(area: Rect, count: int) -> list[Rect]:
    edges = [area.left + round(area.width * part / count) for part in range(count + 1)]
    return [Rect(left, area.top, right - left, area.height) for left, right in pairwise(edges)]
