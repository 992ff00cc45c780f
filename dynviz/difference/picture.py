"""The gap between two sides as a picture, with the number that differs first on both."""

from pathlib import Path

import numpy as np

from dynviz.charts import limits
from dynviz.charts.curves import Curve, panel
from dynviz.charts.moving import STEP
from dynviz.difference.lockstep import SideBySide
from dynviz.errors import DynvizError
from dynviz.recording import disk
from dynviz.scene.marks import Axis, Readout, Scene

SIZE = (640, 480)


def scene(comparison: SideBySide, names: tuple[str, str]) -> Scene:
    """The picture after the last step.

    Raises:
        DynvizError: Recordings were compared, which can be played together.
    """
    steps = np.arange(1, comparison.steps + 1)
    if len(comparison.gaps) != len(steps):
        raise DynvizError("two recordings make no picture here; dynviz play shows them together")
    x = Axis((1.0, float(max(len(steps), 2))), label=STEP, whole=True)
    gaps = np.array(comparison.gaps)[:, None]
    y = limits.axis([np.where(gaps > 0, gaps, np.nan)], "log")
    panels = [panel("largest gap, as a share of the largest parameter", [Curve(steps, gaps, "text")], x, y)]
    first = comparison.first
    if first is not None:
        index = f"[{', '.join(map(str, first.index))}]" if first.index else ""
        ways = np.array(comparison.values)
        shown = steps[-len(ways) :]
        curves = [
            Curve(shown, ways[:, [side]], f"lane{side}", "solid" if side == 0 else "dashed", name)
            for side, name in enumerate(names)
        ]
        panels.append(panel(f"{first.what}{index}, which differs first", curves, x))
    last = int(steps[-1])
    verdict = "equal" if first is None else f"first difference at step {first.step}"
    return Scene(" and ".join(names), tuple(one.at(last) for one in panels), last, last, (Readout(verdict, "text"),))


def save(drawn: Scene, file: Path, theme: str) -> None:
    """Write the picture as PNG.

    Raises:
        DynvizError: The file exists, is not called .png, or cannot be written.
    """
    from imageio.v3 import imwrite

    from dynviz.pixels import PixelCanvas

    if file.suffix.lower() != ".png":
        raise DynvizError(f"{file}: the picture is a PNG; name a file that ends in .png")
    image = PixelCanvas(*SIZE, theme).draw(drawn)
    try:
        with file.open("xb") as target:
            target.write(imwrite("<bytes>", image, plugin="pillow", extension=".png"))
    except FileExistsError:
        raise DynvizError(f"{file} exists; name another file") from None
    except OSError as error:
        raise disk.unwritable(file, error) from error
