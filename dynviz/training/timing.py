"""How long a training step takes on this machine, and what takes it."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from dynviz.plugins import Plugin
from dynviz.recording.metadata import Lane
from dynviz.training import devices
from dynviz.training.launch import begin, lay_out
from dynviz.training.preparation import RunRequest, compile_steps, prepare
from dynviz.training.session import SilentProgress

BLOCK = 64
"""Steps that are timed together."""
LEAST = 5
"""Measurements at least, whatever time they take; the figure is their median."""


@dataclass(frozen=True, kw_only=True)
class StepTimes:
    """Microseconds of one step of all lanes together.

    Attributes:
        optimizer: Its label.
        recorded: A whole step as `dynviz run` makes it: batch, gradient, update and recording, compiled where asked.
        gradient: The loss and its gradient, uncompiled.
        update: The optimizer's update, uncompiled.
    """

    optimizer: str
    recorded: float
    gradient: float
    update: float


def step_times(
    scenario: Plugin, optimizer: Plugin, lanes: tuple[Lane, ...], request: RunRequest, folder: Path
) -> StepTimes:
    """Time the steps of an optimizer.

    Args:
        scenario: What is trained.
        optimizer: What trains it.
        lanes: How many, and of which seeds.
        request: Device, dtype, and more steps than will be made.
        folder: To be made, for the recording.

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

    with devices.reproducible():
        try:
            recorded = _microseconds(record, request.device)
            slopes = [stack.gradient(batch)[1] for stack, batch in zip(stacks, batches, strict=True)]
            parts = [_microseconds(work, request.device) for work in (gradient, update)]
        finally:
            trainer.close()
    return StepTimes(optimizer=prepared.metadata.label, recorded=recorded, gradient=parts[0], update=parts[1])


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
