"""A process that has others killed at random moments, and sees what they leave.

Everything is imported once, and each victim is forked, so that a kill costs what the victim did and no more. What is
left is looked at in a process of its own too. This one has no other thread when it forks, which a fork would lose.
"""

import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

import dynviz
from dynviz import training
from dynviz.animation.export import animate
from dynviz.projection.project import Wish, project
from dynviz.recorder import growing
from dynviz.recorder import launch as launching
from dynviz.recording import Run, changes, open_all
from dynviz.recording import open as open_run
from dynviz.recording import projections as stored
from dynviz.recording.lock import held
from dynviz.recording.metadata import Metadata
from dynviz.sweeps import launch
from dynviz.training import forking
from dynviz.training.session import SilentProgress
from tests.same_bytes import fingerprints

BOOTH = "surface:f=booth,grid=8"
FOUR = ["adam", "sgd", "lion", "signsgd"]
RECORD = ["parameters:every=3", "gradient:every=7"]
STEPS, SHORT = 32, 11


class Victim:
    """Something that is killed, and what must hold afterwards; both in the folder that `prepare` made."""

    def prepare(self, here: Path) -> None:
        """Make what is there before."""

    def act(self, here: Path) -> None:
        """Do what is killed."""
        raise NotImplementedError

    def check(self, here: Path, whole: Path) -> None:
        """See what is left, do it again, and compare with a folder in which nobody was killed."""
        raise NotImplementedError


def numbers(run: Path) -> dict[str, str]:
    """The channels and events of a run, or of a sweep's runs, without those that a killed process was laying out."""
    return {
        name: mark
        for name, mark in fingerprints(run).items()
        if ("channels" in name or "events" in name) and not name.startswith(".")
    }


def opens(run: Path) -> None:
    """Read everything in a run, as a player does."""
    for recording in Run(run).values():
        for name in recording.metadata.channels:
            assert len(recording[name]) == len(recording.steps(name))
        recording.events()
        standing = recording.status, recording.metadata.error
        assert standing[0] in {"killed", "finished", "interrupted"}, standing


def visible(here: Path) -> set[str]:
    return {path.name for path in here.iterdir() if not path.name.startswith(".")}


class Layout(Victim):
    """A run of four optimizers, from its layout to its end."""

    def act(self, here: Path) -> None:
        dynviz.run(BOOTH, FOUR, steps=STEPS, record=RECORD, out=here / "run")

    def check(self, here: Path, whole: Path) -> None:
        assert visible(here) <= {"run"}
        if (here / "run").exists():
            assert list(Run(here / "run")) == FOUR
            opens(here / "run")
            if any(recording.status != "finished" for recording in Run(here / "run").values()):
                training.resume(here / "run")
        else:
            self.act(here)
        assert numbers(here / "run") == numbers(whole / "run")


class Resume(Victim):
    """A run of two optimizers that is made longer."""

    def prepare(self, here: Path) -> None:
        dynviz.run(BOOTH, FOUR[:2], steps=SHORT, record=RECORD, out=here / "run")

    def act(self, here: Path) -> None:
        training.resume(here / "run", steps=STEPS)

    def check(self, here: Path, whole: Path) -> None:
        opens(here / "run")
        if {recording.total for recording in Run(here / "run").values()} == {SHORT}:
            training.resume(here / "run", steps=STEPS)
        elif any(recording.status != "finished" for recording in Run(here / "run").values()):
            training.resume(here / "run")
        assert numbers(here / "run") == numbers(whole / "run")


class Fork(Victim):
    """A run that goes on from a step of another one, with something changed."""

    def prepare(self, here: Path) -> None:
        dynviz.run(BOOTH, FOUR[:2], steps=SHORT, record=RECORD, out=here / "run")

    def act(self, here: Path) -> None:
        forking.fork(here / "run", at=7, lr=0.02, steps=STEPS, out=here / "fork")

    def check(self, here: Path, whole: Path) -> None:
        assert visible(here) <= {"run", "fork"}
        if (here / "fork").exists():
            assert list(Run(here / "fork")) == FOUR[:2]
            opens(here / "fork")
            if any(recording.status != "finished" for recording in Run(here / "fork").values()):
                training.resume(here / "fork")
        else:
            self.act(here)
        assert numbers(here / "fork") == numbers(whole / "fork")
        assert fingerprints(here / "run") == fingerprints(whole / "run")


class Asking(SilentProgress):
    """Asks for another rate whenever some steps are done."""

    def begin(self, folder: Path, recordings: Sequence[Metadata], steps_done: Sequence[int]) -> None:
        self.folder, self.asked = folder / "adam", 0

    def move(self, label: str, step: int, loss: float, steps: int) -> None:
        if label == "adam" and self.asked < 8:
            self.asked += 1
            # Some are asked for ahead: those are known before they are made.
            at = step + 20 if self.asked % 3 == 0 and step + 20 < steps else None
            lane = None if self.asked % 2 else 1
            changes.ask(self.folder, changes.Request(action="set", name="lr", value=0.3 / self.asked, at=at, lane=lane))


class Changed(Victim):
    """A run whose rate is changed while it trains; killed between a request and the samples after it, for example."""

    def act(self, here: Path) -> None:
        dynviz.run(BOOTH, FOUR[:2], seeds="0:2", steps=500, record=RECORD, out=here / "run", progress=Asking())

    def check(self, here: Path, whole: Path) -> None:
        if not (here / "run").exists():
            return
        opens(here / "run")
        if any(recording.status != "finished" for recording in Run(here / "run").values()):
            training.resume(here / "run")
        # The other rule's rate was never changed, so the file is this one's alone.
        made = here / "run/adam/changes.jsonl"
        known = {"changes": made} if made.exists() else {}
        dynviz.run(BOOTH, "adam", seeds="0:2", steps=500, record=RECORD, out=here / "again", **known)
        run, again = (numbers(here / name / "adam") for name in ("run", "again"))
        assert run == again


class Script(Victim):
    """A loop of one's own that is recorded, with values that begin late and a length that is not known."""

    def act(self, here: Path) -> None:
        growing.FLUSH_SECONDS, growing.SYNC_SECONDS = 0.0, 0.0
        launching.FIRST_STEPS = 4
        torch.manual_seed(0)
        net = torch.nn.Linear(3, 2)
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
        with dynviz.record(net, optimizer, out=here / "run", every=2) as rec:
            for step in range(STEPS):
                loss = net(torch.ones(1, 3)).square().mean()
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
                rec(loss, **({"val_loss": step} if step > 8 else {}))

    def check(self, here: Path, whole: Path) -> None:
        assert visible(here) <= {"run"}
        # What describes a recording is written last, before the first sample.
        if not (here / "run/adamw/run.json").exists():
            return
        opens(here / "run")
        left, complete = (Run(here / "run")["adamw"] for here in (here, whole))
        assert not left.missing
        for name in left.channels:
            samples = left[name]
            if left.status == "killed" and name.startswith("term."):
                # Samples of the state after the last step come at the end alone.
                samples = samples[: len(complete[name]) - 1]
            assert np.array_equal(samples, complete[name][: len(samples)], equal_nan=True), name


class Sweep(Victim):
    """A sweep whose jobs are done two at a time, by processes that start anew as a user's do."""

    def act(self, here: Path) -> None:
        launch.sweep(BOOTH, ["adam:lr=[.1,.2]", *FOUR[1:]], seeds="0:2", steps=SHORT, out=here / "sweep", jobs=2)

    def check(self, here: Path, whole: Path) -> None:
        assert visible(here) <= {"sweep"}
        if (here / "sweep").exists():
            for run in (here / "sweep").iterdir():
                if run.is_dir() and not run.name.startswith("."):
                    opens(run)
            assert not launch.resume(here / "sweep", jobs=2).failed
        else:
            self.act(here)
        assert numbers(here / "sweep") == numbers(whole / "sweep")
        assert (here / "sweep/outcomes.csv").read_bytes() == (whole / "sweep/outcomes.csv").read_bytes()


class Projection(Victim):
    """A plane through the parameters of a run, which takes the place of another one."""

    def prepare(self, here: Path) -> None:
        dynviz.run(BOOTH, "adam", steps=SHORT, record=RECORD, out=here / "run")
        self._project(here, 4)

    def _project(self, here: Path, grid: int) -> None:
        (recording,) = open_all([here / "run"])
        project(recording, Wish("gaussian", grid=grid)).save(recording.folder, "plane")

    def act(self, here: Path) -> None:
        self._project(here, 5)

    def check(self, here: Path, whole: Path) -> None:
        assert len(stored.load(here / "run/adam", "plane").axes[0]) in {4, 5}
        assert stored.names(here / "run/adam") == ("plane",)
        opens(here / "run")
        self.act(here)
        assert fingerprints(here / "run") == fingerprints(whole / "run")


class Export(Victim):
    """An animation that takes the place of another file."""

    def prepare(self, here: Path) -> None:
        dynviz.run(BOOTH, "adam", steps=SHORT, record=RECORD, out=here / "run")
        (here / "out.gif").write_bytes(b"old")

    def act(self, here: Path) -> None:
        animate(open_all([here / "run"]), here / "out.gif", frames=4, size=(200, 160), workers=1)

    def check(self, here: Path, whole: Path) -> None:
        new = (whole / "out.gif").read_bytes()
        assert (here / "out.gif").read_bytes() in {b"old", new}
        self.act(here)
        assert (here / "out.gif").read_bytes() == new
        open_run(here / "run")


VICTIMS: dict[str, Callable[[], Victim]] = {
    each.__name__.lower(): each for each in (Layout, Resume, Fork, Changed, Script, Sweep, Projection, Export)
}


def fork(act: Callable[[], object]) -> int:
    """A process of its own that does something and ends, with 1 where it fails."""
    process = os.fork()
    if process:
        return process
    try:
        act()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(1)


def done(act: Callable[[], object]) -> None:
    """Have another process do something to its end."""
    if os.waitpid(fork(act), 0)[1]:
        sys.exit(1)


def wait_for_writers(here: Path) -> None:
    """Wait until processes that the victim had forked are gone too: they are killed with it, but not at once."""
    end = time.monotonic() + 10
    while any(held(path.parent) for path in here.rglob("lock")) and time.monotonic() < end:
        time.sleep(0.01)


def main(name: str, folder: Path, count: int) -> None:
    """Kill so many victims of a kind; those that come to their end before are checked too, and do not count."""
    victim, draw = VICTIMS[name](), random.Random(name)
    folder.mkdir()
    whole, before = folder / "whole", folder / "before"
    before.mkdir()
    # What is done first takes long, for much is imported late; so it is done here once, before anything is forked.
    torch.set_num_threads(1)
    victim.prepare(before)
    shutil.copytree(before, whole)
    victim.act(whole)
    shutil.copytree(before, folder / "timed")
    begun = time.monotonic()
    done(lambda: victim.act(folder / "timed"))
    length = time.monotonic() - begun
    killed = 0
    for number in range(3 * count):
        if killed == count:
            break
        here = folder / str(number)
        shutil.copytree(before, here)

        def act(here: Path = here) -> None:
            os.setsid()
            victim.act(here)

        process = fork(act)
        time.sleep(draw.uniform(0, length))
        for kill in (os.killpg, os.kill):
            try:
                kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        early = os.waitpid(process, 0)[1] == signal.SIGKILL
        killed += early
        # How long it takes changes with what else the machine does.
        length *= 1.01 if early else 0.9
        wait_for_writers(here)
        done(lambda here=here: victim.check(here, whole))
        shutil.rmtree(here)
    print(killed)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
