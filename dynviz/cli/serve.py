"""`dynviz serve`: the player in a browser."""

import asyncio
from pathlib import Path

import click

from dynviz import plugins
from dynviz.cli import options
from dynviz.cli.play import check_runs
from dynviz.cli.say import say
from dynviz.errors import DynvizError

MINUTE = 60.0


@click.command(short_help="Show runs in a browser.")
@click.argument("runs", nargs=-1, metavar="[RUN...]")
@options.shown("--port", click.IntRange(0, 65535), 8000, "Port to listen on; 0 takes any that is free.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. The default is reached from this machine alone; 0.0.0.0 is reached from everywhere.",
)
@click.option(
    "--control",
    is_flag=True,
    help="Let the browser do what the player in a terminal does: train, export, write notes, rename and delete runs.",
)
@options.shown("--sessions", click.IntRange(1, 1000), 8, "Players that may be open at the same time.")
@options.shown("--idle", click.FloatRange(0.01, 10**5), 30.0, "Minutes without a key after which a player is closed.")
@click.option("--view", help="View to open with. [default: the scenario's first]")
@click.option(
    "--theme", type=options.THEME, help="Colours of the player. [default: as set; else those that the browser prefers]"
)
def serve(
    *,
    runs: tuple[str, ...],
    port: int,
    host: str,
    control: bool,
    sessions: int,
    idle: float,
    view: str | None,
    theme: str | None,
) -> None:
    """Show runs in a browser, with the same player as in a terminal; runs that are still training are followed live.

    The address that is printed holds a random token, and nobody gets in without it. Each page has a player of its own,
    which ends with the page; training goes on without it. The page is read only unless --control is given. Without a
    RUN, or with a folder that holds several, choose from a list.

    The connection is not encrypted; from another machine, go through `ssh -L 8000:localhost:8000 HOST`.

    \b
    dynviz serve runs
    dynviz serve runs/voronoi-adamw-1 --port 0
    """  # noqa: D301
    if view:
        plugins.check("views", view)
    check_runs(runs)
    try:
        from dynviz.serving.gate import Gate
        from dynviz.serving.server import PlayerServer, Terms
        from dynviz.serving.server import serve as serve_players
    except ModuleNotFoundError as error:
        raise DynvizError(f"{error.name} is missing; install it with: pip install 'dynviz[serve]'") from error
    gate = Gate.with_new_token(host)
    if gate.open:
        say("everyone who reaches this machine and knows the address can watch; the connection is not encrypted")
    theme = str(Path(theme).absolute()) if theme is not None and theme.endswith(".toml") else theme
    job = {"sources": runs, "view": view, "theme": theme, "step": None, "read_only": not control}
    server = PlayerServer(gate, Terms(job, sessions, idle * MINUTE))

    def began(address: str) -> None:
        say(address, err=False)
        say("open this address in a browser; ctrl-c ends the server")

    asyncio.run(serve_players(server, port, began))
