"""What is known of a run, in words."""

import math
from collections.abc import Sequence

from dynviz.charts import caption
from dynviz.player.event_marks import EventMark
from dynviz.player.info_dialog import Section
from dynviz.player.status import SAID
from dynviz.player.words import grouped
from dynviz.recording import Recording
from dynviz.recording.metadata import Hyperparameter

MOST_EVENTS = 200
"""So many events are listed."""
ORIGINS = {"given": "as written", "protocol": "set by the scenario", "default": "the rule's default"}


def sections(recordings: Sequence[Recording], happened: Sequence[EventMark], statuses: Sequence[str]) -> list[Section]:
    """The scenario, each optimizer with its hyperparameters, the channels, the events."""
    found: list[Section] = []
    for recording, name, status in zip(recordings, caption.names(recordings), statuses, strict=True):
        if not found:
            found.append(("", _scenario(recording)))
        rules = recording.metadata.hyperparameters
        rows = _lanes(recording)
        rows += [(key, _value(rule.value), _origin(rule)) for key, rule in rules.items()]
        found.append((f"{name}: {SAID.get(status, status)}", rows))
    if recordings:
        found.append(("Channels", _channels(recordings)))
    if happened:
        rows = [(f"{grouped(each.step)}", each.text) for each in happened[:MOST_EVENTS]]
        more = len(happened) - len(rows)
        found.append(("Events", [*rows, *([("", f"and {grouped(more)} more")] if more else [])]))
    return found


def _scenario(recording: Recording) -> list[tuple[str, ...]]:
    known = recording.metadata
    options = ", ".join(f"{key} {_value(value)}" for key, value in known.scenario.options.items())
    versions = ", ".join(f"{name} {version}" for name, version in known.versions.items())
    device = f"{known.device} ({known.device_name})" if known.device_name else known.device
    rows = [
        ("scenario", known.scenario.name),
        ("options", options),
        ("steps", grouped(known.steps)),
        ("began", known.created.replace("T", " ")),
        ("device", device),
        ("versions", versions),
        ("folder", str(recording.folder.parent)),
    ]
    return [row for row in rows if row[1]]


def _lanes(recording: Recording) -> list[tuple[str, ...]]:
    error = [("error", recording.metadata.error)] if recording.metadata.error else []
    return [("lanes", f"{len(recording.seeds)}, {caption.seeds(recording)}"), *error]


def _channels(recordings: Sequence[Recording]) -> list[tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for recording in recordings:
        for name, info in recording.metadata.channels.items():
            every = f"every {grouped(info.every)} steps" if info.every > 1 else "every step" if info.every else "once"
            shape = " × ".join(map(grouped, info.shape)) or "one number"
            found.setdefault(name, (name, every, shape, info.help))
    return list(found.values())


def _origin(rule: Hyperparameter) -> str:
    return ORIGINS.get(rule.source, rule.source)


def _value(value: object) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6g}"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
