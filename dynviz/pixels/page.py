"""The page: where everything of a scene stands that does not move with its step."""

from dataclasses import dataclass, replace

from dynviz.layout.arrange import Rect, arrange
from dynviz.layout.counter import step_words
from dynviz.pixels.pen import Pen
from dynviz.pixels.place import Place, Spot, lines_over_maps, places, room_of_words
from dynviz.pixels.sizes import Sizes, sizes
from dynviz.pixels.words import Placed, Words, flow
from dynviz.scene.marks import Scene

LEAST = (11.0, 8.5)
"""Width and height of the smallest panel, in heights of its words."""


@dataclass(frozen=True)
class Page:
    """Where a scene stands.

    Attributes:
        sizes: Of its letters and lines.
        head: The strip with its title.
        title: Written once.
        spots: For the scene's readouts.
        counter: Where the words for the step end, and how much room they have.
        places: Of the panels that there is room for, the first ones.
    """

    sizes: Sizes
    head: Rect
    title: tuple[Placed, ...]
    spots: tuple[Spot, ...]
    counter: Spot
    places: tuple[Place, ...]


def lay_out(scene: Scene, pen: Pen) -> Page:
    """Find a place for everything on the pen's canvas; in a small one, for the first panels, and say how many."""
    for count in range(len(scene.panels), 1, -1):
        page = _page(scene, count, pen)
        if all(_readable(place.cell, page.sizes) for place in page.places):
            return page
    return _page(scene, min(len(scene.panels), 1), pen)


def _readable(cell: Rect, size: Sizes) -> bool:
    """Whether a panel in this cell shows more than its words; letters that have no least size shrink with it."""
    return cell.width >= LEAST[0] * size.em and cell.height >= LEAST[1] * size.em


def _page(scene: Scene, count: int, pen: Pen) -> Page:
    """The page of so many of the scene's panels."""
    width, height = pen.width, pen.height
    panels = scene.panels[:count]
    size = sizes(width, height, count)
    margin = round(0.9 * size.em)
    room = pen.measure(step_words(replace(scene, step=scene.steps)), size.words)
    inner = width - 2 * margin
    title = [Words(scene.title, size.title)] if scene.title else []
    readouts = [Words(readout.text, size.words, readout.color) for readout in scene.readouts]
    left_out = [Words(f"{count} of {len(scene.panels)} panels", size.words, "muted")] if panels != scene.panels else []
    flowed = flow([title, left_out, readouts], (inner - room - 1.5 * size.em, inner), pen)
    still = len(title) + len(left_out)
    row, first = round(1.5 * size.title.size), margin + size.title.size
    at = [(margin + one.left, first + one.line * row) for one in flowed]
    top = first + max((one.line for one in flowed), default=0) * row + round(0.6 * size.title.size)
    area = width - 2 * (margin // 2), height - top - margin // 3
    cells: tuple[Rect, ...] = ()
    for lines in (1, 2, 3):
        # How high words are is known once cells are, so those that wrap are given room the second time.
        found = arrange(panels, *area, words=room_of_words(size, lines))
        cells = tuple(replace(cell, left=cell.left + margin // 2, top=cell.top + top) for cell in found)
        if lines_over_maps(panels, cells, scene.readouts, pen, size) <= lines:
            break
    return Page(
        sizes=size,
        head=Rect(0, 0, width, top),
        title=tuple(Placed(one.words, *place) for one, place in zip(flowed[:still], at, strict=False)),
        spots=tuple(Spot(*place, one.room) for one, place in zip(flowed[still:], at[still:], strict=True)),
        counter=Spot(width - margin, first, room + size.em),
        places=places(panels, cells, scene.readouts, pen, size),
    )
