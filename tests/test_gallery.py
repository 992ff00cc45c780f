"""The gallery's commands make the gallery's pictures."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from dynviz.cli import commands

GALLERY = Path(__file__).parent.parent / "gallery"
TEXT = (GALLERY / "README.md").read_text()
COMMANDS = [line for line in TEXT.splitlines() if line.startswith("dynviz ")]
PICTURES = sorted(set(re.findall(r"!\[.*?\]\((.+?)\)", TEXT)))


def quick(command):
    """The arguments of a command, cut to a few steps, frames and points."""
    name, *arguments = shlex.split(command)[1:]
    if name in ("run", "sweep"):
        # At each of the few steps: a plane through a way takes three places.
        arguments = [re.sub(r"^parameters(:.*)?$", "parameters:every=1", each) for each in arguments]
        return [name, *(_without(arguments, "--steps")), "--steps", "4"]
    if name == "project":
        return [name, *(_without(arguments, "--grid")), "--grid", "3"]
    if name == "sharpness":
        return [name, *arguments, "--samples", "1", "--ways", "2", "--radii", "3"]
    if "--steps" in arguments:
        place = arguments.index("--steps") + 1
        arguments[place] = "0:4" if ":" in arguments[place] else str(min(int(arguments[place]), 4))
    for option, value in (("--frames", "3"), ("--at", "4")):
        if option in arguments:
            arguments[arguments.index(option) + 1] = value
    return [name, *arguments]


def _without(arguments, option):
    if option not in arguments:
        return arguments
    place = arguments.index(option)
    return [*arguments[:place], *arguments[place + 2 :]]


@pytest.mark.slow
def test_the_commands_make_the_pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gallery").mkdir()
    for command in COMMANDS:
        arguments, _, file = command.partition(" > ")
        done = CliRunner().invoke(commands, quick(arguments))
        assert done.exit_code == 0, (command, done.output, done.exception)
        if file:
            Path(file).write_text(done.stdout)
    assert sorted(path.name for path in (tmp_path / "gallery").iterdir()) == PICTURES


def test_the_pictures_are_there_and_small():
    sizes = {path.name: path.stat().st_size for path in GALLERY.iterdir() if path.suffix != ".md"}
    assert sorted(sizes) == PICTURES
    assert max(sizes.values()) <= 1_000_000, sizes
    assert sum(sizes.values()) <= 12_000_000


@pytest.mark.parametrize("name", [name for name in PICTURES if name.endswith(".gif")])
def test_a_picture_says_what_made_it(name):
    with Image.open(GALLERY / name) as picture:
        comment = picture.info["comment"].decode()
    assert "seed" in comment
    assert "torch" in comment
