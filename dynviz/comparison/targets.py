"""What a lane reaches: the final value of the channel that optimizers are ranked by, and the steps to a target."""

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import DynvizError, unknown
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.sweeps.table import LAST, UNSEEN


@frozen
class Target:
    """A value of a channel that training should reach.

    Attributes:
        channel: A channel with one number per lane.
        value: The value; reached from above, or from below if the channel says that higher is better.
    """

    channel: str
    value: float

    def __str__(self) -> str:
        return f"{self.channel}={self.value:g}"

    @classmethod
    def read(cls, text: str) -> "Target":
        """Parse `CHANNEL=VALUE`.

        >>> Target.read("val_loss=.36")
        Target(channel='val_loss', value=0.36)

        Raises:
            DynvizError: It is written in another way.
        """
        channel, _, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not re.fullmatch(r"[\w.-]+", channel) or not math.isfinite(number):
            raise DynvizError(f"{text!r} is not a target; write CHANNEL=VALUE, for example val_loss=0.36")
        return cls(channel, number)


@frozen
class LaneResult:
    """The result of one lane.

    Attributes:
        measure: The channel that optimizers are ranked by.
        higher: Whether higher values of it are better.
        value: Its final value: the mean of the last samples of a training loss, else the last sample.
        loss: The final training loss, likewise.
        validation: The final loss on unseen data; NaN if the scenario measures none.
        reached: The first step at which the target was reached; infinite if it was missed, NaN without a target.
        diverged: Whether the lane diverged, or failed.
    """

    measure: str = "loss"
    higher: bool = False
    value: float = math.inf
    loss: float = math.inf
    validation: float = math.nan
    reached: float = math.nan
    diverged: bool = False

    @property
    def cost(self) -> float:
        """The value, lower being better; infinite if the lane diverged."""
        if self.diverged or not math.isfinite(self.value):
            return math.inf
        return -self.value if self.higher else self.value


def recorded(asked: Sequence[str], channels: Sequence[str]) -> tuple[str, ...]:
    """What is recorded beside the default: what was asked for, and channels that results are measured by."""
    named = {text.partition(":")[0] for text in asked}
    return (*asked, *dict.fromkeys(name for name in channels if name not in named | {"loss"}))


def failed(target: Target | None) -> LaneResult:
    """The result of a lane that did not train to its end."""
    return LaneResult(reached=math.nan if target is None else math.inf, diverged=True)


def lane_results(recording: Recording, by: str = "", target: Target | None = None) -> list[LaneResult]:
    """The results of a recording's lanes.

    Args:
        recording: A finished recording.
        by: The channel that optimizers are ranked by; by default the loss on unseen data, else the training loss.
        target: The value to reach.

    Raises:
        DynvizError: A channel is not recorded, or holds more than one number per lane.
    """
    unseen = next((name for name in UNSEEN if name in recording), "")
    measure = by or unseen or "loss"
    diverged = {event.lane for event in recording.events() if event.kind == "diverged"}
    values, losses = _finals(recording, measure), _finals(recording, "loss")
    validations = np.full(len(losses), np.nan)
    if unseen:
        validations = np.nan_to_num(_finals(recording, unseen), nan=np.inf, posinf=np.inf)
    steps = np.full(len(losses), np.nan) if target is None else steps_to(recording, target)
    higher = recording.metadata.channels[measure].better == "higher"
    columns = zip(values.tolist(), losses.tolist(), validations.tolist(), steps.tolist(), strict=True)
    return [
        LaneResult(measure, higher, value, loss, validation, reached, lane in diverged)
        for lane, (value, loss, validation, reached) in enumerate(columns)
    ]


def steps_to(recording: Recording, target: Target) -> NDArray[np.float64]:
    """The step of the first sample of each lane that reaches a target, infinite if none does; [lanes].

    Raises:
        DynvizError: The channel is not recorded, or holds more than one number per lane.
    """
    samples = _scalars(recording, target.channel)
    higher = recording.metadata.channels[target.channel].better == "higher"
    with np.errstate(invalid="ignore"):
        there = samples >= target.value if higher else samples <= target.value
    steps = recording.steps(target.channel)[: len(samples)]
    return np.where(there.any(axis=0), steps[there.argmax(axis=0)].astype(np.float64), np.inf)


def _finals(recording: Recording, channel: str) -> NDArray[np.float64]:
    samples = _scalars(recording, channel)
    # The loss is that of a batch, which is noisy.
    count = max(1, int(LAST * len(samples))) if channel == "loss" else 1
    with np.errstate(invalid="ignore", over="ignore"):
        means: NDArray[np.float64] = np.asarray(samples[-count:]).mean(axis=0, dtype=np.float64)
    return means


def _scalars(recording: Recording, channel: str) -> NDArray[Any]:
    if channel not in recording:
        scalars = [name for name in recording.metadata.channels if recording[name].ndim == 2]
        raise unknown(f"channel of {recording.metadata.scenario.name} with one number per lane", channel, scalars)
    samples = recording[channel]
    if samples.ndim != 2:
        raise DynvizError(f"channel {channel!r} does not hold one number per lane, and cannot be compared")
    return samples
