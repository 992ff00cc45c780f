"""Hyperparameters that change while a run trains: recorded, repeated, refused; and runs that pause."""

import json
import multiprocessing
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import dynviz
from dynviz import plugins
from dynviz.charts.settings import hyperparameter
from dynviz.cli import commands
from dynviz.detection import measured, scan
from dynviz.errors import DynvizError
from dynviz.recording import changes
from dynviz.recording.changes import Request
from dynviz.scene.marks import ReferenceLine
from dynviz.training.control import Control
from dynviz.training.session import Interrupted, SilentProgress
from tests.test_fork import WELL, same, wait_for

STEPS = 300


class Asks(SilentProgress):
    """Asks for something as soon as a step is reached."""

    def __init__(self, at, *requests):
        self.at, self.requests, self.folder = at, list(requests), None

    def begin(self, folder, recordings, steps_done):
        self.folder = folder / recordings[0].label if (folder / recordings[0].label).exists() else folder

    def move(self, label, step, loss, steps):
        if step >= self.at:
            while self.requests:
                changes.ask(self.folder, self.requests.pop(0))


def setting(value, name="lr", **more):
    return Request(action="set", name=name, value=value, **more)


def changed(folder, optimizer, *requests, at=50, **options):
    options = {"steps": STEPS, "record": "lr:every=1", **options}
    return dynviz.run(WELL, optimizer, out=folder, progress=Asks(at, *requests), **options)


@pytest.mark.parametrize("rule", ["adam", "sgd:lr=0.01", "adam:lr=cosine(0.02)", "torch.optim.Adam", "shampoo"])
def test_a_change_is_recorded_and_repeated_byte_for_byte(rule, tmp_path):
    (recording,) = changed(tmp_path / "live", rule, setting(3e-3)).values()
    (change,) = recording.changes()
    assert (change.name, change.new, change.refused) == ("lr", 3e-3, "")
    assert 50 <= change.step < STEPS
    np.testing.assert_allclose(recording["lr"][change.step :, 0], 3e-3, rtol=1e-6)
    assert recording["lr"][change.step - 1, 0] != np.float32(3e-3)
    file = recording.folder / "changes.jsonl"
    (again,) = dynviz.run(WELL, rule, steps=STEPS, record="lr:every=1", changes=file, out=tmp_path / "again").values()
    same(again, recording)
    (plain,) = dynviz.run(WELL, rule, steps=STEPS, record="lr:every=1", out=tmp_path / "plain").values()
    differ = (plain["position"] != recording["position"]).any(axis=(1, 2))
    assert not differ[: change.step + 1].any()
    assert differ[change.step + 1]


def test_one_lane_changes_alone(tmp_path):
    recording = changed(tmp_path / "live", "adam:lr=0.01", setting(0.1, lane=1), seeds="0:3")["adam"]
    (change,) = recording.changes()
    assert recording["lr"][-1].tolist() == pytest.approx([0.01, 0.1, 0.01])
    plain = dynviz.run(WELL, "adam:lr=0.01", steps=STEPS, seeds="0:3", out=tmp_path / "plain")["adam"]
    after = slice(change.step + 1, None)
    np.testing.assert_allclose(recording["position"][after, [0, 2]], plain["position"][after, [0, 2]], rtol=1e-4)
    assert not np.allclose(recording["position"][-1, 1], plain["position"][-1, 1], rtol=1e-4)
    file = recording.folder / "changes.jsonl"
    again = dynviz.run(
        WELL, "adam:lr=0.01", steps=STEPS, seeds="0:3", record="lr:every=1", changes=file, out=tmp_path / "again"
    )
    same(again["adam"], recording)


def test_a_change_can_be_asked_for_ahead(tmp_path):
    recording = changed(tmp_path / "live", "adam", setting(0.5, at=200), setting(0.1, at=123))["adam"]
    assert [(change.step, change.new) for change in recording.changes()] == [(123, 0.1), (200, 0.5)]
    assert recording["lr"][[122, 123, 199, 200], 0].round(4).tolist()[1:] == pytest.approx([0.1, 0.1, 0.5])


@pytest.mark.parametrize(
    ("rule", "request_", "words"),
    [
        ("adam", setting(-1.0), "out of range"),
        ("adam", setting(0.9, "momentum"), "adam has no momentum"),
        ("sgd", setting(1.0, "nesterov"), "fork the run instead"),
        ("sgd", setting(0.9, "momentum"), "would change the terms of a step"),
        ("adam", setting(0.1, lane=7), "there is no lane 7"),
        ("adam", setting(0.1, at=3), "step 3 has passed"),
        ("adam", setting(0.1, at=STEPS), "the run ends at step"),
        ("torch.optim.Adam", setting(0.1, "weight_decay"), "would change the terms of a step"),
    ],
)
def test_what_cannot_be_changed_is_refused_and_written_down(rule, request_, words, tmp_path):
    (recording,) = changed(tmp_path / "live", rule, request_).values()
    assert recording.changes() == ()
    (refused,) = changes.load(recording.folder)
    assert words in refused.refused
    (plain,) = dynviz.run(WELL, rule, steps=STEPS, record="lr:every=1", out=tmp_path / "plain").values()
    same(recording, plain)


def test_a_run_that_stops_after_a_change_goes_on_to_the_same_bytes(tmp_path):
    with pytest.raises(Interrupted):
        changed(tmp_path / "live", "adam", setting(0.1, at=77), Request(action="stop"), at=60)
    stopped = dynviz.open(tmp_path / "live" / "adam")
    assert stopped.status == "interrupted"
    resumed = dynviz.resume(tmp_path / "live")["adam"]
    file = resumed.folder / "changes.jsonl"
    straight = dynviz.run(WELL, "adam", steps=STEPS, record="lr:every=1", changes=file, out=tmp_path / "straight")[
        "adam"
    ]
    same(resumed, straight)
    assert [change.step for change in resumed.changes()] == [77]


@pytest.mark.parametrize("record", ["lr:every=1", "position:every=7"])
def test_a_run_that_is_made_longer_while_it_trains_is_one_that_was_as_long_from_the_start(record, tmp_path):
    asks = Asks(60, Request(action="lengthen", steps=500), Request(action="lengthen", steps=20))
    longer = dynviz.run(
        WELL, ["adam", "sgd:lr=0.01"], steps=200, record=record, out=tmp_path / "live", progress=asks
    )  # fmt: skip
    assert asks.requests == []
    straight = dynviz.run(WELL, ["adam", "sgd:lr=0.01"], steps=500, record=record, out=tmp_path / "straight")
    for label, recording in longer.items():
        assert (recording.total, recording.recorded, recording.status) == (500, 500, "finished")
        same(recording, straight[label])


def test_a_run_that_is_made_longer_and_killed_goes_on_to_its_new_length(tmp_path):
    with pytest.raises(Interrupted):
        changed(tmp_path / "live", "adam", Request(action="lengthen", steps=400), Request(action="stop"))
    resumed = dynviz.resume(tmp_path / "live")["adam"]
    assert resumed.recorded == 400


def test_a_fork_of_a_changed_run_goes_on_with_its_changes(tmp_path):
    parent = changed(tmp_path / "live", "adam", setting(0.1, at=80), setting(0.5, at=200))["adam"]
    child = parent.fork(at=150, out=tmp_path / "child")["adam"]
    np.testing.assert_array_equal(child["position"][:201], parent["position"][:201])
    assert [(change.step, change.new) for change in child.changes()] == [(80, 0.1)]


def test_a_file_that_the_run_cannot_follow_is_refused_before_it_begins(tmp_path):
    recording = changed(tmp_path / "live", "adam", setting(0.1, at=80))["adam"]
    with pytest.raises(
        DynvizError, match="changes lr at step 80, which is impossible for adam: the run ends at step 50"
    ):
        dynviz.run(WELL, "adam", steps=50, changes=recording.folder / "changes.jsonl", out=tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_lines_that_are_no_requests_are_passed_over(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "requests.jsonl").write_bytes(b'{"action": "dance"}\nnonsense\n{"action": "set", "name": 1}\n')
    assert changes.ask(folder, setting(0.1)) == 3
    heard = changes.RequestReader(folder)
    assert heard.new() == [(3, setting(0.1))]
    assert heard.new() == []


def background(folder, steps=1_000_000_000, *more):
    command = [sys.executable, "-m", "dynviz", "run", WELL, "-o", "adam", "--steps", str(steps), "--yes"]
    # Compiling takes longer than what is tested.
    command += ["--headless", "--compile", "off", "--out", str(folder), *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def train_first(folder, steps):
    dynviz.run(WELL, "adam", steps=steps, compile="off", out=folder, yes=True)


def train_on(folder, _):
    dynviz.resume(folder)


def recorded(folder):
    return dynviz.open(folder).recorded if (folder / "run.json").exists() else 0


def cpu_ticks(pid):
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))


def test_a_paused_run_stands_still_and_takes_the_steps_that_it_is_told(tmp_path):
    folder = tmp_path / "run"
    with background(folder, 10_000_000) as process:
        try:
            wait_for(lambda: recorded(folder / "adam") > 100)
            changes.ask(folder, Request(action="pause"))
            wait_for(lambda: stands(folder / "adam"))
            step, ticks = recorded(folder / "adam"), cpu_ticks(process.pid)
            time.sleep(1)
            assert recorded(folder / "adam") == step
            assert cpu_ticks(process.pid) - ticks <= 5
            changes.ask(folder, Request(action="step", steps=7))
            wait_for(lambda: recorded(folder / "adam") == step + 7)
            time.sleep(0.3)
            assert recorded(folder / "adam") == step + 7
            changes.ask(folder, Request(action="continue"))
            wait_for(lambda: recorded(folder / "adam") > step + 500)
            changes.ask(folder, Request(action="stop"))
            process.wait(60)
        finally:
            process.kill()
    assert dynviz.open(folder / "adam").status == "interrupted"


def test_a_pause_ends_with_its_process_and_the_requests_say_so(tmp_path):
    changes.ask(tmp_path, Request(action="pause"))
    control = Control(tmp_path, [], print)
    control.listen()
    assert not control.paused
    assert [request.action for _, request in changes.RequestReader(tmp_path).new()] == ["pause", "continue"]


def stands(folder):
    before = recorded(folder)
    time.sleep(0.4)
    return recorded(folder) == before


@pytest.mark.slow
def test_fifty_kills_at_any_moment_lose_no_change(tmp_path):
    rng = random.Random(5)
    folder, steps = tmp_path / "run", 1_000_000
    # Processes that start from one that has already imported torch.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["dynviz.training", "tests.test_changes"])
    for kill in range(50):
        before = recorded(folder / "adam")
        process = context.Process(target=train_on if kill else train_first, args=(folder, steps))
        process.start()
        wait_for(lambda before=before: recorded(folder / "adam") > before)
        changes.ask(folder / "adam", setting(10 ** rng.uniform(-4, -1)))
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        process.join()
    recording = dynviz.open(folder / "adam")
    length = recording.recorded // 1000 * 1000
    file = tmp_path / "changes.jsonl"
    lines = (recording.folder / "changes.jsonl").read_text().splitlines()
    made = [json.loads(line) for line in lines]
    assert len(made) >= 20
    file.write_text("".join(f"{json.dumps(change)}\n" for change in made if change["step"] < length))
    straight = dynviz.run(WELL, "adam", steps=length, changes=file, out=tmp_path / "straight")["adam"]
    for name in ("loss", "position"):
        np.testing.assert_array_equal(straight[name], recording[name][: length + 1])


def test_the_command_sets_what_trains_and_says_what_becomes_of_it(tmp_path):
    folder = tmp_path / "run"
    with background(folder, 10_000_000) as process:
        try:
            wait_for(lambda: recorded(folder / "adam") > 100)
            result = CliRunner().invoke(commands, ["set", str(folder), "lr=0.25", "eps=1e-6"])
            assert result.exit_code == 0, result.output
            assert "adam: lr changes from 0.1 to 0.25 after step" in result.stdout
            result = CliRunner().invoke(commands, ["set", str(folder), "lr=-1"])
            assert result.exit_code == 1
            assert "was not changed: lr=-1.0 of optimizer adam is out of range" in result.stderr
        finally:
            process.terminate()
    result = CliRunner().invoke(commands, ["set", str(folder), "lr=cosine(0.1)"])
    assert "for anything else fork the run instead" in str(result.exception)
    happened = scan.Scan([dynviz.open(folder / "adam")], {}).advance()
    assert [(event.kind, event.words) for event in happened] == [
        ("changed", "lr 0.1 to 0.25"),
        ("changed", "eps 1e-08 to 1e-06"),
    ]
    result = CliRunner().invoke(commands, ["set", str(folder), "lr=0.1"])
    assert "does not train now; fork it" in str(result.exception)


def test_a_change_is_drawn_where_it_was_made(tmp_path):
    recording = changed(
        tmp_path / "live", "sgd:lr=0.01", setting(0.02, at=200), setting(0.05, at=250, lane=1), seeds="0:2"
    )
    film = plugins.load("views", "curves").target(list(recording.values()))
    words = [readout.text for readout in film.scene(STEPS).readouts]
    assert {"lr 0.01 to 0.02 at step 200", "lr 0.02 to 0.05 (seed 1) at step 250"} <= set(words)
    marks = [mark for mark in film.scene(220).panels[0].marks if isinstance(mark, ReferenceLine)]
    assert [(mark.at, mark.label, mark.vertical) for mark in marks] == [(200.0, "lr 0.02", True)]


def test_what_is_read_of_a_rate_is_what_it_was_changed_to(tmp_path):
    recording = changed(tmp_path / "live", "sgd:lr=0.01", setting(0.02, at=200), record=())["sgd"]
    assert [hyperparameter(recording, "lr", 0, step) for step in (0, 199, 200)] == [0.01, 0.01, 0.02]
    assert measured.column([recording], "lr").at(np.array([199, 200]))[:, 0].tolist() == [0.01, 0.02]
