"""The schema of run.json, including consistency between its fields."""

import math
from datetime import datetime
from typing import Any, get_args

import numpy as np

from dynviz.recording import inputs, layout, schema
from dynviz.recording.metadata import (
    FORMAT,
    Better,
    ChannelInfo,
    Hyperparameter,
    Lane,
    Metadata,
    Named,
    Origin,
    Part,
    Source,
    Status,
)
from dynviz.recording.schema import Misfit, list_of, mapping_of, optional, plain, plain_lists, record, whole

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


_NAMED = record(
    Named,
    name=schema.text,
    given=mapping_of(plain),
    options=mapping_of(plain),
    file=schema.text,
    sha256=schema.text,
)
_LANE = record(Lane, seed=whole(0, 2**64), hyperparameters=mapping_of(plain))
_PART = record(Part, start=schema.size, shape=schema.sizes)
_CHANNELS = mapping_of(
    record(
        ChannelInfo,
        every=whole(0, schema.STEPS),
        dtype=schema.text,
        shape=schema.sizes,
        dims=list_of(schema.text),
        help=schema.text,
        shapes=list_of(schema.sizes, most=schema.LANES),
        parts=mapping_of(_PART),
        title=schema.text,
        better=schema.one_of(*get_args(Better)),
        bounds=list_of(schema.number, 2, 2),
    )
)
_METADATA = record(
    Metadata,
    scenario=_NAMED,
    optimizer=_NAMED,
    label=schema.text,
    order=whole(0, schema.STEPS),
    hyperparameters=mapping_of(
        record(Hyperparameter, value=plain, source=schema.one_of(*get_args(Source))),
    ),
    terms=list_of(schema.text),
    lanes=list_of(_LANE, 1, schema.LANES),
    steps=whole(0, schema.STEPS),
    channels=_channels,
    views=list_of(schema.text),
    facts=mapping_of(plain_lists),
    parameters=mapping_of(schema.sizes),
    fallbacks=mapping_of(schema.text),
    versions=mapping_of(schema.text),
    device=schema.text,
    device_name=schema.text,
    threads=whole(0, 2**31),
    dtype=schema.text,
    compiled=schema.flag,
    checkpoint_every=whole(0, schema.STEPS),
    created=_created,
    status=schema.one_of(*get_args(Status)),
    error=schema.text,
    origin=optional(
        record(
            Origin,
            folder=schema.text,
            sha256=schema.text,
            step=whole(0, schema.STEPS),
            lanes=list_of(whole(0, schema.LANES - 1), 1, schema.LANES),
            changes=mapping_of(plain),
            state=mapping_of(schema.text),
            inexact=schema.text,
        )
    ),
    inputs=list_of(record(inputs.Input, path=schema.text, sha256=schema.text, code=schema.flag, copy=inputs.copy_name)),
    format=whole(0, FORMAT),
)
