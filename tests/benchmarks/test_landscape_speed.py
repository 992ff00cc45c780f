"""How fast a plane is evaluated, beside the plain way: one point after the other."""

import time

import numpy as np
import pytest
import torch

import dynviz
from dynviz.projection.evaluate import losses, task_of
from dynviz.projection.project import Wish, project
from dynviz.scenarios.landscape import SEEN, Landscape
from tests.benchmarks.pairs import ratio

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Networks of a few steps: what they have learned does not matter here."""
    folder = tmp_path_factory.mktemp("runs")
    return {
        model: dynviz.run(
            f"landscape:model={model},data=shapes", "sgd", steps=4, record="parameters:every=2", out=folder / model
        )["sgd"]
        for model in ("mlp", "cnn")
    }


def plainly(task, measured, rows):
    """One point after the other: the loss of the images in one piece, max_pool2d, torch's own threads."""
    # A perceptron is measured on all of them.
    seen = SEEN if "conv1" in task.parameters else None
    images, label = task.constants["train"][:seen], task.constants["train_label"][:seen]
    found = []
    functional = torch.nn.functional
    with torch.no_grad():
        for row in rows:
            values = measured.layout.views(torch.from_numpy(row).to(torch.float32))
            x = images
            if "conv1" in values:
                for layer in "12":
                    x = functional.conv2d(x, values[f"conv{layer}"], values[f"bias{layer}"], padding=1)
                    x = functional.max_pool2d(torch.relu(x), 2)
            x = x.flatten(1)
            layers = [name[1:] for name in values if name.startswith("W")]
            for layer in layers:
                x = functional.linear(x, values[f"W{layer}"], values[f"b{layer}"])
                x = x if layer == layers[-1] else torch.relu(x)
            found.append(float(functional.cross_entropy(x, label)))
    return found


# A point of the perceptron is a few products of matrices that keep a core busy: batches gain what further cores give.
@pytest.mark.parametrize(("model", "points", "least"), [("mlp", 1000, 1.0), ("cnn", 24, 2.0)])
def test_batches_of_points_against_a_loop_over_points(recordings, model, points, least):
    recording = recordings[model]
    task = task_of(recording, 0)
    measured = losses(task, ("train_loss",), device="cpu")
    base = recording["parameters"][-1, 0].astype(np.float64)
    rows = base + 0.01 * np.random.default_rng(0).standard_normal((points, len(base)))

    def ours():
        return measured.at(lambda start, stop: rows[start:stop], points)[0]

    def plain():
        return plainly(task, measured, rows)

    assert ours() == pytest.approx(plain(), rel=1e-4)
    found = ratio(ours, plain)
    together = measured.together(rows[:1], count=points)
    print(
        f"\n{model}: {together} points together, {torch.get_num_threads()} threads: {found:.1f} x as fast as one by one"
    )
    assert found > 0.7 * least


def test_a_plane_of_the_convolutional_network_in_a_minute(recordings):
    assert sum(value.numel() for value in Landscape(model="cnn", data="shapes").build(0).parameters.values()) == 105_866
    begin = time.perf_counter()
    found = project(recordings["cnn"], Wish(grid=51, losses=("train_loss",), device="cpu"))
    seconds = time.perf_counter() - begin
    print(f"\n51 x 51 points, 512 images, {torch.get_num_threads()} threads: {seconds:.0f} s")
    assert found.values.shape == (1, 51, 51)
    assert seconds < 60 / 0.7
