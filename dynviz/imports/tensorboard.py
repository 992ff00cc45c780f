"""Event files of TensorBoard: scalars and hyperparameters.

A file is a sequence of records: the length in eight bytes, its checksum, an `Event` message, and its checksum. Each
checksum is a CRC-32C, rotated and shifted. Source: tensorflow/core/lib/io/record_writer.h, core/util/event.proto.
"""

import functools
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.imports import protobuf
from dynviz.imports.foreign import ForeignRun
from dynviz.imports.protobuf import DamagedMessageError

if TYPE_CHECKING:
    from io import BufferedReader

PROGRAM = "TensorBoard"
SETTINGS = "hparams"
"""The plug-in whose summaries hold hyperparameters."""
LARGE = 1 << 14
"""Bytes above which a record's checksum is not computed: it holds a picture or a histogram."""
HUGE = 1 << 26
"""Bytes above which a record is skipped."""
TOGETHER = 1 << 14
"""Records whose checksums are computed together."""
FLOAT, DOUBLE, INT32, INT64, HALF, BFLOAT16 = 1, 2, 3, 9, 19, 14
TYPES = {FLOAT: "<f4", DOUBLE: "<f8", INT32: "<i4", INT64: "<i8", HALF: "<f2"}


def is_log(file: Path) -> bool:
    """Whether a file is one of TensorBoard's, by its name."""
    return "tfevents" in file.name


def read(file: Path, run: ForeignRun) -> None:
    """Take the scalars and hyperparameters of a file; a record that is still being written is left out.

    Raises:
        DynvizError: The file cannot be read, or is damaged.
    """
    with file.open("rb") as stream:
        for place, data in _records(stream, file):
            try:
                _take(data, file, run)
            except DamagedMessageError as error:
                raise _damaged(file, place) from error


def _records(stream: "BufferedReader", file: Path) -> Iterator[tuple[int, bytes]]:
    """The offset and data of each record, once its checksum was compared."""
    waiting: list[tuple[int, bytes, int]] = []
    place = 0
    while len(head := stream.read(12)) == 12:
        length, length_sum = struct.unpack("<QI", head)
        if _checksum(np.frombuffer(head[:8], np.uint8)[None])[0] != length_sum:
            raise _damaged(file, place)
        if length > HUGE:
            stream.seek(length + 4, 1)
        else:
            data = stream.read(length + 4)
            if len(data) < length + 4:
                break
            waiting.append((place, data[:-4], struct.unpack("<I", data[-4:])[0]))
        place += 12 + length + 4
        if len(waiting) == TOGETHER:
            yield from _checked(waiting, file)
            waiting = []
    yield from _checked(waiting, file)


def _checked(records: list[tuple[int, bytes, int]], file: Path) -> Iterator[tuple[int, bytes]]:
    """Compare the checksums of records, those of one length together."""
    lengths: dict[int, list[tuple[int, bytes, int]]] = {}
    for record in records:
        lengths.setdefault(len(record[1]), []).append(record)
    for length, same in lengths.items():
        if 0 < length <= LARGE:
            rows = np.frombuffer(b"".join(data for _, data, _ in same), np.uint8).reshape(len(same), length)
            wrong = np.flatnonzero(_checksum(rows) != np.array([known for _, _, known in same], np.uint32))
            if len(wrong):
                raise _damaged(file, same[wrong[0]][0])
    for place, data, _ in records:
        yield place, data


@functools.cache
def _table() -> NDArray[np.uint32]:
    """What each byte does to a CRC-32C."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0x82F63B78), table >> 1)
    return table


def _checksum(rows: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The checksum [records] of records of one length [records, bytes]."""
    table = _table()
    sums = np.full(len(rows), 0xFFFFFFFF, np.uint32)
    for column in rows.T:
        sums = table[(sums ^ column) & 0xFF] ^ (sums >> 8)
    sums = ~sums
    rotated = (sums >> 15) | (sums << 17)
    return np.asarray(rotated + np.uint32(0xA282EAD8), np.uint32)


def _take(event: bytes, file: Path, run: ForeignRun) -> None:
    step, summaries = 0, []
    for number, value in protobuf.fields(event):
        if number == 2:
            step = protobuf.signed(value)
        elif number == 5:
            summaries.append(protobuf.part(value))
    for summary in summaries:
        for number, value in protobuf.fields(summary):
            if number == 1:
                _take_value(protobuf.part(value), step, file, run)


def _take_value(summary: bytes, step: int, file: Path, run: ForeignRun) -> None:
    tag, scalar = "", None
    for number, value in protobuf.fields(summary):
        if number == 1:
            tag = protobuf.text(value)
        elif number == 2:
            scalar = protobuf.number(value)
        elif number == 8:
            scalar = _scalar(protobuf.part(value))
        elif number == 9:
            _take_metadata(protobuf.part(value), run)
    if scalar is not None:
        run.add(tag, step, scalar, file)


def _scalar(tensor: bytes) -> float | None:
    """The number of a tensor of one; None of any other."""
    kind, content, numbers = 0, b"", []
    for number, value in protobuf.fields(tensor):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 4:
            content = protobuf.part(value)
        elif number in (5, 6):
            # Packed, or one by one.
            numbers += np.frombuffer(protobuf.part(value), "<f4" if number == 5 else "<f8").tolist()
    if kind == BFLOAT16 and len(content) == 2:
        return protobuf.number(b"\0\0" + content)
    if kind in TYPES and len(content) == np.dtype(TYPES[kind]).itemsize:
        return float(np.frombuffer(content, TYPES[kind])[0])
    return float(numbers[0]) if len(numbers) == 1 and not content else None


def _take_metadata(metadata: bytes, run: ForeignRun) -> None:
    plugin = protobuf.last(metadata, 1)
    if plugin is None or protobuf.last(protobuf.part(plugin), 1) != SETTINGS.encode():
        return
    content = protobuf.last(protobuf.part(plugin), 2)
    start = protobuf.last(protobuf.part(content), 3) if content is not None else None
    if start is None:
        return
    for number, entry in protobuf.fields(protobuf.part(start)):
        if number == 1:
            name, value = (protobuf.last(protobuf.part(entry), key) for key in (1, 2))
            run.set(protobuf.text(name), _setting(protobuf.part(value)))


def _setting(value: bytes) -> Any:
    """A google.protobuf.Value."""
    for number, content in protobuf.fields(value):
        if number == 2:
            return protobuf.number(content)
        if number == 3:
            return protobuf.text(content)
        if number == 4:
            return bool(content)
    return None


def _damaged(file: Path, place: int) -> DynvizError:
    return DynvizError(f"{file} is damaged at byte {place}, or is no event file of TensorBoard")
