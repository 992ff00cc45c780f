"""Which arrays, marks and scenes are the same as before, without looking at their numbers."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.marks import Labelled, Line, Mark, Readout, Scene

Memory: TypeAlias = tuple[int, tuple[int, ...], tuple[int, ...], str]


def memory(array: NDArray[Any]) -> Memory:
    """What an array is a view of. Equal for two views of one memory, as `recording["loss"][:, 0]` gives each time.

    It tells arrays apart only while both are alive: memory that was let go is given out again.
    """
    return array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str


def alike(one: Mark, other: Mark) -> bool:
    """Whether marks differ in their now at most; arrays are compared by their memory."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    names = (item.name for item in dataclasses.fields(one) if item.name != "now")
    return all(_same(getattr(one, name), getattr(other, name)) for name in names)


def _same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and memory(one) == memory(other)
    return not isinstance(other, np.ndarray) and bool(one == other)


def shape(text: str) -> str:
    """The text with all digits alike: what of a readout the arrangement of a picture depends on.

    >>> shape("adamw .371")
    'adamw .000'
    """
    return re.sub(r"\d", "0", text)


def key(scene: Scene) -> tuple[Any, ...]:
    """What the page depends on: equal keys, equal pages. Arrays stand in it for their memory, which must stay alive."""
    panels = [
        (
            panel.title,
            panel.x,
            panel.y,
            panel.square,
            panel.perspective,
            _readouts_key(panel.readouts),
            tuple(_mark_key(mark) for mark in panel.marks),
        )
        for panel in scene.panels
    ]
    return (
        scene.title,
        scene.steps,
        scene.scale,
        scene.counter,
        scene.lead,
        scene.columns,
        _readouts_key(scene.readouts),
        tuple(panels),
    )


def _readouts_key(readouts: Sequence[Readout]) -> tuple[Any, ...]:
    return tuple(
        (shape(readout.widest or readout.text), readout.name, readout.color, readout.labelled) for readout in readouts
    )


def _mark_key(mark: Mark) -> tuple[Any, ...]:
    """What of a mark decides where its label stands, and the swatch before it."""
    if isinstance(mark, DirectLabel):
        return mark.name, mark.color, shape(mark.widest or mark.value)
    if not isinstance(mark, Labelled) or not mark.label:
        return ()
    words = (value for value in vars(mark).values() if isinstance(value, str))
    return type(mark), *words, *((memory(mark.x), memory(mark.y)) if isinstance(mark, Line) else ())
