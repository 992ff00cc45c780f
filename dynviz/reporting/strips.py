"""A strip for each claim, as SVG: a dot for each seed, the interval of their median, and the numbers that agree."""

import math

from dynviz.reporting.verdicts import Finding, Ruling
from dynviz.reporting.words import expectation_in_words
from dynviz.scene.marks import Axis
from dynviz.scene.ticks import ticks
from dynviz.text import xml

WIDTH, HEIGHT, EDGE, MIDDLE, FOOT = 480, 62, 14, 20, 40
COLORS = {
    Ruling.HOLDS: "#009E73",
    Ruling.FAILS: "#D55E00",
    Ruling.DEPENDS: "#0072B2",
    Ruling.UNDECIDED: "#7a8594",
}
GREY = "#7a8594"
"""Of the axis and its words: readable on white and on black."""
DECADES = 2.0
"""From so many powers of ten on the axis is logarithmic."""


def strip(finding: Finding, recipe: str = "") -> str:
    """The strip of a finding; empty if no number of it can be drawn.

    Args:
        finding: The finding.
        recipe: How it was found, kept as metadata: ASCII without the signs of markup.
    """
    finite = [value for value in finding.values if math.isfinite(value)]
    expect, effect = finding.claim.expect, finding.effect
    if not finite or expect is None or effect is None:
        return ""
    levels = [level for level in expect.limits if math.isfinite(level)]
    shown = [*finite, *levels]
    scale = "log" if min(shown) > 0 and math.log10(max(shown) / min(shown)) > DECADES else "linear"
    place = _StripAxis(min(shown), max(shown), scale)
    low, high = (place.of(limit) for limit in expect.limits)
    color = COLORS[finding.ruling]
    marks = [
        f'<rect x="{low:.1f}" y="4" width="{max(high - low, 1):.1f}" height="{FOOT - 8}" fill="#009E73" '
        f'fill-opacity="0.16"/>'
    ]
    marks += [
        f'<line x1="{place.of(level):.1f}" x2="{place.of(level):.1f}" y1="4" y2="{FOOT - 4}" stroke="#009E73"/>'
        for level in levels
    ]
    marks.append(f'<line x1="{EDGE}" x2="{WIDTH - EDGE}" y1="{FOOT}" y2="{FOOT}" stroke="{GREY}"/>')
    marks += [
        f'<text x="{place.of(tick.value):.1f}" y="{FOOT + 16}" text-anchor="middle" fill="{GREY}">'
        f"{xml(tick.label)}</text>"
        for tick in ticks(place.axis, 5)
    ]
    left, middle, right = (place.of(end) for end in (effect.low, effect.value, effect.high))
    marks.append(
        f'<line x1="{left:.1f}" x2="{right:.1f}" y1="{MIDDLE}" y2="{MIDDLE}" stroke="{color}" stroke-width="5" '
        f'stroke-opacity="0.45" stroke-linecap="round"/>'
    )
    marks.append(f'<path d="M{middle:.1f} {MIDDLE - 9}v18" stroke="{color}" stroke-width="2.5"/>')
    marks += [f'<circle cx="{place.of(value):.1f}" cy="{MIDDLE}" r="3.2" fill="{color}"/>' for value in finding.values]
    words = f"{finding.claim.id}: {finding.ruling.value}; agrees: {expectation_in_words(expect)}"
    kept = f"<metadata>{recipe}</metadata>" if recipe else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="11"><title>{xml(words)}</title>'
        f"{kept}{''.join(marks)}</svg>\n"
    )


class _StripAxis:
    """Where numbers stand on the strip; those beyond its ends stand at the ends."""

    def __init__(self, low: float, high: float, scale: str) -> None:
        self._log = scale == "log"
        low, high = self._scaled(low), self._scaled(high)
        room = 0.06 * (high - low) or max(abs(low), 1e-12) * 0.5
        self._low, self._high = low - room, high + room
        ends = (10**self._low, 10**self._high) if self._log else (self._low, self._high)
        self.axis = Axis(ends, "log" if self._log else "linear")

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self._log else value

    def of(self, value: float) -> float:
        if not math.isfinite(value) or (self._log and value <= 0):
            return WIDTH - EDGE if value > 0 else EDGE
        share = (self._scaled(value) - self._low) / (self._high - self._low)
        return EDGE + min(max(share, 0.0), 1.0) * (WIDTH - 2 * EDGE)
