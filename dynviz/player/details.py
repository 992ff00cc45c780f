"""A textual summary of a run."""

from collections.abc import Sequence

from dynviz.charts import caption
from dynviz.player.event_marks import EventMark
from dynviz.player.hyperparameters import as_text
from dynviz.player.info_dialog import Section
from dynviz.player.status import WORDS
from dynviz.player.words import grouped
from dynviz.recording import Recording

MOST_EVENTS = 200
"""Maximum number of events listed."""
ORIGINS = {"given": "as written", "protocol": "set by the scenario", "default": "the rule's default"}


def sections(recordings: Sequence[Recording], events: Sequence[EventMark], statuses: Sequence[str]) -> list[Section]:
    """Sections on the scenario, each optimizer with its hyperparameters, the channels and the events."""
    if not recordings:
        return []
    sections: list[Section] = [("", _scenario(recordings[0]))]
    for recording, name, status in zip(recordings, caption.names(recordings), statuses, strict=True):
        rows: list[tuple[str, ...]] = [("lanes", f"{len(recording.seeds)}, {caption.seeds(recording)}")]
        rows += [("error", recording.metadata.error)] if recording.metadata.error else []
        for key, given in recording.metadata.hyperparameters.items():
            rows.append((key, as_text(given.value), ORIGINS.get(given.source, given.source)))
        sections.append((f"{name}: {WORDS.get(status, status)}", rows))
    sections.append(("Channels", _channels(recordings)))
    if events:
        rows = [(grouped(event.step), event.text) for event in events[:MOST_EVENTS]]
        more = len(events) - len(rows)
        sections.append(("Events", [*rows, *([("", f"and {grouped(more)} more")] if more else [])]))
    return sections


def _scenario(recording: Recording) -> list[tuple[str, ...]]:
    known = recording.metadata
    options = ", ".join(f"{key} {as_text(value)}" for key, value in known.scenario.options.items())
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


def _channels(recordings: Sequence[Recording]) -> list[tuple[str, ...]]:
    rows: dict[str, tuple[str, ...]] = {}
    for recording in recordings:
        for name, info in recording.metadata.channels.items():
            every = f"every {grouped(info.every)} steps" if info.every > 1 else "every step" if info.every else "once"
            shape = " × ".join(map(grouped, info.shape)) or "one number"
            rows.setdefault(name, (name, every, shape, info.help))
    return list(rows.values())
