"""The layout of a recording's folder, and the header of a channel's file.

    run.json                the metadata, see `Metadata`; it ends with a checksum of itself
    channels/<name>.npy     one array [samples, lanes, ...] per channel
    events.jsonl            one event per line
    changes.jsonl           one hyperparameter change per line, see `dynviz.recording.changes`
    notes.jsonl             one note at a step per line, made by people, see `dynviz.recording.notes`
    requests.jsonl          one request to the training process per line
    checkpoints/<step>.npz  the state of training after that step
    inputs/<name>           copies of small files that the run depends on, see `dynviz.recording.inputs`
    lock                    empty, held by flock while a writer lives, and left behind afterwards

A channel's file is a .npy file of version 1.0 whose header is always 256 bytes long. The sample count is at a fixed
offset, so that a writer publishes appended data by rewriting eight bytes.
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
NOTES = "notes.jsonl"
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
    """The path of a channel relative to the recording's folder.

    >>> channel_file("term.gradient")
    'channels/term.gradient.npy'
    """
    return f"{CHANNELS}/{name}{CHANNEL_SUFFIX}"


def checkpoint_file(step: int) -> str:
    """The path of a checkpoint relative to the recording's folder."""
    return f"{CHECKPOINTS}/{step}{CHECKPOINT_SUFFIX}"


def channel_name(words: str) -> str:
    """The name of a channel for what others call their values, such as paths; empty if no letter or digit is left.

    >>> channel_name("Train/Loss (smoothed)"), channel_name("???")
    ('train.loss-smoothed', '')
    """
    return re.sub(r"[^a-z0-9_.-]+", "-", words.lower().replace("/", ".")).strip(".-")[:100]


def check_channel(name: str, dtype: str) -> None:
    """Reject a channel whose name is not portable or whose type is not numeric.

    Raises:
        DynvizError: The name is not a safe file name, or the type is not numeric.
    """
    if not _NAME.fullmatch(name):
        raise DynvizError(
            f"a channel cannot be named {name!r}: use at most 100 of a-z, 0-9, '_', '.' and '-', "
            "and begin with neither '.' nor '-'"
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
        dtype: The type of the array.
        shape: The shape of one sample, including the axis of lanes.
        count: The number of samples.

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
    """The bytes to write into a header to set its count, and their offset.

    Below 10^8 samples these are eight aligned bytes, which a processor copies in one piece, so that a reader sees the
    old count or the new one, never a mixture of their digits.

    >>> count_change(17)
    (b'      17', 72)
    """
    digits = b"%16d" % count
    return (digits[8:], COUNT_AT + 8) if count < 10**8 else (digits, COUNT_AT)


def promised(head: bytes, expected: bytes) -> int | None:
    """The sample count in a file's header; None if the header otherwise differs from the expected one.

    >>> promised(header("<f4", (3,), 17), header("<f4", (3,)))
    17
    >>> promised(header("<f8", (3,), 17), header("<f4", (3,))) is None
    True
    """
    same = head[:COUNT_AT] == expected[:COUNT_AT] and head[_COUNT_END:] == expected[_COUNT_END:]
    digits = head[COUNT_AT:_COUNT_END].strip()
    return int(digits) if same and digits.isdigit() else None
