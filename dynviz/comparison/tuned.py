"""Optimizers compared at their best: tuned with equal budgets, then measured on seeds that tuning never saw."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dynviz.comparison.request import FIRST_SEED, ComparisonRequest
from dynviz.comparison.rows import Row, against_best, row_of
from dynviz.comparison.spaces import Candidate, candidate
from dynviz.comparison.statistics import median
from dynviz.comparison.targets import LaneResult, Target
from dynviz.comparison.timing import FILE as TIMING
from dynviz.comparison.timing import step_costs
from dynviz.comparison.trials import Trial, TrialRunner
from dynviz.errors import DynvizError
from dynviz.plugins.spec import parse
from dynviz.sweeps.grid import Combination, choices

TUNING, EVALUATION = "tuning", "evaluation"


def tuning_seeds(study: int, count: int) -> range:
    """The seeds of a study: the same for all optimizers, and in no other study."""
    first = FIRST_SEED + study * count
    return range(first, first + count)


def one(kind: str, text: str) -> Combination:
    """A plug-in with one value for each option.

    Raises:
        DynvizError: An option has several, or is not understood.
    """
    combinations = choices(kind, parse(text))
    if len(combinations) > 1:
        raise DynvizError(f"{text} has several values for an option; name each combination by itself")
    return combinations[0]


def places(folder: Path, scenarios: Sequence[str]) -> list[Path]:
    """The folder of each scenario."""
    names = ["".join(sign if sign.isalnum() or sign in "-_.=" else "-" for sign in text) for text in scenarios]
    return [folder / f"{number:02}-{name[:60].strip('-')}" for number, name in enumerate(names, 1)]


def compare_tuned(request: ComparisonRequest, folder: Path, runner: TrialRunner) -> list[Row]:
    """Tune and measure, or continue where it was stopped.

    Args:
        request: What to compare.
        folder: The folder of the comparison, which exists.
        runner: What all trials share.

    Raises:
        DynvizError: Training is impossible.
        Stopped: Ctrl-C; the same call continues.
    """
    candidates = [candidate(text) for text in request.optimizers]
    rows: list[Row] = []
    for place, scenario in zip(places(folder, request.scenarios), request.scenarios, strict=True):
        place.mkdir(exist_ok=True)
        rows += _of_scenario(request, scenario, candidates, replace(runner, folder=place))
    return against_best(rows)


def _of_scenario(
    request: ComparisonRequest, scenario: str, candidates: Sequence[Candidate], runner: TrialRunner
) -> list[Row]:
    task = one("scenarios", scenario)
    target = Target.read(request.target) if request.target else None
    chosen = _tuned(request, task, candidates, runner)
    # A setting that several studies have chosen is measured once.
    settings = [str(rule.plugin.spec) for rules in chosen for rule in rules]
    flat = [rule for rules in chosen for rule in rules]
    different = dict(zip(settings, flat, strict=True))
    trials = [Trial(rule, seed) for rule in different.values() for seed in request.seeds]
    results = runner.run(task, trials, EVALUATION, target)
    count = len(request.seeds)
    by_setting = {text: results[index * count : (index + 1) * count] for index, text in enumerate(different)}
    costs = step_costs(task, [rules[0] for rules in chosen], runner.settings, runner.folder / TIMING)
    return [
        row_of(
            searched.text,
            [result for rule in rules for result in by_setting[str(rule.plugin.spec)]],
            request.studies,
            scenario=scenario,
            folder=str(runner.folder),
            settings=tuple(str(rule.plugin.spec) for rule in rules),
            microseconds=cost.microseconds,
            state_bytes=cost.state_bytes,
        )
        for searched, rules, cost in zip(candidates, chosen, costs, strict=True)
    ]


def _tuned(
    request: ComparisonRequest, task: Combination, candidates: Sequence[Candidate], runner: TrialRunner
) -> list[list[Combination]]:
    """For each optimizer and study, the point with the best final value."""
    points = [
        [one_candidate.points(request.tune, study) for study in range(request.studies)] for one_candidate in candidates
    ]
    trials = [
        Trial(rule, seed)
        for studies in points
        for study, rules in enumerate(studies)
        for rule in rules
        for seed in tuning_seeds(study, request.tuning_seeds)
    ]
    results = iter(runner.run(task, trials, TUNING))
    return [[rules[_best(rules, results, request.tuning_seeds)] for rules in studies] for studies in points]


def _best(rules: Sequence[Combination], results: Iterator[LaneResult], seeds: int) -> int:
    """The point with the lowest median cost; of equal ones the first."""
    costs = [float(median([next(results).cost for _ in range(seeds)])) for _ in rules]
    return int(np.argmin(costs))
