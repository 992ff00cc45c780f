"""Reading protocol buffers, as far as logs need it: a message is a sequence of numbered fields.

Source: https://protobuf.dev/programming-guides/encoding/
"""

import struct
from collections.abc import Iterator
from typing import TypeAlias

Value: TypeAlias = int | bytes
"""A varint, or the bytes of anything else."""

VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5
"""How a value is encoded."""


class DamagedMessageError(ValueError):
    """The bytes are no message."""


def fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """The number and value of each field, in order.

    Raises:
        DamagedMessageError: The bytes are no message.
    """
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == BYTES:
            size, at = _varint(message, at)
        elif kind in (EIGHT, FOUR):
            size = 8 if kind == EIGHT else 4
        else:
            raise DamagedMessageError(f"encoding {kind} is unknown")
        if size > end - at:
            raise DamagedMessageError("a field is cut off")
        yield number, message[at : at + size]
        at += size


def last(message: bytes, number: int) -> Value | None:
    """The value of a field, which is the last one if there are several; None if there is none."""
    return next((value for key, value in reversed(list(fields(message))) if key == number), None)


def part(value: Value | None) -> bytes:
    """A value that should be bytes.

    Raises:
        DamagedMessageError: It is not.
    """
    if isinstance(value, bytes):
        return value
    raise DamagedMessageError("a field is of another type")


def text(value: Value | None) -> str:
    """A value that should be text."""
    return part(value).decode("utf-8", "replace")


def signed(value: Value | None) -> int:
    """A value that should be a signed whole number."""
    if not isinstance(value, int):
        raise DamagedMessageError("a field is of another type")
    return value - (1 << 64) if value >> 63 else value


def zigzag(value: Value | None) -> int:
    """A value that should be a signed whole number, of the type that keeps small negative ones short."""
    if not isinstance(value, int):
        raise DamagedMessageError("a field is of another type")
    return (value >> 1) ^ -(value & 1)


def number(value: Value | None) -> float:
    """A value that should be a number in floating point, of four or eight bytes."""
    data = part(value)
    if len(data) not in (4, 8):
        raise DamagedMessageError("a field is of another type")
    return float(struct.unpack("<f" if len(data) == 4 else "<d", data)[0])


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 70:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise DamagedMessageError("a number is cut off")
