"""The classification task: its truth, its models, and the published numbers."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from torch import nn

import dynviz
from dynviz import DynvizError
from dynviz.scenarios._environment import TRAIN, VALIDATION, environment, order, owner
from dynviz.scenarios._voronoi_models import SCORES
from dynviz.scenarios.voronoi import Voronoi
from dynviz.training.lane_stack import cast

MODELS = ("exact", *SCORES, "mlp")
PUBLISHED = {
    "labels": {1: (0.6887, 0.5441), 101: (0.3639, 0.9997), 1000: (0.03, 0.9997), 5000: (0.003, 0.9998)},
    "offset-scale": {1: (0.6922, 0.5603), 101: (0.6756, 0.5905), 1000: (0.5532, 0.7093), 5000: (0.2781, 0.8747)},
}
"""Validation loss and accuracy after so many steps with seed 42."""


def small(model):
    """An instance with few hidden centers and a coarse map."""
    return Voronoi(model=model, grid=8, **({"hidden": 12} if model in ("centers", "swish") else {}))


def measured(task, parameters, channel):
    """A channel of one lane."""
    probe = next(each for each in task.probes if channel in [one.name for one in each.channels])
    with torch.no_grad():
        values = probe.measure(parameters, task.constants, ())
    values = values if isinstance(values, tuple) else (values,)
    return values[[one.name for one in probe.channels].index(channel)]


def follow(model, steps):
    """A plain loop with torch's AdamW in its unfused form: the steps asked for, and what the numbers are there."""
    task = Voronoi(model=model, grid=2).build(42)
    values = {name: value.clone().requires_grad_() for name, value in task.parameters.items()}
    adamw = torch.optim.AdamW(values.values(), **task.hyperparameters["adamw"], foreach=False, fused=False)
    xs, ys = task.batches(0, max(steps))
    found = {}
    for step in range(1, max(steps) + 1):
        adamw.zero_grad()
        task.loss(values, task.constants, (xs[step - 1], ys[step - 1])).backward()
        adamw.step()
        found[step] = {name: values[name].item() for name in ("offset", "scale") if name in values}
        if step in steps:
            for name in ("val_loss", "val_accuracy", "test_loss", "test_accuracy"):
                found[step][name] = measured(task, values, name).item()
    return found


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_the_environment_of_seed_42_is_the_published_one():
    truth = environment(42, "tangent")
    assert len(truth.centers) == 138
    assert truth.classes.sum() == 77
    assert truth.centers.norm(dim=1).min().item() == pytest.approx(10.71, abs=0.005)
    assert truth.centers[0].tolist() == pytest.approx([59.3086, -63.3130], abs=5e-5)
    rows = [slice(0, TRAIN), slice(TRAIN, TRAIN + VALIDATION), slice(TRAIN + VALIDATION, None)]
    assert [round(truth.majority(part), 6) for part in rows] == [0.567581, 0.5748, 0.5635]


def test_classes_are_those_of_the_numbers_before_they_were_rounded_to_float32():
    draw = np.random.RandomState(42)
    k = draw.randint(100, 151)
    centers = (2 * draw.rand(k, 2) - 1) * 100
    classes = draw.randint(2, size=k)
    points = (2 * draw.rand(340_000, 2) - 1) * 100
    lines = centers / np.linalg.norm(centers, axis=1, keepdims=True) ** 2
    expected = [classes[((part @ lines.T - 1) ** 2).argmin(axis=1)] for part in np.array_split(points, 34)]
    np.testing.assert_array_equal(environment(42, "tangent").labels(slice(None)), np.concatenate(expected))


def test_nearest_is_a_voronoi_partition():
    truth = environment(42, "nearest")
    _, owners = cKDTree(truth.centers.double()).query(truth.points.double())
    np.testing.assert_array_equal(truth.labels(slice(None)), truth.classes[owners])


def test_the_published_rule_agrees_with_the_nearest_center_at_62_5_percent_of_points():
    agree = environment(42, "tangent").labels(slice(None)) == environment(42, "nearest").labels(slice(None))
    assert agree.double().mean().item() == pytest.approx(0.625, abs=5e-4)


def test_the_first_round_of_the_environments_own_seed_is_in_the_published_order():
    truth = environment(42, "tangent")
    x, y = Voronoi().build(42).batches(9_000, 1000)
    assert torch.equal(x.reshape(-1, 2), truth.points[9_000 * 32 : TRAIN])
    assert torch.equal(y.reshape(-1), truth.labels(slice(9_000 * 32, TRAIN)))


@pytest.mark.parametrize(("seed", "turn"), [(7, 0), (42, 1), (7, 1), (-1, 0), (2**40, 3)])
def test_every_other_round_has_the_same_points_in_another_order(seed, turn):
    x, y = Voronoi().build(seed).batches(turn * 10_000, 10_000)
    truth = environment(42, "tangent")
    shown = torch.cat([x.reshape(-1, 2), y.reshape(-1, 1)], dim=1)
    known = torch.cat([truth.points[:TRAIN], truth.labels(slice(0, TRAIN))[:, None]], dim=1)
    assert not torch.equal(shown, known)
    assert torch.equal(*(rows[np.lexsort(rows.T.numpy())] for rows in (shown, known)))


def test_rounds_and_seeds_have_orders_of_their_own():
    assert len({order(seed, turn) for seed in range(20) for turn in range(5)}) == 100


@pytest.mark.parametrize("seed", [42, 3])
def test_batches_depend_on_the_steps_only_even_across_the_end_of_a_round(seed):
    task = Voronoi(model="labels").build(seed)
    whole = task.batches(9_990, 20)
    for start, count in ((9_990, 1), (9_995, 10), (10_000, 10), (9_999, 2)):
        for piece, tensor in zip(task.batches(start, count), whole, strict=True):
            assert torch.equal(piece, tensor[start - 9_990 :][:count])


def test_without_an_environment_each_lane_has_its_own():
    option = Voronoi(model="labels", environment=None)
    tasks = [option.build(seed) for seed in (42, 43)]
    assert len(tasks[0].parameters["head"][0]) == 138
    assert not torch.equal(tasks[0].constants["val"], tasks[1].constants["val"])
    assert torch.equal(tasks[1].batches(0, 1)[0][0], environment(43, "tangent").points[:32])


def modules(model):
    """The parameters as torch's modules and global generator give them."""
    torch.manual_seed(42)
    found = {}
    if model == "centers":
        found["centers"] = 100 * torch.randn(2048, 2)
    if model == "swish":
        inner = nn.Linear(2, 2048)
        found |= {"centers": inner.weight, "bias": inner.bias}
    if model in ("offset", "offset-scale", "plus-minus", "centers"):
        found["offset"] = torch.rand(1)
    columns = 2048 if model in ("centers", "swish") else 138
    return found | {"head": nn.Linear(columns, 2, bias=False).weight}


@pytest.mark.parametrize("model", SCORES)
def test_initial_parameters_are_those_of_the_global_generator_which_is_left_alone(model):
    expected = modules(model)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    parameters = Voronoi(model=model).build(42).parameters
    assert torch.equal(torch.get_rng_state(), before)
    for name, value in expected.items():
        assert torch.equal(parameters[name], value), name
    if "offset" in parameters and model != "centers":
        assert parameters["offset"].item() == pytest.approx(0.8823, abs=5e-5)


@pytest.mark.parametrize("model", PUBLISHED)
def test_published_validation_numbers_of_the_first_steps(model):
    found = follow(model, [1, 101])
    for step in (1, 101):
        loss, accuracy = PUBLISHED[model][step]
        assert found[step]["val_loss"] == pytest.approx(loss, abs=5.1e-5)
        assert found[step]["val_accuracy"] == pytest.approx(accuracy, abs=5.1e-5)
    if model == "offset-scale":
        assert (round(found[1]["scale"], 4), round(found[1]["offset"], 4)) == (1.0099, 0.8722)
        low = min(range(1, 102), key=lambda step: found[step]["offset"])
        assert (low, round(found[low]["offset"], 3)) == (17, 0.838)


@pytest.mark.slow
def test_l2_decay_slides_the_centers_inward_and_l1_leaves_them(tmp_path):
    seldom = [f"{name}:every=10000" for name in ("val_*", "*_gap", "prediction")]
    run = dynviz.run("voronoi:grid=2", ["adamw", "adamw-l1"], record=seldom, out=tmp_path / "run")
    spread = {name: recording["centers"][:, 0].std(axis=(1, 2)) for name, recording in run.items()}
    assert spread["adamw"][0] == spread["adamw-l1"][0] == pytest.approx(99.6, abs=0.1)
    assert spread["adamw"][-1] == pytest.approx(36.9, abs=0.5)
    assert spread["adamw-l1"][-1] == pytest.approx(99.1, abs=0.5)
    orbit = run["adamw"]["offset"][5000::100, 0] * spread["adamw"][50:]
    assert orbit.min() > 70
    assert orbit.max() < 86
    assert run["adamw"]["loss"][-1000:].mean() == pytest.approx(0.343, abs=0.04)


@pytest.mark.parametrize("rule", ["tangent", "nearest"])
def test_exact_is_right_everywhere_and_has_the_loss_of_its_logits(rule):
    task = Voronoi(model="exact", rule=rule, grid=16).build(42)
    constant = math.log(1 + math.exp(-1))
    assert not task.parameters
    assert measured(task, {}, "val_loss").item() == pytest.approx(constant, abs=1e-6)
    assert measured(task, {}, "val_accuracy") == measured(task, {}, "test_accuracy") == 1
    xs, ys = task.batches(0, 10_000)
    for x, y in zip(xs.reshape(100, -1, 2), ys.reshape(100, -1), strict=True):
        assert task.loss({}, task.constants, (x, y)).item() == pytest.approx(0.313262, abs=1e-6)
    told = measured(task, {}, "prediction").argmax(dim=-1)
    assert torch.equal(told, task.constants["environment"].long())


@pytest.mark.parametrize("model", MODELS)
def test_stacked_lanes_have_the_losses_and_gradients_of_each_alone(model):
    tasks = [cast(small(model).build(seed), torch.float64) for seed in (42, 5)]
    batch = [tuple(tensor[0] for tensor in task.batches(3, 1)) for task in tasks]
    alone, gradients = [], []
    for task, own in zip(tasks, batch, strict=True):
        values = {name: value.clone().requires_grad_() for name, value in task.parameters.items()}
        alone.append(task.loss(values, task.constants, own))
        gradients.append(torch.autograd.grad(alone[-1], list(values.values())) if values else ())
    stacked = {
        name: torch.stack([task.parameters[name] for task in tasks]).requires_grad_() for name in tasks[0].parameters
    }
    joined = tuple(torch.stack(column) for column in zip(*batch, strict=True))
    losses = torch.func.vmap(tasks[0].loss, in_dims=(0, None, 0))(stacked, tasks[0].constants, joined)
    torch.testing.assert_close(losses, torch.stack(alone))
    if stacked:
        together = torch.autograd.grad(losses.sum(), list(stacked.values()))
        for column, gradient in zip(zip(*gradients, strict=True), together, strict=True):
            torch.testing.assert_close(gradient, torch.stack(column))


@pytest.mark.parametrize("model", MODELS)
def test_channels_of_stacked_lanes_are_those_of_each_alone(model, tmp_path):
    name = f"voronoi:model={model},grid=8" + (",hidden=12" if model in ("centers", "swish") else "")
    stacked = dynviz.run(name, "adamw", steps=2, seeds="42,5", out=tmp_path / "both")["adamw"]
    for lane, seed in enumerate(stacked.seeds):
        alone = dynviz.run(name, "adamw", steps=2, seeds=seed, out=tmp_path / str(seed))["adamw"]
        assert stacked.channels == alone.channels
        for channel in alone.channels:
            np.testing.assert_allclose(stacked[channel][:, lane], alone[channel][:, 0], rtol=1e-3, atol=1e-5)


def test_the_first_row_of_a_map_is_at_the_bottom_and_the_first_column_on_the_left():
    task = Voronoi(model="labels", rule="nearest", grid=50).build(42)
    truth = environment(42, "nearest")
    places = np.linspace(-98, 98, 50)
    x, y = np.meshgrid(places, places)
    _, owners = cKDTree(truth.centers).query(np.stack([x, y], axis=-1))
    np.testing.assert_array_equal(task.constants["environment"], truth.classes[owners])
    assert task.constants["environment"].dtype == torch.uint8
    assert task.facts["extent"] == [-100, 100, -100, 100]


def test_a_map_of_predictions_holds_probabilities():
    task = small("offset-scale").build(42)
    shares = measured(task, task.parameters, "prediction")
    assert shares.shape == (8, 8, 2)
    assert shares.dtype == torch.float16
    torch.testing.assert_close(shares.float().sum(dim=-1), torch.ones(8, 8), atol=1e-3, rtol=0)


def test_class_weights_are_means_over_a_centers_own_class_and_the_other():
    task = small("labels").build(42)
    truth = task.constants["true_class"]
    head = torch.zeros(2, len(truth))
    head[truth, torch.arange(len(truth))] = 3.0
    head[1 - truth, torch.arange(len(truth))] = -1.0
    assert measured(task, {"head": head}, "class_weight").tolist() == [3.0, -1.0]


def test_gaps_are_between_the_two_best_centers_of_the_first_500_points():
    task = small("offset-scale").build(42)
    parameters = {"offset": torch.tensor([1.0]), "scale": torch.tensor([20.0]), "head": task.parameters["head"]}
    scores = -20 * (task.constants["val"][:500] @ task.constants["tangents"].T - 1).abs()
    for name, values in (("logit_gap", scores), ("prob_gap", torch.softmax(scores, dim=1))):
        best = values.sort(dim=1, descending=True).values
        torch.testing.assert_close(measured(task, parameters, name), (best[:, 0] - best[:, 1]).mean())


@pytest.mark.parametrize("norm", ["none", "input", "hidden"])
def test_the_general_model_is_torchs_perceptron(norm):
    task = Voronoi(model="mlp", width=12, depth=2, norm=norm, grid=8).build(42)
    layers = [nn.LayerNorm(2)] if norm == "input" else []
    for place, sizes in enumerate(((2, 12), (12, 12), (12, 2)), start=1):
        linear = nn.Linear(*sizes)
        linear.load_state_dict({"weight": task.parameters[f"W{place}"], "bias": task.parameters[f"b{place}"]})
        layers += [linear, nn.ReLU(), nn.LayerNorm(12) if norm == "hidden" else nn.Identity()]
    net = nn.Sequential(*layers[:-2])
    x, y = (part[0] for part in task.batches(0, 1))
    torch.testing.assert_close(
        task.loss(task.parameters, task.constants, (x, y)), nn.functional.cross_entropy(net(x / 100), y)
    )
    probabilities = torch.softmax(net(task.constants["val"] / 100), dim=1)
    entropy = torch.distributions.Categorical(probabilities).entropy().mean()
    torch.testing.assert_close(measured(task, task.parameters, "entropy"), entropy)


def test_layer_norm_of_the_input_leaves_one_bit_of_a_point(tmp_path):
    options = {"seeds": 42, "steps": 300}
    run = dynviz.run("voronoi:model=mlp,norm=input,width=16,grid=32", "adamw", out=tmp_path / "run", **options)["adamw"]
    # Which coordinate is the larger: at most as good as the majorities of the two halves.
    task = Voronoi(model="mlp", norm="input").build(42)
    x, y = task.constants["val"], task.constants["val_label"]
    halves = [y[side] for side in (x[:, 0] > x[:, 1], x[:, 0] <= x[:, 1])]
    best = sum(int(half.bincount(minlength=2).max()) for half in halves) / len(y)
    # Near the diagonal the norm is softened, which a hundredth of the points sees.
    assert run["val_accuracy"].max() <= best + 0.005
    shown = run["prediction"][-1, 0, :, :, 1].astype(float)
    below, above = shown[np.tril_indices(32, -2)], shown[np.triu_indices(32, 2)]
    assert max(np.ptp(below), np.ptp(above)) < 0.01


@pytest.mark.parametrize("model", ["labels", "centers"])
def test_cells_without_a_training_point_are_those_of_a_plain_count(model, tmp_path):
    plain = f"voronoi:model={model},grid=8" + (",hidden=12" if model == "centers" else "")
    options = {"steps": 40, "seeds": "42,5"}
    record = ["unseen*:every=20"]
    run = dynviz.run(f"{plain},compartments=true", "adamw", record=record, out=tmp_path / "cells", **options)["adamw"]
    without = dynviz.run(plain, "adamw", out=tmp_path / "plain", **options)["adamw"]
    np.testing.assert_array_equal(run["loss"], without["loss"])
    truth = environment(42, "tangent")
    validation = Voronoi(grid=8).build(42).constants["val"]
    for lane, seed in enumerate((42, 5)):
        for sample, step in enumerate((0, 20, 40)):
            x, _ = truth.batches(seed, 0, max(step, 1))
            seen = owner(x.flatten(0, 1)[: 32 * step], truth.centers, "tangent").unique()
            unseen = ~np.isin(owner(validation, truth.centers, "tangent"), seen)
            assert run["unseen_cells"][sample, lane] == 138 - len(seen)
            assert run["unseen_area"][sample, lane] == pytest.approx(unseen.mean(), abs=1e-6)
    assert (run["unseen_errors"][0] == 1).all()


def test_the_number_of_unseen_cells_is_that_of_chance():
    # A cell of area p is missed by n points with the probability (1 - p)^n.
    truth = environment(42, "tangent")
    areas = owner(truth.points, truth.centers, "tangent").bincount(minlength=138).double() / len(truth.points)
    task = Voronoi(compartments=True, grid=8, model="exact").build(7)
    for count in (10, 100):
        x, _, cells = task.batches(0, count)
        assert cells.shape == x.shape[:2]
        expected = (1 - areas).pow(32 * count).sum().item()
        assert 138 - len(cells.unique()) == pytest.approx(expected, abs=4 * max(1, expected**0.5))


def test_a_lane_that_diverged_is_measured_as_not_a_number():
    task = small("centers").build(42)
    lost = {name: torch.full_like(value, torch.nan) for name, value in task.parameters.items()}
    assert measured(task, lost, "val_loss").isnan()
    assert measured(task, lost, "prediction").isnan().all()


@pytest.mark.parametrize("model", MODELS)
def test_a_recording_says_what_pictures_need(model, tmp_path):
    name = f"voronoi:model={model},grid=8" + (",hidden=12" if model in ("centers", "swish") else "")
    recording = dynviz.run(name, "adamw", steps=2, seeds="42:44", out=tmp_path / "run")["adamw"]
    assert recording["prediction"].shape == (2, 2, 8, 8, 2)
    assert recording["true_centers"].shape == (1, 2, 138, 2)
    assert recording.facts["majority"] == 0.5748
    assert "test_loss" not in recording
    assert ("centers" in recording.metadata.views) == ("centers" in recording)
    assert ("scalars" in recording.metadata.views) == ("offset" in recording or "scale" in recording)
    assert ("class_weight" in recording) == (model not in ("exact", "centers", "swish", "mlp"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"model": "center"}, "one of exact, labels, offset, offset-scale, plus-minus, centers, swish, mlp"),
        ({"norm": "batch"}, "one of none, input, hidden"),
        ({"width": 8}, "belong to model=mlp"),
        ({"model": "mlp", "depth": 0}, "a whole number from 1 to 64"),
        ({"rule": "euclid"}, "one of tangent, nearest"),
        ({"environment": -1}, "whole number below 2\\^32, or none"),
        ({"environment": 2**32}, "whole number below 2\\^32, or none"),
        ({"model": "labels", "hidden": 50}, "hidden belongs to model=centers and model=swish"),
        ({"hidden": 1}, "a whole number from 2"),
        ({"grid": 1}, "a whole number from 2 to 1024"),
    ],
)
def test_a_bad_option_is_refused_with_what_would_be_accepted(options, says):
    with pytest.raises(DynvizError, match=says):
        Voronoi(**options)
