"""The player: recordings in the terminal, live or replayed."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dynviz.process.background import BackgroundRun

RUNS = "runs"
"""The default folder of runs to list."""


def play(
    sources: Sequence[str],
    *,
    view: str | None = None,
    theme: str = "dark",
    trainer: "BackgroundRun | None" = None,
    step: int | None = None,
) -> int:
    """Show recordings in the terminal until the user quits.

    Args:
        sources: Runs and recordings, `FOLDER` or `FOLDER@LANES`; none, or a folder of runs, shows a list.
        view: The initial view; by default the one the scenario suggests, and for a sweep its map.
        theme: `dark` or `light`.
        trainer: A run in the background, whose recordings are shown as they grow.
        step: The initial step, at which the player is paused.

    Returns:
        The exit status: the trainer's if it failed, else 0.

    Raises:
        DynvizError: A source cannot be opened.
    """
    # Read by Textual on import. The player's own clock sets the pace; this only must not be slower.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    from dynviz.cells.encode import detect
    from dynviz.player.app import Player
    from dynviz.player.runs import holds_runs
    from dynviz.player.terminal.guard import guarded
    from dynviz.recording.run import is_sweep

    # Where Textual writes.
    terminal = sys.__stderr__ or sys.stderr
    root = None
    if not sources and trainer is None:
        root = Path(RUNS)
    elif len(sources) == 1 and holds_runs(Path(sources[0])):
        root = Path(sources[0])
    if view is None and len(sources) == 1 and is_sweep(sources[0]):
        view = "map"
    app = Player(
        () if root is not None else tuple(sources),
        root=root,
        view=view,
        theme=theme,
        trainer=trainer,
        step=step,
        depth=detect(os.environ, terminal),
        environ=os.environ,
    )
    with guarded(terminal.fileno()):
        status = app.run()
    # Without a status, the player did not exit as the user intended.
    return status if status is not None else app.return_code or 1
