"""The contract of scenarios: one lane's model, data, loss and probes, in plain PyTorch."""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, field
from math import inf
from typing import Any, Literal, Protocol, TypeAlias

import torch
from torch import Tensor

from dynviz.frozen import frozen

Tensors: TypeAlias = Mapping[str, Tensor]
Batch: TypeAlias = tuple[Tensor, ...]
Loss: TypeAlias = Callable[[Tensors, Tensors, Batch], Tensor | tuple[Tensor, Tensors]]
Gradient: TypeAlias = Callable[[Tensors, Tensors, Batch], tuple[Tensor | tuple[Tensor, Tensors], Tensors]]
Better: TypeAlias = Literal["lower", "higher", "neither"]
Measure: TypeAlias = Callable[[Tensors, Tensors, Batch], Tensor | tuple[Tensor, ...]]


@frozen
class Channel:
    """A named array over samples.

    Attributes:
        name: The name under which it is recorded.
        every: Steps between samples; 0 for a constant of the run, sampled once.
        dims: A name for each dimension of one sample; for a short vector, the names of its entries: `own or other`.
        help: A one-line description, with the unit.
        on: Whether it is recorded by default.
        title: The title in pictures; by default the name with spaces.
        better: Which values are better; if it is neither, no value counts as the best.
        bounds: The lowest and highest possible value: 0 and 1 for a fraction.
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


@frozen
class Probe:
    """A measurement of one lane's state: its channels and the function that measures them together.

    Attributes:
        channels: The channels that it fills; `measure` returns one tensor for each (a single tensor for one).
        measure: Function of (parameters, constants, batch), run without gradients; or the name of a parameter, which is
            then recorded as it is, at almost no cost.
        stacked: Whether lanes may be measured together. Set it to False if one lane alone fills the cache, for example
            with a whole validation set: on a CPU the lanes are then measured one by one, in a thread beside training.
    """

    channels: tuple[Channel, ...]
    measure: Measure | str
    stacked: bool = True


@frozen
class Task:
    """One lane of a scenario. The author writes it for one lane; training stacks lanes.

    All functions are pure: everything they need is passed in, so that lanes can be stacked, stopped, resumed and forked
    bit for bit. Tensors are made on the CPU; training moves them.

    Attributes:
        parameters: Initial parameters by name.
        loss: Function of (parameters, constants, batch) to a scalar. With `buffers` it returns the scalar and the
            buffers' new values, and finds their current values among the constants.
        batches: Function of (start, count) to the batches of the steps start..start+count-1 (from 0), each tensor
            with a leading dimension `count`; a pure function of the task's seed and these numbers, defined for
            every start >= 0. An empty tuple if the task has no data.
        gradient: The gradient of `loss`, written out for speed: a function of the same arguments that returns what
            `loss` returns and the gradient of each parameter by name. It runs without autograd. By default, autograd
            computes the gradient.
        constants: Tensors that never change: a target matrix, fixed centers.
        buffers: Tensors besides the parameters that a step may change, such as running statistics.
        probes: What is measured besides `loss`, which every task has.
        steps: The default number of training steps.
        every: Steps between the samples of `parameters`, `gradient` and `term.*`, when they are recorded.
        hyperparameters: Recommended values, by optimizer name (`adamw`), else by the family that the rule declares
            (`growing`, see `dynviz.rule.FAMILIES`), else `*`. Names that a rule does not have are ignored.
        views: Names of suitable views, the most informative first.
        facts: What views need to know besides the recorded numbers; JSON values only.
        story: The view that tells what is special about it, with options, for pictures in documents; by default the
            first of `views`.
        title: The title of its pictures, for people who do not know the scenario; by default its name and options.
        what: What options mean, in a few words each, by option (`noise 5`); no words for one that needs none. Those in
            which recordings agree stand beside the title, others tell the recordings apart.
        tokens: How many tokens an example of a batch has, where examples are sequences of them.
    """

    parameters: dict[str, Tensor]
    loss: Loss
    batches: Callable[[int, int], Batch]
    steps: int
    gradient: Gradient | None = None
    constants: dict[str, Tensor] = field(default_factory=dict)
    buffers: dict[str, Tensor] = field(default_factory=dict)
    probes: tuple[Probe, ...] = ()
    every: int = 100
    hyperparameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    views: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    story: str = ""
    title: str = ""
    what: Mapping[str, str] = field(default_factory=dict)
    tokens: int = 0


class Scenario(Protocol):
    """A frozen dataclass whose fields are the options of a small task.

    A file that the task reads is an option of type `pathlib.Path`. Such files are found from any folder, hashed in
    run.json and checked before the run is resumed; a relative default is relative to the folder of the scenario's file.
    """

    def build(self, seed: int) -> Task:
        """The task of the lane with this seed."""
        ...


def no_batches(start: int, count: int) -> Batch:  # noqa: ARG001
    """The batches of a task without data."""
    return ()


def parameter(name: str, every: int, dims: tuple[str, ...], text: str, title: str = "") -> Probe:
    """A probe that records the parameter `name` as a channel of the same name.

    A parameter of one number is a scalar if `dims` is empty.
    """
    return Probe((Channel(name, every, dims, text, title=title),), name)


def chunked(function: Callable[..., Tensor | tuple[Tensor, ...]], *rows: Tensor, size: int = 512) -> tuple[Tensor, ...]:
    """Apply a function to slices of rows and join what it returns along the rows.

    On a CPU, the intermediate values of a few hundred rows stay in the cache, which is about six times faster than
    processing all rows at once; on a GPU, they are processed at once.

    Args:
        function: Takes one slice of each tensor and returns a tensor or a tuple of tensors, each with the rows first.
        *rows: Tensors with equal first dimension.
        size: Number of rows in a slice, on a CPU.
    """
    count = rows[0].shape[0]
    step = size if rows[0].device.type == "cpu" else count
    parts: list[tuple[Tensor, ...]] = []
    for start in range(0, count, step):
        out = function(*(tensor[start : start + step] for tensor in rows))
        parts.append(out if isinstance(out, tuple) else (out,))
    return tuple(torch.cat(column) for column in zip(*parts, strict=True))
