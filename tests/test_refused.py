"""Commands that are refused change nothing: no name, byte, mode or time in any folder."""

import fcntl
import json
import os
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

import dynviz
from dynviz import training
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.recording import Writer
from dynviz.recording import open as open_run
from dynviz.recording.arrays import write_npz
from dynviz.recording.channel import GrowingChannel
from dynviz.training.trainer import Trainer
from tests.test_same_bytes import fingerprints, numbers

BOOTH = "surface:f=booth,grid=8"
EVERY = ["parameters:every=2", "gradient:every=5"]
"""Channels that lose a sample when a run of seven steps becomes longer."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of two optimizers, one that records no parameters, and a sweep."""
    folder = tmp_path_factory.mktemp("trained")
    dynviz.run(BOOTH, ["adam", "sgd"], steps=7, record=EVERY, out=folder / "run")
    dynviz.run(BOOTH, "torch.optim.Adam", steps=7, record=EVERY, out=folder / "torch")
    dynviz.run("landscape:model=mlp,data=shapes", "sgd", steps=2, record="parameters", out=folder / "with")
    dynviz.run("landscape:model=mlp,data=shapes", "sgd", steps=2, out=folder / "without")
    command("sweep", BOOTH, "-o", "adam:lr=[.1,.2]", "--steps", 3, "--jobs", 1, "--out", folder / "sweep")
    return folder


@pytest.fixture
def here(trained, tmp_path, monkeypatch):
    shutil.copytree(trained, tmp_path / "here", symlinks=True)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def command(*words):
    return CliRunner().invoke(commands, list(map(str, words)))


def state(folder):
    """All that there is to know of a folder: names, modes, times, bytes."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        about = path.lstat()
        data = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (about.st_mode, about.st_mtime_ns, about.st_ino, data)
    return found


def refused(here, *words):
    """The message of a command that is refused and has changed nothing."""
    before = state(here)
    done = command(*words)
    assert done.exit_code != 0, done.output
    assert isinstance(done.exception, (SystemExit, DynvizError)), done.exception
    after = state(here)
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == set()
    return f"{done.output}{done.exception}"


def cut_header(folder):
    path = folder / "channels/loss.npy"
    path.write_bytes(b"\x93NUMPX" + path.read_bytes()[6:])


def lose_channel(folder):
    (folder / "channels/loss.npy").unlink()


def spoil_events(folder):
    (folder / "events.jsonl").write_text("no event\n")


def other_optimizer(folder):
    tree = json.loads((folder / "run.json").read_text())
    tree["optimizer"] |= {"name": "nonsense"}
    (folder / "run.json").write_text(json.dumps(tree))


def other_device(folder):
    tree = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(tree | {"device": "cuda:7"}))


def future(folder):
    tree = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(tree | {"format": 99}))


def other_state(folder):
    """Checkpoints of a network of another size."""
    for path in (folder / "checkpoints").iterdir():
        with np.load(path) as arrays:
            found = dict(arrays)
        found = {name: np.zeros(9, value.dtype) if value.shape == (2,) else value for name, value in found.items()}
        path.write_bytes(write_npz(found))


DAMAGES = [cut_header, lose_channel, spoil_events, other_optimizer, other_device, future, other_state]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_run_is_not_made_longer_when_one_of_its_recordings_cannot_be(here, damage):
    damage(here / "run/sgd")
    refused(here, "run", "--resume", "run", "--steps", 15, "--headless")
    refused(here, "run", "--resume", "run/sgd", "--steps", 15, "--headless")


@pytest.mark.parametrize("damage", DAMAGES[:-1], ids=lambda damage: damage.__name__)
def test_a_run_is_not_forked_when_one_of_its_recordings_cannot_be(here, damage):
    damage(here / "run/sgd")
    refused(here, "fork", "run", "--at", 5, "--steps", 15, "--headless")
    refused(here, "fork", "run/sgd", "--at", 5, "--steps", 15, "--headless")


def test_a_recording_of_torchs_kind_with_a_strange_checkpoint_is_refused(here):
    other_state(here / "torch/torch.optim.Adam")
    assert "does not belong to this optimizer" in refused(here, "run", "--resume", "torch", "--steps", 15, "--headless")


def test_a_run_that_is_being_written_is_refused(here):
    for held in ("run/adam", "run/sgd"):
        with (here / held / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert "being written" in refused(here, "run", "--resume", "run", "--steps", 15, "--headless")


def test_a_writer_that_comes_at_the_last_moment_leaves_the_others_as_they_are(here, monkeypatch):
    claim = Writer.claim

    def taken(folder, **options):
        if folder.name == "sgd":
            raise DynvizError("taken")
        return claim(folder, **options)

    monkeypatch.setattr(Writer, "claim", taken)
    assert "taken" in refused(here, "run", "--resume", "run", "--steps", 15, "--headless")


@pytest.mark.parametrize("place", ["run/sgd", "run/sgd/channels", "run/sgd/checkpoints"])
def test_a_folder_that_cannot_be_written_is_refused(here, monkeypatch, place):
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != place and access(path, mode))
    assert f"cannot write {place}: Permission denied" in refused(
        here, "run", "--resume", "run", "--steps", 15, "--headless"
    )


REFUSED = [
    "run --resume run --headless",
    "run --resume run --steps 5 --headless",
    "run --resume run@0 --steps 15 --headless",
    "run --resume nowhere --headless",
    "run --resume . --headless",
    "run surface:f=booth -o adam --out run --headless",
    "run surface:f=booth -o nonsense --headless",
    "run surface:f=booth -o adam:lr=x --headless",
    "run surface:f=booth -o adam --record nothing --headless",
    "run surface:f=booth -o adam --changes nowhere --headless",
    "run surface:f=booth -o adam --changes run/adam/run.json --headless",
    "fork run --at 8 --headless",
    "fork run --at 7 --headless",
    "fork run --at 3 --steps 3 --headless",
    "fork run --at 3 --out run --headless",
    "fork run --at 3 -o nonsense --headless",
    "fork run --at 3 -o adam:lr=x --headless",
    "fork run --at 3 --set nonsense=1 --headless",
    "fork run --at 3 --set lr=x --headless",
    "fork run --at 3 --set lr=-1 --headless",
    "fork run --at 3 --set lr --headless",
    "fork run --at 3 --set lr=log(1e-3,1e-1,99999999) --headless",
    "fork run@9 --at 3 --headless",
    "fork nowhere --at 3 --headless",
    "set run lr=0.1",
    "set run/adam lr=nan",
    "set run lr",
    "set nowhere lr=0.1",
    "events run --kind nonsense",
    "events run --expect nonsense>",
    "events run --forbid forked --expect spike>=9",
    "events nowhere",
    "check nowhere",
    "sweep --resume run",
    "sweep --resume nowhere",
    "sweep surface:f=booth -o adam:lr=[.1,.2] --out sweep",
    "sweep surface:f=nonsense -o adam:lr=[.1,.2]",
    "export run run/nowhere/out.png",
    "export run out.nonsense",
    "export run out.gif --view nonsense",
    "export nowhere out.gif",
    "project with without",
    "project with --of nonsense",
    "project with --name ../other",
    "project run/adam@7",
    "sharpness with without",
    "sharpness with --of nonsense",
    "compare surface:f=nonsense -o adam",
    "compare surface:f=booth -o adam --out run",
    "compare surface:f=booth -o nonsense",
    "show run --view nonsense",
    "show nowhere",
    "show run@9",
    "play nowhere",
    "play run@9",
]


@pytest.mark.parametrize("words", REFUSED)
def test_a_refused_command_changes_nothing(here, words):
    assert refused(here, *words.split())


def test_a_sweep_that_another_process_works_on_is_refused(here):
    with (here / "sweep/lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(here, "sweep", "--resume", "sweep")


def test_reading_commands_change_nothing(here):
    before = state(here)
    for words in (
        "events run",
        "check run",
        "show run --text",
        "show sweep",
        "list",
        "list runs",
        "export run /dev/null --view curves",
    ):
        command(*words.split())
    assert state(here) == before


class Killed(BaseException):
    pass


@pytest.mark.parametrize("calls", range(12))
def test_a_run_that_is_killed_while_it_is_made_longer_comes_to_the_same_bytes(here, tmp_path, monkeypatch, calls):
    """Each write of the lengthening in turn is the last one."""
    straight = dynviz.run(BOOTH, ["adam", "sgd"], steps=15, record=EVERY, out=tmp_path / "straight")
    left = [calls]

    def last(call):
        def wrapped(*arguments, **options):
            if not left[0]:
                raise Killed
            left[0] -= 1
            return call(*arguments, **options)

        return wrapped

    with monkeypatch.context() as patched:
        for place, name in ((Writer, "_save"), (GrowingChannel, "cut"), (Trainer, "advance")):
            patched.setattr(place, name, last(getattr(place, name)))
        with pytest.raises(Killed):
            training.resume("run", steps=15)
    open_run("run")
    training.resume("run", steps=15)
    assert numbers(fingerprints(here / "run")) == numbers(fingerprints(straight.folder))
