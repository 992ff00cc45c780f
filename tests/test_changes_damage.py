"""Changes and requests that were lost, altered, added or put there by somebody else."""

import errno
import json
import os
import shutil
from pathlib import Path
from random import Random

import numpy as np
import pytest

import dynviz
from dynviz.detection import scan
from dynviz.errors import DynvizError
from dynviz.recording import changes, changes_file
from dynviz.recording.changes import Change, Request, RequestReader
from dynviz.recording.disk import Folder
from dynviz.training.forking import fork
from dynviz.training.session import SilentProgress
from tests.test_changes import changed, setting
from tests.test_check import check, flip
from tests.test_fork import WELL, same

LOG = "adam/changes.jsonl"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished run with two changes."""
    run = tmp_path_factory.mktemp("changed") / "run"
    changed(run, "adam", setting(3e-3, at=70), setting(0.02, at=90), steps=120)
    assert len(changes.load(run / "adam")) == 2
    return run


@pytest.fixture
def run(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "run"))


def refused_everywhere(run, words):
    """That a run is neither gone on with nor forked."""
    before = (run / "adam/run.json").read_bytes()
    with pytest.raises(DynvizError, match=words):
        dynviz.resume(run, steps=150)
    with pytest.raises(DynvizError, match=words):
        fork(run, at=100, out=run.with_name("fork"))
    assert (run / "adam/run.json").read_bytes() == before
    assert not run.with_name("fork").exists()


def test_every_flipped_bit_of_changes_is_found_and_nothing_is_built_on_it(run):
    assert check(run)[0] == 0
    file = run / LOG
    good = file.read_bytes()
    for place in Random(1).sample(range(8 * len(good)), 40):
        file.write_bytes(good)
        flip(file, place)
        bad = file.read_bytes()
        assert check(run, "--mend")[0] == 1, place
        with pytest.raises(DynvizError):
            dynviz.resume(run, steps=150)
        assert file.read_bytes() == bad
    refused_everywhere(run, "is not what was written|is damaged")


@pytest.mark.parametrize("harm", [lambda file: file.unlink(), lambda file: os.truncate(file, 150)])
def test_a_lost_change_is_found_and_nothing_is_built_on_it(run, harm):
    harm(run / LOG)
    status, words = check(run, "--mend")
    assert status == 1
    assert "a change from before step 120 is lost or altered" in words
    assert "cannot be repaired" in words
    refused_everywhere(run, "is lost or altered; put back a copy")


def test_a_change_that_is_added_later_has_the_steps_from_it_on_made_again(run, tmp_path):
    with (run / LOG).open("ab") as file:
        file.write(Change(step=50, name="lr", new=0.05).line())
    longer = dynviz.resume(run, steps=150)["adam"]
    straight = dynviz.run(WELL, "adam", steps=150, changes=run / LOG, out=tmp_path / "straight", record="lr:every=1")
    same(longer, straight["adam"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(step=119, name="nonsense", new=1.0), "has no nonsense"),
        (Change(step=119, name="lr", new=1.0, lane=7), "there is no lane 7"),
        (Change(step=119, name="lr", new=float("nan")), "lr"),
        (Change(step=119, name="lr", new=-1.0), "out of range"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_before_anything_is_written(run, change, words):
    with (run / LOG).open("ab") as file:
        file.write(change.line())
    refused_everywhere(run, words)


def test_a_change_of_a_lane_that_is_not_there_is_damage(run):
    with (run / LOG).open("ab") as file:
        file.write(Change(step=119, name="lr", new=1.0, lane=7).line())
    with pytest.raises(DynvizError, match="a change of lane 7, and the recording has lanes 0 to 0"):
        dynviz.open(run)["adam"].changes()


def test_a_change_that_is_due_before_another_one_is_seen_once_and_in_time(run):
    watch = scan.Scan([dynviz.open(run)["adam"]], {})
    seen = []
    for step in (500, 110):
        with (run / LOG).open("ab") as file:
            file.write(Change(step=step, name="lr", new=0.5).line())
        seen.append([(each.step, each.kind) for each in watch.advance()])
    assert seen == [[(70, "changed"), (90, "changed")], [(110, "changed")]]


def test_numbers_that_json_has_not_are_written_as_words(tmp_path):
    line = Change(step=1, name="lr", new=float("inf")).line()
    assert json.loads(line, parse_constant=pytest.fail)["new"] == "Infinity"
    (tmp_path / "changes.jsonl").write_bytes(line)
    assert changes.load(tmp_path)[0].new == float("inf")


def test_a_fork_copies_no_samples_that_are_not_what_was_written(run):
    flip(run / "adam/channels/position.npy", 8 * 300)
    with pytest.raises(DynvizError, match="position differs at step"):
        fork(run, at=119, out=run.with_name("fork"))
    assert not run.with_name("fork").exists()


def test_what_is_asked_after_half_a_line_is_heard(tmp_path):
    heard = RequestReader(tmp_path)
    (tmp_path / "requests.jsonl").write_bytes(b'{"action": "set", "na')
    assert changes.ask(tmp_path, setting(0.1)) == 1
    assert heard.new() == [(1, setting(0.1))]


def test_zeros_that_a_power_loss_left_hide_no_later_request(tmp_path):
    (tmp_path / "requests.jsonl").write_bytes(bytes(512))
    number = changes.ask(tmp_path, setting(0.1))
    assert RequestReader(tmp_path).new() == [(number, setting(0.1))]


def test_a_number_is_never_given_twice_when_the_requests_were_lost(tmp_path):
    heard = RequestReader(tmp_path)
    for action in ("set", "pause", "continue"):
        changes.ask(tmp_path, Request(action=action))
    assert len(heard.new()) == 3
    (tmp_path / "changes.jsonl").write_bytes(Change(step=1, name="lr", new=0.1, request=1).line())
    (tmp_path / "requests.jsonl").unlink()
    assert heard.new() == []
    assert changes.ask(tmp_path, setting(0.2)) == 2
    assert heard.new() == [(2, setting(0.2))]


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_shorter_file_of_requests_makes_none_of_them_count_again(kept, tmp_path):
    heard, file = RequestReader(tmp_path), tmp_path / "requests.jsonl"
    asked = [Request(action=action) for action in ("pause", "continue", "stop")]
    for request in asked:
        changes.ask(tmp_path, request)
    assert len(heard.new()) == 3
    shorter = b"".join(request.line() for request in asked[:kept])
    file.with_suffix(".new").write_bytes(shorter)
    file.with_suffix(".new").rename(file)
    assert heard.new() == []
    changes.ask(tmp_path, Request(action="step"))
    assert heard.new() == [(kept, Request(action="step"))]
    os.truncate(file, len(asked[0].line()) * (kept > 0))
    assert heard.new() == []


def test_a_full_disk_leaves_no_half_of_a_request(tmp_path, monkeypatch):
    changes.ask(tmp_path, setting(0.1))
    before = (tmp_path / "requests.jsonl").read_bytes()
    real = os.pwrite

    def full(fd, data, offset):
        if offset > len(before):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data[:10], offset)

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(DynvizError, match="No space left"):
            changes.ask(tmp_path, setting(0.2))
    assert (tmp_path / "requests.jsonl").read_bytes() == before


INSTEAD = {
    "a pipe": os.mkfifo,
    "a folder": os.mkdir,
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a file of 2 GB": lambda path: (path.touch(), os.truncate(path, 1 << 31)),
    "numbers of many digits": lambda path: path.write_text(f'{{"action": "set", "value": {"9" * 9999}}}\n'),
    "deep lists": lambda path: path.write_text("[" * 99_999 + "\n"),
    "no end": lambda path: path.write_text('{"action": "stop"}'),
}


@pytest.mark.parametrize("make", INSTEAD.values(), ids=INSTEAD)
def test_what_is_no_request_is_neither_waited_for_nor_heeded(make, tmp_path):
    make(tmp_path / "requests.jsonl")
    assert RequestReader(tmp_path).new() == []


@pytest.mark.parametrize("name", ["a pipe", "a folder", "a link to a device", "a link to itself", "a file of 2 GB"])
def test_nothing_is_asked_through_what_is_no_file_of_requests(name, tmp_path):
    INSTEAD[name](tmp_path / "requests.jsonl")
    before = os.lstat(tmp_path / "requests.jsonl")
    with pytest.raises(DynvizError):
        changes.ask(tmp_path, setting(0.1))
    assert os.lstat(tmp_path / "requests.jsonl") == before


@pytest.mark.parametrize("name", ["a pipe", "a folder", "a link to a device", "a file of 2 GB", "deep lists"])
def test_changes_that_are_none_are_one_line(name, run):
    (run / LOG).unlink()
    INSTEAD[name](run / LOG)
    with pytest.raises(DynvizError):
        dynviz.open(run)["adam"].changes()
    assert check(run)[0] == 1
    np.testing.assert_array_equal(len(dynviz.open(run)["adam"]["loss"]), 121)
    refused_everywhere(run, "changes.jsonl")


class Asking(SilentProgress):
    """Asks for a change once training has begun, and puts something in the place of the file of changes."""

    def __init__(self, folder, make):
        self.folder, self.make = folder, make
        self.heard = []
        self.last = 0

    def does(self, words):
        self.heard.append(words)

    def move(self, label, step, loss, steps):
        if not self.last:
            changes.ask(self.folder, setting(0.5))
            self.make(self.folder / "changes.jsonl")
        self.last = step


@pytest.mark.parametrize("name", ["a folder", "a pipe", "a link to a device", "a link to itself"])
def test_a_change_that_cannot_be_recorded_is_refused_and_the_training_goes_on(name, tmp_path):
    progress = Asking(tmp_path / "run/adam", INSTEAD[name])
    dynviz.run(WELL, "adam", steps=300, out=tmp_path / "run", progress=progress)
    straight = dynviz.run(WELL, "adam", steps=300, out=tmp_path / "straight")
    assert progress.last == 300
    (words,) = progress.heard
    assert words.startswith("adam: lr was not changed: ")
    assert "changes.jsonl" in words
    recording = dynviz.open(tmp_path / "run/adam")
    assert recording.status == "finished"
    np.testing.assert_array_equal(recording["loss"], straight["adam"]["loss"])


def test_a_change_whose_line_may_not_be_on_the_disk_is_taken_back(tmp_path, monkeypatch):
    def fails(descriptor):
        raise OSError(errno.EIO, "Input/output error")

    with Folder(tmp_path) as folder:
        log = changes_file.ChangeLog(folder)
        log.append(Change(step=1, name="lr", new=0.1))
        monkeypatch.setattr(changes_file, "sync_file", fails)
        with pytest.raises(DynvizError, match="Input/output error"):
            log.append(Change(step=2, name="lr", new=0.2))
    assert [change.step for change in changes.load(tmp_path)] == [1]
