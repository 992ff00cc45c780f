"""The player: recordings in the terminal, live or replayed."""

import gc
import os
import sys
from collections.abc import MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from dynviz import settings
from dynviz.errors import DynvizError

if TYPE_CHECKING:
    from dynviz.graphics.support import GraphicsChoice
    from dynviz.player.app import Player
    from dynviz.process.background import BackgroundRun

LOCAL_ESCAPE = "10"
"""Milliseconds after which an Escape is the key rather than the start of a sequence, whose rest a terminal on the same
machine sends at once; over a network Textual's 100 ms are needed. The user's own ESCDELAY counts before either."""


GARBAGE = 20_000
"""Objects after which Python looks for garbage; with its own 700, every other key that opens a dialog waits for it."""


def play(
    sources: Sequence[str],
    *,
    view: str | None = None,
    theme: str | None = None,
    graphics: "GraphicsChoice | None" = None,
    trainer: "BackgroundRun | None" = None,
    step: int | None = None,
) -> int:
    """Show recordings in the terminal until the user quits.

    Args:
        sources: Runs and recordings, `FOLDER` or `FOLDER@LANES`; none, or a folder of runs, shows a list.
        view: The initial view; by default the one the scenario suggests, and for a sweep its map.
        theme: `dark`, `light` or the path of a theme; by default that of the settings.
        graphics: How pictures are shown; by default as in the settings.
        trainer: A run in the background, whose recordings are shown as they grow.
        step: The initial step, at which the player is paused.

    Returns:
        The exit status: the trainer's if it failed, else 0.

    Raises:
        DynvizError: A source cannot be opened, or the settings are not understood.
    """
    # What is imported stays, so that to look for garbage among it is in vain; it would take a tenth of the start.
    gc.disable()
    set_by_user = settings.load(settings.location())
    look = theme or set_by_user.theme
    # Read by Textual on import. The player's own clock sets the pace; this only must not be slower.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    wait_for_escape(os.environ)
    from dynviz.cells.depth import detect
    from dynviz.player.terminal import colors, query
    from dynviz.player.terminal import graphics as pictures

    # Where Textual writes.
    terminal = sys.__stderr__ or sys.stderr
    depth = detect(os.environ, terminal)
    choice = graphics or set_by_user.graphics if depth != "none" else "cells"
    asked, beyond = pictures.questions(choice, os.environ)
    # Behind tmux, which answers for itself, only pictures are asked for.
    known = b"" if beyond is not None else colors.questions(depth, os.environ, ground=look == "auto")
    sent = query.send(known + asked, os.environ, terminal.fileno(), beyond)
    try:
        # The answer comes while the rest is imported.
        from dynviz.player.app import Player
        from dynviz.player.opening import root_and_view
        from dynviz.player.terminal.guard import guarded
        from dynviz.player.words import use_numbers
    finally:
        gc.freeze()
        gc.set_threshold(GARBAGE)
        gc.enable()
        answers = sent.read() if sent is not None else b""
    depth = colors.depth_in(answers, depth)
    ground = colors.ground_in(answers) or colors.ground_of(os.environ)

    root, view = root_and_view(sources, view) if sources or trainer is None else (None, view)
    use_numbers(set_by_user.numbers)
    look = ground if look == "auto" else look
    support = pictures.support_in(answers, choice, os.environ, pictures.TerminalSize.of(terminal.fileno()))
    with guarded(terminal.fileno(), pictures.removal(support)) as guard:
        app = Player(
            () if root is not None else tuple(sources),
            root=root,
            view=view,
            theme=look,
            settings=set_by_user,
            trainer=trainer,
            step=step,
            depth=depth,
            environ=os.environ,
            trains=guard.trains,
            graphics=support,
        )
        status = app.run()
    remember(set_by_user, look, app)
    # Without a status, the player did not exit as the user intended.
    return status if status is not None else app.return_code or 1


def wait_for_escape(environ: MutableMapping[str, str]) -> None:
    """Have Textual wait for the rest of a sequence only as long as it may take; what the user has set is left.

    >>> local, remote, own = {}, {"SSH_TTY": "/dev/pts/1"}, {"ESCDELAY": "300"}
    >>> for environ in (local, remote, own):
    ...     wait_for_escape(environ)
    >>> local, remote, own
    ({'ESCDELAY': '10'}, {'SSH_TTY': '/dev/pts/1'}, {'ESCDELAY': '300'})
    """
    if not (environ.get("SSH_CONNECTION") or environ.get("SSH_TTY")):
        environ.setdefault("ESCDELAY", LOCAL_ESCAPE)


def remember(before: settings.UserSettings, look: str, app: "Player") -> None:
    """Keep the theme and the speed that the user left the player with.

    Args:
        before: The settings.
        look: The theme at the start.
        app: The player that has ended.
    """
    changed: dict[str, Any] = {"theme": app.theme} if app.theme != look else {}
    changed |= {"speed": app.speed} if app.speed != before.speed else {}
    if changed and before.remember:
        try:
            settings.save(settings.location(), changed)
        except DynvizError as error:
            # What was to be seen was seen: a home that is read-only is no failure.
            sys.stderr.write(f"theme and speed are not remembered: {error}\n")
