"""The numbers of a page: arrays, quantised, each kept once.

An array becomes an entry: what it is made of, as JSON, and bytes at the end of those before it. The bytes of a number
are kept apart, all first ones and then all second ones, and numbers as differences where that compresses better: what
changes little from one to the next, or from one frame to the next, takes hardly any room.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dynviz.web.clouds import differences, followed

Entry: TypeAlias = list[Any]
Index: TypeAlias = int
"""The place of an entry in the pool."""

LAST = 65_534
"""The code of the largest value of an array; the smallest one's is 0."""
FINE = 4095
"""The code of the end of a range, of places that are drawn and not read."""
COARSE = 1023
"""The same of points so many that none is looked at."""
MISSING = 65_535
"""The code of what is not finite."""
UNKNOWN = 255
"""The level of what is not finite in an image."""
PLAIN, ALONG, SINCE = "plain", "along", "since"
"""How codes are stored: as they are, as differences along the array, as differences from an earlier entry."""


@dataclass(frozen=True, eq=False)
class KeptArray:
    """An array that slices of it are found by.

    Attributes:
        array: Keeps its memory, by which they are found, from being given out again.
        kept: The indices that are in the entry, ascending; None for all.
        index: Of the entry.
    """

    array: NDArray[Any]
    kept: NDArray[np.intp] | None
    index: Index

    def part(self, array: NDArray[Any]) -> tuple[int, int] | None:
        """Where in the entry a slice of the array begins and ends; None where it is none."""
        own, other = self.array, array
        if other.dtype != own.dtype or other.strides != own.strides or other.ndim != 1 or not own.strides[0]:
            return None
        apart = other.__array_interface__["data"][0] - own.__array_interface__["data"][0]
        start, rest = divmod(apart, own.strides[0])
        if rest or start < 0 or start + len(other) > len(own):
            return None
        if self.kept is None:
            return start, start + len(other)
        first, last = np.searchsorted(self.kept, [start, start + len(other)]).tolist()
        return first, last


class NumberPool:
    """Collects arrays."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.image_bytes = 0
        """About how many bytes the images take once they are compressed."""
        self._data = bytearray()
        self._known: dict[tuple[Any, ...], Index] = {}
        self._kept: list[KeptArray] = []
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

        Whole numbers, as steps are, are kept exactly.

        Args:
            values: The numbers.
            scale: `log`: levels are equally far apart as factors.
            kept: The indices of those that are needed, ascending; None for all.
        """
        array = np.asarray(values)
        for known in reversed(self._kept):
            part = known.part(array) if kept is None else None
            if part is not None:
                whole = part == (0, self._length(known.index))
                return known.index if whole else self.part(known.index, *part)
        own = array if kept is None else array[kept]
        index = self._steps(own) if np.issubdtype(own.dtype, np.integer) else self._quantised(own, scale)
        if array.ndim == 1 and len(array):
            self._kept.append(KeptArray(array, kept, index))
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

    def _length(self, index: Index) -> int:
        entry = self.entries[index]
        return int(entry[3] if entry[0] == "even" else entry[3] - entry[2] if entry[0] == "slice" else entry[1])

    def _steps(self, values: NDArray[Any]) -> Index:
        steps = values.astype(np.int64)
        strides = np.diff(steps)
        if len(steps) and (strides == (strides[0] if len(strides) else 0)).all():
            return self._add(["even", int(steps[0]), int(strides[0]) if len(strides) else 0, len(steps)], b"")
        return self._add(["whole", len(steps)], _planes(np.diff(steps, prepend=0).astype("<i4")))

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
