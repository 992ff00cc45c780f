"""Matrix recovery: its matrices and data, its measurements, and the published numbers."""

import math

import numpy as np
import pytest
import torch

import dynviz
from dynviz import DynvizError
from dynviz.scenarios._recovery import RATES, Shape, Vectors, control, large_truth, matrix, scale, truth
from dynviz.scenarios._spectra import of_product, singular_values, subspaces
from dynviz.scenarios.matrix_recovery import MatrixRecovery

PUBLISHED = {"adagrad": 136.5, "adamw": 135.6, "adamax": 84.3, "sgd": 44.0}
"""The documents' ratio in dB: square matrices of 64, equal singular values, 500 steps."""
QUIET = ["*singular_values:every=500", "alignment:every=500", "core:every=500", "matrix:every=500"]


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def ratio(recording, start=None):
    """Of all lanes: the mean test loss before training, or what is given, over the mean of the last four, in dB."""
    losses = recording["test_loss"]
    return 10 * math.log10((losses[0].mean() if start is None else start) / losses[-4:].mean())


@pytest.mark.parametrize("shape", [
    Shape(12, 12, 12, False), Shape(12, 12, 12, True), Shape(8, 20, 8, False), Shape(20, 8, 8, True),
    Shape(20, 20, 4, True), Shape(20, 20, 15, False),
])  # fmt: skip
def test_a_matrix_has_the_rank_and_the_spectrum_it_was_asked_for(shape):
    phi = matrix(shape, torch.Generator().manual_seed(3))
    values = torch.linalg.svdvals(phi)
    assert phi.shape == (shape.M, shape.N)
    assert (values > 1e-9).sum() == shape.rank
    if shape.M == shape.N:
        expected = 1 + 4 * np.arange(shape.rank)[::-1] / shape.rank if shape.scaled else np.ones(shape.rank)
        np.testing.assert_allclose(values[: shape.rank], expected, atol=1e-9)


def test_of_a_low_rank_both_factors_are_columns_of_one_orthogonal_matrix():
    phi = matrix(Shape(20, 20, 4, False), torch.Generator().manual_seed(0))
    # The two spaces are orthogonal, as those of the first and the last columns are.
    torch.testing.assert_close(phi @ phi, torch.zeros(20, 20, dtype=torch.float64), atol=1e-12, rtol=0)
    other = matrix(Shape(20, 20, 10, False), torch.Generator().manual_seed(0))
    assert (other @ other).abs().max() > 0.05


def test_answers_are_of_length_1_in_the_mean_but_where_the_matrix_is_square_and_of_full_rank():
    assert scale(Shape(12, 12, 12, True)) == 1
    for shape in (Shape(8, 64, 8, False), Shape(64, 64, 16, True)):
        task = MatrixRecovery(M=shape.M, N=shape.N, rank=shape.rank, scaled=shape.scaled).build(5)
        x, _ = task.batches(0, 40)
        lengths = (x @ task.constants["target"]).norm(dim=-1).mean()
        assert lengths == pytest.approx(1, abs=0.15)


def test_vectors_are_of_length_1_and_depend_on_the_seed_and_the_step_only():
    whole = Vectors(4, 6).batches(0, 600)
    again = Vectors(4, 6)
    for start, count in ((500, 20), (0, 1), (255, 3), (500, 20)):
        for piece, tensor in zip(again.batches(start, count), whole, strict=True):
            assert torch.equal(piece, tensor[start : start + count])
    assert whole[0].shape == (600, 32, 6)
    torch.testing.assert_close(whole[0].norm(dim=-1), torch.ones(600, 32))
    assert not torch.equal(whole[0], whole[1])
    plain = np.random.default_rng([4, 0]).random((256, 2, 32, 6), dtype=np.float32) - np.float32(0.5)
    plain /= np.linalg.norm(plain, axis=-1, keepdims=True)
    np.testing.assert_allclose(whole[0][:256], plain[:, 0], rtol=1e-5, atol=1e-7)
    assert not torch.equal(Vectors(5, 6).batches(0, 1)[0], whole[0][:1])


def test_the_loss_is_a_sum_and_the_test_loss_a_mean_of_vectors():
    task = MatrixRecovery(M=6, N=9).build(0)
    x, fresh = (part[0] for part in task.batches(0, 1))
    constants = {**task.constants, **task.buffers}
    loss, _ = task.loss(task.parameters, constants, (x, fresh))
    layer = torch.nn.Linear(6, 9)
    with torch.no_grad():
        layer.weight.copy_(task.parameters["weight"])
        layer.bias.copy_(task.parameters["bias"])
        errors = [layer(part) - part @ task.constants["target"] for part in (x, fresh)]
    torch.testing.assert_close(loss, errors[0].square().sum())
    test, _ = task.probes[0].measure(task.parameters, constants, (x, fresh))
    torch.testing.assert_close(test, errors[1].square().sum() / 32)


def test_the_ratio_is_that_of_the_first_and_the_last_four_test_losses(tmp_path):
    run = dynviz.run(
        "matrix-recovery:M=8", ["adagrad", "torch.optim.Adagrad"], seeds="0:3", steps=30, out=tmp_path / "r"
    )
    recording = run["adagrad"]
    losses, found = recording["test_loss"], recording["snr"]
    np.testing.assert_allclose(found[0], 0, atol=1e-5)
    for step in (1, 2, 3, 4, 5, 17, 30):
        final = losses[max(1, step - 3) : step + 1].mean(axis=0)
        np.testing.assert_allclose(found[step], 10 * np.log10(losses[0] / final), atol=1e-3)


def test_the_update_is_the_change_of_the_weight_and_the_gradient_that_of_the_batch(tmp_path):
    record = ["*singular_values:every=1", "parameters:every=1", "gradient:every=1", "matrix:every=1"]
    recording = dynviz.run("matrix-recovery:M=6,N=5", "adamw", seeds="0:2", steps=8, record=record, out=tmp_path / "r")[
        "adamw"
    ]
    weight = recording.part("parameters", "weight").astype(np.float64)
    gradient = recording.part("gradient", "weight").astype(np.float64)
    np.testing.assert_allclose(recording["matrix"], weight.swapaxes(2, 3), atol=1e-7)
    spectra = [np.linalg.svd(each, compute_uv=False) for each in (weight, gradient, np.diff(weight, axis=0))]
    np.testing.assert_allclose(recording["singular_values"], spectra[0], atol=1e-5)
    np.testing.assert_allclose(recording["gradient_singular_values"], spectra[1], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(recording["update_singular_values"][1:], spectra[2], atol=1e-5)
    assert (recording["update_singular_values"][0] == 0).all()


@pytest.mark.parametrize(("stop", "optimizer"), [(1, "adamw"), (5, "adagrad"), (13, "sgd")])
def test_a_run_that_is_gone_on_with_has_the_ratios_and_spectra_of_one_that_was_never_stopped(stop, optimizer, tmp_path):
    # The ratio needs the first test loss and the last ones, the update the weight before it: buffers hold them.
    scenario, record = "matrix-recovery:M=8,N=6", ["*singular_values:every=3"]
    given = {"seeds": "0:2", "record": record}
    whole = dynviz.run(scenario, optimizer, steps=24, out=tmp_path / "whole", **given)[optimizer]
    dynviz.run(scenario, optimizer, steps=stop, out=tmp_path / "short", **given)
    longer = dynviz.resume(tmp_path / "short", steps=24)[optimizer]
    files = sorted(file.relative_to(whole.folder) for file in (whole.folder / "channels").iterdir())
    assert {"snr.npy", "update_singular_values.npy"} <= {file.name for file in files}
    for file in files:
        assert (longer.folder / file).read_bytes() == (whole.folder / file).read_bytes(), file


def test_what_is_not_finite_is_measured_as_such_and_breaks_nothing():
    broken = torch.full((3, 3), torch.nan)
    assert singular_values(broken).isnan().all()
    assert of_product(broken, torch.ones(3, 4)).isnan().all()
    left, right = torch.randn(4, 7), torch.randn(4, 6)
    torch.testing.assert_close(of_product(left, right)[:4], torch.linalg.svdvals(left.T @ right)[:4])


def test_a_layer_that_has_learned_the_matrix_has_all_shares_and_no_error():
    task = MatrixRecovery(M=10, N=10, rank=3, bias=False).build(1)
    assert list(task.parameters) == ["weight"]
    constants = {**task.constants, **task.buffers}
    learned = {"weight": task.constants["target"].T.clone()}
    batch = tuple(part[0] for part in task.batches(0, 1))
    channels = {
        channel.name: value
        for probe in task.probes
        for channel, value in zip(probe.channels, _tuple(probe.measure(learned, constants, batch)), strict=True)
    }
    assert channels["relative_error"] == 0
    assert channels["test_loss"] < 1e-12
    torch.testing.assert_close(channels["core"], torch.eye(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(channels["alignment"], torch.ones(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(channels["singular_values"][:3], channels["true_singular_values"], atol=1e-5, rtol=0)
    assert torch.equal(channels["matrix"], channels["true_matrix"])


def _tuple(value):
    return value if isinstance(value, tuple) else (value,)


def test_sgd_recovers_eight_matrices_of_64_as_recomputed(tmp_path):
    recording = dynviz.run("matrix-recovery", "sgd", seeds="0:8", record=QUIET, out=tmp_path / "run")["sgd"]
    # Recomputed from the test loss after the first step; before it the loss is a little higher.
    assert ratio(recording, recording["test_loss"][1].mean()) == pytest.approx(43.2, abs=0.5)
    assert np.median(recording["snr"][-1]) == pytest.approx(ratio(recording), abs=1)
    assert recording["svd_snr"][0].min() > 115


@pytest.mark.parametrize("M", [16, 64, 256])
def test_the_least_squares_solution_is_above_115_db(M):
    nothing, error, other = control(Shape(M, M, M, False), 0)
    assert nothing == pytest.approx(1, abs=0.05)
    assert 10 * math.log10(nothing / error) > 115
    # The document found no difference to numpy's lstsq.
    assert 10 * math.log10(error / other) == pytest.approx(0, abs=1)


@pytest.mark.slow
def test_the_published_ratios_of_size_64(tmp_path):
    run = dynviz.run("matrix-recovery:snr=published", list(PUBLISHED), seeds="0:8", record=QUIET, out=tmp_path / "run")
    start = run["sgd"]["snr_start"][0].mean()
    for name in ("adamw", "sgd"):
        assert ratio(run[name], start) == pytest.approx(PUBLISHED[name], abs=1), name
    # AdaGrad comes down to the rounding of float32, which differs from machine to machine.
    assert ratio(run["adagrad"], start) == pytest.approx(PUBLISHED["adagrad"], abs=3)
    assert run["sgd"]["svd_snr"][0].mean() == pytest.approx(129.8, abs=0.5)


def test_the_published_ratio_of_adamax_lies_within_the_spread_between_groups_of_eight_seeds(tmp_path):
    ends = []
    for first in range(0, 48, 8):
        given = {"seeds": f"{first}:{first + 8}", "record": QUIET, "out": tmp_path / str(first)}
        recording = dynviz.run("matrix-recovery:snr=published", "adamax", **given)["adamax"]
        ends.append(ratio(recording, recording["snr_start"][0].mean()))
    spread = np.std(ends, ddof=1)
    assert 1 < spread < 4
    assert PUBLISHED["adamax"] == pytest.approx(np.mean(ends), abs=2 * spread)


def test_weight_decay_costs_what_the_ridge_solution_does(tmp_path):
    rules = ["sgd:weight_decay=0.1", "adagrad:weight_decay=0.1", "sgd:weight_decay=0.001"]
    run = dynviz.run("matrix-recovery:M=16", rules, seeds="0:4", record=QUIET, out=tmp_path / "run")
    # In the mean 64 / M (W - Phi) + decay W = 0; before training weight and bias add a third of the answers each.
    start = 10 * math.log10(1 + 2 / 3)
    for name, decay in zip(run, (0.1, 0.1, 0.001), strict=True):
        expected = start + 20 * math.log10(1 + 64 / (16 * decay))
        assert np.median(run[name]["snr"][-1]) == pytest.approx(expected, abs=0.6)


def test_fat_matrices_are_cut_out_of_one_of_full_rank():
    task = MatrixRecovery(M=8, N=40).build(0)
    values = task.constants["true_values"]
    assert values.shape == (8,)
    torch.testing.assert_close(values, values[:1].expand(8))
    assert task.facts["rank"] == 8
    assert MatrixRecovery(M=40, N=8).shape.rank == 8


@pytest.mark.parametrize(
    ("family", "plain"),
    [
        ("square", {"M": 6}),
        ("fat", {"M": 6, "N": 20}),
        ("skinny", {"M": 20, "N": 6}),
        ("low-rank", {"M": 20, "rank": 6}),
    ],
)
def test_a_family_is_a_name_for_two_sizes_and_a_rank(family, plain):
    long = 1024 if family == "square" else 20
    one, other = MatrixRecovery(family=family, V=6, long=long), MatrixRecovery(**plain)
    assert one.shape == other.shape
    tasks = [each.build(3) for each in (one, other)]
    for names in ("parameters", "constants"):
        for name, value in getattr(tasks[0], names).items():
            assert torch.equal(value, getattr(tasks[1], names)[name]) or value.isnan().any(), name


@pytest.mark.parametrize("shape", [
    Shape(40, 40, 40, True), Shape(40, 40, 5, True), Shape(12, 40, 40, False), Shape(12, 40, 40, True),
    Shape(40, 12, 12, True), Shape(40, 40, 30, False),
])  # fmt: skip
def test_large_matrices_have_the_factors_that_a_decomposition_finds(shape):
    large, known = large_truth(shape, 2), truth(shape, 2)
    factor = large.target.norm() / known.target.norm()
    assert factor.item() == pytest.approx(1, abs=0 if shape.square else 0.05)
    torch.testing.assert_close(large.target, factor * known.target, atol=1e-5, rtol=0)
    torch.testing.assert_close(large.values, factor * known.values, atol=1e-5, rtol=0)
    torch.testing.assert_close((large.left * large.values) @ large.right.T, large.target, atol=1e-5, rtol=0)
    for basis in (large.left, large.right):
        torch.testing.assert_close(basis.T @ basis, torch.eye(basis.shape[1]), atol=1e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize(("steps", "adagrad", "adamw"), [(500, 46.1, 8.2), (2000, 133.7, 10.3)])
def test_adagrad_is_far_ahead_of_adamw_at_size_1024(steps, adagrad, adamw, tmp_path):
    record = [f"{request.partition(':')[0]}:every={steps}" for request in (*QUIET, "relative_error")]
    scenario = "matrix-recovery:M=1024,snr=published"
    run = dynviz.run(scenario, ["adagrad", "adamw"], seeds=0, steps=steps, record=record, out=tmp_path / "run")
    start = run["adagrad"]["snr_start"][0].mean()
    assert ratio(run["adagrad"], start) == pytest.approx(adagrad, abs=2)
    assert ratio(run["adamw"], start) == pytest.approx(adamw, abs=2)
    assert run["adagrad"]["svd_snr"][0].mean() == pytest.approx(118.6, abs=2)


def test_the_protocol_names_the_twelve_rules_and_their_published_rates():
    given = MatrixRecovery(M=4).build(0).hyperparameters
    assert set(RATES) <= set(given)
    assert given["adagrad"] == {"lr": 0.1, "lr_decay": 0.001}
    assert given["adamw"] == {"lr": 0.01, "weight_decay": 0.0}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"M": 1}, "a whole number from 2 to 12288"),
        ({"N": 13_000}, "N=13000"),
        ({"M": 8, "rank": 9}, "cannot have rank 9; write 1 to 8"),
        ({"snr": "loud"}, "plain or published"),
        ({"V": 8}, "belong to a family"),
        ({"family": "round"}, "choose one of square, fat, skinny, low-rank"),
        ({"family": "fat", "M": 8}, "write V and long instead"),
        ({"family": "fat", "V": 64, "long": 64}, "write 2 to 63"),
    ],
)
def test_a_bad_option_is_refused_with_what_would_be_accepted(options, says):
    with pytest.raises(DynvizError, match=says):
        MatrixRecovery(**options)


def test_where_a_decomposition_does_not_converge_it_is_made_in_double_precision(monkeypatch):
    matrix = torch.randn(7, 5, generator=torch.Generator().manual_seed(3))
    u, s, vh = np.linalg.svd(matrix.numpy(), full_matrices=False)
    for name in ("svd", "svdvals"):
        exact = getattr(torch.linalg, name)

        def fails(matrix, exact=exact, **options):
            if matrix.dtype == torch.float32:
                raise torch.linalg.LinAlgError("the algorithm failed to converge")
            return exact(matrix, **options)

        monkeypatch.setattr(torch.linalg, name, fails)
    left, right, values = subspaces(matrix, 3)
    assert values.dtype == left.dtype == right.dtype == torch.float32
    np.testing.assert_allclose(values, s, rtol=1e-6)
    np.testing.assert_allclose(singular_values(matrix, 2), s[:2], rtol=1e-6)
    np.testing.assert_allclose(left @ left.T, u[:, :3] @ u[:, :3].T, atol=1e-6)
    np.testing.assert_allclose(right @ right.T, vh[:3].T @ vh[:3], atol=1e-6)
