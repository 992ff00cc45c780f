"""How the recording of a script's loop is described."""

import datetime
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from dynviz.frozen import frozen
from dynviz.recorder.singular_values import channel
from dynviz.recorder.tracked import TrackedOptimizer
from dynviz.recorder.values import LOSS
from dynviz.recording import named_values
from dynviz.recording.metadata import ChannelInfo, Hyperparameter, Lane, Metadata, Named
from dynviz.training import devices

VIEWS = ("curves", "layers", "spectrum", "weights", "ledger", "update", "heatmap", "scalars")
"""Those of them that open are offered, in this order."""
OWN = ("parameters", "gradient", "weight_size", "gradient_size", "lr")
"""Channels of the recorder itself, which values of a script cannot be called."""


def value(name: str, title: str = "") -> ChannelInfo:
    """The channel of a value that a script gives."""
    return named_values.value(name, title, text="as the script gave it")


def channels(tracked: TrackedOptimizer, every: int) -> dict[str, ChannelInfo]:
    """The channels that there are from the beginning; those of a script's values come as they are given."""
    coordinates = tracked.coordinates
    row = np.dtype(np.float64 if coordinates.dtype == torch.float64 else np.float32).str
    kind = "all parameters" if coordinates.parts else f"{coordinates.size} of {coordinates.total} parameters"
    count = (len(tracked.parameters),)

    def in_sizes(text: str, title: str, *, of_steps: bool = False) -> ChannelInfo:
        return ChannelInfo(every, "<f4", count, ("parameter",), text, title=title, of_steps=of_steps)

    terms = tracked.terms or tracked.expected_terms

    def in_row(text: str, *, of_steps: bool = False) -> ChannelInfo:
        shape = (coordinates.size,)
        return ChannelInfo(every, row, shape, ("number",), text, parts=coordinates.parts, of_steps=of_steps)

    known = {
        LOSS: value(LOSS),
        "parameters": in_row(f"{kind} in a row"),
        "gradient": in_row("gradient of the step that follows", of_steps=True),
        **{f"term.{name}": in_row(f"the {name} part of the step that led here") for name in terms},
        "weight_size": in_sizes("length of each parameter", "weights"),
        "gradient_size": in_sizes("length of the gradient of each parameter", "gradient", of_steps=True),
    }
    for name, spectrum in tracked.spectra.items():
        known[channel(name)] = ChannelInfo(
            every, "<f4", (spectrum.count,), ("index",), f"of {name}, the largest", title=f"singular values of {name}"
        )
    rates = len(tracked.learning_rates())
    known["lr"] = ChannelInfo(
        1, "<f8", (rates,) if rates > 1 else (), ("group",) if rates > 1 else (), "learning rate", of_steps=True
    )
    return known


@frozen(kw_only=True)
class LoopPlan:
    """What a script says of its loop beside its model and optimizers.

    Attributes:
        title: What pictures call the task.
        every: Steps between samples of all but values and learning rates.
        steps: The planned length.
        seed: Which the script seeded itself with.
    """

    title: str
    every: int
    steps: int
    seed: int


def describe(tracked: TrackedOptimizer, order: int, plan: LoopPlan) -> Metadata:
    """The description of a recording that begins."""
    optimizer = tracked.optimizer
    first = next(iter(tracked.parameters.values()))
    return Metadata(
        scenario=Named(plan.title),
        optimizer=Named(_path(type(optimizer))),
        label=tracked.label,
        order=order,
        hyperparameters=_hyperparameters(optimizer),
        terms=tracked.terms,
        lanes=(Lane(plan.seed),),
        steps=plan.steps,
        channels=channels(tracked, plan.every),
        views=VIEWS,
        parameters=tracked.coordinates.shapes,
        versions=devices.versions(),
        device=str(first.device),
        device_name=devices.describe(first.device),
        threads=torch.get_num_threads(),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        own_loop=True,
    )


def _path(kind: type) -> str:
    """The name by which a class is imported: `torch.optim.AdamW`."""
    public = getattr(torch.optim, kind.__name__, None)
    return f"torch.optim.{kind.__name__}" if public is kind else f"{kind.__module__}.{kind.__qualname__}"


def _hyperparameters(optimizer: torch.optim.Optimizer) -> dict[str, Hyperparameter]:
    """Those of the first group that are plain values."""
    group: Mapping[str, Any] = optimizer.param_groups[0] if optimizer.param_groups else {}
    try:
        defaults = {name: one.default for name, one in inspect.signature(type(optimizer)).parameters.items()}
    except (TypeError, ValueError):
        defaults = {}
    plain = {}
    for name, value in group.items():
        known = float(value) if isinstance(value, torch.Tensor) and value.numel() == 1 else value
        if name != "params" and _is_plain(known):
            # What the class sets itself is no parameter of it.
            same = name not in defaults or repr(defaults[name]) == repr(known)
            plain[name] = Hyperparameter(known, "default" if same else "given")
    return plain


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(_is_plain(one) for one in value)
    return value is None or type(value) in (bool, int, float, str)
