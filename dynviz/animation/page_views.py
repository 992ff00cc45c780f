"""The views of a page: the one that is asked for, and the others that the scenario suggests."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from dynviz.animation.alt import describe
from dynviz.animation.drawing import Drawing, suggested
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.frame import View
from dynviz.plugins.spec import parse
from dynviz.recording import Recording
from dynviz.recording.noted_reads import noted_reads
from dynviz.scene.marks import Scene


def page_views(
    drawing: Drawing,
    film: Film,
    recordings: Sequence[Recording],
    steps: Sequence[int],
    measured: list[tuple[Path, str]],
    *,
    others: bool,
) -> tuple[View, ...]:
    """The views that a page can show at the steps of frames; those that do not suit the recordings are left out.

    Args:
        drawing: What is drawn, and how.
        film: The film that is asked for, in the user's words.
        recordings: What is shown.
        steps: Of the frames.
        measured: Takes the measurements that the others show; see `noted_reads`.
        others: Whether there are others besides the one that is asked for. A story, and one panel of a view, stand
            alone.
    """
    views = [_view(drawing, drawing.view, film, steps)]
    if others and not drawing.story and drawing.panel is None:
        asked = parse(drawing.view).name
        for name in suggested(recordings):
            if parse(name).name == asked:
                continue
            try:
                with noted_reads() as noted:
                    opened = replace(drawing, view=name).opened(recordings)
                    views.append(_view(drawing, name, drawing.wording.applied(opened), steps))
            except DynvizError:
                continue
            measured += noted
    return tuple(views)


def _view(drawing: Drawing, name: str, film: Film, steps: Sequence[int]) -> View:
    first, last = int(film.steps[0]), int(film.steps[-1])

    def scene(step: int) -> Scene:
        # A view that is sampled less often begins later and ends before.
        return film.scene(min(max(step, first), last))

    alt = drawing.wording.translated(describe(film, [min(max(step, first), last) for step in (steps[0], steps[-1])]))
    own = parse(name).name
    return View(
        PurePath(own).stem if own.endswith(".py") else own,
        scene,
        alt,
        tuple((one.step, one.text) for one in film.outcomes),
    )
