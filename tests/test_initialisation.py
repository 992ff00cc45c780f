"""The scenario initialisation: what happens to a signal and its gradient in a deep ReLU network."""

import numpy as np
import pytest
import torch

import dynviz
from dynviz.errors import DynvizError
from dynviz.plugins import load
from dynviz.scenarios.initialisation import Initialisation


def first(init, layers, channel):
    task = Initialisation(init=init, layers=layers, width=256, data="shapes").build(0)
    probe = next(each for each in task.probes if each.channels[0].name == channel)
    with torch.no_grad():
        return probe.measure(task.parameters, task.constants, ()).numpy()


def test_the_signal_keeps_its_size_with_he_and_halves_its_square_in_each_layer_with_xavier():
    he, xavier = first("he", 30, "signal")[:-1], first("xavier", 30, "signal")[:-1]
    assert he[-1] / he[0] == pytest.approx(1, abs=0.6)
    rate = np.square(xavier[-1] / xavier[0]) ** (1 / (len(xavier) - 1))
    assert rate == pytest.approx(0.5, abs=0.03)


def test_gradients_vanish_with_xavier_and_not_with_he():
    he, xavier = first("he", 22, "gradient_size"), first("xavier", 22, "gradient_size")
    assert he.min() > 0.01
    assert xavier[1:].max() < 0.05 * he.min()


def test_the_gradient_probe_is_the_gradient():
    task = Initialisation(layers=4, width=8, data="shapes").build(0)
    probe = next(each for each in task.probes if each.channels[0].name == "gradient_size")
    parameters = {name: value.clone().requires_grad_() for name, value in task.parameters.items()}
    index = torch.arange(256)
    task.loss(parameters, task.constants, (index,)).backward()
    expected = [float(parameters[f"W{layer}"].grad.norm()) for layer in range(1, 5)]
    with torch.no_grad():
        assert probe.measure(task.parameters, task.constants, ()).tolist() == pytest.approx(expected, rel=1e-5)


def test_the_view_draws_two_initialisations_on_the_same_axes(tmp_path):
    options = "layers=5,width=8,data=shapes"
    runs = [
        dynviz.run(f"initialisation:init={init},{options}", "sgd", steps=20, out=tmp_path / init)["sgd"]
        for init in ("he", "xavier")
    ]
    film = load("views", "layers").make(recordings=runs)
    end, begin = film.scene(20), film.scene(0)
    assert [panel.title for panel in end.panels][:2] == ["signal after each layer", "gradient of each layer's weights"]
    assert begin.panels[0].y == end.panels[0].y
    now = begin.panels[0].marks[2]
    assert now.y == pytest.approx(runs[0]["signal"][0, 0])
    assert film.scene(9).panels[0].marks[2] is now


def test_gradients_of_very_different_sizes_are_all_on_the_axis(tmp_path):
    options = "layers=30,width=32,data=shapes"
    runs = [
        dynviz.run(f"initialisation:init={init},{options}", "sgd", steps=1, out=tmp_path / init)["sgd"]
        for init in ("he", "xavier")
    ]
    he, xavier = (run["gradient_size"] for run in runs)
    assert he.min() > 1000 * np.median(xavier)
    low, high = load("views", "layers").make(recordings=runs).scene(1).panels[1].y.limits
    assert low < min(he.min(), xavier.min())
    assert high > max(he.max(), xavier.max())


@pytest.mark.slow
def test_thirty_layers_learn_with_he_and_stand_still_with_xavier(tmp_path):
    ends = {
        init: dynviz.run(f"initialisation:init={init},layers=30", "sgd", seeds=0, steps=400, out=tmp_path / init)["sgd"]
        for init in ("he", "xavier")
    }
    assert ends["he"]["test_accuracy"][-1, 0] > 0.8
    assert ends["xavier"]["test_accuracy"][-1, 0] < 0.3


def test_equal_units_stay_equal_and_every_matrix_keeps_rank_one(tmp_path):
    spec = "initialisation:layers=4,init=equal,data=shapes"
    run = dynviz.run(spec, "adam", steps=150, record="parameters:every=150", out=tmp_path / "run")["adam"]
    assert run["loss"][-20:, 0].mean() < run["loss"][0, 0]
    assert not np.array_equal(run["parameters"][-1], run["parameters"][0])
    for layer in range(1, 5):
        values = np.linalg.svd(run.part("parameters", f"W{layer}")[-1, 0].astype(np.float64), compute_uv=False)
        assert values[1] < 1e-5 * values[0]
    np.testing.assert_allclose(run["weight_rank"], 1, rtol=1e-5)


def test_the_rank_is_that_of_the_singular_values():
    task = Initialisation(layers=3, width=12, data="shapes").build(0)
    with torch.no_grad():
        ranks = next(each for each in task.probes if each.channels[0].name == "weight_rank").measure(
            task.parameters, task.constants, ()
        )
    for layer, rank in enumerate(ranks.tolist(), start=1):
        squares = np.square(np.linalg.svd(task.parameters[f"W{layer}"].numpy(), compute_uv=False))
        assert rank == pytest.approx(squares.sum() ** 2 / np.square(squares).sum(), rel=1e-4)


@pytest.mark.parametrize("sigma", [0.01, 1.0])
def test_a_deviation_that_is_too_small_or_too_large_loses_the_signal_or_explodes(sigma):
    signal = first(f"normal({sigma})", 10, "signal")[:-1].astype(np.float64)
    # With 256 inputs a layer multiplies the square of its signal by 256 sigma^2 / 2.
    rate = np.square(signal[-1] / signal[0]) ** (1 / (len(signal) - 1))
    assert rate == pytest.approx(256 * sigma**2 / 2, rel=0.1)


def test_orthogonal_weights_are_orthogonal():
    parameters = Initialisation(layers=3, width=32, init="orthogonal", data="shapes").build(0).parameters
    product = parameters["W2"] @ parameters["W2"].T
    torch.testing.assert_close(product, 2 * torch.eye(32), rtol=0, atol=1e-5)


def test_the_view_shows_the_rank_of_equal_and_of_random_weights(tmp_path):
    runs = [
        dynviz.run(f"initialisation:init={init},layers=4,width=8,data=shapes", "sgd", steps=20, out=tmp_path / init)
        for init in ("he", "equal", "normal(0.01)", "orthogonal")
    ]
    recordings = [run["sgd"] for run in runs]
    panel = load("views", "layers").make(recordings=recordings[:3]).scene(20).panels[2]
    assert panel.title == "rank of each layer"
    assert panel.readouts[1].text == "1 to 1"
    # There is no room for more of them.
    readouts = load("views", "layers").make(recordings=recordings).scene(20).panels[2].readouts
    assert {readout.color for readout in readouts} == {"muted"}


@pytest.mark.parametrize(
    "option", [{"layers": 1}, {"width": 0}, {"init": "lecun"}, {"init": "normal(-1)"}, {"init": "normal(x)"}]
)
def test_options_out_of_range_are_refused(option):
    with pytest.raises(DynvizError, match=next(iter(option))):
        Initialisation(**option)
