"""The grammar of values on the command line: lists, grids, seeds, lanes, steps and sizes."""

import contextlib
import math
import operator
import re
from collections import Counter
from collections.abc import Iterable, Sequence
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
                raise DynvizError(f"unmatched {sign!r} in {whole or text!r}")
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
            raise DynvizError(f"a list of {len(values)} values is too long; a grid may have at most {_VALUES}")
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
        raise DynvizError(f"{wrong} is not a seed; seeds are whole numbers from 0 to {2**32 - 1}")
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
