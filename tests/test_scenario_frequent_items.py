"""A stream of basis vectors: its frequencies, its gradients, and the sketch beside the counters of Misra and Gries."""

import numpy as np
import pytest
import torch

import dynviz
from dynviz import plugins
from dynviz.errors import DynvizError
from dynviz.scenarios.frequent_items import FrequentItems
from dynviz.scene.marks import Bars, Line, Points
from tests.test_preconditioning import misra_gries


def test_the_gradient_is_the_basis_vector_of_the_item_negated():
    task = FrequentItems(items=6).build(1)
    (stream,) = task.batches(0, 20)
    weight = torch.randn(6, requires_grad=True)
    for row in stream:
        (slope,) = torch.autograd.grad(task.loss({"weight": weight}, {}, (row,)), weight)
        item = int(task.probes[0].measure({"weight": weight}, {}, (row,)))
        assert slope.tolist() == [-float(place == item) for place in range(6)]


@pytest.mark.parametrize("zipf", [0.0, 1.0, 2.0])
def test_items_come_as_often_as_zipf_says(zipf):
    (stream,) = FrequentItems(items=5, zipf=zipf).build(3).batches(0, 40_000)
    shares = np.arange(1, 6) ** -zipf / (np.arange(1, 6) ** -zipf).sum()
    np.testing.assert_allclose(stream.mean(0), shares, atol=4 * np.sqrt(0.25 / 40_000))


def test_a_stream_is_a_function_of_seed_and_step():
    task = FrequentItems().build(7)
    (whole,) = task.batches(0, 3000)
    for start, count in ((0, 1), (1023, 2), (900, 2100)):
        assert torch.equal(task.batches(start, count)[0], whole[start : start + count])
    assert not torch.equal(FrequentItems().build(8).batches(0, 3000)[0], whole)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("items")
    rules = ["sketchy:rank=4", "sketchy:rank=7", "sketchy:rank=7,beta2=0.9", "adam"]
    options = {"steps": 150, "record": "state.*:every=1", "seeds": "0:2", "dtype": "float64"}
    return dynviz.run("frequent-items:items=24", rules, out=folder / "run", **options)


def counters(*recordings, **options):
    return plugins.load("views", "counters").target(list(recordings), **options)


@pytest.mark.parametrize("label", ["sketchy", "sketchy-2"])
@pytest.mark.parametrize("lane", [0, 1])
def test_bars_are_the_sketch_rings_the_counters_and_the_missing_counts_stay_under_the_bound(recorded, label, lane):
    recording = recorded[label]
    rank = {"sketchy": 4, "sketchy-2": 7}[label]
    items = recording["item"][:150, lane].astype(int)
    expected = [{}, *(counts for counts, _ in misra_gries(items.tolist(), rank - 1))]
    film = counters(recording, lane=lane)
    below = []
    for step in range(151):
        panel, missing = film.scene(step).panels
        true, kept = (mark for mark in panel.marks if isinstance(mark, Bars))
        (rings,) = (mark for mark in panel.marks if isinstance(mark, Points))
        np.testing.assert_array_equal(true.heights, np.bincount(items[:step], minlength=24))
        assert dict(zip(rings.x.astype(int).tolist(), rings.y.tolist(), strict=True)) == expected[step]
        wanted = [expected[step].get(item, 0) for item in range(24)]
        np.testing.assert_allclose(kept.heights, wanted, rtol=0, atol=1e-9)
        (said,) = panel.readouts
        assert said.text.startswith("sketch and counters differ by ")
        below.append(float((true.heights - wanted).max()))
        assert below[-1] <= step / rank
    curve, bound = (mark for mark in missing.marks if isinstance(mark, Line))
    np.testing.assert_allclose(curve.y, below, rtol=0, atol=1e-9)
    np.testing.assert_allclose(bound.y, np.arange(151) / rank)


def test_several_ranks_stand_side_by_side_under_one_axis(recorded):
    *counts, missing = counters(recorded["sketchy"], recorded["sketchy-2"]).scene(150).panels
    assert [panel.title for panel in counts] == ["counts: sketchy rank 4", "counts: sketchy rank 7"]
    assert sum(isinstance(mark, Line) for mark in missing.marks) == 4


def test_what_has_no_sketch_of_sums_is_refused(recorded, tmp_path):
    with pytest.raises(DynvizError, match=r"beta2=0\.9; write sketchy:beta2=1"):
        counters(recorded["sketchy-3"])
    with pytest.raises(DynvizError, match=r"state\.\*"):
        counters(recorded["adam"])
    few = dynviz.run("frequent-items:items=8", "sketchy", steps=3, record="state.*:every=1", out=tmp_path / "few")
    with pytest.raises(DynvizError, match="write items=28 or more"):
        counters(few["sketchy"])
    with pytest.raises(DynvizError, match="items=1"):
        FrequentItems(items=1)
