"""From what was written to one plug-in for each combination of the values in its grids."""

import itertools
import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass, replace

from dynviz.errors import DynvizError
from dynviz.plugins import Plugin, grammar, load, objects
from dynviz.plugins.grammar import Spec
from dynviz.plugins.options import MISSING, Option, read

COMBINATIONS = 2**16
"""Of the values in all grids of one plug-in: each is checked, and has lanes of its own."""


@dataclass(frozen=True)
class Combination:
    """One combination.

    Attributes:
        plugin: With the values of this combination.
        spec: The same as text, which names it from any folder.
    """

    plugin: Plugin
    spec: Spec


def choices(plural: str, text: str) -> tuple[Combination, ...]:
    """Every combination of the values in the grids of `NAME:key=grid,...`; the last grid moves fastest.

    A value may name another option, whose value it then takes: `M=[8,64],N=M`.

    Args:
        plural: The kind: `scenarios`, `optimizers`.
        text: What was written.

    Raises:
        DynvizError: It does not exist, has no such option, or a value is not of its option's type.
    """
    spec = grammar.parse(text)
    bare = load(plural, spec.name)
    known, what = bare.options, f"{bare.kind.binds} {bare.name}"
    linked = {name: value for name, value in spec.options.items() if _names_option(value, known.get(name), known)}
    listed = {
        name: _values(value, known.get(name), f"{name} of {what}")
        for name, value in spec.options.items()
        if name not in linked
    }
    count = math.prod(map(len, listed.values()))
    if count > COMBINATIONS:
        raise DynvizError(
            f"the grids of {what} have {count:,} combinations, and a sweep may have {COMBINATIONS:,}: give fewer values"
        )
    chosen = []
    for values in itertools.product(*listed.values()):
        texts = dict(zip(listed, values, strict=True))
        options = {name: _follow(name, texts, linked, known) for name in spec.options}
        given = read(known, options, what, scheduled=plural == "optimizers")
        paths = {name: objects.written(value) for name, value in given.items() if known[name].takes_file}
        chosen.append(Combination(replace(bare, given=given), Spec(bare.file or bare.name, options | paths)))
    return tuple(chosen)


def _values(text: str, option: Option | None, what: str) -> tuple[str, ...]:
    if option is None or typing.get_origin(option.type) is list:
        return (text,)
    kinds = (option.type, *typing.get_args(option.type))
    try:
        return grammar.grid(text, whole=int in kinds and float not in kinds)
    except DynvizError as error:
        raise DynvizError(f"the grid of {what}: {error}") from error


def _names_option(value: str, option: Option | None, known: Mapping[str, Option]) -> bool:
    """Whether a value is the name of another option, and no value of its own option."""
    if option is None or value not in known:
        return False
    try:
        read({option.name: option}, {option.name: value}, "")
    except DynvizError:
        return True
    return False


def _follow(name: str, texts: Mapping[str, str], linked: Mapping[str, str], known: Mapping[str, Option]) -> str:
    way = [name]
    while way[-1] in linked:
        if linked[way[-1]] in way:
            raise DynvizError(f"{'='.join([*way, linked[way[-1]]])} names no value: it goes round in a circle")
        way.append(linked[way[-1]])
    if way[-1] in texts:
        return texts[way[-1]]
    default = known[way[-1]].default
    if default is MISSING:
        raise DynvizError(f"{name}={linked[name]}: {way[-1]} has no value of its own; write {way[-1]}=...")
    return "none" if default is None else str(default)
