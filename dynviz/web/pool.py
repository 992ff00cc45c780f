"""The numbers of a page: arrays, quantised, each kept once.

An array becomes an entry: what it is made of, as JSON, and bytes at the end of those before it. The bytes of a number
are kept apart, all first ones and then all second ones, and numbers as differences where that compresses better: what
changes little from one to the next, or from one frame to the next, takes hardly any room.
"""

import weakref
import zlib
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dynviz.frozen import frozen
from dynviz.web.clouds import differences, followed

Entry: TypeAlias = list[Any]
Index: TypeAlias = int
"""The place of an entry in the pool."""

LAST = 65_534
"""The code of the largest value of an array; the smallest one's is 0."""
FINE = 4095
"""Levels across an axis for points and arrows, which are drawn and not read."""
COARSE = 1023
"""Levels across an axis for clouds of over `MANY` points; see `dynviz.web.marks`."""
MISSING = 65_535
"""The code of what is not finite."""
UNKNOWN = 255
"""The level of what is not finite in an image."""
EXACT = 1 << 53
"""The largest whole number up to which a script knows all of them."""
PLAIN, ALONG, SINCE = "plain", "along", "since"
"""How codes are stored: as they are, as differences along the array, as differences from an earlier entry."""


@frozen
class KeptArray:
    """An array that is stored whole, by whose address slices of it are recognised.

    Attributes:
        address: Of its first number.
        stride: Bytes from one number to the next.
        count: How many there are.
        dtype: Their type.
        scale: That of their levels; empty where they are exact.
        index: Of the entry.
    """

    address: int
    stride: int
    count: int
    dtype: np.dtype[Any]
    scale: str
    index: Index

    def part(self, array: NDArray[Any], scale: str) -> tuple[int, int] | None:
        """Where in the entry a slice of the array begins and ends; None where it is none, or of other levels."""
        if array.dtype != self.dtype or array.strides != (self.stride,) or not self.stride:
            return None
        start, rest = divmod(_address(array) - self.address, self.stride)
        fits = not rest and start >= 0 and start + len(array) <= self.count
        return (start, start + len(array)) if fits and self.scale in ("", scale) else None


class NumberPool:
    """Collects arrays."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.image_bytes = 0
        """About how many bytes the images take once they are compressed."""
        self._data = bytearray()
        self._known: dict[tuple[Any, ...], Index] = {}
        self._kept: dict[int, list[KeptArray]] = {}
        self._owners: dict[int, weakref.ref[NDArray[Any]]] = {}
        self._codes: dict[Index, NDArray[Any]] = {}

    @property
    def data(self) -> bytes:
        """The bytes of all entries, in their order."""
        return bytes(self._data)

    def numbers(
        self,
        values: ArrayLike,
        *,
        scale: str = "linear",
        kept: NDArray[np.intp] | None = None,
    ) -> Index:
        """Add numbers [numbers], quantised to 65 535 levels between their ends; what is not finite is kept apart.

        Whole numbers, as steps are, are kept exactly, unless they are very large.

        Args:
            values: The numbers.
            scale: `log`: levels are equally far apart as factors.
            kept: The indices of those that are needed, ascending; None for all.
        """
        array = np.asarray(values)
        reusable = array.ndim == 1 and len(array) > 0 and kept is None
        siblings = self._siblings(array) if reusable else []
        for known in reversed(siblings):
            part = known.part(array, scale)
            if part is not None:
                return known.index if part == (0, known.count) else self.part(known.index, *part)
        own = array if kept is None else array[kept]
        steps = self._steps(own) if np.issubdtype(own.dtype, np.integer) else None
        index = self._quantised(own, scale) if steps is None else steps
        if reusable:
            levels = scale if steps is None else ""
            siblings.append(KeptArray(_address(array), array.strides[0], len(array), array.dtype, levels, index))
        return index

    def places(self, values: ArrayLike, within: tuple[float, float], since: Index | None = None) -> Index:
        """Add places on an axis [places], to a few thousandths of a range; see `exact` for those outside of it.

        Args:
            values: The places.
            within: The range.
            since: The entry of the same places in an earlier frame.
        """
        numbers = np.asarray(values, np.float64).ravel()
        finite, (low, high) = np.isfinite(numbers), within
        if (numbers[finite] < low).any() or (numbers[finite] > high).any() or not high > low:
            return self.exact(numbers)
        return self._coded(numbers, "linear", (low, (high - low) / FINE), since)

    def cloud(self, places: NDArray[np.float64], within: tuple[float, float], since: Index | None) -> Index:
        """Add the places of many points that look alike.

        Args:
            places: [2, points], x and y, inside the range.
            within: The range of both.
            since: The entry of the same points in an earlier frame, from which some may be missing.

        Returns:
            An entry of all x and then all y.
        """
        low, unit = within[0], (within[1] - within[0]) / COARSE
        codes = np.rint((places - low) / unit).clip(0, COARSE).astype(np.uint16)
        earlier = None if since is None else self._codes[since].reshape(2, -1)
        skips = None if earlier is None else followed(earlier, codes)
        entry: Entry = ["cloud", codes.shape[1], low, unit]
        if earlier is not None and skips is not None:
            moved, fresh = differences(earlier, codes, skips)
            told = np.concatenate([_folded(moved).ravel(), fresh.ravel()])
            index = self._add([*entry, since], skips.tobytes() + _planes(told))
        else:
            index = self._add([*entry, None], _planes(codes.ravel()))
        self._codes[index] = codes.ravel()
        return index

    def part(self, index: Index, start: int, stop: int) -> Index:
        """Add a part of an entry."""
        return self._add(["slice", index, start, stop], b"")

    def exact(self, values: ArrayLike) -> Index:
        """Add numbers [numbers] of any size as they are, in single precision."""
        return self._add(["floats", np.size(values)], _planes(np.asarray(values, "<f4").ravel()))

    def image(self, levels: NDArray[np.uint8], since: Index | None = None) -> Index:
        """Add an image [rows, columns] of levels; see `UNKNOWN`.

        Args:
            levels: 0 to 255.
            since: The entry of the same image in an earlier frame.
        """
        codes = np.ascontiguousarray(levels, np.uint8).ravel()
        key = ("image", codes.tobytes())
        if key not in self._known:
            self._known[key], size = self._store(["bytes", len(codes)], codes, since)
            self.image_bytes += size
        return self._known[key]

    def _siblings(self, array: NDArray[Any]) -> list[KeptArray]:
        """What is stored of the memory that an array is in, for as long as that memory is not given out again."""
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        key = id(owner)
        if key not in self._owners:
            self._kept[key] = []
            self._owners[key] = weakref.ref(owner, partial(_forget, (self._kept, self._owners), key))
        return self._kept[key]

    def _steps(self, values: NDArray[Any]) -> Index | None:
        """Add whole numbers as they are; None where they are too large, or too far apart."""
        if len(values) and not -EXACT <= int(values.min()) <= int(values.max()) <= EXACT:
            return None
        steps = values.astype(np.int64)
        strides = np.diff(steps)
        if len(steps) and (strides == (strides[0] if len(strides) else 0)).all():
            return self._add(["even", int(steps[0]), int(strides[0]) if len(strides) else 0, len(steps)], b"")
        apart = np.diff(steps, prepend=0)
        told = apart.astype("<i4")
        return self._add(["whole", len(steps)], _planes(told)) if (told == apart).all() else None

    def _quantised(self, values: NDArray[Any], scale: str) -> Index:
        numbers = np.asarray(values, np.float64).ravel()
        if scale == "log":
            with np.errstate(divide="ignore", invalid="ignore"):
                numbers = np.where(numbers > 0, np.log(numbers), np.nan)
        finite = numbers[np.isfinite(numbers)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
        return self._coded(numbers, scale, (low, high / LAST - low / LAST), None)

    def _coded(self, numbers: NDArray[Any], scale: str, levels: tuple[float, float], since: Index | None) -> Index:
        low, unit = levels
        codes = np.full(len(numbers), MISSING, np.uint16)
        finite = np.isfinite(numbers)
        codes[finite] = np.rint((numbers[finite] - low) / (unit or 1.0)).clip(0, LAST)
        key = ("numbers", scale, low, unit, codes.tobytes())
        if key not in self._known:
            self._known[key], _ = self._store(["numbers", len(codes), scale, low, unit], codes, since)
        return self._known[key]

    def _store(self, entry: Entry, codes: NDArray[Any], since: Index | None) -> tuple[Index, int]:
        """Codes in the way that takes the fewest bytes, and how many these are once they are compressed."""
        ways: list[tuple[Sequence[Any], NDArray[Any]]] = [((PLAIN,), codes)]
        # Differences wrap around, so that each fits where its code does.
        ways.append(((ALONG,), _folded(np.diff(codes, prepend=codes.dtype.type(0)))))
        earlier = self._codes.get(since) if since is not None else None
        if earlier is not None and len(earlier) == len(codes) and earlier.dtype == codes.dtype:
            ways.append(((SINCE, since), _folded(codes - earlier)))
        sizes = [len(zlib.compress(_planes(way), 6)) for _, way in ways]
        how, stored = ways[sizes.index(min(sizes))]
        index = self._add([*entry, *how], _planes(stored))
        self._codes[index] = codes
        return index, min(sizes)

    def _add(self, entry: Entry, data: bytes) -> Index:
        key = (*entry, data)
        if key not in self._known:
            self._known[key] = len(self.entries)
            self.entries.append(entry)
            self._data += data
        return self._known[key]


def _forget(kept: Sequence[dict[int, Any]], key: int, _: object) -> None:
    for one in kept:
        one.pop(key, None)


def _address(array: NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


def _folded(differences: NDArray[Any]) -> NDArray[Any]:
    """Differences that wrap around as 0, -1, 1, -2, 2 and so on: those near zero have few bits."""
    bits = 8 * differences.dtype.itemsize
    signed = differences.view(f"i{differences.dtype.itemsize}")
    return ((signed << 1) ^ (signed >> (bits - 1))).view(differences.dtype)


def _planes(numbers: NDArray[Any]) -> bytes:
    """All first bytes of numbers, then all second ones, and so on."""
    little = np.ascontiguousarray(numbers, numbers.dtype.newbyteorder("<"))
    planes: Literal[1, 2, 4, 8] = little.dtype.itemsize  # type: ignore[assignment]
    return little.view(np.uint8).reshape(-1, planes).T.tobytes()
