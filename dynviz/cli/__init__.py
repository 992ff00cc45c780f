"""The command line."""

import sys

import click

from dynviz import __version__
from dynviz.cli.bench import bench
from dynviz.cli.compare import compare
from dynviz.cli.export import export
from dynviz.cli.listing import listing
from dynviz.cli.new import new
from dynviz.cli.play import play
from dynviz.cli.project import project
from dynviz.cli.run import run
from dynviz.cli.sharpness import sharpness
from dynviz.cli.show import show
from dynviz.cli.sweep import sweep
from dynviz.errors import DynvizError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="dynviz")
def commands() -> None:
    """See what an optimizer does: train small tasks, record every step, draw the animations."""


for command in (run, play, show, export, compare, sweep, project, sharpness, listing, new, bench):
    commands.add_command(command)


def main() -> None:
    """Run the command line; an error that the user can mend is one line on stderr and exit 1."""
    try:
        commands()
    except DynvizError as error:
        click.echo(f"dynviz: {' '.join(str(error).splitlines())}", err=True)
        sys.exit(1)
