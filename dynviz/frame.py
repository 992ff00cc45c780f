"""One picture of an animation, as exporters get it.

An exporter is a function that writes an animation, and says what its format can show:

    @exporter(motion=True)
    def export(frames, target, sheet, *, loop: int = 0): ...

Its first parameters are called so. It iterates over the frames, or has each coded where it is drawn, which may be in
several processes. One without motion gets a single frame, the last step, unless more are asked for. Parameters after
the star are its options: `--exporter ./mine.py:loop=3`. Those of these names mean the same in every format, and have
options of their own on the command line: `quality`, `loop`, `background`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.scene.marks import Scene
from dynviz.scene.theme import Theme, light

Pixels: TypeAlias = NDArray[np.uint8]
Quality: TypeAlias = Literal["small", "balanced", "best"]
Background: TypeAlias = Literal["theme", "transparent"]
Export = TypeVar("Export", bound=Callable[..., None])


@dataclass(frozen=True, kw_only=True)
class Format:
    """What files of an exporter can show.

    Attributes:
        motion: Whether frames follow one another in time.
        most: How many frames there can be; None where there is no end.
        largest: How many pixels each side can have; None for all that can be drawn.
    """

    motion: bool
    most: int | None = None
    largest: int | None = None

    def __str__(self) -> str:
        """In a sentence."""
        if self.motion:
            return "It shows motion."
        return "It shows one step." if self.most == 1 else f"It shows up to {self.most} steps beside each other."

    def check(self, name: str, count: int, size: tuple[int, int]) -> None:
        """See that so many frames of this size can be shown.

        Raises:
            DynvizError: They cannot.
        """
        if self.largest is not None and max(size) > self.largest:
            raise DynvizError(f"{name} holds {self.largest} pixels a side at most, not {size[0]}x{size[1]}")
        if self.most is not None and count > self.most == 1:
            raise DynvizError(f"{name} shows one step, not {count}; a sheet of several is a png")
        if self.most is not None and count > self.most:
            kind = "an animation" if self.motion else "a sheet"
            raise DynvizError(f"{kind} holds at most {self.most} frames, not {count}")


def exporter(*, motion: bool, most: int | None = None, largest: int | None = None) -> Callable[[Export], Export]:
    """Declare what an export function's format can show; the arguments are those of `Format`.

    >>> @exporter(motion=False, most=1)
    ... def export(frames, target, sheet, *, indent: int = 2): ...
    >>> format_of(export).motion
    False
    """

    def declare(export: Export) -> Export:
        export.format = Format(motion=motion, most=most, largest=largest)  # type: ignore[attr-defined]
        return export

    return declare


def format_of(export: Callable[..., Any]) -> Format:
    """What an exporter declares.

    Raises:
        DynvizError: It declares nothing.
    """
    declared = getattr(export, "format", None)
    if not isinstance(declared, Format):
        raise DynvizError(
            "an exporter says whether it shows motion: write @exporter(motion=True) or @exporter(motion=False), "
            "from dynviz.frame, above its function"
        )
    return declared


@dataclass(frozen=True)
class Frame:
    """Pixels and how long they stand.

    Attributes:
        pixels: [height, width, 3], red, green and blue; [height, width, 4] where the ground is transparent. Never
            changed once the frame exists.
        seconds: How long it is shown.
        step: Which step it shows.
    """

    pixels: Pixels
    seconds: float
    step: int = 0


Code: TypeAlias = Callable[[Pixels | None, Pixels], bytes]
"""Function of the pixels before (None at first) and of those to show; no bytes where nothing changes.

It is pickled for other processes, and must give the same for the same pixels in each.
"""
Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True)
class Piece:
    """A coded frame: its bytes, how long it is shown, and which step it shows."""

    data: bytes
    seconds: float
    step: int = 0


class Frames(Iterator[Frame]):
    """The frames of an animation, made when they are asked for; all of one size."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        self._frames = iter(frames)

    def __next__(self) -> Frame:
        """The next frame."""
        return next(self._frames)

    def coded(self, code: Code) -> Iterator[Piece]:
        """The rest of the frames, coded one after the other."""
        before: Pixels | None = None
        for frame in self:
            yield Piece(code(before, frame.pixels), frame.seconds, frame.step)
            before = frame.pixels


def merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Pieces that change something. One is held back, so that those that change nothing extend its time."""
    held: Piece | None = None
    for piece in pieces:
        if held is None or piece.data:
            if held is not None:
                yield held
            held = piece
        else:
            held = replace(held, seconds=held.seconds + piece.seconds)
    if held is not None:
        yield held


def nothing(_: int) -> Iterator[Pixels]:
    """No previews."""
    return iter(())


@dataclass(frozen=True)
class Sheet:
    """What an exporter needs to know beside the frames.

    Attributes:
        palette: [at most 255, 3]: the colours of the theme, for formats with few colours.
        comment: What made the animation: scenario, optimizers, seeds, versions.
        facts: The same as a tree of JSON values, for formats that hold more than a line.
        count: How many frames will come.
        size: Their width and height.
        alt: What is seen, in words.
        theme: The colours.
        scene: The scene at a step, for formats that hold shapes; none where the frames are not of scenes.
        previews: Draws so many of the pictures to come, evenly spread, for formats that choose their colours.
    """

    palette: Pixels
    comment: str
    facts: dict[str, Any]
    count: int
    size: tuple[int, int]
    alt: str = ""
    theme: Theme = light
    scene: Callable[[int], Scene] | None = None
    previews: Callable[[int], Iterator[Pixels]] = nothing

    def scene_of(self, frame: Frame) -> Scene:
        """The scene that a frame shows.

        Raises:
            DynvizError: Frames are not of scenes.
        """
        if self.scene is None:
            raise DynvizError("this format is drawn from scenes, and these pictures have none")
        return self.scene(frame.step)
