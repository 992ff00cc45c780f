"""Eigenvalues of the Hessian along a run, the loss around its end, and what the learning rate can bear."""

import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import dynviz
from dynviz.cli.sharpness import sharpness as command
from dynviz.cli.sweep import sweep
from dynviz.errors import DynvizError
from dynviz.optimizers.sgd import SGD
from dynviz.plugins import load
from dynviz.projection import curvature
from dynviz.projection.curvature import Look, largest, measure
from dynviz.projection.evaluate import task_of
from dynviz.recording import open_all
from dynviz.recording import projections as stored
from dynviz.recording.metadata import Hyperparameter, Lane, Metadata, Named
from dynviz.scene.marks import Line, ReferenceLine
from dynviz.views.sharpness import bound
from tests import network

QUADRATIC = str(Path(__file__).parent / "files" / "quadratic.py")


PARAMETERS, DATA = network.parameters(), network.batch(0)


def net(row):
    """The loss of the small network, of its parameters in a row."""
    parameters, start = {}, 0
    for name, value in PARAMETERS.items():
        parameters[name] = row[start : start + value.numel()].view(value.shape)
        start += value.numel()
    return network.loss(parameters, DATA)


ROW = torch.cat([value.flatten() for value in PARAMETERS.values()])
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # torch's own forward derivatives use what it deprecates
    HESSIAN = torch.linalg.eigvalsh(torch.func.hessian(net)(ROW)).flip(0).numpy()


def test_the_whole_hessian_of_a_small_network_gives_its_eigenvalues():
    assert largest(net, ROW, 3) == pytest.approx(HESSIAN[:3], rel=1e-9)


def test_lanczos_finds_the_eigenvalues_of_the_whole_hessian(monkeypatch):
    monkeypatch.setattr(curvature, "EXACT", 0)
    assert largest(net, ROW, 3) == pytest.approx(HESSIAN[:3], rel=1e-3)


def test_lanczos_finds_the_known_eigenvalues_of_a_large_quadratic():
    values = torch.cat([torch.linspace(0, 1, 997, dtype=torch.float64), torch.tensor([5.0, 9.0, 9.5])])
    found = largest(lambda row: (values * row.square()).sum() / 2, torch.ones(1000, dtype=torch.float64), 3)
    assert found == pytest.approx([9.5, 9, 5], rel=1e-3)


def test_eigenvalues_where_the_loss_is_not_finite_are_not_numbers(monkeypatch):
    for exact in (0, 100):
        monkeypatch.setattr(curvature, "EXACT", exact)
        found = largest(lambda row: (1 / row.prod()).square(), torch.zeros(5, dtype=torch.float64), 2)
        assert np.isnan(found).all()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "quadratic"
    found = dynviz.run(QUADRATIC, ["sgd:momentum=0.0", "adam"], record="parameters", out=folder)
    out = CliRunner().invoke(
        command, [str(found.folder), "--samples", "3", "--ways", "4", "--trust", QUADRATIC], catch_exceptions=False
    )
    assert len(out.stdout.splitlines()) == 2
    return found


def test_a_quadratic_has_the_eigenvalues_of_its_matrix_at_every_step(run):
    matrix = task_of(run["sgd"], 0, QUADRATIC).constants["matrix"].numpy()
    _, arrays = stored.read(run["sgd"].folder, "sharpness")
    assert arrays["eigenvalues"] == pytest.approx(np.tile(np.linalg.eigvalsh(matrix.T @ matrix)[:-3:-1], (3, 1)))
    assert arrays["steps"].tolist() == [0, 20, 40]


def test_the_loss_around_the_end_begins_with_the_loss_at_the_end(run):
    recording = run["sgd"]
    _, arrays = stored.read(recording.folder, "sharpness")
    assert arrays["around"].shape == (4, 21)
    assert arrays["around"][:, 0] == pytest.approx(float(recording["loss"][-1, 0]))


def test_gradient_descent_diverges_above_the_bound_and_converges_below(tmp_path):
    made = dynviz.run(QUADRATIC, "sgd", steps=1, out=tmp_path / "once")["sgd"]
    matrix = task_of(made, 0, QUADRATIC).constants["matrix"].numpy()
    top = float(np.linalg.eigvalsh(matrix.T @ matrix)[-1])
    for factor, ends in ((0.95, True), (1.05, False)):
        for momentum in (0.0, 0.8):
            rule = f"sgd:lr={factor * 2 * (1 + momentum) / top},momentum={momentum}"
            found = dynviz.run(QUADRATIC, rule, steps=400, out=tmp_path / f"{factor}{momentum}")["sgd"]
            assert (bound(found)[0] > top) == ends
            assert bool(found["loss"][-1, 0] < found["loss"][0, 0]) == ends


@pytest.mark.parametrize("lr", [0.01, 0.5])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.9},
        {"momentum": 0.5, "dampening": 0.3, "weight_decay": 0.1},
        {"dampening": 0.4},
        {"momentum": 0.9, "nesterov": True},
        {"momentum": 0.6, "nesterov": True, "weight_decay": 0.2},
    ],
)
def test_the_rule_itself_diverges_just_above_the_bound_on_a_parabola_and_not_just_below(options, lr):
    rule = SGD(lr=lr, **options)
    given = {name: Hyperparameter(value, "given") for name, value in vars(rule).items()}
    metadata = Metadata(Named("bowl"), Named("sgd"), "sgd", 0, given, (), (Lane(0),), 1, {})
    limit, _ = bound(SimpleNamespace(metadata=metadata, changes=tuple))
    for factor, ends in ((0.98, True), (1.02, False)):
        theta = torch.ones(1, dtype=torch.float64)
        state, t = rule.init(theta), torch.zeros((), dtype=torch.int64)
        for _ in range(4000):
            t = t + 1
            terms, state = rule.update(theta, factor * limit * theta, state, t)
            theta = theta + sum(terms.values())
            if not 1e-30 < abs(float(theta)) < 1e30:
                break
        assert (abs(float(theta)) < 1) == ends


def test_a_lane_has_the_bound_of_its_own_learning_rate(tmp_path):
    grid = "sgd:lr=[0.0005,0.05]"
    done = CliRunner().invoke(
        sweep, [QUADRATIC, "-o", grid, "--steps", "4", "--record", "parameters", "--out", str(tmp_path / "s")]
    )
    assert done.exit_code == 0, done.output
    (recording,) = open_all([f"{tmp_path / 's'}/001-sgd@1"])
    measure(recording, Look(samples=1, ways=1, trust=(QUADRATIC,)))
    panel = load("views", "sharpness").make(recordings=[recording]).scene(4).panels[0]
    assert [mark.at for mark in panel.marks if isinstance(mark, ReferenceLine)] == [40.0]


def test_the_bound_of_a_learning_rate_that_falls_rises_over_the_steps(tmp_path):
    made = dynviz.run(QUADRATIC, "sgd:lr=cosine(0.02)", steps=8, record="parameters", out=tmp_path / "r")["sgd"]
    measure(made, Look(samples=3, ways=1, trust=(QUADRATIC,)))
    panel = load("views", "sharpness").make(recordings=[made]).scene(4).panels[0]
    (line,) = (mark for mark in panel.marks if isinstance(mark, Line) and mark.label == "stable below 2 / lr")
    assert line.y[:2] == pytest.approx(2 / made["lr"][line.x[:2], 0], rel=1e-6)
    assert line.y[1] > line.y[0]
    # At the end the rate is zero, and nothing is too sharp.
    assert np.isnan(line.y[-1])


def test_the_view_shows_the_bound_of_gradient_descent_only(run):
    film = load("views", "sharpness").make(recordings=run.recordings)
    panel = film.scene(20).panels[0]
    lines = [mark for mark in panel.marks if isinstance(mark, ReferenceLine)]
    assert [(line.at, line.label) for line in lines] == [(200.0, "stable below 2 / lr")]
    assert panel.y.limits[1] >= 200
    # It is far above the eigenvalues, which are told apart all the same.
    values = stored.read(run["sgd"].folder, "sharpness")[1]["eigenvalues"]
    assert panel.y.scale == ("log" if values.max() * 5 < 200 else "linear")


def test_lanes_are_measured_apart_and_their_view_finds_them(tmp_path):
    found = dynviz.run(QUADRATIC, "sgd", seeds="0:2", steps=4, record="parameters", out=tmp_path / "r")
    tops = {}
    for lane in (1, 0):
        source = f"{found.folder}@{lane}"
        out = CliRunner().invoke(
            command, [source, "--samples", "1", "--ways", "2", "--trust", QUADRATIC], catch_exceptions=False
        )
        tops[lane] = Path(out.stdout.strip()).stem
    assert tops == {0: "sharpness", 1: "sharpness-lane-1"}
    for lane in (0, 1):
        loss = float(found["sgd"]["loss"][-1, lane])
        film = load("views", "sharpness").make(recordings=[dynviz.open(f"{found.folder}@{lane}")["sgd"]])
        around = next(mark for mark in film.scene(4).panels[1].marks if isinstance(mark, Line))
        assert around.y[0] == pytest.approx(loss, rel=1e-5)


def test_a_run_that_is_not_measured_says_how(tmp_path):
    found = dynviz.run(QUADRATIC, "sgd", steps=2, out=tmp_path / "r")
    kept = dynviz.run(QUADRATIC, "sgd", steps=2, record="parameters", out=tmp_path / "kept")
    with pytest.raises(DynvizError, match="dynviz sharpness"):
        load("views", "sharpness").make(recordings=kept.recordings)
    with pytest.raises(DynvizError, match="--record parameters"):
        measure(found["sgd"], Look(trust=(QUADRATIC,)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [42, 1])
def test_sam_ends_in_a_wider_minimum_than_sgd(seed, tmp_path):
    rules = ["sgd", "sgd+sam:rho=0.1"]
    found = dynviz.run("landscape", rules, seeds=seed, steps=600, record="parameters:every=600", out=tmp_path / "run")
    tops = []
    for recording in found.recordings:
        measure(recording, Look(samples=1, ways=1, trust=(QUADRATIC,)))
        tops.append(stored.read(recording.folder, "sharpness")[1]["eigenvalues"][-1, 0])
    assert tops[1] < 0.7 * tops[0]
