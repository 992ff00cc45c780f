"""Every bundled scenario beside the loop that one would write for it, with the same measurements and one thread."""

import itertools
import math

import torch

from dynviz import plugins
from dynviz.recording.metadata import Lane
from dynviz.training import launch, preparation, session
from tests.benchmarks.training import advance

RULES = {"icon": "sgd", "initialisation": "sgd", "landscape": "sgd", "matrix-sensing": "sgd"}
"""What scenarios are trained with here; all others with AdamW."""


def rule(scenario):
    """The optimizer's name."""
    return RULES.get(scenario.partition(":")[0], "adamw")


def recorded(scenario, folder, *, compiled=False, seeds=(42,), steps=1_000_000):
    """The trainer of a recording with all that is recorded by default."""
    task, optimizer = plugins.load("scenarios", scenario), plugins.load("optimizers", rule(scenario))
    request = preparation.RunRequest(steps=steps, channels=(), device=torch.device("cpu"), compiled=compiled)
    prepared = preparation.prepare(task, [optimizer], tuple(Lane(seed) for seed in seeds), request)
    preparation.compile_steps(prepared, session.SilentProgress().does)
    (trainer,) = launch.begin(launch.lay_out([folder], prepared), prepared)
    return trainer


def ours(scenario, folder, count, **more):
    """Trains and records so many steps more, each time it is called."""
    return advance(recorded(scenario, folder, **more), count)


def plain(scenario, count):
    """The same with autograd and torch's own optimizer; losses and measurements are kept as NumPy arrays."""
    task = plugins.load("scenarios", scenario).make().build(42)
    parameters = {name: value.clone().requires_grad_() for name, value in task.parameters.items()}
    name = rule(scenario)
    given = plugins.load("optimizers", name).target()
    values = {**vars(given), **task.hyperparameters.get("*", {}), **task.hyperparameters.get(name, {})}
    if name == "sgd":
        values |= task.hyperparameters.get("growing", {}) if "sgd" not in task.hyperparameters else {}
        optimizer = torch.optim.SGD(parameters.values(), lr=values["lr"], momentum=values["momentum"])
    else:
        optimizer = torch.optim.AdamW(parameters.values(), lr=values["lr"], weight_decay=values["weight_decay"])
    numbers = itertools.count()
    state, kept = dict(task.buffers), []
    probes = [(probe, _every(probe)) for probe in task.probes]

    def train():
        kept.clear()
        start = next(numbers) * count
        batches = task.batches(start, count)
        for place in range(count):
            batch = tuple(tensor[place] for tensor in batches)
            with torch.no_grad():
                for probe, every in probes:
                    if every and (start + place) % every == 0:
                        kept.append(_measured(probe, parameters, {**task.constants, **state}, batch))
            optimizer.zero_grad()
            out = task.loss(parameters, {**task.constants, **state}, batch)
            loss, buffers = out if isinstance(out, tuple) else (out, {})
            state.update({key: value.detach() for key, value in buffers.items()})
            loss.backward()
            optimizer.step()
            kept.append(loss.item())

    return train


def _every(probe):
    """Steps between measurements; 0 for what is never recorded by default, or once."""
    return math.gcd(*(channel.every for channel in probe.channels if channel.on))


def _measured(probe, parameters, constants, batch):
    if isinstance(probe.measure, str):
        return parameters[probe.measure].detach().numpy().copy()
    out = probe.measure(parameters, constants, batch)
    return [value.numpy() for value in (out if isinstance(out, tuple) else (out,))]
