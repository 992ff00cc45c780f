"""The gallery's pictures carry the commands that made them."""

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from dynviz.cli import commands
from dynviz.plugins import grammar
from dynviz.plugins.spec import parse
from dynviz.remaking.found import find
from dynviz.tapes.outputs import KEY
from dynviz.tapes.reading import read

ROOT = Path(__file__).parent.parent
COMMANDS = [line for line in (ROOT / "gallery" / "README.md").read_text().splitlines() if line.startswith("dynviz ")]
TAPES = [command for command in COMMANDS if command.startswith("dynviz tape ")]
EXPORTS = [command for command in COMMANDS if command.startswith("dynviz export ")]


def asked(command):
    """The arguments that the command line reads from a command."""
    name, *arguments = shlex.split(command)[1:]
    return commands.commands[name].make_context(name, arguments).params


TRAINED = {
    Path(given["out"]).name: given
    for given in (asked(command) for command in COMMANDS if command.split()[1] in ("run", "sweep"))
}
TRAINED |= {
    Path(given["out"]).name: TRAINED[Path(given["source"]).name]
    for given in (asked(command) for command in COMMANDS if command.split()[1] == "fork")
}


@pytest.mark.parametrize("command", EXPORTS, ids=lambda command: re.search(r"gallery/(\S+)", command)[1])
def test_a_picture_carries_the_recipe_of_its_command(command):
    given = asked(command)
    *runs, target = map(Path, given["paths"])
    recipe = find(ROOT / target)
    picture = recipe.picture
    assert picture.suffix == target.suffix
    assert picture.view == given["view"] or not given["view"]
    assert picture.steps == (grammar.step_range(given["steps"]) if given["steps"] else None)
    assert picture.size == grammar.size(given["size"])
    assert dict(picture.labels) == dict(label.split("=", 1) for label in given["labels"])
    alike = ("panel", "story", "fps", "frames", "theme", "hold", "pace", "title", "caption", "publication", "exporter")
    assert {name: getattr(picture, name) for name in alike} == {name: given[name] for name in alike}
    options = {name: given[name] for name in ("quality", "background", "loop", "font") if given[name] is not None}
    assert picture.options == options
    # What was measured around parameters is measured again.
    measures = (picture.view or "").partition(":")[0] in ("landscape", "line", "sharpness")
    assert all(bool(recorded.measured) == measures for recorded in recipe.recordings)
    trained = [recorded for run in runs for recorded in recordings(run)]
    if not any("each" in recorded for recorded in trained):
        assert [named(recorded) for recorded in recipe.recordings] == trained
    # Sweeps have many runs, whose scenario is the same but for its options.
    scenarios = {parse(TRAINED[run.parts[1]]["scenario"]).name for run in runs}
    assert {recorded.metadata.scenario.name for recorded in recipe.recordings} == scenarios


@pytest.mark.parametrize("command", TAPES)
def test_a_recording_of_the_terminal_carries_its_tape(command):
    tape = read(ROOT / asked(command)["tape"])
    (run,) = (TRAINED[Path(source).name] for source in tape.sources)
    for output in tape.outputs:
        with Image.open(ROOT / output) as picture:
            made_by, _, text = picture.info["comment"].decode().partition(f"\n{KEY}\n")
        assert text == tape.text
        assert f"\nscenario {run['scenario']}" in made_by
        assert re.findall(r"^optimizer ([\w-]+)", made_by, re.MULTILINE) == list(run["optimizers"])


def recordings(run):
    """What the run of a path like `runs/centers` or `runs/centers/adamw` holds, by its command."""
    given = TRAINED[run.parts[1]]
    if "jobs" in given:
        return ["each"]
    rules = [parse(optimizer).title for optimizer in given["optimizers"]]
    chosen = [rule for rule in rules if rule == run.name] if len(run.parts) > 2 else rules
    return [(run.parts[1], rule, grammar.seeds(given["seeds"]), given["steps"]) for rule in chosen]


def named(recorded):
    """The same of a recording in a recipe."""
    metadata = recorded.metadata
    steps = TRAINED[recorded.folder]["steps"] and metadata.steps
    return recorded.folder, metadata.optimizer.title, tuple(lane.seed for lane in metadata.lanes), steps
