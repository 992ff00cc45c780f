"""Search spaces: how they are written, what rules declare, and how evenly their points lie."""

import numpy as np
import pytest
import scipy.stats
from click.testing import CliRunner

from dynviz import plugins, rule
from dynviz.cli import commands
from dynviz.comparison.spaces import SearchRange, candidate, quasirandom, space_of
from dynviz.errors import DynvizError


@pytest.mark.parametrize("name", plugins.files("optimizers"))
def test_every_rule_has_a_space_of_its_own_hyperparameters_in_their_ranges(name):
    plugin = plugins.load("optimizers", name)
    space = space_of(plugin)
    assert space
    assert set(getattr(plugin.target, "space", {})) <= set(plugin.options)
    assert set(candidate(name).space) == set(space)
    # What a rule takes by default lies in the space, or near it.
    searched = candidate(name).space["lr"]
    assert searched.low <= plugin.options["lr"].default <= searched.high


def test_there_is_a_range_for_each_family_and_no_other():
    assert set(rule.SPACES) == {"", *rule.FAMILIES}


def written(one):
    """The space as it would be written."""
    return ",".join(f"{name}={searched.text}" for name, searched in one.space.items())


def test_what_is_written_is_fixed_or_searched_and_the_rest_is_declared():
    assert written(candidate("adamw")) == "lr=log(1e-4,1)"
    assert candidate("adamw:lr=3e-3").space == {}
    mine = candidate("adamw:beta1=near-one(0.8,0.99),weight_decay=0.1")
    assert written(mine) == "lr=log(1e-4,1),beta1=near-one(0.8,0.99)"
    assert mine.spec.options == {"weight_decay": "0.1"}
    assert written(candidate("torch.optim.SGD")) == written(candidate("sgd")) == "lr=log(1e-4,10)"
    assert written(candidate("adam+proximal-l1:decay=log(1e-3,1)")) == "lr=log(1e-4,1),decay=log(1e-3,1)"
    assert candidate("sgd:nesterov=[true,false],momentum=0.9").space["nesterov"].values == ("true", "false")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("adamw:lr=log(0,1)", "above 0"),
        ("adamw:lr=log(1,0.1)", "the lower first"),
        ("adamw:beta1=near-one(0.9,1)", "below 1"),
        ("adamw:lr=log(1e-4,1,5)", "is a grid"),
        ("adamw:beta1=linear(0,2)", "out of range"),
        ("adamw:nope=log(1,2)", "no option"),
        ("sgd:nesterov=[true]", "at least two values"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_words(text, words):
    with pytest.raises(DynvizError, match=words):
        candidate(text)


def test_points_are_repeatable_and_each_study_has_its_own():
    texts = [[str(point.plugin.spec) for point in candidate("adamw").points(8, study)] for study in (0, 0, 1)]
    assert texts[0] == texts[1]
    assert not set(texts[0]) & set(texts[2])
    assert len(candidate("adamw:lr=0.1").points(8, 0)) == 1


@pytest.mark.parametrize("dimensions", [1, 3])
def test_points_fill_the_space_more_evenly_than_random_ones(dimensions):
    # Oracle: the discrepancy as SciPy computes it; and of 2^k points, one lies in each interval of length 2^-k.
    for study in range(3):
        points = np.array(quasirandom(dimensions, 64, study))
        assert (np.sort((points * 64).astype(int), axis=0) == np.arange(64)[:, None]).all()
        random = np.random.default_rng(study).random(points.shape)
        assert scipy.stats.qmc.discrepancy(points) < 0.3 * scipy.stats.qmc.discrepancy(random)


def test_ranges_are_spread_as_they_say():
    shares = (np.arange(1000) + 0.5) / 1000
    logs = np.log10([float(SearchRange.read("log(1e-4,1)").at(share)) for share in shares])
    assert np.allclose(np.quantile(logs, [0.25, 0.5, 0.75]), [-3, -2, -1], atol=0.02)
    near = np.log10([1 - float(SearchRange.read("near-one(0.9,0.9999)").at(share)) for share in shares])
    assert np.allclose(np.quantile(near, [1 / 3, 2 / 3]), [-3, -2], atol=0.02)
    assert {SearchRange.read("[a,b,c]").at(share) for share in shares} == {"a", "b", "c"}


def test_an_optimizers_space_is_listed():
    text = CliRunner().invoke(commands, ["list", "optimizers", "nag-gs"], catch_exceptions=False).stdout
    assert [line.split() for line in text.splitlines()[-2:]] == [["lr", "log(1e-3,10)"], ["gamma", "log(0.01,100)"]]
