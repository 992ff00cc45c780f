"""What a scenario gives to training: one lane's model, data, loss and probes, in plain PyTorch."""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from math import inf
from typing import Any, Literal, Protocol, TypeAlias

import torch
from torch import Tensor

Tensors: TypeAlias = Mapping[str, Tensor]
Batch: TypeAlias = tuple[Tensor, ...]
Loss: TypeAlias = Callable[[Tensors, Tensors, Batch], Tensor | tuple[Tensor, Tensors]]
Better: TypeAlias = Literal["lower", "higher", "neither"]
Measure: TypeAlias = Callable[[Tensors, Tensors, Batch], Tensor | tuple[Tensor, ...]]


@dataclass(frozen=True)
class Channel:
    """A named array over samples.

    Attributes:
        name: The name under which it is recorded.
        every: Steps between samples; 0 for a constant of the run, sampled once.
        dims: A name for each dimension of one sample; of a short vector the names of its entries, `own or other`.
        help: What it is and its unit, in one line.
        on: Whether it is recorded without being asked for.
        title: What pictures call it; by default its name with spaces.
        better: Which values are better; of a channel that says neither no value is the best.
        bounds: What no value can be below or above: 0 and 1 for a share.
    """

    name: str
    every: int
    dims: tuple[str, ...] = ()
    help: str = ""
    on: bool = True
    _: KW_ONLY
    title: str = ""
    better: Better = "neither"
    bounds: tuple[float, float] = (-inf, inf)


@dataclass(frozen=True)
class Probe:
    """A measurement of one lane's state: its channels and the function that measures them together.

    Attributes:
        channels: What it fills; `measure` returns one tensor for each (a lone tensor for one).
        measure: Function of (parameters, constants, batch), run without gradients; or the name of a parameter, which
            then is recorded as it is, at next to no cost.
        stacked: Whether lanes may be measured together. Say False where one lane alone fills the cache, such as
            a whole validation set: on a CPU the lanes are then measured one after the other, in a thread beside
            training.
    """

    channels: tuple[Channel, ...]
    measure: Measure | str
    stacked: bool = True


@dataclass(frozen=True)
class Task:
    """One lane of a scenario. The author writes it for one lane; training stacks lanes.

    All functions are pure: what they need comes in as arguments, so that lanes can be stacked, stopped, resumed and
    forked bit for bit. Tensors are made on the CPU; training moves them.

    Attributes:
        parameters: Initial parameters by name.
        loss: Function of (parameters, constants, batch) to a scalar. With `buffers` it returns the scalar and the
            buffers' new values, and finds their present values among the constants.
        batches: Function of (start, count) to the batches of the steps start..start+count-1 (from 0), each tensor
            with a leading dimension `count`; a pure function of the task's seed and these numbers, defined for
            every start >= 0. An empty tuple where the task has no data.
        constants: Tensors of this instance that never change: a target matrix, fixed centers.
        buffers: Tensors that a step may change beside the parameters, such as running statistics.
        probes: What is measured beside `loss`, which every task has.
        steps: How long the protocol trains.
        every: Steps between the samples of `parameters`, `gradient` and `term.*` when they are asked for.
        hyperparameters: What the protocol sets, by optimizer name (`adamw`), else by the family that the rule declares
            (`growing`, see `dynviz.rule.FAMILIES`), else `*`. Names that a rule does not have are passed over.
        views: Names of the views that suit, the most telling first.
        facts: What pictures need to know and numbers do not say; JSON values only.
    """

    parameters: dict[str, Tensor]
    loss: Loss
    batches: Callable[[int, int], Batch]
    steps: int
    constants: dict[str, Tensor] = field(default_factory=dict)
    buffers: dict[str, Tensor] = field(default_factory=dict)
    probes: tuple[Probe, ...] = ()
    every: int = 100
    hyperparameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    views: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


class Scenario(Protocol):
    """A frozen dataclass whose fields are the options of a small task.

    A file that the task reads is an option of type `pathlib.Path`. Such files are found from any folder, hashed in
    run.json and checked before the run goes on; a relative default starts from the folder of the scenario's file.
    """

    def build(self, seed: int) -> Task:
        """The task of the lane with this seed."""
        ...


def no_batches(start: int, count: int) -> Batch:  # noqa: ARG001
    """The batches of a task without data."""
    return ()


def parameter(name: str, every: int, dims: tuple[str, ...], text: str, title: str = "") -> Probe:
    """A probe that records the parameter `name` as a channel of the same name.

    A parameter of one number is a scalar where `dims` is empty.
    """
    return Probe((Channel(name, every, dims, text, title=title),), name)


def chunked(function: Callable[..., Tensor | tuple[Tensor, ...]], *rows: Tensor, size: int = 512) -> tuple[Tensor, ...]:
    """Apply a function to slices of rows and join what it returns along the rows.

    On a CPU the intermediate values of a few hundred rows stay in the cache, which is about six times as fast
    as one piece; on a GPU the rows go in one piece.

    Args:
        function: Takes one slice of each tensor, gives a tensor or a tuple of tensors, each with the rows first.
        *rows: Tensors of equal first dimension.
        size: Rows in a slice on a CPU.
    """
    count = rows[0].shape[0]
    step = size if rows[0].device.type == "cpu" else count
    parts: list[tuple[Tensor, ...]] = []
    for start in range(0, count, step):
        out = function(*(tensor[start : start + step] for tensor in rows))
        parts.append(out if isinstance(out, tuple) else (out,))
    return tuple(torch.cat(column) for column in zip(*parts, strict=True))
