"""Functions of two variables: their values, their optima, and a published way."""

import math

import numpy as np
import pytest
import torch

import dynviz
from dynviz import DynvizError
from dynviz.scenarios.surface import FUNCTIONS, Surface


def place(x, y):
    return torch.tensor([x, y], dtype=torch.float64)


def value_at(options):
    """f as a function of a position, by the task's own loss."""
    task = options.build(0)
    return lambda position: task.loss({"position": position}, task.constants, ())


def test_rosenbrocks_function_has_its_known_values():
    options = Surface()
    for x, y in ((1.0, 1.0), (0.0, 0.0), (-1.2, 1.0), (0.1, 3.0)):
        assert value_at(options)(place(x, y)).item() == pytest.approx((1 - x) ** 2 + 100 * (y - x * x) ** 2)


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


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_is_lowest_at_its_optimum_which_the_picture_shows_with_the_start(name):
    function, task = FUNCTIONS[name], Surface(f=name).build(0)
    left, right, bottom, top = function.domain
    assert task.parameters["position"].tolist() == pytest.approx(list(function.start))
    for x, y in (*function.optimum, function.start):
        assert left < x < right
        assert bottom < y < top
    for point in function.optimum:
        at = place(*point)
        assert torch.func.grad(value_at(Surface(f=name)))(at).abs().max() < 1e-12
        assert value_at(Surface(f=name))(at) <= task.constants["landscape"].min()
    assert task.facts["optimum"] == [list(point) for point in function.optimum]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_landscape_has_its_first_row_at_the_bottom(name):
    task, rows, columns = Surface(f=name).build(0), 128, 128
    left, right, bottom, top = task.facts["domain"]
    landscape = task.constants["landscape"]
    assert landscape.shape == (rows, columns)
    for row, column in ((0, 0), (5, 100), (127, 3)):
        x = left + (column + 0.5) * (right - left) / columns
        y = bottom + (row + 0.5) * (top - bottom) / rows
        assert landscape[row, column].item() == pytest.approx(value_at(Surface(f=name))(place(x, y)).item(), rel=1e-4)


def test_adamw_at_step_540_of_rosenbrocks_function_is_where_it_was_published(tmp_path):
    recording = dynviz.run("surface", "adamw", steps=540, out=tmp_path / "run")["adamw"]
    assert recording["position"][540, 0].tolist() == pytest.approx([1.407, 1.982], abs=5e-4)
    assert recording["loss"][0, 0] == pytest.approx(0.9**2 + 100 * 2.99**2)


def test_gradient_descent_on_the_quadratic_follows_the_closed_form(tmp_path):
    name = "surface:f=quadratic,condition=20,rotation=0,start=(-1,0.5)"
    recording = dynviz.run(name, "sgd:lr=0.06", steps=30, dtype="float64", out=tmp_path / "run")["sgd"]
    t = np.arange(31)
    expected = np.stack([-((1 - 0.06) ** t), 0.5 * (1 - 0.06 * 20) ** t], axis=-1)
    np.testing.assert_allclose(recording["position"][:, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_the_protocol_comes_near_the_valley_without_diverging(name, optimizer, tmp_path):
    recording = dynviz.run(f"surface:f={name}", optimizer, out=tmp_path / "run")[optimizer]
    assert recording["loss"][-1, 0] < 2e-4 * recording["loss"][0, 0]
    left, right, bottom, top = recording.facts["domain"]
    x, y = recording["position"][:, 0].T
    assert left < x.min() < x.max() < right
    assert bottom < y.min() < y.max() < top


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"f": "rosenbrok"}, "one of rosenbrock, quadratic"),
        ({"condition": 3.0}, "of f=quadratic"),
        ({"f": "quadratic", "condition": 0.5}, "a number from 1"),
        ({"f": "quadratic", "condition": math.nan}, "a number from 1"),
        ({"f": "quadratic", "rotation": math.inf}, "write degrees"),
        ({"start": (0.0, 9.0)}, "x is from -2 to 2, y from -0.5 to 3.5"),
        ({"start": (math.nan, 0.0)}, "x is from -2 to 2"),
    ],
)
def test_a_bad_option_is_refused_with_what_would_be_accepted(options, says):
    with pytest.raises(DynvizError, match=says):
        Surface(**options)
