"""Where the scale of steps stands at the foot of a page."""

from itertools import pairwise

from dynviz.frozen import frozen
from dynviz.layout.arrange import Rect
from dynviz.layout.metrics import Metrics
from dynviz.layout.words import PlacedWords, Words
from dynviz.scene.marks import Axis, Scene
from dynviz.scene.step_scale import StepScale
from dynviz.scene.ticks import ticks

MOST = 12
"""Ticks at most: where time runs fast they stand close together."""


@frozen
class StepScalePlace:
    """Where a scale stands.

    Attributes:
        area: The strip at the foot of the page.
        scale: What is shown.
        left: The first column of its line.
        right: The last column of its line.
        row: The row of the line.
        ticks: The column of each tick.
        words: Labels of the ticks that there is room for.
    """

    area: Rect
    scale: StepScale
    left: int
    right: int
    row: int
    ticks: tuple[int, ...]
    words: tuple[PlacedWords, ...]

    def column(self, step: int) -> int:
        """The column of a step."""
        return self.left + round(float(self.scale.places(step)) * (self.right - self.left))


def step_scale(scene: Scene, metrics: Metrics) -> StepScalePlace | None:
    """The place of a scene's scale, if it has one."""
    page, scale = metrics.page, scene.scale
    if scale is None:
        return None
    area = Rect(0, metrics.height - page.scale, metrics.width, page.scale)
    left, right = page.margin, metrics.width - page.margin - 1
    empty = StepScalePlace(area, scale, left, right, area.top + page.scale_line, (), ())
    axis = Axis((float(scale.frames[0]), float(scale.frames[-1])), whole=True)
    marks = [(empty.column(round(tick.value)), tick.label) for tick in ticks(axis, MOST)]
    if marks:
        marks[0] = marks[0][0], f"{'step' if scene.count else scene.counter[0]} {marks[0][1]}"
    columns = tuple(column for column, _ in marks)
    words = _words(marks, empty, metrics)
    return StepScalePlace(area, scale, left, right, empty.row, columns, words)


def _words(marks: list[tuple[int, str]], place: StepScalePlace, metrics: Metrics) -> tuple[PlacedWords, ...]:
    """The labels that have room: the first and the last, then those between, from the left."""
    font, gap = metrics.fonts.ticks, metrics.axes.space
    placed: list[tuple[float, float, str]] = []
    for _, (column, text) in sorted(enumerate(marks), key=lambda item: (item[0] not in (0, len(marks) - 1), item)):
        width = metrics.measure(text, font)
        left = min(max(metrics.centered(column, width), place.left), place.right + 1 - width)
        free = all(left + width + gap <= begin or end + gap <= left for begin, end, _ in placed)
        if free:
            placed.append((left, left + width, text))
    baseline = place.area.top + metrics.page.scale_words
    return tuple(PlacedWords(Words(text, font, "muted"), left, baseline) for left, _, text in sorted(placed))


def spans(place: StepScalePlace) -> list[tuple[int, int]]:
    """The parts of the line between its labels, where these stand on it: first and last column of each."""
    edges = [place.left - 1]
    for placed in place.words:
        edges += [int(placed.left) - 1, int(placed.left) + len(placed.words.text)]
    edges.append(place.right + 1)
    return [(first + 1, last - 1) for first, last in list(pairwise(edges))[::2] if first + 1 <= last - 1]
