"""Steps that are compiled: what they agree with, and what is refused."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

import dynviz
from dynviz.errors import DynvizError
from dynviz.recording import changes
from dynviz.training import block_functions, session
from dynviz.training.forking import fork
from tests.test_blocks import BOWL, Asks, same

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="there is no compiler for C++"),
]


class Heard(session.SilentProgress):
    """What is said before training."""

    def __init__(self):
        self.words = []

    def does(self, words):
        self.words.append(words)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two rules with two lanes each, compiled."""
    heard = Heard()
    options = {"seeds": "0:2", "steps": 97, "record": ["term.*:every=2", "gradient:every=5"]}
    folder = tmp_path_factory.mktemp("compiled")
    run = dynviz.run(BOWL, ["adamw", "sgd:momentum=0.9"], compile=True, out=folder / "run", progress=heard, **options)
    return run, options, heard.words


def test_compiled_steps_are_those_of_the_rule_but_for_rounding(whole, tmp_path):
    run, options, words = whole
    plain = dynviz.run(BOWL, ["adamw", "sgd:momentum=0.9"], out=tmp_path / "plain", **options)
    assert words == ["compiling the steps (kept for the next run)"] * 2
    for name, recording in plain.items():
        assert (recording.metadata.compiled, run[name].metadata.compiled) == (False, True)
        assert list(recording) == list(run[name])
        for channel in recording:
            np.testing.assert_allclose(run[name][channel], recording[channel], rtol=1e-4, atol=1e-5, err_msg=channel)


def test_compiled_runs_go_on_to_the_same_bytes(whole, tmp_path):
    run, options, _ = whole
    for steps in (5, 40, 53):
        dynviz.run(
            BOWL,
            ["adamw", "sgd:momentum=0.9"],
            compile=True,
            out=tmp_path / str(steps),
            **{**options, "steps": steps},
        )
        heard = Heard()
        same(dynviz.resume(tmp_path / str(steps), steps=97, progress=heard, trust="/"), run)
        assert len(heard.words) == 2


def test_lanes_of_voronoi_are_compiled_with_their_measurements(tmp_path, monkeypatch):
    monkeypatch.setattr(block_functions, "MOST_COMPILED", 4)
    options = {"seeds": "42,1", "steps": 50, "record": ["centers:every=1", "val_loss:every=20", "term.*:every=10"]}
    plain, quick = (
        dynviz.run("voronoi:hidden=8,grid=8", "adamw-l1", compile=each, out=tmp_path / str(each), **options)["adamw-l1"]
        for each in (False, True)
    )
    for channel in plain:
        np.testing.assert_allclose(quick[channel], plain[channel], rtol=2e-3, atol=2e-3, err_msg=channel)


def test_compiled_steps_take_what_hyperparameters_are_changed_to(whole, tmp_path):
    _, options, _ = whole
    options = {**options, "record": ["term.*:every=2", "gradient:every=5", "lr:every=1"]}
    wanted = [changes.Request(action="set", name=name, value=value) for name, value in (("lr", 0.5), ("beta1", 0.5))]
    wanted.append(changes.Request(action="set", name="lr", value=0.01, lane=1))
    live = dynviz.run(BOWL, "adamw", compile=True, out=tmp_path / "live", progress=Asks(*wanted), **options)["adamw"]
    made = live.changes()
    assert [(change.name, change.new, change.lane) for change in made] == [
        ("lr", 0.5, None), ("beta1", 0.5, None), ("lr", 0.01, 1)
    ]  # fmt: skip
    assert all(change.step % 10 == 0 and change.step < 97 for change in made)
    assert live["lr"][-1].tolist() == pytest.approx([0.5, 0.01])
    file = live.folder / "changes.jsonl"
    same({"adamw": live}, dynviz.run(BOWL, "adamw", compile=True, changes=file, out=tmp_path / "again", **options))
    plain = dynviz.run(BOWL, "adamw", changes=file, out=tmp_path / "plain", **options)["adamw"]
    np.testing.assert_allclose(live["x"], plain["x"], rtol=1e-4, atol=1e-5)


def test_compiled_runs_fork_at_the_edge_of_a_block_to_the_same_bytes(whole, tmp_path):
    run, _, _ = whole
    heard = Heard()
    for at, edge in ((53, 50), (60, 60), (96, 90)):
        child = fork(run.folder, at=at, out=tmp_path / str(at), progress=heard, trust="/")
        for label, recording in run.items():
            assert child[label].metadata.origin.step == edge
            for name in recording.channels:
                np.testing.assert_array_equal(child[label][name], recording[name], err_msg=name)
    snapped = [words for words in heard.words if "forked" in words]
    assert snapped[0] == "adamw is forked at step 50: its steps up to 53 were taken in one block"
    assert len(snapped) == 4
    changed = fork(run.folder, at=53, lr=0.5, out=tmp_path / "changed", trust="/")["adamw"]
    moved = (changed["x"] != run["adamw"]["x"]).any(axis=(1, 2))
    assert moved.argmax() == 51


def test_a_fork_does_not_compile_the_steps_of_its_parent_again(whole, tmp_path, monkeypatch):
    run, _, _ = whole
    monkeypatch.setattr(torch, "compile", lambda *_, **__: pytest.fail("the steps are compiled again"))
    same(fork(run.folder, at=60, out=tmp_path / "child", trust="/"), run)


def test_a_class_that_takes_its_steps_itself_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(DynvizError, match=r"the steps of torch\.optim\.NAdam cannot be compiled, because its class"):
        dynviz.run(BOWL, ["adamw", "torch.optim.NAdam"], compile=True, out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_rule_that_looks_at_numbers_is_refused_before_anything_is_written(tmp_path):
    file = tmp_path / "looks.py"
    file.write_text(
        textwrap.dedent('''
            """A rule that is no function of tensors."""

            from dataclasses import dataclass
            from typing import ClassVar


            @dataclass(frozen=True)
            class Looks:
                """Steps one way or the other."""

                lr: float = 0.1
                coordinatewise: ClassVar[bool] = True

                def init(self, theta):
                    return {}

                def update(self, theta, gradient, state, t):
                    return {"gradient": -self.lr * (gradient if gradient.sum().item() > 0 else 2 * gradient)}, state


            optimizer = Looks
        ''')
    )
    with pytest.raises(DynvizError, match=r"the steps of looks cannot be compiled: .*; leave out --compile"):
        dynviz.run(BOWL, str(file), compile=True, out=tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith("__")] == ["looks.py"]


def command(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "dynviz", *map(str, arguments)],
        check=False,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


def test_without_a_compiler_there_is_one_line_and_no_folder(tmp_path):
    done = command(
        "run", BOWL, "-o", "adamw", "--compile", "--headless", "--out", tmp_path / "run", CXX="no-such-thing"
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "dynviz: --compile needs a compiler for C++, and CXX=no-such-thing is no command here; "
        "install one, or leave out --compile\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_run_and_sweep_compile_from_the_command_line(tmp_path):
    done = command("run", BOWL, "-o", "adamw", "--compile", "--headless", "--steps", 30, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("compiling the steps (kept for the next run)\n")
    shown = command("show", tmp_path / "run")
    assert ", compiled" in shown.stdout
    assert "Traceback" not in done.stderr
    sweep = command(
        "sweep", BOWL, "-o", "adamw:lr=[0.1,0.2]", "--steps", 30, "--compile", "--jobs", 1, "--out", tmp_path / "sweep"
    )
    assert sweep.returncode == 0, sweep.stderr
    (told,) = (tmp_path / "sweep").glob("*/adamw/run.json")
    assert json.loads(told.read_text())["compiled"] is True
    assert Path(tmp_path / "sweep" / "outcomes.csv").exists()


@pytest.mark.parametrize(("steps", "seeds", "compiled"), [(40, "0:2", True), (39, "0:2", False), (80, 3, True)])
def test_without_a_word_the_number_of_steps_over_all_lanes_decides(steps, seeds, compiled, tmp_path, monkeypatch):
    monkeypatch.setattr(block_functions, "LONG", 80)
    run = dynviz.run(BOWL, "adamw", seeds=seeds, steps=steps, out=tmp_path / "run")
    assert run["adamw"].metadata.compiled is compiled
    off = dynviz.run(BOWL, "adamw", seeds=seeds, steps=steps, compile="off", out=tmp_path / "off")
    assert off["adamw"].metadata.compiled is False


def test_what_cannot_be_compiled_is_not_where_nobody_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(block_functions, "LONG", 1)
    run = dynviz.run(BOWL, "torch.optim.NAdam", steps=3, out=tmp_path / "class")
    assert run["torch.optim.NAdam"].metadata.compiled is False
    monkeypatch.setenv("CXX", "no-such-thing")
    assert dynviz.run(BOWL, "adamw", steps=3, out=tmp_path / "none")["adamw"].metadata.compiled is False
    with pytest.raises(DynvizError, match="compile='always' is unknown; choose auto, on or off"):
        dynviz.run(BOWL, "adamw", compile="always", out=tmp_path / "always")
