"""The contract of exporters: frames, and what a format can show.

An exporter is a function that writes an animation, and says what its format can show:

    @exporter(motion=True)
    def export(frames, target, sheet, *, loop: int = 0): ...

Its first parameters are called so. It iterates over the frames, or has each coded where it is drawn, which may be in
several processes. One without motion gets a single frame, the last step, unless more are asked for. Parameters after
the star are its options: `--exporter ./mine.py:loop=3`. Those of these names mean the same in every format, and have
options of their own on the command line: `quality`, `loop`, `background`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.scene.marks import Scene
from dynviz.scene.theme import Theme, light

Pixels: TypeAlias = NDArray[np.uint8]
Quality: TypeAlias = Literal["small", "balanced", "best"]
Background: TypeAlias = Literal["theme", "transparent"]
Export = TypeVar("Export", bound=Callable[..., None])


@frozen(kw_only=True)
class Format:
    """The capabilities of a file format.

    Attributes:
        motion: Whether it is animated.
        most: The maximum number of frames; None if it is unlimited.
        largest: The maximum number of pixels per side; None if it is unlimited.
    """

    motion: bool
    most: int | None = None
    largest: int | None = None

    def __str__(self) -> str:
        """A sentence for help texts."""
        if self.motion:
            return "It is animated."
        return "It shows one step." if self.most == 1 else f"It shows up to {self.most} steps side by side."

    def check(self, name: str, count: int, size: tuple[int, int]) -> None:
        """Check that a number of frames of this size can be stored.

        Raises:
            DynvizError: They cannot.
        """
        if self.largest is not None and max(size) > self.largest:
            raise DynvizError(f"{name} allows at most {self.largest} pixels per side, not {size[0]}x{size[1]}")
        if self.most is not None and count > self.most == 1:
            raise DynvizError(f"{name} shows one step, not {count}; for a contact sheet of several use png")
        if self.most is not None and count > self.most:
            kind = "an animation" if self.motion else "a contact sheet"
            raise DynvizError(f"{kind} holds at most {self.most} frames, not {count}")


def exporter(*, motion: bool, most: int | None = None, largest: int | None = None) -> Callable[[Export], Export]:
    """Declare the capabilities of an export function's format; the arguments are those of `Format`.

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
    """The format that an exporter declares.

    Raises:
        DynvizError: It declares nothing.
    """
    declared = getattr(export, "format", None)
    if not isinstance(declared, Format):
        raise DynvizError(
            "an exporter has to say whether it is animated: write @exporter(motion=True) or @exporter(motion=False), "
            "from dynviz.frame, above its function"
        )
    return declared


@frozen
class Frame:
    """A picture, and how long it is shown.

    Attributes:
        pixels: [height, width, 3], red, green and blue; [height, width, 4] where the ground is transparent. Never
            changed once the frame exists.
        seconds: The time for which it is shown.
        step: The step that it shows.
    """

    pixels: Pixels
    seconds: float
    step: int = 0


Code: TypeAlias = Callable[[Pixels | None, Pixels], bytes]
"""Function of the pixels before (None at first) and of those to show; no bytes where nothing changes.

It is pickled for other processes, and must give the same for the same pixels in each.
"""
Progress: TypeAlias = Callable[[int, int], None]


@frozen
class Piece:
    """An encoded frame: its bytes, how long it is shown, and which step it shows."""

    data: bytes
    seconds: float
    step: int = 0


Slot: TypeAlias = tuple[int, float]
"""A step, and how long it is shown."""


class Frames(Iterator[Frame]):
    """The frames of an animation, drawn on request; all have the same size."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        self._frames = iter(frames)

    def slots(self) -> list[Slot]:
        """The step and duration of each frame. Exporters that draw scenes themselves use it instead of the frames."""
        return [(frame.step, frame.seconds) for frame in self]

    def report(self, done: int) -> None:
        """Report progress where an exporter draws no frames; may raise to stop the export."""

    def __next__(self) -> Frame:
        """The next frame."""
        return next(self._frames)

    def coded(self, code: Code) -> Iterator[Piece]:
        """The remaining frames, encoded one after another."""
        before: Pixels | None = None
        for frame in self:
            yield Piece(code(before, frame.pixels), frame.seconds, frame.step)
            before = frame.pixels


def merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces that change something; pieces that change nothing extend the time of the one before."""
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


Header: TypeAlias = Callable[[int], Pixels]
"""Function of a width in pixels: what stands above the frames of a contact sheet [height, width, 3 or 4]."""


def nothing(_: int) -> Iterator[Pixels]:
    """No previews."""
    return iter(())


@frozen
class View:
    """A view of the recordings, for formats that show several.

    Attributes:
        name: Its name.
        scene: Returns its scene at a step of any frame.
        alt: What it shows, in words.
        outcomes: What happens in it: the step from which on a sentence is true, and the sentence.
    """

    name: str
    scene: Callable[[int], Scene]
    alt: str = ""
    outcomes: tuple[tuple[int, str], ...] = ()


def no_recipe() -> str:
    """No recipe."""
    return ""


def no_views(*, others: bool) -> tuple[View, ...]:  # noqa: ARG001
    """No views: the frames do not show scenes."""
    return ()


@frozen
class Sheet:
    """What an exporter needs to know besides the frames.

    Attributes:
        palette: [at most 255, 3]: the colours of the theme, for formats with few colours.
        comment: What made the animation: scenario, optimizers, seeds, versions.
        facts: The same as a tree of JSON values, for formats that hold more than a line.
        count: The number of frames.
        size: The width and height of the frames.
        alt: A description of the animation in words.
        title: The title of its pictures.
        theme: The theme.
        scene: Returns the scene at a step, for vector formats; None if the frames do not show scenes.
        previews: Draws a number of evenly spaced frames in advance, for formats that choose their colours.
        header: Draws what stands above the frames of a contact sheet, which do not say it; None for other pictures.
        told: Returns the recipe.
        views: Opens the view that is shown and, if asked for `others`, those that the scenario suggests besides; to be
            called before the recipe is asked for, which names what these show, too.
        terms: The colours of terms of steps that the frames show.
    """

    palette: Pixels
    comment: str
    facts: dict[str, Any]
    count: int
    size: tuple[int, int]
    alt: str = ""
    title: str = ""
    theme: Theme = light
    scene: Callable[[int], Scene] | None = None
    previews: Callable[[int], Iterator[Pixels]] = nothing
    header: Header | None = None
    told: Callable[[], str] = no_recipe
    views: Callable[..., tuple[View, ...]] = no_views
    terms: tuple[str, ...] = ()

    @property
    def recipe(self) -> str:
        """How it was made, as a line of JSON for `dynviz replay`; ASCII without the signs of markup."""
        return self.told()

    @property
    def remarks(self) -> str:
        """The comment, and the recipe below it."""
        return "\n".join(filter(None, (self.comment, self.recipe)))

    def scene_of(self, frame: Frame) -> Scene:
        """The scene that a frame shows.

        Raises:
            DynvizError: The frames do not show scenes.
        """
        if self.scene is None:
            raise DynvizError("this format is drawn from scenes, which these pictures do not have")
        return self.scene(frame.step)
