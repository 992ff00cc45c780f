"""A Dask cluster of real processes for tests, whose workers need not see the folder that a sweep writes to."""

import contextlib
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HIDDEN = 'mount -t tmpfs none "$0" && exec "$@"'


def _free_port():
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


@dataclass
class DaskCluster:
    """A scheduler and workers.

    Attributes:
        folder: Where the workers have their folders.
        hidden: A folder that the workers do not see the contents of; None if they share everything.
    """

    folder: Path
    hidden: Path | None = None
    port: int = field(default_factory=_free_port)
    workers: list = field(default_factory=list)

    @property
    def address(self):
        return f"tcp://127.0.0.1:{self.port}"

    def __enter__(self):
        self.scheduler = self._start("dask_scheduler", "--host", "127.0.0.1", "--port", self.port, "--no-dashboard")
        return self

    def __exit__(self, *_):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def employ(self):
        """Another worker of one thread, in its own folder."""
        place = self.folder / str(len(self.workers))
        place.mkdir()
        arguments = [self.address, "--no-nanny", "--nthreads", 1, "--no-dashboard", "--local-directory", place]
        self.workers.append(self._start("dask_worker", *arguments, hidden=self.hidden))

    def kill_worker(self, number):
        self.workers[number].kill()
        self.workers[number].wait()

    def has_begun(self, number, job):
        """Whether a worker that does not share the disk has begun a job."""
        return bool(list((self.folder / str(number)).glob(f"**/dynviz-*/{job}-*/*/run.json")))

    def _start(self, module, *arguments, hidden=None):
        command = [sys.executable, "-W", "ignore", "-m", f"distributed.cli.{module}", *map(str, arguments)]
        if hidden:
            command = ["unshare", "-m", "sh", "-c", HIDDEN, str(hidden), *command]
        log = (self.folder / f"{module}-{len(self.workers)}.log").open("wb")
        with log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)


def can_hide():
    """Whether a process can have mounts of its own here."""
    if not shutil.which("unshare"):
        return False
    command = ["unshare", "-m", "sh", "-c", HIDDEN, "/mnt", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def sweeping(*arguments):
    """`dynviz sweep` in a process, which is killed at the end of a test that failed."""
    command = [sys.executable, "-m", "dynviz", "sweep", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()
