"""Boxes: what words cover on a page."""

from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle at fractions of pixels or cells; `top` counts downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Box") -> bool:
        """Whether the two have an area in common.

        >>> Box(0, 0, 2, 1).overlaps(Box(2, 0, 3, 1)), Box(0, 0, 2, 1).overlaps(Box(1, 0, 3, 1))
        (False, True)
        """
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def holds(self, x: float, y: float) -> bool:
        """Whether a place is inside."""
        return self.left <= x <= self.right and self.top <= y <= self.bottom

    def grown(self, by: float) -> "Box":
        """The same with so much more on all sides.

        >>> Box(1, 1, 2, 2).grown(0.5)
        Box(left=0.5, top=0.5, right=2.5, bottom=2.5)
        """
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)
