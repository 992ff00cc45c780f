"""Forks: the parent's bytes where nothing is changed, and the right ones where something is."""

import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner

import dynviz
from dynviz import plugins
from dynviz.charts.forks import own_from
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.scene.marks import Line
from dynviz.training.forking import fork

RULES = sorted(plugins.files("optimizers"))
STEPS = 40
WELL = "surface:f=booth,grid=8,noise=0.1"


def same(child, parent):
    """That a recording has another one's samples, byte for byte."""
    assert set(child.channels) == set(parent.channels)
    for name in parent.channels:
        np.testing.assert_array_equal(child[name], parent[name], err_msg=name)
        assert child[name].tobytes() == parent[name].tobytes(), name


@pytest.mark.parametrize("rule", RULES)
def test_a_fork_with_nothing_changed_is_its_parent(rule, tmp_path):
    rng = np.random.default_rng(len(rule))
    parent = dynviz.run(WELL, rule, seeds="0:2", steps=STEPS, record=["term.*", "gradient"], out=tmp_path / "parent")
    at = int(rng.integers(1, STEPS))
    child = fork(parent.folder, at=at, out=tmp_path / "child")
    for label, recording in parent.items():
        same(child[label], recording)
        assert child[label].metadata.origin.step == at
        assert set(child[label].metadata.origin.state.values()) <= {"kept"}


@pytest.mark.parametrize(
    ("scenario", "rule"),
    [
        ("voronoi:hidden=12,grid=8", "adamw+averaged-l1"),
        ("matrix-sensing:d=8", "sgd:momentum=0.9,lr=cosine(1e-6)"),
        ("landscape:model=cnn,data=shapes", "sgd+sam"),
        ("surface:f=booth,grid=8", "torch.optim.NAdam"),
        ("surface:f=booth,grid=8", "zoo.ScheduleFreeAdamW"),
        ("matrix-recovery:M=6", "shampoo"),
    ],
)
def test_modifiers_schedules_buffers_and_classes_fork_exactly(scenario, rule, tmp_path):
    parent = dynviz.run(scenario, rule, seeds=3, steps=12, out=tmp_path / "parent")
    child = fork(parent.folder, at=7, out=tmp_path / "child")
    (recording,) = parent.values()
    (forked,) = child.values()
    same(forked, recording)


@pytest.mark.parametrize("rule", ["adam", "torch.optim.Adam"])
def test_a_changed_rate_shows_first_in_the_step_after(rule, tmp_path):
    parent = dynviz.run(WELL, f"{rule}:lr=0.01", steps=STEPS, out=tmp_path / "parent")
    child = parent.fork(at=20, lr=0.1, out=tmp_path / "child")
    (before,), (after,) = parent.values(), child.values()
    moved = (before["position"] != after["position"]).any(axis=(1, 2))
    assert not moved[:21].any()
    assert moved[21:].all()
    straight = np.abs(np.diff(before["position"], axis=0))[20:].mean()
    assert np.abs(np.diff(after["position"], axis=0))[20:].mean() > 3 * straight
    assert after.metadata.hyperparameters["lr"].value == 0.1
    assert after.metadata.origin.changes == {"lr": "0.1"}


def test_a_killed_fork_goes_on_to_the_same_bytes(tmp_path):
    parent = dynviz.run(WELL, "adam", steps=STEPS, out=tmp_path / "parent")
    whole = fork(parent.folder, at=13, lr=0.1, out=tmp_path / "whole")["adam"]
    short = fork(parent.folder, at=13, lr=0.1, steps=17, out=tmp_path / "short")
    longer = dynviz.resume(short.folder, steps=STEPS)["adam"]
    same(longer, whole)


def test_a_grid_of_futures_is_lanes_with_a_common_past(tmp_path):
    parent = dynviz.run(WELL, "adam", seeds="0:2", steps=STEPS, out=tmp_path / "parent")["adam"]
    child = fork(tmp_path / "parent", at=20, lr="log(1e-3,1e-1,3)", out=tmp_path / "child")["adam"]
    assert [(lane.seed, lane.hyperparameters["lr"]) for lane in child.metadata.lanes] == [
        (seed, rate) for rate in (1e-3, 1e-2, 1e-1) for seed in (0, 1)
    ]
    assert child.metadata.origin.lanes == (0, 1, 0, 1, 0, 1)
    for lane, origin in enumerate(child.metadata.origin.lanes):
        np.testing.assert_array_equal(child["position"][:21, lane], parent["position"][:21, origin])
    assert len({child["loss"][-1, lane].tobytes() for lane in range(6)}) == 6


def test_lanes_are_forked_alone(tmp_path):
    parent = dynviz.run(WELL, "adam", seeds="0:4", steps=STEPS, out=tmp_path / "parent")["adam"]
    child = fork(f"{tmp_path / 'parent' / 'adam'}@2", at=20, out=tmp_path / "child")["adam"]
    assert child.seeds == (2,)
    np.testing.assert_allclose(child["position"][:, 0], parent["position"][:, 2], rtol=1e-12)


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("adam", "adamw", {"m": "kept", "v": "kept"}),
        ("sgd:momentum=0.9", "adam", {"m": "new", "v": "new"}),
        ("adam", "torch.optim.Adam", {"all": "new"}),
    ],
)
def test_another_rule_keeps_what_it_can(before, after, kept, tmp_path):
    dynviz.run(WELL, before, steps=STEPS, out=tmp_path / "parent")
    (child,) = fork(tmp_path / "parent", at=20, optimizer=after, out=tmp_path / "child").values()
    assert child.metadata.origin.state == kept
    assert child.metadata.optimizer.name == after
    assert np.isfinite(child["loss"]).all()


def test_a_reset_state_is_new(tmp_path):
    dynviz.run(WELL, "adam", steps=STEPS, out=tmp_path / "parent")
    child = fork(tmp_path / "parent", at=20, state="reset", out=tmp_path / "child")["adam"]
    assert set(child.metadata.origin.state.values()) == {"new"}


def test_a_parent_that_is_not_what_it_was_is_refused(tmp_path):
    parent = dynviz.run(WELL, "adam", steps=STEPS, record="parameters:every=1", out=tmp_path / "parent")["adam"]
    samples = np.lib.format.open_memmap(parent.folder / "channels" / "position.npy", mode="r+")
    samples[18] += 1e-3
    samples.flush()
    with pytest.raises(DynvizError, match=r"position differs at step 18, by up to 0\.001"):
        fork(tmp_path / "parent", at=19, out=tmp_path / "child")
    assert not (tmp_path / "child").exists()
    child = fork(tmp_path / "parent", at=19, inexact=True, out=tmp_path / "child")["adam"]
    assert "position differs at step 18" in child.metadata.origin.inexact


@pytest.mark.parametrize(
    ("at", "options", "words"),
    [
        (STEPS + 1, {}, "is not recorded; there are steps 0 to 40"),
        (20, {"momentum": 0.9}, "no option of optimizer adam named 'momentum'"),
        (20, {"lr": "-1"}, "out of range"),
        (20, {"steps": 20}, "has no step of its own"),
    ],
)
def test_what_cannot_be_forked_is_said_in_one_line(at, options, words, tmp_path):
    dynviz.run(WELL, "adam", steps=STEPS, out=tmp_path / "parent")
    with pytest.raises(DynvizError, match=words):
        fork(tmp_path / "parent", at=at, out=tmp_path / "child", **options)


def test_after_divergence_there_is_no_fork(tmp_path):
    dynviz.run(WELL, "sgd:lr=10", steps=STEPS, out=tmp_path / "parent")
    with pytest.raises(DynvizError, match="diverged at step"):
        fork(tmp_path / "parent", at=30, out=tmp_path / "child")


@pytest.mark.parametrize(("clock", "rates"), [("continue", [0.05, 0.0]), ("restart", [0.1, 0.05])])
def test_a_schedule_goes_on_or_begins_anew(clock, rates, tmp_path):
    dynviz.run(WELL, "adam:lr=cosine(0.1)", steps=20, out=tmp_path / "parent")
    child = fork(tmp_path / "parent", at=10, steps=30, schedule=clock, out=tmp_path / "child")["adam"]
    np.testing.assert_allclose(child["lr"][[10, 20], 0], rates, atol=1e-7)


def test_the_command_forks_what_it_is_told(tmp_path):
    parent = dynviz.run(WELL, "adam", steps=STEPS, out=tmp_path / "parent")
    words = ["fork", str(parent.folder), "--at", "20", "--set", "lr=[0.01,0.1]", "--out", str(tmp_path / "child")]
    result = CliRunner().invoke(commands, [*words, "--headless"])
    assert result.exit_code == 0, result.output
    child = dynviz.open(result.stdout.strip())["adam"]
    assert [lane.hyperparameters["lr"] for lane in child.metadata.lanes] == [0.01, 0.1]
    assert child.metadata.origin.changes == {"lr": "[0.01,0.1]"}


def test_a_parent_that_still_trains_is_forked(tmp_path):
    command = [sys.executable, "-m", "dynviz", "run", "--headless", "--out", str(tmp_path / "parent")]
    command += [WELL, "-o", "adam", "--steps", "2000000"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as parent:
        try:
            wait_for(lambda: recorded(tmp_path / "parent" / "adam") > 300)
            child = fork(tmp_path / "parent", at=250, steps=260, out=tmp_path / "child")["adam"]
            assert parent.poll() is None
        finally:
            parent.terminate()
    recording = dynviz.open(tmp_path / "parent" / "adam")
    for name in ("loss", "position"):
        np.testing.assert_array_equal(child[name], recording[name][:261])


def recorded(folder):
    return dynviz.open(folder).recorded if (folder / "run.json").exists() else 0


def wait_for(condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_common_past_is_drawn_once(tmp_path):
    parent = dynviz.run(WELL, "adam", steps=STEPS, out=tmp_path / "parent")["adam"]
    child = fork(tmp_path / "parent", at=20, lr="[1e-3,1e-1]", out=tmp_path / "child")["adam"]
    parts = [dynviz.open(f"{child.folder}@{lane}") for lane in (0, 1)]
    assert own_from([parent, *parts]) == [0, 20, 20]
    # Without the parent, the first of its forks draws what they share.
    assert own_from(parts) == [0, 20]
    assert own_from([parts[1]]) == [0]
    scene = plugins.load("views", "path").target([parent, child]).scene(STEPS)
    lines = [mark for panel in scene.panels for mark in panel.marks if isinstance(mark, Line)]
    drawn = [int(np.isfinite(line.y).argmax()) for line in lines if line.along is not None]
    assert sorted(drawn) == [0, 20, 20]
