"""Matrix sensing: its instance, its stream of data, and the published run."""

import math

import numpy as np
import pytest
import torch

import dynviz
from dynviz import DynvizError
from dynviz.animation import drawing
from dynviz.plugins.schedules import Schedule
from dynviz.scenarios._sensing_data import BLOCK, least_norm_error
from dynviz.scenarios._spectra import alignment, effective_rank
from dynviz.scenarios.matrix_sensing import MatrixSensing

PUBLISHED = {5000: 0.998, 10_000: 0.606, 15_000: 0.137, 20_000: 0.035}
"""Relative error after so many samples, read from a plot."""


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def task():
    return MatrixSensing().build(0)


def measured(task, parameters, channel):
    (probe,) = (each for each in task.probes if channel in [one.name for one in each.channels])
    found = probe.measure(parameters, task.constants, ())
    names = [one.name for one in probe.channels]
    return found[names.index(channel)] if isinstance(found, tuple) else found


def test_instance_weights_and_data_come_in_the_published_order_of_draws(task):
    torch.manual_seed(0)
    target = torch.randn(256, 2) @ torch.randn(2, 256) * 100
    weights = [torch.randn(256, 256), torch.randn(256, 256)]
    for weight in weights:
        torch.nn.init.xavier_normal_(weight)
    assert torch.equal(task.constants["target"], target)
    assert torch.equal(task.parameters["W1"], weights[0])
    assert torch.equal(task.parameters["W2"], weights[1])
    a, b = task.batches(0, 2 * BLOCK + 3)
    for step in range(2 * BLOCK + 3):
        assert torch.equal(a[step], torch.randn(256))
        assert torch.equal(b[step], torch.randn(256))


def test_no_global_generator_is_touched(task):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    MatrixSensing(d=16).build(3).batches(0, 10)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("d", [16, 17])
def test_batches_depend_on_the_steps_only_in_whatever_order_they_are_asked_for(d):
    whole = MatrixSensing(d=d).build(5).batches(0, 12 * BLOCK)
    task = MatrixSensing(d=d).build(5)
    for start, count in ((11 * BLOCK, 7), (0, 1), (BLOCK - 1, 2), (3 * BLOCK - 5, 2 * BLOCK), (11 * BLOCK, 7), (4, 9)):
        for piece, tensor in zip(task.batches(start, count), whole, strict=True):
            assert torch.equal(piece, tensor[start : start + count])


def test_seeds_have_instances_of_their_own():
    one, other = (MatrixSensing(d=16).build(seed) for seed in (0, 1))
    assert not torch.equal(one.constants["target"], other.constants["target"])
    assert not torch.equal(one.batches(0, 1)[0], other.batches(0, 1)[0])


def test_the_loss_is_half_the_squared_error_of_one_product(task):
    a, b = (tensor[0].double() for tensor in task.batches(7, 1))
    W1, W2, T = (each.double() for each in (*task.parameters.values(), task.constants["target"]))
    loss = task.loss({"W1": W1, "W2": W2}, {"target": T}, (a, b))
    torch.testing.assert_close(loss, 0.5 * torch.einsum("i,ij,j", a, T - W1 @ W2, b) ** 2)


def test_the_run_sees_half_as_many_samples_as_the_matrix_has_entries(task):
    assert task.steps == 32_768


def test_error_and_spectrum_are_those_of_the_product(task):
    target, eye = task.constants["target"], torch.eye(256)
    assert measured(task, {"W1": target, "W2": eye}, "relative_error") == 0
    torch.testing.assert_close(measured(task, {"W1": target, "W2": 2 * eye}, "relative_error"), torch.tensor(1.0))
    expected = np.linalg.svd(target.double().numpy(), compute_uv=False)
    found = measured(task, {"W1": target, "W2": eye}, "singular_values")
    np.testing.assert_allclose(found[:2], expected[:2], rtol=1e-4)
    assert found.shape == (10,)
    assert found[2:].max() < 1e-3 * expected[0]
    np.testing.assert_allclose(measured(task, {}, "true_singular_values"), expected[:2], rtol=1e-4)


def test_a_diverged_lane_harms_no_other():
    tasks = [MatrixSensing(d=16).build(seed) for seed in (0, 1)]
    stacked = {name: torch.stack([each.parameters[name] for each in tasks]) for name in ("W1", "W2")}
    stacked["W1"][0, 3, 3] = torch.inf
    probe = next(each for each in tasks[0].probes if each.channels[0].name == "singular_values")
    found = torch.func.vmap(probe.measure, in_dims=(0, None, None))(stacked, tasks[0].constants, ())[0]
    assert found[0].isnan().all()
    torch.testing.assert_close(found[1], measured(tasks[1], tasks[1].parameters, "singular_values"))


def test_stacked_lanes_have_the_losses_of_each_alone():
    tasks = [MatrixSensing(d=16).build(seed) for seed in (0, 1)]
    batches = [tuple(tensor[0] for tensor in each.batches(3, 1)) for each in tasks]
    alone = [each.loss(each.parameters, each.constants, own) for each, own in zip(tasks, batches, strict=True)]
    stacked = {name: torch.stack([each.parameters[name] for each in tasks]) for name in ("W1", "W2")}
    target = {"target": torch.stack([each.constants["target"] for each in tasks])}
    joined = tuple(torch.stack(column) for column in zip(*batches, strict=True))
    torch.testing.assert_close(torch.func.vmap(tasks[0].loss)(stacked, target, joined), torch.stack(alone))


def test_the_error_of_least_norm_is_that_of_a_direct_solution_and_of_theory():
    task = MatrixSensing(d=32).build(0)
    a, b = task.batches(0, task.steps)
    products = torch.einsum("ni,nj->nij", a, b).reshape(task.steps, -1).double()
    truth = task.constants["target"].reshape(-1).double()
    found = products.T @ torch.linalg.solve(products @ products.T, products @ truth)
    error = ((found - truth).norm() / truth.norm()).item()
    assert least_norm_error(task.constants["target"], a, b) == pytest.approx(error, abs=0.002)
    assert measured(task, {}, "least_norm_error").item() == pytest.approx(error, abs=0.002)
    assert error == pytest.approx(0.5**0.5, abs=0.04)
    assert measured(MatrixSensing(d=32, least_norm="theory").build(0), {}, "least_norm_error") == 0.5**0.5


def test_effective_rank_counts_equal_values_and_alignment_compares_spaces():
    assert effective_rank(torch.tensor([2.0, 2.0, 2.0, 0.0])).item() == pytest.approx(3)
    eye = torch.eye(4)
    assert alignment(eye[:, :2], eye[:, [1, 0]]) == 1
    assert alignment(eye[:, :2], eye[:, 1:3]) == 0.5
    assert alignment(eye[:, :2], eye[:, 2:]) == 0


def test_a_learned_matrix_has_the_shares_the_subspaces_and_the_rank_of_the_truth(task):
    target, eye = task.constants["target"], torch.eye(256)
    learned = {"W1": target, "W2": eye}
    torch.testing.assert_close(measured(task, learned, "core"), torch.eye(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(measured(task, learned, "alignment"), torch.ones(2), atol=1e-4, rtol=0)
    assert 1 < measured(task, learned, "effective_rank") < 2.01
    assert measured(task, {"W1": target, "W2": 2 * eye}, "relative_squared_error").item() == pytest.approx(1)


def documented(model, d, depth):
    """The nets as the document writes them."""
    nn = torch.nn
    if model == "cnn":
        layers = [x for _ in range(depth) for x in (nn.Linear(d, d, bias=False), nn.BatchNorm1d(d), nn.ReLU())]
    else:
        layers = [x for _ in range(depth) for x in (nn.Linear(d, d, bias=False), nn.ReLU(), nn.LayerNorm(d))]
    return nn.Sequential(*layers[:-2])


@pytest.mark.parametrize(("model", "optimizer"), [("cnn", "sgd"), ("transformer", "adam")])
def test_nets_take_the_steps_of_the_documents_modules(model, optimizer, tmp_path):
    d, depth, batch, steps = 24, 4, 8, 12
    scenario = f"matrix-sensing:model={model},d={d},depth={depth},batch={batch}"
    rate = {"sgd": "lr=1e-3,momentum=.9", "adam": "lr=6e-4"}[optimizer]
    record = ["relative_squared_error:every=1"]
    run = dynviz.run(scenario, f"{optimizer}:{rate}", seeds="0:2", steps=steps, record=record, out=tmp_path / "run")
    task = MatrixSensing(model=model, d=d, depth=depth, batch=batch).build(1)
    net = documented(model, d, depth)
    matrices = [layer.weight for layer in net if isinstance(layer, torch.nn.Linear)]
    with torch.no_grad():
        for name, weight in zip(("W1", "W2", "W3", "W4"), matrices, strict=True):
            weight.copy_(task.parameters[name])
    classes = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    given = {"lr": 1e-3, "momentum": 0.9} if optimizer == "sgd" else {"lr": 6e-4}
    stepper = classes[optimizer](net.parameters(), **given)
    everything = task.batches(0, steps)
    for step in range(steps):
        a, b = (part[step] for part in everything)
        y = torch.einsum("bi,bi->b", a @ task.constants["target"], b)
        loss = torch.sum((y - torch.einsum("bi,bi->b", net(a), b)) ** 2)
        squared = (loss / torch.sum(y**2)).item()
        assert run[optimizer]["loss"][step, 1] == pytest.approx(loss.item(), rel=1e-3)
        assert run[optimizer]["relative_squared_error"][step, 1] == pytest.approx(squared, rel=1e-3)
        stepper.zero_grad()
        loss.backward()
        stepper.step()


@pytest.mark.parametrize(("model", "rank"), [("cnn", 5), ("transformer", 5), ("deep", 2), ("linear", 2)])
def test_a_model_has_the_sizes_it_was_published_with(model, rank):
    setting = MatrixSensing(model=model).setting
    assert (setting.d, setting.rank) == (256 if rank == 2 else 1024, rank)
    assert MatrixSensing(model=model, d=32, rank=3).setting.depth == setting.depth


def test_a_net_that_is_linear_is_measured_as_its_matrix():
    task = MatrixSensing(model="transformer", d=16, depth=2, batch=4).build(0)
    right = task.constants["inverse"] @ (task.constants["asked"] @ task.constants["target"])
    torch.testing.assert_close(right, task.constants["target"], atol=1e-4, rtol=1e-4)


def test_a_batch_sums_the_losses_of_its_samples():
    task = MatrixSensing(d=16, batch=3).build(0)
    assert task.steps == 128 // 3
    a, b = (part[0] for part in task.batches(0, 1))
    alone = [task.loss(task.parameters, task.constants, (a[row], b[row])) for row in range(3)]
    torch.testing.assert_close(task.loss(task.parameters, task.constants, (a, b)), torch.stack(alone).sum())


def test_the_scale_of_the_initial_weights_multiplies_them():
    one, other = (MatrixSensing(d=16, depth=3, model="deep", init=scale).build(0) for scale in (1.0, 0.5))
    assert list(one.parameters) == ["W1", "W2", "W3"]
    for name, weight in one.parameters.items():
        assert torch.equal(other.parameters[name], weight * 0.5)


def test_warm_up_is_that_of_the_document():
    task = MatrixSensing(model="cnn", warmup=True).build(0)
    rate = Schedule(task.hyperparameters["growing"]["lr"])
    for step in (0, 10, 500, 900, 1000, 2000):
        assert rate.at(step + 1) == pytest.approx(1e-7 * min(1, 0.1 + 256 * step / (1024**2 / 4)), rel=1e-3)


def test_the_convex_run_keeps_the_bound_of_its_mean_excess_loss(tmp_path):
    recording = dynviz.run("matrix-sensing:d=12,depth=1", "sgd", seeds="0:8", out=tmp_path / "run")["sgd"]
    assert recording.total == 16 * 72
    excess, (distance, gradient) = recording["excess_loss"].mean(axis=1), recording["bound"][0].mean(axis=0)
    rate = recording.metadata.hyperparameters["lr"].value
    steps = recording.steps("excess_loss")[1:]
    np.testing.assert_allclose(recording["excess_loss"][0], 0.5 * recording["bound"][0, :, 0] ** 2, rtol=1e-4)
    assert rate == pytest.approx(distance / gradient / recording.total**0.5, rel=1e-4)
    bound = distance**2 / (2 * steps * rate) + rate * gradient**2 / 2
    assert (excess[1:] < bound).all()
    assert bound[-1] == pytest.approx(distance * gradient / recording.total**0.5, rel=1e-4)
    assert bound[-1] < excess[0]
    shown = drawing.open_film([recording], "spectrum").scene(recording.total).panels[-1]
    assert shown.title == "excess loss"
    assert any(getattr(mark, "label", "") == "bound" for mark in shown.marks)


LAYERS = {
    "linear": lambda linear, norm: [linear, norm],
    "cnn": lambda linear, norm: [linear, norm, torch.nn.ReLU()],
    "transformer": lambda linear, norm: [linear, torch.nn.ReLU(), norm],
}
NORMS = {"none": torch.nn.Identity, "batch": torch.nn.BatchNorm1d, "layer": torch.nn.LayerNorm}


@pytest.mark.parametrize("norm", list(NORMS))
@pytest.mark.parametrize("model", list(LAYERS))
def test_every_model_normalises_as_torchs_modules_do(model, norm):
    task = MatrixSensing(model=model, norm=norm, d=12, depth=3, batch=4).build(0)
    assert ("scale1" in task.parameters) == (norm != "none")
    layers = []
    for name in ("W1", "W2", "W3"):
        linear, matrix = torch.nn.Linear(12, 12, bias=False), task.parameters[name]
        linear.weight = torch.nn.Parameter(matrix.T if model == "linear" else matrix)
        layers += LAYERS[model](linear, NORMS[norm](12))
    net = torch.nn.Sequential(*layers[: -len(layers) // 3 + 1])
    a, b = (part[0] for part in task.batches(0, 1))
    losses = ((a @ task.constants["target"] * b).sum(dim=1) - (net(a) * b).sum(dim=1)).square()
    expected = losses.sum() * (0.5 if model == "linear" else 1.0)
    torch.testing.assert_close(task.loss(task.parameters, task.constants, (a, b)), expected)


def test_a_sign_is_learned_by_the_cross_entropy_with_smoothed_labels():
    task = MatrixSensing(d=12, batch=5, task="classification", smoothing=0.3, gamma=2.0).build(0)
    a, b = (part[0] for part in task.batches(0, 1))
    product = task.parameters["W1"] @ task.parameters["W2"]
    logits = (a @ product * b).sum(dim=1) / (2.0 * 12 * 2**0.5)
    classes = ((a @ task.constants["target"] * b).sum(dim=1) > 0).long()
    both = torch.stack([torch.zeros(5), logits], dim=1)
    expected = torch.nn.functional.cross_entropy(both, classes, label_smoothing=0.3, reduction="sum")
    torch.testing.assert_close(task.loss(task.parameters, task.constants, (a, b)), expected)
    alone = [task.loss(task.parameters, task.constants, (a[row], b[row])) for row in range(5)]
    torch.testing.assert_close(torch.stack(alone).sum(), expected)


def test_the_accuracy_of_signs_is_that_of_many_new_samples():
    task = MatrixSensing(d=24, task="classification").build(0)
    noise = 100 * torch.randn(24, 24, generator=torch.Generator().manual_seed(1))
    learned = {"W1": 0.02 * (task.constants["target"] + noise), "W2": torch.eye(24)}
    a, b = torch.randn(2, 200_000, 24, generator=torch.Generator().manual_seed(2))
    answers, right = ((a @ matrix * b).sum(dim=1) for matrix in (learned["W1"], task.constants["target"]))
    counted = (answers.sign() == right.sign()).float().mean().item()
    assert measured(task, learned, "accuracy").item() == pytest.approx(counted, abs=0.02)
    scaled = {"W1": 7 * learned["W1"], "W2": torch.eye(24)}
    errors = [measured(task, matrices, "relative_error").item() for matrices in (learned, scaled)]
    assert errors[0] == pytest.approx(errors[1], rel=1e-4)


def test_the_least_norm_error_of_signs_is_that_of_a_direct_solution_and_of_theory():
    task = MatrixSensing(d=32, task="classification").build(0)
    a, b = task.batches(0, task.steps)
    products = torch.einsum("ni,nj->nij", a, b).reshape(task.steps, -1).double()
    truth = task.constants["target"].reshape(-1).double()
    found = products.T @ torch.linalg.solve(products @ products.T, (products @ truth).sign())
    cosine = (found @ truth / found.norm() / truth.norm()).item()
    error = measured(task, {}, "least_norm_error").item()
    assert error == pytest.approx((1 - cosine**2) ** 0.5, abs=0.005)
    theory = MatrixSensing(d=32, task="classification", least_norm="theory").build(0)
    assert measured(theory, {}, "least_norm_error").item() == pytest.approx(error, abs=0.03)


@pytest.mark.parametrize(
    ("options", "optimizer", "left"),
    [
        ("norm=layer", "sgd", 0.8),
        ("norm=layer", "adam", 0.55),
        ("task=classification", "sgd", 0.75),
        ("task=classification,smoothing=0.2", "adam", 0.65),
    ],
)
def test_normalised_products_and_signs_learn_by_the_rates_of_the_protocol(options, optimizer, left, tmp_path):
    run = dynviz.run(f"matrix-sensing:d=48,{options}", optimizer, seeds="0:2", out=tmp_path / "run")[optimizer]
    assert run["relative_error"][-1].max() < left
    assert run["relative_error"].max() < 1.2


@pytest.mark.slow
def test_a_plain_loop_recovers_the_matrix_as_published(task):
    values = {name: value.clone().requires_grad_() for name, value in task.parameters.items()}
    sgd = torch.optim.SGD(values.values(), **task.hyperparameters["growing"])
    a, b = task.batches(0, task.steps)
    for step in range(task.steps):
        if step in PUBLISHED:
            with torch.no_grad():
                error = measured(task, values, "relative_error").item()
            assert error == pytest.approx(PUBLISHED[step], abs=0.03), step
        sgd.zero_grad()
        task.loss(values, task.constants, (a[step], b[step])).backward()
        sgd.step()
    with torch.no_grad():
        assert measured(task, values, "relative_error").item() == pytest.approx(0.004, abs=0.001)


@pytest.mark.slow
def test_a_recorded_run_recovers_the_matrix_as_published(tmp_path):
    recording = dynviz.run("matrix-sensing", "sgd", seeds=0, out=tmp_path / "run")["sgd"]
    error = dict(zip(recording.steps("relative_error").tolist(), recording["relative_error"][:, 0], strict=True))
    assert {step: error[step] for step in PUBLISHED} == pytest.approx(PUBLISHED, abs=0.03)
    assert error[32_768] == pytest.approx(0.004, abs=0.001)


@pytest.mark.parametrize(("optimizer", "left"), [("sgd", 0.4), ("adam", 0.3)])
def test_a_smaller_matrix_is_mostly_recovered_by_the_rates_of_the_protocol(optimizer, left, tmp_path):
    recording = dynviz.run("matrix-sensing:d=64", optimizer, seeds="0:2", out=tmp_path / "run")[optimizer]
    error = recording["relative_error"]
    np.testing.assert_allclose(error[0], 1, atol=0.01)
    assert error[-1].max() < left
    assert recording["singular_values"].shape == (12, 2, 10)
    for found, true in zip(recording["singular_values"][-1], recording["true_singular_values"][0], strict=True):
        assert found[0] == pytest.approx(true[0], rel=0.3)


@pytest.mark.parametrize(
    ("optimizer", "left"), [("lion", 0.5), ("signsgd", 0.75), ("muon", 0.7), ("radam", 0.35), ("nag-gs", 0.45)]
)
def test_rules_of_other_kinds_learn_a_good_part_of_it_by_the_rates_of_the_protocol(optimizer, left, tmp_path):
    recording = dynviz.run("matrix-sensing:d=64", optimizer, seeds=0, out=tmp_path / "run")[optimizer]
    assert recording["relative_error"][-1].max() < left


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ("d=16", 1.0), ("d=32,gamma=1", 0.8), ("d=32,rank=8", 1.0), ("d=48,warmup=true", 0.9), ("d=64,batch=8", 0.5),
        ("d=32,model=deep", 0.9), ("d=48,model=deep,depth=4", 0.9), ("d=32,init=.1", 1.0), ("d=24,depth=1", 0.4),
    ],
)  # fmt: skip
def test_sgd_with_the_rate_of_the_protocol_diverges_nowhere(options, left, tmp_path):
    recording = dynviz.run(f"matrix-sensing:{options}", "sgd", seeds="0:4", out=tmp_path / "run")["sgd"]
    error = recording["relative_error"]
    assert error.max() < 1.1
    assert error[-1].mean() < left


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "optimizer", "left"),
    [
        ("cnn", "sgd", 0.8),
        ("cnn", "adam", 0.85),
        ("cnn", "radam", 0.98),
        ("transformer", "adam", 0.95),
        ("transformer", "radam", 1.1),
    ],
)
def test_a_reduced_net_learns_a_part_of_it_by_the_rates_of_the_protocol(model, optimizer, left, tmp_path):
    scenario = f"matrix-sensing:model={model},d=128,batch=32,depth=6,rank=2"
    recording = dynviz.run(scenario, optimizer, seeds="0:2", out=tmp_path / "run")[optimizer]
    assert recording["relative_error"][-1].mean() < left


def test_at_the_published_size_only_the_published_rate_and_a_warm_up_to_what_is_stable():
    assert MatrixSensing(least_norm="theory").build(0).hyperparameters["growing"]["lr"] == 2e-8
    warm = MatrixSensing(least_norm="theory", warmup=True).build(0).hyperparameters["growing"]["lr"]
    assert Schedule(warm).at(32_768) == pytest.approx(4.1e-8, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("options", ["warmup=true", "model=deep"])
def test_options_of_the_published_size_learn_by_the_rate_of_the_protocol(options, tmp_path):
    recording = dynviz.run(f"matrix-sensing:{options}", "sgd", seeds=0, out=tmp_path / "run")["sgd"]
    assert recording["relative_error"][-1, 0] < 0.1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"model": "mlp"}, "choose one of linear, deep, cnn, transformer"),
        ({"least_norm": "guess"}, "choose one of auto, computed, theory"),
        ({"model": "cnn", "depth": 1}, "from 2 for networks"),
        ({"model": "cnn", "batch": 1}, "from 2 up to 524288"),
        ({"d": 4, "batch": 9}, "up to 8"),
        ({"norm": "group"}, "choose one of published, none, batch, layer"),
        ({"norm": "batch"}, "from 2 up to 32768"),
        ({"norm": "layer", "depth": 1}, "from 2 for networks and with normalisation"),
        ({"smoothing": 0.1}, "with task=classification"),
        ({"task": "classification", "smoothing": 1.0}, "from 0 to below 1"),
        ({"init": 0.0}, "a number above 0"),
        ({"d": 1}, "a whole number from 2 to 4096"),
        ({"rank": 0}, "a whole number from 1 to 256"),
        ({"d": 8, "rank": 9}, "a whole number from 1 to 8"),
        ({"gamma": 0.0}, "a number above 0"),
        ({"gamma": math.nan}, "a number above 0"),
    ],
)
def test_a_bad_option_is_refused_with_what_would_be_accepted(options, says):
    with pytest.raises(DynvizError, match=says):
        MatrixSensing(**options)
