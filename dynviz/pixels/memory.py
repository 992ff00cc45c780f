"""Which arrays and marks are the same as before, without looking at their numbers."""

import dataclasses
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.scene.marks import Mark

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
