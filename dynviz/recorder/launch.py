"""`dynviz.record`: what is to be recorded of a script is checked, and following it begins."""

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from dynviz.errors import DynvizError
from dynviz.recorder.description import LoopPlan, describe
from dynviz.recorder.models import Model, Optimizer, by_label, named_parameters, recorded, unwrapped
from dynviz.recorder.recorder import Recorder
from dynviz.recorder.tracked import TrackedOptimizer
from dynviz.recording import disk
from dynviz.recording.metadata import Metadata
from dynviz.training.preparation import LARGE

WHOLE = 100_000
"""Models of at most so many parameters are recorded whole, at every step."""
SELDOM = 10
"""Steps between samples of larger ones."""
FIRST_STEPS = 1000
"""The planned length of a loop of unknown length; it is doubled as often as it is reached."""


def record(
    model: Model | None,
    optimizer: Optimizer | Sequence[Optimizer] | Mapping[str, Optimizer],
    *,
    out: str | Path | None = None,
    steps: int | None = None,
    every: int | None = None,
    whole: bool | None = None,
    title: str = "",
    seed: int = 0,
    yes: bool = False,
) -> Recorder:
    """Record a training loop of one's own, from hooks around its optimizer's steps.

    What is recorded: the loss and whatever else `Recorder.__call__` is given, parameters, gradients, the terms that
    each step adds up from (of torch.optim's Adam family, SGD, RMSprop and Adagrad; of others the step as a whole), the
    length of each parameter and of its gradient, the largest singular values of up to 16 matrices, learning rates.
    Training is not touched: it ends with the same weights, bit for bit, as without. In a distributed job the first
    process records, the others do nothing.

    Args:
        model: Its parameters are recorded by name, if an optimizer has them or they require a gradient; also named
            parameters, or None to take the optimizer's in their order.
        optimizer: One, or several by name; each gets a recording of its own in the folder.
        out: The folder to make; None for the first free `runs/<title>-<n>`.
        steps: How many there will be, if that is known; the recording grows beyond it.
        every: Steps between samples of all but losses and learning rates; by default 1, or 10 for large models.
        whole: Whether to record every number of the parameters rather than 4 096 of them; by default up to 100 000.
        title: What pictures call the task; by default the model's class.
        seed: Which the script seeded itself with, for the record.
        yes: Whether the recording may grow beyond 4 GB.

    Raises:
        DynvizError: The folder exists, there is nothing to record, or parameters are of a kind that cannot be.
    """
    optimizers = by_label(optimizer)
    named = named_parameters(model)
    tracked = []
    for label, follows in optimizers.items():
        parameters = recorded(named, follows, alone=len(optimizers) == 1)
        total = sum(parameter.numel() for parameter in parameters.values())
        tracked.append(TrackedOptimizer(follows, label, parameters, whole=total <= WHOLE if whole is None else whole))
    large = any(one.coordinates.total > WHOLE for one in tracked)
    name = title or (type(unwrapped(model)).__name__ if isinstance(model, nn.Module) else "script")
    plan = LoopPlan(title=name, every=every or (SELDOM if large else 1), steps=steps or FIRST_STEPS, seed=seed)
    if steps is not None and not yes:
        for order, one in enumerate(tracked):
            _check_size(describe(one, order, plan))
    return Recorder(tracked, _claimed(out, name) if _is_first_process() else None, plan, yes=yes)


def _check_size(metadata: Metadata) -> None:
    size = sum(metadata.channel_bytes.values())
    if size > LARGE:
        raise DynvizError(
            f"the recording would be {size / 1e9:.1f} GB; record less (every=10, whole=False) or pass yes=True"
        )


def _is_first_process() -> bool:
    """Whether this process records: in a distributed job the first one alone."""
    distributed = torch.distributed
    return not (distributed.is_available() and distributed.is_initialized()) or distributed.get_rank() == 0


def _claimed(out: str | Path | None, title: str) -> Path:
    """A folder that was not there before."""
    if out is not None:
        disk.make_folder(Path(out))
        return Path(out)
    stem = re.sub(r"[^a-z0-9_.-]+", "-", title.lower()).strip(".-") or "script"
    for number in itertools.count(1):
        folder = Path("runs") / f"{stem}-{number}"
        if not folder.exists():
            disk.make_folder(folder)
            return folder
    raise AssertionError
