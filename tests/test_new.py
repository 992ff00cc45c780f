"""`dynviz new`: the file that it writes runs as it is."""

import shlex
import subprocess
import sys

import pytest
from click.testing import CliRunner

import dynviz
from dynviz import plugins
from dynviz.cli import commands
from dynviz.errors import DynvizError


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def new(*arguments):
    return CliRunner().invoke(commands, ["new", *arguments])


def test_a_new_optimizer_runs_and_descends(tmp_path):
    assert new("optimizer", "heavy_ball").stdout == "heavy_ball.py\n"
    assert "class HeavyBall" in (tmp_path / "heavy_ball.py").read_text()
    run = dynviz.run("surface:f=quadratic", "./heavy_ball.py", steps=200, record="term.*", out="run")
    recording = run["heavy-ball"]
    assert recording["loss"][-1, 0] < 0.05 * recording["loss"][0, 0]
    assert "term.momentum" in recording


def test_a_new_scenario_runs_and_finds_its_line(tmp_path):
    assert new("scenario", "mine.py").exit_code == 0
    recording = dynviz.run("./mine.py", "adam", seeds="0:3", out="run")["adam"]
    assert abs(recording["line"][-1] - [2, -1]).max() < 0.15
    recording.animate("curves.gif", frames=3, size=(400, 300))


def test_the_command_that_it_names_works():
    said = new("optimizer", "mine").stderr
    words = said.split("dynviz ", 1)[1].split()
    done = subprocess.run([sys.executable, "-m", "dynviz", *words, "--steps", "5"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_new_scenario_with_a_module_runs_and_learns():
    assert new("scenario", "spirals", "--module").exit_code == 0
    recording = dynviz.run("./spirals.py", "adam", seeds="0:2", steps=300, out="run")["adam"]
    assert recording["accuracy"][-1].min() > 0.85 > recording["accuracy"][0].max()


@pytest.mark.parametrize("name", ["task", "batch", "none", "tensor", "POINTS", "exception", "scenario", "class"])
def test_a_scenario_of_any_name_is_built(tmp_path, name):
    assert new("scenario", name).exit_code == 0
    assert plugins.load("scenarios", f"./{name}.py").make().build(0).steps == 500


@pytest.mark.parametrize("name", ["state", "terms", "true", "Tensor", "dataclass", "mine_", "NAME"])
def test_an_optimizer_of_any_name_can_be_made(tmp_path, name):
    assert new("optimizer", name).exit_code == 0
    assert plugins.load("optimizers", f"./{name}.py").make().lr == 1e-3


@pytest.mark.parametrize("kind", ["optimizer", "scenario"])
def test_nothing_is_overwritten(tmp_path, kind):
    (tmp_path / "mine.py").write_text("precious")
    with pytest.raises(DynvizError, match="exists already"):
        CliRunner().invoke(commands, ["new", kind, "mine"], catch_exceptions=False)
    assert (tmp_path / "mine.py").read_text() == "precious"


@pytest.mark.parametrize("name", ["dynviz", "torch", "types"])
def test_no_module_is_hidden(tmp_path, name):
    with pytest.raises(DynvizError, match=f"would hide Python's module {name}"):
        CliRunner().invoke(commands, ["new", "optimizer", name], catch_exceptions=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["1st", "a b", "no/such/folder/mine", "", ".py"])
def test_what_is_no_name_is_refused(tmp_path, name):
    result = new("optimizer", name)
    assert isinstance(result.exception, DynvizError | SystemExit)
    assert not list(tmp_path.iterdir())


def test_a_file_that_does_not_fit_is_not_left_half_written(tmp_path):
    command = f"ulimit -f 0; exec {shlex.quote(sys.executable)} -m dynviz new optimizer mine"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "dynviz: cannot write mine.py: File too large\n")
    assert list(tmp_path.iterdir()) == []
