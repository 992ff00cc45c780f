"""Scores over tasks: closed forms, the benchmark's own algorithm, and its published scores."""

import math
import operator

import numpy as np
import pandas as pd
import pytest

from dynviz.charts.profiles import area, profile, ratios_of
from dynviz.comparison import published
from dynviz.comparison.scoring import external_time, scores

INF = math.inf


def their_scores(times, num_points=100):
    """The score of AlgoPerf's `scoring/performance_profile.py`, written anew after it.

    Those over four times the fastest count as missed; the profile is taken at evenly spaced points, and integrated by
    the trapezoidal rule.
    """
    frame = times.copy()
    best = frame.min(axis=0)
    frame[frame.apply(lambda row: row > 4 * best, axis=1)] = np.inf
    frame = frame.div(frame.min(axis=0), axis=1)
    points = np.linspace(1.0, 4.0, num_points)
    profiles = np.mean(frame.to_numpy()[:, :, None] <= points, axis=1)
    return dict(zip(frame.index, np.trapezoid(profiles, points, axis=1) / 3.0, strict=True))


def their_time(trials, target):
    """The time of a study: the trial that reaches the target at the earliest evaluation, as `get_best_trial_index`."""
    reached = {
        index: int(np.argmax(hits))
        for index, (_, metric) in enumerate(trials)
        if (hits := np.array([operator.le(value, target) for value in metric])).any()
    }
    if not reached:
        return INF
    trial = min(reached, key=reached.get)
    return trials[trial][0][reached[trial]]


@pytest.mark.parametrize("seed", range(20))
def test_scores_of_random_tables_are_those_of_the_competitions_code(seed):
    generator = np.random.default_rng(seed)
    table = np.exp(generator.normal(0, 0.8, size=(5, 8)))
    table[generator.random(table.shape) < 0.25] = INF
    times = {
        f"rule{row}": {f"task{task}": float(value) for task, value in enumerate(values)}
        for row, values in enumerate(table)
    }
    ours = {score.optimizer: score.score for score in scores(times)}
    frame = pd.DataFrame(times).T
    # A step between two points of theirs is a ramp: at most one interval for each task, and none with enough points.
    assert ours == pytest.approx(their_scores(frame), abs=0.5 * 3 / 99 / 3)
    assert ours == pytest.approx(their_scores(frame, 30_001), abs=1e-4)


def _first(times, values, target):
    return next((time for time, value in zip(times, values, strict=True) if value <= target), INF)


def test_times_of_random_trials_are_those_of_the_competitions_code():
    generator = np.random.default_rng(0)
    for _ in range(50):
        studies = [
            [(np.arange(1, 11) * 10.0, np.minimum.accumulate(generator.random(10))) for _ in range(5)] for _ in range(5)
        ]
        target = 0.08
        theirs = np.median([their_time(trials, target) for trials in studies])
        ours = external_time([[_first(*trial, target) for trial in trials] for trials in studies])
        assert ours == theirs


@pytest.mark.parametrize("unit", ["seconds", "steps"])
def test_published_scores_are_found_again(unit):
    times = published.times(unit)
    known = {name: pair[unit == "steps"] for name, pair in published.SCORES.items()}
    assert their_scores(pd.DataFrame(times).T) == pytest.approx(known, abs=1e-9)
    ours = {score.optimizer: score.score for score in scores(times)}
    assert ours == pytest.approx(known, abs=0.005)
    assert max(ours, key=ours.get) == max(known, key=known.get)


def test_closed_forms():
    # One is fastest everywhere; one takes twice as long; one misses half of the targets.
    times = {"one": {"a": 10.0, "b": 3.0}, "two": {"a": 20.0, "b": 6.0}, "three": {"a": 10.0, "b": INF}}
    by_name = {score.optimizer: score for score in scores(times)}
    assert by_name["one"].score == 1.0
    assert by_name["two"].score == pytest.approx(2 / 3)
    assert by_name["three"].score == 0.5
    assert by_name["three"].without == {"a": 0.0, "b": 1.0}
    assert by_name["three"].spread == (0.0, 1.0)
    assert by_name["three"].ratios == {"a": 1.0, "b": INF}


def test_a_target_that_all_miss_counts_for_nobody_and_one_that_is_met_at_once_for_all():
    assert ratios_of(np.array([[INF, 0.0], [INF, 0.0], [INF, 5.0]])).tolist() == [[INF, 1.0], [INF, 1.0], [INF, INF]]


def test_the_area_is_that_under_the_staircase():
    generator = np.random.default_rng(1)
    for _ in range(20):
        ratios = 1 + generator.exponential(2.0, size=7)
        ratios[0] = 1.0
        rises, heights = profile(ratios.tolist(), 4.0)
        under = sum(height * (right - left) for left, right, height in zip(rises, rises[1:], heights, strict=False))
        assert under / 3 == pytest.approx(float(area(ratios[None], 4.0)[0]))


def test_the_table_of_workloads_is_that_of_the_document():
    # The document's table: target and runtime budget.
    rows = {name: (workload.target, workload.budget) for name, workload in published.WORKLOADS.items()}
    assert rows["fastmri"] == (0.7344, 8859)
    assert sum(budget for _, budget in rows.values()) == 7703 + 8859 + 63008 + 77520 + 61068 + 55506 + 18477 + 48151
    assert set(rows) == set(published.TASKS) - {"finewebedu_lm"}
