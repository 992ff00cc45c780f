"""How long a training step takes on this machine, in total and by part."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from dynviz.frozen import frozen
from dynviz.plugins import Plugin
from dynviz.recording.metadata import Lane
from dynviz.training import devices
from dynviz.training.lane_stack import LaneStack
from dynviz.training.launch import begin, lay_out
from dynviz.training.preparation import RunRequest, compile_steps, prepare
from dynviz.training.session import SilentProgress

BLOCK = 64
"""Steps that are timed together."""
LEAST = 5
"""Measurements at least, whatever time they take; the figure is their median."""


@frozen(kw_only=True)
class StepTimes:
    """Microseconds of one step of all lanes together.

    Attributes:
        optimizer: The label of the optimizer.
        recorded: A whole step as in `dynviz run`: batch, gradient, update and recording, compiled on request.
        gradient: The loss and its gradient, uncompiled.
        update: The optimizer's update, uncompiled.
        plain: What the lanes take one after the other in a loop of plain PyTorch: autograd and `torch.optim.AdamW`,
            with the loss as a number; nothing is measured.
    """

    optimizer: str
    recorded: float
    gradient: float
    update: float
    plain: float


def step_times(
    scenario: Plugin, optimizer: Plugin, lanes: tuple[Lane, ...], request: RunRequest, folder: Path
) -> StepTimes:
    """Time the steps of an optimizer.

    Args:
        scenario: The scenario.
        optimizer: The optimizer.
        lanes: The lanes.
        request: The device, the dtype, and more steps than will be taken.
        folder: The folder to create for the recording.

    Raises:
        DynvizError: The scenario or the optimizer refuses its options.
    """
    (prepared,) = prepare(scenario, [optimizer], lanes, request)
    compile_steps([prepared], SilentProgress().does)
    (trainer,) = begin(lay_out([folder], [prepared]), [prepared])
    stacks = prepared.lanes.stacks
    batches = [stack.batches(0, 1)[0] for stack in stacks]

    def record() -> int:
        before = trainer.step
        trainer.advance(BLOCK)
        return trainer.step - before

    def gradient() -> int:
        for stack, batch in zip(stacks, batches, strict=True):
            stack.gradient(batch)
        return 1

    def update() -> int:
        for stack, stepper, slope in zip(stacks, prepared.lanes.steppers, slopes, strict=True):
            stepper.step(stack.theta, slope, trainer.step + 1)
        return 1

    first = stacks[0].layout.views(_first(stacks[0])).values()
    parameters = [value.clone().requires_grad_() for value in first]
    adamw = torch.optim.AdamW(parameters) if parameters else None

    def plain() -> int:
        stack = prepared.lanes.stacks[0]
        constants = {**stack.task.constants, **stack.task.buffers}
        inputs = {name: value.to(request.device) for name, value in constants.items()}
        batch = batches[0] if stack.single else tuple(part[0] for part in batches[0])
        for _ in range(BLOCK):
            out = stack.task.loss(dict(zip(stack.layout.shapes, parameters, strict=True)), inputs, batch)
            loss = out[0] if isinstance(out, tuple) else out
            if adamw is not None:
                adamw.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                adamw.step()
            loss.item()
        return BLOCK

    with devices.reproducible():
        try:
            recorded = _microseconds(record, request.device)
            slopes = [stack.gradient(batch)[1] for stack, batch in zip(stacks, batches, strict=True)]
            parts = [_microseconds(work, request.device) for work in (gradient, update, plain)]
        finally:
            trainer.close()
    return StepTimes(
        optimizer=prepared.metadata.label,
        recorded=recorded,
        gradient=parts[0],
        update=parts[1],
        plain=len(lanes) * parts[2],
    )


def _first(stack: LaneStack) -> Tensor:
    """The parameters of the first lane, in a row."""
    return stack.theta if stack.single else stack.theta[0]


def _microseconds(work: Callable[[], int], device: torch.device, seconds: float = 0.5) -> float:
    """Of a step, the median; `work` says how many steps it made. The first call warms up."""
    work()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < LEAST or time.perf_counter() < end:
        _settle(device)
        start = time.perf_counter()
        steps = work()
        _settle(device)
        times.append((time.perf_counter() - start) / steps)
    return 1e6 * statistics.median(times)


def _settle(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
