"""The scenario gradient-noise: the noise is that of the batches, and its tail index that of known distributions."""

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn

import dynviz
from dynviz.charts.tails import hill
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.plugins import load
from dynviz.scenarios._zipf import COMMON, frequencies, language, unseen
from dynviz.scenarios.gradient_noise import LENGTH, UNSEEN, WORDS, GradientNoise


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


def test_unseen_sequences_are_of_the_same_language_whose_entropy_no_model_is_below():
    """The chain's transition matrix is known, so that its entropy rate is a closed form."""
    shares = frequencies(WORDS, 1.0)
    table = np.random.default_rng(0).choice(WORDS, WORDS, p=shares)
    chain = COMMON * np.eye(WORDS)[table] + (1 - COMMON) * shares
    lasting = np.linalg.matrix_power(chain, 60)[0]
    entropy = -(lasting[:, None] * chain * np.log(chain)).sum()
    data, (inputs, labels) = language(WORDS, 1.0, 1024, LENGTH, 0), unseen(WORDS, 1.0, 1024, LENGTH, 0, count=200_000)
    # Tokens are renamed alike in both: the follower of each frequent one is the same.
    for token in range(8):
        followers = [
            torch.bincount(after[before == token], minlength=WORDS).argmax()
            for before, after in ((data.inputs, data.labels), (inputs, labels))
        ]
        assert followers[0] == followers[1]
    counted = np.zeros((WORDS, WORDS))
    np.add.at(counted, (inputs.flatten().numpy(), labels.flatten().numpy()), 1)
    rates = counted / counted.sum(1, keepdims=True).clip(1)
    # The entropy of the estimated chain, with the first-order correction of its bias (Miller and Madow).
    logs = np.log(rates, out=np.zeros_like(rates), where=rates > 0)
    estimate = -(counted * logs).sum() / counted.sum() + ((counted > 0).sum() - WORDS) / (2 * counted.sum())
    assert estimate == pytest.approx(entropy, abs=0.01)
    # They are other sequences.
    rows = {tuple(row) for row in data.inputs.tolist()}
    assert np.mean([tuple(row) in rows for row in inputs[:2000].tolist()]) < 0.01


@pytest.mark.parametrize("data", ["shapes", "language"])
def test_the_validation_loss_is_that_of_what_is_never_trained_on(data, tmp_path):
    recording = dynviz.run(
        f"gradient-noise:data={data},rows=64", "adam", steps=20, record="parameters:every=10", out=tmp_path / "run"
    )["adam"]
    task = GradientNoise(data=data, rows=64).build(42)
    new, labels = task.constants["new"], task.constants["new_labels"]
    assert len(new) == UNSEEN
    trained = {row.numpy().tobytes() for row in task.constants["inputs"]}
    if data == "shapes":
        assert not any(row.numpy().tobytes() in trained for row in new)
    for sample in range(3):
        parts = {name: torch.tensor(recording.part("parameters", name)[sample, 0]) for name in task.parameters}
        swapped = task.constants | {"inputs": new, "labels": labels}
        expected = float(task.loss(parts, swapped, (torch.arange(UNSEEN),)))
        assert recording["val_loss"][sample, 0] == pytest.approx(expected, rel=1e-5)


def test_the_width_is_that_of_either_network():
    assert GradientNoise(data="language", rows=32, width=8).build(0).parameters["up0"].shape == (32, 8)
    assert GradientNoise(data="shapes", rows=32, width=64).build(0).parameters["conv2"].shape == (32, 16, 3, 3)


def test_a_ladder_to_a_validation_loss_counts_tokens_at_two_sizes(tmp_path):
    words = ["ladder", "gradient-noise:data=language,rows=64", "-o", "adam:lr=0.001", "--change", "lr=0.01"]
    words += ["--at", "width=8", "--at", "width=16", "--target", "val_loss=5", "--steps", "60", "--seeds", "0:3"]
    words += [
        "--record",
        "val_loss:every=2",
        "--record",
        "noise:every=60",
        "--jobs",
        "1",
        "--out",
        str(tmp_path / "out"),
    ]
    done = CliRunner().invoke(commands, [*words, "--json", str(tmp_path / "a.json")], catch_exceptions=False)
    assert done.exit_code == 0
    rungs = json.loads((tmp_path / "a.json").read_text())
    assert [rung["size"] for rung in rungs] == ["width=8", "width=8", "width=16", "width=16"]
    for rung in (rungs[1], rungs[3]):
        assert all(steps % 2 == 0 for steps in rung["steps"])
        assert rung["counted"] == "tokens"
        assert rung["examples"] == np.median(rung["steps"]) * 32 * LENGTH


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
    assert titles[-3:] == ["tail index", "training loss, shapes", "training loss, language"]
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


@pytest.mark.parametrize(
    "options", [{"data": "cats"}, {"rows": 8}, {"noise_batch": 0}, {"noise_batch": 500}, {"width": 6}]
)
def test_options_that_do_not_fit_are_refused(options):
    with pytest.raises(DynvizError, match=next(iter(options))):
        GradientNoise(**options)
