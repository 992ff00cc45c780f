"""The README's commands and programs do what it says."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

import dynviz
from dynviz.cli import commands

README = (Path(__file__).parent.parent / "README.md").read_text()
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
    (rule,) = [program for program in PROGRAMS if "def update" in program]
    Path("sign.py").write_text(rule)
    assert len(COMMANDS) >= 5
    for command in COMMANDS:
        done = CliRunner().invoke(commands, quick(command))
        # Both comparisons in it find a difference.
        assert done.exit_code == command.startswith("dynviz diff"), (command, done.output, done.exception)
    assert {"voronoi.gif", "path.gif"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.slow
def test_the_program_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for program in PROGRAMS:
        if "import dynviz" in program:
            exec(compile(program, "README.md", "exec"), {})
    assert Path("valley.gif").stat().st_size > 10_000
    recording = dynviz.open("valley")["adamw"]
    assert recording["position"].shape == (501, 1, 2)
    assert recording["term.momentum"].shape == (501, 1, 2)
    folders = re.findall(r"^(valley/\S+)", README, re.MULTILINE)
    assert len(folders) == 4
    assert all(Path(path).exists() for path in folders)


def test_every_picture_is_in_the_repository():
    root = Path(__file__).parent.parent
    for path in re.findall(r"!\[.+?\]\((.+?)\)", README):
        assert (root / path).stat().st_size < 1_000_000


ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "gallery/README.md", *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md"))))


@pytest.mark.parametrize("page", PAGES)
def test_numbers_have_their_leading_zero(page):
    text = (Path(__file__).parent.parent / page).read_text()
    assert re.findall(r"(?<![\w.\])])\.\d+", text) == []


def test_every_extra_is_named_and_no_other():
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
    table = re.findall(r"^\| `(\w+)` \| .*", README.split("## A tour")[0], re.MULTILINE)
    assert set(table) == project["optional-dependencies"].keys() - {"dev"}
