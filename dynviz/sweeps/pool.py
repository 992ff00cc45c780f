"""Processes that run the jobs of a sweep; another kind of pool needs the same four methods.

A Dask cluster on this machine could do the same, see `dynviz.sweeps.cluster_pool`, but takes over a second longer to
start: `import distributed` alone takes about one.
"""

import json
import os
import selectors
import signal
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, TypeAlias

from dynviz.frozen import frozen
from dynviz.process.child import Worker, ending
from dynviz.recording.disk import Folder
from dynviz.sweeps.jobs import Job, Settings
from dynviz.sweeps.work import to_line

LOG = "workers.log"
"""What the processes print: warnings of a scenario, and the last words of one that crashed."""
PATIENCE = 10.0
"""Seconds that processes have to end cleanly once they were asked to."""
GLANCE = 0.2
"""Seconds after which a caller gets to think again."""
DEATHS = 2
"""So many processes may die of a job before it counts as failed."""

Kind: TypeAlias = Literal["moved", "restarted", "finished", "failed", "stopped"]


@frozen
class JobReport:
    """A report on a job.

    Attributes:
        job: The job.
        kind: The kind of report: progress, a restart after its process died, or its end.
        step: The step that it has reached.
        steps: The planned number of steps.
        loss: The mean of its lanes' losses.
        message: Why it failed or was restarted.
    """

    job: Job
    kind: Kind
    step: int = 0
    steps: int = 0
    loss: float = float("nan")
    message: str = ""


class LostError(Exception):
    """What runs the jobs was lost; the sweep can be resumed with something else."""


class Pool(Protocol):
    """Runs jobs, in processes on this machine or elsewhere."""

    def submit(self, job: Job) -> None:
        """Submit a job."""
        ...

    def results(self) -> Iterator[JobReport | None]:
        """Reports on the jobs until all have ended; None at intervals while nothing happens.

        Raises:
            LostError: No job will end any more.
        """
        ...

    def stop(self) -> None:
        """Start no further jobs, and ask running ones to stop where they can be resumed."""
        ...

    def close(self) -> None:
        """Release everything immediately."""
        ...


@dataclass(eq=False)
class _Member:
    """A process of the pool: its job, the beginning of a line that it has not ended, whether it takes no more jobs."""

    worker: Worker
    device: str
    job: Job | None = None
    unread: bytes = b""
    leaves: bool = False


@dataclass
class ProcessPool:
    """Processes of this machine, each with one thread and one job at a time.

    When the sweep is killed their pipes end, and they stop at a checkpoint. A process that dies is replaced, and the
    next one goes on with its job.

    Attributes:
        folder: The folder of the sweep.
        settings: The settings that all jobs share.
        devices: The device of each process; as many processes run at the same time.
        trust: The user's own code that may run; see `dynviz.plugins.trust`.
    """

    folder: Path
    settings: Settings
    devices: tuple[str, ...]
    trust: tuple[str, ...] = ()
    _waiting: deque[Job] = field(default_factory=deque)
    _members: list[_Member] = field(default_factory=list)
    _deaths: Counter[str] = field(default_factory=Counter)
    _answers: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _stopped: float | None = None

    def submit(self, job: Job) -> None:
        self._waiting.append(job)

    def results(self) -> Iterator[JobReport | None]:
        while self._waiting or self._members:
            self._employ()
            for key, _ in self._answers.select(GLANCE):
                yield from self._read(key.data)
            if self._stopped is not None and time.monotonic() > self._stopped + PATIENCE:
                self._send(signal.SIGKILL)
            yield None

    def stop(self) -> None:
        if self._stopped is not None:
            self._send(signal.SIGKILL)
            return
        self._stopped = time.monotonic()
        self._waiting.clear()
        self._send(signal.SIGTERM)

    def close(self) -> None:
        self._waiting.clear()
        self._send(signal.SIGKILL)
        for member in list(self._members):
            self._remove(member)
        self._answers.close()

    def _employ(self) -> None:
        """Give what waits to who is idle, to new processes while there may be more; send home who has nothing to do."""
        for member in self._members:
            if member.job is None and not member.leaves:
                self._ask(member)
        while self._waiting and len(self._members) < len(self.devices):
            self._ask(self._start())

    def _ask(self, member: _Member) -> None:
        if self._waiting:
            member.job = self._waiting.popleft()
            member.worker.ask(to_line(member.job))
        else:
            member.leaves = True
            member.worker.hang_up()

    def _start(self) -> _Member:
        free = Counter(self.devices) - Counter(member.device for member in self._members)
        device = next(free.elements())
        settings = {**asdict(self.settings), "device": device}
        given: dict[str, Any] = {"folder": str(self.folder), "settings": settings, "trust": self.trust}
        with self._log() as log:
            member = _Member(Worker("dynviz.sweeps.work:work", given, "trains", stderr=log), device)
        self._members.append(member)
        self._answers.register(member.worker.answers, selectors.EVENT_READ, member)
        return member

    def _log(self) -> BinaryIO:
        with Folder(self.folder) as folder:
            return os.fdopen(folder.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab")

    def _read(self, member: _Member) -> Iterator[JobReport]:
        data = os.read(member.worker.answers.fileno(), 1 << 16)
        if not data:
            yield from self._ended(member)
            return
        *lines, member.unread = (member.unread + data).split(b"\n")
        for line in lines:
            job = member.job
            assert job is not None
            answer = json.loads(line)
            member.leaves = answer.pop("leaves", False)
            report = JobReport(job, **answer)
            if report.kind != "moved":
                member.job = None
            yield report

    def _ended(self, member: _Member) -> Iterator[JobReport]:
        """A process ended: well, or in the midst of its job."""
        code = self._remove(member)
        job = member.job
        if job is None:
            return
        self._deaths[job.name] += 1
        if self._stopped is not None:
            yield JobReport(job, "stopped")
        elif self._deaths[job.name] < DEATHS:
            self._waiting.appendleft(job)
            yield JobReport(job, "restarted", message="its process died")
        else:
            message = f"its process died twice ({ending(code)}); if memory is short, try a smaller --memory"
            yield JobReport(job, "failed", message=message)

    def _remove(self, member: _Member) -> int:
        self._members.remove(member)
        self._answers.unregister(member.worker.answers)
        return member.worker.close()

    def _send(self, number: signal.Signals) -> None:
        for member in self._members:
            member.worker.send(number)
