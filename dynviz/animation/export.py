"""From recordings to a file: the steps of a view, drawn one by one and handed to an exporter."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from dynviz import plugins
from dynviz.animation.alt import describe
from dynviz.animation.drawing import Drawing, open_film, suggested
from dynviz.animation.provenance import comment, facts
from dynviz.animation.workers import CrewFrames
from dynviz.errors import DynvizError, unknown
from dynviz.film import Film
from dynviz.frame import Frame, Frames, Pixels, Progress, Sheet, format_of
from dynviz.plugins.options import read
from dynviz.recording import Recording
from dynviz.scene.marks import Field
from dynviz.scene.theme import theme as find_theme

Steps: TypeAlias = tuple[int | None, int | None]

FRAMES, FPS, HOLD = 60, 10.0, 1.0
SLOWEST, FASTEST = 0.01, 50
"""Frames a second; GIF holds none for less than two hundredths."""
MOST_FRAMES = 100_000
"""Of an animation: over half an hour of the fastest."""
MOST_SECONDS = 3600
"""For the last frame: a video shows it again and again for so long."""
MOST_WORKERS = 256
"""Processes, each with a hundred megabytes."""
SHARED = ("quality", "loop", "background")
"""Options that mean the same in every format that has them."""
MOST_LOOPS = 0xFFFF
"""What GIF can count."""


def animate(
    recordings: Sequence[Recording],
    target: Path | str,
    *,
    view: str | None = None,
    panel: str | None = None,
    fps: float | None = None,
    frames: int | None = None,
    steps: Steps | None = None,
    size: tuple[int, int] = (640, 480),
    theme: str = "light",
    hold: float | None = None,
    alt: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
    exporter: str | None = None,
    **options: Any,
) -> Path:
    """Draw recordings into a file, whole or not at all: what was there before stays until the new one is complete.

    Args:
        recordings: One or several, side by side or on the same axes, as the view has it.
        target: The file; its suffix says the format.
        view: A name with options, or a path; by default the first that the scenario suggests.
        panel: One of its panels alone, by its title or its number from 1.
        fps: Frames a second, by default 10; only where the format shows motion.
        frames: How many, evenly spread; by default 60, of a still picture 1, which is the last step.
        steps: The first and the last to show; None for an open end.
        size: Width and height in pixels.
        theme: `light` or `dark`.
        hold: Seconds for which the last frame stays, by default 1; only where the format shows motion.
        alt: Whether to write what is seen in words beside the file, as `out.alt.txt` beside `out.gif`.
        workers: How many processes draw. The file is the same with any number.
        progress: Called with the number of frames drawn and the number of all.
        exporter: A name with options, or a path, where the suffix alone does not say it.
        options: Of the exporter, for example `quality="small"`, `loop=3`, `background="transparent"`.

    Returns:
        The file.

    Raises:
        DynvizError: Something that was asked for does not exist or does not fit, or the file cannot be written.
    """
    target = Path(target)
    export = find_exporter(target.suffix) if exporter is None else plugins.load("exporters", exporter)
    shows = format_of(export.target)
    if not shows.motion and (fps is not None or hold is not None):
        named = "frames a second" if fps is not None else "hold of the last frame"
        raise DynvizError(f"{export.stem} shows no motion and takes no {named}; formats that do: {_moving()}")
    fps, hold = FPS if fps is None else fps, HOLD if hold is None else hold
    _check(recordings, fps, frames, hold, workers)
    chosen = choose(export, options)
    view = view or suggested(recordings)[0]
    # Workers may be started elsewhere.
    sources = tuple(os.path.abspath(recording.source) for recording in recordings)  # noqa: PTH100
    until = max(steps[1], 1) if steps and steps[1] is not None else None
    drawing = Drawing(sources, view, size, theme, chosen.get("background", "theme"), panel, until)
    shown = frames or (FRAMES if shows.motion else 1), steps or (None, None)
    show = Show(drawing, recordings, shown, workers=workers, exporter=export.file)
    shows.check(export.stem, show.sheet.count, size)
    drawn = show.frames((1 / fps, hold), progress)
    write_whole(target, lambda file: export.make(frames=drawn, target=file, sheet=show.sheet, **chosen))
    if alt:
        write_whole(alt_file(target), lambda file: _say(file, show.sheet.alt))
    return target


class Show:
    """A view of recordings at the steps that are shown, and what draws it."""

    def __init__(
        self,
        drawing: Drawing,
        recordings: Sequence[Recording],
        shown: tuple[int, Steps],
        *,
        workers: int,
        exporter: str,
    ) -> None:
        """Open it.

        Args:
            drawing: What is drawn, and how.
            recordings: The same that the drawing names.
            shown: How many frames, and the first and the last step.
            workers: How many processes draw.
            exporter: The user's file, where it is one.
        """
        self._drawing, self._exporter = drawing, exporter
        # What still grows would not look alike to processes that open it one after the other.
        self._workers = 1 if any(recording.live for recording in recordings) else workers
        self._paint = drawing.painter()
        self._film = open_film(recordings, drawing.view, drawing.panel, drawing.until)
        self._steps = spread(self._film, *shown, end=max(recording.recorded for recording in recordings))
        colors = find_theme(drawing.theme)
        self.sheet = Sheet(
            colors.palette(_ramps(self._film, self._steps)),
            comment(recordings, drawing.view),
            facts(recordings, drawing.view, self._steps),
            len(self._steps),
            drawing.size,
            describe(self._film, self._steps),
            colors,
            self._film.scene,
            self._previews,
        )

    def frames(self, seconds: tuple[float, float], progress: Progress | None) -> Frames:
        """All frames: how long each stands, and the last one at least."""
        standing = [seconds[0]] * (len(self._steps) - 1) + [max(seconds)]
        slots = list(zip(self._steps, standing, strict=True))
        count = min(self._workers, len(slots))
        if count > 1:
            return CrewFrames(self._drawing, slots, count, progress, self._exporter)
        return Frames(self._drawn(slots, progress))

    def _drawn(self, slots: Sequence[tuple[int, float]], progress: Progress | None) -> Iterator[Frame]:
        for done, (step, seconds) in enumerate(slots, 1):
            yield Frame(self._paint(self._film.scene(step)), seconds, step)
            if progress is not None:
                progress(done, len(slots))

    def _previews(self, count: int) -> Iterator[Pixels]:
        chosen = np.unique(np.linspace(0, len(self._steps) - 1, count).round().astype(int))
        return (self._paint(self._film.scene(self._steps[index])) for index in chosen)


def _ramps(film: Film, steps: Sequence[int]) -> list[str]:
    """The ramps of a film's fields."""
    scenes = [film.scene(steps[0]), film.scene(steps[-1])]
    fields = [mark for scene in scenes for panel in scene.panels for mark in panel.marks if isinstance(mark, Field)]
    return list(dict.fromkeys(field.ramp for field in fields))


def make_folder(folder: Path) -> None:
    """See that there is a folder; the one that it stands in must be there.

    Raises:
        DynvizError: It cannot be made.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise DynvizError(f"cannot make the folder {folder}: {error.strerror or error}") from error


def alt_file(target: Path) -> Path:
    """Where the words of a picture are written.

    >>> alt_file(Path("gallery/path.gif")).name
    'path.alt.txt'
    """
    return target.with_suffix(".alt.txt")


def find_exporter(suffix: str) -> plugins.Plugin:
    """The exporter that writes files of this suffix.

    Raises:
        DynvizError: There is none.
    """
    name = suffix.removeprefix(".").lower()
    known = plugins.files("exporters")
    if name not in known:
        there = ", ".join(f".{suffix}" for suffix in known)
        asked = f"files that end in .{name}" if name else "a file without a suffix"
        raise DynvizError(f"no exporter writes {asked}; there are: {there}")
    return plugins.load("exporters", name)


def choose(export: plugins.Plugin, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of an exporter, checked, with those that were written after its name.

    Raises:
        DynvizError: It has no such option, or a value is none of the option's, or one is given twice.
    """
    for name in options:
        if name not in export.options and name in SHARED:
            able = [stem for stem in plugins.files("exporters") if name in plugins.load("exporters", stem).options]
            raise DynvizError(f"{export.stem} takes no {name}; formats that do: {', '.join(able)}")
        if name not in export.options:
            raise unknown(f"option of exporter {export.stem}", name, export.options)
        if name in export.given:
            raise DynvizError(f"{name} of {export.stem} is given twice, after its name and alone; write one of them")
    chosen = {**read(export.options, options, f"exporter {export.stem}"), **export.given}
    if not 0 <= chosen.get("loop", 0) <= MOST_LOOPS:
        raise DynvizError(f"an animation cannot be played {chosen['loop']} times; say 0 for ever, or 1 to {MOST_LOOPS}")
    return chosen


def spread(film: Film, count: int, steps: Steps, end: int = 0) -> list[int]:
    """At most `count` of the film's steps, evenly spread between two ends; the last one, if it is to be one.

    Args:
        film: What is shown.
        count: How many at most.
        steps: First and last; None for the film's own.
        end: The last step that there is, where the film ends before it.

    Raises:
        DynvizError: The film has nothing between these.
    """
    begin, end = int(film.steps[0]), max(int(film.steps[-1]), end)
    first = begin if steps[0] is None else steps[0]
    last = int(film.steps[-1]) if steps[1] is None else steps[1]
    if first > last or first > end or last < begin:
        raise DynvizError(f"steps {first}:{last} cannot be shown; there are {begin} to {end}")
    within = film.steps[(film.steps >= first) & (film.steps <= last)]
    if not len(within):
        return [max(first, begin)]
    if count == 1:
        return [int(within[-1])]
    wanted = np.linspace(within[0], within[-1], count)
    after = np.searchsorted(within, wanted).clip(1, max(len(within) - 1, 1))
    if len(within) == 1:
        return [int(within[0])]
    nearer = after - (wanted - within[after - 1] <= within[after] - wanted)
    return [int(step) for step in np.unique(within[nearer])]


def _say(file: Path, text: str) -> None:
    file.write_text(text + "\n", encoding="utf-8")


def _moving() -> str:
    formats = {name: format_of(plugins.load("exporters", name).target) for name in plugins.files("exporters")}
    return ", ".join(name for name, shows in formats.items() if shows.motion)


def _check(recordings: Sequence[Recording], fps: float, frames: int | None, hold: float, workers: int) -> None:
    if not recordings:
        raise DynvizError("there is no recording to draw")
    if not SLOWEST <= fps <= FASTEST:
        raise DynvizError(f"{fps} frames a second cannot be shown; say {SLOWEST} or more and at most {FASTEST}")
    if frames is not None and not 1 <= frames <= MOST_FRAMES:
        raise DynvizError(f"{frames:.4g} frames cannot be drawn; say 1 to {MOST_FRAMES}")
    if not 0 <= hold <= MOST_SECONDS:
        raise DynvizError(f"the last frame cannot be held for {hold:.4g} seconds; say 0 to {MOST_SECONDS}")
    if not 1 <= workers <= MOST_WORKERS:
        raise DynvizError(f"{workers:.4g} processes cannot draw; say 1 to {MOST_WORKERS}")


def write_whole(target: Path, write: Callable[[Path], None]) -> None:
    """Have a file written beside the target, and put it in its place once it is complete."""
    # The exporter may go by the suffix, so the name in between keeps it.
    beside = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    try:
        if target.is_dir():
            raise DynvizError(f"{target} is a folder; name a file")
        if not target.parent.is_dir():
            raise DynvizError(f"there is no folder {target.parent}")
        write(beside)
        beside.replace(target)
    except OSError as error:
        raise DynvizError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        # What was not begun cannot be removed either, as below a file that is no folder.
        with contextlib.suppress(OSError):
            beside.unlink()
