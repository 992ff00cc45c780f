"""Options of a plug-in: read from its signature, given as text or as values, checked against their types."""

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
"""Of the last part of a schedule, in a run whose length is not known yet."""
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
        """Whether it takes numbers that are not whole."""
        several = typing.get_origin(self.type) in (typing.Union, types.UnionType)
        return self.type is float or (several and float in typing.get_args(self.type))

    @property
    def takes_file(self) -> bool:
        """Whether it may name a file that is read."""
        return takes_file(self.type)

    @property
    def type_name(self) -> str:
        """The type as a user would write it: `float`, `tangent | nearest`, `int | none`, `float from 0`."""
        return f"{type_name(self.type)} {self.range}" if self.range else type_name(self.type)

    @property
    def annotation(self) -> Any:
        """The type with its range, as a field has it."""
        return Annotated[self.type, self.range] if self.range else self.type


def options(target: Callable[..., Any]) -> dict[str, Option]:
    """The options of a plug-in.

    They are the fields of a dataclass, the keyword-only parameters of a function, and of any other class (a
    `torch.optim.Optimizer`) all parameters but the first, which is what it works on. Explanations come from the
    `Attributes:` or `Args:` section of the docstring.

    Raises:
        DynvizError: It is something built in that does not say what it takes.
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
    found = {}
    for name, parameter in _parameters(target).items():
        default = MISSING if parameter.default is parameter.empty else parameter.default
        hint = hints.get(name, Any if default is None or default is MISSING else type(default))
        kind, range_ = _split(hint)
        found[name] = Option(name, kind, default, lines.get(name, ""), range_)
    return found


def read(
    known: Mapping[str, Option], given: Mapping[str, Any], what: str, *, scheduled: bool = False
) -> dict[str, Any]:
    """Check given options; texts are read by the option's type, other values only checked.

    Args:
        known: What there is.
        given: What was asked for.
        what: Whose options they are, for messages: `optimizer adamw`.
        scheduled: Whether a number may be a schedule, `cosine(1e-2)`, which is then read as one.

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
            # How long the run will be is not known here; it has a first step at least.
            _within(option, values[name].over(values[name].shortest + STEPS).at(1), text, what)
            continue
        try:
            found = _read(value, option.type)
        except (ValueError, TypeError, SyntaxError, OverflowError):
            more = ", or a schedule like cosine(1e-2)" if scheduled and option.number else ""
            raise DynvizError(
                f"{name}={text} of {what} is not understood; {name} takes {option.type_name}{more}"
            ) from None
        values[name] = _within(option, found, text, what)
    return values


def check_schedule(option: Option, schedule: Schedule, what: str, steps: int) -> None:
    """See that a scheduled number stays in its range for so many steps.

    Raises:
        DynvizError: It does not.
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
    """One value of this type, from text or from a value that may already be one.

    Raises:
        ValueError: It is not.
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
    """Whether the first sign is a bracket that the last one closes."""
    depths = list(itertools.accumulate((sign == "(") - (sign == ")") for sign in text))
    return text.startswith("(") and text.endswith(")") and all(depth > 0 for depth in depths[:-1])


def _match(found: Any) -> Any:
    """The same iterator, ending in a ValueError where it is empty."""
    yield from found
    raise ValueError


def _attempts(value: Any, kinds: tuple[Any, ...]) -> Any:
    # Text and paths match anything, and so come last; None first, or `none` would be a text.
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
        return {name: each for name, each in parameters.items() if each.kind is each.KEYWORD_ONLY}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    found = {name: each for name, each in list(parameters.items())[1:] if each.kind in named}
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()) and len(target.__mro__) > 2:
        # `**options` are handed on to the class that it extends.
        inherited = _parameters(target.__mro__[1])
        found = {name: each for name, each in inherited.items() if each.default is not each.empty} | found
    return found


def _hints(target: Callable[..., Any]) -> dict[str, Any]:
    subjects: list[Any] = [target]
    if inspect.isclass(target) and not dataclasses.is_dataclass(target):
        subjects = [vars(each).get("__init__") for each in reversed(target.__mro__)]
    hints: dict[str, Any] = {}
    for subject in subjects:
        try:
            hints |= typing.get_type_hints(subject, include_extras=True)
        except (NameError, TypeError):
            continue
    return hints


def _split(hint: Any) -> tuple[Any, Range | None]:
    """The type of an annotation, and the range in it."""
    if typing.get_origin(hint) is not Annotated:
        return hint, None
    kind, *more = typing.get_args(hint)
    return kind, next((each for each in more if isinstance(each, Range)), None)


def _default(item: dataclasses.Field[Any]) -> Any:
    return item.default if item.default_factory is MISSING else item.default_factory()


def _explanations(docstring: str) -> dict[str, str]:
    """The entries of the `Attributes:` or `Args:` section, each joined to one line."""
    section = re.search(r"^(?:Attributes|Args):\n((?:(?:[ \t]+.*)?\n?)+)", docstring, re.MULTILINE)
    lines: dict[str, str] = {}
    if section:
        body = inspect.cleandoc(section.group(1))
        for entry in re.split(r"\n(?=\S)", body):
            match = re.match(r"\*{0,2}(\w+)(?: \([^)]*\))?: *(.*)", entry, re.DOTALL)
            if match:
                lines[match.group(1)] = " ".join(match.group(2).split())
    return lines
