"""Words in a plot: direct labels, texts and the names of reference lines, none of them over another."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from dynviz.layout.boxes import Box
from dynviz.layout.metrics import Font, Metrics
from dynviz.layout.naming import spread
from dynviz.layout.place import PanelPlace
from dynviz.layout.spots import Spot, joined
from dynviz.layout.words import PlacedWords, Words
from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.marks import Line, Panel, Points, ReferenceLine, Text
from dynviz.scene.scales import fractions

FEW = 5
"""Of more labels those that would touch share one."""
NEAR, NEARBY = 1.2, 18
"""How many rows words stand above or below a point of a curve, and how many places near it are compared."""
CLEAR = 0.2
"""How many rows words keep away from curves, if they can."""
STACK = 6
"""How many rows away from their place words may stand."""
SHARES = {"left": 0.0, "center": 0.5, "right": 1.0}
SAMPLES = 9
"""Places at which it is looked whether a line crosses words."""
DOT = 0.4
"""Half the size of a dot that words keep clear of, in heights of words."""
LARGE = 4.0
"""Size of the smallest markers that they keep clear of."""


class PlotWords:
    """Finds places for the words in a plot, at each step anew: those that move go before those that can stand aside."""

    def __init__(self, place: PanelPlace, metrics: Metrics) -> None:
        """Take the panel's place on the page, and the metrics of the page."""
        self._place, self._metrics = place, metrics
        self._taken: list[Box] = []
        self._dots: list[Box] = []

    def at(self, panel: Panel) -> tuple[PlacedWords, ...]:
        """The words of a panel as it is at a step."""
        texts = [mark for mark in panel.marks if isinstance(mark, Text) and mark.text]
        labels = [mark for mark in panel.marks if isinstance(mark, DirectLabel)]
        lines = [mark for mark in panel.marks if isinstance(mark, ReferenceLine) and mark.label]
        if not (texts or labels or lines):
            return ()
        self._taken = [self._box(placed.words, placed.left, placed.baseline) for placed in self._place.ends]
        self._dots = [dot for mark in panel.marks if isinstance(mark, Points) for dot in self._markers(mark, panel)]
        still = [placed for text in texts if text.anchor != "beside" for placed in self._anchored(text, panel)]
        moving = self._labels(labels, panel) if self._place.direct != "none" else []
        beside = [placed for text in texts if text.anchor == "beside" for placed in self._beside_text(text, panel)]
        named = [placed for line in lines for placed in self._reference(line, panel)]
        return (*still, *moving, *beside, *named)

    # Places are in units of the page; the middle of words is the height that they stand at.

    def _point(self, panel: Panel, x: float, y: float) -> tuple[float, float] | None:
        """Where a place is on the page; none where it is not in the plot."""
        plot = self._place.plot
        across, upward = float(fractions(panel.x, x)), float(fractions(panel.y, y))
        slack = 0.5 / max(plot.width, 1), 0.5 / max(plot.height, 1)
        if not (-slack[0] <= across <= 1 + slack[0] and -slack[1] <= upward <= 1 + slack[1]):
            return None
        right, bottom = (plot.right, plot.bottom) if not self._metrics.coarse else (plot.right - 0.5, plot.bottom - 0.5)
        return min(plot.left + across * plot.width, right), min(plot.bottom - upward * plot.height, bottom)

    def _height(self, font: Font) -> float:
        return self._metrics.axes.ends_row * font.size / self._metrics.fonts.words.size

    def _box(self, words: Words, left: float, baseline: float, wide: float | None = None) -> Box:
        """What placed words cover, which are so wide."""
        height = self._height(words.font)
        wide = self._metrics.measure(words.text, words.font) if wide is None else wide
        if self._metrics.coarse:
            # With an empty column between two words.
            return Box(left - 0.5, baseline, left + wide + 0.5, baseline + 1)
        middle = baseline - self._drop(words.font)
        return Box(left, middle - height / 2, left + wide, middle + height / 2)

    def _drop(self, font: Font) -> float:
        return self._metrics.axes.ends_drop * font.size / self._metrics.fonts.words.size

    def _put(self, words: Words, left: float, middle: float) -> PlacedWords:
        if self._metrics.coarse:
            return PlacedWords(words, round(left), int(np.floor(middle)))
        return PlacedWords(words, left, round(middle + self._drop(words.font)))

    def _free(self, box: Box, limit: float) -> bool:
        plot = self._place.plot
        pad = 0.5 if self._metrics.coarse else 0.01
        inside = plot.left <= box.left + pad and box.right - pad <= limit
        # Letters are lower than their rows.
        slack = 0.25 * (box.bottom - box.top) * (not self._metrics.coarse)
        inside = inside and plot.top - slack <= box.top and box.bottom <= plot.bottom + slack
        return inside and not any(box.overlaps(taken) for taken in self._taken)

    def _first_free(
        self, words: Words, places: Iterable[tuple[float, float]], limit: float, own: Box | None = None
    ) -> list[PlacedWords]:
        """The words at the first place, left and middle, where they fit; rather at one that hides no dot."""
        best: tuple[PlacedWords, Box] | None = None
        wide = self._metrics.measure(words.text, words.font)
        for left, middle in places:
            placed = self._put(words, left, middle)
            box = self._box(words, placed.left, placed.baseline, wide)
            if not self._free(box, limit):
                continue
            if not any(box.overlaps(dot) for dot in self._dots if dot != own):
                best = placed, box
                break
            best = best or (placed, box)
        if best is None:
            return []
        self._taken.append(best[1])
        return [best[0]]

    def _anchored(self, text: Text, panel: Panel) -> list[PlacedWords]:
        """A text with a place of its own; at the edge of a plot it stays inside."""
        point, plot = self._point(panel, text.x, text.y), self._place.plot
        if point is None:
            return []
        words = Words(self._metrics.plain(text.text), self._metrics.fonts.words, text.color)
        wide = self._metrics.measure(words.text, words.font)
        left = max(min(point[0] - wide * SHARES[text.anchor], plot.right - wide), plot.left)
        placed = self._put(words, left, point[1])
        box = self._box(words, placed.left, placed.baseline)
        if any(box.overlaps(taken) for taken in self._taken):
            return []
        self._taken.append(box)
        return [placed]

    def _labels(self, labels: Sequence[DirectLabel], panel: Panel) -> list[PlacedWords]:
        spots = []
        # The highest first: at the edge of a plot several stand at one height.
        for label in sorted(labels, key=lambda label: -float(fractions(panel.y, label.y))):
            point = self._point(panel, label.x, label.y)
            if point is not None:
                text = label.words(label.value if self._place.direct == "full" else "")
                name, text = self._metrics.plain(label.name), self._metrics.plain(text)
                spots.append(Spot(*point, name, text, label.color, label.leftward))
        self._dots += [self._around_dot(spot.x, spot.y) for spot in spots]
        spots = self._shared(spots) if len(spots) > FEW else spots
        if panel.square:
            return [placed for spot in spots for placed in self._beside(spot, self._place.plot.right)]
        return self._in_a_column(spots)

    def _markers(self, mark: Points, panel: Panel) -> list[Box]:
        """Where large markers are, where there are few."""
        if len(mark.x) > FEW or mark.size < LARGE:
            return []
        places = (self._point(panel, float(x), float(y)) for x, y in zip(mark.x, mark.y, strict=True))
        return [self._around_dot(*place) for place in places if place is not None]

    def _around_dot(self, x: float, y: float) -> Box:
        reach = DOT * self._height(self._metrics.fonts.words)
        return Box(x - reach, y - reach, x + reach, y + reach)

    def _shared(self, spots: Sequence[Spot]) -> list[Spot]:
        """The spots, those that are close to each other as one that names the first of them."""
        row, groups = self._height(self._metrics.fonts.words), list[list[Spot]]()
        for spot in sorted(spots, key=lambda spot: spot.y):
            near = (
                group
                for group in groups
                if abs(group[-1].y - spot.y) < row and abs(group[-1].x - spot.x) < 2 * row / self._metrics.aspect
            )
            group = next(near, None)
            if group is None:
                groups.append([spot])
            else:
                group.append(spot)
        return [joined(group) for group in groups]

    def _in_a_column(self, spots: Sequence[Spot]) -> list[PlacedWords]:
        """Labels right of curves, each as near as can be to the height of its own and none over another."""
        plot, row = self._place.plot, self._height(self._metrics.fonts.words)
        last = 1 if self._metrics.coarse else 0
        # Where words still fit into the plot, see `_free`, with a pixel for rounding: one that does not fit at its row
        # would go past its neighbours.
        edge = 0 if self._metrics.coarse else 0.25 * row + 1
        low, high = plot.top + edge, plot.bottom - last - edge
        # Whole pixels apart, so that none come closer as they are rounded.
        rows = spread([spot.y - last / 2 for spot in spots], float(np.ceil(row)), low, high)
        if self._metrics.coarse:
            # Halves all go down: rows that are one apart stay so.
            rows = [float(np.floor(place + 0.5)) for place in rows]
        placed: list[PlacedWords] = []
        above = -np.inf
        order = sorted(range(len(spots)), key=rows.__getitem__)
        for index, following in zip(order, [*order[1:], None], strict=False):
            spot, middle = spots[index], rows[index]
            words = Words(spot.text, self._metrics.fonts.words, spot.color)
            below = np.inf if following is None else rows[following]
            away = (middle + side * count * row for count in range(STACK) for side in (1, -1))
            # Where something else stands they move aside, but never past a neighbour.
            places = [(self._right_of(spot.x), at) for at in away if at == middle or above < at < below]
            placed += self._first_free(words, places, self._place.cell.right)
            above = middle
        return placed

    def _right_of(self, x: float) -> float:
        return np.floor(x) + 2 if self._metrics.coarse else x + self._metrics.axes.label_gap

    def _beside(self, spot: Spot, limit: float) -> list[PlacedWords]:
        words = Words(spot.text, self._metrics.fonts.words, spot.color)
        wide = self._metrics.measure(words.text, words.font)
        places = self._around(spot.x, spot.y, wide, leftward=spot.leftward)
        own = next((dot for dot in self._dots if dot.holds(spot.x, spot.y)), None)
        return self._first_free(words, places, limit, own)

    def _around(self, x: float, y: float, wide: float, *, leftward: bool = False) -> Iterator[tuple[float, float]]:
        """Six places beside a point, the best first, then those further up and down."""
        row = self._height(self._metrics.fonts.words)
        right, left = self._right_of(x), (np.floor(x) - 1 if self._metrics.coarse else x - self._metrics.axes.label_gap)
        for begin in (left - wide, right) if leftward else (right, left - wide):
            for more in (0.0, row, -row):
                yield begin, y + more
        for count in range(2, STACK):
            for side in (1, -1):
                for begin in (right, left - wide, x - wide / 2):
                    yield begin, y + side * count * row

    def _beside_text(self, text: Text, panel: Panel) -> list[PlacedWords]:
        point = self._point(panel, text.x, text.y)
        # A name at the end of its line is not said again.
        if point is None or any(one.words.text == text.text for one in self._place.ends):
            return []
        # Right of curves there is room that labels come to later.
        limit = self._place.plot.right if panel.square else self._place.cell.right
        spot = Spot(*point, "", self._metrics.plain(text.text), text.color)
        return self._beside(spot, limit) if panel.square else self._off_curves(spot, limit, panel)

    def _off_curves(self, spot: Spot, limit: float, panel: Panel) -> list[PlacedWords]:
        """Words beside a point of a curve, or right above or below it, where fewest curves cross them."""
        words = Words(spot.text, self._metrics.fonts.words, spot.color)
        wide, row = self._metrics.measure(words.text, words.font), self._height(words.font)
        above = (
            [(spot.x - wide / 2, spot.y + side * NEAR * row) for side in (1, -1)] if not self._metrics.coarse else []
        )
        places = list(self._around(spot.x, spot.y, wide))
        near = self._least_crossed(words, [*places[:6], *above, *places[6:NEARBY]], panel, CLEAR * row)
        own = next((dot for dot in self._dots if dot.holds(spot.x, spot.y)), None)
        return self._first_free(words, [*near, *places[NEARBY:]], limit, own)

    def _reference(self, mark: ReferenceLine, panel: Panel) -> list[PlacedWords]:
        """The name of a reference line at the end and on the side where fewest lines cross it."""
        plot, metrics = self._place.plot, self._metrics
        words = Words(metrics.plain(mark.label), metrics.fonts.ticks, mark.color)
        wide, row = metrics.measure(words.text, words.font), self._height(words.font)
        at = float(fractions(panel.x if mark.vertical else panel.y, mark.at))
        if not 0 <= at <= 1 or wide >= plot.width:
            return []
        gap = 1 if metrics.coarse else 0.3 * row
        if mark.vertical:
            x, half = plot.left + at * plot.width, (0.5 if not metrics.coarse else 0) * row
            lefts = (np.floor(x) + 1, np.floor(x) - wide) if metrics.coarse else (x + gap, x - gap - wide)
            places = [(left, middle) for middle in (plot.top + half, plot.bottom - row + half) for left in lefts]
        else:
            y = plot.bottom - at * plot.height
            beside = (-1, 1) if metrics.coarse else (-row / 2 - gap / 2, row / 2 + gap)
            edge = 0 if metrics.coarse else gap
            ends = (plot.right - wide - edge, plot.left + edge, plot.left + (plot.width - wide) / 2)
            places = [(left, y + side) for left in ends for side in beside]
        return self._first_free(words, self._least_crossed(words, places, panel), plot.right)

    def _least_crossed(
        self, words: Words, places: Sequence[tuple[float, float]], panel: Panel, clear: float = 0.0
    ) -> list[tuple[float, float]]:
        """The places, those first where fewest lines cross the words or come that close to them."""
        curves = [line for line in panel.marks if isinstance(line, Line)]
        boxes = [self._box(words, *self._corner(words, place)).grown(clear) for place in places]
        crossed = [sum(self._crosses(line, box, panel) for line in curves) for box in boxes]
        return [places[index] for index in sorted(range(len(places)), key=crossed.__getitem__)]

    def _corner(self, words: Words, place: tuple[float, float]) -> tuple[float, int]:
        placed = self._put(words, *place)
        return placed.left, placed.baseline

    def _crosses(self, line: Line, box: Box, panel: Panel) -> bool:
        """Whether a line over x runs through a box."""
        if line.along is not None or not len(line.x):
            return False
        plot = self._place.plot
        across = np.linspace(box.left, box.right, SAMPLES)
        places = plot.left + fractions(panel.x, line.x) * plot.width
        rows = plot.bottom - fractions(panel.y, line.y) * plot.height
        heights = np.interp(across, places, rows, np.nan, np.nan)
        # A steep line passes between two of the places.
        return any(
            min(one, other) <= box.bottom and max(one, other) >= box.top for one, other in pairwise(heights.tolist())
        )
