"""Power that is lost at any moment: what is left opens, and comes to the bytes of a run that never lost it."""

import shutil
from pathlib import Path
from random import Random

import pytest

import dynviz
from dynviz import DynvizError
from dynviz.recording import changes, staging
from dynviz.recording.changes import Change, Request
from dynviz.training.session import SilentProgress
from tests.power import Disk, Name

BOWL = str(Path(__file__).parent / "files" / "bowl.py")
STEPS, LONGER, LONGEST_LOSS = 60, 90, 20
RECORD = {"seeds": "0:2", "record": "parameters"}
CHANGE = Change(step=25, name="lr", new=0.05)


class Asks(SilentProgress):
    """Asks for a change as soon as a run begins."""

    def begin(self, folder, recordings, steps_done):
        request = Request(action="set", name=CHANGE.name, value=CHANGE.new, at=CHANGE.step)
        changes.ask(folder / "sgd", request)


class Begun(SilentProgress):
    """Hears from which step a run goes on."""

    def begin(self, folder, recordings, steps_done):
        self.steps = list(steps_done)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """What a short run, and its lengthening, do to the disk."""
    place = tmp_path_factory.mktemp("power")
    disk = Disk(place)
    with pytest.MonkeyPatch.context() as patch:
        disk.record(patch)
        dynviz.run(BOWL, "sgd:lr=10", steps=STEPS, out=place / "run", progress=Asks(), **RECORD)
        disk.first = len(disk.log)
        dynviz.resume(place / "run", steps=LONGER, trust="/")
    return disk


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The bytes of runs that nothing happened to, by their length and whether the change is one of them."""
    place = tmp_path_factory.mktemp("straight")
    file = place / "changes.jsonl"
    file.write_bytes(CHANGE.line())
    found = {}
    for steps in (STEPS, LONGER):
        for changed in (False, True):
            run = place / f"{steps}-{changed}"
            dynviz.run(BOWL, "sgd:lr=10", steps=steps, out=run, changes=file if changed else None, **RECORD)
            found[steps, changed] = content(run)
    return found


def content(run):
    """Its numbers and events."""
    files = [*(run / "sgd/channels").iterdir(), run / "sgd/events.jsonl"]
    return {path.name: path.read_bytes() for path in files if path.suffix in {".npy", ".jsonl"}}


def opens(run):
    """Whether there is a run; one that is there can be read."""
    if not run.exists():
        return False
    recording = dynviz.open(run)["sgd"]
    assert all(len(recording[name]) >= 0 for name in recording.channels)
    recording.events()
    recording.changes()
    assert recording.missing is not None
    return True


def checkpoint_on_disk(disk, end):
    steps = {int(each.name[:-4]) for each in disk.log[:end] if isinstance(each, Name) and each.name.endswith(".npz")}
    return max((step for step in steps if disk.synced(end, f"{step}.npz")), default=0)


def test_what_is_on_the_disk_opens_after_every_operation(recorded, tmp_path):
    known = [False]
    for end in range(len(recorded.log) + 1):
        place = tmp_path / str(end)
        recorded.crash(end, place, None)
        known.append(opens(place / "run"))
        shutil.rmtree(place)
    # Once it is there it stays.
    assert known == sorted(known)
    assert known[-1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_whatever_a_power_loss_leaves_comes_to_the_same_bytes(recorded, straight, tmp_path, seed):
    random = Random(seed)
    for number in range(50):
        end = random.randint(0, len(recorded.log))
        run = tmp_path / str(number) / "run"
        recorded.crash(end, run.parent, random)
        if not opens(run):
            assert checkpoint_on_disk(recorded, end) == 0
            continue
        total = dynviz.open(run)["sgd"].total
        assert total == STEPS or end > recorded.first
        if dynviz.open(run)["sgd"].status != "finished":
            begun = Begun()
            dynviz.resume(run, progress=begun, trust="/")
            # The last checkpoint of a run does not hold its last sample, and the one before is gone on from.
            assert begun.steps[0] >= min(checkpoint_on_disk(recorded, end), total - LONGEST_LOSS)
        # What was asked for and not written down yet may be lost.
        assert content(run) == straight[total, bool(changes.load(run / "sgd"))]


def test_a_folder_that_is_laid_out_is_there_whole_or_not_at_all(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    disk = Disk(place)
    with pytest.MonkeyPatch.context() as patch:
        disk.record(patch)
        with staging.beside(place / "sweep") as whole:
            from dynviz.recording.disk import replacing

            with replacing(whole / "sweep.json") as file:
                file.write(b"plan")
            staging.move(whole, [place / "sweep"])
    for end in range(len(disk.log) + 1):
        for seed in range(10):
            state = tmp_path / f"{end}-{seed}"
            disk.crash(end, state, Random(seed))
            if (state / "sweep").exists():
                assert (state / "sweep/sweep.json").read_bytes() == b"plan"


def test_a_run_that_lost_its_newest_samples_says_so_and_makes_them_again(tmp_path, straight):
    run = tmp_path / "run"
    dynviz.run(BOWL, "sgd:lr=10", steps=STEPS, out=run, **RECORD)
    loss = run / "sgd/channels/loss.npy"
    data = loss.read_bytes()
    loss.write_bytes(data[:-100])
    recording = dynviz.open(run)["sgd"]
    assert "of 61 samples are there" in recording.missing
    assert len(recording["loss"]) < 61
    # Zeros are no samples either: what a checkpoint stands on is compared with its checksum.
    loss.write_bytes(data[:-300] + bytes(300))
    dynviz.resume(run, steps=LONGER, trust="/")
    assert content(run) == straight[LONGER, False]


def test_events_that_end_in_zeros_are_read_up_to_them(tmp_path, straight):
    run = tmp_path / "run"
    dynviz.run(BOWL, "sgd:lr=10", steps=STEPS, out=run, **RECORD)
    before = dynviz.open(run)["sgd"].events()
    with (run / "sgd/events.jsonl").open("ab") as file:
        file.write(bytes(700))
    recording = dynviz.open(run)["sgd"]
    assert recording.events() == before
    assert recording.missing == "events.jsonl: ends in 700 bytes that are not events"
    dynviz.resume(run, steps=LONGER, trust="/")
    assert content(run) == straight[LONGER, False]


def test_an_error_in_the_background_is_raised_and_no_checkpoint_is_named(tmp_path, monkeypatch):
    def full(fd):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("dynviz.recording.writer.Background.sync", lambda self, fds: [full(fd) for fd in fds])
    with pytest.raises(DynvizError, match="Input/output error"):
        dynviz.run(BOWL, "sgd:lr=10", steps=STEPS, out=tmp_path / "run", **RECORD)
    assert not (tmp_path / "run").exists()
