"""A run's summary: settings, status, final values, hyperparameters, events and views."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich import filesize
from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from dynviz.charts import caption, trend
from dynviz.charts.numbers import DIVERGED, significant
from dynviz.charts.settings import parted, settings
from dynviz.cli.progress import ORIGINS
from dynviz.detection.convergence import convergence
from dynviz.recording import Recording
from dynviz.recording.metadata import Better, Origin
from dynviz.text import clean
from dynviz.views._convergence import answers

Paint = Callable[[str], Style]
"""The style of a role of the theme, as the terminal can show it."""
SETTINGS = 8
"""Of more recordings and settings, convergence is not told one by one."""
SIDE_BY_SIDE = 4
"""Recordings whose values stand in columns of one table."""


def summary(recordings: Sequence[Recording], paint: Paint) -> RenderableType:
    """A run's settings, status, final values, hyperparameters and events."""
    first = recordings[0].metadata
    parts: list[RenderableType] = [_head(recordings, paint), Text()]
    parts += [_standings(recordings, paint), Text()]
    for start in range(0, len(recordings), SIDE_BY_SIDE):
        values = _values(recordings, range(start, min(start + SIDE_BY_SIDE, len(recordings))), paint)
        parts += [values, Text()] if values else []
    parts += [_hyperparameters(recordings, paint), Text()]
    events = _events(recordings, paint)
    parts += [events, Text()] if events else []
    converged = answered(recordings)
    parts += [Text("convergence", Style(bold=True)), Text("\n".join(converged)), Text()] if converged else []
    views = ", ".join(dict.fromkeys(view for recording in recordings for view in recording.metadata.views))
    versions = ", ".join(f"{name} {version}" for name, version in first.versions.items())
    channels = dict.fromkeys(name for recording in recordings for name in recording.channels)
    facts = {"channels": ", ".join(channels), "views": views, "made with": versions}
    parts.append(_facts({name: text for name, text in facts.items() if text}, paint))
    return Group(*parts)


def answered(recordings: Sequence[Recording]) -> list[str]:
    """Whether recordings have converged, in words; nothing of those that are too short to tell."""
    parts = parted(recordings)
    # Of more settings than colours nothing is parted, and lanes of several settings are no seeds of one.
    if len(parts) > SETTINGS or any(len(settings(part)) > 1 for part in parts):
        return []
    results = [convergence(recording) for recording in parts]
    if not any(result.loss for result in results):
        return []
    return answers(caption.names(parts), results)


def _head(recordings: Sequence[Recording], paint: Paint) -> RenderableType:
    """What was trained, and the folder that holds it."""
    first = recordings[0].metadata
    title = Text(clean(caption.made(recordings[:1])), paint("text") + Style(bold=True))
    options = ", ".join(f"{name} {shown(value)}" for name, value in first.scenario.options.items())
    lanes = f"{len(first.lanes)} lanes, " if len(first.lanes) > 1 else ""
    device = f"{first.device} ({first.device_name})" if first.device_name else first.device
    threads = f", {first.threads} thread{'s' * (first.threads > 1)}" if first.device == "cpu" else ""
    how = "".join(f", {word}" for word in (first.dtype, "compiled" if first.compiled else "") if word)
    size = sum(_size(recording.folder) for recording in recordings)
    folder = recordings[0].folder.parent if len(recordings) > 1 else Path(recordings[0].source)
    facts = {
        "options": options,
        "lanes": lanes + caption.seeds(recordings[0]),
        "trained": "" if first.imported else f"on {device}{threads}{how}",
        "imported": first.imported and f"from {first.imported}",
        "started": first.created.replace("T", " ").replace("+00:00", " UTC"),
        "forked": _forked(first.origin) if first.origin else "",
        "folder": f"{folder}, {filesize.decimal(size)}",
    }
    return Group(title, _facts({name: text for name, text in facts.items() if text}, paint))


def _forked(origin: Origin) -> str:
    """From where a recording was forked, and whether that could be repeated exactly."""
    inexact = f", not exactly: {origin.inexact}" if origin.inexact else ""
    return f"{origin.folder} from step {origin.step}{inexact}"


def _standings(recordings: Sequence[Recording], paint: Paint) -> Table:
    """The status of each recording."""
    table = _table(("recording", "left"), ("status", "left"), ("steps", "right"), ("", "left"))
    for index, recording in enumerate(recordings):
        status = recording.status
        role = {"finished": "lane2", "running": "lane0"}.get(status, "lane3")
        steps = f"{recording.recorded} of {recording.total}"
        words = "; ".join(filter(None, (recording.metadata.error, recording.missing)))
        error = Text(clean(words), paint("lane3"))
        table.add_row(_name(recording, index, paint), Text(status, paint(role)), steps, error)
    return table


def _values(recordings: Sequence[Recording], indices: range, paint: Paint) -> Group | None:
    """The last value of each channel of single numbers, a column for each of some recordings."""
    some = [recordings[index] for index in indices]
    channels = dict.fromkeys(name for recording in some for name in _scalars(recording))
    if not channels:
        return None
    spread = ", median (least to greatest) over seeds" if any(len(recording.seeds) > 1 for recording in some) else ""
    if any(len(settings(recording)) > 1 for recording in some):
        spread += "; of several settings the least and the greatest median"
    names = [_name(recording, index, paint) for recording, index in zip(some, indices, strict=True)]
    table = _table(("", "left"), *((name, "right") for name in names))
    for channel in channels:
        table.add_row(clean(caption.words(channel, *some)), *(_last(recording, channel) for recording in some))
    return Group(Text(f"at the end{spread}", Style(bold=True)), table)


def _scalars(recording: Recording) -> Iterator[str]:
    for name, info in recording.metadata.channels.items():
        if info.every and int(np.prod(info.shape, dtype=np.int64)) == 1 and len(recording[name]):
            yield name


def _last(recording: Recording, channel: str) -> str:
    """The last sample: a value, or the median over the lanes and its range, of each setting by itself.

    A lane that diverged is worse than all others; where neither is better it is left out.
    """
    if channel not in recording.channels or not len(recording[channel]):
        return ""
    sample = np.array(recording[channel][-1], dtype=np.float64).reshape(-1)
    sample[[event.lane for event in recording.events() if event.kind == "diverged"]] = np.nan
    groups = settings(recording)
    better = recording.metadata.channels[channel].better
    medians = {group[0]: _median(sample[list(group)], better) for group in groups}
    finite = {lane: median for lane, median in medians.items() if np.isfinite(median)}
    if len(groups) > 1 and finite:
        ends = dict.fromkeys((min(finite, key=finite.__getitem__), max(finite, key=finite.__getitem__)))
        text = " to ".join(f"{significant(finite[lane])} ({_setting(recording, lane)})" for lane in ends)
    else:
        text = _spread(sample, better)
    lost = int((~np.isfinite(sample)).sum()) if len(sample) > 1 else 0
    return clean(f"{text}, {lost} of {len(sample)} diverged" if 0 < lost < len(sample) else text)


def _spread(values: NDArray[np.float64], better: Better) -> str:
    """The median, and the least and the greatest of those that are finite."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return DIVERGED
    median = _median(values, better)
    text = significant(median) if np.isfinite(median) else DIVERGED
    if len(values) == 1:
        return text
    return f"{text} ({significant(float(finite.min()))} to {significant(float(finite.max()))})"


def _median(values: NDArray[np.float64], better: Better) -> float:
    # Where neither is better and all diverged, there is nothing to take a median of.
    if not np.isfinite(values).any():
        return float("nan")
    return float(trend.middle(values[None], better)[1, 0])


def _setting(recording: Recording, lane: int) -> str:
    """The hyperparameters that one lane has and others have not."""
    return ", ".join(
        caption.option(name, value) for name, value in recording.metadata.lanes[lane].hyperparameters.items()
    )


def _hyperparameters(recordings: Sequence[Recording], paint: Paint) -> Table:
    """Every hyperparameter and where it came from; one that lanes differ in with all of its values."""
    table = _table(("hyperparameters", "left"), ("", "left"), ("value", "left"), ("from", "left"))
    for index, recording in enumerate(recordings):
        name = _name(recording, index, paint)
        values = recording.metadata.hyperparameters
        for place, (key, value) in enumerate(values.items()):
            given = value.source == "given"
            style = paint("text") if given else paint("muted")
            own = dict.fromkeys(
                shown(lane.hyperparameters[key]) for lane in recording.metadata.lanes if key in lane.hyperparameters
            )
            text = ", ".join(own) if own else shown(value.value)
            origin = Text(ORIGINS[value.source], style)
            table.add_row("" if place else name, clean(key), Text(clean(text), style), origin)
        if not values:
            table.add_row(name, Text("none", paint("muted")), "", "")
    return table


def _events(recordings: Sequence[Recording], paint: Paint) -> Table | None:
    """Events by kind: how many, in how many lanes, between which steps."""
    table = _table(("events", "left"), ("", "left"), ("times", "right"), ("lanes", "right"), ("steps", "left"))
    for index, recording in enumerate(recordings):
        events = recording.events()
        for kind in dict.fromkeys(event.kind for event in events):
            same = [event for event in events if event.kind == kind]
            first, last = min(event.step for event in same), max(event.step for event in same)
            steps = f"{first}" if first == last else f"{first} to {last}"
            lanes = len({event.lane for event in same})
            table.add_row(_name(recording, index, paint), clean(kind), str(len(same)), str(lanes), steps)
    return table if table.row_count else None


def _facts(facts: dict[str, str], paint: Paint) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=9)
    table.add_column(overflow="fold")
    for name, text in facts.items():
        table.add_row(Text(name, paint("muted")), clean(text))
    return table


def _table(*columns: tuple[str | Text, Any]) -> Table:
    """An empty table from the header and the alignment of each column."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold", show_edge=False)
    for words, justify in columns:
        table.add_column(words, justify=justify, overflow="fold")
    return table


def _name(recording: Recording, index: int, paint: Paint) -> Text:
    return Text(clean(recording.label), paint(caption.color(index)) + Style(bold=True))


def shown(value: Any) -> str:
    """A value as it would be written on the command line.

    >>> shown(True), shown(None), shown((0.9, 0.999)), shown(1e-8)
    ('true', 'none', '(0.9,0.999)', '1e-08')
    """
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"({','.join(map(shown, value))})"
    return str(value)


def _size(folder: Path) -> int:
    """The size in bytes of all files below a folder."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            # A file may disappear after it is listed.
            path = Path(place, name)
            total += path.stat().st_size if path.exists() else 0
    return total
