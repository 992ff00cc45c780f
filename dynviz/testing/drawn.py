"""Pictures of recordings for tests and documents: as text, as pixels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynviz.animation.drawing import open_film, suggested
from dynviz.recording import Recording, open_all

TEXT_SIZE = (100, 30)


def picture(
    source: str | Path | Recording | Sequence[Recording],
    view: str = "",
    step: int | None = None,
    *,
    size: tuple[int, int] = (640, 480),
    theme: str = "light",
) -> NDArray[np.uint8]:
    """One picture of a run as pixels [height, width, 3].

    Args:
        source: A folder, a recording, or several that are drawn together.
        view: With options; by default the first that the scenario suggests.
        step: By default the last one.
        size: Width and height in pixels.
        theme: `light` or `dark`.

    Raises:
        DynvizError: There is no such recording or view, or the view does not suit it.
    """
    from dynviz.pixels import PixelCanvas

    pixels: NDArray[np.uint8] = PixelCanvas(*size, theme).draw(_scene(source, view, step))
    return pixels


def text_picture(recordings: Sequence[Recording], view: str, step: int | None = None) -> str:
    """The same in characters, without colours."""
    from dynviz.cells.canvas import CellCanvas
    from dynviz.cells.encode import Encoder

    cells = CellCanvas(*TEXT_SIZE, "light").draw(_scene(recordings, view, step))
    return "\n".join(line.rstrip() for line in Encoder(cells.palette, "none", bold=False).rows(cells)).rstrip("\n")


def _scene(source: Any, view: str, step: int | None) -> Any:
    if isinstance(source, str | Path):
        recordings: list[Recording] = open_all([source])
    else:
        recordings = [source] if isinstance(source, Recording) else list(source)
    film = open_film(recordings, view or suggested(recordings)[0])
    return film.scene(int(film.steps[-1]) if step is None else step)
