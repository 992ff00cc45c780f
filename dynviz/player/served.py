"""A player in a process of its own, which a server shows in a browser."""

import os
from collections.abc import Mapping
from typing import Any

from dynviz import settings
from dynviz.process.threads import leave


def show(job: Mapping[str, Any]) -> None:
    """Show recordings until the page or the user ends it.

    Args:
        job: What JSON can hold: `sources`, `view`, `theme`, `step` as `dynviz.player.play` has them, the `ground` of
            the page (`dark` or `light`), and whether the player is `read_only`.

    Raises:
        DynvizError: A source cannot be opened, or the settings are not understood.
    """
    set_by_user = settings.load(settings.location())
    # Read by Textual on import.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    os.environ["TEXTUAL_DRIVER"] = "dynviz.player.terminal.browser:BrowserDriver"
    from dynviz.player.app import Player
    from dynviz.player.opening import root_and_view
    from dynviz.player.words import use_numbers

    sources = tuple(job["sources"])
    root, view = root_and_view(sources, job["view"])
    use_numbers(set_by_user.numbers)
    theme = job["theme"] or set_by_user.theme
    Player(
        () if root is not None else sources,
        root=root,
        view=view,
        theme=job["ground"] if theme == "auto" else theme,
        settings=set_by_user,
        step=job["step"],
        environ=os.environ,
        read_only=job["read_only"],
    ).run()
    leave(0)
