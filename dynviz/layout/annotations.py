"""The words around a plot: at the ends of its lines, at its ticks, and the name of its horizontal axis."""

from collections.abc import Sequence

from dynviz.layout.arrange import Rect
from dynviz.layout.axes import PlacedTicks, free_columns
from dynviz.layout.metrics import Metrics
from dynviz.layout.naming import Label, spread
from dynviz.layout.words import PlacedWords, Words, fit


def end_words(labels: Sequence[Label], plot: Rect, metrics: Metrics) -> list[PlacedWords]:
    """The names at the ends of lines, right of the plot and none over another."""
    axes, font, left = metrics.axes, metrics.fonts.words, plot.right + metrics.axes.ends_distance
    # A place in whole units is that of the unit's upper edge.
    last = 1 if metrics.coarse else 0
    wanted = [plot.bottom - last / 2 - label.height * plot.height for label in labels]
    rows = spread(wanted, axes.ends_row, plot.top, plot.bottom - last)
    if metrics.coarse:
        rows = [float(row) for row in _whole_rows(rows, plot.top)]
    return [
        PlacedWords(Words(label.text, font, label.color), left, round(row + axes.ends_drop))
        for label, row in zip(labels, rows, strict=True)
        if not metrics.coarse or plot.top <= row < plot.bottom
    ]


def _whole_rows(rows: Sequence[float], top: int) -> list[int]:
    """Whole rows, no two alike."""
    whole = [0] * len(rows)
    free = top
    for index in sorted(range(len(rows)), key=lambda one: rows[one]):
        whole[index] = max(round(rows[index]), free)
        free = whole[index] + 1
    return whole


def upright_words(ticks: PlacedTicks, plot: Rect, metrics: Metrics) -> list[PlacedWords]:
    """The words of vertical ticks, left of the plot."""
    font, axes = metrics.fonts.ticks, metrics.axes
    return [
        PlacedWords(
            Words(tick.label, font, "muted"),
            plot.left - axes.distance - metrics.measure(tick.label, font),
            row + axes.drop,
        )
        for tick, row in ticks
    ]


def level_words(ticks: PlacedTicks, cell: Rect, row: int, metrics: Metrics) -> list[PlacedWords]:
    """The words of horizontal ticks, inside the panel."""
    words = []
    for tick, column in ticks:
        wide = metrics.measure(tick.label, metrics.fonts.ticks)
        left = min(max(metrics.centered(column + 0.5, wide), cell.left), cell.right - wide)
        words.append(PlacedWords(Words(tick.label, metrics.fonts.ticks, "muted"), left, row))
    return words


def axis_name(name: str, plot: Rect, cell: Rect, ticks: Sequence[PlacedWords], metrics: Metrics) -> list[PlacedWords]:
    """The name of the horizontal axis: on a line of its own, or where there is room for it between its ticks' words."""
    font = metrics.fonts.ticks
    name = fit(name, font, cell.width, metrics)
    wide, words = metrics.measure(name, font), Words(name, font, "muted")
    if metrics.axes.name_below:
        # In the middle of the plot, and inside the panel where it is longer.
        middle = min(max(plot.left + (plot.width - wide) / 2, cell.left), cell.right - wide)
        return [PlacedWords(words, middle, plot.bottom + metrics.axes.name_below)] if name else []
    if not name or not ticks:
        return []
    taken = [(placed.left, placed.left + metrics.measure(placed.words.text, font)) for placed in ticks]
    left = free_columns(int(wide), taken, cell.right)
    return [] if left is None else [PlacedWords(words, left, ticks[0].baseline)]
