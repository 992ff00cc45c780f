"""The scenario gradient-noise: the noise is that of the batches, and its tail index that of known distributions."""

import numpy as np
import pytest
import torch
from torch import nn

import dynviz
from dynviz.charts.tails import hill
from dynviz.errors import DynvizError
from dynviz.plugins import load
from dynviz.scenarios.gradient_noise import GradientNoise


@pytest.mark.parametrize("data", ["shapes", "language"])
def test_noise_is_the_distance_of_each_batchs_gradient_from_that_of_all(data):
    task = GradientNoise(data=data, rows=32, noise_batch=4).build(3)
    probe = next(probe for probe in task.probes if probe.channels[0].name == "noise")
    noise = probe.measure(task.parameters, task.constants, ())
    leaves = {name: value.clone().requires_grad_() for name, value in task.parameters.items()}

    def gradient(index):
        found = torch.autograd.grad(task.loss(leaves, task.constants, (index,)), list(leaves.values()))
        return torch.cat([part.flatten() for part in found])

    cut = task.constants["cut"]
    assert sorted(cut.flatten().tolist()) == list(range(32))
    whole = gradient(torch.arange(32))
    expected = [float((gradient(index) - whole).norm()) for index in cut]
    assert noise.tolist() == pytest.approx(expected, rel=1e-4)


def test_the_network_is_the_usual_one():
    task = GradientNoise(data="shapes", rows=32).build(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.AvgPool2d(2),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.AvgPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64, 10),
    )
    names = {
        "0.weight": "conv1",
        "0.bias": "bias1",
        "3.weight": "conv2",
        "3.bias": "bias2",
        "7.weight": "W",
        "7.bias": "b",
    }
    model.load_state_dict({theirs: task.parameters[ours] for theirs, ours in names.items()})
    with torch.no_grad():
        loss = nn.functional.cross_entropy(model(task.constants["inputs"]), task.constants["labels"])
    assert float(task.loss(task.parameters, task.constants, (torch.arange(32),))) == pytest.approx(
        float(loss), rel=1e-5
    )


@pytest.mark.parametrize("index", [1.0, 2.0, 4.0])
def test_hills_index_is_that_of_a_pareto_distribution(index):
    draws = np.random.default_rng(0).pareto(index, (200, 1000)) + 1
    estimates = np.array([hill(values) for values in draws])
    assert estimates[:, 0].mean() == pytest.approx(index, rel=0.05)
    covered = ((estimates[:, 1] < index) & (index < estimates[:, 2])).mean()
    assert covered == pytest.approx(0.95, abs=0.04)


def test_a_normal_distribution_has_no_heavy_tail_and_too_few_values_no_index():
    normal = np.abs(5 + np.random.default_rng(0).standard_normal(1000))
    assert hill(normal).low > 8
    assert np.isnan(hill(np.ones(100))).all()
    assert np.isnan(hill(np.arange(5.0))).all()
    assert np.isfinite(hill(np.append(np.arange(1.0, 100), [np.nan, np.inf]))).all()


def test_the_view_shows_each_distribution_and_a_loss_for_each_data_set(tmp_path):
    runs = [
        dynviz.run(f"gradient-noise:data={data},rows=64,noise_batch=1", "sgd", steps=4, out=tmp_path / data)["sgd"]
        for data in ("shapes", "language")
    ]
    panels = load("views", "noise").make(recordings=runs).scene(4).panels
    titles = [panel.title for panel in panels]
    assert titles[-3:] == ["tail index", "train loss, shapes", "train loss, language"]
    bars, normal = panels[0].marks
    assert (bars.heights * bars.width).sum() == pytest.approx(1)
    noise = runs[0]["noise"][-1, 0].astype(np.float64)
    at = np.abs(normal.x - noise.mean()).argmin()
    assert normal.y[at] == pytest.approx(1 / (noise.std() * np.sqrt(2 * np.pi)), rel=0.01)
    assert f"{hill(noise).estimate:.2g}" in panels[0].readouts[0].text
    few = dynviz.run("gradient-noise:data=shapes,rows=32", "sgd", steps=1, out=tmp_path / "few")["sgd"]
    assert (
        load("views", "noise").make(recordings=[few]).scene(1).panels[0].readouts[0].text == "too few for a tail index"
    )


@pytest.mark.parametrize("options", [{"data": "cats"}, {"rows": 8}, {"noise_batch": 0}, {"noise_batch": 500}])
def test_options_that_do_not_fit_are_refused(options):
    with pytest.raises(DynvizError, match=next(iter(options))):
        GradientNoise(**options)
