"""Expanding the grids in a plug-in's options into combinations of values."""

import itertools
import math
import typing
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins import Plugin, grammar, load
from dynviz.plugins.option_values import read
from dynviz.plugins.options import MISSING, Option
from dynviz.plugins.spec import Spec

COMBINATIONS = 2**16
"""Of the values in all grids of one plug-in: each is checked, and has lanes of its own."""


@frozen
class Combination:
    """One combination.

    Attributes:
        plugin: The plug-in with the values of this combination.
        written: The same values as they were written.
    """

    plugin: Plugin
    written: Mapping[str, Any]


def choices(plural: str, spec: Spec) -> tuple[Combination, ...]:
    """Every combination of the values in the grids of `NAME:key=grid,...`; the last grid varies fastest.

    A value may be the name of another option, whose value it takes: `M=[8,64],N=M`.

    Args:
        plural: The kind: `scenarios`, `optimizers`.
        spec: What was written; among values, a list is a grid.

    Raises:
        DynvizError: The plug-in or an option does not exist, or a value has the wrong type.
    """
    bare = load(plural, replace(spec, options={}))
    known, what = bare.options, f"{bare.kind.binds} {bare.name}"
    linked = {
        name: value
        for name, value in spec.options.items()
        if not spec.typed and _names_option(value, known.get(name), known)
    }
    grids = {name for name, value in spec.options.items() if _is_numeric_grid(value, known.get(name))}
    typed = spec.options.keys() - grids if spec.typed else set()
    listed = {
        name: _values(value, known.get(name), f"{name} of {what}")
        for name, value in spec.options.items()
        if name not in linked
    }
    count = math.prod(map(len, listed.values()))
    if count > COMBINATIONS:
        raise DynvizError(
            f"the grids of {what} have {count:,} combinations, more than {COMBINATIONS:,}: give fewer values"
        )
    chosen = []
    for values in itertools.product(*listed.values()):
        texts = dict(zip(listed, values, strict=True))
        options = {name: _follow(name, texts, linked, known) for name in spec.options}
        given = {
            key: value
            for name in options
            for key, value in read(
                known, {name: options[name]}, what, scheduled=plural == "optimizers", typed=name in typed
            ).items()
        }
        chosen.append(Combination(replace(bare, given=given), options))
    return tuple(chosen)


def _values(value: Any, option: Option | None, what: str) -> tuple[Any, ...]:
    if option is None or typing.get_origin(option.type) is list:
        return (value,)
    if not isinstance(value, str):
        return tuple(value) if isinstance(value, list) else (value,)
    kinds = _kinds(option)
    try:
        return grammar.grid(value, whole=int in kinds and float not in kinds)
    except DynvizError as error:
        raise DynvizError(f"the grid of {what}: {error}") from error


def _is_numeric_grid(value: Any, option: Option | None) -> bool:
    """Whether a value is the text of a grid, for an option that takes no text."""
    return isinstance(value, str) and grammar.is_grid(value) and option is not None and str not in _kinds(option)


def _kinds(option: Option) -> tuple[Any, ...]:
    return (option.type, *typing.get_args(option.type))


def _names_option(value: str, option: Option | None, known: Mapping[str, Option]) -> bool:
    """Whether a value is the name of another option, and no value of its own option."""
    if option is None or value not in known:
        return False
    try:
        read({option.name: option}, {option.name: value}, "")
    except DynvizError:
        return True
    return False


def _follow(name: str, texts: Mapping[str, Any], linked: Mapping[str, str], known: Mapping[str, Option]) -> Any:
    way = [name]
    while way[-1] in linked:
        if linked[way[-1]] in way:
            raise DynvizError(
                f"{'='.join([*way, linked[way[-1]]])} gives no value: the options refer to each other in a circle"
            )
        way.append(linked[way[-1]])
    if way[-1] in texts:
        return texts[way[-1]]
    default = known[way[-1]].default
    if default is MISSING:
        raise DynvizError(f"{name}={linked[name]}: {way[-1]} has no value of its own; write {way[-1]}=...")
    return "none" if default is None else str(default)
