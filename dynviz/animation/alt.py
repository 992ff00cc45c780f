"""What an animation shows, in words, for those who cannot see it."""

from collections.abc import Sequence

import numpy as np

from dynviz.charts.numbers import resolved
from dynviz.film import Film
from dynviz.scene.hatching import meaning
from dynviz.scene.marks import Contours, Field, Line, Panel, Readout, Scene, Text
from dynviz.text import clean


def describe(film: Film, steps: Sequence[int]) -> str:
    """A paragraph: what happened, what made the picture, the range of steps, and each panel's values at both ends.

    Args:
        film: The film.
        steps: The steps that are shown.
    """
    first, last = film.scene(steps[0]), film.scene(steps[-1])
    told = {outcome.text for outcome in film.outcomes}
    who = ", ".join(_value(readout) for readout in last.readouts if readout.text not in {"", *told})
    made = f"{last.title}: {who}" if last.title and who else last.title or who
    kind = "Animation" if len(steps) > 1 else "Picture"
    # A name is written as it is, at the start of a sentence too.
    happened = [outcome.text for outcome in film.outcomes if outcome.step <= last.step]
    sentences = [*happened, f"{kind} of {made}." if made else f"{kind}.", f"{_span(first, last)}."]
    for before, after in zip(first.panels, last.panels, strict=True):
        sentences.append(f"{_panel(before, after)}.")
    return clean(" ".join(sentences))


def _span(first: Scene, last: Scene) -> str:
    if first.step == last.step:
        return f"Step {last.step} of {last.steps}" if last.steps > 0 else f"Step {last.step}"
    whole = f" of {last.steps}" if last.steps > 0 else ""
    return f"From step {first.step} to step {last.step}{whole}"


def _panel(first: Panel, last: Panel) -> str:
    """A panel's title, and its values at the first and at the last step."""
    before, after = ("; ".join(_values(panel)) for panel in (first, last))
    title = last.title[:1].upper() + last.title[1:]
    colors = [f"colours from {mark.label}" for mark in last.marks if isinstance(mark, Field) and mark.label]
    # What stands beside marks says what happened there.
    events = [mark.text for mark in last.marks if isinstance(mark, Text) and mark.anchor == "beside"]
    notes = list(filter(None, (*colors, *events, _missing(last))))
    if not after:
        return ", ".join((title or "Panel", *notes))
    values = after if before == after or not before else f"at first {before}; at last {after}"
    return f"{title}: " + "; ".join((values, *notes))


def _missing(panel: Panel) -> str:
    """How much of a plane is hatched."""
    planes = [mark for mark in (panel.plan or panel).marks if isinstance(mark, Field | Contours) and mark.missing]
    share = max((float((~np.isfinite(mark.values)).mean()) for mark in planes), default=0.0)
    percent = f"{100 * share:.0f} %" if share >= 0.01 else "under 1 %"
    return f"{percent} {meaning(planes[0])}" if share else ""


def _values(panel: Panel) -> list[str]:
    """The readouts, or where there are none the heights of the named lines."""
    if panel.readouts:
        return [_value(readout) for readout in panel.readouts]
    heights: dict[str, str] = {}
    for mark in panel.marks:
        if isinstance(mark, Line) and mark.label and mark.along is None and mark.label not in heights and len(mark.x):
            now = mark.x[-1] if mark.now is None else mark.now
            height = float(np.interp(now, mark.x, mark.y))
            heights[mark.label] = resolved(height, panel.y.limits, panel.y.scale)
    return [f"{name} {value}" for name, value in heights.items()]


def _value(readout: Readout) -> str:
    return f"{readout.name} {readout.text}".strip()
