"""What the player asks of training, and the events that it shows: forks, changes, pauses, detectors."""

import json
import re
from dataclasses import asdict, replace

import numpy as np
import pytest

from dynviz.detection.scan import Occurrence, Scan
from dynviz.player.change_dialog import ChangeDialog
from dynviz.player.event_dialog import EventDialog
from dynviz.player.event_marks import EventList, EventMark, event_marks, seen_at
from dynviz.player.event_scan import EventScan
from dynviz.player.fork_dialog import ForkDialog
from dynviz.player.live_film import version_of
from dynviz.player.run_screen import RunScreen
from dynviz.player.timeline import TimelineState, layout
from dynviz.process.background import BackgroundRun
from dynviz.recording import Recording, changes
from dynviz.recording.changes import Change, Request
from tests import recorded
from tests.growing import Growing, Trainer
from tests.watched import asynchronous, watching


@pytest.fixture
def live(tmp_path):
    growing = Growing(tmp_path / "run" / "sgd")
    growing.grow(20)
    return growing


@pytest.fixture
def started(monkeypatch):
    """The forks that were started: their arguments, and processes that do what the test says."""
    calls = []

    def start(arguments, command):
        calls.append((command, list(arguments), Trainer()))
        return calls[-1][2]

    monkeypatch.setattr(BackgroundRun, "start", start)
    return calls


def asked(folder):
    """What is in a folder's file of requests."""
    path = folder / "requests.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [Request(**json.loads(line)) for line in lines]


def answer(growing, step, **more):
    """What the trainer answers to the newest request."""
    requests = asked(growing.folder)
    request = requests[-1]
    change = Change(
        step=step, name=request.name, new=request.value, lane=request.lane, request=len(requests) - 1, **more
    )
    with (growing.folder / "changes.jsonl").open("a") as file:
        file.write(json.dumps(asdict(change)) + "\n")


def wrong(watched):
    """What a form says is wrong."""
    return str(watched.app.screen.query_one("#wrong").render())


async def write(watched, text):
    """Write over what is in the row that has the focus."""
    await watched.press("ctrl+u", *text)


def spiked(folder, steps=600, **more):
    """A loss with a spike at step 300."""
    rng = np.random.default_rng(0)
    loss = np.exp(0.01 * rng.standard_normal((steps + 1, 1)))
    loss[300] = 3.2
    return recorded.record(folder, {"loss": (1, loss)}, scenario="surface", steps=steps, views=("curves",), **more)


@asynchronous
async def test_training_is_paused_stepped_and_continued(live):
    async with watching(live.folder) as watched:
        await watched.press("p")
        assert [request.action for request in asked(live.folder.parent)] == ["pause"]
        await watched.wait(1)
        assert "‖ paused" in watched.lines[0]
        assert "● live" not in watched.lines[0]
        assert "p continue" in watched.lines[-1]
        await watched.press("full_stop", "greater_than_sign")
        assert [(each.action, each.steps) for each in asked(live.folder.parent)[1:]] == [("step", 1), ("step", 100)]
        live.grow(30)
        await watched.wait(1)
        assert watched.step == 30
        await watched.press("p")
        await watched.wait(1)
        assert asked(live.folder.parent)[-1].action == "continue"
        assert "● live" in watched.lines[0]


@asynchronous
async def test_a_pause_that_somebody_else_asked_for_is_shown(live):
    changes.ask(live.folder.parent, Request(action="pause"))
    async with watching(live.folder) as watched:
        await watched.wait(1)
        assert "‖ paused" in watched.lines[0]
        live.finish()
        await watched.wait(1)
        assert "✓ finished" in watched.lines[0]


@asynchronous
async def test_what_is_over_is_not_paused_and_its_keys_move_through_time(tmp_path):
    recording = spiked(tmp_path / "run" / "sgd")
    async with watching(recording.folder, step=100) as watched:
        await watched.press("p")
        assert "training is over; L trains on, F forks the run at this step" in watched.text
        await watched.press("full_stop")
        assert watched.step == 110
        await watched.press("greater_than_sign")
        assert watched.step == 210
        assert asked(recording.folder.parent) == []


@asynchronous
async def test_a_rate_is_changed_while_it_trains_and_the_answer_is_said(live):
    async with watching(live.folder) as watched:
        await watched.press("h")
        assert isinstance(watched.app.screen, ChangeDialog)
        await write(watched, "quick")
        await watched.press("enter")
        assert wrong(watched) == "only a number can be given to lr while the run trains; fork it for anything else"
        await write(watched, "3e-3")
        await watched.press("enter")
        assert isinstance(watched.app.screen, RunScreen)
        assert asked(live.folder) == [Request(action="set", name="lr", value=3e-3)]
        answer(live, 24, old=0.1)
        await watched.wait(1)
        assert "sgd: lr changes from 0.1 to 0.003 after step 24" in watched.text
        live.grow(40)
        await watched.wait(1)
        assert (
            EventMark(24, "changed lr 0.1 to 0.003 at step 24 (sgd)", "changed") in watched.state.session.events.marks
        )
        await watched.press("h")
        assert "0.003" in watched.text


@asynchronous
async def test_a_change_that_is_refused_is_said_with_its_reason(live):
    async with watching(live.folder) as watched:
        await watched.press("h")
        await write(watched, "-1")
        await watched.press("enter")
        answer(live, 20, refused="lr is out of range")
        await watched.wait(1)
        assert "sgd: lr was not changed: lr is out of range" in watched.text


@asynchronous
async def test_one_lane_is_changed_alone_by_its_number_in_the_recording(tmp_path):
    growing = Growing(tmp_path / "run" / "sgd", lanes=4)
    growing.grow(20)
    async with watching(f"{growing.folder}@1,3") as watched:
        await watched.press("h", "right", "right", "down")
        await write(watched, "0.5")
        await watched.press("enter")
        assert [(each.lane, each.value) for each in asked(growing.folder)] == [(3, 0.5)]
        await watched.press("h", "down")
        await write(watched, "0.2")
        await watched.press("enter")
        assert [each.lane for each in asked(growing.folder)[1:]] == [1, 3]


@asynchronous
async def test_a_run_that_trains_is_stopped_and_made_longer(live, started):
    async with watching(live.folder) as watched:
        await watched.press("L")
        assert "Train beyond the 100 steps" in watched.text
        await write(watched, "100")
        await watched.press("enter")
        assert wrong(watched) == "write a number of steps from 101 on"
        await write(watched, "150")
        await watched.press("enter")
        assert asked(live.folder.parent) == [Request(action="lengthen", steps=150)]
        live.writer.amend(replace(live.writer.metadata, steps=150))
        live.steps = 150
        live.grow(110)
        await watched.wait(1)
        assert "of 150" in watched.text
        await watched.press("S")
        assert asked(live.folder.parent)[-1] == Request(action="stop")
        live.finish("interrupted")
        await watched.wait(1)
        assert "■ stopped" in watched.lines[0]
        assert started == []


@asynchronous
async def test_training_that_is_over_begins_again_to_make_a_run_longer(tmp_path, started):
    recording = spiked(tmp_path / "run" / "sgd")
    async with watching(recording.folder) as watched:
        await watched.press("L")
        assert re.search(r"steps in all +1200", watched.text)
        await watched.press("enter")
        ((command, arguments, process),) = started
        assert (command, arguments) == ("run", ["--resume", str(tmp_path / "run"), "--steps", "1200"])
        assert watched.state.training
        process.end("failed", 1, "the disk is full")
        await watched.wait(1)
        assert "training does not go on: the disk is full" in watched.text
        assert not watched.state.training


@asynchronous
async def test_a_run_that_ends_before_it_hears_goes_on_all_the_same(live, started):
    async with watching(live.folder) as watched:
        await watched.press("L")
        await write(watched, "150")
        await watched.press("enter")
        assert started == []
        live.finish()
        await watched.wait(1)
        ((_, arguments, _),) = started
        assert arguments[:4] == ["--resume", str(live.folder.parent), "--steps", "150"]


@asynchronous
async def test_what_does_not_train_is_forked_in_place_of_changed(tmp_path):
    recording = spiked(tmp_path / "run" / "sgd")
    async with watching(recording.folder, step=100) as watched:
        await watched.press("h")
        assert isinstance(watched.app.screen, ForkDialog)


@asynchronous
async def test_a_fork_is_described_started_and_laid_over_its_parent(tmp_path, started):
    recording = spiked(tmp_path / "run" / "adamw")
    async with watching(recording.folder, step=100) as watched:
        await watched.press("F")
        assert "Fork at step 100" in watched.text
        await watched.press("down")
        await write(watched, "0.5")
        await watched.press("enter")
        ((command, arguments, process),) = started
        assert command == "fork"
        assert arguments == [
            str(recording.folder), "--at", "100", "--set", "lr=0.5", "--state", "keep", "--schedule", "continue",
        ]  # fmt: skip
        await watched.wait(1)
        assert "forking at step 100: importing torch" in watched.text
        spiked(tmp_path / "run-at-100-1" / "adamw", rate=0.5)
        process.folder = tmp_path / "run-at-100-1"
        await watched.wait(1)
        assert [each.folder.parent.name for each in watched.state.session.recordings] == ["run", "run-at-100-1"]
        assert watched.step == 100
        assert "adamw lr 0.5" in watched.lines[0]
        assert "forking" not in watched.text
        await watched.press("q")
        assert "Training has not finished" in watched.text
        await watched.press("s")
        assert process.stopped == 1


@asynchronous
async def test_a_fork_that_fails_says_why_in_one_line(tmp_path, started):
    recording = spiked(tmp_path / "run" / "adamw")
    async with watching(recording.folder, step=100) as watched:
        await watched.press("F", "enter")
        started[0][2].end("failed", 1, "adamw diverged at step 50")
        await watched.wait(1)
        assert "no fork at step 100: adamw diverged at step 50" in watched.text
        assert len(watched.state.session.recordings) == 1


@asynchronous
async def test_a_fork_is_refused_in_its_form(tmp_path, started):
    recording = spiked(tmp_path / "run" / "adamw")
    async with watching(recording.folder, step=100) as watched:
        await watched.press("F")
        await write(watched, "700")
        await watched.press("enter")
        assert wrong(watched) == "enter a step from 0 to 600"
        await write(watched, "100")
        await watched.press("up")
        await write(watched, "lionn")
        await watched.press("enter")
        assert "did you mean 'lion'?" in wrong(watched)
        assert started == []


@asynchronous
async def test_code_that_is_not_bundled_is_forked_with_consent_alone(tmp_path, started):
    file = tmp_path / "mine.py"
    file.write_text("")
    rng = np.random.default_rng(0)
    recording = recorded.record(
        tmp_path / "run" / "sgd", {"loss": (1, rng.random((101, 1)))}, scenario=str(file), steps=100, views=("curves",)
    )
    async with watching(recording.folder, step=50) as watched:
        await watched.press("F", "enter")
        assert wrong(watched).endswith("answer yes to allow it")
        assert started == []
        await watched.press("up", "right", "enter")
        assert started[0][1][-2:] == ["--trust", str(file)]


@asynchronous
async def test_what_detectors_find_is_marked_said_and_jumped_to(tmp_path):
    recording = spiked(tmp_path / "run" / "sgd", label="sgd")
    async with watching(recording.folder, step=10) as watched:
        assert "◆" in watched.lines[-2]
        await watched.press("n")
        assert watched.step == 300
        assert "◆ spike 3.2 at step 300 (sgd)" in watched.lines[1]
        await watched.press("E")
        assert isinstance(watched.app.screen, EventDialog)
        assert "● spike  1" in watched.text
        await watched.press("a", "enter", "home", "n")
        assert watched.step == 0
        assert "every event is of a hidden kind" in watched.text
        assert "◆" not in watched.lines[-2]


@asynchronous
async def test_events_are_found_while_a_recording_grows(tmp_path):
    growing = Growing(tmp_path / "run" / "sgd", steps=600)
    growing.grow(350)
    async with watching(growing.folder) as watched:
        before = len(watched.state.session.events.marks)
        growing.grow(355, height=1e30)
        growing.grow(600)
        await watched.wait(2)
        marks = watched.state.session.events.marks
        assert len(marks) > before
        assert any(mark.kind == "spike" and mark.step == 351 for mark in marks)


def test_detectors_look_at_each_sample_once(tmp_path):
    growing = Growing(tmp_path / "sgd", steps=600)
    growing.grow(300)
    found = EventScan([Recording(growing.folder)])
    found.refresh(version_of([Recording(growing.folder)]), 0.0)
    growing.grow(305, height=1e30)
    growing.grow(600)
    found.refresh(version_of([Recording(growing.folder)]), 0.1)
    assert not any(mark.kind == "spike" for mark in found.marks), "it looks again after a while alone"
    found.refresh(version_of([Recording(growing.folder)]), 99.0)
    assert [mark.step for mark in found.marks if mark.kind == "spike"] == [301]


class Failing:
    def reads(self, subject):
        return ("loss",)

    def init(self, subject):
        return None

    def update(self, state, steps, *samples):
        raise ZeroDivisionError("division by zero")


def test_a_detector_that_fails_is_left_out_and_said(tmp_path, monkeypatch):
    from dynviz.detection import scan

    recording = spiked(tmp_path / "run" / "sgd")
    whole = scan.load
    monkeypatch.setattr(scan, "load", lambda names: {"rank": Failing()} if names == ["rank"] else whole(names))
    found = EventScan([recording])
    found.refresh(version_of([recording]), 0.0)
    assert found.failures == {"rank": "ZeroDivisionError: division by zero"}
    assert "spike" in {mark.kind for mark in found.marks}
    with pytest.raises(ZeroDivisionError):
        Scan([recording], {"rank": Failing()}).advance()


def test_damaged_events_are_no_reason_to_show_nothing(tmp_path):
    recording = spiked(tmp_path / "run" / "sgd")
    (recording.folder / "events.jsonl").write_text("nonsense\n")
    found = EventScan([recording])
    found.refresh(version_of([recording]), 0.0)
    assert found.marks == ()
    assert "is damaged" in found.failures[""]


def occurrence(step, kind="spike", lane=0, since=None, **more):
    return Occurrence(step=step, recording=0, lane=lane, kind=kind, since=step - 1 if since is None else since, **more)


def test_events_are_put_into_words(tmp_path):
    recording = recorded.voronoi(tmp_path / "adamw", lanes=3)
    found = [
        occurrence(500, value=3.2, since=400, lane=1),
        occurrence(20, "dead-center", words="2 of 40"),
        occurrence(30, "changed", words="lr 0.1 to 0.2"),
        *(occurrence(30, "changed", lane, words="eps 1 to 2") for lane in range(3)),
        occurrence(40, "crossed", 0, other=(0, 2)),
    ]
    assert [mark.text for mark in event_marks(found, [recording])] == [
        "dead center, 2 of 40 at step 20 (adamw, seed 42)",
        "changed lr 0.1 to 0.2 at step 30 (adamw, seed 42)",
        "changed eps 1 to 2 at step 30 (adamw)",
        "crossed, ahead of adamw, seed 44 at step 40 (adamw, seed 42)",
        "spike 3.2 between steps 400 and 500 (adamw, seed 43)",
    ]


def test_kinds_that_are_frequent_are_a_density_and_no_key_stops_at_them():
    many = [EventMark(step, f"period 2 at step {step}", "period-2") for step in range(0, 600, 2)]
    events = EventList((*many, EventMark(700, "spike at step 700", "spike")))
    steps = np.arange(1000)
    assert events.beside(steps, 10, after=True) == 700
    assert events.at(steps, 20) == "period 2 at step 20"
    assert (len(events.single), len(events.dense)) == (1, 300)
    row = layout(60, TimelineState(0, 999, 999, events=events.single, dense=events.dense))
    text = "".join(word.text for word in row)
    assert text.count("◆") == 1
    assert text.count("▇") > 20
    assert len(events.hiding({"period-2"}).dense) == 0


def test_an_event_between_two_steps_of_a_film_is_seen_at_the_next_and_passed_by_the_key():
    events = EventList((EventMark(13, "spike at step 13", "spike"), EventMark(40, "spike at step 40", "spike")))
    steps = np.arange(0, 101, 10)
    assert seen_at(steps, events.steps).tolist() == [20, 40]
    assert [events.beside(steps, step, after=True) for step in (0, 20, 40)] == [20, 40, None]
    assert events.at(steps, 20) == "spike at step 13"
    assert events.beside(steps, 40, after=False) == 20
