"""Values of options: given as text or as values, and checked against the types of the options."""

import ast
import itertools
import math
import re
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from dynviz.errors import DynvizError, unknown
from dynviz.plugins.grammar import is_grid, split
from dynviz.plugins.option_files import locate
from dynviz.plugins.options import Option
from dynviz.plugins.schedules import Schedule

STEPS = 100
"""Assumed length of the last part of a schedule while the length of the run is unknown."""
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_Reader: TypeAlias = Callable[[Any, Any], Any]
_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


def read(
    known: Mapping[str, Option], given: Mapping[str, Any], what: str, *, scheduled: bool = False, typed: bool = False
) -> dict[str, Any]:
    """Check options; text is parsed according to the option's type, other values are only checked.

    Args:
        known: The available options.
        given: The options to check, as text or values.
        what: The owner of the options, for messages: `optimizer adamw`.
        scheduled: Whether a number may be given as a schedule, such as `cosine(1e-2)`.
        typed: Whether texts are values too, and are taken as they are; schedules remain text.

    Raises:
        DynvizError: An option does not exist, or a value is not of its type or out of its range.
    """
    values = {}
    for name, value in given.items():
        if name not in known:
            raise unknown(f"option of {what}", name, known)
        option = known[name]
        text = value if isinstance(value, str) else repr(value)
        if not typed and isinstance(value, str) and is_grid(value) and typing.get_origin(option.type) is not list:
            raise DynvizError(f"{name}={value} of {what} is a grid; a run takes one value, `dynviz sweep` takes grids")
        if scheduled and isinstance(value, str) and option.number and Schedule.looks(value):
            values[name] = Schedule(value)
            # The length of the run is not known here, but there is always a first step.
            _within(option, values[name].over(values[name].shortest + STEPS).at(1), text, what)
            continue
        try:
            parsed = _checked(value, option.type) if typed else _read(value, option.type)
        except (ValueError, TypeError, SyntaxError, OverflowError):
            more = ", or a schedule like cosine(1e-2)" if scheduled and option.number else ""
            raise DynvizError(
                f"{name}={text} of {what} is not understood; {name} takes {option.type_name}{more}"
            ) from None
        values[name] = _within(option, parsed, text, what)
    return values


def check_schedule(option: Option, schedule: Schedule, what: str, steps: int) -> None:
    """Check that a scheduled number stays within its range for the given number of steps.

    Raises:
        DynvizError: It leaves the range.
    """
    step = option.range.first_outside(schedule, steps) if option.range else None
    if step is not None:
        raise DynvizError(
            f"{option.name}={schedule} of {what} is out of range, with {schedule.over(steps).at(step):.6g} at step "
            f"{step}; {option.name} takes a number {option.range}"
        )


def _within(option: Option, value: Any, text: str, what: str) -> Any:
    if option.range and value not in option.range:
        raise DynvizError(
            f"{option.name}={text} of {what} is out of range; {option.name} takes a number {option.range}"
        )
    return value


def _checked(value: Any, kind: Any) -> Any:
    """Check that a value is of this type; a text is taken as it is.

    Raises:
        ValueError: It is not.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return next(_match(_attempts(value, arguments, _checked)))
    if origin is tuple and not isinstance(value, str):
        return _tuple(value, arguments, _checked)
    if not isinstance(value, str) or origin is Literal:
        return _read(value, kind)
    if kind is Path:
        return locate(value)
    if origin is tuple or kind in (bool, int, float, type(None)):
        raise ValueError
    return value


def _read(value: Any, kind: Any) -> Any:
    """Convert text to a value of this type, or check that a value already is one.

    Raises:
        ValueError: It is not a value of this type.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return next(_match(argument for argument in arguments if value in (argument, str(argument))))
    if origin in (typing.Union, types.UnionType):
        return next(_match(_attempts(value, arguments, _read)))
    if origin is tuple:
        return _tuple(value, arguments, _read)
    if kind is type(None):
        if value is None or (isinstance(value, str) and value.lower() == "none"):
            return None
        raise ValueError
    if kind is Path:
        return locate(value[1:-1] if isinstance(value, str) and _QUOTED.fullmatch(value) else value)
    if kind in (bool, int, float):
        return _scalar(value, kind)
    if kind is str:
        if not isinstance(value, str):
            raise ValueError
        return value[1:-1] if _QUOTED.fullmatch(value) or _bracketed(value) else value
    if not isinstance(value, str):
        return value
    return ast.literal_eval(value)


def _bracketed(text: str) -> bool:
    """Whether the first character is a bracket that the last one closes."""
    depths = list(itertools.accumulate((sign == "(") - (sign == ")") for sign in text))
    return text.startswith("(") and text.endswith(")") and all(depth > 0 for depth in depths[:-1])


def _match(matches: Any) -> Any:
    """Yield from an iterator, then raise a ValueError, so that `next` on an empty one fails with it."""
    yield from matches
    raise ValueError


def _attempts(value: Any, kinds: tuple[Any, ...], read_as: _Reader) -> Any:
    # Text and paths match anything, so they come last; None comes first, or `none` would be read as text.
    for kind in sorted(kinds, key=lambda kind: (kind is not type(None), kind in (str, Path))):
        try:
            yield read_as(value, kind)
        except (ValueError, TypeError, SyntaxError, OverflowError):
            continue


def _tuple(value: Any, kinds: tuple[Any, ...], read_as: _Reader) -> tuple[Any, ...]:
    if isinstance(value, str):
        if not (value.startswith("(") and value.endswith(")")):
            raise ValueError
        parts: list[Any] = [part.strip() for part in split(value[1:-1]) if part.strip()]
    else:
        parts = list(value)
    if len(kinds) == 2 and kinds[1] is ...:
        return tuple(read_as(part, kinds[0]) for part in parts)
    if len(parts) != len(kinds):
        raise ValueError
    return tuple(read_as(part, kind) for part, kind in zip(parts, kinds, strict=True))


def _scalar(value: Any, kind: type) -> bool | int | float:
    if kind is bool:
        text = str(value).lower()
        if text not in _TRUE | _FALSE:
            raise ValueError
        return text in _TRUE
    if isinstance(value, bool):
        raise ValueError  # noqa: TRY004
    number = float(value)
    if math.isnan(number):
        raise ValueError
    if kind is float:
        return number
    if isinstance(value, str) and re.fullmatch(r"[+-]?[\d_]+", value):
        return int(value)
    if not number.is_integer():
        raise ValueError
    return int(number)
