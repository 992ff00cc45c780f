"""`dynviz export`: recordings to a file."""

from pathlib import Path

import click

from dynviz import grammar
from dynviz.errors import DynvizError


@click.command
@click.argument("paths", nargs=-1, required=True, metavar="RUN... TARGET")
@click.option("--view", help="What to draw. [default: the scenario's first]")
@click.option("--fps", type=click.FloatRange(min=0.1, max=50), default=10.0, show_default=True, help="Frames a second.")
@click.option("--frames", type=click.IntRange(min=1), help="How many. [default: 100; for png 1, more make a sheet]")
@click.option("--steps", metavar="A:B", help="Only these steps; one step for a still picture.")
@click.option("--size", default="800x600", show_default=True, metavar="WxH", help="In pixels.")
@click.option("--theme", type=click.Choice(["light", "dark"]), default="light", show_default=True)
def export(
    *,
    paths: tuple[str, ...],
    view: str | None,
    fps: float,
    frames: int | None,
    steps: str | None,
    size: str,
    theme: str,
) -> None:
    r"""Draw runs, or single recordings, to TARGET; its suffix says the format.

    Several are drawn side by side, or overlaid on the same axes.

    \b
    dynviz export runs/voronoi-adamw-l1-1 voronoi.gif
    dynviz export runs/voronoi-adamw-l1-1 last.png --view centers --steps 10000
    """
    if len(paths) < 2:
        raise click.UsageError("name one run or more, then the file to write: dynviz export RUN out.gif")
    between = grammar.step_range(steps) if steps else (None, None)
    pixels = grammar.size(size)
    *runs, target = paths

    from dynviz.cli.progress import ExportProgress
    from dynviz.recording import Recording, Run
    from dynviz.recording import open as open_recording

    recordings: list[Recording] = []
    for path in runs:
        opened = open_recording(path)
        recordings.extend(opened.values() if isinstance(opened, Run) else [opened])
    if not recordings:
        raise DynvizError(f"{runs[0]} holds no recording")

    from dynviz.animation import animate

    progress = ExportProgress(Path(target).name)
    try:
        written = animate(
            recordings,
            target,
            view=view,
            fps=fps,
            frames=frames,
            steps=between,
            size=pixels,
            theme=theme,
            progress=progress,
        )
    finally:
        progress.close()
    click.echo(str(written))
