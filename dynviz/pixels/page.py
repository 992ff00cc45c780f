"""The page: where everything of a scene stands that does not move with its step."""

from dataclasses import dataclass, replace
from typing import Any

from dynviz.pixels.labels import shape
from dynviz.pixels.memory import memory
from dynviz.pixels.pen import Pen
from dynviz.pixels.place import Place, Spot, places
from dynviz.pixels.sizes import Sizes, sizes
from dynviz.pixels.words import Placed, Words, flow
from dynviz.scene.arrange import Rect, arrange
from dynviz.scene.marks import Bars, Line, Mark, Points, Scene
from dynviz.scene.ticks import THIN


@dataclass(frozen=True)
class Page:
    """Where a scene stands.

    Attributes:
        sizes: Of its letters and lines.
        head: The strip with its title.
        title: Written once.
        spots: For the scene's readouts.
        counter: Where the words for the step end, and how much room they have.
        places: Of the panels.
    """

    sizes: Sizes
    head: Rect
    title: tuple[Placed, ...]
    spots: tuple[Spot, ...]
    counter: Spot
    places: tuple[Place, ...]


def key(scene: Scene) -> tuple[Any, ...]:
    """What the page depends on: equal keys, equal pages. Arrays stand in it for their memory, which must stay alive."""
    panels = [
        (
            panel.title,
            panel.x,
            panel.y,
            panel.square,
            tuple((shape(readout.text), readout.color) for readout in panel.readouts),
            tuple(_mark_key(mark) for mark in panel.marks),
        )
        for panel in scene.panels
    ]
    heads = tuple((shape(readout.text), readout.color) for readout in scene.readouts)
    return scene.title, scene.steps, heads, tuple(panels)


def _mark_key(mark: Mark) -> tuple[Any, ...]:
    if isinstance(mark, Line) and mark.label:
        return mark.label, mark.color, mark.dash, memory(mark.x), memory(mark.y)
    if isinstance(mark, Points) and mark.label:
        return mark.label, mark.color, mark.marker
    if isinstance(mark, Bars) and mark.label:
        return mark.label, mark.color
    return ()


def step_words(scene: Scene) -> str:
    """The counter at the upper right.

    >>> from dynviz.scene.marks import Scene
    >>> step_words(Scene("", (), step=4300, steps=10_000)).replace(THIN, " ")
    'step 4 300 of 10 000'
    """
    step, steps = (f"{value:,}".replace(",", THIN) for value in (scene.step, scene.steps))
    return f"step {step} of {steps}" if scene.steps > 0 else f"step {step}"


def lay_out(scene: Scene, pen: Pen) -> Page:
    """Find a place for everything on the pen's canvas."""
    width, height = pen.width, pen.height
    size = sizes(width, height, len(scene.panels))
    margin = round(0.9 * size.em)
    room = pen.measure(step_words(replace(scene, step=scene.steps)), size.words)
    inner = width - 2 * margin
    title = [Words(scene.title, size.title)] if scene.title else []
    readouts = [Words(readout.text, size.words, readout.color) for readout in scene.readouts]
    flowed = flow([title, readouts], (inner - room - 1.5 * size.em, inner), pen)
    row, first = round(1.5 * size.title.size), margin + size.title.size
    at = [(margin + one.left, first + one.line * row) for one in flowed]
    lines = max((one.line for one in flowed), default=0)
    top = first + lines * row + round(0.6 * size.title.size)
    cells = arrange(scene.panels, width - 2 * (margin // 2), height - top - margin // 3)
    cells = tuple(replace(cell, left=cell.left + margin // 2, top=cell.top + top) for cell in cells)
    return Page(
        sizes=size,
        head=Rect(0, 0, width, top),
        title=tuple(Placed(flowed[0].words, *at[0]) for _ in title),
        spots=tuple(Spot(*at[index], flowed[index].room) for index in range(len(title), len(flowed))),
        counter=Spot(width - margin, first, room + size.em),
        places=places(scene.panels, cells, scene.readouts, pen, size),
    )
