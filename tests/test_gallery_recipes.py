"""The gallery's pictures carry the commands that made them."""

import importlib.util
import json
import re
import shlex
from pathlib import Path

import pytest

from dynviz.cli import commands, options, repeating
from dynviz.plugins import grammar
from dynviz.plugins.spec import parse
from dynviz.remaking.found import find
from dynviz.reporting.claim_recipe import claims_of
from dynviz.reporting.reading import only, read_claims
from dynviz.tapes.reading import parse as parse_tape
from dynviz.tapes.reading import read

ROOT = Path(__file__).parent.parent
COMMANDS = [line for line in (ROOT / "gallery" / "README.md").read_text().splitlines() if line.startswith("dynviz ")]
TAPES = [command for command in COMMANDS if command.startswith("dynviz tape ")]
STILLS = [command for command in COMMANDS if command.startswith("dynviz play ")]
DRAWING = [command for command in COMMANDS if "--picture" in command]
REPORTS = [command for command in COMMANDS if command.startswith("dynviz report ")]
EXPORTS = [command for command in COMMANDS if command.startswith("dynviz export ")]
CHECK_SPEC = importlib.util.spec_from_file_location("check", ROOT / "gallery" / "check.py")
CHECK = importlib.util.module_from_spec(CHECK_SPEC)
CHECK_SPEC.loader.exec_module(CHECK)


def asked(command):
    """The arguments that the command line reads from a command."""
    name, *arguments = shlex.split(command)[1:]
    return commands.get_command(None, name).make_context(name, arguments).params


TRAINED = {
    Path(given["out"]).name: given
    for given in (asked(command) for command in COMMANDS if command.split()[1] in ("run", "sweep"))
}
TRAINED |= {
    # Which recordings a comparison makes, it finds out itself.
    Path(given["out"]).name: {"scenario": given["scenarios"][0], "jobs": None}
    for given in (asked(command) for command in COMMANDS if command.split()[1] == "compare")
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
    scenarios = {parse(trained_by(run)["scenario"]).name for run in runs}
    assert {recorded.metadata.scenario.name for recorded in recipe.recordings} == scenarios


def test_every_picture_says_how_it_is_made():
    pictures = CHECK.pictures()
    assert len(pictures) > 300
    for picture in pictures:
        find(picture)
    names = {path.name for path in (ROOT / "gallery").rglob("*")}
    assert names >= CHECK.LEFT_OUT


@pytest.mark.parametrize("command", REPORTS)
def test_a_picture_of_a_report_carries_its_claim(command):
    given = asked(command)
    whole, folder = read_claims(ROOT / given["file"]), ROOT / given["out"]
    drawn = {claim["id"]: claim for claim in json.loads((folder / "report.json").read_text())["claims"]}
    assert {file.stem for file in folder.glob("*.svg")} <= set(drawn)
    for file in folder.glob("*.svg"):
        recipe = find(file)
        assert claims_of(recipe).claims == only(whole, (file.stem,)).claims
        assert (recipe.verdict, recipe.seeds) == (drawn[file.stem]["verdict"], given["seeds"])
        assert recipe.values == tuple(map(float, drawn[file.stem]["values"]))


@pytest.mark.parametrize("command", TAPES)
def test_a_recording_of_the_terminal_carries_its_tape(command):
    tape = read(ROOT / asked(command)["tape"])
    for output in tape.outputs:
        recipe = find(ROOT / output)
        assert recipe.picture.text == tape.text
        assert played(recipe) == [recorded for source in tape.sources for recorded in recordings(Path(source))]


@pytest.mark.parametrize("command", STILLS)
def test_a_screen_carries_a_tape_that_shows_it(command):
    words, _, target = command.partition(" > ")
    given, recipe = asked(words), find(ROOT / target)
    tape = parse_tape(recipe.picture.text, target)
    assert (tape.settings.view, tape.settings.step) == (given["view"], given["at"])
    assert played(recipe) == [recorded for run in given["runs"] for recorded in recordings(Path(run))]


@pytest.mark.parametrize("command", DRAWING, ids=lambda command: re.search(r"gallery/(\S+)", command)[1])
def test_a_picture_of_results_carries_its_command(command):
    given = asked(command)
    recipe = find(ROOT / given["picture"])
    name = command.split()[1]
    if name == "compare":
        # What is drawn are the recordings of the comparison.
        assert {one.metadata.scenario.name for one in recipe.recordings} == {parse(given["scenarios"][0]).name}
        return
    command_context = commands.get_command(None, name).make_context(name, shlex.split(command)[2:])
    carried = commands.get_command(None, name).make_context(name, list(recipe.arguments)).params
    written = options.written(command_context) & repeating.REPEATED[name]
    assert recipe.command == name
    assert {key: read_alike(carried[key]) for key in written} == {key: read_alike(given[key]) for key in written}


def read_alike(value):
    """Seeds are written as a range or as a list."""
    return grammar.seeds(value) if isinstance(value, str) and re.fullmatch(r"[\d,]+|\d+:\d+", value) else value


def played(recipe):
    """What a recording of the terminal shows, by the names of `recordings`."""
    return [named(recorded) for recorded in recipe.recordings]


def recordings(run):
    """What the run of a path like `runs/centers` or `runs/centers/adamw` holds, by its command."""
    given = trained_by(run)
    if "jobs" in given:
        return ["each"]
    rules = [parse(optimizer).title for optimizer in given["optimizers"]]
    chosen = [rule for rule in rules if rule == run.name] if len(run.parts) > 2 else rules
    # After an @ stand the lanes that are shown; all of them are trained.
    folder = run.parts[1].partition("@")[0]
    return [(folder, rule, grammar.seeds(given["seeds"]), given["steps"]) for rule in chosen]


def trained_by(run):
    """The command that trained the run of a path."""
    return TRAINED[run.parts[1].partition("@")[0]]


def named(recorded):
    """The same of a recording in a recipe."""
    metadata = recorded.metadata
    steps = TRAINED[recorded.folder]["steps"] and metadata.steps
    return recorded.folder, metadata.optimizer.title, tuple(lane.seed for lane in metadata.lanes), steps
