"""The programs of docs/loops.md: each is recorded, played and exported, and trains to the same bits without it."""

import contextlib
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import dynviz
from dynviz.animation.export import animate
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.projection.project import Wish, project
from dynviz.recording import projections
from dynviz.recording.checking import check
from dynviz.tapes.still import screen_svg

PAGE = (Path(__file__).parent.parent / "docs/loops.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
PROGRAMS = {match[1]: block for block in BLOCKS if (match := re.search(r'out="(\w+)"', block))}
(LOSS,) = [block for block in BLOCKS if block.startswith("# loss.py")]
STEPS = {"plain": 100, "lbfgs": 20, "lightning": 32, "transformers": 30}
VALUES = {"plain": "val_loss", "lbfgs": "loss", "lightning": "val_loss", "transformers": "grad_norm"}


class Silent(contextlib.AbstractContextManager):
    """What takes the place of a recorder."""

    def __exit__(self, *_error):
        pass

    def __call__(self, *_args, **_values):
        pass

    def close(self, *_arguments):
        pass


def weights(program):
    """Run a program in the working folder, and return the weights that it ends with."""
    torch.set_num_threads(1)
    names = {"__name__": "program"}
    exec(compile(program, "docs/loops.md", "exec"), names)
    return torch.cat([one.detach().flatten() for one in names["model"].parameters()])


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", STEPS)
def test_a_program_is_recorded_played_exported_and_undisturbed(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recorded = weights(PROGRAMS[name])
    monkeypatch.setattr(dynviz, "record", lambda *_args, **_options: Silent())
    assert torch.equal(weights(PROGRAMS[name]), recorded)
    (recording,) = dynviz.open(name).values()
    assert (recording.status, recording.total) == ("finished", STEPS[name])
    assert recording["parameters"][-1, 0].tolist() == recorded.tolist()
    assert np.isfinite(recording["loss"]).all()
    assert len(recording["loss"]) == STEPS[name]
    assert np.isfinite(recording[VALUES[name]][-1]).all()
    assert np.isfinite(recording["gradient"]).all()
    assert not check(recording).problems
    svg = screen_svg([name], view=None, theme="dark", step=5, size=(100, 30))
    assert recording.label in svg
    assert animate([recording], Path("loss.gif"), frames=4, size=(320, 240)).stat().st_size > 2000


def test_every_program_is_tried():
    assert PROGRAMS.keys() == STEPS.keys()
    assert len(BLOCKS) == len(STEPS) + 1


@pytest.mark.parametrize("name", ["lightning", "transformers"])
def test_a_callback_has_at_most_ten_lines(name):
    lines = PROGRAMS[name].splitlines()
    begin = next(place for place, line in enumerate(lines) if line.startswith("class Record("))
    end = next(place for place, line in enumerate(lines[begin + 1 :], begin + 1) if line and not line.startswith(" "))
    assert len("\n".join(lines[begin:end]).strip().splitlines()) <= 10


@pytest.fixture
def plain(tmp_path, monkeypatch):
    """The recording of the plain script, in the working folder."""
    monkeypatch.chdir(tmp_path)
    weights(PROGRAMS["plain"])
    Path("loss.py").write_text(LOSS)
    (recording,) = dynviz.open("plain").values()
    return recording


def test_the_loss_around_a_loop_is_that_of_a_function_of_its_parameters(plain):
    done = CliRunner().invoke(commands, shlex.split("project plain --loss ./loss.py --directions pca --grid 5"))
    assert done.exit_code == 0, done.output
    projection = projections.load(plain.folder, "pca-plane-grid-5")
    # The script's own losses, which were computed along the way.
    (path,) = projection.paths
    at = path.steps[:-1]
    assert np.allclose(path.loss[0, :-1], plain["loss"][at, 0], rtol=1e-5)
    drawn = CliRunner().invoke(commands, ["show", "plain", "--view", "landscape", "--text"])
    assert drawn.exit_code == 0, drawn.output
    done = CliRunner().invoke(commands, shlex.split("sharpness plain --loss ./loss.py --samples 2 --ways 2 --radii 2"))
    assert done.exit_code == 0, done.output
    line = project(plain, Wish(dimensions=1, grid=3, function=lambda parameters: parameters["2.bias"].square()))
    assert np.isclose(line.values[0, 1], plain["parameters"][-1, 0, -1] ** 2)


def test_a_loss_that_cannot_be_evaluated_is_refused_in_one_line(plain):
    net = torch.nn.Linear(400, 300)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with dynviz.record(net, optimizer, out="large"):
        optimizer.step()
    for text, words in {
        "project plain": "add --loss FILE",
        "sharpness plain": "add --loss FILE",
        "project large --loss ./loss.py": "whole=True",
        "project plain --loss ./nothing.py": "there is no file",
        "project plain --loss nothing": "neither an import path",
        "project plain --loss torch.nn.functional.nothing": "no loss function",
        "project plain --loss ./other.py": "does not bind 'loss'",
        "project plain --loss ./many.py": "returns a tensor of shape (2,)",
        "project plain --loss ./loss.py --of val_loss": "no loss to project named 'val_loss'",
    }.items():
        Path("other.py").write_text("losses = 3\n")
        Path("many.py").write_text("def loss(parameters):\n    return next(iter(parameters.values()))[:2, 0]\n")
        done = CliRunner().invoke(commands, shlex.split(text))
        assert isinstance(done.exception, DynvizError), text
        assert words in str(done.exception)
        assert "\n" not in str(done.exception)
