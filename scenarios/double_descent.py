"""Test error that falls, explodes and falls again as a model grows."""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.polynomial import chebyshev
from torch import Tensor

from dynviz.errors import DynvizError
from dynviz.plugins.ranges import Range
from dynviz.scenarios._data import Data
from dynviz.scenarios._least_norm import polynomial_data, polynomials, random_features
from dynviz.task import Batch, Channel, Measure, Probe, Task, Tensors, no_batches

By: TypeAlias = Literal["degree", "width", "epoch"]

TITLES = {
    "degree": "Polynomials of every degree through 50 points",
    "width": "Random features, from too few to many",
    "epoch": "A polynomial, trained longer and longer",
}
SAMPLES = {"degree": 50, "width": 200, "epoch": 50}
OWN = {"degrees": ("degree", 100), "widths": ("width", 40), "data": ("width", "digits"), "degree": ("epoch", 30)}
"""Options that one value of `by` alone has, and their defaults."""
LIMITS = {
    "samples": (0, 2000),
    "degrees": (1, 1000),
    "widths": (2, 500),
    "degree": (1, 1000),
    "environment": (0, 2**31),
}


@dataclass(frozen=True)
class DoubleDescent:
    """Models of growing complexity are fitted to few noisy samples.

    With `by=degree` and `by=width` nothing is trained: each fit is the exact one of least norm (in float64), and the
    degree of a polynomial, or the number of random Fourier features of digits, is the clock. It is held as the only
    parameter, whose gradient is -1 by definition, so that SGD with the scenario's rate of 1 makes one step of
    complexity at a time. At as many coefficients as samples the fit passes through all of them for the first time, and
    the error between them explodes; of the many fits beyond, the one of least norm is smooth.

    With `by=epoch` one polynomial is trained from zero on all samples at once. Gradient descent comes to the same fit
    of least norm; what explodes there is what it learns last.

    Source: Belkin, Hsu, Ma and Mandal 2019, Reconciling modern machine-learning practice and the classical
    bias-variance trade-off.

    Attributes:
        by: What grows: the degree, the width, or the number of epochs.
        samples: How many are fitted; 0 for 50 points of a sine, or 200 images.
        noise: Deviation of the points from the sine.
        environment: Seed of the samples, which are the same in every lane; a lane's own draws the random features.
        degrees: The last degree of `by=degree`.
        widths: About how many numbers of features `by=width` goes through.
        data: Images of `by=width`: handwritten digits (from scikit-learn), or shapes that are drawn in noise.
        degree: Of the polynomial of `by=epoch`.
    """

    by: By = "degree"
    samples: int = 0
    noise: Annotated[float, Range(0)] = 0.25
    environment: int = 8
    degrees: int = 100
    widths: int = 40
    data: Data = "digits"
    degree: int = 30

    def __post_init__(self) -> None:
        for name, value, known in (("by", self.by, get_args(By)), ("data", self.data, get_args(Data))):
            if value not in known:
                raise DynvizError(f"double-descent has no {name} {value!r}; choose one of {', '.join(known)}")
        for option, (by, default) in OWN.items():
            if self.by != by and getattr(self, option) != default:
                raise DynvizError(f"{option} is of by={by}; by={self.by} has none")
        if self.by == "width" and self.noise != type(self).noise:
            raise DynvizError("noise is of the points of a sine; by=width has none")
        for option, (least, most) in LIMITS.items():
            if not least <= getattr(self, option) <= most:
                raise DynvizError(f"{option}={getattr(self, option)} cannot be; write a whole number to {most}")
        if 0 < self.samples < 4:
            raise DynvizError(f"samples={self.samples} are too few; write 4 or more, or 0 for the usual number")

    def build(self, seed: int) -> Task:
        samples = self.samples or SAMPLES[self.by]
        if self.by == "epoch":
            return self._trained(samples)
        if self.by == "width":
            fits = random_features(self.data, samples, self.environment, seed, self.widths)
            complexity = "random features"
        else:
            fits = polynomials(samples, self.noise, self.environment, self.degrees)
            complexity = "degree"
        constants = {name: torch.from_numpy(value) for name, value in vars(fits).items() if value.size}
        channels = (Channel("complexity", 1, (), complexity), *_errors())
        probes = [Probe(channels, _read(*(channel.name for channel in channels)))]
        if self.by == "width":
            mistakes = Channel(
                "mistakes",
                1,
                (),
                "share of the test images that are misclassified",
                title="test images misclassified",
                better="lower",
                bounds=(0.0, 1.0),
            )
            probes.append(Probe((mistakes,), _read("mistakes")))
        else:
            constants |= self._points(samples)
            probes += [Probe((_fit(1),), _read("predictions")), *_given()]
        return Task(
            parameters={"clock": torch.zeros((), dtype=torch.float64)},
            loss=_clock,
            batches=no_batches,
            steps=len(fits.complexity) - 1,
            constants=constants,
            probes=tuple(probes),
            every=1,
            hyperparameters={"*": {"lr": 1.0}},
            views=("fit", "curves"),
            title=TITLES[self.by],
            what={"by": "", "degrees": "", "widths": "", "data": ""},
            facts={
                "complexity": complexity,
                "threshold": float(samples if self.by == "width" else samples - 1),
                "log": self.by == "width",
                "solved": True,
            },
        )

    def _trained(self, samples: int) -> Task:
        data = polynomial_data(samples, self.noise, self.environment)
        features = chebyshev.chebvander(data.x, self.degree)
        steepest = float(np.linalg.eigvalsh(features.T @ features / samples)[-1])
        constants = self._points(samples) | {
            "features": torch.from_numpy(features),
            "tested": torch.from_numpy(chebyshev.chebvander(data.grid, self.degree)),
        }

        def loss(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            left: Tensor = constants["features"] @ parameters["coefficients"] - constants["points"][:, 1]
            return left.square().mean() / 2

        def fit(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            values: Tensor = constants["tested"] @ parameters["coefficients"]
            return values

        def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:
            test = (fit(parameters, constants, batch) - constants["truth"]).square().mean()
            return 2 * loss(parameters, constants, batch), test, parameters["coefficients"].norm()

        return Task(
            parameters={"coefficients": torch.zeros(self.degree + 1, dtype=torch.float64)},
            loss=loss,
            batches=no_batches,
            steps=20_000,
            constants=constants,
            probes=(Probe(_errors(), measure), Probe((_fit(10),), fit), *_given()),
            every=100,
            hyperparameters={"growing": {"lr": 1 / steepest}, "*": {"lr": 1e-3}},
            views=("fit", "curves"),
            title=TITLES[self.by],
            what={"by": "", "degrees": "", "widths": "", "data": ""},
            facts={"complexity": "epochs", "threshold": 0.0, "log": True, "solved": False},
        )

    def _points(self, samples: int) -> dict[str, Tensor]:
        data = polynomial_data(samples, self.noise, self.environment)
        return {
            "points": torch.from_numpy(np.stack([data.x, data.y], axis=1)),
            "truth": torch.from_numpy(data.truth),
        }


def _errors() -> tuple[Channel, ...]:
    return (
        Channel("train_error", 1, (), "mean square on the samples", better="lower"),
        Channel("test_error", 1, (), "mean square beside the samples", better="lower"),
        Channel("norm", 1, (), "norm of the coefficients", title="norm of the coefficients"),
    )


def _fit(every: int) -> Channel:
    return Channel("fit", every, ("place",), "the fitted polynomial over the interval")


def _given() -> tuple[Probe, ...]:
    """The samples and the sine: constants of the run."""
    points = Channel("points", 0, ("sample", "coordinate"), "x and y of the samples")
    truth = Channel("truth", 0, ("place",), "the sine without noise over the interval")
    return (Probe((points,), _constant("points")), Probe((truth,), _constant("truth")))


def _constant(name: str) -> Measure:
    def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
        return constants[name]

    return measure


def _read(*names: str) -> Measure:
    """What the fit at the clock's place comes to; numbers that were computed before."""

    def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor | tuple[Tensor, ...]:  # noqa: ARG001
        place = _place(parameters, constants)
        values = tuple(constants[name].index_select(0, place[None]).squeeze(0) for name in names)
        return values if len(values) > 1 else values[0]

    return measure


def _place(parameters: Tensors, constants: Tensors) -> Tensor:
    """Which fit it is; a clock that ran away shows the last one."""
    last = len(constants["train_error"]) - 1
    return parameters["clock"].detach().nan_to_num(last).clamp(0, last).round().long()


def _clock(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
    """The error of the fit on its samples, with a gradient of -1."""
    clock, place = parameters["clock"], _place(parameters, constants)
    error = constants["train_error"].index_select(0, place[None]).squeeze(0)
    return error - (clock - clock.detach())


scenario = DoubleDescent
