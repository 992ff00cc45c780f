"""What runs on the workers of a Dask cluster: jobs, and reading what they recorded.

Each job trains in a process that the worker starts, as in a pool on one machine: it has one thread, it can be asked to
stop, and if it crashes the worker goes on. If the worker dies, the process stops at its next checkpoint.
"""

import contextlib
import glob
import hashlib
import json
import os
import select
import shutil
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

from distributed import Worker as DaskWorker
from distributed import get_worker

from dynviz import __version__
from dynviz.errors import DynvizError
from dynviz.process.child import Worker, ending
from dynviz.recording import inputs, layout
from dynviz.recording.disk import Folder
from dynviz.recording.inputs import Input
from dynviz.sweeps.jobs import Job, code_of
from dynviz.sweeps.pool import LOG
from dynviz.sweeps.work import ERRORS, from_line

COMPUTING = ("torch", "numpy")
"""Packages whose versions a sweep's numbers depend on, beside dynviz."""
OFTEN = 1.0
"""Seconds between two messages about how far a job is, and between two looks whether anybody waits for it."""
IDLE = 60.0
"""Seconds after which a process without a job ends: its sweep may have been killed."""
MARKER = ".shared-"
"""The file in a sweep's folder, with a random name, that workers see who share its file system."""


class ProcessDiedError(DynvizError):
    """The process of a job died; Dask tries the job once more."""


def versions() -> dict[str, str]:
    """The versions of what computes a sweep's numbers."""
    return {"dynviz": __version__} | {name: metadata.version(name) for name in COMPUTING}


def different(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """The first version in which a worker differs, in words; empty if none does.

    >>> different({"dynviz": "1.0", "numpy": "2.1"}, {"dynviz": "1.0", "numpy": "2.0"})
    'has numpy 2.0, not 2.1 as here'
    """
    for name, version in here.items():
        if there.get(name) != version:
            return f"has {f'{name} {there[name]}' if there.get(name) else f'no {name}'}, not {version} as here"
    return ""


@dataclass(eq=False)
class _Child:
    """A process that trains, and the device that it trains on."""

    worker: Worker
    device: str
    leaving: threading.Timer | None = None


@dataclass(eq=False)
class _Crew:
    """The processes that one worker keeps for one sweep: one for each of its jobs that run at the same time."""

    folder: Path
    settings: Mapping[str, Any]
    trust: tuple[str, ...]
    busy: list[_Child] = field(default_factory=list)
    idle: list[_Child] = field(default_factory=list)
    stopped: bool = False

    def take(self) -> _Child:
        """A process without a job, on the device that has the fewest; it may be new."""
        with _LOCK:
            child = self.idle.pop() if self.idle else self._start()
            if child.leaving:
                child.leaving.cancel()
            self.busy.append(child)
            return child

    def give_back(self, child: _Child, *, leaves: bool) -> None:
        """Keep a process whose job has ended for the next one, or let it end."""
        with _LOCK:
            self.busy.remove(child)
            if not leaves and not self.stopped:
                child.leaving = threading.Timer(IDLE, self._dismiss, [child])
                child.leaving.daemon = True
                child.leaving.start()
                self.idle.append(child)
                return
        child.worker.close()

    def end(self, number: signal.Signals) -> None:
        """Send all processes a signal, and begin no further job."""
        with _LOCK:
            self.stopped = True
            for child in self.busy:
                child.worker.send(number)

    def close(self) -> None:
        """Dismiss who has no job."""
        for child in list(self.idle):
            self._dismiss(child)

    def _dismiss(self, child: _Child) -> None:
        with _LOCK:
            if child not in self.idle:
                return
            self.idle.remove(child)
            if child.leaving:
                child.leaving.cancel()
        child.worker.close()

    def _start(self) -> _Child:
        devices = self.settings["device"].split(",")
        taken = [child.device for child in self.busy]
        device = min(devices, key=lambda name: taken.count(name) / devices.count(name))
        settings = {**self.settings, "device": device}
        given = {"folder": str(self.folder), "settings": settings, "trust": self.trust}
        with self._log() as log:
            return _Child(Worker("dynviz.sweeps.work:work", given, "trains", stderr=log), device)

    def _log(self) -> BinaryIO:
        with Folder(self.folder) as folder:
            return os.fdopen(folder.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab")


_LOCK = threading.Lock()
_crews: dict[str, _Crew] = {}


def run_job(task: Mapping[str, Any]) -> dict[str, Any]:
    """Train a job to its end, in a process of its own.

    Args:
        task: What all jobs of the sweep share, and `job`, its line; see `ClusterPool`.

    Returns:
        How it ended: its `kind`, as in a `JobReport`, and `message`. Where the file system is not shared, also `files`:
        the paths, sizes and SHA-256 of what it recorded, and the `place` that they are relative to.

    Raises:
        ProcessDiedError: Its process died.
    """
    dask_worker: DaskWorker = get_worker()
    job = from_line(task["job"].encode())
    shared = _sees(task)
    folder = Path(task["folder"]) if shared else _place(dask_worker, task["nonce"])
    try:
        if difference := different(task["versions"], versions()):
            raise DynvizError(f"it {difference}")  # noqa: TRY301 - one answer for all
        _check_files(job, task)
        answer = _ask(dask_worker, folder, task)
    except ProcessDiedError:
        raise
    except DynvizError as error:
        answer = {"kind": "failed", "message": f"on worker {dask_worker.address}: {error}"}
    answer.pop("leaves", None)
    answer["worker"] = dask_worker.address
    return answer if shared else {**answer, "place": str(folder), "files": _files(folder, job)}


def end(nonce: str, number: int) -> None:
    """On every worker: send a sweep's processes a signal, and begin no further job of it."""
    if crew := _crews.get(nonce):
        crew.end(signal.Signals(number))


def close(nonce: str) -> None:
    """On every worker: forget a sweep, and remove what is left of it."""
    if crew := _crews.pop(nonce, None):
        crew.close()
    with contextlib.suppress(ValueError):
        shutil.rmtree(_place(get_worker(), nonce), ignore_errors=True)


def read(path: str, offset: int, most: int) -> bytes:
    """On one worker: a part of a file."""
    with Path(path).open("rb") as file:
        file.seek(offset)
        return file.read(most)


def discard(place: str, job: str) -> None:
    """On one worker: remove a job's recording, which has arrived."""
    shutil.rmtree(Path(place) / job, ignore_errors=True)
    (Path(place) / ERRORS / f"{job}.txt").unlink(missing_ok=True)


def _ask(dask_worker: DaskWorker, folder: Path, task: Mapping[str, Any]) -> dict[str, Any]:
    key = dask_worker.get_current_task()
    with _LOCK:
        crew = _crews.setdefault(task["nonce"], _Crew(folder, task["settings"], tuple(task["trust"])))
    if crew.stopped:
        return {"kind": "stopped"}
    dask_worker.log_event(task["nonce"], {"key": key, "kind": "began", "worker": dask_worker.address})
    child = crew.take()
    child.worker.ask(task["job"].encode())
    unread, last, asked = b"", time.monotonic(), False
    while True:
        if select.select([child.worker.answers], [], [], OFTEN)[0]:
            data = os.read(child.worker.answers.fileno(), 1 << 16)
            if not data:
                with _LOCK:
                    crew.busy.remove(child)
                raise ProcessDiedError(f"its process died twice ({ending(child.worker.close())})")
            *lines, unread = (unread + data).split(b"\n")
            for answer in map(json.loads, lines):
                if answer["kind"] != "moved":
                    crew.give_back(child, leaves=answer.get("leaves", False))
                    return dict(answer)
                if time.monotonic() - last > OFTEN:
                    last = time.monotonic()
                    dask_worker.log_event(task["nonce"], {"key": key, **answer})
        if not asked and not _awaited(dask_worker, key):
            asked = True
            child.worker.send(signal.SIGTERM)


def _awaited(dask_worker: DaskWorker, key: str) -> bool:
    """Whether anybody waits for a task: the client may have gone, and Dask interrupts none that has begun."""
    state = dask_worker.state.tasks.get(key)
    return bool(state is not None and state.state != "cancelled")


def _sees(task: Mapping[str, Any]) -> bool:
    """Whether this worker shares the file system of the sweep's folder."""
    try:
        return (Path(task["folder"]) / f"{MARKER}{task['nonce']}").read_text() == str(task["nonce"])
    except OSError:
        return False


def _place(dask_worker: DaskWorker, nonce: str) -> Path:
    """The folder of a sweep on a worker that does not see the client's."""
    place = Path(dask_worker.local_directory) / f"dynviz-{nonce}"
    place.mkdir(parents=True, exist_ok=True)
    return place


def _check_files(job: Job, task: Mapping[str, Any]) -> None:
    """See that the user's own files are here with the contents that they have at the client's.

    Raises:
        DynvizError: One is missing or different.
    """
    for code in code_of(job, task["code"]):
        code.located(task["trust"])
    inputs.check(Path(task["folder"]), [Input(path, sha256) for path, sha256 in task["data"].items()])


def _files(place: Path, job: Job) -> list[tuple[str, int, str]]:
    """What a job left in the worker's folder: the path in it, the size and the SHA-256 of each file."""
    found = sorted(path for path in (place / job.name).rglob("*") if path.is_file() and path.name != layout.LOCK)
    found += (place / ERRORS).glob(f"{glob.escape(job.name)}.txt")
    return [(str(path.relative_to(place)), path.stat().st_size, _sha256(path)) for path in found]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
