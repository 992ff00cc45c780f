"""The documentation is built without a warning, and its commands do what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import dynviz
from dynviz import plugins
from dynviz.cli import commands
from tests.test_readme import quick

ROOT = Path(__file__).parent.parent
pytest_plugins = ["pytester"]
PAGES = (
    "index",
    "inventors",
    "teachers",
    "authors",
    "maintainers",
    "player",
    "tasks",
    "optimizers",
    "training",
    "comparing",
    "sweeps",
    "python",
)


def blocks(page, language=""):
    text = (ROOT / "docs" / f"{page}.md").read_text()
    return [block for own, block in re.findall(r"```(\w*)\n(.*?)```", text, re.DOTALL) if own == language]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_work_one_after_the_other(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # The rule that the page shows is the file that its commands name.
    for rule in (block for block in blocks(page, "python") if "def update" in block):
        Path("sign.py").write_text(rule)
    lines = [line for block in blocks(page) for line in block.splitlines() if line.startswith("dynviz ")]
    assert lines
    for line in lines:
        arguments = quick(line)
        done = CliRunner().invoke(commands, arguments)
        # Rules that differ by a convention, or in the last digit, are found to differ.
        expected = (0, 1) if arguments[0] == "diff" else (0,)
        assert done.exit_code in expected, (line, done.output, done.exception)
    drawn = [
        word for line in lines if " export " in line for word in line.split() if re.search(r"\.(gif|png|pdf)$", word)
    ]
    assert all((tmp_path / file).stat().st_size > 1000 for file in drawn)


@pytest.mark.slow
def test_the_programs_of_the_page_about_python_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for program in blocks("python", "python"):
        exec(compile(program, "python.md", "exec"), {})
    recording = dynviz.open("valley")["adamw"]
    assert recording["position"].shape == (501, 1, 2)
    assert recording["term.momentum"].shape == (501, 1, 2)
    folders = re.findall(r"^(valley/\S+)", (ROOT / "docs/python.md").read_text(), re.MULTILINE)
    assert len(folders) == 4
    assert all(Path(path).exists() for path in folders)


@pytest.mark.slow
def test_the_program_for_maintainers_is_a_test_that_passes(pytester, monkeypatch):
    # Where it is set, nothing is written.
    monkeypatch.delenv("CI", raising=False)
    (program,) = blocks("maintainers", "python")
    pytester.makepyfile(program)
    for _ in ("it writes its golden", "it compares with it"):
        pytester.runpytest_subprocess("-q", "-p", "no:randomly").assert_outcomes(passed=1)


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_has_every_plug_in(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--config-file", ".mkdocs.yml", "--site-dir", tmp_path / "site"]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    for plural in plugins.KINDS:
        page = (tmp_path / "site" / "reference" / f"{plural}.html").read_text()
        assert set(re.findall(r'<h2 id="([\w-]+)"', page)) == set(plugins.files(plural))
        assert not re.search(r"\\[*_<>]", page)
    # Whoever reads it needs no network.
    for page in (tmp_path / "site").rglob("*.html"):
        assert not re.search(
            r'<(?:script|img|iframe)[^>]*src="https?:|<link[^>]*rel="stylesheet"[^>]*href="https?:', page.read_text()
        )
