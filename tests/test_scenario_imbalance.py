"""The scenario imbalance: its frequencies, its groups, its losses, and who learns the rare classes."""

import numpy as np
import pytest
import torch

import dynviz
from dynviz.errors import DynvizError
from dynviz.plugins import load
from dynviz.scenarios._zipf import frequencies, grouped, language, points
from dynviz.scenarios.imbalance import Imbalance


def test_frequencies_obey_zipfs_law_and_groups_are_tenths_of_the_data():
    shares = frequencies(1000, 1.0)
    assert shares.sum() == pytest.approx(1)
    np.testing.assert_allclose(shares[0] / shares, np.arange(1, 1001))
    np.testing.assert_allclose(frequencies(50, 0.0), 1 / 50)
    sizes = np.bincount(grouped(shares), shares)
    assert len(sizes) == 10
    # The most frequent class alone is 13 % of all.
    assert sizes[0] == pytest.approx(shares[0])
    assert sizes.min() > 0.06
    assert sizes.max() < 0.14


def test_every_class_has_a_point_and_the_first_is_the_most_frequent():
    data = points(300, 1.0, 1024, 16, 0)
    assert (np.diff(data.counts) <= 0).all()
    assert data.counts.min() == 1
    np.testing.assert_array_equal(np.bincount(data.labels), data.counts)
    assert data.counts[0] / data.counts[9] == pytest.approx(10, rel=0.1)


def test_half_of_the_language_follows_from_the_token_before():
    data = language(50, 1.0, 400, 16, 0)
    assert (np.diff(data.counts) <= 0).all()
    # The most frequent successor of each token is where the table leads.
    pairs = np.zeros((50, 50))
    np.add.at(pairs, (data.inputs.numpy().ravel(), data.labels.numpy().ravel()), 1)
    assert pairs.max(axis=1).sum() / pairs.sum() == pytest.approx(0.5 + 0.5 * 0.1, abs=0.06)
    assert (data.inputs[:, 1:] == data.labels[:, :-1]).all()


@pytest.mark.parametrize("model", ["linear", "mlp", "transformer"])
def test_group_losses_are_means_of_the_cross_entropy(model):
    task = Imbalance(model=model, classes=30, samples=160).build(0)
    losses = next(probe for probe in task.probes if probe.channels[0].name == "train_loss").measure
    whole, groups = (value.double().numpy() for value in losses(task.parameters, task.constants, ()))
    assert float(task.loss(task.parameters, task.constants, ())) == pytest.approx(whole, rel=1e-5)
    labels, inputs = task.constants["labels"], task.constants["inputs"]
    if model == "linear":
        np.testing.assert_allclose(groups, np.log(30), rtol=1e-5)
        return
    if model == "mlp":
        hidden = np.maximum(inputs.numpy() @ task.parameters["W1"].numpy().T, 0)
        logits = hidden @ task.parameters["W2"].numpy().T
        each = np.log(np.exp(logits).sum(1)) - logits[np.arange(len(logits)), labels.numpy()]
        group = task.constants["group"].numpy()[labels.numpy()]
        expected = [each[group == place].mean() for place in range(group.max() + 1)]
        np.testing.assert_allclose(groups, expected, rtol=1e-4)
    sizes = np.bincount(task.constants["group"][labels.flatten()].numpy())
    assert (sizes * groups).sum() / sizes.sum() == pytest.approx(whole, rel=1e-5)


def test_a_batch_is_a_sample_of_the_data():
    task = Imbalance(classes=30, samples=160, batch="8").build(0)
    (index,) = task.batches(5, 3)
    assert index.shape == (3, 8)
    np.testing.assert_array_equal(task.batches(6, 1)[0], index[1:2])
    every = torch.arange(len(task.constants["labels"]))
    full = Imbalance(classes=30, samples=160).build(0)
    assert task.loss(task.parameters, task.constants, (every,)) == full.loss(full.parameters, full.constants, ())


@pytest.mark.slow
def test_adam_learns_rare_classes_where_sgd_does_not_and_only_because_they_are_rare(tmp_path):
    def losses(zipf, rule):
        spec, name = f"imbalance:classes=1000,samples=2048,zipf={zipf}", rule.split(":")[0]
        return dynviz.run(spec, rule, steps=60, out=tmp_path / f"{zipf}-{name}")[name]["group_loss"]

    # The whole of the data in each step: no noise of batches has a part in it.
    sgd, adam = losses(1, "sgd:lr=10,momentum=0.9")[-1, 0], losses(1, "adam:lr=0.3")[-1, 0]
    assert sgd[0] < 2
    assert sgd[-3:].min() > 4 * adam[-3:].max()
    assert adam.max() < 1.5
    # Of equal frequency, all classes are learned as fast without Adam.
    assert losses(0, "sgd:lr=300,momentum=0.9")[-1, 0].max() < losses(0, "adam:lr=0.3")[-1, 0].max()


def test_the_view_has_a_panel_of_groups_for_each_optimizer(tmp_path):
    run = dynviz.run("imbalance:classes=60,samples=200", ["sgd", "adam"], steps=20, out=tmp_path / "run")
    classes, loss, *groups = load("views", "groups").make(recordings=list(run.values())).scene(20).panels
    assert classes.title == "frequency of the classes"
    assert sum(len(mark.x) for mark in classes.marks) == 60
    assert loss.title == "training loss"
    assert [(panel.title, panel.y.label) for panel in groups] == [
        ("sgd", "loss of each group"),
        ("adam", "loss of each group"),
    ]
    assert groups[0].y == groups[1].y
    assert groups[1].marks[-1].y[-1] == pytest.approx(run["adam"]["group_loss"][-1, 0, -1])


def test_a_story_of_equal_classes_calls_none_rare(tmp_path):
    runs = dynviz.run("imbalance:classes=20,zipf=0", ["sgd", "adam"], steps=10, out=tmp_path / "run")
    panels = load("views", "groups").make(recordings=[runs["sgd"], runs["adam"]]).story().scene(10).panels
    assert [panel.title for panel in panels] == [
        "training loss",
        "worst of 10 groups of classes",
        "best of 10 groups of classes",
    ]


@pytest.mark.parametrize(
    "options", [{"model": "cnn"}, {"classes": 1}, {"batch": "none"}, {"batch": "0"}, {"width": 6}, {"samples": 2}]
)
def test_options_that_do_not_fit_are_refused(options):
    with pytest.raises(DynvizError, match=next(iter(options))):
        Imbalance(**options)
