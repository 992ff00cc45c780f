"""Pictures of scores: performance profiles as staircases, and files of any scene."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dynviz.comparison.scoring import Score, profile
from dynviz.errors import DynvizError
from dynviz.recording import disk
from dynviz.scene.marks import Axis, Dash, Line, Panel, Readout, Scene
from dynviz.scene.theme import theme as themes

SUFFIXES = ("png", "svg", "pdf")
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
        marks.append(
            Line(x, y, f"lane{index}", f"{score.optimizer} {score.score:.2f}", dash=dash, width=1.6, dot=False)
        )
    left_out = f", the best {MOST} of {len(scored)}" if len(scored) > MOST else ""
    panel = Panel(
        f"share of tasks solved{left_out}",
        Axis((1.0, tau), label=f"{unit} to the target, divided by those of the fastest"),
        Axis((0.0, 1.04)),
        tuple(marks),
        (Readout("the number is the area: 1 for the fastest on all tasks", "muted"),),
    )
    return Scene(title, (panel,), 0, -1)


def description(scored: Sequence[Score]) -> str:
    """The picture in words."""
    listed = "; ".join(f"{score.optimizer} {score.score:.2f}" for score in scored)
    return f"Performance profiles: the share of tasks solved within a factor of the fastest. Scores: {listed}."


def check_picture(file: Path) -> None:
    """See that a picture can be written in the format that its name asks for.

    Raises:
        DynvizError: It cannot.
    """
    if file.suffix.lower().removeprefix(".") not in SUFFIXES:
        raise DynvizError(f"{file}: a picture of results is one of {', '.join(SUFFIXES)}; end its name so")


def svg(scene: Scene, size: tuple[int, int], words: str) -> str:
    """The scene as SVG, for a page."""
    from dynviz.pixels.vector import Vector

    return Vector(*size, themes("light")).svg(scene, words)


def save(scene: Scene, file: Path, size: tuple[int, int], theme: str, words: str) -> None:
    """Write a scene as the picture that the file's suffix names.

    Raises:
        DynvizError: It cannot be written, or its size cannot be drawn.
    """
    from imageio.v3 import imwrite
    from PIL.PngImagePlugin import PngInfo

    from dynviz.pixels import PixelCanvas
    from dynviz.pixels.vector import Vector

    check_picture(file)
    suffix = file.suffix.lower()
    if suffix == ".png":
        info = PngInfo()
        info.add_itxt("Description", words)
        image = PixelCanvas(*size, theme).draw(scene)
        data = imwrite("<bytes>", image, plugin="pillow", extension=".png", pnginfo=info)
    else:
        vector = Vector(*size, themes(theme))
        data = vector.svg(scene, words).encode() if suffix == ".svg" else vector.pdf(scene, words)
    with disk.replacing(file) as target:
        target.write(data)
