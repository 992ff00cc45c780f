"""Actions on recordings and runs that packages above the file format implement."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import pandas as pd


class Actions:
    """Methods that work once `dynviz.animation.methods` is imported, as `dynviz.open` and its relatives do."""

    drawer: ClassVar[Callable[..., Path]]
    forker: ClassVar[Callable[..., Any]]
    framer: ClassVar[Callable[..., Any]]
    labeller: ClassVar[Callable[..., Any]]

    def animate(
        self,
        target: Path | str,
        *,
        view: str | None = None,
        panel: str | None = None,
        story: bool = False,
        fps: float | None = None,
        frames: int | None = None,
        steps: tuple[int | None, int | None] | None = None,
        size: tuple[int, int] = (640, 480),
        theme: str = "light",
        hold: float | None = None,
        pace: str = "motion",
        title: str = "",
        caption: str = "",
        labels: Mapping[str, str] | None = None,
        language: Path | str | Mapping[str, str] | None = None,
        notes: bool = False,
        alt: bool = False,
        publication: str | None = None,
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
            story=story,
            fps=fps,
            frames=frames,
            steps=steps,
            size=size,
            theme=theme,
            hold=hold,
            pace=pace,
            title=title,
            caption=caption,
            labels=labels,
            language=language,
            notes=notes,
            alt=alt,
            publication=publication,
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

    def to_pandas(self, channels: Sequence[str] = ()) -> "pd.DataFrame":
        """A data frame with a row for each step of each lane, and seeds and hyperparameters as columns.

        Args:
            channels: Names or patterns (`term.*`) of channels; by default all of at most 64 numbers a sample.

        Raises:
            DynvizError: pandas is not installed, or there is no such channel.
        """
        frame: pd.DataFrame = type(self).framer(self, channels)
        return frame

    def to_xarray(self, channels: Sequence[str] = ()) -> Any:
        """Labelled arrays [step, lane, ...], with steps, seeds and hyperparameters as coordinates.

        Args:
            channels: Names or patterns (`term.*`) of channels; by default all.

        Returns:
            An `xarray.Dataset`; of a run an `xarray.DataTree` with one for each recording.

        Raises:
            DynvizError: xarray is not installed, or there is no such channel.
        """
        return type(self).labeller(self, channels)
