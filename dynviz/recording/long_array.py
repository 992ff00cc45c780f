"""The samples of a channel that is too long to be copied into memory: read from its file as they are indexed."""

import math
import operator
import os
from collections.abc import Callable
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.recording import disk, layout
from dynviz.recording.channel import Form

Array: TypeAlias = NDArray[Any]
Part: TypeAlias = Callable[[Array], Array]
"""A function of some samples that takes the same part of each."""

PORTION_BYTES = 1 << 22
"""So much is read at once."""
NEAR_BYTES = 1 << 12
"""Samples that are this far apart on average are read together with what lies between them: a read of its own costs
as much as copying about so many bytes, and a disk reads whole pages anyway."""


class OpenFile:
    """The file of a channel, kept open for reading: it is the same file even after another has replaced it.

    Attributes:
        form: Its format.
        inode: Its number.
    """

    __slots__ = ("_fd", "form", "inode")

    def __init__(self, fd: int, form: Form) -> None:
        """Duplicate a descriptor."""
        self.form = form
        self._fd = os.dup(fd)
        self.inode = os.fstat(self._fd).st_ino

    def __del__(self) -> None:
        """Close it, once no array reads from it any more."""
        os.close(self._fd)

    def rows(self, first: int, count: int) -> Array:
        """Samples `first`, `first` + 1, ... [count, ...].

        Raises:
            DynvizError: The file became shorter, or cannot be read.
        """
        size = self.form.sample_bytes
        data, end = b"", count * size
        try:
            while len(data) < end:
                more = os.pread(self._fd, end - len(data), layout.HEADER_BYTES + first * size + len(data))
                if not more:
                    raise truncated(self.form)
                data = data + more if data else more
        except OSError as error:
            raise disk.unreadable(self.form.path, error) from error
        return np.frombuffer(data, self.form.dtype).reshape(count, *self.form.shape)


def truncated(form: Form) -> DynvizError:
    """The error for a file that was cut while it was being read."""
    return DynvizError(f"{form.path} is truncated: it became shorter while it was read")


class LongArray(np.lib.mixins.NDArrayOperatorsMixin):
    """Samples in a file, for use like a read-only array [samples, ...].

    A slice of the samples, or a part of each of them, is a LongArray too, and nothing is read for it. A sample, or a
    list of samples, is read when it is asked for. `np.asarray` reads all, and so does every function and method of
    arrays that is called on a LongArray.

    The file is not mapped, because truncating a mapped file kills a process that accesses the removed part (SIGBUS).

    Attributes:
        shape: As of an array.
        dtype: As of an array.
    """

    __slots__ = ("_file", "_parts", "_rows", "dtype", "shape")

    def __init__(self, file: OpenFile, rows: range, parts: tuple[Part, ...] = ()) -> None:
        """Look at some samples of a file.

        Args:
            file: The file.
            rows: Indices of the samples.
            parts: What to take of each sample, one after the other.
        """
        self._file, self._rows, self._parts = file, rows, parts
        self.dtype = file.form.dtype
        sample = self._part(np.broadcast_to(np.zeros((), self.dtype), (1, *file.form.shape)))
        self.shape: tuple[int, ...] = (len(rows), *sample.shape[1:])

    def __repr__(self) -> str:
        """What it is, without any numbers."""
        return f"<LongArray {self.shape} of {self.dtype}, in {self._file.form.path}>"

    def __len__(self) -> int:
        """The number of samples."""
        return len(self._rows)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of numbers."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The memory that all numbers would take."""
        return self.size * self.dtype.itemsize

    def scattered(self, most: int) -> int:
        """How many samples, far from one another, come to reading at most so many bytes."""
        return max(1, most // max(self._file.form.sample_bytes, NEAR_BYTES))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:  # noqa: FBT001 - NumPy's protocol
        """Read all samples."""
        if copy is False:
            raise ValueError("the numbers of a LongArray are in a file: they cannot be had without a copy")
        return self._read(np.arange(len(self))).astype(dtype or self.dtype, copy=False)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Apply a function of NumPy to all samples."""
        arrays = (np.asarray(one) if isinstance(one, LongArray) else one for one in inputs)
        return getattr(ufunc, method)(*arrays, **options)

    def __getattr__(self, name: str) -> Any:
        """What else arrays have, of all samples in memory."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(np.asarray(self), name)

    def reshape(self, *shape: Any) -> Any:
        """The same numbers in another shape; nothing is read as long as samples stay apart."""
        whole = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        if len(whole) < 1 or whole[0] != len(self) or not len(self):
            return np.asarray(self).reshape(*shape)
        inner = np.broadcast_to(np.zeros(()), (1, *self.shape[1:])).reshape(1, *whole[1:]).shape[1:]
        return self._with(lambda block: block.reshape(len(block), *inner))

    def __getitem__(self, key: Any) -> Any:
        """A LongArray for a slice of samples, else an array."""
        keys = key if isinstance(key, tuple) else (key,)
        if keys and keys[0] is Ellipsis:
            keys = (slice(None), *keys)
        if not keys or not _takes_parts(keys[1:]):
            return np.asarray(self)[key]
        which, part = keys[0], (slice(None), *keys[1:])
        if isinstance(which, slice):
            chosen = LongArray(self._file, self._rows[which], self._parts)
            return chosen if len(keys) == 1 else chosen._with(lambda block: block[part])
        if isinstance(which, int | np.integer) and not isinstance(which, bool):
            return self._sample(operator.index(which))[keys[1:]]
        places = _places(which, len(self))
        if places is None:
            return np.asarray(self)[key]
        if any(isinstance(one, list | np.ndarray) for one in keys[1:]):
            return self._read(places)[(np.arange(len(places)), *keys[1:])]
        return self._read(places, () if len(keys) == 1 else (lambda block: block[part],))

    def _with(self, part: Part) -> "LongArray":
        return LongArray(self._file, self._rows, (*self._parts, part))

    def _part(self, block: Array, more: tuple[Part, ...] = ()) -> Array:
        for part in (*self._parts, *more):
            block = part(block)
        return block

    def _sample(self, index: int) -> Array:
        try:
            row = self._rows[index]
        except IndexError:
            raise IndexError(f"index {index} is out of bounds for {len(self)} samples") from None
        sample: Array = self._part(self._file.rows(row, 1))[0]
        return sample

    def _read(self, places: NDArray[np.int64], more: tuple[Part, ...] = ()) -> Array:
        """Parts of the samples at some places."""
        rows = self._rows.start + self._rows.step * places
        if len(rows) > 1 and (rows[1:] < rows[:-1]).any():
            order = np.argsort(rows, kind="stable")
            back = np.empty_like(order)
            back[order] = np.arange(len(order))
            ordered: Array = self._read(places[order], more)[back]
            return ordered
        sample = self._part(np.empty((0, *self._file.form.shape), self.dtype), more)
        blocks = np.empty((len(rows), *sample.shape[1:]), self.dtype)
        many = max(1, PORTION_BYTES // max(self._file.form.sample_bytes, 1))
        together = len(rows) > 0 and self._are_near(rows)
        start = 0
        while start < len(rows):
            stop = int(np.searchsorted(rows, rows[start] + many)) if together else min(start + many, len(rows))
            gather = self._together if together else self._apart
            blocks[start:stop] = self._part(gather(rows[start:stop]), more)
            start = stop
        return blocks

    def _are_near(self, rows: NDArray[np.int64]) -> bool:
        span = int(rows[-1] - rows[0]) + 1
        return span == len(rows) or span * self._file.form.sample_bytes <= NEAR_BYTES * len(rows)

    def _together(self, rows: NDArray[np.int64]) -> Array:
        """Ascending rows by one read, with what lies between them."""
        first = int(rows[0])
        block = self._file.rows(first, int(rows[-1]) + 1 - first)
        return block if len(block) == len(rows) else block[rows - first]

    def _apart(self, rows: NDArray[np.int64]) -> Array:
        """Rows by a read for each."""
        block = np.empty((len(rows), *self._file.form.shape), self.dtype)
        for place, row in enumerate(rows.tolist()):
            block[place] = self._file.rows(row, 1)[0]
        return block


def in_file(values: object) -> TypeGuard[LongArray]:
    """Whether samples are not in memory."""
    return isinstance(values, LongArray)


def _takes_parts(keys: tuple[Any, ...]) -> bool:
    """Whether an index of what follows the samples means the same for each of them."""
    lists = sum(isinstance(key, list | np.ndarray) for key in keys)
    plain = all(isinstance(key, slice | list | np.ndarray) or key is Ellipsis for key in keys)
    simple = all(isinstance(key, slice | int | np.integer) or key is Ellipsis or key is None for key in keys)
    return simple or (lists == 1 and plain)


def _places(which: Any, count: int) -> NDArray[np.int64] | None:
    """A list of samples as indices from 0; None for anything else."""
    places = np.asarray(which)
    if places.ndim != 1:
        return None
    if places.dtype == bool:
        return np.flatnonzero(places) if len(places) == count else None
    if places.dtype.kind not in "iu" and places.size:
        return None
    places = places.astype(np.int64)
    if places.size and not (-count <= places.min() and places.max() < count):
        raise IndexError(f"an index is out of bounds for {count} samples")
    return np.where(places < 0, places + count, places)
