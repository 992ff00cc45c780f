"""Lanes of equal shape, trained together: their tensors, losses, gradients and measurements."""

import copy
import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, overload

import torch
from torch import Tensor
from torch.func import vmap

from dynviz.task import Batch, Probe, Task, Tensors
from dynviz.training import randomness
from dynviz.training.parameter_layout import ParameterLayout

BATCHES = 4
"""So many batches tell whether lanes see the same data."""


class LaneStack:
    """One or many lanes. A single lane takes the plain path, without stacking and without transforms.

    Attributes:
        lanes: The positions of these lanes among those of the recording.
        task: The first lane's task; all have the same functions and shapes.
        layout: The positions of parameters in `theta`.
        theta: All parameters, flattened: [numbers] for one lane, [lanes, numbers] for several.
        buffers: Other tensors that steps change, with a leading dimension for lanes if there are several.
        constants: Tensors that never change; those that all lanes share are stored once.
        step: The number of steps taken.
        batch: The batch of the current step, for `evaluate`.
        draws: Whether the loss or probes draw from global generators, which are then seeded by the lane's seed and
            `step`.
    """

    def __init__(
        self, lanes: Sequence[int], tasks: Sequence[Task], device: torch.device, *, seeds: Sequence[int] = ()
    ) -> None:
        self.lanes = tuple(lanes)
        self.seeds = tuple(seeds) or (0,) * len(self.lanes)
        self.step = 0
        self.batch: Batch = ()
        self.draws = False
        self.tasks = tuple(tasks)
        self.task = self.tasks[0]
        self.device = device
        self.single = len(self.tasks) == 1
        self.layout = ParameterLayout({name: tuple(value.shape) for name, value in self.task.parameters.items()})
        self.theta = self.layout.join(self._stacked([task.parameters for task in self.tasks])).to(device)
        if not self.layout.shapes and not self.single:
            self.theta = self.theta.expand(len(self.tasks), 0)
        self.buffers = self._stacked([task.buffers for task in self.tasks])
        self.constants: dict[str, Tensor] = {}
        self._constant_dims: dict[str, int | None] = {}
        self._ahead: dict[int, tuple[Tensor, tuple[Tensor, ...]]] = {}
        # Probes that vmap cannot go through.
        self._one_by_one: set[int] = set()
        for name in self.task.constants:
            values = [task.constants[name] for task in self.tasks]
            shared = self.single or all(value is values[0] or torch.equal(value, values[0]) for value in values[1:])
            self.constants[name] = (values[0] if shared else torch.stack(values)).to(device)
            self._constant_dims[name] = None if shared else 0

    def batches(self, start: int, count: int) -> "Batches":
        """The batches of steps start..start+count-1, with a leading dimension for lanes if there are several."""
        # Lanes that differ in hyperparameters alone share a task, and its batches.
        drawn = {id(task): task.batches(start, count) for task in {id(task): task for task in self.tasks}.values()}
        lanes = [drawn[id(task)] for task in self.tasks]
        joined = lanes[0] if self.single else tuple(torch.stack(column, dim=1) for column in zip(*lanes, strict=True))
        return Batches(tuple(tensor.to(self.device, non_blocking=True) for tensor in joined), count)

    def standing_in(self, theta: Tensor, buffers: Tensors, constants: Tensors) -> "LaneStack":
        """The same lanes with other tensors; this stack is not modified."""
        other = copy.copy(self)
        other.theta, other.buffers, other.constants = theta, dict(buffers), dict(constants)
        other._ahead = {}
        return other

    @property
    def alike(self) -> bool:
        """Whether all lanes have the same initial state and first batches, so that at most their optimizers differ."""
        if self.single or self.draws or any(dim is not None for dim in self._constant_dims.values()):
            return False
        batches = (batch.movedim(1, 0) for batch in self.batches(0, BATCHES).joined)
        lanes = (self.theta, *self.buffers.values(), *batches)
        return all(torch.equal(lane, value[0]) for value in lanes for lane in value[1:])

    def loss(self, batch: Batch) -> Tensor:
        """The loss of each lane, [] or [lanes], without gradients; buffers are not changed."""
        with torch.no_grad():
            return self._forward(self.layout.views(self.theta), batch)[0]

    def gradient(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The loss of each lane and its flattened gradient; buffers take their new values."""
        loss, gradient, buffers = self._gradient(self.theta, batch)
        if buffers:
            self.buffers = {name: value.detach() for name, value in buffers.items()}
        return loss, gradient

    def gradient_at(self, theta: Tensor, batch: Batch) -> Tensor:
        """The flattened gradient of each lane at other parameters; buffers are not changed."""
        return self._gradient(theta, batch)[1]

    def evaluate(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of each lane and its gradient at other parameters, on the batch of the step; buffers stay."""
        return self._gradient(theta, self.batch)[:2]

    def _gradient(self, theta: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensors]:
        if self.task.gradient is not None:
            with torch.no_grad():
                out, parts = self._mapped(self.task.gradient, batch)(self.layout.views(theta), self._inputs(), batch)
            loss, buffers = out if isinstance(out, tuple) else (out, {})
            return loss, self.layout.join(parts), buffers
        # A leaf for each parameter: by way of one leaf for the row, large gradients are copied more slowly.
        leaves = {name: view.requires_grad_() for name, view in self.layout.views(theta.detach()).items()}
        loss, buffers = self._forward(leaves, batch)
        if not loss.requires_grad:
            return loss, torch.zeros_like(theta), buffers
        # Lanes do not meet in the loss, so the gradient of the sum is the gradient of each: autograd then walks
        # back over plain batched operations, which is faster than a transform of the gradient.
        total = loss if self.single else loss.sum()
        parts = torch.autograd.grad(total, list(leaves.values()), materialize_grads=True)
        gradient = self.layout.join(dict(zip(leaves, parts, strict=True)))
        return loss.detach(), gradient, buffers

    def measure(self, probe: Probe, batch: Batch) -> tuple[Tensor, ...]:
        """The probe's channels in the current state, with a leading dimension for lanes if there are several."""
        return self.measurement(probe, batch)()

    def measure_ahead(self, probe: Probe, batch: Batch) -> tuple[Tensor, ...]:
        """The same before training, kept for the sample of step 0, so that slow measurements are not repeated."""
        self._ahead.pop(id(probe), None)
        values = self.measure(probe, batch)
        if not isinstance(probe.measure, str):
            self._ahead[id(probe)] = self.theta, values
        return values

    def measurement(self, probe: Probe, batch: Batch) -> Callable[[], tuple[Tensor, ...]]:
        """A measurement of the current state, to be run now or later: steps never modify the tensors of a state."""
        theta, values = self._ahead.pop(id(probe), (None, ()))
        if theta is self.theta:
            return lambda: values
        return functools.partial(self._measure, self.theta, {**self.constants, **self.buffers}, probe, batch)

    def _seed(self, lane: int) -> None:
        if self.draws:
            randomness.seed(self.seeds[lane], self.step, self.device)

    def _measure(self, theta: Tensor, constants: Tensors, probe: Probe, batch: Batch) -> tuple[Tensor, ...]:
        with torch.no_grad():
            parameters = self.layout.views(theta)
            if isinstance(probe.measure, str):
                value = parameters[probe.measure]
                return (value if probe.channels[0].dims else value.reshape(theta.shape[:-1]),)
            if self.single:
                self._seed(0)
                return _as_tuple(probe.measure(parameters, constants, batch))
            if (probe.stacked or self.device.type == "cuda") and id(probe) not in self._one_by_one:
                dims = (0, self._dims(), 0)
                try:
                    return _as_tuple(vmap(probe.measure, in_dims=dims)(parameters, constants, batch))
                except Exception:  # what is wrong with the probe itself shows below
                    self._one_by_one.add(id(probe))
            measured = []
            for lane in range(len(self.tasks)):
                self._seed(lane)
                measured.append(
                    _as_tuple(
                        probe.measure(
                            {name: value[lane] for name, value in parameters.items()},
                            {
                                name: value if self._dims()[name] is None else value[lane]
                                for name, value in constants.items()
                            },
                            tuple(value[lane] for value in batch),
                        )
                    )
                )
            return tuple(torch.stack(column) for column in zip(*measured, strict=True))

    def _forward(self, parameters: Tensors, batch: Batch) -> tuple[Tensor, Tensors]:
        out = self._mapped(self.task.loss, batch)(parameters, self._inputs(), batch)
        return out if isinstance(out, tuple) else (out, {})

    def _inputs(self) -> dict[str, Tensor]:
        """What a loss finds among the constants."""
        self._seed(0)
        # A module writes into the statistics that it is called with; those that are recorded stay as they are.
        return {**self.constants, **{name: value.clone() for name, value in self.buffers.items()}}

    def _mapped(self, function: Callable[..., Any], batch: Batch) -> Callable[..., Any]:
        """A function of one lane's parameters, constants and batch, for all lanes."""
        if self.single:
            return function
        return vmap(function, in_dims=(0, self._dims(), 0 if batch else None))

    def _dims(self) -> dict[str, int | None]:
        return {**self._constant_dims, **dict.fromkeys(self.buffers, 0)}

    def _stacked(self, trees: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        if self.single:
            return {name: value.detach().clone().to(self.device) for name, value in trees[0].items()}
        return {name: torch.stack([tree[name].detach() for tree in trees]).to(self.device) for name in trees[0]}


class Batches(Sequence[Batch]):
    """The batches of consecutive steps.

    Attributes:
        joined: Tensors with a leading dimension for steps; empty if the task has no data.
    """

    def __init__(self, joined: Batch, count: int) -> None:
        self.joined = joined
        self._count = count
        self._each: list[Batch] = []

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Batch: ...

    @overload
    def __getitem__(self, place: slice) -> "Batches": ...

    def __getitem__(self, place: int | slice) -> "Batch | Batches":
        if isinstance(place, slice):
            return Batches(tuple(tensor[place] for tensor in self.joined), len(range(*place.indices(self._count))))
        if not self._each:
            # All at once: one by one they take several times as long.
            columns = (tensor.unbind(0) for tensor in self.joined)
            self._each = list(zip(*columns, strict=True)) if self.joined else [()] * self._count
        return self._each[place]


def cast(task: Task, dtype: torch.dtype) -> Task:
    """The same task with all floating-point tensors in another dtype, so that it computes in that dtype."""

    def to(value: Tensor) -> Tensor:
        return value.to(dtype) if value.is_floating_point() else value

    return replace(
        task,
        parameters={name: to(value) for name, value in task.parameters.items()},
        constants={name: to(value) for name, value in task.constants.items()},
        buffers={name: to(value) for name, value in task.buffers.items()},
        batches=lambda start, count: tuple(to(value) for value in task.batches(start, count)),
    )


def groups(tasks: Sequence[Task], keys: Sequence[object]) -> list[list[int]]:
    """Which lanes can be stacked: those with equal shapes throughout, and equal keys (integers, flags and words)."""
    stacks: dict[object, list[int]] = {}
    for lane, (task, key) in enumerate(zip(tasks, keys, strict=True)):
        trees = (task.parameters, task.constants, task.buffers)
        shapes = tuple(tuple((name, value.shape, value.dtype) for name, value in tree.items()) for tree in trees)
        stacks.setdefault((shapes, key), []).append(lane)
    return list(stacks.values())


def _as_tuple(measured: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return measured if isinstance(measured, tuple) else (measured,)
