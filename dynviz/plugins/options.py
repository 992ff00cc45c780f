"""Options of a plug-in: read from its signature, given as text or as values, and checked against their types."""

import ast
import dataclasses
import inspect
import itertools
import math
import re
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from dynviz.errors import DynvizError, unknown
from dynviz.plugins.grammar import is_grid, split
from dynviz.plugins.option_files import locate, takes_file
from dynviz.plugins.ranges import Range
from dynviz.plugins.schedules import Schedule

MISSING = dataclasses.MISSING
STEPS = 100
"""Assumed length of the last part of a schedule while the length of the run is unknown."""
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


@dataclasses.dataclass(frozen=True)
class Option:
    """One option: its name, type and default (or MISSING), one line that explains it, and its range if it has one."""

    name: str
    type: Any
    default: Any
    help: str = ""
    range: Range | None = None

    @property
    def number(self) -> bool:
        """Whether it accepts floats."""
        several = typing.get_origin(self.type) in (typing.Union, types.UnionType)
        return self.type is float or (several and float in typing.get_args(self.type))

    @property
    def takes_file(self) -> bool:
        """Whether its value may be the path of an input file."""
        return takes_file(self.type)

    @property
    def type_name(self) -> str:
        """The type as a user would write it: `float`, `tangent | nearest`, `int | none`, `float from 0`."""
        return f"{type_name(self.type)} {self.range}" if self.range else type_name(self.type)

    @property
    def annotation(self) -> Any:
        """The type and range as a field annotation."""
        return Annotated[self.type, self.range] if self.range else self.type


def options(target: Callable[..., Any]) -> dict[str, Option]:
    """The options of a plug-in.

    These are the fields of a dataclass, the keyword-only parameters of a function, and for any other class (such as a
    `torch.optim.Optimizer`) all constructor parameters except the first, which is what it works on. Help texts come
    from the `Attributes:` or `Args:` section of the docstring.

    Raises:
        DynvizError: It is a built-in without a signature.
    """
    lines = _explanations(inspect.getdoc(target) or "")
    hints = _hints(target)
    if dataclasses.is_dataclass(target):
        return {
            item.name: Option(item.name, kind, _default(item), lines.get(item.name, ""), range_)
            for item in dataclasses.fields(target)
            for kind, range_ in [_split(hints[item.name])]
            if item.init
        }
    known = {}
    for name, parameter in _parameters(target).items():
        default = MISSING if parameter.default is parameter.empty else parameter.default
        hint = hints.get(name, Any if default is None or default is MISSING else type(default))
        kind, range_ = _split(hint)
        known[name] = Option(name, kind, default, lines.get(name, ""), range_)
    return known


def read(
    known: Mapping[str, Option], given: Mapping[str, Any], what: str, *, scheduled: bool = False
) -> dict[str, Any]:
    """Check options; text is parsed according to the option's type, other values are only checked.

    Args:
        known: The available options.
        given: The options to check, as text or values.
        what: The owner of the options, for messages: `optimizer adamw`.
        scheduled: Whether a number may be given as a schedule, such as `cosine(1e-2)`.

    Raises:
        DynvizError: An option does not exist, or a value is not of its type or out of its range.
    """
    values = {}
    for name, value in given.items():
        if name not in known:
            raise unknown(f"option of {what}", name, known)
        option = known[name]
        text = value if isinstance(value, str) else repr(value)
        if isinstance(value, str) and is_grid(value) and typing.get_origin(option.type) is not list:
            raise DynvizError(f"{name}={value} of {what} is a grid; a run takes one value, `dynviz sweep` takes grids")
        if scheduled and isinstance(value, str) and option.number and Schedule.looks(value):
            values[name] = Schedule(value)
            # The length of the run is not known here, but there is always a first step.
            _within(option, values[name].over(values[name].shortest + STEPS).at(1), text, what)
            continue
        try:
            parsed = _read(value, option.type)
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


def type_name(kind: Any) -> str:
    """A type as a user would write its values."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return " | ".join(str(argument) for argument in arguments)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(dict.fromkeys(type_name(argument) for argument in arguments))
    if origin is tuple:
        return f"({', '.join(type_name(argument) for argument in arguments)})".replace("ellipsis", "...")
    if kind is type(None):
        return "none"
    return {Any: "value", str: "text", Path: "existing file"}.get(kind, getattr(kind, "__name__", str(kind)).lower())


def _read(value: Any, kind: Any) -> Any:
    """Convert text to a value of this type, or check that a value already is one.

    Raises:
        ValueError: It is not a value of this type.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return next(_match(argument for argument in arguments if value in (argument, str(argument))))
    if origin in (typing.Union, types.UnionType):
        return next(_match(_attempts(value, arguments)))
    if origin is tuple:
        return _tuple(value, arguments)
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


def _attempts(value: Any, kinds: tuple[Any, ...]) -> Any:
    # Text and paths match anything, so they come last; None comes first, or `none` would be read as text.
    for kind in sorted(kinds, key=lambda kind: (kind is not type(None), kind in (str, Path))):
        try:
            yield _read(value, kind)
        except (ValueError, TypeError, SyntaxError, OverflowError):
            continue


def _tuple(value: Any, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    if isinstance(value, str):
        if not (value.startswith("(") and value.endswith(")")):
            raise ValueError
        parts: list[Any] = [part.strip() for part in split(value[1:-1]) if part.strip()]
    else:
        parts = list(value)
    if len(kinds) == 2 and kinds[1] is ...:
        return tuple(_read(part, kinds[0]) for part in parts)
    if len(parts) != len(kinds):
        raise ValueError
    return tuple(_read(part, kind) for part, kind in zip(parts, kinds, strict=True))


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


def _parameters(target: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        parameters = inspect.signature(target).parameters
    except (TypeError, ValueError) as error:
        name = getattr(target, "__name__", str(target))
        raise DynvizError(f"{name} is built in and does not say what it takes") from error
    if not inspect.isclass(target):
        return {name: parameter for name, parameter in parameters.items() if parameter.kind is parameter.KEYWORD_ONLY}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    accepted = {name: parameter for name, parameter in list(parameters.items())[1:] if parameter.kind in named}
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()) and len(target.__mro__) > 2:
        # `**options` are passed on to the base class.
        inherited = _parameters(target.__mro__[1]).items()
        accepted = {name: one for name, one in inherited if one.default is not one.empty} | accepted
    return accepted


def _hints(target: Callable[..., Any]) -> dict[str, Any]:
    subjects: list[Any] = [target]
    if inspect.isclass(target) and not dataclasses.is_dataclass(target):
        subjects = [vars(base).get("__init__") for base in reversed(target.__mro__)]
    hints: dict[str, Any] = {}
    for subject in subjects:
        try:
            hints |= typing.get_type_hints(subject, include_extras=True)
        except (NameError, TypeError):
            continue
    return hints


def _split(hint: Any) -> tuple[Any, Range | None]:
    """Split an annotation into its type and its range, if any."""
    if typing.get_origin(hint) is not Annotated:
        return hint, None
    kind, *more = typing.get_args(hint)
    return kind, next((extra for extra in more if isinstance(extra, Range)), None)


def _default(item: dataclasses.Field[Any]) -> Any:
    return item.default if item.default_factory is MISSING else item.default_factory()


def _explanations(docstring: str) -> dict[str, str]:
    """The entries of the `Attributes:` or `Args:` section, each joined into one line."""
    section = re.search(r"^(?:Attributes|Args):\n((?:(?:[ \t]+.*)?\n?)+)", docstring, re.MULTILINE)
    lines: dict[str, str] = {}
    if section:
        body = inspect.cleandoc(section.group(1))
        for entry in re.split(r"\n(?=\S)", body):
            match = re.match(r"\*{0,2}(\w+)(?: \([^)]*\))?: *(.*)", entry, re.DOTALL)
            if match:
                lines[match.group(1)] = " ".join(match.group(2).split())
    return lines
