"""Plug-ins given as Python objects instead of names: classes, functions, instances and `functools.partial`."""

import dataclasses
import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import ModuleType
from typing import Any, TypeAlias

from dynviz.errors import DynvizError
from dynviz.plugins.grammar import Spec
from dynviz.plugins.kinds import Kind, kind
from dynviz.plugins.options import read
from dynviz.plugins.registry import Plugin, files, load
from dynviz.plugins.trust import MAIN

Given: TypeAlias = str | Plugin | Callable[..., Any]
"""A name with options, a plug-in, a class, a function, or a `functools.partial` of one."""


def plugin(plural: str, given: Any) -> Plugin:
    """Turn a name or an object into a plug-in.

    Args:
        plural: The kind: `scenarios`, `optimizers`.
        given: A name with options, a plug-in, a class or function, a `functools.partial` of one with options by
            keyword, or an instance of a dataclass, whose fields are the options.

    Raises:
        DynvizError: The argument is none of these, or has no such option.
    """
    if isinstance(given, Plugin):
        return given
    if isinstance(given, str):
        return load(plural, given)
    which = kind(plural)
    target, options = _parts(given, which)
    wrapped = Plugin(which, path(plural, target), target, {})
    values = read(wrapped.options, options, f"{which.binds} {wrapped.name}", scheduled=plural == "optimizers")
    return replace(wrapped, given=values)


def text(plural: str, given: Any) -> str:
    """The text by which another process can load the plug-in; options that are lists become grids.

    Raises:
        DynvizError: Other processes cannot import it.
    """
    if isinstance(given, str):
        return given
    target, options = _parts(given, kind(plural))
    name = path(plural, target)
    if ("." in name and _attribute(*name.rpartition(".")[::2]) is not target) or name.startswith(MAIN):
        raise DynvizError(
            f"{name.removeprefix(MAIN)} cannot be imported by the processes of a sweep; put it into a module or a file"
        )
    return str(Spec(name, {key: written(value) for key, value in options.items()}))


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


def written(value: Any) -> str:
    """Format a value as it is written on the command line."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        items = ",".join(map(written, value))
        return f"({items})" if isinstance(value, tuple) else f"[{items}]"
    return str(value)
