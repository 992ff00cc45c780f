"""A function of one or two variables, followed downhill, with noise if you like."""

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dynviz.errors import DynvizError, unknown
from dynviz.scenarios._draws import Draws, integers, normal
from dynviz.scenarios._expressions import CONSTANTS, VARIABLES, expression
from dynviz.scenarios._functions import FUNCTIONS, PLANE, Function
from dynviz.scenarios._samples import loss as residual
from dynviz.scenarios._samples import samples
from dynviz.task import Batch, Channel, Loss, Probe, Task, Tensors, no_batches, parameter

LINE = 512
"""Places at which a function of one variable is recorded."""
OWN = {
    "condition": ("quadratic", 50.0),
    "rotation": ("quadratic", 30.0),
    "samples": ("least-squares", 64),
    "batch": ("least-squares", 1),
}
"""Options that one function alone has, and their defaults."""


@dataclass(frozen=True)
class Surface:
    """The position is the parameter, and the loss is f there: no data, and no noise unless it is asked for.

    Named functions of two variables: rosenbrock, quadratic, rastrigin, beale, himmelblau, booth, styblinski-tang,
    ackley, morse-saddle, monkey-saddle, least-squares; of one: smooth, rippled, escape, two-wells. Or any
    expression in x and y, or in x alone: f='(1-x)**2 + 100*(y-x**2)**2'.

    Gradient descent with learning rate lr is stable on the quadratic below lr = 2 / condition; at 2 / (1 + condition)
    it is fastest. On Rosenbrock's function, whose largest curvature at the minimum is 1002, below 0.002. On the wells
    of `two-wells` below 3.68 and 125. Least squares draws other samples at each step, so that only a learning rate
    that falls leads to the solution: sgd:lr=....

    Attributes:
        f: The function: one of the names above, or an expression.
        start: Starting point, as (x,y) or (x); none: the function's own.
        condition: Largest over smallest curvature of the quadratic.
        rotation: Angle of the quadratic's long axis, in degrees.
        noise: Standard deviation of Gaussian noise on each coordinate of the gradient; none: the function's own.
        spread: Standard deviation of the starting points over lanes, which then form a cloud.
        shift: Records a test loss too, which is f moved this far to the right; 0: none.
        domain: Part of the plane that pictures show, as (left,right,bottom,top) or (left,right); none: the
            function's own.
        samples: Number of samples of the least squares problem.
        batch: Number of samples in a step of least squares, drawn anew at each step.
        grid: Rows and columns of the recorded landscape; each lane has its own, so take fewer for thousands of lanes.
    """

    f: str = "rosenbrock"
    start: tuple[float, ...] | None = None
    condition: float = 50.0
    rotation: float = 30.0
    noise: float | None = None
    spread: float = 0.0
    shift: float = 0.0
    domain: tuple[float, ...] | None = None
    samples: int = 64
    batch: int = 1
    grid: int = 128

    def __post_init__(self) -> None:
        for option, (name, default) in OWN.items():
            if self.f != name and getattr(self, option) != default:
                raise DynvizError(f"{option} is of f={name}; {self.f} has none")
        if not 1 <= self.condition < math.inf:
            raise DynvizError(f"condition={self.condition} is no ratio of largest to smallest; write a number from 1")
        if not math.isfinite(self.rotation):
            raise DynvizError(f"rotation={self.rotation} is no angle; write degrees")
        if not math.isfinite(self.shift):
            raise DynvizError(f"shift={self.shift} is no distance; write a number")
        for option in ("noise", "spread"):
            if not 0 <= (getattr(self, option) or 0.0) < math.inf:
                raise DynvizError(f"{option}={getattr(self, option)} is no deviation; write a number from 0")
        if self.f == "least-squares" and self.noise:
            raise DynvizError("least-squares has the noise of its batches; leave out noise, or take a smaller batch")
        for option, least, most in (("samples", 3, 100_000), ("batch", 1, 10_000), ("grid", 8, 1024)):
            if not least <= getattr(self, option) <= most:
                raise DynvizError(
                    f"{option}={getattr(self, option)} cannot be; write a whole number from {least} to {most}"
                )
        function = self.function
        _check_domain(self.f, function, len(function.domain))
        _check_start(self.f, function)

    @functools.cached_property
    def function(self) -> Function:
        """The function, with what was written instead of its own."""
        given = {name: value for name in ("start", "domain", "noise") if (value := getattr(self, name)) is not None}
        return dataclasses.replace(self._known(), **given)

    def _known(self) -> Function:
        """The entry of the table; for an expression, one made up."""
        if self.f == "quadratic":
            # Three quarters of what is stable: the steep direction swings, the flat one creeps.
            return dataclasses.replace(FUNCTIONS[self.f], descent=1.5 / self.condition)
        if self.f == "least-squares":
            return dataclasses.replace(FUNCTIONS[self.f], optimum=(samples(self.samples).optimum,))
        if self.f in FUNCTIONS:
            return FUNCTIONS[self.f]
        words = re.fullmatch(r"[A-Za-z]\w*(-[A-Za-z]\w*)*", self.f)
        if words and not set(self.f.split("-")) <= {*VARIABLES, *CONSTANTS}:
            error = unknown("function", self.f, FUNCTIONS)
            raise DynvizError(f"{error}, or an expression in x and y")
        two = "y" in expression(self.f).variables
        domain = self.domain or (PLANE if two else PLANE[:2])
        places = tuple(
            low + share * (high - low) for low, high, share in zip(domain[::2], domain[1::2], (0.15, 0.8), strict=False)
        )
        return Function(self.f, tuple(domain), places[: 2 if two else 1], descent=0.01, stride=0.02)

    def build(self, seed: int) -> Task:
        function, value = self.function, _value(self)
        # In float64, which costs nothing here: in float32 a chaotic run is another one within a few steps.
        start = torch.tensor(function.start, dtype=torch.float64)
        if self.spread:
            draws = np.random.default_rng([seed, 0, 0]).standard_normal(len(start))
            start = start + self.spread * torch.from_numpy(draws)

        def f(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            return value(parameters["position"])

        def landscape(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            return constants["landscape"]

        constants = {"landscape": _landscape(self)}
        dims = ("row", "column")[-constants["landscape"].ndim :]
        probes = [
            parameter("position", 1, ("coordinate",), " and ".join(VARIABLES[: len(start)])),
            Probe((Channel("landscape", 0, dims, "f over the domain"),), landscape),
        ]
        if self.shift:
            probes.append(_moved(value, self.shift))
        loss: Loss = f
        batches = no_batches
        if self.f == "least-squares":
            data, chosen = samples(self.samples), Draws(seed, integers(self.batch, self.samples))
            loss, batches = _sampled, lambda start, count: data.rows(chosen.rows(start, count))
            probes.append(Probe((Channel("full_loss", 10, (), "over all samples", better="lower"),), f))
        elif function.noise:
            pushes = Draws(seed, normal(len(start)))
            loss, batches = _noisy(value, function.noise), lambda start, count: (pushes.rows(start, count),)
        return Task(
            parameters={"position": start},
            loss=loss,
            batches=batches,
            steps=function.steps,
            constants=constants,
            probes=tuple(probes),
            every=1,
            hyperparameters=function.hyperparameters(),
            views=("path", "cloud", "surface3d", "curves") if len(start) == 2 else ("profile", "curves"),
            facts={
                "function": self.f,
                "formula": function.text,
                "domain": list(function.domain),
                "optimum": [list(point) for point in function.optimum],
                "norm": "linear" if function.even else "log",
                **({"shift": self.shift} if self.shift else {}),
            },
            title=function.title,
            what=self._what(),
        )

    def _what(self) -> dict[str, str]:
        """What options mean, in words, where they differ from their defaults; the title speaks of the function."""
        start = ", ".join(f"{place:g}" for place in self.start or ())
        words = {
            "start": f"start ({start})" if start else "",
            "condition": f"condition {self.condition:g}",
            "rotation": f"rotated by {self.rotation:g}°",
            "noise": f"gradient noise {self.noise:g}" if self.noise else "no noise",
            "spread": f"starts spread by {self.spread:g}",
            "shift": f"test shifted by {self.shift:g}",
            "samples": f"{self.samples} samples",
            "batch": f"batches of {self.batch}",
        }
        changed = [one.name for one in dataclasses.fields(self) if getattr(self, one.name) != one.default]
        return {"f": "", "domain": "", "grid": "", **{name: words[name] for name in changed if name in words}}


def _moved(value: Callable[[Tensor], Tensor], shift: float) -> Probe:
    """The loss on other data: the function, moved to the right."""

    def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
        first, *others = parameters["position"].unbind()
        return value(torch.stack([first - shift, *others]))

    return Probe((Channel("test_loss", 1, (), f"f, moved {shift:g} to the right", better="lower"),), measure)


def _noisy(value: Callable[[Tensor], Tensor], deviation: float) -> Loss:
    """The value as a loss whose gradient has noise on it."""

    def loss(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
        position = parameters["position"]
        # A term of value 0 whose gradient is the noise.
        noise: Tensor = (batch[0] * (position - position.detach())).sum()
        return value(position) + deviation * noise

    return loss


def _sampled(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
    """The loss of least squares on the samples of a batch."""
    value: Tensor = residual(parameters["position"], *batch)
    return value


@functools.lru_cache(maxsize=64)
def _value(options: Surface) -> Callable[[Tensor], Tensor]:
    """The value as a function of a position."""
    constants: dict[str, float] = {}
    if options.f == "quadratic":
        constants = {"condition": options.condition, "rotation": math.radians(options.rotation)}
    elif options.f == "least-squares":
        constants = samples(options.samples).constants
    function = expression(options.function.text, tuple(constants))

    def value(position: Tensor) -> Tensor:
        value: Tensor = function(*position.unbind(), **constants)
        return value

    return value


@functools.lru_cache(maxsize=64)
def _landscape(options: Surface) -> Tensor:
    """The values over the domain [rows, columns], at the middles of pixels, the first row at the bottom; or [places].

    In float64, so that the valley's floor is where it is. The same tensor for all lanes.
    """
    domain = options.function.domain
    value = _value(options)
    if len(domain) == 2:
        line: Tensor = value(torch.linspace(domain[0], domain[1], LINE, dtype=torch.float64)[None])
        return line.float()
    share = (torch.arange(options.grid, dtype=torch.float64) + 0.5) / options.grid
    left, right, bottom, top = domain
    y, x = torch.meshgrid(bottom + share * (top - bottom), left + share * (right - left), indexing="ij")
    values: Tensor = value(torch.stack([x, y]))
    return values.float()


def _check_domain(name: str, function: Function, given: int) -> None:
    two = 1 + ("y" in expression(function.text, ("condition", "rotation", *"abcuv", "rest")).variables)
    words = "(left,right,bottom,top)" if two == 2 else "(left,right)"
    ends: Sequence[float] = function.domain
    if given != 2 * two or any(
        not (math.isfinite(low) and math.isfinite(high) and low < high)
        for low, high in zip(ends[::2], ends[1::2], strict=False)
    ):
        raise DynvizError(f"domain={function.domain} does not fit {name}; write {words}, each low end first")


def _check_start(name: str, function: Function) -> None:
    """See that the way begins in the picture.

    Raises:
        DynvizError: It does not.
    """
    ends = list(zip(function.domain[::2], function.domain[1::2], strict=True))
    if len(function.start) != len(ends):
        raise DynvizError(
            f"start={function.start} is not a position for {name}; write {'(x,y)' if len(ends) == 2 else '(x)'}"
        )
    if not all(low <= place <= high for place, (low, high) in zip(function.start, ends, strict=True)):
        ranges = ", ".join(f"{axis} from {low:g} to {high:g}" for axis, (low, high) in zip("xy", ends, strict=False))
        raise DynvizError(f"start={function.start} is outside {name}'s picture, {ranges}; enlarge it with domain=")


scenario = Surface
