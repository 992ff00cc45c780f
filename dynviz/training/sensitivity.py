"""Whether a run is chaotic: it is trained again from its start, and from a start moved by 1 float32 ulp."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dynviz.errors import DynvizError, one_line_for_users
from dynviz.frozen import frozen
from dynviz.plugins.trust import Trusted
from dynviz.recording import Recording, changes
from dynviz.training import devices
from dynviz.training.lane_stacks import LaneStacks
from dynviz.training.preparation import rebuild
from dynviz.training.training_loop import TrainingLoop

SHARE = 0.01
"""The share of its path by which a run has left its way."""
AT_ONCE = 64
"""Steps whose batches are drawn together."""


@frozen
class Sensitivity:
    """The effect of moving the start by 1 float32 ulp, in the most sensitive lane.

    Attributes:
        lane: The position of the lane among those that were trained.
        steps: The number of steps compared.
        step: The step from which on the two differ by more than 1 % of the path; None if they never do.
        growth: The factor by which their difference grew per step, up to there.
        difference: The final difference, as a fraction of the path.
    """

    lane: int
    steps: int
    step: int | None
    growth: float
    difference: float

    def __str__(self) -> str:
        """In words.

        >>> str(Sensitivity(lane=0, steps=200, step=57, growth=1.8, difference=0.4)).partition(":")[0]
        'chaotic'
        """
        if self.step is None:
            return (
                f"not chaotic in its {self.steps} steps: moved by 1 float32 ulp at its start, it ends within "
                f"{100 * self.difference:.2g} % of its path; the difference changes by a factor of {self.growth:.3g} "
                "per step"
            )
        return (
            f"chaotic: moved by 1 float32 ulp at its start, lane {self.lane} differs by over {100 * SHARE:g} % of its "
            f"path from step {self.step} on; the difference grows by a factor of {self.growth:.3g} per step"
        )


def sensitivity(recording: Recording, trusted: Trusted = ()) -> Sensitivity:
    """Train a recording twice more, in memory, as far as it is recorded.

    Args:
        recording: The recording.
        trusted: Code that may run besides bundled code, see `dynviz.plugins.trust`.

    Raises:
        DynvizError: It was forked or has no steps, or code that it names is not trusted or has changed.
    """
    steps = recording.recorded
    if recording.metadata.origin is not None:
        raise DynvizError(
            f"{recording.folder} was forked and has no start of its own; ask for the run that it was forked from"
        )
    if not steps:
        raise DynvizError(f"{recording.folder} has no steps yet")
    known = changes.effective(changes.load(recording.folder))
    two = [rebuild(recording, None, trusted).lanes for _ in range(2)]
    with devices.reproducible(), one_line_for_users(), np.errstate(all="ignore"):
        for stack, stepper in zip(two[1].stacks, two[1].steppers, strict=True):
            stack.theta = _nudged(stack.theta)
            stepper.restore(stack.theta, stepper.state())
        start = _rows(two[0])
        apart, far = [], []
        for one, other in zip(*(_walk(lanes, steps, known) for lanes in two), strict=True):
            apart.append(_norms(one - other))
            far.append(_norms(one - start))
    for lanes in two:
        lanes.threads.shutdown()
    return _judged(np.array(apart), np.array(far))


def _walk(lanes: LaneStacks, steps: int, known: tuple[changes.Change, ...]) -> Iterator[Tensor]:
    """The parameters of all lanes [lanes, numbers] at the start and after each step."""
    samples = lanes.samples({})
    loops = [TrainingLoop(*parts) for parts in zip(lanes.stacks, lanes.steppers, samples, strict=True)]
    batches: list[Any] = []
    yield _rows(lanes)
    for step in range(steps):
        for change in known:
            if change.step == step:
                lanes.change(change.name, change.lane, change.new)
        if step % AT_ONCE == 0:
            batches = [loop.stack.batches(step, AT_ONCE) for loop in loops]
        for loop, drawn in zip(loops, batches, strict=True):
            loop.step(step, drawn[step % AT_ONCE])
        yield _rows(lanes)


def _nudged(theta: Tensor) -> Tensor:
    """Parameters moved by 1 ulp of float32: as far as rounding could, were they stored so."""
    single = theta.float()
    return theta + (torch.nextafter(single, torch.full_like(single, math.inf)) - single).to(theta.dtype)


def _rows(lanes: LaneStacks) -> Tensor:
    rows = {
        lane: row
        for stack in lanes.stacks
        for lane, row in zip(stack.lanes, stack.theta[None] if stack.single else stack.theta, strict=True)
    }
    return torch.nn.utils.rnn.pad_sequence([rows[lane].double().cpu() for lane in sorted(rows)], batch_first=True)


def _norms(rows: Tensor) -> NDArray[np.float64]:
    return np.asarray(rows.norm(dim=1))


def _judged(apart: NDArray[np.float64], far: NDArray[np.float64]) -> Sensitivity:
    """The most sensitive lane.

    Args:
        apart: How far the two are apart, [steps + 1, lanes].
        far: How far the first has come from its start, likewise.
    """
    judged = []
    for lane in range(apart.shape[1]):
        # What diverges is compared as long as it is finite.
        finite = np.isfinite(apart[:, lane]) & np.isfinite(far[:, lane])
        last = (len(finite) if finite.all() else int(np.argmin(finite))) - 1
        share = apart[: last + 1, lane] / max(far[: last + 1, lane].max(initial=0.0), 1e-300)
        over = np.flatnonzero(share > SHARE)
        step = int(over[0]) if over.size and over[0] > 0 else None
        until = step or max(last, 1)
        growth = (share[min(until, last)] / share[0]) ** (1 / until) if share[0] else 1.0
        judged.append(Sensitivity(lane, last, step, float(growth), float(share[-1])))
    return min(judged, key=lambda one: (one.step is None, one.step or 0, -one.growth))
