"""Families of rules, each written once with a switch for every point in which published implementations differ."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.frozen import frozen

Array: TypeAlias = NDArray[np.float64]
Choice: TypeAlias = Mapping[str, str]


@frozen(kw_only=True)
class Trace:
    """The first steps of one side.

    Attributes:
        theta: The parameters before the first step and after each [steps + 1, numbers].
        gradients: Of the steps [steps, numbers].
        values: Hyperparameters by their names in torch: lr, beta1, beta2, eps, weight_decay, momentum and others.
        eps: The rounding unit of the arithmetic.
        shapes: Of the parameters that make up a row, in order.
    """

    theta: Array
    gradients: Array
    values: Mapping[str, float]
    eps: float = 2.0**-52
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def value(self, name: str) -> float:
        """A hyperparameter, 0 where there is none."""
        return self.values.get(name, 0.0)


Simulate: TypeAlias = Callable[[Trace, Choice], Array]


@frozen(kw_only=True)
class Family:
    """One family of rules.

    Attributes:
        name: What it is called.
        needs: Hyperparameters without which a rule is none of it.
        switches: Points in which implementations differ: each with what may stand there, torch's way first.
        simulate: The parameters that a choice gives [steps + 1, numbers].
        close: A side is matched where each parameter agrees to this share of its largest move.
        most: How many switches may stand otherwise than in torch.
    """

    name: str
    needs: tuple[str, ...]
    switches: Mapping[str, tuple[str, ...]]
    simulate: Simulate
    close: float = 1e-10
    most: int = 4

    def choices(self, values: Mapping[str, float]) -> Iterator[dict[str, str]]:
        """All choices, those nearest to torch's first."""
        switches = {name: ways for name, ways in self.switches.items() if _matters(name, values)}
        plain = {name: ways[0] for name, ways in self.switches.items()}
        for count in range(self.most + 1):
            for names in itertools.combinations(switches, count):
                for ways in itertools.product(*(switches[name][1:] for name in names)):
                    yield {**plain, **dict(zip(names, ways, strict=True))}


def _matters(switch: str, values: Mapping[str, float]) -> bool:
    """Whether a switch makes a difference with these hyperparameters."""
    needed = {"decay": "weight_decay", "epsilon": "eps", "average": "momentum"}.get(switch)
    return needed is None or bool(values.get(needed))


def signed(trace: Trace, choice: Choice) -> Array:
    return -trace.gradients if choice["sign"] == MAXIMIZES else trace.gradients


MAXIMIZES = "maximizes"
SIGN = ("minimizes", MAXIMIZES)
DECAY = (
    "decoupled, before the step",
    "decoupled, after the step",
    "decoupled, not scaled by lr",
    "added to the gradient",
    "left out",
)
BEFORE, AFTER, UNSCALED, COUPLED, NO_DECAY = DECAY
SCALARS = ("hyperparameters in float64", "hyperparameters rounded to float32")
EPSILON = (
    "added to the root after bias correction",
    "added to the root before bias correction",
    "inside of the root",
    "subtracted from the root",
)
CORRECTION = (
    "both means corrected for bias",
    "neither mean corrected",
    "only the first mean corrected",
    "only the second mean corrected",
    "both means multiplied by what they should be divided by",
    "both means corrected as at the first step",
)
COUNT = ("steps counted from 1", "steps counted from 2", "steps counted from 0")
FIRST = ("means begin at zero", "the first mean begins at the first gradient")


def decayed(theta: Array, moved: Callable[[Array], Array], choice: Choice, lr: float, decay: float) -> Array:
    """The parameters after a step whose decay is decoupled; `moved` gives its other part."""
    way = choice["decay"]
    if way == BEFORE:
        return theta * (1 - lr * decay) + moved(theta)
    if way == AFTER:
        return (theta + moved(theta)) * (1 - lr * decay)
    if way == UNSCALED:
        return theta * (1 - decay) + moved(theta)
    return theta + moved(theta)


def _adam(trace: Trace, choice: Choice) -> Array:
    names = ("lr", "beta1", "beta2", "eps", "weight_decay")
    numbers = [trace.value(name) for name in names]
    if choice["scalars"] == SCALARS[1]:
        numbers = [float(np.float32(number)) for number in numbers]
    lr, beta1, beta2, eps, decay = numbers
    theta = trace.theta[0]
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    rows = [theta]
    for place, gradient in enumerate(signed(trace, choice)):
        t = place + {COUNT[0]: 1, COUNT[1]: 2, COUNT[2]: 0}[choice["count"]]
        g = gradient + decay * theta if choice["decay"] == COUPLED else gradient
        m = g if place == 0 and choice["first"] == FIRST[1] else beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        way = choice["correction"]
        counted = 1 if way == CORRECTION[5] else t
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = [np.float64(1 - beta1**counted), np.float64(1 - beta2**counted)]
            if way == CORRECTION[4]:
                shares = [1 / share for share in shares]
            mean = m if way in (CORRECTION[1], CORRECTION[3]) else m / shares[0]
            share = np.float64(1.0) if way in (CORRECTION[1], CORRECTION[2]) else shares[1]
            if choice["epsilon"] in (EPSILON[0], EPSILON[3]):
                root = np.sqrt(v / share) + (eps if choice["epsilon"] == EPSILON[0] else -eps)
            elif choice["epsilon"] == EPSILON[1]:
                root = (np.sqrt(v) + eps) / np.sqrt(share)
            else:
                root = np.sqrt(v / share + eps)
            step = -lr * np.where(mean == 0, 0.0, mean / root)
        theta = decayed(theta, lambda _, step=step: step, choice, lr, decay)  # type: ignore[misc]
        rows.append(theta)
    return np.array(rows)


VELOCITY = ("velocity + gradient", "velocity + (1 - momentum) gradient")
BEGIN = ("the first velocity is the first gradient", "the first velocity is dampened too", "the first velocity is zero")
NESTEROV = ("heavy ball", "Nesterov's momentum")


def _sgd(trace: Trace, choice: Choice) -> Array:
    lr, momentum, decay = (trace.value(name) for name in ("lr", "momentum", "weight_decay"))
    damp = momentum if choice["velocity"] == VELOCITY[1] else trace.value("dampening")
    theta = trace.theta[0]
    velocity = np.zeros_like(theta)
    rows = [theta]
    for place, gradient in enumerate(signed(trace, choice)):
        g = gradient + decay * theta if choice["decay"] == COUPLED else gradient
        if place == 0:
            velocity = {BEGIN[0]: g, BEGIN[1]: (1 - damp) * g, BEGIN[2]: np.zeros_like(g)}[choice["begin"]]
        else:
            velocity = momentum * velocity + (1 - damp) * g
        fresh = (1 - damp) if choice["velocity"] == VELOCITY[1] else 1.0
        aim = fresh * g + momentum * velocity if choice["momentum"] == NESTEROV[1] else velocity
        theta = decayed(theta, lambda _, aim=aim: -lr * aim, choice, lr, decay)  # type: ignore[misc]
        rows.append(theta)
    return np.array(rows)


MEAN_SQUARE = ("the mean square begins at zero", "the mean square begins at one")
CENTERED = ("the plain mean square", "the variance")


def _rmsprop(trace: Trace, choice: Choice) -> Array:
    lr, rho, eps, decay = (trace.value(name) for name in ("lr", "beta2", "eps", "weight_decay"))
    theta = trace.theta[0]
    v = np.ones_like(theta) if choice["begin"] == MEAN_SQUARE[1] else np.zeros_like(theta)
    mean = np.zeros_like(theta)
    rows = [theta]
    for gradient in signed(trace, choice):
        g = gradient + decay * theta if choice["decay"] == COUPLED else gradient
        v = rho * v + (1 - rho) * g * g
        mean = rho * mean + (1 - rho) * g
        square = v - mean * mean if choice["centered"] == CENTERED[1] else v
        root = np.sqrt(square + eps) if choice["epsilon"] == EPSILON[2] else np.sqrt(square) + eps
        with np.errstate(divide="ignore", invalid="ignore"):
            step = -lr * np.where(g == 0, 0.0, g / root)
        theta = decayed(theta, lambda _, step=step: step, choice, lr, decay)  # type: ignore[misc]
        rows.append(theta)
    return np.array(rows)


SCHEDULE = ("the schedule in the arithmetic of the parameters", "the schedule rounded to float32 at each step")


def _rounded(value: float, choice: Choice) -> float:
    """A number of the schedule as it is kept from step to step."""
    return float(np.float32(value)) if choice["schedule"] == SCHEDULE[1] else value


def _nadam(trace: Trace, choice: Choice) -> Array:
    """Dozat's mu is a schedule whose product is kept: torch keeps it in float32, whatever the parameters are in."""
    names = ("lr", "beta1", "beta2", "eps", "weight_decay", "momentum_decay")
    lr, beta1, beta2, eps, decay, warmup = (trace.value(name) for name in names)
    theta, product = trace.theta[0], 1.0
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    rows = [theta]
    for t, gradient in enumerate(signed(trace, choice), 1):
        g = gradient + decay * theta if choice["decay"] == COUPLED else gradient
        mu, ahead = (beta1 * (1 - 0.5 * 0.96 ** (place * warmup)) for place in (t, t + 1))
        # Both factors are rounded, then what they make.
        product = _rounded(product * _rounded(mu, choice), choice)
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        root = np.sqrt(v / (1 - beta2**t)) + eps
        with np.errstate(divide="ignore", invalid="ignore"):
            aim = (1 - mu) / (1 - product) * g + ahead / (1 - product * ahead) * m
            step = -lr * np.where(aim == 0, 0.0, aim / root)
        theta = decayed(theta, lambda _, step=step: step, choice, lr, decay)  # type: ignore[misc]
        rows.append(theta)
    return np.array(rows)


def _asgd(trace: Trace, choice: Choice) -> Array:
    """The rate of each step is made at the end of the one before: torch keeps it in float32."""
    lr, scale, power, decay = (trace.value(name) for name in ("lr", "lambd", "alpha", "weight_decay"))
    theta = trace.theta[0]
    rows = [theta]
    for t, gradient in enumerate(signed(trace, choice)):
        rate = _rounded(lr / (1 + scale * lr * t) ** power, choice)
        theta = theta * (1 - scale * rate) - rate * (gradient + decay * theta)
        rows.append(theta)
    return np.array(rows)


FAMILIES = (
    Family(
        name="NAdam",
        needs=("lr", "beta1", "beta2", "momentum_decay"),
        switches={"schedule": SCHEDULE[::-1], "decay": (COUPLED, BEFORE, AFTER, NO_DECAY), "sign": SIGN},
        simulate=_nadam,
    ),
    Family(
        name="ASGD",
        needs=("lr", "lambd", "alpha"),
        switches={"schedule": SCHEDULE[::-1], "sign": SIGN},
        simulate=_asgd,
    ),
    Family(
        name="Adam",
        needs=("lr", "beta1", "beta2"),
        switches={
            "decay": DECAY,
            "epsilon": EPSILON,
            "correction": CORRECTION,
            "sign": SIGN,
            "count": COUNT,
            "first": FIRST,
            "scalars": SCALARS,
        },
        simulate=_adam,
    ),
    Family(
        name="RMSprop",
        needs=("lr", "beta2"),
        switches={
            "decay": DECAY,
            "epsilon": (EPSILON[0], EPSILON[2]),
            "begin": MEAN_SQUARE,
            "centered": CENTERED,
            "sign": SIGN,
        },
        simulate=_rmsprop,
    ),
    Family(
        name="SGD",
        needs=("lr",),
        switches={
            "decay": (COUPLED, BEFORE, AFTER, UNSCALED, NO_DECAY),
            "velocity": VELOCITY,
            "begin": BEGIN,
            "momentum": NESTEROV,
            "sign": SIGN,
        },
        simulate=_sgd,
    ),
)
