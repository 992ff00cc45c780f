"""The time of a training step and the size of an optimizer's state, measured alone in this process."""

import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dynviz import training
from dynviz.comparison.rows import state_bytes
from dynviz.comparison.untuned import Watch
from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.recording import Recording, disk, files
from dynviz.sweeps.grid import Combination
from dynviz.sweeps.jobs import Settings

FILE = "timing.json"
STEPS = 200
"""Steps of a measurement, or fewer where training takes fewer."""
ROUNDS = 3
"""Measurements of each optimizer, in turn with the others, so that a busy moment of the machine slows them all."""
PATIENCE = 3.0
"""Seconds after which no further round begins: preparing large tasks takes longer than the steps that are timed."""


@frozen
class StepCost:
    """What a step of one lane costs.

    Attributes:
        microseconds: Wall time, recording included; the median of several measurements; NaN if it cannot be measured.
        state_bytes: Size of the optimizer's state.
        gradients: Gradients per step: 2 for a rule that evaluates one at a second point; 0 if that is unknown.
        examples: Examples or tokens per step; 0 for a task without data.
        unit: `examples` or `tokens`.
    """

    microseconds: float
    state_bytes: int
    gradients: int = 1
    examples: int = 0
    unit: str = "examples"


def step_costs(scenario: Combination, rules: Sequence[Combination], settings: Settings, file: Path) -> list[StepCost]:
    """Measure optimizers in turn, one lane each; measured once and then read from a file.

    Args:
        scenario: The scenario.
        rules: The optimizers.
        settings: The settings of training.
        file: Where the measurements are kept.

    Raises:
        DynvizError: The file cannot be read or written.
    """
    try:
        return [StepCost(**tree) for tree in json.loads(files.read(file))]
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError) as error:
        raise DynvizError(f"cannot read {file}: {error}; remove it to measure again") from error
    times: list[list[float]] = [[] for _ in rules]
    costs: list[StepCost] = []
    begun = time.monotonic()
    for number in range(ROUNDS):
        if number and time.monotonic() - begun > PATIENCE:
            break
        for place, rule in enumerate(rules):
            cost = _measure(scenario, rule, settings)
            times[place].append(cost.microseconds)
            if number == 0:
                costs.append(cost)
    made = [
        StepCost(statistics.median(measured), cost.state_bytes, cost.gradients, cost.examples, cost.unit)
        for measured, cost in zip(times, costs, strict=True)
    ]
    with disk.replacing(file) as target:
        target.write(json.dumps([vars(cost) for cost in made], indent=1).encode())
    return made


def _measure(scenario: Combination, rule: Combination, settings: Settings) -> StepCost:
    from dynviz.comparison.consumption import examples_of, gradients_of

    watch = Watch(lambda _: None)
    with tempfile.TemporaryDirectory() as folder:
        try:
            recording = _train(scenario, rule, settings, Path(folder) / "run", watch)
        except Exception:  # a rule is anybody's code; its trials say what is wrong
            return StepCost(float("nan"), 0)
        count, unit = examples_of(scenario.plugin)
        return StepCost(
            1e6 * watch.seconds / recording.total, state_bytes(recording), gradients_of(rule.plugin), count, unit
        )


def _train(scenario: Combination, rule: Combination, settings: Settings, out: Path, watch: Watch) -> Recording:
    shared: dict[str, Any] = {"device": settings.device, "dtype": settings.dtype, "record": settings.record}
    shared |= {"progress": watch, "seeds": 0, "out": out}
    try:
        steps = min(settings.steps or STEPS, STEPS)
        run = training.run(scenario.plugin.spec, rule.plugin.spec, steps=steps, **shared)
    except DynvizError:
        # A schedule may need as many steps as the whole run has.
        run = training.run(scenario.plugin.spec, rule.plugin.spec, steps=settings.steps, **shared)
    return run.recordings[0]
