"""The functions of one and of two variables that are known by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NORMAL = "exp(-x**2/2)/sqrt(2*pi)"
STYBLINSKI = -2.903534027771177
"""The lowest place of (x^4 - 16 x^2 + 5 x) / 2, a root of 4 x^3 - 32 x + 5 = 0."""


@dataclass(frozen=True)
class Function:
    """One function and how it is shown.

    Attributes:
        text: In the language of expressions, with further names for numbers that the scenario gives.
        domain: Left, right, bottom, top of the picture; left and right of a function of x alone.
        start: Where the way begins.
        optimum: The lowest points, and in `two-wells` that of each; none where the function falls without end.
        steps: How long the way is.
        descent: A learning rate that is stable for plain gradient descent.
        stride: A learning rate for rules whose steps do not grow with the gradient.
        noise: Deviation of what is added to each coordinate of the gradient.
        even: Whether contours are spaced evenly, rather than by factors above the lowest point.
        protocol: Hyperparameters by optimizer, where others are published or better.
        title: Of its pictures.
    """

    text: str
    domain: tuple[float, ...]
    start: tuple[float, ...]
    optimum: tuple[tuple[float, ...], ...] = ()
    steps: int = 300
    descent: float = 0.01
    stride: float = 0.05
    noise: float = 0.0
    even: bool = False
    protocol: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    title: str = ""

    def hyperparameters(self) -> dict[str, Mapping[str, Any]]:
        """What the protocol sets, by family of rules, and for rules whose values are published by name.

        Rules whose steps grow with the gradient would leave the picture at once with the rate of those that do not.
        """
        return {
            "growing": {"lr": self.descent},
            "falling": {"lr": 10 * self.stride},
            # Its first steps are plain momentum, which gathers ten gradients.
            "rectified": {"lr": min(self.stride, self.descent)},
            # It is stable where mu and gamma are about the largest curvature.
            "stiff": {"lr": self.stride, "mu": 0.15 / self.descent, "gamma": 0.15 / self.descent},
            "*": {"lr": self.stride},
            **self.protocol,
        }


PLANE = (-2.0, 2.0, -2.0, 2.0)

FUNCTIONS: Mapping[str, Function] = {
    "rosenbrock": Function(
        "(1 - x)**2 + 100*(y - x**2)**2",
        domain=(-2.0, 2.0, -0.5, 3.5),
        start=(0.1, 3.0),
        optimum=((1.0, 1.0),),
        steps=2000,
        descent=1e-3,
        stride=0.02,
        # The published run had the weight decay that is optax's default.
        protocol={"adamw": {"lr": 0.02, "weight_decay": 1e-4}},
        title="Rosenbrock's valley",
    ),
    "quadratic": Function(
        "((cos(rotation)*x + sin(rotation)*y)**2 + condition*(cos(rotation)*y - sin(rotation)*x)**2)/2",
        domain=PLANE,
        start=(-1.7, -0.4),
        optimum=((0.0, 0.0),),
        title="A quadratic bowl",
    ),
    "rastrigin": Function(
        "20 + x**2 + y**2 - 10*cos(2*pi*x) - 10*cos(2*pi*y)",
        domain=(-5.0, 5.0, -5.0, 5.0),
        start=(2.8, -3.3),
        optimum=((0.0, 0.0),),
        descent=1e-3,
        even=True,
        title="Rastrigin's hundred wells",
    ),
    "beale": Function(
        "(1.5 - x + x*y)**2 + (2.25 - x + x*y**2)**2 + (2.625 - x + x*y**3)**2",
        domain=(-1.0, 4.5, -2.0, 2.0),
        start=(1.0, 1.5),
        optimum=((3.0, 0.5),),
        steps=1000,
        descent=5e-3,
        stride=0.02,
        title="Beale's function",
    ),
    "himmelblau": Function(
        "(x**2 + y - 11)**2 + (x + y**2 - 7)**2",
        domain=(-5.0, 5.0, -5.0, 5.0),
        start=(-0.5, -1.5),
        optimum=(
            (3.0, 2.0),
            (-2.8051180869527448, 3.1313125182505729),
            (-3.7793102533777469, -3.2831859912861694),
            (3.5844283403304917, -1.8481265269644036),
        ),
        title="Himmelblau's four minima",
    ),
    "booth": Function(
        "(x + 2*y - 7)**2 + (2*x + y - 5)**2",
        domain=(-6.0, 6.0, -6.0, 6.0),
        start=(-4.5, -3.0),
        optimum=((1.0, 3.0),),
        descent=0.05,
        stride=0.1,
        title="Booth's function",
    ),
    "styblinski-tang": Function(
        "(x**4 - 16*x**2 + 5*x + y**4 - 16*y**2 + 5*y)/2",
        domain=(-4.5, 4.5, -4.5, 4.5),
        start=(0.4, -0.3),
        optimum=((STYBLINSKI, STYBLINSKI),),
        even=True,
        title="The function of Styblinski and Tang",
    ),
    # Without the last term under the root, torch finds no gradient at its lowest point.
    "ackley": Function(
        "20 + e - 20*exp(-0.2*sqrt((x**2 + y**2)/2 + 1e-30)) - exp((cos(2*pi*x) + cos(2*pi*y))/2)",
        domain=(-4.0, 4.0, -4.0, 4.0),
        start=(2.7, 3.4),
        optimum=((0.0, 0.0),),
        even=True,
        title="Ackley's funnel",
    ),
    "morse-saddle": Function(
        "(x**2 - y**2)/2",
        domain=PLANE,
        start=(-1.6, 0.003),
        steps=125,
        descent=0.05,
        stride=0.012,
        even=True,
        title="A saddle",
    ),
    "monkey-saddle": Function(
        "x**3 - 3*x*y**2",
        domain=(-1.5, 1.5, -1.5, 1.5),
        start=(1.2, 0.02),
        steps=70,
        descent=0.02,
        stride=0.01,
        even=True,
        title="A monkey saddle",
    ),
    # The mean over all samples, as `_samples` completes it.
    "least-squares": Function(
        "(a*(x - u)**2 + 2*b*(x - u)*(y - v) + c*(y - v)**2)/2 + rest",
        domain=(-1.5, 3.5, -2.5, 2.5),
        start=(-0.9, 1.8),
        steps=1000,
        descent=0.05,
        stride=0.02,
        title="Least squares",
    ),
    "smooth": Function(
        f"-{NORMAL}",
        domain=(-2.0, 2.0),
        start=(1.9,),
        optimum=((0.0,),),
        steps=150,
        descent=0.1,
        stride=0.03,
        title="A smooth well",
    ),
    "rippled": Function(
        f"-{NORMAL}*(1 + 0.07*sin(15*x))",
        domain=(-2.0, 2.0),
        start=(1.9,),
        optimum=((0.09804966,),),
        steps=150,
        descent=0.1,
        stride=0.03,
        title="A well with ripples",
    ),
    "escape": Function(
        f"-{NORMAL}*(1 + 0.07*sin(15*x))",
        domain=(-2.0, 2.0),
        start=(1.9,),
        optimum=((0.09804966,),),
        descent=0.1,
        stride=0.03,
        noise=0.9,
        title="Noise carries balls over ripples",
    ),
    "two-wells": Function(
        "-exp(-(x/0.9)**2/2)/(0.9*sqrt(2*pi)) - exp(-((x - 13)/5)**2/2)/sqrt(2*pi)",
        domain=(-5.0, 30.0),
        start=(2.0,),
        optimum=((0.01298246,), (13.0,)),
        descent=0.1,
        stride=0.1,
        title="A narrow and a wide well",
    ),
}
