"""A function of two variables, followed downhill without noise."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from dynviz.errors import DynvizError
from dynviz.task import Batch, Channel, Probe, Task, Tensors, no_batches, parameter

Name: TypeAlias = Literal["rosenbrock", "quadratic"]
Extent: TypeAlias = tuple[float, float, float, float]

GRID = 128
"""Rows and columns of the recorded landscape."""
CONDITION, ROTATION = 50.0, 30.0


@dataclass(frozen=True)
class Function:
    """One function and how it is shown.

    Attributes:
        value: Function of (x, y, options) to f, elementwise.
        formula: In words of mathematics.
        domain: Left, right, bottom, top of the picture.
        start: Where the way begins.
        optimum: The lowest points.
        steps: How long the way is.
        protocol: Hyperparameters by optimizer, `*` for the others.
    """

    value: Callable[[Tensor, Tensor, "Surface"], Tensor]
    formula: str
    domain: Extent
    start: tuple[float, float]
    optimum: tuple[tuple[float, float], ...]
    steps: int
    protocol: Callable[["Surface"], dict[str, dict[str, float]]]


def _rosenbrock(x: Tensor, y: Tensor, options: "Surface") -> Tensor:  # noqa: ARG001
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def _rosenbrock_protocol(options: "Surface") -> dict[str, dict[str, float]]:  # noqa: ARG001
    # The published run had the weight decay that is optax's default.
    return {"sgd": {"lr": 1e-3}, "adamw": {"lr": 0.02, "weight_decay": 1e-4}, "*": {"lr": 0.02}}


def _quadratic(x: Tensor, y: Tensor, options: "Surface") -> Tensor:
    angle = math.radians(options.rotation)
    along = math.cos(angle) * x + math.sin(angle) * y
    across = math.cos(angle) * y - math.sin(angle) * x
    return 0.5 * (along**2 + options.condition * across**2)


def _quadratic_protocol(options: "Surface") -> dict[str, dict[str, float]]:
    # Three quarters of what is stable: the steep direction swings, the flat one creeps.
    return {"sgd": {"lr": 1.5 / options.condition}, "*": {"lr": 0.05}}


FUNCTIONS: Mapping[Name, Function] = {
    "rosenbrock": Function(
        _rosenbrock,
        "(1 - x)^2 + 100 (y - x^2)^2",
        domain=(-2.0, 2.0, -0.5, 3.5),
        start=(0.1, 3.0),
        optimum=((1.0, 1.0),),
        steps=2000,
        protocol=_rosenbrock_protocol,
    ),
    "quadratic": Function(
        _quadratic,
        "(u^2 + condition v^2) / 2, u and v turned by rotation",
        domain=(-2.0, 2.0, -2.0, 2.0),
        start=(-1.7, -0.4),
        optimum=((0.0, 0.0),),
        steps=300,
        protocol=_quadratic_protocol,
    ),
}


@dataclass(frozen=True)
class Surface:
    """The position is the parameter, and the loss is f there: no data, no noise, so that the seed changes nothing.

    Gradient descent with learning rate lr is stable on the quadratic below lr = 2 / condition; at 2 / (1 + condition)
    it is fastest. On Rosenbrock's function, whose largest curvature at the minimum is 1002, below 0.002.

    Attributes:
        f: Which function.
        start: Where the way begins, as (x,y); none: the function's own start.
        condition: Largest over smallest curvature of the quadratic.
        rotation: Angle of the quadratic's long axis, in degrees.
    """

    f: Name = "rosenbrock"
    start: tuple[float, float] | None = None
    condition: float = CONDITION
    rotation: float = ROTATION

    def __post_init__(self) -> None:
        if self.f not in get_args(Name):
            raise DynvizError(f"surface has no function {self.f!r}; one of {', '.join(get_args(Name))}")
        if self.f != "quadratic" and (self.condition, self.rotation) != (CONDITION, ROTATION):
            raise DynvizError(f"condition and rotation are of f=quadratic; {self.f} has neither")
        if not 1 <= self.condition < math.inf:
            raise DynvizError(f"condition={self.condition} is no ratio of largest to smallest; write a number from 1")
        if not math.isfinite(self.rotation):
            raise DynvizError(f"rotation={self.rotation} is no angle; write degrees")
        left, right, bottom, top = FUNCTIONS[self.f].domain
        if self.start and not (left <= self.start[0] <= right and bottom <= self.start[1] <= top):
            raise DynvizError(
                f"start={self.start} is outside the picture of {self.f}; "
                f"x is from {left:g} to {right:g}, y from {bottom:g} to {top:g}"
            )

    def build(self, seed: int) -> Task:  # noqa: ARG002
        function = FUNCTIONS[self.f]

        def f(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            x, y = parameters["position"].unbind()
            return function.value(x, y, self)

        def landscape(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            return constants["landscape"]

        return Task(
            parameters={"position": torch.tensor(self.start or function.start)},
            loss=f,
            batches=no_batches,
            steps=function.steps,
            constants={"landscape": function.value(*_places(function.domain), self)},
            probes=(
                parameter("position", 1, ("coordinate",), "x and y"),
                Probe((Channel("landscape", 0, ("row", "column"), "f over the domain"),), landscape),
            ),
            every=1,
            hyperparameters=function.protocol(self),
            views=("path", "curves"),
            facts={
                "function": self.f,
                "formula": function.formula,
                "domain": list(function.domain),
                "optimum": [list(point) for point in function.optimum],
                "norm": "log",
            },
        )


def _places(domain: Extent) -> tuple[Tensor, Tensor]:
    """The middles x, y [rows, columns] of the landscape's pixels, the first row at the bottom."""
    left, right, bottom, top = domain
    share = (torch.arange(GRID) + 0.5) / GRID
    y, x = torch.meshgrid(bottom + share * (top - bottom), left + share * (right - left), indexing="ij")
    return x, y


scenario = Surface
