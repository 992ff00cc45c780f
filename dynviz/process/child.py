"""Child processes: how one is started, what it is asked and answers, and how it ended."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from dynviz.errors import DynvizError


def dynviz_command(*options: str) -> list[str]:
    """The start of a command line for another `dynviz`, which finds the modules that we find."""
    # The present folder is first in the path under -m alone.
    here = [] if sys.path[:1] in ([""], [str(Path.cwd())]) else ["-P"]
    return [sys.executable, *here, *options, "-m", "dynviz"]


def ending(code: int) -> str:
    """How a process ended, by its return code.

    >>> ending(-9), ending(3)
    ('SIGKILL', 'exit code 3')
    """
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def last_line(text: str) -> str:
    r"""The last line of a `dynviz` command's output that is not blank.

    >>> last_line("dynviz: no view named 'x'\n\n")
    "no view named 'x'"
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("dynviz: ") if lines else ""


@contextlib.contextmanager
def starting(purpose: str) -> Iterator[None]:
    """Turn the system's refusal to start a process into an error that the user can read."""
    try:
        yield
    except OSError as error:
        raise DynvizError(f"cannot start a process that {purpose}: {error.strerror or error}") from error


class Worker:
    """A Python process that calls one function of ours and talks to us through two pipes.

    It is not a process of `multiprocessing`, which would import the caller's script again. When we end, in whatever
    way, its pipes end too.

    Args:
        function: `module:name`; it is called with `job`.
        job: What JSON can hold.
        purpose: What the process does, for an error message.
        stderr: Where it prints; None for where we do.

    Raises:
        DynvizError: The system starts no further process.
    """

    def __init__(self, function: str, job: Mapping[str, Any], purpose: str, stderr: IO[bytes] | None = None) -> None:
        module, _, name = function.partition(":")
        code = (
            "import json, sys; job = json.loads(sys.stdin.buffer.readline() or sys.exit()); "
            f"sys.path[:] = job.pop('path'); from {module} import {name}; {name}(job)"
        )
        with starting(purpose):
            # Ctrl-C is for the parent, which ends its workers; they may still be importing.
            self._process = subprocess.Popen(
                [sys.executable, "-X", "faulthandler", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self.answers = self._process.stdin, self._process.stdout
        self.ask(json.dumps({**job, "path": sys.path}).encode() + b"\n")

    def ask(self, line: bytes) -> None:
        """Send a request; that a worker died shows at the end of its answers."""
        with contextlib.suppress(BrokenPipeError):
            self._requests.write(line)
            self._requests.flush()

    def hang_up(self) -> None:
        """Ask for nothing more."""
        with contextlib.suppress(BrokenPipeError):
            self._requests.close()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Its return code, once it has ended."""
        return self._process.wait()

    def close(self) -> int:
        """Close its pipes and wait for its end; gives the return code."""
        self.hang_up()
        self.answers.close()
        return self.wait()


@contextlib.contextmanager
def answering() -> Iterator[IO[bytes]]:
    """In a worker: standard output for answers alone, until the work is done or nobody listens; ends the process.

    Whatever else prints does so to standard error.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):
        yield answers
    # A process that trained takes a while to take torch down.
    os._exit(0)


class Requests:
    """In a worker: the lines of standard input, one after the other, until the parent hangs up.

    A parent that ends while a request is in work hears no answer any more: the worker then gets SIGTERM.
    """

    def __init__(self) -> None:
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._taken = self._done = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def __iter__(self) -> Iterator[bytes]:
        while line := self._lines.get():
            yield line
            self._done += 1

    def _listen(self) -> None:
        for line in sys.stdin.buffer:
            self._taken += 1
            self._lines.put(line)
        if self._taken > self._done:
            os.kill(os.getpid(), signal.SIGTERM)
        self._lines.put(b"")
