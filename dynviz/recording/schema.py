"""Schemas for JSON files, composed of small readers that name the field that does not fit.

Readers expect values encoded by `dynviz.recording.values`, and decode text on the way.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

from dynviz.errors import DynvizError
from dynviz.recording.values import WORD_ENDS, decode
from dynviz.text import one_line

T = TypeVar("T")
Reader: TypeAlias = Callable[[Any], T]
"""Converts a JSON tree to a value, or raises `Misfit`."""

STEPS = 2**53
"""Maximum number of steps: larger integers are not exact as floats, which plots use."""
LANES = 2**16
"""Maximum number of lanes in a recording."""
DEEPEST = 50
"""Maximum nesting depth of lists and mappings."""
LARGEST = 10**300
"""Maximum magnitude of integers, so that they can be converted to floats."""
TEXT = 2**20
"""Maximum number of characters in a text."""
SHOWN = 60
"""Maximum number of characters of an invalid value shown in an error."""


class Misfit(Exception):  # noqa: N818 - it is a finding, and becomes an error at the border
    """A value does not fit. Its path is added as the exception propagates, so that valid values cost nothing."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.path: list[str] = []

    def under(self, part: str) -> "Misfit":
        """Prepend a part to the path of the value."""
        self.path.append(part)
        return self

    def __str__(self) -> str:
        """The path and the problem: `channels.loss.shape[0] is -1, not a whole number from 0`."""
        where = "".join(reversed(self.path)).removeprefix(".")
        return f"{where} {self.args[0]}" if where else f"it {self.args[0]}"


def unlike(value: Any, expected: str) -> Misfit:
    """A misfit that shows the value, abbreviated if it is long."""
    if isinstance(value, int) and abs(value) >= LARGEST:
        return Misfit(f"is a number of over 300 digits, not {expected}")
    shown = repr(value) if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
    return Misfit(f"is {shown if len(shown) <= SHOWN else f'{shown[:SHOWN]}...'}, not {expected}")


def check(reader: Reader[T], tree: Any, what: str) -> T:
    """Read a whole tree.

    Args:
        reader: The reader of the whole tree.
        tree: The JSON tree.
        what: What the tree should describe: `a recording`.

    Raises:
        DynvizError: A field does not fit; the message names it.

    >>> check(record(dict, size=whole(0)), {"size": -1}, "a box")
    Traceback (most recent call last):
    dynviz.errors.DynvizError: it does not describe a box: size is -1, not a whole number from 0
    """
    try:
        return reader(tree)
    except Misfit as misfit:
        raise DynvizError(f"it does not describe {what}: {misfit}") from misfit
    except RecursionError as error:
        raise DynvizError(f"it does not describe {what}: it is nested too deeply") from error


def whole(low: int | None = None, high: int | None = None) -> Reader[int]:
    """An integer in an inclusive range."""
    least = -LARGEST if low is None else low
    most = LARGEST if high is None else high
    expected = "a whole number" + ("" if low is None else f" from {low}") + ("" if high is None else f" to {high}")

    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise unlike(value, expected)
        return value

    return read


def number(value: Any) -> float:
    """A number, possibly infinite or NaN."""
    if type(value) is str and value.endswith(WORD_ENDS):
        value = decode(value)
    if type(value) is float:
        return value
    if type(value) is not int or abs(value) > LARGEST:
        raise unlike(value, "a number")
    return float(value)


def flag(value: Any) -> bool:
    """A boolean."""
    if type(value) is not bool:
        raise unlike(value, "true or false")
    return value


def text(value: Any) -> str:
    """A text that can be a file name: lone surrogates are rejected, unless they escape undecodable bytes."""
    if type(value) is str and value.endswith(WORD_ENDS):
        value = decode(value)
    if type(value) is not str or len(value) > TEXT:
        raise unlike(value, "a text")
    if not value.isascii():
        try:
            value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise unlike(value, "a text of whole characters") from None
    return value


def _key(name: str) -> str:
    """A key of a mapping; unlike values, keys are not encoded."""
    return name if name.endswith(WORD_ENDS) else text(name)


def one_of(*words: str) -> Reader[Any]:
    """One of the given words."""

    def read(value: Any) -> str:
        if type(value) is not str or value not in words:
            raise unlike(value, f"one of {', '.join(words)}")
        return value

    return read


def optional(reader: Reader[T]) -> Reader[T | None]:
    """A value, or null for None."""
    return lambda value: None if value is None else reader(value)


def list_of(reader: Reader[T], least: int = 0, most: int = TEXT) -> Reader[tuple[T, ...]]:
    """A list with `least` to `most` entries, as a tuple."""
    count = f"{least} to {most}" if least else f"at most {most}"

    def read(value: Any) -> tuple[T, ...]:
        if type(value) is not list:
            raise unlike(value, "a list")
        if not least <= len(value) <= most:
            raise Misfit(f"has {len(value)} entries, not {count}")
        entries = []
        try:
            for entry in value:
                entries.append(reader(entry))  # noqa: PERF401 - the length locates a misfit
        except Misfit as misfit:
            raise misfit.under(f"[{len(entries)}]") from None
        return tuple(entries)

    return read


def mapping_of(reader: Reader[T]) -> Reader[dict[str, T]]:
    """A mapping from text to values."""

    def read(value: Any) -> dict[str, T]:
        if type(value) is not dict:
            raise unlike(value, "a mapping")
        entries = {}
        for key, entry in value.items():
            try:
                entries[_key(key)] = reader(entry)
            except Misfit as misfit:
                raise misfit.under(f".{one_line(key, SHOWN)}") from None
        return entries

    return read


def record(make: Callable[..., T], /, **readers: Reader[Any]) -> Reader[T]:
    """A mapping with exactly these fields; those with a default in the dataclass `make` may be missing."""
    needed = _needed(make, readers)

    def read(value: Any) -> T:
        if type(value) is not dict:
            raise unlike(value, "a mapping")
        values = {}
        for key, entry in value.items():
            if key not in readers:
                raise Misfit("is not a known field").under(f".{one_line(key, SHOWN)}")
            try:
                values[key] = readers[key](entry)
            except Misfit as misfit:
                raise misfit.under(f".{key}") from None
        for key in needed:
            if key not in values:
                raise Misfit("is missing").under(f".{key}")
        return make(**values)

    return read


def _needed(make: Callable[..., Any], readers: Collection[str]) -> tuple[str, ...]:
    if not (isinstance(make, type) and is_dataclass(make)):
        return tuple(readers)
    given = {
        field.name for field in fields(make) if field.default is not MISSING or field.default_factory is not MISSING
    }
    return tuple(name for name in readers if name not in given)


def typed(make: type[T], **readers: Reader[Any]) -> Reader[T]:
    """A dataclass with exactly its fields, read by their types where there is no reader of their own."""
    hints = get_type_hints(make)
    known = {field.name: readers.get(field.name) or of_type(hints[field.name]) for field in fields(make)}  # type: ignore[arg-type]
    return record(make, **known)


def part(make: type[T]) -> Reader[T]:
    """A dataclass from a mapping, read by the types of its fields; other keys are ignored.

    >>> from dataclasses import make_dataclass
    >>> read = part(make_dataclass("Plane", [("extent", tuple[float, float])]))
    >>> read({"extent": [0, 1], "grid": 12}).extent
    (0.0, 1.0)
    """
    read, names = typed(make), {field.name for field in fields(make)}  # type: ignore[arg-type]
    return lambda value: read({name: entry for name, entry in value.items() if name in names})


def of_type(kind: Any) -> Reader[Any]:
    """The reader of a type: a number, text, boolean, tuple, mapping, Literal, dataclass, Any, or a union with None."""
    if kind is Any:
        return plain
    if is_dataclass(kind):
        return typed(kind)  # type: ignore[arg-type]
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Literal:
        return one_of(*inside)
    if origin in (Union, UnionType):
        (other,) = (member for member in inside if member is not NoneType)
        return optional(of_type(other))
    if origin is Mapping:
        return mapping_of(of_type(inside[1]))
    if origin is tuple:
        return list_of(of_type(inside[0]), *(() if inside[-1] is ... else (len(inside),) * 2))
    return {float: number, int: whole(), bool: flag, str: text}[kind]


def plain(value: Any) -> Any:
    """Any value that an option of a scenario or optimizer may have; lists become tuples."""
    return _plain(value, tuple, DEEPEST)


def plain_lists(value: Any) -> Any:
    """Any value that a fact may have; lists stay lists."""
    return _plain(value, list, DEEPEST)


def _plain(value: Any, sequence: type, deep: int) -> Any:
    if value is None or type(value) is bool or type(value) is float:
        return value
    if type(value) is str:
        return decode(value) if value.endswith(WORD_ENDS) else text(value)
    if deep == 0:
        raise Misfit(f"is nested over {DEEPEST} deep")
    if type(value) is list:
        return sequence([_plain(entry, sequence, deep - 1) for entry in value])
    if type(value) is dict:
        return {_key(key): _plain(entry, sequence, deep - 1) for key, entry in value.items()}
    return _whole(value)


_whole = whole()
size = whole(0, 2**48)
sizes = list_of(size, most=32)
