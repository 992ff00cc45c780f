"""A program in a real pseudo-terminal, read all the time, with the screen that an emulator makes of it."""

import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

import pyte

PATIENCE = 90.0
UNKNOWN = {
    b"\x1b[?1049l": b"\x1b[0m\x1b[2J\x1b[H",  # back from the other screen
    b"\x1b[<u": b"",  # the keyboard as it was
}
"""What the emulator does not know, and what comes near it."""


class PseudoTerminal:
    """Run a command in a terminal of its own; as a context, whatever still runs in it is killed at the end."""

    def __init__(self, *command, columns=100, rows=30, cwd=None, **environ):
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._kept = b""
        self._lock = threading.Lock()
        self._master, slave = os.openpty()
        self.resize(columns, rows)
        # A leader of a session without a terminal gets the first one that it opens.
        name = os.ttyname(slave)
        shell = ["sh", "-c", f'exec "$@" <>{name} >&0 2>&0', "sh"]
        self.process = subprocess.Popen(
            [*shell, *map(str, command)],
            stdin=subprocess.DEVNULL,
            cwd=cwd,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environ},
        )
        self.bytes = 0
        self._reader = threading.Thread(target=self._read, args=(slave,), daemon=True)
        self._reader.start()

    def _read(self, slave):
        opened = True
        while True:
            if opened and self.process.poll() is not None:
                # Ours is the last end that is open: what was printed is read, and then there is no more.
                os.close(slave)
                opened = False
            try:
                data = os.read(self._master, 1 << 16) if not opened or self._readable() else None
            except OSError:
                break
            if data == b"":
                break
            if data:
                with self._lock:
                    self.bytes += len(data)
                    self.take(data)

    def _readable(self):
        return bool(select.select([self._master], [], [], 0.02)[0])

    def take(self, data):
        """Feed the emulator."""
        data = self._kept + data
        for sequence, known in UNKNOWN.items():
            data = data.replace(sequence, known)
        # The start of such a sequence waits for its end.
        escape = data.rfind(b"\x1b")
        begun = escape >= 0 and any(sequence.startswith(data[escape:]) for sequence in UNKNOWN)
        data, self._kept = (data[:escape], data[escape:]) if begun else (data, b"")
        self._stream.feed(data)

    def resize(self, columns, rows):
        with self._lock:
            self._screen.resize(rows, columns)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, keys):
        os.write(self._master, keys.encode())

    @property
    def text(self):
        """The screen, a line for each row."""
        with self._lock:
            return "\n".join(line.rstrip() for line in self._screen.display)

    def wait_for(self, pattern, seconds=PATIENCE):
        """Wait until the screen shows it; the screen."""
        end = time.monotonic() + seconds
        while not re.search(pattern, text := self.text):
            assert time.monotonic() < end, f"{pattern!r} was not shown within {seconds} s:\n{text}"
            assert self._reader.is_alive() or re.search(pattern, self.text), f"it ended without {pattern!r}:\n{text}"
            time.sleep(0.02)
        return text

    def wait(self, seconds=PATIENCE):
        """Wait for the end of the command; its status."""
        code = self.process.wait(seconds)
        self._reader.join(seconds)
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(PATIENCE)
        os.close(self._master)
