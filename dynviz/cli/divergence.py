"""What is said at the end of a run of lanes that diverged."""

from collections.abc import Iterator
from pathlib import Path


def divergence(folder: Path) -> Iterator[str]:
    """A line for each recording of a run in which a lane diverged."""
    from dynviz.recording import open_all
    from dynviz.text import clean

    for recording in open_all([folder]):
        steps: dict[int, int] = {}
        for event in recording.events():
            if event.kind == "diverged":
                steps.setdefault(event.lane, event.step)
        if steps:
            lanes = len(recording.seeds)
            which = f": {len(steps)} of {lanes} lanes" if lanes > 1 else ""
            when = f"{', the first' if len(steps) > 1 else ''} at step {min(steps.values())}"
            yield f"{clean(recording.label)}{which} diverged{when}"
