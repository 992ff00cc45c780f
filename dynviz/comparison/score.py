"""Optimizers scored over several tasks with targets, by AlgoPerf's two rulesets."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

from dynviz.comparison.plan import TrainingRequest
from dynviz.comparison.scoring import TAU, Times, external_time
from dynviz.comparison.spaces import Candidate, candidate
from dynviz.comparison.targets import Target, recorded
from dynviz.comparison.timing import FILE as TIMING
from dynviz.comparison.timing import StepCost, step_costs
from dynviz.comparison.trials import Trial, TrialRunner
from dynviz.comparison.tuned import one, places
from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins.options import MISSING
from dynviz.recording.metadata import Lane
from dynviz.sweeps.grid import Combination, choices
from dynviz.task import Task
from dynviz.training.preparation import tasks

Ruleset: TypeAlias = Literal["external", "self"]
Unit: TypeAlias = Literal["steps", "gradients", "seconds"]
LONGER = 3
"""So many times the steps of the external ruleset has the self-tuning one."""
TRIALS = "trials"


@frozen
class ScoreRequest(TrainingRequest):
    """Optimizers to score; its seeds are those of the studies.

    Attributes:
        targets: The target of each scenario, CHANNEL=VALUE; one is for all.
        ruleset: `external`: in each study, the fastest of several quasirandom points of the search space counts;
            `self`: the rule's own defaults, and three times the steps.
        trials: Points in each study of the external ruleset.
        unit: What time is measured in.
        tau: The largest ratio to the fastest that counts.
    """

    targets: tuple[str, ...] = ()
    ruleset: Ruleset = "external"
    trials: int = 5
    unit: Unit = "steps"
    tau: float = TAU

    def check(self) -> None:
        """See that the request makes sense.

        Raises:
            DynvizError: It does not.
        """
        if len(self.targets) not in (1, len(self.scenarios)):
            raise DynvizError(
                f"{len(self.targets)} targets for {len(self.scenarios)} scenarios; "
                "give one --target for all, or one for each in their order"
            )
        for target in self.targets:
            Target.read(target)
        channels = {Target.read(target).channel for target in self.targets}
        idle = [text for text in self.record if text.partition(":")[0] not in channels]
        if idle:
            raise DynvizError(f"--record {idle[0]} is of no target; scores need no other channels")
        for names, what in ((self.optimizers, "an optimizer"), (self.tasks, "a task")):
            if len(set(names)) < len(names):
                raise DynvizError(f"{what} is named twice; name each once")
        if not self.tau > 1 or not math.isfinite(self.tau):
            raise DynvizError("the largest ratio to the fastest must be above 1")

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks: the scenario and what has to be reached."""
        targets = self.targets * len(self.scenarios) if len(self.targets) == 1 else self.targets
        return tuple(f"{scenario} to {target}" for scenario, target in zip(self.scenarios, targets, strict=True))


def measure_times(request: ScoreRequest, folder: Path, runner: TrialRunner) -> Times:
    """The time to the target of each optimizer on each task; training continues where it was stopped.

    Args:
        request: What to score.
        folder: The folder of the scores, which exists.
        runner: What all trials share.

    Raises:
        DynvizError: Training is impossible, or the unit cannot be counted.
        Stopped: Ctrl-C; the same call continues.
    """
    candidates = [candidate(text, tuned=request.ruleset == "external") for text in request.optimizers]
    times: dict[str, dict[str, float]] = {text: {} for text in request.optimizers}
    for place, scenario, task in zip(places(folder, request.scenarios), request.scenarios, request.tasks, strict=True):
        place.mkdir(exist_ok=True)
        target = Target.read(task.rpartition(" to ")[2])
        measured = _of_task(request, one("scenarios", scenario), candidates, target, replace(runner, folder=place))
        for text, time in zip(request.optimizers, measured, strict=True):
            times[text][task] = time
    return times


def _of_task(
    request: ScoreRequest,
    scenario: Combination,
    candidates: Sequence[Candidate],
    target: Target,
    runner: TrialRunner,
) -> list[float]:
    (task,) = tasks(scenario.plugin, (Lane(0, {}),))
    external = request.ruleset == "external"
    steps = request.steps or task.steps
    settings = replace(
        runner.settings,
        steps=steps if external else LONGER * steps,
        record=recorded(
            [text for text in request.record if text.partition(":")[0] == target.channel], [target.channel]
        ),
    )
    points = [
        [
            searched.points(request.trials, study) if external else [own_defaults(searched, task)]
            for study in request.seeds
        ]
        for searched in candidates
    ]
    trials = [
        Trial(rule, seed)
        for studies in points
        for seed, rules in zip(request.seeds, studies, strict=True)
        for rule in rules
    ]
    results = iter(replace(runner, settings=settings, by="loss").run(scenario, trials, TRIALS, target))
    reached = [[[next(results).reached for _ in rules] for rules in studies] for studies in points]
    costs = [StepCost(math.nan, 0)] * len(candidates)
    if request.unit != "steps":
        costs = step_costs(scenario, [studies[0][0] for studies in points], settings, runner.folder / TIMING)
    factors = [factor(cost, request.unit, searched.text) for cost, searched in zip(costs, candidates, strict=True)]
    return [
        external_time([[time * scale for time in study] for study in studies])
        for studies, scale in zip(reached, factors, strict=True)
    ]


def factor(cost: StepCost, unit: Unit, optimizer: str) -> float:
    """What one step counts in a unit.

    Raises:
        DynvizError: That is not known.
    """
    if unit == "steps":
        return 1.0
    if unit == "gradients":
        if not cost.gradients:
            raise DynvizError(f"{optimizer} evaluates any number of gradients per step; measure steps or seconds")
        return float(cost.gradients)
    # One that cannot be trained has no time, and reaches nothing.
    return 1.0 if math.isnan(cost.microseconds) else cost.microseconds / 1e6


def own_defaults(searched: Candidate, task: Task) -> Combination:
    """An optimizer with its own defaults, in place of what the protocol of a task recommends for it.

    Raises:
        DynvizError: The protocol sets what has no default.
    """
    plugin = searched.point(()).plugin
    recommended = {name for values in task.hyperparameters.values() for name in values} - plugin.given.keys()
    known = {name: option.default for name, option in plugin.options.items() if name in recommended}
    missing = [name for name, default in known.items() if default is MISSING]
    if missing:
        raise DynvizError(f"{searched.text} has no default for {missing[0]}; give a value")
    options = {
        **searched.spec.options,
        **{name: str(default) for name, default in known.items() if default is not None},
    }
    (combination,) = choices("optimizers", replace(searched.spec, options=options))
    return combination
