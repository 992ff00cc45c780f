"""What recordings and runs can do beside being read: be drawn. Importing this module adds it to both."""

from pathlib import Path
from typing import Any

from dynviz.recording import Recording, Run


def recordings_of(source: Recording | Run) -> list[Recording]:
    """The recordings that are drawn together."""
    return list(source.recordings) if isinstance(source, Run) else [source]


def animate(self: Recording | Run, target: Path | str, **options: Any) -> None:
    """Draw into a file, see `dynviz.animation.export.animate`."""
    from dynviz.animation import export

    export.animate(recordings_of(self), target, **options)


def mimebundle(self: Recording | Run, **_: Any) -> dict[str, str]:
    """What a notebook shows: a small animation."""
    from dynviz.animation.notebook import bundle

    return bundle(recordings_of(self), repr(self))


for kind in (Recording, Run):
    kind.animate = animate  # type: ignore[method-assign]
    kind._repr_mimebundle_ = mimebundle  # type: ignore[union-attr]
