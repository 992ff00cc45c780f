"""Offline runs of Weights & Biases: the history and the configuration in `run-<id>.wandb`.

A file is a header of seven bytes and a log like LevelDB's: blocks of 32 KiB of parts of records, each with a checksum,
its length and which part it is. A record is a `Record` message. Source: github.com/wandb/wandb,
wandb/proto/wandb_internal.proto; github.com/google/leveldb, doc/log_format.md.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynviz.errors import DynvizError
from dynviz.imports import protobuf
from dynviz.imports.foreign import ForeignRun, parsed, scalars
from dynviz.imports.protobuf import DamagedMessageError

if TYPE_CHECKING:
    from io import BufferedReader

PROGRAM = "Weights & Biases"
BLOCK, HEAD = 1 << 15, 7
MAGIC = b":W&B"
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
MOST = 1 << 26
"""Bytes of a record; the largest are tables of a few megabytes."""
HISTORY, CONFIG, RUN = 2, 5, 17
OWN = "_"
"""What a name begins with that is the program's own: `_runtime`, `_timestamp`."""


def is_log(file: Path) -> bool:
    """Whether a file is the log of a run, by its name."""
    return file.suffix == ".wandb"


def read(file: Path, run: ForeignRun) -> None:
    """Take the history and the configuration of a run; a record that is still being written is left out.

    Raises:
        DynvizError: The file cannot be read, or is damaged.
    """
    rows = 0
    with file.open("rb") as stream:
        if stream.read(HEAD)[:4] != MAGIC:
            raise DynvizError(f"{file} is no log of Weights & Biases: it does not begin with {MAGIC.decode()}")
        for place, record in _records(stream, file):
            try:
                for number, value in protobuf.fields(record):
                    if number == HISTORY:
                        _take_row(protobuf.part(value), rows, file, run)
                        rows += 1
                    elif number == CONFIG:
                        _take_config(protobuf.part(value), run)
                    elif number == RUN:
                        _take_run(protobuf.part(value), run)
            except DamagedMessageError as error:
                raise _damaged(file, place) from error


def _records(stream: "BufferedReader", file: Path) -> Iterator[tuple[int, bytes]]:
    """The offset and data of each record."""
    # The first part of a record may be empty, where just its head fits into a block.
    place, parts, within = HEAD, bytearray(), False
    while True:
        left = BLOCK - place % BLOCK
        if left < HEAD:
            # The rest of a block is too short for a part.
            stream.read(left)
            place += left
        head = stream.read(HEAD)
        if len(head) < HEAD:
            return
        known, length, kind = struct.unpack("<IHB", head)
        data = stream.read(length)
        if len(data) < length:
            return
        if kind not in (FULL, FIRST, MIDDLE, LAST) or zlib.crc32(data, zlib.crc32(head[6:])) != known:
            raise _damaged(file, place)
        if (kind in (MIDDLE, LAST)) != within or len(parts) + length > MOST:
            raise _damaged(file, place)
        place += HEAD + length
        parts += data
        within = kind in (FIRST, MIDDLE)
        if not within:
            yield place, bytes(parts)
            parts.clear()


def _take_row(history: bytes, row: int, file: Path, run: ForeignRun) -> None:
    step = row
    values: dict[str, float] = {}
    for number, value in protobuf.fields(history):
        if number == 2:
            known = protobuf.last(protobuf.part(value), 1)
            step = 0 if known is None else protobuf.signed(known)
        elif number == 1:
            name, content = _item(protobuf.part(value))
            if name == "_step" and isinstance(content, int):
                step = content
            elif not name.startswith(OWN):
                values |= scalars(name, content)
    for name, number_ in values.items():
        run.add(name, step, number_, file)


def _item(item: bytes) -> tuple[str, Any]:
    """The name and value of a logged value, or of a part of the configuration."""
    name, nested = "", []
    value: Any = None
    for number, content in protobuf.fields(item):
        if number == 1:
            name = protobuf.text(content)
        elif number == 2:
            nested.append(protobuf.text(content))
        elif number == 4:
            value = bool(content)
        elif number == 5:
            value = protobuf.zigzag(content)
        elif number == 6:
            value = protobuf.number(content)
        elif number == 7:
            value = protobuf.text(content)
        elif number in (8, 16):
            value = parsed(protobuf.text(content))
    return name or ".".join(nested), value


def _take_config(config: bytes, run: ForeignRun) -> None:
    for number, value in protobuf.fields(config):
        if number == 1:
            name, content = _item(protobuf.part(value))
            if not name.startswith(OWN):
                run.set(name, content)


def _take_run(record: bytes, run: ForeignRun) -> None:
    for number, value in protobuf.fields(record):
        if number == 4:
            _take_config(protobuf.part(value), run)
        elif number == 8:
            run.name = protobuf.text(value) or run.name


def _damaged(file: Path, place: int) -> DynvizError:
    return DynvizError(f"{file} is damaged before byte {place}, or is no log of Weights & Biases")
