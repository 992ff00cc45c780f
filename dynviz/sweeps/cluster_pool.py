"""The jobs of a sweep on a Dask cluster, which schedules them, and tries again those whose worker was lost."""

import contextlib
import queue
import secrets
import signal
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from distributed import Future

from dynviz.errors import DynvizError, in_words
from dynviz.recording import disk
from dynviz.sweeps import remote
from dynviz.sweeps.arrival import bring_home
from dynviz.sweeps.cluster import GPU, Cluster
from dynviz.sweeps.jobs import Job, SweepPlan, foreign_code
from dynviz.sweeps.pool import DEATHS, GLANCE, PATIENCE, JobReport, LostError
from dynviz.sweeps.work import finished, to_line

WINDOW = 4096
"""Jobs that the scheduler knows of at a time, more than clusters have threads: its memory does not grow with sweeps."""
ANSWER = 10.0
"""Seconds to wait for an answer that is ready: its worker may have been lost since, and then the job runs again."""
SEEN = 30.0
"""Seconds until a file that a worker wrote has to be visible here: network file systems keep what they saw before."""


@dataclass(eq=False)
class _Running:
    """A job that Dask knows of, and the worker that has begun it; empty while none has."""

    job: Job
    future: "Future[dict[str, Any]]"
    worker: str = ""


@dataclass
class ClusterPool:
    """Runs the jobs of a sweep on a Dask cluster; a `Pool`.

    A job goes as one line of JSON. Its user's own files do not go: they have to be on the worker, at the same path and
    with the same contents. Where a worker sees a file that this process writes into the sweep's folder, it records
    there; elsewhere it records in a folder of its own, and the recording comes in chunks when the job has ended.

    Attributes:
        cluster: The cluster.
        folder: The folder of the sweep.
        plan: The sweep.
    """

    cluster: Cluster
    folder: Path
    plan: SweepPlan
    _nonce: str = field(default_factory=lambda: secrets.token_hex(8))
    _waiting: deque[Job] = field(default_factory=deque)
    _running: dict[str, _Running] = field(default_factory=dict)
    _deaths: Counter[str] = field(default_factory=Counter)
    _heard: "queue.SimpleQueue[Mapping[str, Any]]" = field(default_factory=queue.SimpleQueue)
    _shared: dict[str, Any] = field(default_factory=dict)
    _submitted: int = 0
    _stopped: float | None = None

    def submit(self, job: Job) -> None:
        self._waiting.append(job)

    def results(self) -> Iterator[JobReport | None]:
        self._begin()
        while self._waiting or self._running:
            self._employ()
            with contextlib.suppress(queue.Empty):
                yield from self._answer(self._heard.get(timeout=GLANCE))
            if self.cluster.lost:
                raise LostError(f"the scheduler at {self.cluster.address} was lost")
            if self._stopped is not None and time.monotonic() > self._stopped + PATIENCE:
                yield from self._kill()
            yield None

    def stop(self) -> None:
        first = self._stopped is None
        # Past its patience it kills.
        self._stopped = time.monotonic() if first else self._stopped - PATIENCE  # type: ignore[operator]
        self._waiting.clear()
        if first:
            for key in [key for key, running in self._running.items() if not running.worker]:
                self._running.pop(key).future.cancel()
            self._everywhere(remote.end, self._nonce, signal.SIGTERM)

    def close(self) -> None:
        self._waiting.clear()
        for running in self._running.values():
            with contextlib.suppress(Exception):
                running.future.cancel()
        self._running.clear()
        (self.folder / f"{remote.MARKER}{self._nonce}").unlink(missing_ok=True)
        self._everywhere(remote.end, self._nonce, signal.SIGKILL)
        self._everywhere(remote.close, self._nonce)
        if not self.cluster.lost:
            self.cluster.client.unsubscribe_topic(self._nonce)
            self.cluster.client.unsubscribe_topic("all")

    def _begin(self) -> None:
        marker, folder = f"{remote.MARKER}{self._nonce}", self.folder.absolute()
        for left in folder.glob(f"{remote.MARKER}*"):
            # By a sweep that was killed; this process holds the folder's lock.
            left.unlink(missing_ok=True)
        with disk.replacing(folder / marker) as file:
            file.write(self._nonce.encode())
        codes = foreign_code(self.plan)
        code = {found.name: found.sha256 for found in codes}
        self._shared = {
            "nonce": self._nonce,
            "folder": str(folder),
            "settings": asdict(self.plan.settings),
            "trust": [found.name for found in codes],
            "code": code,
            "data": {path: sha256 for path, sha256 in self.plan.files.items() if path not in code},
            "versions": remote.versions(),
        }
        self.cluster.client.subscribe_topic(self._nonce, lambda event: self._heard.put(event[1]))
        self.cluster.client.subscribe_topic("all", self._hear_workers)

    def _hear_workers(self, event: tuple[float, Any]) -> None:
        _, message = event
        if isinstance(message, Mapping) and message.get("action") == "remove-worker":
            self._heard.put({"kind": "gone", "worker": message["worker"]})

    def _employ(self) -> None:
        resources = {GPU: 1} if self.plan.settings.device.startswith("cuda") else None
        while self._waiting and len(self._running) < WINDOW:
            job = self._waiting.popleft()
            self._submitted += 1
            key = f"{job.name}-{self._nonce}-{self._submitted}"
            task = {**self._shared, "job": to_line(job).decode()}
            future = self.cluster.client.submit(
                remote.run_job, task, key=key, resources=resources, retries=DEATHS - 1, pure=False
            )
            self._running[key] = _Running(job, future)
            self._await(key, future)

    def _await(self, key: str, future: "Future[dict[str, Any]]") -> None:
        future.add_done_callback(lambda _: self._heard.put({"kind": "done", "key": key}))

    def _answer(self, message: Mapping[str, Any]) -> Iterator[JobReport | None]:
        if message["kind"] == "gone":
            for key in [key for key, running in self._running.items() if running.worker == message["worker"]]:
                yield from self._lose(key)
            return
        running = self._running.get(message["key"])
        if running is None:
            return
        if message["kind"] == "began":
            if running.worker:
                yield JobReport(running.job, "restarted", message="its process died")
            running.worker = message["worker"]
        elif message["kind"] == "moved":
            yield JobReport(running.job, "moved", message["step"], message["steps"], message.get("loss", float("nan")))
        else:
            yield from self._end(message["key"], running)

    def _lose(self, key: str) -> Iterator[JobReport]:
        """The worker of a job was lost: Dask gives the job to another one, unless that is the second."""
        running = self._running[key]
        running.worker = ""
        self._deaths[running.job.name] += 1
        if self._stopped is not None:
            yield self._drop(key, "stopped")
        elif self._deaths[running.job.name] < DEATHS:
            yield JobReport(running.job, "restarted", message="its worker was lost")
        else:
            yield self._drop(key, "failed", "it lost two workers; if memory is short, try a smaller --memory")

    def _drop(self, key: str, kind: Any, message: str = "") -> JobReport:
        running = self._running.pop(key)
        running.future.cancel()
        return JobReport(running.job, kind, message=message)

    def _end(self, key: str, running: _Running) -> Iterator[JobReport | None]:
        """Dask is done with a job."""
        status = running.future.status
        if status == "finished":
            try:
                answer = running.future.result(timeout=ANSWER)
            except TimeoutError:
                self._await(key, running.future)
                return
            del self._running[key]
            yield from self._take(running.job, answer)
        elif status == "error":
            del self._running[key]
            error = running.future.exception()
            if type(error).__name__ != "KilledWorker":
                yield JobReport(running.job, "failed", message=in_words(error))
            elif self._stopped is None:
                # It waited for workers that were lost with others.
                self._waiting.append(running.job)
        elif not self.cluster.lost:
            del self._running[key]
            self._waiting.append(running.job)

    def _take(self, job: Job, answer: Mapping[str, Any]) -> Iterator[JobReport | None]:
        """A job ended on its worker, and its recording is not yet here, or not yet seen."""
        kind, message = answer["kind"], answer.get("message", "")
        if "place" in answer:
            message = message.replace(answer["place"], str(self.folder))
            try:
                yield from bring_home(self.folder, job.name, answer, self._reader(answer["worker"]))
            except DynvizError as error:
                kind, message = "failed", str(error)
            except Exception:  # a worker may be lost in many ways
                self._deaths[job.name] += 1
                if self.cluster.lost:
                    return
                if self._deaths[job.name] < DEATHS and self._stopped is None:
                    self._waiting.appendleft(job)
                    kind, message = "restarted", "its worker was lost"
                else:
                    kind, message = "failed", "it lost two workers"
            self._everywhere(remote.discard, answer["place"], job.name, workers=[answer["worker"]])
        if kind == "finished":
            end = time.monotonic() + SEEN
            while not finished(self.folder / job.name):
                if time.monotonic() > end:
                    kind, message = (
                        "failed",
                        f"{answer['worker']} has finished it, but nothing is to be seen of it here",
                    )
                    break
                yield None
                time.sleep(GLANCE)
        yield JobReport(job, kind, message=message)

    def _reader(self, worker: str) -> Any:
        def read(path: str, offset: int, most: int) -> bytes:
            data: bytes = self.cluster.client.run(remote.read, path, offset, most, workers=[worker])[worker]
            return data

        return read

    def _kill(self) -> Iterator[JobReport]:
        self._everywhere(remote.end, self._nonce, signal.SIGKILL)
        for key in list(self._running):
            yield self._drop(key, "stopped")

    def _everywhere(self, function: Any, *args: Any, workers: list[str] | None = None) -> None:
        """Call a function on all workers, as far as they are there."""
        if not self.cluster.lost:
            with contextlib.suppress(Exception):
                self.cluster.client.run(function, *args, workers=workers, on_error="ignore")
