"""What a measurement depends on, so that it can be made again."""

from dataclasses import fields
from typing import Any

HERE = ("memory", "device", "trust", "function")
"""Fields of a `Wish` about how it is done."""


def asked(wish: Any, lane: int) -> dict[str, Any]:
    """The fields of a `Wish`, or of the like, that what is measured depends on; none for a loss of a user's own.

    Args:
        wish: What was asked for.
        lane: The lane, counted from 0 over all lanes of the recording.
    """
    if wish.function is not None:
        return {}
    return {**{field.name: getattr(wish, field.name) for field in fields(wish) if field.name not in HERE}, "lane": lane}
