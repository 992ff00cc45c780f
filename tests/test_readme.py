"""The README's commands and programs do what it says."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

import dynviz
from dynviz.cli import commands

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line.split("  #")[0].strip()
    for language, block in BLOCKS
    if not language
    for line in block.splitlines()
    if line.startswith("dynviz ")
]
PROGRAMS = [block for language, block in BLOCKS if language == "python"]


def quick(command):
    """The arguments of a command, a run of voronoi cut to a few steps of a small one."""
    arguments = shlex.split(command)[1:]
    if arguments[0] == "run" and arguments[1].startswith("voronoi"):
        arguments += ["--steps", "12"]
    return arguments[: arguments.index(">")] if ">" in arguments else arguments


@pytest.mark.slow
def test_the_commands_work_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(COMMANDS) >= 5
    for command in COMMANDS:
        done = CliRunner().invoke(commands, quick(command))
        assert done.exit_code == 0, (command, done.output, done.exception)
    assert {"voronoi.gif", "path.gif"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.slow
def test_the_program_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (program,) = PROGRAMS
    exec(compile(program, "README.md", "exec"), {})
    assert Path("valley.gif").stat().st_size > 10_000
    assert dynviz.open("valley")["adamw"]["position"].shape == (501, 1, 2)


def test_it_is_short_and_leads_to_every_page():
    assert len(README.splitlines()) < 300
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} - {"docs/index.md"}
    linked = {path.partition("#")[0] for path in re.findall(r"\]\((docs/[^)]+)\)", README)}
    assert linked == pages


def test_every_picture_is_in_the_repository():
    root = Path(__file__).parent.parent
    for path in re.findall(r"!\[.+?\]\((.+?)\)", README):
        assert (root / path).stat().st_size < 1_000_000


PAGES = ("README.md", "gallery/README.md", *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md"))))


@pytest.mark.parametrize("page", PAGES)
def test_numbers_have_their_leading_zero(page):
    text = (Path(__file__).parent.parent / page).read_text()
    assert re.findall(r"(?<![\w.\])])\.\d+", text) == []


def test_every_extra_is_named_and_no_other():
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
    table = re.findall(r"^\| `(\w+)` \| .*", README.split("## Five minutes")[0], re.MULTILINE)
    assert set(table) == project["optional-dependencies"].keys() - {"dev"}
