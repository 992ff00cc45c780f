"""The gap between two sides as a picture, with the number that differs first on both."""

import numpy as np

from dynviz.charts import limits
from dynviz.charts.curves import Curve, panel
from dynviz.charts.moving import STEP
from dynviz.difference.side_by_side import SideBySide
from dynviz.errors import DynvizError
from dynviz.scene.marks import Axis, Readout, Scene


def scene(comparison: SideBySide, names: tuple[str, str]) -> Scene:
    """The picture after the last step.

    Raises:
        DynvizError: No step was compared.
    """
    steps = np.array(comparison.gap_steps)
    if not steps.size:
        raise DynvizError("there is nothing to draw: no sample was compared")
    last = int(max(comparison.steps, steps[-1]))
    x = Axis((float(steps[0]), float(max(last, steps[0] + 1))), label=STEP, whole=True)
    gaps = np.array(comparison.gaps)[:, None]
    y = limits.axis([np.where(gaps > 0, gaps, np.nan)], "log")
    title = f"largest gap of {comparison.gaps_of}, as a share of the largest"
    panels = [panel(title, [Curve(steps, gaps, "text")], x, y)]
    first = comparison.first
    if first is not None:
        index = f"[{', '.join(map(str, first.index))}]" if first.index else ""
        ways = np.array(comparison.values)
        shown = np.array(comparison.value_steps)
        curves = [
            Curve(shown, ways[:, [side]], f"lane{side}", "solid" if side == 0 else "dashed", name)
            for side, name in enumerate(names)
        ]
        panels.append(panel(f"{first.what}{index}, which differs first", curves, x))
    verdict = "equal" if first is None else f"first difference at step {first.step}"
    return Scene(" and ".join(names), tuple(one.at(last) for one in panels), last, last, (Readout(verdict, "text"),))
