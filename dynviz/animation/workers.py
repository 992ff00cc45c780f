"""Processes that draw and encode frames; the result is the same, byte for byte, as from a single process.

Each takes a range of frames in turn, and redraws the one before it where the code looks at what changed. It hands a
range over before it begins the next, so that memory does not grow with the number of frames.
"""

import pickle
import signal
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

import numpy as np

from dynviz import plugins
from dynviz.animation.drawing import Drawing, Painter
from dynviz.errors import DynvizError
from dynviz.frame import Code, Frame, Frames, Piece, Pixels, Progress, Slot
from dynviz.process.child import Worker, answering, ending

RANGE = 12
"""Frames of a range: one more is drawn for each."""
DATA, MISTAKE, BUG = b"D", b"M", b"B"
"""What comes next: bytes, the text of an error that the user can mend, a traceback."""
HEAD = struct.Struct("<cQ")


class SlotFrames(Frames):
    """Frames at known steps."""

    def __init__(self, frames: Iterable[Frame], slots: Sequence[Slot], progress: Progress | None) -> None:
        self._slots, self._progress = slots, progress
        super().__init__(frames)

    def slots(self) -> list[Slot]:
        """The step and duration of each frame."""
        return list(self._slots)

    def report(self, done: int) -> None:
        """Report how many frames are done."""
        if self._progress is not None:
            self._progress(done, len(self._slots))


class DrawnFrames(SlotFrames):
    """Frames that are drawn here, one after the other."""

    def __init__(self, paint: Painter, slots: Sequence[Slot], progress: Progress | None) -> None:
        super().__init__(self._drawn(paint), slots, progress)

    def _drawn(self, paint: Painter) -> Iterator[Frame]:
        for done, (step, seconds) in enumerate(self._slots, 1):
            yield Frame(paint(step), seconds, step)
            self.report(done)


class CrewFrames(SlotFrames):
    """Frames that are drawn, and coded, by so many processes."""

    def __init__(
        self, drawing: Drawing, slots: Sequence[Slot], count: int, progress: Progress | None, exporter: str = ""
    ) -> None:
        self._drawing, self._count, self._exporter = drawing, count, exporter
        super().__init__(self._raw(), slots, progress)

    def _raw(self) -> Iterator[Frame]:
        shape = (*self._drawing.size[::-1], 3 if self._drawing.background == "theme" else 4)
        for data, (step, seconds) in zip(self._pieces(None), self._slots, strict=True):
            yield Frame(np.frombuffer(data, np.uint8).reshape(shape), seconds, step)

    def coded(self, code: Code) -> Iterator[Piece]:
        """All frames, coded where they are drawn."""
        for data, (step, seconds) in zip(self._pieces(code), self._slots, strict=True):
            yield Piece(bytes(data), seconds, step)

    def _pieces(self, code: Code | None) -> Iterator[bytearray]:
        # Pixels are handed over one by one: a range of them would be much to hold.
        length = 1 if code is None else min(RANGE, -(-len(self._slots) // self._count))
        steps = [step for step, _ in self._slots]
        ranges = [(steps[start - 1 : start], steps[start : start + length]) for start in range(0, len(steps), length)]
        crew: list[Worker] = []
        try:
            crew.extend(self._start(ranges[index :: self._count], code) for index in range(self._count))
            for done in range(len(steps)):
                yield _take(crew[done // length % self._count])
                self.report(done + 1)
        finally:
            for worker in crew:
                worker.send(signal.SIGKILL)
            for worker in crew:
                worker.close()

    def _start(self, ranges: Sequence[tuple[list[int], list[int]]], code: Code | None) -> Worker:
        job = {
            "drawing": self._drawing.to_json(),
            "ranges": ranges,
            "exporter": self._exporter,
            "code": pickle.dumps(code).hex() if code else "",
        }
        worker = Worker("dynviz.animation.workers:work", job, "draws")
        worker.hang_up()
        return worker


def _take(worker: Worker) -> bytearray:
    head = worker.answers.read(HEAD.size)
    if len(head) == HEAD.size:
        kind, length = HEAD.unpack(head)
        data = bytearray(length)
        if _fill(worker.answers, memoryview(data)):
            if kind == MISTAKE:
                raise DynvizError(data.decode())
            if kind == BUG:
                raise RuntimeError(f"a drawing process failed:\n{data.decode()}")
            return data
    raise DynvizError(f"a drawing process died ({ending(worker.wait())}); try again with fewer workers")


def _fill(pipe: IO[bytes], buffer: memoryview) -> bool:
    done = 0
    while done < len(buffer):
        # Popen's pipes are buffered readers, which have it; IO does not say so.
        got: int = pipe.readinto(buffer[done:])  # type: ignore[attr-defined]
        if not got:
            return False
        done += got
    return True


def work(job: dict[str, Any]) -> None:
    """Draw what the first line of stdin asked for, to stdout: the life of one process."""
    with answering() as answers:
        try:
            for pieces in _ranges(job):
                for data in pieces:
                    _hand(answers, DATA, data)
        except BrokenPipeError:
            raise
        except DynvizError as error:
            _hand(answers, MISTAKE, str(error).encode())
        except Exception:
            import traceback

            _hand(answers, BUG, traceback.format_exc().encode())


def _hand(out: IO[bytes], kind: bytes, data: Any) -> None:
    out.write(HEAD.pack(kind, len(data)))
    out.write(data)
    out.flush()


def _ranges(job: dict[str, Any]) -> Iterator[list[Any]]:
    """What is handed over for each range, complete before any of it is."""
    if job["exporter"].endswith(".py"):
        # The code of a user's exporter can be unpickled once its file has been run.
        plugins.load("exporters", job["exporter"])
    code: Code | None = pickle.loads(bytes.fromhex(job["code"])) if job["code"] else None
    drawing = Drawing.from_json(job["drawing"])
    paint = drawing.painter(drawing.film())
    for previous, steps in job["ranges"]:
        if code is None:
            yield [np.ascontiguousarray(paint(step)).data.cast("B") for step in steps]
            continue
        before: Pixels | None = paint(previous[0]) if previous else None
        pieces = []
        for step in steps:
            after = paint(step)
            pieces.append(code(before, after))
            before = after
        yield pieces
