"""Least-norm fits of growing complexity: polynomials of every degree, and random features in growing number."""

import functools
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from dynviz.scenarios._data import CLASSES, Data, images

Array: TypeAlias = NDArray[np.float64]

GRID = 100
"""Points of the interval at which a polynomial is tested."""
FREQUENCY = 4.5
BANDWIDTH = 8.0
"""Of the random features: the deviation of their frequencies is one over it."""
SIDE = 8
RATIO = 8
"""The most random features, in units of the number of images."""


@dataclass(frozen=True)
class PolynomialData:
    """Noisy samples of a sine, and the sine without noise where a fit is tested.

    Attributes:
        x: Of the samples, evenly spaced.
        y: The same.
        grid: Where fits are tested.
        truth: The sine there.
    """

    x: Array
    y: Array
    grid: Array
    truth: Array


@dataclass(frozen=True)
class LeastNormFits:
    """Fits of rising complexity.

    Attributes:
        complexity: The degree, or the number of features [fits].
        train_error: Mean square on the samples [fits].
        test_error: Mean square where they are tested [fits].
        norm: Of the coefficients [fits].
        mistakes: Share of the test images that are misclassified [fits]; empty of polynomials.
        predictions: Of polynomials on the grid [fits, grid]; empty of random features.
    """

    complexity: Array
    train_error: Array
    test_error: Array
    norm: Array
    mistakes: Array
    predictions: Array


def polynomial_data(samples: int, noise: float, environment: int) -> PolynomialData:
    """The samples of a seed of NumPy's first generator, which is that of the document."""
    draws = np.random.RandomState(environment)
    x, grid = np.linspace(-1, 1, samples), np.linspace(-1, 1, GRID)
    return PolynomialData(x, np.sin(FREQUENCY * x) + draws.normal(0, noise, samples), grid, np.sin(FREQUENCY * grid))


@functools.lru_cache(maxsize=8)
def polynomials(samples: int, noise: float, environment: int, degrees: int) -> LeastNormFits:
    """The fit of least norm in Chebyshev's polynomials, of each degree from 0."""
    data = polynomial_data(samples, noise, environment)
    rows = []
    for degree in range(degrees + 1):
        features = chebyshev.chebvander(data.x, degree)
        coefficients = np.linalg.pinv(features) @ data.y
        predictions = chebyshev.chebvander(data.grid, degree) @ coefficients
        train, test = _mean_square(features @ coefficients - data.y), _mean_square(predictions - data.truth)
        rows.append((float(degree), train, test, float(np.linalg.norm(coefficients)), predictions))
    complexity, train_error, test_error, norm, fits = map(np.array, zip(*rows, strict=True))
    return LeastNormFits(complexity, train_error, test_error, norm, np.empty(0), fits)


def widths(samples: int, count: int) -> list[int]:
    """About so many numbers of random features, dense around the number of images."""
    even = np.geomspace(max(2, samples // 20), RATIO * samples, count)
    near = samples * np.array([0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.25])
    return sorted({round(float(width)) for width in (*even, *near)})


@functools.lru_cache(maxsize=8)
def random_features(data: Data, samples: int, environment: int, seed: int, count: int) -> LeastNormFits:
    """The fit of least norm of one-hot classes in random Fourier features cos(w x + b), the first N of them.

    Args:
        data: Which images.
        samples: How many are fitted; all test images are classified.
        environment: Seed of the choice of images.
        seed: Of the features.
        count: About how many widths.
    """
    whole = images(data, SIDE)
    chosen = np.random.default_rng(environment).permutation(len(whole.train))[:samples]
    train, label = whole.train.numpy().astype(np.float64), whole.train_label.numpy()
    pictures = [part.reshape(len(part), -1) for part in (train[chosen], whole.test.numpy().astype(np.float64))]
    draws = np.random.default_rng([environment, seed])
    most = widths(samples, count)[-1]
    frequencies = draws.standard_normal((SIDE * SIDE, most)) / BANDWIDTH
    shifts = draws.uniform(0, 2 * np.pi, most)
    fitted, tested = (np.cos(part @ frequencies + shifts) for part in pictures)
    target, wanted = np.eye(CLASSES)[label[chosen]], np.eye(CLASSES)[whole.test_label.numpy()]
    rows = []
    for width in widths(samples, count):
        coefficients = np.linalg.pinv(fitted[:, :width]) @ target
        answers = tested[:, :width] @ coefficients
        train_error = CLASSES * _mean_square(fitted[:, :width] @ coefficients - target)
        mistakes = float(np.mean(answers.argmax(axis=1) != wanted.argmax(axis=1)))
        test_error, norm = CLASSES * _mean_square(answers - wanted), float(np.linalg.norm(coefficients))
        rows.append((float(width), train_error, test_error, norm, mistakes))
    complexity, train_errors, test_errors, norms, misclassified = np.array(rows).T
    return LeastNormFits(complexity, train_errors, test_errors, norms, misclassified, np.empty((0, 0)))


def _mean_square(values: NDArray[Any]) -> float:
    return float(np.square(values).mean())
