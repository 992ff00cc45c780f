"""Forks: the parent's bytes where nothing is changed, and the right ones where something is."""

import os
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import dynviz
from dynviz import plugins
from dynviz.charts.forks import own_from
from dynviz.cli import commands
from dynviz.detection import scan
from dynviz.errors import DynvizError
from dynviz.player.event_marks import event_marks
from dynviz.scene.marks import Line, ReferenceLine
from dynviz.training.forking import fork
from tests.trained import again
from tests.waiting import wait_for

RULES = sorted(plugins.files("optimizers"))
STEPS = 40
WELL = "surface:f=booth,grid=8,noise=0.1"
SLOW = """
import os
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from dynviz.task import Task


@dataclass(frozen=True)
class Scenario:
    def build(self, seed):
        def batches(start, count):
            if "REPLAYING" in os.environ and start + count > 1:
                Path(os.environ["REPLAYING"]).touch()
                time.sleep(600)
            return (torch.arange(start, start + count, dtype=torch.float32)[:, None],)

        return Task({"x": torch.ones(2)}, lambda p, c, b: (p["x"] - 0.01 * b[0]).square().sum(), batches, 30)


scenario = Scenario
"""


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


def test_a_fork_that_ended_early_goes_on_to_the_same_bytes(tmp_path):
    parent = dynviz.run(WELL, "adam", steps=STEPS, out=tmp_path / "parent")
    whole = fork(parent.folder, at=13, lr=0.1, out=tmp_path / "whole")["adam"]
    short = fork(parent.folder, at=13, lr=0.1, steps=17, out=tmp_path / "short")
    longer = dynviz.resume(short.folder, steps=STEPS)["adam"]
    same(longer, whole)


@pytest.mark.slow
def test_a_fork_that_is_killed_while_it_replays_leaves_nothing(tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    parent = dynviz.run(f"{tmp_path}/slow.py", "adam", steps=30, out=tmp_path / "parent")
    files = {path: path.read_bytes() for path in sorted(parent.folder.rglob("*")) if path.is_file()}
    command = [sys.executable, "-m", "dynviz", "fork", str(parent.folder), "--at", "29", "--trust", "slow.py"]
    command += ["--set", "lr=0.1", "--headless", "--out", "child"]
    environment = {**os.environ, "REPLAYING": str(tmp_path / "replaying")}
    with subprocess.Popen(command, cwd=tmp_path, env=environment) as process:
        wait_for((tmp_path / "replaying").exists)
        process.kill()
    assert not (tmp_path / "child").exists()
    assert {path: path.read_bytes() for path in sorted(parent.folder.rglob("*")) if path.is_file()} == files
    fork(parent.folder, at=29, lr=0.1, trust=[str(tmp_path / "slow.py")], out=tmp_path / "child")


def test_a_grid_of_futures_is_lanes_with_a_common_past(tmp_path):
    parent = dynviz.run(WELL, "adam", seeds="0:2", steps=STEPS, out=tmp_path / "parent")["adam"]
    child = fork(tmp_path / "parent", at=20, lr="log(1e-3,1e-1,3)", out=tmp_path / "child")["adam"]
    assert [(lane.seed, lane.hyperparameters["lr"]) for lane in child.metadata.lanes] == [
        (seed, rate) for rate in (1e-3, 1e-2, 1e-1) for seed in (0, 1)
    ]
    assert child.metadata.hyperparameters["lr"].source == "given"
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
        ("sgd:momentum=0.9", "adam", {"m": "new", "v": "new", "velocity": "dropped"}),
        ("adam", "sgd", {"m": "dropped", "v": "dropped"}),
        ("adam", "torch.optim.Adam", {"all": "new", "m": "dropped", "v": "dropped"}),
        ("torch.optim.Adam", "adam", {"m": "new", "v": "new", "rest": "dropped"}),
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
    words = [readout.text for readout in plugins.load("views", "curves").target([child]).scene(STEPS).readouts]
    assert "forked at step 19, not exactly" in words
    shown = CliRunner().invoke(commands, ["show", str(child.folder)], env={"COLUMNS": "400"}).stdout
    assert "from step 19, not exactly: position differs at step 18" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("at", "options", "words"),
    [
        (STEPS + 1, {}, "is not recorded; there are steps 0 to 40"),
        (20, {"momentum": 0.9}, "no option of optimizer adam named 'momentum'"),
        (20, {"lr": "-1"}, "out of range"),
        (20, {"steps": 20}, "has no steps of its own"),
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
    # Compiling takes longer than what is tested.
    command += [WELL, "-o", "adam", "--steps", "2000000", "--compile", "off"]
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


def test_a_panel_says_what_differs_and_the_fork_is_an_event_of_both(tmp_path):
    parent = dynviz.run(WELL, "adam", seeds="0:3", steps=STEPS, out=tmp_path / "parent")["adam"]
    child = dynviz.open(f"{parent.folder}@1,2").fork(at=20, lr=0.5, out=tmp_path / "child")["adam"]
    happened = scan.Scan([parent, child], {}).advance()
    assert [(event.recording, event.lane, event.step, event.words.split()[0]) for event in happened] == [
        (0, 1, 20, "into"), (0, 2, 20, "into"), (1, 0, 20, "from"), (1, 1, 20, "from"),
    ]  # fmt: skip
    marks = event_marks(happened, [parent, child])
    assert [mark.text.split(" at ")[0] for mark in marks] == ["forked into child/adam", "forked from parent/adam"]
    film = plugins.load("views", "curves").target([parent, child])
    words = [readout.text for readout in film.scene(STEPS).readouts]
    assert "adam lr 0.5: forked at step 20 with lr 0.5" in words
    for step, count in ((19, 0), (20, 1)):
        marks = [mark for mark in film.scene(step).panels[0].marks if isinstance(mark, ReferenceLine)]
        assert [(mark.at, mark.label) for mark in marks] == [(20.0, "fork")] * count


def test_a_common_past_is_drawn_once(tmp_path):
    parent = dynviz.run(WELL, "adam", steps=STEPS, out=tmp_path / "parent")["adam"]
    child = fork(tmp_path / "parent", at=20, lr="[1e-3,1e-1]", out=tmp_path / "child")["adam"]
    parts = [dynviz.open(f"{child.folder}@{lane}") for lane in (0, 1)]
    assert own_from([parent, *parts]) == [0, 20, 20]
    # A view that shows one lane of each draws the past of another lane by itself.
    assert own_from([parent, child], lane=1) == [0, 0 if child.metadata.origin.lanes[1] != 1 else 20]
    # Without the parent, the first of its forks draws what they share.
    assert own_from(parts) == [0, 20]
    assert own_from([parts[1]]) == [0]
    scene = plugins.load("views", "path").target([parent, child]).scene(STEPS)
    lines = [mark for panel in scene.panels for mark in panel.marks if isinstance(mark, Line)]
    trails = [line for line in lines if line.along is not None and len(line.along) == STEPS + 1]
    drawn = [int(np.isfinite(line.y).argmax()) for line in trails]
    assert sorted(drawn) == [0, 20, 20]


@pytest.fixture(scope="module")
def forked(tmp_path_factory):
    """Parents and forks of them, at step 120 of 240 and at step 5 of 10, with curves of many kinds."""
    folder = tmp_path_factory.mktemp("forked")
    sensing = ["singular_values:every=10", "core:every=10", "parameters:every=20", "state.*", "gradient:every=1"]
    cases = {
        "sensing": ("matrix-sensing:d=8", "shampoo", {"record": sensing, "steps": 240}, {"lr": 1e-3}),
        "bowl": ("surface:f=booth,grid=8", "sgd", {"record": ["parameters"], "steps": 10}, {"lr": 0.02}),
        "centers": ("voronoi:hidden=12,grid=8", "adamw", {"record": ["centers:every=1"], "steps": 10}, {"lr": 0.1}),
        "noise": ("gradient-noise:data=shapes,rows=64,noise_batch=1", "sgd", {"steps": 10}, {"lr": 1.0}),
        "rates": ("exponential-rate:data=shapes,width=8", "sgd", {"record": ["lr:every=1"], "steps": 10}, {"lr": 0.5}),
    }
    pairs = {}
    for name, (scenario, rule, options, changed) in cases.items():
        parent = dynviz.run(scenario, rule, **options, out=folder / name)[rule]
        child = fork(parent.folder, at=options["steps"] // 2, **changed, out=folder / f"{name}-fork")[rule]
        pairs[name] = (parent, child)
    again("sharpness", *(recording.folder for recording in pairs["bowl"]), "--samples", 6, "--eigenvalues", 1)
    return pairs


@pytest.mark.parametrize(
    ("name", "views"),
    [
        ("sensing", ["spectrum", "alignment", "curves", "weights", "preconditioner", "kronecker", "convergence"]),
        ("bowl", ["path", "surface3d", "sharpness", "curves", "weights"]),
        ("centers", ["centers", "curves", "benchmark"]),
        ("noise", ["noise"]),
        ("rates", ["equivalence"]),
    ],
)
def test_curves_draw_a_common_past_once(forked, name, views):
    parent, child = forked[name]
    at = child.metadata.origin.step
    for view in views:
        panels = plugins.load("views", view).target([parent, child]).scene(parent.total).panels
        for panel in panels:
            lines = [mark for mark in panel.marks if isinstance(mark, Line) and np.isfinite(mark.y).any()]
            over_steps = [line for line in lines if line.along is not None or panel.x.label == "step"]
            steps = {
                color: np.concatenate(
                    [np.asarray(line.x if line.along is None else line.along)[np.isfinite(line.y)] for line in own]
                )
                for color in ("lane0", "lane1")
                for own in [[line for line in over_steps if line.color == color]]
                if own
            }
            if "lane1" not in steps or "difference" in panel.title:
                continue
            # A line goes on from the last sample that both have.
            shared = max((step for step in steps.get("lane0", ()) if step <= at), default=at)
            assert min(steps["lane1"]) == shared, (view, panel.title)
