"""The scenario double-descent beside published numbers, an independent solver and the closed form of descent."""

import numpy as np
import pytest
from numpy.polynomial import chebyshev

import dynviz
from dynviz.errors import DynvizError
from dynviz.plugins import load
from dynviz.scenarios._least_norm import polynomial_data, random_features
from dynviz.scenarios.double_descent import DoubleDescent


@pytest.fixture(scope="module")
def degrees(tmp_path_factory):
    return dynviz.run("double-descent", "sgd", seeds="0", out=tmp_path_factory.mktemp("degrees") / "run")["sgd"]


def test_the_errors_are_those_of_the_document(degrees):
    error = degrees["test_error"][:, 0]
    assert error.argmin() == 5
    assert error.min() == pytest.approx(0.0033, abs=5e-5)
    assert error.argmax() == 48
    assert int(np.log10(error.max())) == 16
    assert error[-1] < 0.2
    assert degrees["norm"][:, 0].argmax() == 48


def test_the_degree_is_the_clock(degrees):
    np.testing.assert_array_equal(degrees["complexity"][:, 0], np.arange(101))
    assert degrees["test_error"].dtype == np.float64
    np.testing.assert_array_equal(degrees["loss"], degrees["train_error"])


@pytest.mark.parametrize("degree", [0, 5, 20, 30, 70, 100])
def test_fits_are_those_of_an_independent_solver(degrees, degree):
    data = polynomial_data(50, 0.25, 8)
    np.testing.assert_array_equal(degrees["points"][0, 0], np.stack([data.x, data.y], axis=1))
    # Cosines of the multiple angle, and a solver that does not form an inverse.
    features, places = (np.cos(np.arange(degree + 1) * np.arccos(x)[:, None]) for x in (data.x, data.grid))
    coefficients, *_ = np.linalg.lstsq(features, data.y, rcond=None)
    np.testing.assert_allclose(degrees["fit"][degree, 0], places @ coefficients, rtol=1e-6, atol=1e-6)
    assert degrees["norm"][degree, 0] == pytest.approx(np.linalg.norm(coefficients), rel=1e-8)
    error = np.mean((places @ coefficients - np.sin(4.5 * data.grid)) ** 2)
    assert degrees["test_error"][degree, 0] == pytest.approx(error, rel=1e-5)


def test_descent_over_epochs_follows_its_closed_form(tmp_path):
    spec = "double-descent:by=epoch,degree=20"
    run = dynviz.run(spec, "sgd", steps=500, record="parameters:every=100", out=tmp_path / "run")["sgd"]
    data = polynomial_data(50, 0.25, 8)
    left, values, right = np.linalg.svd(chebyshev.chebvander(data.x, 20), full_matrices=False)
    rate = run.metadata.hyperparameters["lr"].value
    assert rate == pytest.approx(50 / values[0] ** 2)
    for place, epochs in enumerate(run.steps("parameters")):
        learned = 1 - (1 - rate * values**2 / 50) ** epochs
        expected = right.T @ (learned / values * (left.T @ data.y))
        np.testing.assert_allclose(run["parameters"][place, 0], expected, atol=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
def test_random_features_are_worst_where_there_are_as_many_as_images(seed):
    fits = random_features("digits", 100, 8, seed, 15)
    assert fits.complexity[fits.test_error.argmax()] == 100
    assert fits.complexity[fits.norm.argmax()] == 100
    before, after = fits.complexity < 100, fits.complexity > 100
    # The second descent ends below the first one.
    assert fits.test_error[after].min() < fits.test_error[before].min() < fits.test_error.max() / 10
    assert fits.mistakes[-1] < fits.mistakes[before].min() < 0.5 * fits.mistakes.max()
    assert fits.train_error[after].max() < 1e-12 < fits.train_error[before].min()


def test_the_view_marks_the_best_degree_so_far(degrees):
    film = load("views", "fit").make(recordings=[degrees])
    fit, errors, norm = film.scene(48).panels
    assert [panel.title for panel in (fit, errors, norm)] == [
        "samples and fit",
        "test error",
        "norm of the coefficients",
    ]
    assert errors.readouts[0].text == "8.35e16, best 0.00326 at degree 5"
    star = errors.marks[-1]
    assert (star.x.tolist(), star.y.tolist()) == ([5.0], [degrees["test_error"][5, 0]])
    assert film.scene(3).panels[1].marks[-1].x == [3.0]
    assert film.scene(48).panels[1].x == film.scene(3).panels[1].x
    assert film.scene(48).readouts[0].text == "every fit is solved exactly; no optimizer"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"by": "depth"}, "by"),
        ({"by": "width", "degrees": 20}, "degrees"),
        ({"degree": 7}, "degree"),
        ({"samples": 2}, "samples"),
        ({"by": "width", "noise": 1.0}, "noise"),
        ({"widths": 1000, "by": "width"}, "widths"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, word):
    with pytest.raises(DynvizError, match=word):
        DoubleDescent(**options)
