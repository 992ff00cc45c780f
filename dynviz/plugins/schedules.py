"""Schedules: values of a hyperparameter that change with the step.

A schedule is written in place of a number: `adamw:lr=warmup(1,500)*cosine(1e-2)`. It is a product of numbers and of
the functions in `SHAPES`. Step t counts from 1; what a function gives at t is used by step t.
"""

import functools
import inspect
import itertools
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dynviz.errors import DynvizError, unknown
from dynviz.plugins.grammar import split

Shape = Callable[..., Callable[[int], float]]


def warmup(peak: float, steps: float) -> Callable[[int], float]:
    """From peak / steps at the first step in a straight line to `peak` at step `steps`, and there it stays."""
    return lambda t: peak * min(1.0, t / steps)


def ramp(start: float, end: float, steps: float) -> Callable[[int], float]:
    """From `start` at the first step in a straight line to `end` after `steps` steps, and there it stays."""
    return lambda t: start + (end - start) * _done(t, steps)


def cosine(start: float, steps: float, end: float = 0.0) -> Callable[[int], float]:
    """From `start` at the first step along half a cosine to `end` after `steps` steps, and there it stays.

    Source: Loshchilov and Hutter 2017, SGDR, equation 5, without restarts.
    """
    return lambda t: end + (start - end) * (1 + math.cos(math.pi * _done(t, steps))) / 2


def exponential(start: float, end: float, steps: float) -> Callable[[int], float]:
    """From `start` at the first step by equal factors to `end` after `steps` steps, and there it stays."""
    return lambda t: start * (end / start) ** _done(t, steps)


def stairs(start: float, every: float, factor: float = 0.1) -> Callable[[int], float]:
    """`start`, times `factor` after every `every` steps."""
    return lambda t: start * factor ** ((t - 1) // every)


def onecycle(peak: float, steps: float, share: float = 0.3) -> Callable[[int], float]:
    """From peak / 25 along a cosine to `peak` in a `share` of the steps, and down to peak / 250 000.

    Source: Smith and Topin 2018, Super-convergence, with the numbers of `torch.optim.lr_scheduler.OneCycleLR`.
    """
    low, least = peak / 25, peak / 25 / 1e4
    # torch gives the first part `share` of all steps but one, and the rest what is left until the last one.
    top, last = share * steps - 1, steps - 1

    def at(t: int) -> float:
        step = min(t - 1, last)
        if step <= top:
            return low + (peak - low) * (1 - math.cos(math.pi * step / top)) / 2
        return least + (peak - least) * (1 + math.cos(math.pi * (step - top) / (last - top))) / 2

    return at


SHAPES: dict[str, Shape] = {each.__name__: each for each in (warmup, ramp, cosine, exponential, stairs, onecycle)}
"""The functions that schedules are made of, by name."""


def _done(t: int, steps: float) -> float:
    """Which share of so many steps is done before step t."""
    return min(t - 1, steps) / steps


@dataclass(frozen=True)
class Schedule:
    """A value that changes with the step.

    >>> schedule = Schedule("warmup(1,10) * cosine(0.01)").over(100)
    >>> str(schedule), [round(schedule.at(t), 5) for t in (1, 10, 51, 101)]
    ('warmup(1,10)*cosine(0.01,100)', [0.001, 0.0098, 0.005, 0.0])

    Attributes:
        text: As it was written. A function that is not told how many steps it takes, takes all those of the run; one
            that is made longer keeps its schedule, which then stays where it ended.

    Raises:
        DynvizError: It is none.
    """

    text: str

    def __post_init__(self) -> None:
        """Check it."""
        # Any number of steps will do to see that the rest is right.
        self.over(1_000)

    def __str__(self) -> str:
        """As it is written."""
        return self.text

    def over(self, steps: int) -> "Schedule":
        """The schedule of a run of so many steps, with every number of steps written out."""
        text = "*".join(_factor(part, steps)[0] for part in _parts(self.text))
        return self if text == self.text else Schedule(text)

    def at(self, t: int) -> float:
        """The value at step t, from 1; the schedule must say how many steps it takes."""
        try:
            return math.prod(factor(t) for factor in self._factors)
        except OverflowError:
            return math.inf

    @functools.cached_property
    def _factors(self) -> tuple[Callable[[int], float], ...]:
        return tuple(_factor(part, None)[1] for part in _parts(self.text))

    @staticmethod
    def looks(text: str) -> bool:
        """Whether a text is meant as a schedule: a name of one and a bracket stand in it.

        >>> Schedule.looks("cosine(1e-2)"), Schedule.looks("0.1"), Schedule.looks("log(1e-4,1,25)")
        (True, False, False)
        """
        return any(re.search(rf"\b{name}\(", text) for name in SHAPES)


def _parts(text: str) -> Sequence[str]:
    found, depth, start = [], 0, 0
    for index, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == "*" and not depth:
            found.append(text[start:index])
            start = index + 1
    return [part.strip() for part in [*found, text[start:]]]


def _factor(text: str, steps: int | None) -> tuple[str, Callable[[int], float]]:
    """One factor: its text with every number in it, and what it gives."""
    number = _number(text)
    if number is not None:
        return text, lambda _: number
    match = re.fullmatch(r"([a-z_]+)\((.*)\)", text)
    if not match:
        raise DynvizError(f"{text!r} is no number and no schedule; a schedule is like cosine(1e-2), warmup(1e-2,500)")
    name, inside = match.groups()
    if name not in SHAPES:
        raise unknown("schedule", name, SHAPES)
    known = inspect.signature(SHAPES[name]).parameters
    values = _arguments(name, inside, known)
    if "steps" in known and "steps" not in values and steps is not None:
        values["steps"] = float(steps)
    missing = [each for each, one in known.items() if one.default is one.empty and each not in values]
    if missing:
        raise DynvizError(f"{text} lacks {' and '.join(missing)}: write {_usage(name)}")
    _check(text, values)
    # By place up to the first that is left out, then by name.
    leading = list(itertools.takewhile(values.__contains__, known))
    written = ",".join(
        f"{'' if key in leading else key + '='}{repr(values[key]).removesuffix('.0')}" for key in known if key in values
    )
    return f"{name}({written})", SHAPES[name](**values)


def _arguments(name: str, inside: str, known: Iterable[str]) -> dict[str, float]:
    names = list(known)
    values: dict[str, float] = {}
    for place, item in enumerate(part for part in split(inside) if part.strip()):
        key, sign, text = (part.strip() for part in item.rpartition("="))
        key = key if sign else (names[place] if place < len(names) else "")
        number = _number(text)
        if key not in names or key in values or number is None:
            raise DynvizError(f"{item.strip()!r} in {name}({inside}) is not understood; write {_usage(name)}")
        values[key] = number
    return values


def _check(text: str, values: dict[str, float]) -> None:
    for key in ("steps", "every"):
        if key in values and not values[key] >= 1:
            raise DynvizError(f"{key} in {text} is {values[key]:g}; it is a number of steps, 1 or more")
    if text.startswith("exponential") and not (values["start"] > 0 and values["end"] > 0):
        raise DynvizError(f"{text} grows by equal factors, so both ends are above 0")
    if text.startswith("onecycle"):
        share, steps = values.get("share", 0.3), values["steps"]
        if not (share < 1 < share * steps and steps >= 10):
            raise DynvizError(f"{text} takes 10 steps or more, and a share below 1 that is more than one step of them")


def _usage(name: str) -> str:
    parameters = inspect.signature(SHAPES[name]).parameters.values()
    said = [each.name if each.default is each.empty else f"{each.name}={each.default:g}" for each in parameters]
    return f"{name}({','.join(said)})"


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
