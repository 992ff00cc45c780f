"""Scenes: pictures as numbers, neither cells nor pixels. A scene holds panels, a panel holds marks.

Colours are names of roles that a theme resolves: `text`, `muted`, `grid`, `ground`, `lane0` to `lane7`, `ordered0` to
`ordered7`, `class0`, `class1`, `term.gradient` and the other terms.

The backends keep what they drew for as long as a mark stays the same. Two habits of a view make that work: the
panels of a film and the marks in each keep their order from step to step, and arrays that do not change are the
same objects, not equal ones. A line that grows is one mark with all of its data and a moving `now`.
"""

from dataclasses import replace
from typing import Any, ClassVar, Literal, TypeAlias

from numpy.typing import NDArray

from dynviz.frozen import frozen
from dynviz.scene import naming
from dynviz.scene.decimate import last_until
from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.norm import Norm
from dynviz.scene.step_scale import StepScale
from dynviz.scene.terrain import Terrain

Array: TypeAlias = NDArray[Any]
Extent: TypeAlias = tuple[float, float, float, float]
"""Left, right, bottom, top of an image, in data coordinates; the edges of its outermost pixels."""
Ramp: TypeAlias = str
"""`classes`: 0 to 1 through the ground; `ordered`: cividis; `signed`: zero is the ground; `valley`; a role's colour."""
Dash: TypeAlias = Literal["solid", "dashed", "dotted"]
Marker: TypeAlias = Literal["dot", "ring", "cross", "star", "up", "down", "left", "right"]
"""The last four are arrowheads."""
Anchor: TypeAlias = Literal["left", "center", "right", "beside"]
SwatchKind: TypeAlias = Literal["line", "marker", "area", "arrow", "ramp"]
"""What stands for a mark before its label in a legend."""
NOT_FINITE = "not finite"
"""What hatching means: no colour or height stands for these values."""


@frozen
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
    swatch: ClassVar[SwatchKind] = "ramp"


@frozen
class Regions:
    """Classes over an extent: `classes` [rows, columns], the first row at the bottom; NaN is hatched."""

    classes: Array
    extent: Extent
    colors: tuple[str, ...]


@frozen
class Contours:
    """Lines of equal value of `values` [rows, columns] at `levels`, ascending; what is not finite is hatched.

    Where `missing` is empty, nothing is drawn in place of NaN. A `ramp` fills the bands between the lines.
    """

    values: Array
    extent: Extent
    levels: tuple[float, ...]
    color: str = "muted"
    missing: str = NOT_FINITE
    ramp: Ramp = ""


@frozen
class Points:
    """Dots at `x`, `y` [points]; `size` is a diameter in units of the text's height / 10."""

    x: Array
    y: Array
    color: str
    size: float = 3.0
    marker: Marker = "dot"
    label: str = ""
    alpha: float = 1.0
    swatch: ClassVar[SwatchKind] = "marker"


@frozen
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
        alpha: How solid its past is.
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
    alpha: float = 1.0
    swatch: ClassVar[SwatchKind] = "line"

    def at(self, step: float) -> "Line":
        """The line at a step: its present is the last of its points up to there, for between two nothing is known."""
        now = last_until(self.x if self.along is None else self.along, step)
        # Twice as fast as `dataclasses.replace`, for each of many lines a frame.
        rest = (self.along, self.dash, self.width, self.ghost, self.dot, self.alpha)
        return Line(self.x, self.y, self.color, self.label, now, *rest)


@frozen
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


@frozen
class Bars:
    """Bars from `base` to `heights` [bars] at `x`, `width` in data units; what has no finite height is hatched."""

    x: Array
    heights: Array
    color: str
    width: float = 0.8
    base: float = 0.0
    label: str = ""
    swatch: ClassVar[SwatchKind] = "area"


@frozen
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
    swatch: ClassVar[SwatchKind] = "arrow"


@frozen
class Text:
    """Words over all shapes, at a place in data coordinates or, anchored `beside`, where there is room around it."""

    x: float
    y: float
    text: str
    color: str = "text"
    anchor: Anchor = "left"


@frozen
class ReferenceLine:
    """A line across the whole panel at one value of x (`vertical`) or y."""

    at: float
    color: str = "muted"
    vertical: bool = False
    dash: Dash = "dashed"
    label: str = ""


Labelled: TypeAlias = Field | Points | Line | Bars | Arrows
"""With a label in a legend, or at the end of a line."""
Mark: TypeAlias = Labelled | Regions | Contours | Terrain | Band | Text | DirectLabel | ReferenceLine


@frozen
class Axis:
    """One axis: fixed `limits`, linear or log `scale`, what it measures; ticks are `whole` numbers, or stand `at`."""

    limits: tuple[float, float]
    scale: Literal["linear", "log"] = "linear"
    label: str = ""
    whole: bool = False
    at: tuple[float, ...] = ()


@frozen
class Readout:
    """A value beside a panel's title: words in a colour.

    Attributes:
        text: The value.
        color: Its role.
        name: Whose value it is; written before it where there is room for it.
        widest: The widest text that it will have in the film, for which room is kept; empty if it does not change.
        labelled: Whether direct labels say the same: it is written where there is no room for them.
    """

    text: str
    color: str = "text"
    name: str = ""
    widest: str = ""
    labelled: bool = False

    def in_words(self, text: str, *, named: bool = True) -> str:
        """A value in words, after the name of what it belongs to.

        >>> Readout("", name="adamw").in_words("0.371"), Readout("", name="sgd lr 0.1").in_words("0.371")
        ('adamw 0.371', 'sgd lr 0.1: 0.371')
        """
        return naming.named(self.name, text) if named else text


@frozen
class Panel:
    """One pair of axes.

    Attributes:
        title, x, y: What is shown, and its axes.
        marks: What is drawn, the first at the back.
        readouts: Values of now, beside the title.
        square: Whether a unit of x is as long as a unit of y: maps and scatter plots of a plane.
        plan: Of a picture in perspective, whose axes are marks, the same seen from above: for coarser pixels.
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


@frozen
class Scene:
    """A picture at one step.

    Attributes:
        title: What made it: scenario and options.
        panels: In reading order.
        readouts: After the title: optimizers, seeds.
        step: The step that is shown.
        steps: The last step of the run; -1 for a picture that belongs to no step.
        scale: The scale of steps of an animation whose time does not run with them.
        counter: The words before the step and before the last one.
        count: What the counter shows in place of the step and the last one, where it counts something else.
        lead: How many panels, from the first, take most of the page; 0 where all are alike.
        columns: How many columns the panels stand in, row after row, in cells that are all alike; 0: as there is room.
    """

    title: str
    panels: tuple[Panel, ...]
    step: int
    steps: int
    readouts: tuple[Readout, ...] = ()
    scale: StepScale | None = None
    counter: tuple[str, str] = ("step", "of")
    count: tuple[int, int] | None = None
    lead: int = 0
    columns: int = 0

    def from_above(self) -> "Scene":
        """The same without perspective."""
        above = tuple(panel.plan or panel for panel in self.panels)
        return replace(self, panels=above) if any(panel.perspective for panel in self.panels) else self
