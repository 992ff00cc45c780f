"""Named arrays in a .npz file, without pickle; headers are not trusted when reading."""

import io
import math
import os
import struct
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from dynviz.recording import files

NUMBERS = "biufcU"
"""NumPy kinds that can be read: numbers and fixed-length text."""
_CHECKSUM = b"%08x"
_UTF8, _DATE, _IN_EXTRA_FIELD, _MODE = 0x800, 0x21, 0xFFFFFFFF, 0o600 << 16
"""In an archive: the name is UTF-8; 1 January 1980; see the extra field for the size; its owner reads and writes."""
_SMALL, _FEW = 1 << 31, 1 << 16
"""Bytes and members below which an archive has no records for large ones."""
_END, _END_BYTES = b"PK\5\6", 22
"""The end-of-archive record of a ZIP file without a comment: its signature and length."""


def write_npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Serialize named arrays deterministically; the data ends with a checksum of everything before it.

    Not np.savez: it stores the time of day, and rejects arrays named like its own arguments.

    Raises:
        ValueError: An array holds Python objects.
    """
    members = {f"{name}.npy": _npy(np.asanyarray(array)) for name, array in arrays.items()}
    small = sum(map(len, members.values())) < _SMALL and len(members) < _FEW
    small = small and all(len(name) < _FEW // 4 and "\0" not in name for name in members)
    data = (_stored if small else _zipped)(members) + struct.pack("<H", len(_CHECKSUM % 0))
    return data + _CHECKSUM % zlib.crc32(data)


def _npy(array: NDArray[Any]) -> bytes:
    """An array as a .npy file."""
    if not array.flags.c_contiguous or array.dtype.hasobject or array.dtype.names:
        file = io.BytesIO()
        np.lib.format.write_array(file, array, allow_pickle=False)
        return file.getvalue()
    return _npy_header(array.dtype, array.shape) + array.tobytes()


@lru_cache(1000)
def _npy_header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """What stands before the numbers of a contiguous array: the same at each checkpoint."""
    file = io.BytesIO()
    known = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, known)
    return file.getvalue()


def _zipped(members: Mapping[str, bytes]) -> bytes:
    """An archive of members that are not compressed, without the length of its comment."""
    import zipfile

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                member.write(data)
    return file.getvalue()[:-2]


def _stored(members: Mapping[str, bytes]) -> bytes:
    """The same bytes in less time, of members that are few and small, as those of the many checkpoints are."""
    parts: list[bytes] = []
    directory: list[bytes] = []
    at = 0
    for name, data in members.items():
        encoded, size = name.encode(), len(data)
        # Version, flags, method, time, date, checksum.
        known = struct.pack("<HHHHHL", 45, 0 if encoded.isascii() else _UTF8, 0, 0, _DATE, zlib.crc32(data))
        # The sizes stand in the extra field behind the name, which has room for any.
        header = b"PK\3\4" + known + struct.pack("<LLHH", _IN_EXTRA_FIELD, _IN_EXTRA_FIELD, len(encoded), 20) + encoded
        parts += [header, struct.pack("<HHQQ", 1, 16, size, size), data]
        directory.append(
            b"PK\1\2\x2d\3"
            + known
            + struct.pack("<LLHHHHHLL", size, size, len(encoded), 0, 0, 0, 0, _MODE, at)
            + encoded
        )
        at += len(header) + 20 + size
    entries = b"".join(directory)
    end = struct.pack("<HHHHLL", 0, 0, len(directory), len(directory), len(entries), at)
    return b"".join([*parts, entries, _END, end])


def check_intact(path: Path) -> None:
    """Check that a file is as `write_npz` wrote it; files from older versions have no checksum and pass.

    Raises:
        OSError: It cannot be read.
        ValueError: Its checksum does not match.
    """
    data = files.read(path, path.stat().st_size)
    end = len(data) - len(_CHECKSUM % 0)
    if data[end:] != _CHECKSUM % zlib.crc32(memoryview(data)[:end]) and not data[-_END_BYTES:].startswith(_END):
        raise ValueError("its checksum differs")


def read_npz(path: Path, most: int | None = None) -> dict[str, NDArray[Any]]:
    """Read a file written by `write_npz`: its members are uncompressed, so none can be larger than the file.

    Args:
        path: The file.
        most: Maximum total size of the arrays in bytes; None for the size of the file.

    Raises:
        OSError: It cannot be read, or is not a regular file.
        ValueError: It is damaged, contains something else, or is larger than expected.
    """
    # Imported late: the import takes as long as reading several files.
    import zipfile

    with open(files.open_regular(path), "rb") as file:  # noqa: PTH123 - it is open already
        room = os.fstat(file.fileno()).st_size
        room = room if most is None else min(room, most)
        try:
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                    raise ValueError("its arrays are compressed, which dynviz never does")
                if (total := sum(member.file_size for member in members)) > room:
                    raise ValueError(f"its arrays take {total} bytes, more than the {room} that are expected at most")
                return {
                    member.filename.removesuffix(".npy"): _array(archive.open(member), member.file_size)
                    for member in members
                }
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, struct.error, EOFError, KeyError) as error:
            # Encrypted members raise RuntimeError, newer formats NotImplementedError.
            raise ValueError(" ".join(str(error).split())) from error


def check_shapes(arrays: Mapping[str, NDArray[Any]], forms: Mapping[str, str]) -> None:
    """Check that arrays exist, are numeric, and have consistent shapes.

    Args:
        arrays: The arrays, by name.
        forms: For each name, one letter per dimension; dimensions with the same letter have the same nonzero length.

    Raises:
        ValueError: An array is missing or has the wrong type or shape.

    >>> check_shapes({"x": np.zeros(3), "y": np.zeros((2, 3))}, {"x": "a", "y": "ba"})
    >>> check_shapes({"x": np.zeros(3), "y": np.zeros((2, 4))}, {"x": "a", "y": "ba"})
    Traceback (most recent call last):
    ValueError: its array y has the shape (2, 4), which does not go with that of x
    """
    lengths: dict[str, tuple[int, str]] = {}
    for name, form in forms.items():
        if name not in arrays:
            raise ValueError(f"it has no array {name}")
        array = arrays[name]
        if array.dtype.kind not in "biuf":
            raise ValueError(f"its array {name} is of {array.dtype}, not of numbers")
        if array.ndim != len(form) or 0 in array.shape:
            raise ValueError(f"its array {name} has the shape {array.shape}, not one of {len(form)} dimensions")
        for letter, length in zip(form, array.shape, strict=True):
            known, other = lengths.setdefault(letter, (length, name))
            if known != length:
                raise ValueError(
                    f"its array {name} has the shape {array.shape}, which does not go with that of {other}"
                )


def _array(file: IO[bytes], size: int) -> NDArray[Any]:
    """Read one array, comparing its header with the actual size before allocating memory."""
    with file:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
        if read is None:
            raise ValueError(f"an array of format {version} cannot be read")
        try:
            shape, by_columns, dtype = read(file)
        except (SyntaxError, TypeError, RecursionError, MemoryError, OverflowError) as error:
            raise ValueError("the header of an array is damaged") from error
        if dtype.kind not in NUMBERS or dtype.itemsize == 0 or any(length < 0 for length in shape):
            raise ValueError(f"an array of {dtype} and shape {shape} is not read")
        length = math.prod(shape) * dtype.itemsize
        if length != size - file.tell():
            raise ValueError(f"an array announces {length} bytes, and {size - file.tell()} are there")
        # A bytearray, so that the array is writable.
        flat = np.frombuffer(bytearray(file.read(length)), dtype)
        return flat.reshape(shape, order="F" if by_columns else "C")
