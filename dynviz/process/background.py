"""Training in a separate process: this one need not import torch, and training continues when it ends."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from dynviz.errors import DynvizError, has_traceback, in_words
from dynviz.process.child import dynviz_command, ending, last_line, starting
from dynviz.text import one_line

ERROR_FILE = "error.txt"
"""In a run's folder: the traceback of a trainer that failed where nobody may have listened."""
OUTPUT_BYTES = 1_000_000
"""Of what a trainer prints that is kept: a task that prints at every step must not fill the memory."""
TRACEBACK = "Traceback (most recent call last)"
STOPPED = 130
"""The exit status of a run that was stopped, as of any program after Ctrl-C."""

State: TypeAlias = Literal["starting", "training", "finished", "stopped", "failed"]


class BackgroundRun:
    """`dynviz run` as a process that is independent of the terminal and of this process; created by `start`.

    The trainer reports through two unnamed files. Unlike pipes they cannot break, nobody needs to read them, and they
    vanish with the last process that has them open.

    Attributes:
        folder: The folder of the run; None until its recordings are created.
        state: The state as of the last `poll`.
        doing: What it is doing before there is a folder, in words.
        what: What is trained, in words; empty if nobody said.
        message: The final message, if it failed or was stopped.
        exit_code: The exit status as a shell reports it; None until training has ended.
        asked: Whether it was asked to stop.
        command: What it runs: `run` or `fork`.
        arguments: Those of the command.
        began: `time.monotonic()` when it was started.
        pid: The process ID.
    """

    def __init__(
        self, process: "_Lasting", reports: int, output: int, command: str = "run", arguments: Sequence[str] = ()
    ) -> None:
        self._process = process
        self._reports = reports
        self._output = output
        self.command, self.arguments = command, tuple(arguments)
        self._read = 0
        self._done = False
        self.asked = False
        self.folder: Path | None = None
        self.state: State = "starting"
        self.doing, self.what = "importing torch", ""
        self.message = ""
        self.exit_code: int | None = None
        self.began = time.monotonic()
        self.pid = process.pid

    @classmethod
    def start(cls, arguments: Sequence[str], command: str = "run") -> "BackgroundRun":
        """Start `dynviz run`, or `fork`, with these arguments, without `--headless` and `--detach`.

        Raises:
            DynvizError: The system starts no further process.
        """
        with starting("trains"), contextlib.ExitStack() as opened:
            reports, output = (_nameless(opened) for _ in range(2))
            process = _Lasting(
                [*dynviz_command("-X", "faulthandler"), command, "--headless", f"--report={reports}", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(reports,),
                start_new_session=True,
            )
            opened.pop_all()
        return cls(process, reports, output, command, arguments)

    def __del__(self) -> None:
        """Close the files; the trainer keeps its own descriptors."""
        for descriptor in (self._reports, self._output):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    @property
    def ended(self) -> bool:
        """Whether training is over, as of the last `poll`."""
        return self.exit_code is not None

    @property
    def output(self) -> str:
        """The end of what the trainer printed, with the traceback of an error that nobody expected."""
        size = os.fstat(self._output).st_size
        return os.pread(self._output, OUTPUT_BYTES, max(0, size - OUTPUT_BYTES)).decode(errors="replace")

    def poll(self) -> None:
        """Check for news; cheap, and never blocks."""
        code = self._process.poll()
        if self.ended:
            return
        # The last report is read after the end was seen, or it would be missed.
        self._listen()
        if self._done:
            # To take torch down takes a while, and a signal that comes meanwhile ends nothing any more.
            code = 0
        if code is None:
            self.state = "training" if self.folder else "starting"
            return
        self.exit_code = code if code >= 0 else 128 - code
        if code == 0:
            self.state, self.message = "finished", ""
        elif code in (STOPPED, -signal.SIGINT) or (self.asked and code == -signal.SIGTERM):
            self.state, self.exit_code = "stopped", STOPPED
            self.message = self.message or "stopped before training began; nothing was written"
        else:
            self.state = "failed"
            self.message = self.message or _last_words(code, self.output, self.folder)

    def stop(self) -> None:
        """Ask it to end cleanly, like Ctrl-C; asking again has no effect."""
        if not self.asked and not self.ended:
            self.asked = True
            self._process.terminate()

    def wait(self, seconds: float) -> bool:
        """Wait at most this long for it to end; returns whether it has ended."""
        self.poll()
        if not self.ended:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
            self.poll()
        return self.ended

    def _listen(self) -> None:
        fresh = os.pread(self._reports, os.fstat(self._reports).st_size - self._read, self._read)
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            report = json.loads(line)
            if "folder" in report:
                self.folder = Path(report["folder"])
            self._done = "done" in report
            self.doing = report.get("doing", self.doing)
            self.message = report.get("message", self.message)


class Reports:
    """The trainer's side: the progress of a run that says its folder, and how it ended, to who started it.

    Args:
        descriptor: Of the file that `BackgroundRun.start` opened.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._folder: Path | None = None

    def does(self, words: str) -> None:
        """Say what is being done before training begins."""
        self._say(doing=words)

    def begin(self, folder: Path, recordings: Sequence[Any], steps_done: Sequence[int]) -> None:  # noqa: ARG002
        """Say the folder: its recordings can be opened now."""
        self._folder = folder
        with contextlib.suppress(OSError):
            # It is of a failure that this run, resumed, may get over. Another file of that name is not ours.
            file = folder / ERROR_FILE
            if file.read_text(errors="replace").startswith(TRACEBACK):
                file.unlink()
        self._say(folder=str(folder))

    def move(self, label: str, step: int, loss: float, steps: int) -> None:  # noqa: ARG002
        """Say nothing, for the recording does; but forget what was printed when it is too much."""
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            if os.fstat(sys.stderr.fileno()).st_size > OUTPUT_BYTES:
                os.ftruncate(sys.stderr.fileno(), 0)

    def end(self) -> None:
        """Say nothing."""

    def finished(self) -> None:
        """Say that the run is whole."""
        self._say(done="")

    def stopped(self, words: str) -> None:
        """Say that the run was stopped."""
        self._say(message=words)

    def failed(self, error: Exception) -> None:
        """Say why the run failed; a traceback is kept in the run's folder, where there is one."""
        self._say(message=one_line(in_words(error) + keep_traceback(self._folder, error)))

    def _say(self, **report: str) -> None:
        with contextlib.suppress(OSError):
            os.write(self._descriptor, json.dumps(report).encode() + b"\n")


def keep_traceback(folder: Path | None, error: Exception) -> str:
    """Write the traceback of an error into a run's folder, where it helps; gives words that say where it is."""
    if folder is None or not has_traceback(error):
        return ""
    file = folder / ERROR_FILE
    with contextlib.suppress(DynvizError):
        from dynviz.recording import disk

        with disk.replacing(file) as target:
            target.write("".join(traceback.format_exception(error)).encode(errors="replace"))
        return f"; its traceback is in {file}"
    return ""


class _Lasting(subprocess.Popen[bytes]):
    """A process that may outlive us, without the warning that it does."""

    def __del__(self) -> None:
        pass


def _nameless(opened: contextlib.ExitStack) -> int:
    """A file without a name, in which every write goes to the end."""
    if hasattr(os, "memfd_create"):
        # In memory: a full disk must not keep a trainer from saying so.
        descriptor = os.memfd_create("dynviz")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    opened.callback(os.close, descriptor)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_APPEND)
    return descriptor


def _last_words(code: int, output: str, folder: Path | None) -> str:
    """What is known of a trainer that ended without a word."""
    if code < 0:
        kept = (
            f"; what was recorded can be read, and `dynviz run --resume {folder}` continues the run" if folder else ""
        )
        return f"the trainer was killed by {ending(code)}{kept}"
    return last_line(output) or f"the trainer ended with status {code}"
