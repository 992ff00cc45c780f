"""Processes that do the jobs of a sweep; another kind of pool needs the same four methods."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, TypeAlias

from dynviz.errors import DynvizError
from dynviz.recording.disk import Folder
from dynviz.sweeps.jobs import Job, Settings
from dynviz.sweeps.work import to_line

CODE = (
    "import json, sys; given = json.loads(sys.stdin.buffer.readline()); sys.path[:] = given['path']; "
    "from pathlib import Path; from dynviz.sweeps import jobs, work; "
    "given['settings']['record'] = tuple(given['settings']['record']); "
    "work.live(Path(given['folder']), jobs.Settings(**given['settings']), given['trust'])"
)
LOG = "workers.log"
"""What the processes print: warnings of a scenario, and the last words of one that crashed."""
PATIENCE = 10.0
"""Seconds that processes have to end cleanly once they were asked to."""
GLANCE = 0.2
"""Seconds after which a caller gets to think again."""
DEATHS = 2
"""So many processes may die of a job before it counts as failed."""

Kind: TypeAlias = Literal["moved", "restarted", "finished", "failed", "stopped"]


@dataclass(frozen=True)
class JobReport:
    """Something that a job came to.

    Attributes:
        job: Which.
        kind: What: it moved on, its process died and another one takes it up, or it ended.
        step: How far it is.
        steps: How long it is meant to be.
        loss: The mean of its lanes' losses.
        message: Why it failed.
    """

    job: Job
    kind: Kind
    step: int = 0
    steps: int = 0
    loss: float = float("nan")
    message: str = ""


class Pool(Protocol):
    """Who does jobs: processes here, or elsewhere."""

    def submit(self, job: Job) -> None:
        """Take a job."""
        ...

    def results(self) -> Iterator[JobReport | None]:
        """What the jobs come to, until all have ended; None now and then while nothing happens."""
        ...

    def stop(self) -> None:
        """Begin no further job, and ask those that are begun to stop where they can be gone on with."""
        ...

    def close(self) -> None:
        """Let go of everything, at once."""
        ...


@dataclass(eq=False)
class _Worker:
    process: "subprocess.Popen[bytes]"
    job: Job | None = None
    heard: bytes = b""
    leaves: bool = False

    @property
    def ear(self) -> int:
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def ask(self, line: bytes) -> None:
        assert self.process.stdin is not None
        # One that died is seen by the end of what it says.
        with suppress(BrokenPipeError):
            self.process.stdin.write(line)
            self.process.stdin.flush()


@dataclass
class ProcessPool:
    """Processes of this machine, each with one thread and one job at a time.

    They are plain Python processes with two pipes, and not `multiprocessing`, which would import the caller's script
    again. When the sweep is killed their pipes end, and they stop at a checkpoint. A process that dies is replaced,
    and the next one goes on with its job.

    Attributes:
        folder: The sweep's.
        settings: What all jobs share.
        count: Of processes at most.
        trust: Files and import paths of the user's own that may be run, see `dynviz.plugins.trust`.
    """

    folder: Path
    settings: Settings
    count: int
    trust: tuple[str, ...] = ()
    _waiting: deque[Job] = field(default_factory=deque)
    _workers: list[_Worker] = field(default_factory=list)
    _deaths: Counter[str] = field(default_factory=Counter)
    _ears: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _stopped: float | None = None

    def submit(self, job: Job) -> None:
        self._waiting.append(job)

    def results(self) -> Iterator[JobReport | None]:
        while self._waiting or self._workers:
            self._employ()
            for key, _ in self._ears.select(GLANCE):
                yield from self._hear(key.data)
            if self._stopped is not None and time.monotonic() > self._stopped + PATIENCE:
                self._kill()
            yield None

    def stop(self) -> None:
        if self._stopped is not None:
            self._kill()
            return
        self._stopped = time.monotonic()
        self._waiting.clear()
        for worker in self._workers:
            worker.process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        self._waiting.clear()
        self._kill()
        for worker in list(self._workers):
            self._bury(worker)
        self._ears.close()

    def _employ(self) -> None:
        """Give what waits to who is idle, to new processes while there may be more; send home who has nothing to do."""
        for worker in self._workers:
            if worker.job is None and not worker.leaves:
                self._ask(worker)
        while self._waiting and len(self._workers) < self.count:
            self._ask(self._start())

    def _ask(self, worker: _Worker) -> None:
        if self._waiting:
            worker.job = self._waiting.popleft()
            worker.ask(to_line(worker.job))
        elif worker.process.stdin is not None:
            worker.leaves = True
            with suppress(BrokenPipeError):
                worker.process.stdin.close()

    def _start(self) -> _Worker:
        try:
            with self._log() as log:
                process = subprocess.Popen(
                    [sys.executable, "-X", "faulthandler", "-c", CODE],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    # Ctrl-C is for the sweep, which tells its processes.
                    start_new_session=True,
                )
        except OSError as error:
            raise DynvizError(f"cannot start a process that trains: {error.strerror or error}") from error
        worker = _Worker(process)
        given: dict[str, Any] = {"path": sys.path, "folder": str(self.folder)}
        given |= {"settings": asdict(self.settings), "trust": self.trust}
        worker.ask(json.dumps(given).encode() + b"\n")
        self._workers.append(worker)
        self._ears.register(worker.ear, selectors.EVENT_READ, worker)
        return worker

    def _log(self) -> BinaryIO:
        with Folder(self.folder) as folder:
            return os.fdopen(folder.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab")

    def _hear(self, worker: _Worker) -> Iterator[JobReport]:
        data = os.read(worker.ear, 1 << 16)
        if not data:
            yield from self._lost(worker)
            return
        *lines, worker.heard = (worker.heard + data).split(b"\n")
        for line in lines:
            job = worker.job
            assert job is not None
            said = json.loads(line)
            worker.leaves = said.pop("leaves", False)
            report = JobReport(job, **said)
            if report.kind != "moved":
                worker.job = None
            yield report

    def _lost(self, worker: _Worker) -> Iterator[JobReport]:
        """A process ended: well, or in the midst of its job."""
        code = self._bury(worker)
        job = worker.job
        if job is None:
            return
        self._deaths[job.name] += 1
        if self._stopped is not None:
            yield JobReport(job, "stopped")
        elif self._deaths[job.name] < DEATHS:
            self._waiting.appendleft(job)
            yield JobReport(job, "restarted")
        else:
            why = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            yield JobReport(
                job, "failed", message=f"its process died ({why}), twice; is the memory short? try --memory"
            )

    def _bury(self, worker: _Worker) -> int:
        self._workers.remove(worker)
        self._ears.unregister(worker.ear)
        for pipe in (worker.process.stdin, worker.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        return worker.process.wait()

    def _kill(self) -> None:
        for worker in self._workers:
            worker.process.kill()
