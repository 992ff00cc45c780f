"""Changes stacked on one another, each with the time to a target that is reached with it, at one or several sizes."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts.numbers import significant
from dynviz.comparison.plan import TrainingRequest
from dynviz.comparison.score import Unit, factor
from dynviz.comparison.statistics import Estimate, bootstrap_interval, median, paired_difference
from dynviz.comparison.targets import Target
from dynviz.comparison.timing import FILE as TIMING
from dynviz.comparison.timing import StepCost, step_costs
from dynviz.comparison.trials import Trial, TrialRunner
from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins.spec import Spec, parse
from dynviz.sweeps.grid import Combination, choices

OF_SCENARIO = "scenario."
"""What stands before an option of the scenario in a change."""
Effect: TypeAlias = Literal["start", "helps", "hurts", "within noise", "missed", "too few seeds"]
"""What a change does; `missed` if neither it nor the rung before reaches the target at half of the seeds."""


@frozen
class LadderRequest(TrainingRequest):
    """A ladder of changes.

    Attributes:
        changes: Each stacked on the last; see `changed`.
        sizes: Options of the scenario, `hidden=64`, that make it larger or smaller; empty for the scenario as it is.
        target: The value to reach, CHANNEL=VALUE.
        unit: What the time to the target is measured in.
    """

    changes: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    target: str = ""
    unit: Unit = "steps"

    @property
    def specs(self) -> list[tuple[str, Spec]]:
        """The kind and the name of every plug-in that is used, those that changes name among them."""
        rungs = stack(self, "")
        return [("scenarios", task) for task, _ in rungs] + [("optimizers", rule) for _, rule in rungs]


@frozen
class Rung:
    """The result of one change at one size.

    Attributes:
        size: The size, as given; empty if there is one.
        number: How many changes are stacked; 0 for the start.
        change: The change, or the optimizer at the start.
        optimizer: The optimizer with all changes up to here.
        steps: Steps to the target for each seed; infinite where it was missed.
        time: The median time to the target in the unit of the ladder, with its bootstrap interval.
        ratio: The median ratio to the time of the rung before, over seeds; with its interval; 1 at the start.
        effect: What the ratio says.
        microseconds: Wall time of a step.
        examples: Examples or tokens seen until the target, the median; 0 for a task without data.
        counted: `examples` or `tokens`.
    """

    size: str
    number: int
    change: str
    optimizer: str
    steps: tuple[float, ...]
    time: Estimate
    ratio: Estimate
    effect: Effect
    microseconds: float
    examples: float
    counted: str

    @property
    def missed(self) -> int:
        """Number of seeds that missed the target."""
        return sum(math.isinf(steps) for steps in self.steps)

    def to_json(self) -> dict[str, Any]:
        """A flat tree of JSON values; what is infinite becomes null."""
        tree = {**vars(self), "missed": self.missed, "steps": [_plain(steps) for steps in self.steps]}
        for name in ("time", "ratio"):
            estimate = tree[name]
            tree |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        return {key: _plain(value) for key, value in tree.items()}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def changed(change: str, scenario: Spec, optimizer: Spec) -> tuple[Spec, Spec]:
    """Make a change to a scenario or an optimizer.

    >>> adam = parse("adam:lr=0.1")
    >>> [str(changed(text, parse("surface"), adam)[1]) for text in ("lr=1", "+sam:rho=0.1", "lion:lr=0.01")]
    ['adam:lr=1', 'adam+sam:lr=0.1,rho=0.1', 'lion:lr=0.01']
    >>> str(changed("scenario.f=booth", parse("surface"), adam)[0])
    'surface:f=booth'

    Args:
        change: `key=value` sets a hyperparameter, `+modifier:key=value` adds a modifier, `NAME:key=value` puts another
            optimizer in its place, and `scenario.key=value` sets an option of the scenario.
        scenario: The scenario before.
        optimizer: The optimizer before.

    Raises:
        DynvizError: The change is not understood.
    """
    if change.startswith("+"):
        added = parse(f"{optimizer.name}{change}")
        options = {**optimizer.options, **added.options}
        return scenario, replace(optimizer, options=options, modifiers=(*optimizer.modifiers, *added.modifiers))
    head = change.partition(":")[0]
    if "=" not in head:
        return scenario, parse(change)
    options = dict(parse(f"any:{change}").options)
    tasks = {key.removeprefix(OF_SCENARIO): value for key, value in options.items() if key.startswith(OF_SCENARIO)}
    rules = {key: value for key, value in options.items() if not key.startswith(OF_SCENARIO)}
    return (
        replace(scenario, options={**scenario.options, **tasks}),
        replace(optimizer, options={**optimizer.options, **rules}),
    )


def stack(request: LadderRequest, size: str) -> list[tuple[Spec, Spec]]:
    """The scenario and the optimizer of each rung at a size, the first without changes.

    Raises:
        DynvizError: A change or a size is not understood.
    """
    scenario, optimizer = parse(request.scenarios[0]), parse(request.optimizers[0])
    rungs = [(scenario, optimizer)]
    for change in request.changes:
        rungs.append(changed(change, *rungs[-1]))
    larger = dict(parse(f"any:{size}").options) if size else {}
    return [(replace(task, options={**task.options, **larger}), rule) for task, rule in rungs]


def combinations(rungs: Sequence[tuple[Spec, Spec]]) -> list[tuple[Combination, Combination]]:
    """The rungs as plug-ins; those of the same scenario share it.

    Raises:
        DynvizError: A plug-in refuses an option.
    """
    tasks: dict[str, Combination] = {}
    made = []
    for task, rule in rungs:
        if str(task) not in tasks:
            tasks[str(task)] = _one("scenarios", task)
        made.append((tasks[str(task)], _one("optimizers", rule)))
    return made


def _one(kind: str, spec: Spec) -> Combination:
    several = choices(kind, spec)
    if len(several) > 1:
        raise DynvizError(f"{spec} has several values for an option; a rung takes one")
    return several[0]


def climb(request: LadderRequest, folder: Path, runner: TrialRunner) -> list[Rung]:
    """Train all rungs at all sizes, or continue where it was stopped; the rungs of each size in order.

    Raises:
        DynvizError: Training is impossible, or the unit cannot be counted.
        Stopped: Ctrl-C; the same call continues.
    """
    target = Target.read(request.target)
    rungs: list[Rung] = []
    for place, size in enumerate(request.sizes or ("",), 1):
        stacked = combinations(stack(request, size))
        costs: dict[int, StepCost] = {}
        steps: dict[int, tuple[float, ...]] = {}
        tasks = list({id(task): task for task, _ in stacked}.values())
        for number, task in enumerate(tasks, 1):
            mine = [index for index, (other, _) in enumerate(stacked) if other is task]
            trials = [Trial(stacked[index][1], seed) for index in mine for seed in request.seeds]
            name = f"{place:02}-{number:02}"
            results = iter(runner.run(task, trials, name, target))
            steps |= {index: tuple(next(results).reached for _ in request.seeds) for index in mine}
            rules = [stacked[index][1] for index in mine]
            measured = step_costs(task, rules, runner.settings, folder / f"{name}-{TIMING}")
            costs |= dict(zip(mine, measured, strict=True))
        rungs += _rungs(request, size, [(steps[index], costs[index]) for index in range(len(stacked))])
    return rungs


def _rungs(request: LadderRequest, size: str, measured: Sequence[tuple[tuple[float, ...], StepCost]]) -> list[Rung]:
    names = [request.optimizers[0], *request.changes]
    optimizers = [str(rule) for _, rule in stack(request, size)]
    rungs = []
    before: NDArray[np.float64] | None = None
    for number, (steps, cost) in enumerate(measured):
        times = np.maximum(np.array(steps), 1.0) * factor(cost, request.unit, optimizers[number])
        ratio = Estimate(1.0, 1.0, 1.0, len(steps)) if before is None else _ratio(times, before)
        rungs.append(
            Rung(
                size,
                number,
                names[number],
                optimizers[number],
                steps,
                bootstrap_interval(times),
                ratio,
                "start" if before is None else _effect(ratio, times, before),
                cost.microseconds,
                float(median(steps)) * cost.examples if cost.examples else 0.0,
                cost.unit,
            )
        )
        before = times
    return rungs


def _ratio(times: NDArray[np.float64], before: NDArray[np.float64]) -> Estimate:
    """The median over seeds of the ratio of two times."""
    difference = paired_difference(np.log(times), np.log(before))
    value, low, high = (math.exp(end) for end in (difference.value, difference.low, difference.high))
    return Estimate(value, low, high, difference.n, difference.level)


def _effect(ratio: Estimate, times: NDArray[np.float64], before: NDArray[np.float64]) -> Effect:
    if np.isinf(median(times)) and np.isinf(median(before)):
        return "missed"
    if not ratio.enough:
        return "too few seeds"
    return "helps" if ratio.high < 1 else "hurts" if ratio.low > 1 else "within noise"


def survival(rungs: Sequence[Rung]) -> list[str]:
    """For each change, what it does at each size, in a sentence: whether it survives scale."""
    sizes = list(dict.fromkeys(rung.size for rung in rungs))
    sentences = []
    for number in dict.fromkeys(rung.number for rung in rungs if rung.number):
        same = [rung for rung in rungs if rung.number == number]
        effects = dict.fromkeys(rung.effect for rung in same)
        if len(sizes) == 1:
            sentences.append(f"{same[0].change}: {_in_words(same[0])}.")
        elif len(effects) == 1:
            effect = "missed the target, as before" if same[0].effect == "missed" else same[0].effect
            sentences.append(f"{same[0].change} at all sizes: {effect}.")
        else:
            listed = "; ".join(f"{rung.size}: {_in_words(rung)}" for rung in same)
            sentences.append(f"{same[0].change} depends on the size: {listed}.")
    return sentences


def _in_words(rung: Rung) -> str:
    ratio = rung.ratio
    if rung.effect == "missed":
        return "missed the target, as before"
    if math.isinf(ratio.value) or ratio.value == 0:
        return f"{rung.effect}; {'fewer' if ratio.value else 'more'} seeds reach the target than before"
    low, high = (significant(end) for end in (ratio.low, ratio.high))
    return f"{rung.effect}, {significant(ratio.value)} times the time ({low} to {high})"
