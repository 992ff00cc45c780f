"""From recordings to a file: the steps of a view, drawn one by one and handed to an exporter."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, get_args

import numpy as np

from dynviz import plugins
from dynviz.animation.alt import describe
from dynviz.animation.drawing import Drawing, suggested, told_by
from dynviz.animation.formats import Publication, choose, find_exporter, moving, publication_size, tile_size
from dynviz.animation.pace import Pace, Steps, by_motion, spread
from dynviz.animation.page_views import page_views
from dynviz.animation.provenance import comment, facts
from dynviz.animation.ramps import ramps, terms
from dynviz.animation.recipe_writer import line_for
from dynviz.animation.story import printed
from dynviz.animation.wording import Wording, read_language
from dynviz.animation.workers import CrewFrames, DrawnFrames
from dynviz.errors import DynvizError, unknown
from dynviz.film import Film
from dynviz.frame import Frames, Pixels, Progress, Sheet, format_of
from dynviz.recording import Recording
from dynviz.recording.noted_reads import noted_reads
from dynviz.scene.theme import theme as find_theme

FRAMES, FPS, HOLD = 60, 10.0, 2.5
POSTER = 0.8
"""Seconds for which the first frame of an animation stays at least."""
SLOWEST, FASTEST = 0.01, 50
"""Frames a second; GIF holds none for less than two hundredths."""
MOST_FRAMES = 100_000
"""Of an animation: over half an hour of the fastest."""
MOST_SECONDS = 3600
"""For the last frame: a video shows it again and again for so long."""
MOST_WORKERS = 256
"""Processes, each with a hundred megabytes."""


def animate(
    recordings: Sequence[Recording],
    target: Path | str,
    *,
    view: str | None = None,
    panel: str | None = None,
    story: bool = False,
    fps: float | None = None,
    frames: int | None = None,
    steps: Steps | None = None,
    size: tuple[int, int] = (640, 480),
    theme: str = "light",
    hold: float | None = None,
    pace: Pace = "motion",
    title: str = "",
    caption: str = "",
    labels: Mapping[str, str] | None = None,
    language: Path | str | Mapping[str, str] | None = None,
    notes: bool = False,
    alt: bool = False,
    publication: Publication | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    exporter: str | None = None,
    **options: Any,
) -> Path:
    """Draw recordings into a file; an existing file is kept until the new one is complete.

    Args:
        recordings: One or several, drawn side by side or on the same axes, as the view decides.
        target: The file; its suffix chooses the format.
        view: A name with options, or a path; by default the first that the scenario suggests.
        panel: A single panel to draw, by its title or its number from 1.
        story: Whether one panel of the view takes most of the picture, and at most two others support it; the view is
            by default the one that the scenario tells its story with.
        fps: Frames per second of an animation, by default 10.
        frames: Number of frames; by default 60, or 1 for a still image, which shows the last step. Several in a still
            image are a contact sheet, of the leading panel under one header; more than four are half as large.
        steps: The first and the last step to show; None for an open end.
        size: Width and height in pixels.
        theme: `light` or `dark`.
        hold: Seconds for which the last frame of an animation stays, by default 2.5.
        pace: Whether frames are evenly spaced in what moves, or in steps.
        title: In place of the scenario's.
        caption: A sentence beside the title; with a full stop it replaces the one that the picture would say.
        labels: Names of recordings, in place of their own: `{"adamw": "ours"}`, or `{"run/adamw": "ours"}`.
        language: Words in place of the English ones, or a TOML file of them.
        notes: Whether to show the notes that were made at steps, in panels over steps.
        alt: Whether to also describe the picture in words, in `out.alt.txt` for `out.gif`.
        publication: Draw a figure as wide as a column (3.25 inches) or a page (6.75 inches) of a paper, in the shape of
            `size`, with letters of 7 to 9 points; for pdf and svg.
        workers: Number of processes that draw frames; the file is the same with any number.
        progress: Called with the number of frames drawn and the total.
        exporter: A name with options, or a path; by default the exporter of the file's suffix.
        options: Options of the exporter, for example `quality="small"`, `loop=3`, `background="transparent"`.

    Returns:
        The file.

    Raises:
        DynvizError: An argument is invalid, the view does not suit the recordings, or the file cannot be written.
    """
    target = Path(target)
    export = find_exporter(target.suffix) if exporter is None else plugins.load("exporters", exporter)
    shows = format_of(export.target)
    if not shows.motion and (fps is not None or hold is not None):
        named = "frame rate" if fps is not None else "hold of the last frame"
        known = ", ".join(moving())
        raise DynvizError(f"{export.stem} is not animated and has no {named}; animated formats are: {known}")
    asked_fps, asked_hold = fps, hold
    fps, hold = FPS if fps is None else fps, HOLD if hold is None else hold
    _check(recordings, fps, frames, hold, workers)
    view = view or (story and told_by(recordings)) or suggested(recordings)[0]
    words = language if isinstance(language, Mapping) else dict(read_language(Path(language)) if language else ())
    wording = Wording(title, caption, tuple((labels or {}).items()), tuple(words.items()))
    asked: dict[str, Any] = {
        "view": view,
        "panel": panel,
        "story": story,
        "fps": asked_fps,
        "frames": frames,
        "steps": steps,
        "size": size,
        "theme": theme,
        "hold": asked_hold,
        "pace": pace,
        "notes": notes,
        "publication": publication,
        "exporter": exporter,
        "options": options,
        "suffix": target.suffix.lower(),
    }
    if publication is not None:
        size, options = publication_size(publication, size), {**options, "publication": True}
    chosen = choose(export, options)
    tiled = not shows.motion and (frames or 1) > 1
    shows.check(export.stem, frames or 1, size)
    size = tile_size(frames or 1, size) if tiled else size
    # Workers may be started elsewhere.
    sources = tuple(os.path.abspath(recording.source) for recording in recordings)  # noqa: PTH100
    until = max(steps[1], 1) if steps and steps[1] is not None else None
    ground, figure = chosen.get("background", "theme"), publication is not None
    drawing = Drawing(sources, view, size, theme, ground, panel, until, wording=wording, story=story)
    drawing = replace(drawing, tiled=tiled, printed=figure, notes=notes)
    shown = frames or (FRAMES if shows.motion else 1), steps or (None, None)
    own, recordings = recordings, wording.relabelled(recordings)
    with noted_reads() as measured:
        film = drawing.opened(recordings)
    end = max(recording.recorded for recording in recordings)
    if pace not in get_args(Pace):
        raise unknown("pace", pace, get_args(Pace))
    paced = by_motion(film, *shown, end=end) if pace == "motion" else None
    chosen_steps = paced or spread(film, *shown, end=end)
    if shows.motion and len(chosen_steps) > 1:
        drawing = replace(drawing, frames=tuple(chosen_steps), scaled=paced is not None)
    show = Show(
        drawing,
        recordings,
        film,
        chosen_steps,
        workers=workers,
        exporter=export.file,
        # Once the views of a page are open.
        recipe=cache(partial(line_for, own, asked, wording, measured)),
        measured=measured,
    )
    shows.check(export.stem, show.sheet.count, size)
    drawn = show.frames((1 / fps, hold), progress)
    write_whole(target, lambda file: export.make(frames=drawn, target=file, sheet=show.sheet, **chosen))
    if alt:
        write_whole(alt_file(target), lambda file: file.write_text(show.sheet.alt + "\n", encoding="utf-8"))
    return target


class Show:
    """A view of recordings at the steps to show, and what draws it."""

    def __init__(
        self,
        drawing: Drawing,
        recordings: Sequence[Recording],
        film: Film,
        steps: Sequence[int],
        *,
        workers: int,
        exporter: str,
        recipe: Callable[[], str],
        measured: list[tuple[Path, str]],
    ) -> None:
        """Open it.

        Args:
            drawing: What to draw, and how.
            recordings: The recordings named in the drawing.
            film: Their film.
            steps: The steps to show.
            workers: The number of processes that draw.
            exporter: The user's file, if the exporter is one.
            recipe: Returns how it is made, as a line.
            measured: Takes the measurements that further views show.
        """
        self._drawing, self._exporter = drawing, exporter
        # What still grows would not look alike to processes that open it one after the other.
        self._workers = 1 if any(recording.live for recording in recordings) else workers
        self._paint = drawing.painter(film)
        worded = drawing.wording.applied(film)
        self._film, self._steps = printed(worded, drawing.wording.title) if drawing.printed else worded, steps
        colors = find_theme(drawing.theme)
        self.sheet = Sheet(
            colors.palette(ramps(self._film, self._steps)),
            comment(recordings, drawing.view),
            facts(recordings, drawing.view, self._steps),
            len(self._steps),
            drawing.size,
            drawing.wording.translated(describe(self._film, self._steps)),
            self._film.scene(self._steps[-1]).title,
            colors,
            self._film.scene,
            self._previews,
            drawing.header(self._film) if drawing.tiled else None,
            recipe,
            partial(page_views, drawing, self._film, recordings, steps, measured),
            terms(self._film, self._steps),
        )

    def frames(self, seconds: tuple[float, float], progress: Progress | None) -> Frames:
        """All frames, with the time that each is shown, and at least the last one."""
        standing = [seconds[0]] * (len(self._steps) - 1) + [max(seconds)]
        if self._drawing.frames:
            standing[0] = max(seconds[0], POSTER)
        slots = list(zip(self._steps, standing, strict=True))
        count = min(self._workers, len(slots))
        if count > 1:
            return CrewFrames(self._drawing, slots, count, progress, self._exporter)
        return DrawnFrames(self._paint, slots, progress)

    def _previews(self, count: int) -> Iterator[Pixels]:
        # Colours are not chosen for the poster, which is the only one of its kind.
        first = int(bool(self._drawing.frames))
        chosen = np.unique(np.linspace(first, len(self._steps) - 1, count).round().astype(int))
        return (self._paint(self._steps[index]) for index in chosen)


def make_folder(folder: Path) -> None:
    """Make sure that a folder exists; its parent must exist.

    Raises:
        DynvizError: It cannot be created.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise DynvizError(f"cannot make the folder {folder}: {error.strerror or error}") from error


def alt_file(target: Path) -> Path:
    """The path of the file that describes a picture in words.

    >>> alt_file(Path("gallery/path.gif")).name
    'path.alt.txt'
    """
    return target.with_suffix(".alt.txt")


def _check(recordings: Sequence[Recording], fps: float, frames: int | None, hold: float, workers: int) -> None:
    if not recordings:
        raise DynvizError("there is no recording to draw")
    if not SLOWEST <= fps <= FASTEST:
        raise DynvizError(f"{fps} frames per second cannot be shown; choose {SLOWEST} to {FASTEST}")
    if frames is not None and not 1 <= frames <= MOST_FRAMES:
        raise DynvizError(f"{frames:.4g} frames cannot be drawn; choose 1 to {MOST_FRAMES}")
    if not 0 <= hold <= MOST_SECONDS:
        raise DynvizError(f"the last frame cannot be held for {hold:.4g} seconds; choose 0 to {MOST_SECONDS}")
    if not 1 <= workers <= MOST_WORKERS:
        raise DynvizError(f"{workers:.4g} processes cannot be used for drawing; choose 1 to {MOST_WORKERS}")


def write_whole(target: Path, write: Callable[[Path], object]) -> None:
    """Write a temporary file, and move it to the target once it is complete."""
    # The exporter may go by the suffix, so the name in between keeps it.
    real = Path(os.path.realpath(target))  # a link stays, and what it leads to is replaced
    beside = real.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    try:
        if target.is_dir():
            raise DynvizError(f"{target} is a folder; name a file")
        if not real.parent.is_dir():
            raise DynvizError(f"there is no folder {real.parent if target.is_symlink() else target.parent}")
        write(beside)
        beside.replace(real)
    except OSError as error:
        raise DynvizError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        # What was not begun cannot be removed either, as below a file that is no folder.
        with contextlib.suppress(OSError):
            beside.unlink()
