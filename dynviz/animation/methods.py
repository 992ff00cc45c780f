"""Methods of recordings and runs beyond reading: drawing, forking, tables. Importing this module adds them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dynviz.recording import Recording, Run
from dynviz.recording.actions import Actions


def recordings_of(source: Recording | Run) -> list[Recording]:
    """The recordings to draw together."""
    return list(source.recordings) if isinstance(source, Run) else [source]


def draw(source: Recording | Run, target: Path | str, **options: Any) -> Path:
    """Draw into a file; see `dynviz.animation.export.animate`."""
    from dynviz.animation import export

    return export.animate(recordings_of(source), target, **options)


def fork_from(source: Recording | Run, at: int, **changes: Any) -> Run:
    """Continue from a step; see `dynviz.fork`."""
    from dynviz.training import fork

    return fork(source.source if isinstance(source, Recording) else source.folder, at=at, **changes)


def data_frame(source: Recording | Run, channels: Sequence[str] = ()) -> Any:
    """A data frame; see `dynviz.tables.writing.data_frame`."""
    from dynviz.tables import writing

    return writing.data_frame(source, channels)


def labelled(source: Recording | Run, channels: Sequence[str] = ()) -> Any:
    """Labelled arrays; see `dynviz.tables.writing.arrays`."""
    from dynviz.tables import writing

    return writing.arrays(source, channels)


def mimebundle(self: Recording | Run, **_: Any) -> dict[str, str]:
    """The small animation that a notebook shows."""
    from dynviz.animation.notebook import bundle

    return bundle(recordings_of(self), repr(self))


Actions.drawer = draw
Actions.forker = fork_from
Actions.framer = data_frame
Actions.labeller = labelled
for kind in (Recording, Run):
    kind._repr_mimebundle_ = mimebundle  # type: ignore[union-attr]
