"""Where things stand in a recording's folder, and the header of a channel's file.

    run.json                what the recording is, see `Metadata`; it ends in a checksum of itself
    channels/<name>.npy     one array [samples, lanes, ...] for each channel
    events.jsonl            one event a line
    changes.jsonl           one change of a hyperparameter a line, see `dynviz.recording.changes`
    requests.jsonl          one request to the process that trains a line
    checkpoints/<step>.npz  the state of training after that step
    inputs/<name>           copies of small files that the run depends on, see `dynviz.recording.inputs`
    lock                    held by flock while a writer lives, empty, left behind afterwards

A channel's file is a .npy file of version 1.0 whose header is always 256 bytes long. The sample count in it stands at
a fixed place, so that a writer that has appended data says so by rewriting eight bytes.
"""

import re

import numpy as np
from numpy.typing import DTypeLike

from dynviz.errors import DynvizError

METADATA = "run.json"
CHANNELS = "channels"
EVENTS = "events.jsonl"
CHANGES = "changes.jsonl"
REQUESTS = "requests.jsonl"
CHECKPOINTS = "checkpoints"
LOCK = "lock"
CHANNEL_SUFFIX = ".npy"
CHECKPOINT_SUFFIX = ".npz"

HEADER_BYTES = 256
COUNT_AT = 64
COUNT_DIGITS = 16
_COUNT_END = COUNT_AT + COUNT_DIGITS
_MAGIC = b"\x93NUMPY\x01\x00"
_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,99}")
_NUMBERS = "biufc"


def channel_file(name: str) -> str:
    """The path of a channel inside its recording's folder.

    >>> channel_file("term.gradient")
    'channels/term.gradient.npy'
    """
    return f"{CHANNELS}/{name}{CHANNEL_SUFFIX}"


def checkpoint_file(step: int) -> str:
    """The path of a checkpoint inside its recording's folder."""
    return f"{CHECKPOINTS}/{step}{CHECKPOINT_SUFFIX}"


def check_channel(name: str, dtype: str) -> None:
    """Refuse a channel that cannot be a file of numbers, on any file system and without pickle.

    Raises:
        DynvizError: The name is no safe file name, or the type is no type of numbers.
    """
    if not _NAME.fullmatch(name):
        raise DynvizError(
            f"a channel cannot be named {name!r}: at most 100 of a-z, 0-9, '_', '.' and '-', "
            "the first of them neither '.' nor '-'"
        )
    if not _numeric(dtype):
        raise DynvizError(f"channel {name!r} cannot hold {dtype!r}: numbers only, such as '<f4', '<i8' or '|b1'")


def _numeric(dtype: str) -> bool:
    try:
        return np.dtype(dtype).kind in _NUMBERS
    except (TypeError, ValueError):
        return False


def header(dtype: DTypeLike, shape: tuple[int, ...], count: int = 0) -> bytes:
    """The first 256 bytes of a channel's file.

    Args:
        dtype: Of the array.
        shape: Of one sample, the axis of lanes included.
        count: How many samples the file promises to hold.

    >>> header("<f4", (3, 2), 17)[10:].decode().split()
    ["{'descr':", "'<f4',", "'fortran_order':", 'False,', "'shape':", '(', '17,', '3,', '2),', '}']
    >>> len(header("<f4", (3, 2), 17))
    256
    """
    start = f"{{'descr': {np.dtype(dtype).str!r}, 'fortran_order': False, 'shape': ("
    rest = "".join(f", {size}" for size in shape) + "), }"
    text = start.ljust(COUNT_AT - 10) + f"{count:{COUNT_DIGITS}d}" + rest
    length = HEADER_BYTES - 10
    if len(text) >= length:
        raise DynvizError(f"a channel's sample has at most some thirty dimensions; one has {len(shape)}: {shape}")
    return _MAGIC + length.to_bytes(2, "little") + text.ljust(length - 1).encode("ascii") + b"\n"


def count_change(count: int) -> tuple[bytes, int]:
    """The bytes that make a header say `count`, and where they belong.

    Below 10^8 samples these are eight bytes at a multiple of eight, which a processor copies in one piece: a reader
    finds the old count or the new one, never digits of both.

    >>> count_change(17)
    (b'      17', 72)
    """
    digits = b"%16d" % count
    return (digits[8:], COUNT_AT + 8) if count < 10**8 else (digits, COUNT_AT)


def promised(head: bytes, expected: bytes) -> int | None:
    """The sample count in a file's first bytes; None where they differ from the header that is expected otherwise.

    >>> promised(header("<f4", (3,), 17), header("<f4", (3,)))
    17
    >>> promised(header("<f8", (3,), 17), header("<f4", (3,))) is None
    True
    """
    same = head[:COUNT_AT] == expected[:COUNT_AT] and head[_COUNT_END:] == expected[_COUNT_END:]
    digits = head[COUNT_AT:_COUNT_END].strip()
    return int(digits) if same and digits.isdigit() else None
