"""Pictures of scores: performance profiles as staircases."""

from collections.abc import Sequence

import numpy as np

from dynviz.charts.channels import written
from dynviz.charts.profiles import profile
from dynviz.comparison.scoring import Score
from dynviz.scene.marks import Axis, Dash, Line, Panel, Readout, Scene
from dynviz.scene.theme import theme as themes

MOST = 6
"""Profiles in a picture; of more, the best ones."""
DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted")


def profiles(scored: Sequence[Score], tau: float, title: str, unit: str) -> Scene:
    """Performance profiles.

    Args:
        scored: The scores, the best first.
        tau: The largest ratio.
        title: What was scored, in words that say what these tasks are.
        unit: What time was measured in.
    """
    shown = list(scored[:MOST])
    marks = []
    for index, score in enumerate(shown):
        rises, heights = profile(list(score.ratios.values()), tau)
        x, y = np.repeat(rises, 2)[1:], np.repeat(heights, 2)[:-1]
        dash = DASHES[index % len(DASHES)]
        label, width = f"{_name(score)}: area {_area(score.score)}", 1.6 if index else 2.4
        marks.append(Line(x, y, f"lane{index}", label, dash=dash, width=width, dot=False))
    left_out = f", the best {MOST} of {len(scored)}" if len(scored) > MOST else ""
    panel = Panel(
        f"share of tasks solved{left_out}",
        Axis((1.0, tau), label=f"{unit} to the target, divided by those of the fastest"),
        Axis((0.0, 1.04)),
        tuple(marks),
        (Readout("score: area under a curve, 1 for the fastest on all tasks", "muted"),),
    )
    return Scene(message(scored) or title, (panel,), 0, -1, (Readout(title, "muted"),) if message(scored) else ())


def message(scored: Sequence[Score]) -> str:
    """Whose profile is the best, in a sentence; empty where two are, or nobody reached a target."""
    scores = [round(score.score, 2) for score in scored[:2]]
    if not scores or not scores[0] > 0 or (len(scores) > 1 and scores[0] == scores[1]):
        return ""
    return f"{_name(scored[0])} has the best score over all tasks"


def _name(score: Score) -> str:
    return written(score.optimizer).replace("_", " ")


def _area(score: float) -> str:
    """A score with two digits, or three where these would say that it is all of it.

    >>> _area(0.5), _area(0.996), _area(1.0)
    ('0.50', '0.996', '1.00')
    """
    return f"{score:.2f}" if score == 1 or round(score, 2) < 1 else f"{score:.3f}"


def description(scored: Sequence[Score]) -> str:
    """The picture in words."""
    listed = "; ".join(f"{score.optimizer} {score.score:.2f}" for score in scored)
    return f"Performance profiles: the share of tasks solved within a factor of the fastest. Scores: {listed}."


def svg(scene: Scene, size: tuple[int, int], words: str) -> str:
    """The scene as SVG, for a page."""
    from dynviz.pixels.vector import Vector

    return Vector(*size, themes("light")).svg(scene, words)
