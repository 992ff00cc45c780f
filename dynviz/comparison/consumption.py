"""What a step consumes: gradients, and examples or tokens of the data."""

import torch

from dynviz.plugins import Plugin
from dynviz.recording.metadata import Lane
from dynviz.rule import PerturbingRule
from dynviz.training.preparation import tasks


def gradients_of(plugin: Plugin) -> int:
    """Gradients that an optimizer evaluates per step; 0 where its class calls a closure as often as it likes."""
    target = plugin.target
    if isinstance(target, type) and issubclass(target, torch.optim.LBFGS):
        return 0
    return 2 if isinstance(target, type) and issubclass(target, PerturbingRule) else 1


def examples_of(scenario: Plugin) -> tuple[int, str]:
    """The examples of a step's batch, or its tokens where examples are sequences of them; 0 where it has no batches."""
    (task,) = tasks(scenario, (Lane(0, {}),))
    batch = task.batches(0, 1)
    if not batch:
        return 0, "examples"
    first = batch[0][0]
    count = first.shape[0] if first.ndim else 1
    return (count * task.tokens, "tokens") if task.tokens else (count, "examples")
