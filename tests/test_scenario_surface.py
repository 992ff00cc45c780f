"""Functions of one and two variables: their values, their optima, and what runs on them come to."""

import math
import time

import numpy as np
import pytest
import torch

import dynviz
from dynviz import DynvizError, plugins
from dynviz.scenarios._functions import FUNCTIONS
from dynviz.scenarios._samples import samples
from dynviz.scenarios.surface import Surface

PLANES = [name for name, function in FUNCTIONS.items() if len(function.domain) == 4]
LINES = [name for name, function in FUNCTIONS.items() if len(function.domain) == 2]
LOWEST = [name for name in FUNCTIONS if Surface(f=name).function.optimum]


def place(*at):
    return torch.tensor(at, dtype=torch.float64)


def value_at(options):
    """f as a function of a position, by the task's own loss; of least squares, over all samples."""
    task = options.build(0)
    if options.f == "least-squares":
        return lambda position: task.probes[-1].measure({"position": position}, task.constants, ())
    return lambda position: task.loss({"position": position}, task.constants, (torch.zeros(1),))


INDEPENDENT = {
    "rosenbrock": lambda x, y: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
    "rastrigin": lambda x, y: 20 + sum(v * v - 10 * math.cos(2 * math.pi * v) for v in (x, y)),
    "beale": lambda x, y: sum((c - x + x * y**k) ** 2 for k, c in ((1, 1.5), (2, 2.25), (3, 2.625))),
    "himmelblau": lambda x, y: (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2,
    "booth": lambda x, y: (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2,
    "styblinski-tang": lambda x, y: sum(v**4 - 16 * v**2 + 5 * v for v in (x, y)) / 2,
    "ackley": lambda x, y: (
        20
        + math.e
        - 20 * math.exp(-0.2 * math.hypot(x, y) / math.sqrt(2))
        - math.exp((math.cos(2 * math.pi * x) + math.cos(2 * math.pi * y)) / 2)
    ),
    "morse-saddle": lambda x, y: (x * x - y * y) / 2,
    "monkey-saddle": lambda x, y: (complex(x, y) ** 3).real,
}


@pytest.mark.parametrize("name", INDEPENDENT)
def test_a_function_has_the_values_of_its_definition(name):
    f = value_at(Surface(f=name))
    for x, y in ((1.0, 1.0), (0.0, 0.0), (-1.2, 1.0), (0.1, 2.3)):
        assert f(place(x, y)).item() == pytest.approx(INDEPENDENT[name](x, y), abs=1e-12)


@pytest.mark.parametrize(("condition", "rotation"), [(50.0, 30.0), (1.0, 0.0), (7.0, -80.0)])
def test_the_quadratic_has_the_curvatures_and_the_axes_that_were_asked_for(condition, rotation):
    options = Surface(f="quadratic", condition=condition, rotation=rotation)
    hessian = torch.autograd.functional.hessian(value_at(options), place(0.3, -0.4))
    torch.testing.assert_close(
        torch.linalg.eigvalsh(hessian), torch.tensor([1.0, condition], dtype=torch.float64), atol=1e-12, rtol=1e-12
    )
    angle = math.radians(rotation)
    axis = torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64)
    torch.testing.assert_close(hessian @ axis, axis)


def test_the_two_wells_are_as_wide_as_they_were_published():
    f = value_at(Surface(f="two-wells"))
    for at, curvature in ((0.013, 0.544), (13.0, 0.0160)):
        (second,) = torch.autograd.functional.hessian(f, place(at))
        assert second.item() == pytest.approx(curvature, rel=5e-3)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_picture_shows_the_start_and_the_optima(name):
    options = Surface(f=name)
    function, task = options.function, options.build(0)
    assert task.parameters["position"].tolist() == pytest.approx(list(function.start))
    ends = list(zip(function.domain[::2], function.domain[1::2], strict=True))
    for point in (*function.optimum, function.start):
        assert all(low < coordinate < high for coordinate, (low, high) in zip(point, ends, strict=True))
    assert task.facts["optimum"] == [list(point) for point in function.optimum]


@pytest.mark.parametrize("name", LOWEST)
def test_a_function_is_lowest_at_its_optima(name):
    options = Surface(f=name)
    f, optima = value_at(options), options.function.optimum
    for point in optima:
        assert torch.func.grad(f)(place(*point)).abs().max() < 1e-6
        assert torch.linalg.eigvalsh(torch.autograd.functional.hessian(f, place(*point)).nan_to_num(1.0)).min() > 0
    assert min(f(place(*point)).item() for point in optima) <= options.build(0).constants["landscape"].min() + 1e-6


@pytest.mark.parametrize("name", PLANES)
def test_the_landscape_has_its_first_row_at_the_bottom(name):
    options, size = Surface(f=name, grid=40), 40
    task, f = options.build(0), value_at(options)
    left, right, bottom, top = task.facts["domain"]
    landscape = task.constants["landscape"]
    assert landscape.shape == (size, size)
    for row, column in ((0, 0), (5, 30), (39, 3)):
        x = left + (column + 0.5) * (right - left) / size
        y = bottom + (row + 0.5) * (top - bottom) / size
        assert landscape[row, column].item() == pytest.approx(f(place(x, y)).item(), rel=1e-4)


@pytest.mark.parametrize("name", LINES)
def test_the_landscape_of_one_variable_goes_from_end_to_end(name):
    options = Surface(f=name)
    task, f = options.build(0), value_at(options)
    left, right = task.facts["domain"]
    line = task.constants["landscape"]
    for share, index in ((0.0, 0), (1.0, -1), (100 / (len(line) - 1), 100)):
        assert line[index].item() == pytest.approx(f(place(left + share * (right - left))).item(), rel=1e-5)


def test_gradient_descent_on_the_smooth_well_is_as_published(tmp_path):
    recording = dynviz.run("surface:f=smooth", "sgd", dtype="float64", out=tmp_path / "run")["sgd"]
    assert recording["position"][[0, 50, 100, 150], 0, 0] == pytest.approx([1.9, 0.9544, 0.1623, 0.0213], abs=5e-5)


def test_gradient_descent_on_the_rippled_well_is_stuck_where_it_was_published(tmp_path):
    recording = dynviz.run("surface:f=rippled", "sgd", dtype="float64", out=tmp_path / "run")["sgd"]
    assert recording["position"][-1, 0, 0] == pytest.approx(0.873, abs=5e-4)
    assert recording["loss"][-1, 0] == pytest.approx(-0.2822, abs=5e-5)
    lowest = Surface(f="rippled").function.optimum[0][0]
    assert lowest == pytest.approx(0.098, abs=5e-4)
    assert value_at(Surface(f="rippled"))(place(lowest)).item() == pytest.approx(-0.4247, abs=5e-5)


def test_noise_lets_most_lanes_leave_the_ripple_that_holds_gradient_descent(tmp_path):
    recording = dynviz.run("surface:f=escape", "sgd", seeds="0:200", out=tmp_path / "run")["sgd"]
    held = np.abs(recording["position"][-1, :, 0] - 0.873) < 0.2
    assert recording.total == 300
    assert held.mean() < 0.2
    assert np.median(recording["position"][-1, :, 0]) < 0.6


def test_a_narrow_valley_holds_a_small_learning_rate_and_a_large_one_ends_in_the_wide_one(tmp_path):
    run = dynviz.run("surface:f=two-wells", ["sgd", "sgd:lr=12.9"], out=tmp_path / "run")
    assert run["sgd"]["position"][-1, 0, 0] == pytest.approx(0.013, abs=5e-4)
    assert run["sgd-2"]["position"][-1, 0, 0] == pytest.approx(13.0, abs=1e-3)


WELLS = "surface:f=two-wells,start=(1.5),spread=0.4"


def test_sam_ends_in_the_wide_well_where_sgd_of_the_same_rate_ends_in_the_narrow_one(tmp_path):
    rules = ["sgd:lr=4,momentum=0.8", "sgd+sam:lr=4,momentum=0.8,rho=0.3"]
    run = dynviz.run(f"{WELLS},shift=1", rules, seeds="0:32", steps=1000, out=tmp_path / "run")
    ends = {recording.label: recording["position"][-1, :, 0] for recording in run.recordings}
    assert (np.abs(ends["sgd"] - 0.013) < 0.01).mean() > 0.95
    assert (np.abs(ends["sgd+sam"] - 13) < 0.5).mean() > 0.8
    # The narrow well is deeper, and worse on other data.
    train, test = ({each.label: np.median(each[name][-1]) for each in run.recordings} for name in ("loss", "test_loss"))
    assert train["sgd"] < train["sgd+sam"]
    assert test["sgd+sam"] < test["sgd"] - 0.1


def test_sam_of_a_small_rate_does_not_leave_the_narrow_well_and_a_large_radius_stops_at_the_ridge(tmp_path):
    run = dynviz.run(WELLS, ["sgd+sam:rho=0.3", "sgd+sam:rho=1.5"], seeds="0:32", steps=3000, out=tmp_path / "run")
    near, far = (recording["position"][-1, :, 0] for recording in run.recordings)
    assert (np.abs(near) < 0.5).mean() > 0.9
    assert not (np.abs(far - 13) < 3).any()
    assert (np.abs(far - 2.65) < 0.2).any()


def test_the_shifted_function_is_the_test_loss(tmp_path):
    recording = dynviz.run("surface:f=rosenbrock,shift=0.5", "sgd", steps=5, out=tmp_path / "run")["sgd"]
    for (x, y), loss in zip(recording["position"][:, 0].tolist(), recording["test_loss"][:, 0], strict=True):
        assert loss == pytest.approx(INDEPENDENT["rosenbrock"](x - 0.5, y), rel=1e-4)
    assert "test_loss" not in dynviz.run("surface", "sgd", steps=1, out=tmp_path / "none")["sgd"]


def test_adamw_at_step_540_of_rosenbrocks_function_is_where_it_was_published(tmp_path):
    recording = dynviz.run("surface", "adamw", steps=540, out=tmp_path / "run")["adamw"]
    assert recording["position"][540, 0].tolist() == pytest.approx([1.407, 1.982], abs=5e-4)
    assert recording["loss"][0, 0] == pytest.approx(0.9**2 + 100 * 2.99**2)


@pytest.mark.parametrize("rate", [0.02, 0.003])
def test_the_four_published_optimizers_come_down_to_rosenbrocks_valley(rate, tmp_path):
    rules = [f"{name}:lr={rate}" for name in ("fromage", "adamw", "nag-gs", "lion")]
    run = dynviz.run("surface", rules, out=tmp_path / "run")
    for name in ("fromage", "adamw", "nag-gs", "lion"):
        recording = run[name]
        assert recording["position"].shape == (2001, 1, 2)
        assert recording["loss"][-1, 0] < 1e-2 * recording["loss"][0, 0]
    options = run["nag-gs"].metadata.hyperparameters
    assert (options["mu"].value, options["gamma"].value) == pytest.approx((150.0, 150.0))


def test_two_thousand_noisy_lanes_run_stacked_in_seconds(tmp_path):
    begun = time.process_time()
    spec = "surface:f=himmelblau,noise=20,spread=0.3,grid=32"
    recording = dynviz.run(spec, "sgd", seeds="0:2000", steps=150, out=tmp_path / "run")["sgd"]
    # Of processor time: others may be at work on this machine.
    assert time.process_time() - begun < 30
    assert recording["position"].shape == (151, 2000, 2)
    assert len(np.unique(recording["position"][0, :, 0])) > 1900


@pytest.mark.parametrize("name", PLANES)
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "asgd", "radam", "nag-gs", "adagrad"])
def test_the_protocol_goes_down_and_leaves_no_picture(name, optimizer, tmp_path):
    recording = dynviz.run(f"surface:f={name}", optimizer, out=tmp_path / "run")[optimizer]
    loss = recording["full_loss"] if "full_loss" in recording else recording["loss"]
    assert loss[-1, 0] < 0.85 * loss[0, 0]
    left, right, bottom, top = recording.facts["domain"]
    x, y = recording["position"][:, 0].T
    # A saddle has no floor: its ways leave the picture in the end.
    room = 0.0 if recording.facts["optimum"] else right - left
    assert left - room < x.min() <= x.max() < right + room
    assert bottom - room < y.min() <= y.max() < top + room


@pytest.mark.parametrize("optimizer", plugins.files("optimizers"))
def test_no_optimizer_diverges_with_the_protocol_of_rosenbrocks_function(optimizer, tmp_path):
    recording = dynviz.run("surface", optimizer, steps=60, out=tmp_path / "run")[optimizer]
    assert np.isfinite(recording["position"]).all()
    assert recording["loss"][-1, 0] < recording["loss"][0, 0]


def test_the_noise_of_a_lane_is_its_seeds_and_has_the_deviation_asked_for(tmp_path):
    spec = "surface:f=quadratic,condition=1,start=(0,0),noise=3"
    runs = [
        dynviz.run(spec, "sgd:lr=0", seeds=seeds, steps=1500, record="gradient", out=tmp_path / f"run{index}")["sgd"]
        for index, seeds in enumerate((7, "6:8"))
    ]
    one, two = (each["gradient"] for each in runs)
    np.testing.assert_array_equal(one[:, 0], two[:, 1])
    assert not np.array_equal(two[:, 0], two[:, 1])
    assert one.std() == pytest.approx(3.0, rel=0.05)
    assert abs(np.corrcoef(one[:-1, 0, 0], one[1:, 0, 0])[0, 1]) < 0.1
    np.testing.assert_array_equal(runs[0]["loss"], 0)


def test_batches_are_a_pure_function_of_the_step():
    for name in ("escape", "least-squares"):
        task = Surface(f=name).build(3)
        whole = task.batches(0, 2100)
        for start, count in ((0, 1), (1020, 9), (2047, 2), (5, 300)):
            for part, all_ in zip(task.batches(start, count), whole, strict=True):
                assert torch.equal(part, all_[start : start + count])


def test_least_squares_batches_have_the_full_gradient_on_average():
    task = Surface(f="least-squares", samples=20).build(0)
    data, at = samples(20), place(0.3, 0.4)
    one = torch.stack(
        [
            torch.func.grad(lambda p, i=i: task.loss({"position": p}, task.constants, data.rows(torch.tensor([i]))))(at)
            for i in range(20)
        ]
    )
    full = torch.func.grad(lambda p: task.probes[-1].measure({"position": p}, task.constants, ()))(at)
    torch.testing.assert_close(one.mean(dim=0), full, rtol=1e-4, atol=1e-5)
    assert one.std(dim=0).min() > 0.1
    assert data.optimum == pytest.approx((1.5, -0.5), abs=1.0)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"f": "rosenbrok"}, "did you mean 'rosenbrock'"),
        ({"f": "x-z"}, "no function named 'x-z'"),
        ({"condition": 3.0}, "of f=quadratic"),
        ({"shift": math.inf}, "no distance"),
        ({"f": "quadratic", "condition": 0.5}, "a number from 1"),
        ({"f": "quadratic", "condition": math.nan}, "a number from 1"),
        ({"f": "quadratic", "rotation": math.inf}, "write degrees"),
        ({"start": (0.0, 9.0)}, "x from -2 to 2, y from -0.5 to 3.5"),
        ({"start": (math.nan, 0.0)}, "x from -2 to 2"),
        ({"start": (1.0,)}, r"write \(x,y\)"),
        ({"f": "smooth", "start": (1.0, 2.0)}, r"write \(x\)"),
        ({"noise": -1.0}, "write a number from 0"),
        ({"spread": math.inf}, "write a number from 0"),
        ({"batch": 2}, "of f=least-squares"),
        ({"f": "least-squares", "noise": 1.0}, "noise of its batches"),
        ({"f": "least-squares", "batch": 0}, "a whole number from 1"),
        ({"grid": 4}, "from 8 to 1024"),
        ({"domain": (0.0, 1.0)}, r"\(left,right,bottom,top\)"),
        ({"domain": (1.0, 0.0, 0.0, 1.0)}, "each low end first"),
        ({"f": "x**2", "domain": (0.0, 1.0, 0.0, 1.0)}, r"write \(left,right\)"),
    ],
)
def test_a_bad_option_is_refused_with_what_would_be_accepted(options, says):
    with pytest.raises(DynvizError, match=says):
        Surface(**options)


def test_a_chaotic_run_keeps_to_the_way_of_float64(tmp_path):
    recording = dynviz.run("surface:f=two-wells", "sgd:lr=12.9", steps=40, out=tmp_path / "run")["sgd"]
    task = plugins.load("scenarios", "surface:f=two-wells").make().build(42)
    position, places = task.parameters["position"].double(), []
    for _ in range(41):
        position = position.detach().requires_grad_()
        places.append(float(position.detach()))
        (slope,) = torch.autograd.grad(task.loss({"position": position}, {}, ()), position)
        position = position - 12.9 * slope
    np.testing.assert_allclose(recording["position"][:, 0, 0], places, rtol=1e-6)
    assert [places[20], places[40]] == pytest.approx([0.4756, 8.23], rel=1e-3)
