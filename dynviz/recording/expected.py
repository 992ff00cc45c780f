"""The schema of run.json, including consistency between its fields."""

import math
from datetime import datetime
from typing import Any

import numpy as np

from dynviz.recording import inputs, layout, schema
from dynviz.recording.metadata import FORMAT, ChannelInfo, Lane, Metadata, Named, Origin, Part
from dynviz.recording.schema import Misfit, list_of, mapping_of, optional, plain_lists, typed, whole

MOST_BYTES = 2**60
"""Maximum size of a channel; file offsets are 64-bit integers."""


def _created(value: Any) -> str:
    """Validate a timestamp, which must be displayable in any time zone."""
    written = schema.text(value)
    try:
        good = not written or 1970 <= datetime.fromisoformat(written).year <= 9000
    except ValueError:
        good = False
    if not good:
        raise schema.unlike(value, "a time like 2026-01-01T00:00:00+00:00")
    return written


def _channels(value: Any) -> dict[str, ChannelInfo]:
    channels = _CHANNELS(value)
    for name, info in channels.items():
        try:
            layout.check_channel(name, info.dtype)
            _check_shapes(info)
        except Misfit as misfit:
            raise misfit.under(f".{name}") from None
    return channels


def _check_shapes(info: ChannelInfo) -> None:
    """Check that the shapes declared for a channel are consistent."""
    if info.dims and len(info.dims) != len(info.shape):
        raise Misfit(f"names {len(info.dims)} dimensions, not {len(info.shape)}").under(".dims")
    for index, shape in enumerate(info.shapes):
        if len(shape) != len(info.shape) or any(own > most for own, most in zip(shape, info.shape, strict=True)):
            raise Misfit(f"is {shape}, which does not fit into {info.shape}").under(f".shapes[{index}]")
    for name, part in info.parts.items():
        if not info.shape or part.start + math.prod(part.shape) > info.shape[-1]:
            raise Misfit(f"does not fit into {info.shape}").under(f".parts.{name}")


def metadata(tree: Any) -> Metadata:
    """Read the output of `Metadata.to_json`.

    Raises:
        Misfit: A field is invalid, or fields are inconsistent.
    """
    described = _METADATA(tree)
    lanes = len(described.lanes)
    for name, info in described.channels.items():
        if info.shapes and len(info.shapes) != lanes:
            raise Misfit(f"has {len(info.shapes)} entries, not {lanes}").under(f".channels.{name}.shapes")
        # In Python integers, which do not overflow.
        sample = np.dtype(info.dtype).itemsize * lanes * math.prod(info.shape)
        if sample * max(1, info.samples(described.steps)) > MOST_BYTES:
            raise Misfit("is larger than any file can be").under(f".channels.{name}")
    return described


_MODIFIER = typed(Named, modifiers=list_of(schema.text, most=0))
_NAMED = typed(Named, modifiers=list_of(_MODIFIER))
_CHANNELS = mapping_of(
    typed(
        ChannelInfo,
        every=whole(0, schema.STEPS),
        shape=schema.sizes,
        shapes=list_of(schema.sizes, most=schema.LANES),
        parts=mapping_of(typed(Part, start=schema.size, shape=schema.sizes)),
    )
)
_LANES = list_of(whole(0, schema.LANES - 1), 1, schema.LANES)
_METADATA = typed(
    Metadata,
    scenario=_NAMED,
    optimizer=_NAMED,
    order=whole(0, schema.STEPS),
    lanes=list_of(typed(Lane, seed=whole(0, 2**64)), 1, schema.LANES),
    steps=whole(0, schema.STEPS),
    channels=_channels,
    facts=mapping_of(plain_lists),
    story=schema.text,
    title=schema.text,
    what=mapping_of(schema.text),
    parameters=mapping_of(schema.sizes),
    threads=whole(0, 2**31),
    checkpoint_every=whole(0, schema.STEPS),
    created=_created,
    origin=optional(typed(Origin, step=whole(0, schema.STEPS), lanes=_LANES)),
    inputs=list_of(typed(inputs.Input, copy=inputs.copy_name)),
    format=whole(0, FORMAT),
)
