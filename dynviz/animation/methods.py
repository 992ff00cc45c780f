"""What recordings and runs can do beside being read: be drawn, be forked. Importing this module adds it to both."""

from pathlib import Path
from typing import Any

from dynviz.recording import Recording, Run
from dynviz.recording.actions import Actions


def recordings_of(source: Recording | Run) -> list[Recording]:
    """The recordings that are drawn together."""
    return list(source.recordings) if isinstance(source, Run) else [source]


def draw(source: Recording | Run, target: Path | str, **options: Any) -> Path:
    """Draw into a file, see `dynviz.animation.export.animate`."""
    from dynviz.animation import export

    return export.animate(recordings_of(source), target, **options)


def fork_from(source: Recording | Run, at: int, **changes: Any) -> Run:
    """Continue from a step, see `dynviz.fork`."""
    from dynviz.training import fork

    return fork(source.source if isinstance(source, Recording) else source.folder, at=at, **changes)


def mimebundle(self: Recording | Run, **_: Any) -> dict[str, str]:
    """What a notebook shows: a small animation."""
    from dynviz.animation.notebook import bundle

    return bundle(recordings_of(self), repr(self))


Actions.drawer = draw
Actions.forker = fork_from
for kind in (Recording, Run):
    kind._repr_mimebundle_ = mimebundle  # type: ignore[union-attr]
