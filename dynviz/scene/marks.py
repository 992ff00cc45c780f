"""Scenes: pictures as numbers, neither cells nor pixels.

A scene holds panels, a panel holds marks. Colours are names of roles that a theme resolves: `text`, `muted`, `grid`,
`ground`, `lane0` to `lane7`, `ordered0` to `ordered7`, `class0`, `class1`, `term.gradient` and the other terms.

Both backends keep what they drew for as long as a mark stays the same. Two habits of a view make that work: the
panels of a film and the marks in each keep their order from step to step, and arrays that do not change are the
same objects, not equal ones. A line that grows is one mark with all of its data and a moving `now`.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.scene.norm import Norm

Array: TypeAlias = NDArray[Any]
Extent: TypeAlias = tuple[float, float, float, float]
"""Left, right, bottom, top of an image, in data coordinates; the edges of its outermost pixels."""
Ramp: TypeAlias = str
"""`classes`: class 0 to 1 through the ground; `ordered`: cividis; `signed`: blue to orange, zero at the ground; a role:
from the ground to its colour.
"""
Dash: TypeAlias = Literal["solid", "dashed", "dotted"]
Marker: TypeAlias = Literal["dot", "ring", "cross", "star"]
Anchor: TypeAlias = Literal["left", "center", "right"]


NOT_FINITE = "not finite"
"""What hatching means: values are NaN or infinite, and no colour or height stands for them."""


def last_until(along: Array, step: float) -> float:
    """The last of ascending values that is not above a step; the step itself before all of them."""
    index = int(np.searchsorted(along, step, side="right")) - 1
    return float(along[index]) if index >= 0 else float(step)


@dataclass(frozen=True)
class Field:
    """A heat map: `values` [rows, columns], the first row at the bottom, coloured through `norm` and `ramp`.

    On a logarithmic axis its pixels are equally large as drawn: those of a grid with equal factors between its values.
    Values that are not finite are hatched, and `missing` says what they are where there is room for it. `label` says
    what the first and the last colour stand for (`0.01 to 10`), beside a bar of the colours above the plot.
    """

    values: Array
    extent: Extent
    norm: Norm
    ramp: Ramp = "ordered"
    missing: str = NOT_FINITE
    label: str = ""


@dataclass(frozen=True)
class Regions:
    """Classes over an extent: `classes` [rows, columns] of whole numbers, the first row at the bottom.

    Class i is drawn in `colors[i]`; where there is NaN, the place is hatched.
    """

    classes: Array
    extent: Extent
    colors: tuple[str, ...]


@dataclass(frozen=True)
class Contours:
    """Lines of equal value of `values` [rows, columns] at `levels`; what is not finite is hatched.

    Where `missing` is empty, NaN is what lies outside of the landscape, and nothing is drawn there.
    """

    values: Array
    extent: Extent
    levels: tuple[float, ...]
    color: str = "muted"
    missing: str = NOT_FINITE


@dataclass(frozen=True)
class Points:
    """Dots at `x`, `y` [points]; `size` is a diameter in units of the text's height / 10."""

    x: Array
    y: Array
    color: str
    size: float = 3.0
    marker: Marker = "dot"
    label: str = ""
    alpha: float = 1.0


@dataclass(frozen=True)
class Line:
    """A line through `x`, `y` [points]; NaN breaks it.

    Attributes:
        now: Where the present is, in the coordinate `along`. The past is drawn in full, the future as a faint ghost,
            the present as a dot; None: all of it is past and there is no dot.
        along: What `now` is compared with: `x`, or an ascending array [points] of its own (the steps of a path).
        label: Written at the line's end where there is room, else in the legend.
        width: In units of a plain line.
        ghost: Whether the future is drawn.
        dot: Whether the present is a dot; many lanes would hide behind theirs.
    """

    x: Array
    y: Array
    color: str
    label: str = ""
    now: float | None = None
    along: Array | None = None
    dash: Dash = "solid"
    width: float = 1.0
    ghost: bool = True
    dot: bool = True

    def at(self, step: float) -> "Line":
        """The line at a step: its present is the last of its points up to there, for between two nothing is known."""
        now = last_until(self.x if self.along is None else self.along, step)
        # Twice as fast as `dataclasses.replace`, for each of many lines a frame.
        rest = (self.along, self.dash, self.width, self.ghost, self.dot)
        return Line(self.x, self.y, self.color, self.label, now, *rest)


@dataclass(frozen=True)
class Band:
    """The area between `low` and `high` [points] over `x`; what is past `now` is drawn as a ghost."""

    x: Array
    low: Array
    high: Array
    color: str
    now: float | None = None

    def at(self, step: float) -> "Band":
        """The band at a step, see `Line.at`."""
        return Band(self.x, self.low, self.high, self.color, last_until(self.x, step))


@dataclass(frozen=True)
class Bars:
    """Bars from `base` to `heights` [bars] at `x`, `width` in data units; what has no finite height is hatched."""

    x: Array
    heights: Array
    color: str
    width: float = 0.8
    base: float = 0.0
    label: str = ""


@dataclass(frozen=True)
class Arrows:
    """Arrows from `x`, `y` [arrows] to `x + dx`, `y + dy`, in data coordinates; what is not finite is not drawn.

    Those too short to have a shaft are a head or a dot, those that leave the panel are cut at its edge.
    """

    x: Array
    y: Array
    dx: Array
    dy: Array
    color: str
    label: str = ""
    width: float = 1.0


@dataclass(frozen=True)
class Text:
    """Words at a place in data coordinates; those of an empty text are not drawn."""

    x: float
    y: float
    text: str
    color: str = "text"
    anchor: Anchor = "left"


@dataclass(frozen=True)
class ReferenceLine:
    """A line across the whole panel at one value of x (`vertical`) or y."""

    at: float
    color: str = "muted"
    vertical: bool = False
    dash: Dash = "dashed"
    label: str = ""


Mark: TypeAlias = Field | Regions | Contours | Points | Line | Band | Bars | Arrows | Text | ReferenceLine


@dataclass(frozen=True)
class Axis:
    """One axis: fixed `limits`, linear or log `scale`, and what it measures.

    Attributes:
        limits: Low and high end in data coordinates.
        scale: How values go to places.
        label: What is measured, with its unit.
        whole: Whether ticks are whole numbers (steps, indices).
    """

    limits: tuple[float, float]
    scale: Literal["linear", "log"] = "linear"
    label: str = ""
    whole: bool = False


@dataclass(frozen=True)
class Readout:
    """A value beside a panel's title: words in a colour.

    Attributes:
        text: The value.
        color: Its role.
        name: Whose value it is; written before it where there is room for it.
        widest: The widest text that it will have in the film, for which room is kept; empty where it stays as it is.
    """

    text: str
    color: str = "text"
    name: str = ""
    widest: str = ""

    def in_words(self, text: str, *, named: bool = True) -> str:
        """A value in words, after the name of what it belongs to.

        >>> Readout("", name="adamw").in_words("0.371"), Readout("", name="sgd lr 0.1").in_words("0.371")
        ('adamw 0.371', 'sgd lr 0.1: 0.371')
        """
        if not (named and self.name):
            return text
        # A name of several words mostly ends in a number of its own.
        mark = ":" if " " in self.name and text else ""
        return f"{self.name}{mark} {text}".strip()


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes:
        title: What is shown.
        x: Horizontal axis.
        y: Vertical axis.
        marks: What is drawn, the first at the back.
        readouts: Values of now, beside the title.
        square: Whether a unit of x is as long as a unit of y: maps and scatter plots of a plane.
        plan: Of a picture in perspective, the same seen from above: what is shown where pixels are too coarse for the
            picture itself. A picture in perspective has its axes among its marks.
    """

    title: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    readouts: tuple[Readout, ...] = ()
    square: bool = False
    plan: "Panel | None" = None

    @property
    def perspective(self) -> bool:
        """Whether it is a picture in perspective, around which there are no axes."""
        return self.plan is not None


@dataclass(frozen=True)
class Scene:
    """A picture at one step.

    Attributes:
        title: What made it: scenario and options.
        panels: In reading order.
        readouts: After the title: optimizers, seeds.
        step: The step that is shown.
        steps: The last step of the run.
    """

    title: str
    panels: tuple[Panel, ...]
    step: int
    steps: int
    readouts: tuple[Readout, ...] = ()

    def from_above(self) -> "Scene":
        """The same without perspective."""
        if not any(panel.perspective for panel in self.panels):
            return self
        return replace(self, panels=tuple(panel.plan or panel for panel in self.panels))
