"""Plug-ins given as Python objects instead of names: classes, functions, instances and `functools.partial`."""

import dataclasses
import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any, TypeAlias

from dynviz.errors import DynvizError
from dynviz.plugins.kinds import MAIN, Kind, kind
from dynviz.plugins.option_values import read
from dynviz.plugins.plugin import Plugin
from dynviz.plugins.registry import files, load
from dynviz.plugins.spec import Spec, parse

Given: TypeAlias = str | Spec | Plugin | Callable[..., Any]
"""A name with options, as text or parsed, a plug-in, a class, a function, or a `functools.partial` of one."""


def plugin(plural: str, given: Any) -> Plugin:
    """Turn a name or an object into a plug-in.

    Args:
        plural: The kind: `scenarios`, `optimizers`.
        given: A name with options, as text or parsed, a plug-in, a class or function, a `functools.partial` of one with
            options by keyword, or an instance of a dataclass, whose fields are the options.

    Raises:
        DynvizError: The argument is none of these, or has no such option.
    """
    if isinstance(given, Plugin):
        return given
    if isinstance(given, str | Spec):
        return load(plural, given)
    return with_options(plural, *_parts(given, kind(plural)))


def with_options(plural: str, target: Callable[..., Any], options: Mapping[str, Any]) -> Plugin:
    """A class or function as a plug-in with options.

    Raises:
        DynvizError: It has no such option.
    """
    which = kind(plural)
    wrapped = Plugin(which, path(plural, target), target, {})
    values = read(
        wrapped.options, options, f"{which.binds} {wrapped.name}", scheduled=plural == "optimizers", typed=True
    )
    return replace(wrapped, given=values)


def spec(plural: str, given: Any) -> Spec:
    """The name and options with which another process can load the plug-in.

    Raises:
        DynvizError: Other processes cannot import it.
    """
    if isinstance(given, str):
        return parse(given)
    target, options = _parts(given, kind(plural))
    name = path(plural, target)
    if ("." in name and _attribute(*name.rpartition(".")[::2]) is not target) or name.startswith(MAIN):
        raise DynvizError(
            f"{name.removeprefix(MAIN)} cannot be imported by the processes of a sweep; move it to a module or a file"
        )
    return Spec(name, options, typed=True)


def path(plural: str, target: Callable[..., Any]) -> str:
    """The name of a bundled plug-in, or the shortest import path.

    >>> import torch
    >>> path("optimizers", torch.optim.NAdam)
    'torch.optim.NAdam'
    """
    which = kind(plural)
    module, name = target.__module__, target.__qualname__.replace("<locals>.", "")
    package, _, stem = module.rpartition(".")
    if package == which.package and stem.replace("_", "-") in files(plural):
        return stem.replace("_", "-")
    parts = module.split(".")
    prefixes = (".".join(parts[:count]) for count in range(1, len(parts) + 1))
    home = next((prefix for prefix in prefixes if _attribute(prefix, name) is target), module)
    return f"{home}.{name}"


def among(plural: str, name: str, objects: Iterable[Any]) -> Any:
    """The class that a recording refers to by this name; None if there is none."""
    classes = (thing for thing in objects if callable(thing))
    return next((target for target in classes if path(plural, target) == name), None)


def _parts(given: Any, which: Kind) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Split an object into its class or function and its options."""
    if isinstance(given, functools.partial) and not given.args:
        return given.func, dict(given.keywords)
    if inspect.isclass(given) or inspect.isfunction(given):
        return given, {}
    if dataclasses.is_dataclass(given):
        changed = (
            (field.name, getattr(given, field.name))
            for field in dataclasses.fields(given)
            if field.init and getattr(given, field.name) != _default(field)
        )
        return type(given), dict(changed)
    name = type(given).__name__
    raise DynvizError(
        f"an object of type {name} is no {which.binds}: give a name, a class, an instance of a dataclass, "
        f"or a class with options, functools.partial({name}, key=value)"
    )


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _attribute(module: str, name: str) -> Any:
    loaded: ModuleType | None = sys.modules.get(module)
    return getattr(loaded, name, None)
