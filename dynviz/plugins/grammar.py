"""The grammar for names with options: `NAME[:key=value[,key=value]]`."""

import contextlib
import math
import operator
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import SupportsIndex

from dynviz.errors import DynvizError
from dynviz.text import one_line

_OPENING = {"(": ")", "[": "]"}
_GRID = re.compile(r"^\[|^(log|linear)\(")
_DIGITS = 20
"""Maximum length of a seed, a lane or a step."""
_VALUES = 2**16
"""Maximum number of values in a grid."""
_SEEDS = 2**16
"""Maximum number of seeds in a run; each is a lane with its own parameters."""


@dataclass(frozen=True)
class Spec:
    """A name and its options, as text.

    >>> str(parse("adamw-l1:lr=3e-3,weight_decay=0.1"))
    'adamw-l1:lr=3e-3,weight_decay=0.1'
    """

    name: str
    options: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        options = ",".join(f"{key}={value}" for key, value in self.options.items())
        return f"{self.name}:{options}" if options else self.name


def parse(text: str) -> Spec:
    """Parse a name with options. A path ends at `.py`; commas and colons inside () and [] belong to the value.

    >>> parse("surface:f=rosenbrock,start=(0.1,3)").options["start"]
    '(0.1,3)'
    >>> parse("./a:b/lion2.py+sam:beta=0.95").name
    './a:b/lion2.py+sam'

    Raises:
        DynvizError: The text does not follow the grammar.
    """
    name = "+".join(parts(text))
    rest = text.strip()[len(name) :]
    if not name:
        raise DynvizError(f"{text!r} has no name before its options; write NAME or NAME:key=value,key=value")
    if rest in {"", ":"}:
        return Spec(name)
    options: dict[str, str] = {}
    for item in split(rest[1:], text):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not key or not equals or not value:
            raise DynvizError(f"{item!r} in {text!r} is not key=value; write {name}:key=value,key=value")
        if key in options:
            raise DynvizError(f"option {key!r} is given twice in {text!r}")
        options[key] = value
    return Spec(name, options)


def parts(text: str) -> tuple[str, ...]:
    """The names before the options: those of a rule and its modifiers. A path may contain any character.

    >>> parts("adam+proximal-l1:lr=0.1"), parts("./c++/mine.py+sam:lr=0.1"), parts("surface:f='x.py'")
    (('adam', 'proximal-l1'), ('./c++/mine.py', 'sam'), ('surface',))
    """
    names, text = [], text.strip()
    while True:
        end = _end(text)
        names.append(text[:end])
        if text[end : end + 1] != "+":
            return tuple(names)
        text = text[end + 1 :]


def _end(text: str) -> int:
    """The index at which the first name in a text ends."""
    plain = re.split(r"[+:]", text, maxsplit=1)[0]
    paths = [match.end() for match in re.finditer(r"\.py(?=[+:]|$)", text)]
    # Unlike Path.is_file, os.path.isfile does not raise for names that are too long.
    there = next((end for end in paths if os.path.isfile(os.path.expanduser(text[:end]))), 0)  # noqa: PTH111, PTH113
    return there or (paths[0] if paths and "/" in plain else len(plain))


def split(text: str, whole: str = "") -> list[str]:
    """Split at commas outside brackets and quotes.

    >>> split("a=1,b=(2,3),c=[4,5]")
    ['a=1', 'b=(2,3)', 'c=[4,5]']

    Raises:
        DynvizError: A bracket or a quote is not closed.
    """
    items, closing, quote, start = [], [], "", 0
    for index, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in _OPENING:
            closing.append(_OPENING[sign])
        elif sign in ")]":
            if not closing or closing.pop() != sign:
                raise DynvizError(f"{sign!r} closes nothing in {whole or text!r}")
        elif sign == "," and not closing:
            items.append(text[start:index])
            start = index + 1
    if closing or quote:
        raise DynvizError(f"{quote or closing[-1]!r} is missing at the end of {whole or text!r}")
    return [*items, text[start:]]


def is_grid(value: str) -> bool:
    """Whether a value is a grid of several values: `[2,4,8]`, `log(1e-4,1,25)`, `linear(0,1,5)`."""
    return bool(_GRID.match(value))


def grid(value: str, *, whole: bool = False) -> tuple[str, ...]:
    """Expand a grid into its values, as text; a value that is not a grid is returned alone.

    Logarithmic grids are spaced by equal factors, linear grids by equal differences; both include their end points.

    >>> grid("log(1e-4,1,5)"), grid("linear(0,1,3)"), grid("[2,log(10,1000,3)]"), grid("0.1")
    (('0.0001', '0.001', '0.01', '0.1', '1'), ('0', '0.5', '1'), ('2', '10', '100', '1000'), ('0.1',))

    Args:
        value: The text after `key=`.
        whole: Whether to round the numbers of `log` and `linear` to integers.

    Raises:
        DynvizError: The value looks like a grid but is not a valid one.
    """
    if not is_grid(value):
        return (value,)
    if value.startswith("["):
        items = [item.strip() for item in split(value[1:-1])] if value.endswith("]") else [""]
        if not all(items):
            raise DynvizError(f"{value} is not a list of values; write one like [8,64,256]")
        values = [entry for item in items for entry in grid(item, whole=whole)]
        if len(values) > _VALUES:
            raise DynvizError(f"a list stands for {len(values)} values, and a grid may have {_VALUES}")
    else:
        values = [f"{round(number) if whole else number:.12g}" for number in _spaced(value)]
    return tuple(dict.fromkeys(values))


def _spaced(value: str) -> list[float]:
    kind, _, inside = value.partition("(")
    try:
        first, last, count = (float(part) for part in inside.removesuffix(")").split(","))
        well = value.endswith(")") and count.is_integer() and 2 <= count <= _VALUES and math.isfinite(last - first)
    except ValueError:
        well = False
    if not well or (kind == "log" and not (first > 0 and last > 0)):
        raise DynvizError(
            f"{value} is not understood; write {kind}(first,last,count), for example log(1e-4,1,25): "
            f"from two to {_VALUES} values{', above zero' if kind == 'log' else ''}"
        )
    shares = [index / (count - 1) for index in range(int(count))]
    if kind == "log":
        return [first * (last / first) ** share for share in shares[:-1]] + [last]
    return [first + (last - first) * share for share in shares[:-1]] + [last]


def seeds(given: SupportsIndex | str | Iterable[SupportsIndex]) -> tuple[int, ...]:
    """Parse a seed, or a list or range of seeds.

    >>> seeds("42"), seeds("1,2,5"), seeds("0:8"), seeds([3, 1])
    ((42,), (1, 2, 5), (0, 1, 2, 3, 4, 5, 6, 7), (3, 1))

    Raises:
        DynvizError: It is none of these, names a seed twice, or one outside the range of seeds.
    """
    numbers = _numbers(given) if isinstance(given, str) else _integers(given)
    if len(numbers[: _SEEDS + 1]) > _SEEDS:
        raise DynvizError(f"seeds {one_line(repr(given), 60)} are more than the {_SEEDS} lanes that a run may have")
    if not numbers:
        raise DynvizError(
            f"seeds {one_line(repr(given), 60)} are not understood; "
            "write one (42), a list (1,2,5) or a range without its end (0:8)"
        )
    wrong = next((seed for seed in numbers if not 0 <= seed < 2**32), None)
    if wrong is not None:
        raise DynvizError(f"{wrong} is no seed; seeds are whole numbers from 0 to {2**32 - 1}")
    if twice := [seed for seed, count in Counter(numbers).items() if count > 1]:
        raise DynvizError(f"seed {twice[0]} is given twice; each seed makes one lane")
    return tuple(numbers)


def _integers(given: SupportsIndex | Iterable[SupportsIndex]) -> Sequence[int]:
    """One or several integers of any integer type; empty if the value is something else."""
    with contextlib.suppress(TypeError):
        return [operator.index(given)]  # type: ignore[arg-type]
    with contextlib.suppress(TypeError):
        return [operator.index(seed) for seed in given]  # type: ignore[union-attr]
    return ()


def lanes(text: str) -> tuple[int, ...]:
    """Parse a selection of lanes, numbered from 0 and written like seeds.

    >>> lanes("0:3"), lanes("4,1")
    ((0, 1, 2), (4, 1))

    Raises:
        DynvizError: The text is not a valid selection, or names a lane twice.
    """
    numbers = _numbers(text)[: _SEEDS + 1]
    if not numbers or min(numbers) < 0 or len(set(numbers)) < len(numbers):
        raise DynvizError(f"lanes {text!r} are not understood; write one (0), a list (0,2) or a range (0:4)")
    return tuple(numbers)


def _numbers(text: str) -> Sequence[int]:
    """The numbers in a list or range; empty if the text is neither."""
    try:
        if ":" in text:
            first, last = map(_whole, text.split(":"))
            return range(first, last)
        return [_whole(part) for part in text.split(",")]
    except ValueError:
        return ()


def _whole(text: str) -> int:
    """Parse an integer, rejecting numbers of absurd length, which Python may be slow or refuse to convert."""
    if len(text) > _DIGITS:
        raise ValueError
    return int(text)


def step_range(text: str) -> tuple[int | None, int | None]:
    """Parse an inclusive range of steps; either end may be omitted, and a single number is a range of one step.

    >>> step_range("100:2000"), step_range(":500"), step_range("4000")
    ((100, 2000), (None, 500), (4000, 4000))

    Raises:
        DynvizError: It is not a range of steps.
    """
    first, colon, last = text.partition(":")
    try:
        low = _whole(first) if first.strip() else None
        high = _whole(last) if last.strip() else None
    except ValueError:
        low, high = -1, None
    if not colon:
        high = low
    if (low or 0) < 0 or (high or 0) < 0 or (low is not None and high is not None and low > high):
        raise DynvizError(f"steps {text!r} are not understood; write 100:2000, 100:, :2000 or one step, 4000")
    return low, high


def size(text: str) -> tuple[int, int]:
    """Parse the width and height of a picture.

    >>> size("800x600")
    (800, 600)

    Raises:
        DynvizError: It is not WIDTHxHEIGHT.
    """
    match = re.fullmatch(r"(\d{1,9})[x×](\d{1,9})", text.strip(), re.ASCII)
    if not match:
        raise DynvizError(f"size {text!r} is not understood; write WIDTHxHEIGHT in pixels, like 800x600")
    return int(match.group(1)), int(match.group(2))
