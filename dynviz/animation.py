"""From recordings to a file: the steps of a view, drawn one by one and handed to an exporter."""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from dynviz import plugins
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.frame import Frame, Sheet
from dynviz.recording import Recording

Steps: TypeAlias = tuple[int | None, int | None]
Progress: TypeAlias = Callable[[int, int], None]

STILL = ("png",)
"""Formats that show one picture unless more are asked for."""
FRAMES = 100
FASTEST = 50
"""Frames a second; GIF holds none for less than two hundredths."""


def animate(
    recordings: Sequence[Recording],
    target: Path | str,
    *,
    view: str | None = None,
    fps: float = 10.0,
    frames: int | None = None,
    steps: Steps | None = None,
    size: tuple[int, int] = (800, 600),
    theme: str = "light",
    hold: float = 1.0,
    progress: Progress | None = None,
    exporter: str | None = None,
) -> Path:
    """Draw recordings into a file, whole or not at all: what was there before stays until the new one is complete.

    Args:
        recordings: One or several, side by side or on the same axes, as the view has it.
        target: The file; its suffix says the format.
        view: A name with options, or a path; by default the first that the scenario suggests.
        fps: Frames a second.
        frames: How many, evenly spread; by default 100, of a still picture 1, which is the last step.
        steps: The first and the last to show; None for an open end.
        size: Width and height in pixels.
        theme: `light` or `dark`.
        hold: Seconds for which the last frame stays.
        progress: Called with the number of frames drawn and the number of all.
        exporter: A name with options, or a path, where the suffix alone does not say it.

    Returns:
        The file.

    Raises:
        DynvizError: Something that was asked for does not exist or does not fit, or the file cannot be written.
    """
    from dynviz.pixels import Canvas

    target = Path(target)
    _check(recordings, fps, frames, hold)
    export = find_exporter(target.suffix) if exporter is None else plugins.load("exporters", exporter)
    canvas = Canvas(*size, theme)
    view = view or default_view(recordings)
    film = open_film(recordings, view)
    still = target.suffix.removeprefix(".").lower() in STILL
    shown = spread(film, frames or (1 if still else FRAMES), steps or (None, None))
    sheet = Sheet(canvas.theme.palette(), comment(recordings, view), facts(recordings, view, shown), len(shown))
    drawn = draw(film, shown, canvas.draw, seconds=(1 / fps, hold), progress=progress)
    _write(target, lambda file: export.make(frames=drawn, target=file, sheet=sheet))
    return target


def draw(
    film: Film,
    steps: Sequence[int],
    picture: Callable[[Any], Any],
    *,
    seconds: tuple[float, float],
    progress: Progress | None = None,
) -> Iterator[Frame]:
    """A frame for each step, made when it is asked for.

    Args:
        film: What is shown.
        steps: At which steps.
        picture: From a scene to pixels.
        seconds: How long a frame stands, and how long the last one at least.
        progress: Called after each frame.
    """
    for index, step in enumerate(steps, 1):
        pixels = picture(film.scene(step))
        yield Frame(pixels, seconds[0] if index < len(steps) else max(seconds))
        if progress is not None:
            progress(index, len(steps))


def open_film(recordings: Sequence[Recording], view: str) -> Film:
    """Open a view of recordings.

    Raises:
        DynvizError: There is no such view, or it does not suit, or there is nothing to show yet.
    """
    film: Film = plugins.load("views", view).make(recordings=tuple(recordings))
    if not len(film.steps):
        raise DynvizError(f"view {view} has nothing to show: nothing that it draws is recorded yet")
    return film


def default_view(recordings: Sequence[Recording]) -> str:
    """The view that the scenario names first.

    Raises:
        DynvizError: It names none.
    """
    metadata = recordings[0].metadata
    if not metadata.views:
        known = ", ".join(plugins.files("views"))
        raise DynvizError(f"scenario {metadata.scenario.name} suggests no view; name one: {known}")
    return metadata.views[0]


def find_exporter(suffix: str) -> plugins.Plugin:
    """The exporter that writes files of this suffix.

    Raises:
        DynvizError: There is none.
    """
    name = suffix.removeprefix(".").lower()
    known = plugins.files("exporters")
    if name not in known:
        there = ", ".join(f".{each}" for each in known)
        asked = f"files that end in .{name}" if name else "a file without a suffix"
        raise DynvizError(f"no exporter writes {asked}; there are: {there}")
    return plugins.load("exporters", name)


def spread(film: Film, count: int, steps: Steps) -> list[int]:
    """At most `count` of the film's steps, evenly spread between two ends; the last one, if it is to be one.

    Args:
        film: What is shown.
        count: How many at most.
        steps: First and last; None for the film's own.

    Raises:
        DynvizError: The film has nothing between these.
    """
    begin, end = int(film.steps[0]), int(film.steps[-1])
    first = begin if steps[0] is None else steps[0]
    last = end if steps[1] is None else steps[1]
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


def comment(recordings: Sequence[Recording], view: str) -> str:
    """What made the animation, one line for each thing."""
    first = recordings[0].metadata
    lines = [
        f"dynviz {first.versions.get('dynviz', '')}".strip(),
        f"scenario {_written(first.scenario.name, first.scenario.options)}",
    ]
    for recording in recordings:
        metadata = recording.metadata
        values = {name: each.value for name, each in metadata.hyperparameters.items()}
        seeds = ",".join(map(str, dict.fromkeys(metadata.seeds)))
        lines.append(f"optimizer {_written(metadata.optimizer.name, values)} seeds {seeds}")
    lines.append(f"view {view}")
    lines.append(" ".join(f"{name} {version}" for name, version in first.versions.items() if name != "dynviz"))
    return "\n".join(line for line in lines if line)


def facts(recordings: Sequence[Recording], view: str, steps: Sequence[int]) -> dict[str, Any]:
    """The same as a tree."""
    trees = [recording.metadata.to_json() for recording in recordings]
    return {"view": view, "steps": list(steps), "recordings": trees}


def _written(name: str, options: Any) -> str:
    given = ",".join(f"{key}={value}" for key, value in options.items())
    return f"{name}:{given}" if given else name


def _check(recordings: Sequence[Recording], fps: float, frames: int | None, hold: float) -> None:
    if not recordings:
        raise DynvizError("there is no recording to draw")
    if not 0 < fps <= FASTEST:
        raise DynvizError(f"{fps} frames a second cannot be shown; say more than 0 and at most {FASTEST}")
    if frames is not None and frames < 1:
        raise DynvizError(f"{frames} frames cannot be drawn; say 1 or more")
    if not (math.isfinite(hold) and hold >= 0):
        raise DynvizError(f"the last frame cannot be held for {hold} seconds; say 0 or more")


def _write(target: Path, export: Callable[[Path], None]) -> None:
    """Have a file written beside the target, and put it in its place once it is complete."""
    # The exporter may go by the suffix, so the name in between keeps it.
    beside = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    try:
        if target.is_dir():
            raise DynvizError(f"{target} is a folder; name a file")
        if not target.parent.is_dir():
            raise DynvizError(f"there is no folder {target.parent}")
        export(beside)
        beside.replace(target)
    except OSError as error:
        raise DynvizError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)
