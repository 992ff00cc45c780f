"""Recordings as labelled arrays of xarray."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.recording import Recording
from dynviz.recording.metadata import ChannelInfo
from dynviz.tables.columns import KEYS, NUMBERS, check_channels, chosen_channels, entries, settings, units, width

if TYPE_CHECKING:
    import xarray

Array: TypeAlias = NDArray[Any]
LARGE = 4_000_000_000
"""Bytes above which arrays are not read into memory unless their channels are named."""


def datasets(recordings: Mapping[str, Recording], channels: Sequence[str] = ()) -> "dict[str, xarray.Dataset]":
    """The data set of each of several recordings, see `dataset`.

    Raises:
        DynvizError: xarray is not installed, there is no such channel, or all are too many for memory.
    """
    try:
        import xarray  # noqa: F401
    except ImportError as error:
        raise DynvizError("labelled arrays need xarray; install it with: pip install 'dynviz[xarray]'") from error
    check_channels(list(recordings.values()), channels)
    if not channels:
        size = sum(recording[name].nbytes for recording in recordings.values() for name in recording.channels)
        if size > LARGE:
            raise DynvizError(f"all channels are {size / 1e9:.1f} GB; choose some: channels=['loss'], --channel loss")
    return {label: dataset(recording, channels) for label, recording in recordings.items()}


def dataset(recording: Recording, channels: Sequence[str] = ()) -> "xarray.Dataset":
    """A data set: an array [step, lane, ...] for each channel, with steps, seeds and hyperparameters as coordinates.

    Channels that are sampled at the same steps share a dimension: `step` for the densest, `step_100` for those that
    are sampled every 100 steps. A channel that ends earlier is padded with NaN.

    Args:
        recording: The recording.
        channels: Names or patterns of channels; by default all.
    """
    import xarray

    metadata = recording.metadata
    names = chosen_channels(recording, channels or ("*",))
    densest = min((info.every for name, info in metadata.channels.items() if name in names and info.every), default=1)
    axes: dict[str, Array] = {}
    for name in names:
        if every := metadata.channels[name].every:
            axis, steps = _axis(every, densest), recording.steps(name)
            axes[axis] = steps if len(steps) > len(axes.get(axis, ())) else axes[axis]
    sizes: dict[str, int] = {}
    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {
        axis: (axis, steps, {"long_name": "number of steps taken", "units": "steps"}) for axis, steps in axes.items()
    }
    for name in names:
        info = metadata.channels[name]
        dims = _dims(name, info, sizes)
        if len(info.shape) == 1 and (words := entries(info)) != list(map(str, range(width(info)))):
            coordinates[dims[0]] = (dims[0], words)
        lead = ((_axis(info.every, densest),) if info.every else ()) + ("lane",)
        samples = np.asarray(recording[name])
        samples = _padded(samples, len(axes[lead[0]])) if info.every else samples[0]
        attributes = {"long_name": info.title or name, "description": info.help, "units": units(recording)}
        known = {key: words for key, words in attributes.items() if words}
        base = f"channel.{name}" if name in KEYS else name
        parts = {f"{base}.real": samples.real, f"{base}.imag": samples.imag} if samples.dtype.kind == "c" else {}
        variables |= {key: ((*lead, *dims), part, known) for key, part in (parts or {base: samples}).items()}
    coordinates["lane"] = ("lane", np.arange(len(metadata.lanes)))
    coordinates["seed"] = ("lane", np.array(metadata.seeds, np.int64), {"long_name": "seed of the lane"})
    for name, values in settings(recording, names).items():
        coordinates[name] = ("lane", _row(values), {"long_name": f"hyperparameter {name.removeprefix('optimizer.')}"})
    return xarray.Dataset(variables, coordinates, attributes_of(recording))


def attributes_of(recording: Recording) -> dict[str, Any]:
    """What a file says of a recording: how it was made, in words and numbers."""
    metadata = recording.metadata
    facts = {
        "recording": metadata.label,
        "scenario": str(metadata.scenario.spec),
        "optimizer": metadata.optimizer.title,
        "steps": metadata.steps,
        "status": recording.status,
        "created": metadata.created,
        "device": metadata.device_name or metadata.device,
        **{f"version_{name}": version for name, version in metadata.versions.items()},
    }
    return {name: value for name, value in facts.items() if value != ""}


def _axis(every: int, densest: int) -> str:
    return "step" if every == densest else f"step_{every}"


def _dims(name: str, info: ChannelInfo, sizes: dict[str, int]) -> list[str]:
    """Names of the dimensions of one lane's sample, each of which has one size in the whole data set."""
    dims = []
    for number, size in enumerate(info.shape):
        words = info.dims[number] if number < len(info.dims) else ""
        plain = words and len(info.dims) == len(info.shape) and " or " not in words
        wanted = (
            words if plain and words not in KEYS else f"{name}.entry" if len(info.shape) == 1 else f"{name}.{number}"
        )
        if wanted in dims or sizes.get(wanted, size) != size:
            wanted = f"{name}.{wanted}" if f"{name}.{wanted}" not in dims else f"{name}.{number}"
        sizes[wanted] = size
        dims.append(wanted)
    return dims


def _padded(samples: Array, count: int) -> Array:
    """Samples, followed by NaN up to a number of them."""
    short = count - len(samples)
    if not short:
        return samples
    dtype = samples.dtype if samples.dtype.kind in "fc" else np.float64
    return np.concatenate([samples.astype(dtype), np.full((short, *samples.shape[1:]), np.nan, dtype)])


def _row(values: Sequence[Any]) -> Array:
    """One value for each lane: numbers where all are some, else text."""
    row = np.array(values) if all(isinstance(value, bool | int | float) for value in values) else None
    if row is not None and row.dtype.kind in NUMBERS:
        return row
    return np.array(["" if value is None else str(value) for value in values], dtype=object)


def tree(datasets: Mapping[str, "xarray.Dataset"]) -> "xarray.DataTree":
    """Data sets of several recordings, as groups of one tree."""
    import xarray

    return xarray.DataTree.from_dict(dict(datasets))
