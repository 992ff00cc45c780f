"""Schedules: values of a hyperparameter that change with the step.

A schedule is written in place of a number: `adamw:lr=cosine(1e-2)`. It is a product of numbers and of the functions in
`SHAPES`, or several of these, one after the other: `warmup(1e-2,500) then cosine(1e-2)`. Step t counts from 1; what a
function gives at t is used by step t. A part that follows another counts its steps from its own first one.
"""

import functools
import inspect
import itertools
import math
import re
from collections.abc import Callable, Iterable, Sequence

from dynviz.errors import DynvizError, unknown
from dynviz.frozen import frozen
from dynviz.plugins.grammar import split
from dynviz.plugins.schedule_shapes import SHAPES


@frozen
class Schedule:
    """A value that changes with the step.

    >>> schedule = Schedule("warmup(0.01,10) then cosine(0.01)").over(110)
    >>> str(schedule), [round(schedule.at(t), 5) for t in (1, 10, 11, 61, 111)]
    ('warmup(0.01,10) then cosine(0.01,100)', [0.001, 0.01, 0.01, 0.005, 0.0])

    Attributes:
        text: As it was written. A function of the last part that is not told how many steps it takes, takes all that
            are left of the run; a run that is made longer keeps its schedule, which then stays where it ended.

    Raises:
        DynvizError: The text is not a schedule.
    """

    text: str

    def __post_init__(self) -> None:
        """Validate the text."""
        # Any length that leaves steps for the last part will do to validate the text.
        self.over(2**40)

    def __str__(self) -> str:
        """The schedule as text."""
        return self.text

    def over(self, steps: int) -> "Schedule":
        """The schedule for a run of this length, with every number of steps filled in.

        Raises:
            DynvizError: The run is too short to reach the last part.
        """
        text = " then ".join("*".join(factor.text for factor in part.factors) for part in _sequence(self.text, steps))
        return self if text == self.text else Schedule(text)

    def after(self, start: int, steps: int) -> "Schedule":
        """The schedule delayed by `start` steps in a run of `steps`, holding its first value until then.

        >>> str(Schedule("cosine(0.1)").after(40, 100))
        'constant(0.1,40) then cosine(0.1,60)'
        """
        if not start:
            return self.over(steps)
        first = self.over(steps - start).at(1)
        return Schedule(f"constant({first},{start}) then {self.text}").over(steps)

    @property
    def shortest(self) -> int:
        """The length of the shortest run that reaches the last part."""
        return _sequence(self.text, 2**40)[-1].start + 1

    def at(self, t: int) -> float:
        """The value at step t, counted from 1; every number of steps must be filled in, see `over`."""
        part = next(part for part in reversed(self._parts) if t > part.start or not part.start)
        try:
            return math.prod(factor.at(t - part.start) for factor in part.factors)
        except OverflowError:
            return math.inf

    @functools.cached_property
    def _parts(self) -> "tuple[_Part, ...]":
        return _sequence(self.text, None)

    @staticmethod
    def looks(text: str) -> bool:
        """Whether a text is meant as a schedule, that is, calls one of the functions in `SHAPES`.

        >>> Schedule.looks("cosine(1e-2)"), Schedule.looks("0.1"), Schedule.looks("log(1e-4,1,25)")
        (True, False, False)
        """
        return any(re.search(rf"\b{name}\(", text) for name in SHAPES)


@frozen
class _Factor:
    """A number or function: its complete text, its values, and its number of steps if it has one."""

    text: str
    at: Callable[[int], float]
    steps: int | None = None


@frozen
class _Part:
    """A product of factors that begins after `start` steps."""

    start: int
    factors: tuple[_Factor, ...]


def _sequence(text: str, steps: int | None) -> tuple[_Part, ...]:
    """Parse the consecutive parts; the last one takes the remaining steps."""
    *leading, last = re.split(r"\bthen\b", text)
    parts, start = [], 0
    for product in leading:
        factors = tuple(_factor(factor, None) for factor in _product(product))
        lengths = [factor.steps for factor in factors if factor.steps is not None]
        if not lengths:
            raise DynvizError(f"{product.strip()!r} has no end: say before `then` how many steps it takes")
        parts.append(_Part(start, factors))
        start += max(lengths)
    left = None if steps is None or steps <= start else steps - start
    try:
        return (*parts, _Part(start, tuple(_factor(factor, left) for factor in _product(last))))
    except DynvizError as error:
        if steps is None or left is not None:
            raise
        raise DynvizError(
            f"{error}, or train longer: the parts before it take {start} steps, the run has {steps}"
        ) from error


def _product(text: str) -> Sequence[str]:
    factors, depth, start = [], 0, 0
    for index, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == "*" and not depth:
            factors.append(text[start:index])
            start = index + 1
    return [part.strip() for part in [*factors, text[start:]]]


def _factor(text: str, steps: int | None) -> _Factor:
    number = _number(text)
    if number is not None:
        return _Factor(text, lambda _: number)
    match = re.fullmatch(r"([a-z_]+)\((.*)\)", text)
    if not match:
        raise DynvizError(f"{text!r} is neither a number nor a schedule, such as cosine(1e-2) or warmup(1e-2,500)")
    name, inside = match.groups()
    if name not in SHAPES:
        raise unknown("schedule", name, SHAPES)
    known = inspect.signature(SHAPES[name]).parameters
    values = _arguments(name, inside, known)
    if "steps" in known and "steps" not in values and steps is not None:
        values["steps"] = float(steps)
    missing = [key for key, parameter in known.items() if parameter.default is parameter.empty and key not in values]
    if missing:
        raise DynvizError(f"{text} is missing {' and '.join(missing)}: write {usage(name)}")
    _check(text, values)
    # Positional up to the first omitted argument, then by name.
    leading = list(itertools.takewhile(values.__contains__, known))
    written = ",".join(
        f"{'' if key in leading else key + '='}{repr(values[key]).removesuffix('.0')}" for key in known if key in values
    )
    length = math.ceil(values["steps"]) if "steps" in values else None
    return _Factor(f"{name}({written})", SHAPES[name](**values), length)


def _arguments(name: str, inside: str, known: Iterable[str]) -> dict[str, float]:
    names = list(known)
    values: dict[str, float] = {}
    for place, item in enumerate(part for part in split(inside) if part.strip()):
        key, sign, text = (part.strip() for part in item.rpartition("="))
        key = key if sign else (names[place] if place < len(names) else "")
        number = _number(text)
        if key not in names or key in values or number is None:
            raise DynvizError(f"{item.strip()!r} in {name}({inside}) is not understood; write {usage(name)}")
        values[key] = number
    return values


def _check(text: str, values: dict[str, float]) -> None:
    for key in ("steps", "every", "half"):
        if key in values and not values[key] >= 1:
            raise DynvizError(f"{key} in {text} is {values[key]:g}; it must be a number of steps, 1 or more")
    if text.startswith("exponential") and not (values["start"] > 0 and values["end"] > 0):
        raise DynvizError(f"{text} grows by equal factors, so both ends must be above 0")
    if text.startswith("undecayed"):
        rate, decay, momentum = values["rate"], values["decay"], values.get("momentum", 0.0)
        if not (rate > 0 <= decay and 0 <= momentum < 1 and rate * decay < (1 - math.sqrt(momentum)) ** 2):
            raise DynvizError(f"{text} takes rate * decay from 0 to below (1 - sqrt(momentum))^2, and momentum below 1")
    if text.startswith("onecycle"):
        share, steps = values.get("share", 0.3), values["steps"]
        if not (share < 1 < share * steps and steps >= 10):
            raise DynvizError(f"{text} needs 10 steps or more, and a share below 1 that is longer than one step")


def usage(name: str) -> str:
    """The signature of a schedule function: `cosine(start,steps,end=0)`."""
    parameters = inspect.signature(SHAPES[name]).parameters.values()
    arguments = [
        parameter.name if parameter.default is parameter.empty else f"{parameter.name}={parameter.default:g}"
        for parameter in parameters
    ]
    return f"{name}({','.join(arguments)})"


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
