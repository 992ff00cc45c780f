"""What a file's JSON must look like: small readers, put together, that name the field that does not fit.

They read what `dynviz.recording.values` encodes; text that is given to them is decoded on the way.
"""

from collections.abc import Callable, Collection
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

from dynviz.errors import DynvizError
from dynviz.recording.values import WORD_ENDS, decode
from dynviz.text import one_line

T = TypeVar("T")
Reader: TypeAlias = Callable[[Any], T]
"""Gives the value that a tree stands for, or raises `Misfit`."""

STEPS = 2**53
"""Steps up to here are whole numbers as floats too, which pictures place them by."""
LANES = 2**16
"""Lanes of one recording."""
DEEPEST = 50
"""Lists and mappings in each other."""
LARGEST = 10**300
"""Whole numbers that a float can hold."""
TEXT = 2**20
"""Characters of a text."""
SHOWN = 60
"""Characters of a value that does not fit, in the error."""


class Misfit(Exception):  # noqa: N818 - it is a finding, and becomes an error at the border
    """A value is not what is expected. Where it stands is added on the way out, so that good values cost nothing."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.path: list[str] = []

    def under(self, part: str) -> "Misfit":
        """The same, one part further from the value."""
        self.path.append(part)
        return self

    def __str__(self) -> str:
        """Where, and what: `channels.loss.shape[0] is -1, not a whole number from 0`."""
        where = "".join(reversed(self.path)).removeprefix(".")
        return f"{where} {self.args[0]}" if where else f"it {self.args[0]}"


def unlike(value: Any, expected: str) -> Misfit:
    """The misfit of a value, shown as far as it is short."""
    if isinstance(value, int) and abs(value) >= LARGEST:
        return Misfit(f"is a number of over 300 digits, not {expected}")
    shown = repr(value) if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
    return Misfit(f"is {shown if len(shown) <= SHOWN else f'{shown[:SHOWN]}...'}, not {expected}")


def check(reader: Reader[T], tree: Any, what: str) -> T:
    """Read a whole tree.

    Args:
        reader: What is expected.
        tree: What was found.
        what: It should describe: `a recording`.

    Raises:
        DynvizError: It does not; in one line that names the field.

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
    """A whole number between two ends, both included."""
    least = -LARGEST if low is None else low
    most = LARGEST if high is None else high
    expected = "a whole number" + ("" if low is None else f" from {low}") + ("" if high is None else f" to {high}")

    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise unlike(value, expected)
        return value

    return read


def number(value: Any) -> float:
    """A number, which need not be finite."""
    if type(value) is str and value.endswith(WORD_ENDS):
        value = decode(value)
    if type(value) is float:
        return value
    if type(value) is not int or abs(value) > LARGEST:
        raise unlike(value, "a number")
    return float(value)


def flag(value: Any) -> bool:
    """Yes or no."""
    if type(value) is not bool:
        raise unlike(value, "true or false")
    return value


def text(value: Any) -> str:
    """A text that can name a file: half a surrogate pair of another kind than those of file names is none."""
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
    """A name in a mapping, which stands as it is: only values are encoded."""
    return name if name.endswith(WORD_ENDS) else text(name)


def one_of(*words: str) -> Reader[Any]:
    """One of some words."""

    def read(value: Any) -> str:
        if type(value) is not str or value not in words:
            raise unlike(value, f"one of {', '.join(words)}")
        return value

    return read


def optional(reader: Reader[T]) -> Reader[T | None]:
    """A value or null."""
    return lambda value: None if value is None else reader(value)


def list_of(reader: Reader[T], least: int = 0, most: int = TEXT) -> Reader[tuple[T, ...]]:
    """A list with so many entries, as a tuple."""
    count = f"{least} to {most}" if least else f"at most {most}"

    def read(value: Any) -> tuple[T, ...]:
        if type(value) is not list:
            raise unlike(value, "a list")
        if not least <= len(value) <= most:
            raise Misfit(f"has {len(value)} entries, not {count}")
        found = []
        try:
            for entry in value:
                found.append(reader(entry))  # noqa: PERF401 - the length says where it went wrong
        except Misfit as misfit:
            raise misfit.under(f"[{len(found)}]") from None
        return tuple(found)

    return read


def mapping_of(reader: Reader[T]) -> Reader[dict[str, T]]:
    """A mapping from texts."""

    def read(value: Any) -> dict[str, T]:
        if type(value) is not dict:
            raise unlike(value, "a mapping")
        found = {}
        for key, entry in value.items():
            try:
                found[_key(key)] = reader(entry)
            except Misfit as misfit:
                raise misfit.under(f".{one_line(key, SHOWN)}") from None
        return found

    return read


def record(make: Callable[..., T], /, **readers: Reader[Any]) -> Reader[T]:
    """A mapping with these fields alone; those that `make`, a dataclass, has a default for may be missing."""
    needed = _needed(make, readers)

    def read(value: Any) -> T:
        if type(value) is not dict:
            raise unlike(value, "a mapping")
        found = {}
        for key, entry in value.items():
            if key not in readers:
                raise Misfit("is no field that there is").under(f".{one_line(key, SHOWN)}")
            try:
                found[key] = readers[key](entry)
            except Misfit as misfit:
                raise misfit.under(f".{key}") from None
        for key in needed:
            if key not in found:
                raise Misfit("is missing").under(f".{key}")
        return make(**found)

    return read


def _needed(make: Callable[..., Any], readers: Collection[str]) -> tuple[str, ...]:
    if not (isinstance(make, type) and is_dataclass(make)):
        return tuple(readers)
    given = {each.name for each in fields(make) if each.default is not MISSING or each.default_factory is not MISSING}
    return tuple(name for name in readers if name not in given)


def part(make: type[T]) -> Reader[T]:
    """The fields of a dataclass in a mapping, read by their types; what else the mapping has is passed over.

    >>> from dataclasses import make_dataclass
    >>> read = part(make_dataclass("Plane", [("extent", tuple[float, float])]))
    >>> read({"extent": [0, 1], "grid": 12}).extent
    (0.0, 1.0)
    """
    hints = get_type_hints(make)
    read = record(make, **{one.name: of_type(hints[one.name]) for one in fields(make)})  # type: ignore[arg-type]
    return lambda value: read({name: entry for name, entry in value.items() if name in hints})


def of_type(kind: Any) -> Reader[Any]:
    """The reader of a type: numbers, texts, flags, tuples, words of a Literal, and None beside one of them."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Literal:
        return one_of(*inside)
    if origin in (Union, UnionType):
        (other,) = (one for one in inside if one is not NoneType)
        return optional(of_type(other))
    if origin is tuple:
        return list_of(of_type(inside[0]), *(() if inside[-1] is ... else (len(inside),) * 2))
    return {float: number, int: whole(), bool: flag, str: text}[kind]


def plain(value: Any) -> Any:
    """Any value that a scenario or an optimizer may have for an option; lists become tuples."""
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
