"""Bootstrap intervals and paired differences, beside SciPy's and closed forms."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats

from dynviz.comparison import statistics
from dynviz.comparison.statistics import (
    bootstrap_interval,
    correlation,
    differences,
    mean,
    median,
    paired_difference,
    ranked,
)

INF = math.inf


@pytest.mark.parametrize(("ours", "theirs"), [(mean, np.mean), (median, np.median)])
def test_intervals_are_those_of_scipy(ours, theirs):
    values = np.random.default_rng(3).gamma(2.0, size=25)
    interval = bootstrap_interval(values, 0.9, ours, resamples=40_000)
    other = scipy.stats.bootstrap(
        (values,), theirs, n_resamples=40_000, confidence_level=0.9, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    width = other.high - other.low
    assert abs(interval.low - other.low) < 0.03 * width
    assert abs(interval.high - other.high) < 0.03 * width
    assert interval.value == pytest.approx(theirs(values))


def test_of_three_values_every_sample_can_be_listed():
    values = [1.0, 5.0, 9.0]
    means = sorted(np.mean(sample) for sample in itertools.product(values, repeat=3))
    interval = bootstrap_interval(values, 0.8, mean, resamples=100_000)
    # 27 samples: a tenth of them lies below the third, and above the third from the end.
    assert interval.low == pytest.approx(means[2])
    assert interval.high == pytest.approx(means[-3])


def test_intervals_cover_the_mean_about_as_often_as_they_promise():
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        interval = bootstrap_interval(generator.normal(size=30), 0.95, mean, resamples=499)
        covered += interval.low <= 0 <= interval.high
    assert 0.89 < covered / 400 < 0.98


def test_axes_are_resampled_each_on_its_own():
    generator = np.random.default_rng(0)
    studies, seeds = generator.normal(size=(6, 1)), generator.normal(size=(1, 9))
    interval = bootstrap_interval(studies + seeds, 0.95, mean, resamples=20_000)
    # The mean of a sum of two independent effects: the variances of both means add up, each with 1/n.
    spread = math.sqrt(studies.var() / 6 + seeds.var() / 9)
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * spread, rel=0.05)
    assert interval.n == 9


def test_what_diverged_is_the_worst_and_no_number_is_lost():
    values = [1.0, 2.0, 3.0, INF, INF, 4.0, 5.0]
    interval = bootstrap_interval(values)
    assert interval.value == 4.0
    assert interval.high == INF
    assert math.isfinite(interval.low)
    assert bootstrap_interval([INF] * 8) == statistics.Estimate(INF, INF, INF, 8)
    assert float(median([-INF, 1.0])) == -INF


def test_pairs_that_both_diverged_are_equal():
    assert differences([INF, INF, 1.0], [INF, 1.0, INF]).tolist() == [0.0, INF, -INF]
    both = paired_difference([INF] * 8, [INF] * 8)
    assert (both.value, both.low, both.high, both.differs) == (0.0, 0.0, 0.0, False)
    assert paired_difference([INF] * 8, [1.0] * 8).differs


def test_pairing_finds_a_difference_that_the_spread_over_seeds_hides():
    # Two losses that vary with the seed together, as those of two similar rules do.
    shared = np.random.default_rng(2).normal(size=12)
    a, b = shared + 0.05 + 0.01 * np.cos(np.arange(12)), shared
    assert correlation(a, b) > 0.99
    assert paired_difference(a, b).differs
    apart_a, apart_b = bootstrap_interval(a), bootstrap_interval(b)
    assert apart_a.low < apart_b.high
    assert apart_b.low < apart_a.high


def test_five_pairs_show_nothing_at_95_percent_and_six_can():
    # Oracle: the two-sided sign test.
    for n in (5, 6):
        p = scipy.stats.binomtest(n, n).pvalue
        assert paired_difference(np.arange(n) + 1.0, np.arange(n)).differs == (p <= 0.05)


def test_the_same_values_give_the_same_interval():
    values = np.random.default_rng(5).normal(size=20)
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values, 0.95, mean) != bootstrap_interval(values, 0.95, mean, seed=1)


def test_refusals():
    with pytest.raises(ValueError, match="needs values"):
        bootstrap_interval([])
    with pytest.raises(ValueError, match="must be a number"):
        bootstrap_interval([1.0, math.nan])
    with pytest.raises(ValueError, match="equal shapes"):
        paired_difference([1.0], [1.0, 2.0])


def test_correlation_and_ranks():
    generator = np.random.default_rng(1)
    a = generator.normal(size=40)
    b = a + generator.normal(size=40)
    assert correlation(a, b) == pytest.approx(scipy.stats.pearsonr(a, b).statistic)
    assert correlation([*a, INF], [*b, 1.0]) == pytest.approx(correlation(a, b))
    assert math.isnan(correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]))
    assert ranked([3.0, INF, 1.0, math.nan]) == [2, 0, 1, 3]
