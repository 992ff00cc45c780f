"""Options of a plug-in, read from its signature."""

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from dynviz.errors import DynvizError
from dynviz.plugins.option_files import takes_file
from dynviz.plugins.ranges import Range

MISSING = dataclasses.MISSING


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
            for kind, range_ in [split_hint(hints[item.name])]
            if item.init
        }
    known = {}
    for name, parameter in _parameters(target).items():
        default = MISSING if parameter.default is parameter.empty else parameter.default
        hint = hints.get(name, Any if default is None or default is MISSING else type(default))
        kind, range_ = split_hint(hint)
        known[name] = Option(name, kind, default, lines.get(name, ""), range_)
    return known


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


def split_hint(hint: Any) -> tuple[Any, Range | None]:
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
