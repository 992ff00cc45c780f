"""Actions on recordings and runs that packages above the file format implement."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar


class Actions:
    """Methods that work once `dynviz.animation.methods` is imported, as `dynviz.open` and its relatives do."""

    drawer: ClassVar[Callable[..., Path]]
    forker: ClassVar[Callable[..., Any]]

    def animate(
        self,
        target: Path | str,
        *,
        view: str | None = None,
        panel: str | None = None,
        fps: float | None = None,
        frames: int | None = None,
        steps: tuple[int | None, int | None] | None = None,
        size: tuple[int, int] = (640, 480),
        theme: str = "light",
        hold: float | None = None,
        alt: bool = False,
        workers: int = 1,
        progress: Callable[[int, int], None] | None = None,
        exporter: str | None = None,
        **options: Any,
    ) -> Path:
        """Export an animation; see `dynviz.animation.export.animate` for the parameters."""
        return type(self).drawer(
            self,
            target,
            view=view,
            panel=panel,
            fps=fps,
            frames=frames,
            steps=steps,
            size=size,
            theme=theme,
            hold=hold,
            alt=alt,
            workers=workers,
            progress=progress,
            exporter=exporter,
            **options,
        )

    def fork(self, at: int, **changes: Any) -> Any:
        """Continue from a step in a new run, `recording.fork(at=400, lr=3e-3)`; see `dynviz.fork`.

        Returns:
            The new run.
        """
        return type(self).forker(self, at, **changes)
