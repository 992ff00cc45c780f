"""Values: dataclasses that nobody changes. The player imports more than a hundred before its first picture."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform, overload

Class = TypeVar("Class", bound=type)


@overload
def frozen(cls: Class) -> Class: ...
@overload
def frozen(*, kw_only: bool = ...) -> Callable[[Class], Class]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: Any = None, *, kw_only: bool = False) -> Any:
    """Make a class a dataclass, which is compared, hashed and shown by its fields, and whose fields are set once.

    `dataclass(frozen=True)` compiles six methods for each class, which takes three to four times as long; here it is
    `__init__` alone, and all classes share the others. To dataclasses it is not a frozen one: `dataclass(frozen=True)`
    cannot inherit from it.

    >>> @frozen
    ... class Point:
    ...     x: float
    ...     y: float = 0.0
    >>> Point(1.0), Point(1.0) == Point(1.0, 0.0), len({Point(1.0), Point(1.0)})
    (Point(x=1.0, y=0.0), True, 1)
    >>> Point(1.0).x = 2.0
    Traceback (most recent call last):
    dataclasses.FrozenInstanceError: cannot assign to field 'x'
    """

    def make(cls: Any) -> Any:
        made: Any = dataclass(repr=False, eq=False, kw_only=kw_only)(cls)
        # With the class first it is a tuple, whatever the number of fields.
        made._compared = attrgetter("__class__", *(one.name for one in fields(made) if one.compare))
        for name, method in METHODS.items():
            if vars(made).get(name) is None:
                setattr(made, name, method)
        return made

    return make if cls is None else make(cls)


def _shown(self: Any) -> str:
    words = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{type(self).__qualname__}({words})"


def _equal(self: Any, other: Any) -> Any:
    return self._compared(self) == self._compared(other) if other.__class__ is self.__class__ else NotImplemented


def _hashed(self: Any) -> int:
    return hash(self._compared(self))


def _set_once(self: Any, name: str, value: Any) -> None:
    values = self.__dict__
    if name in values or name not in self.__dataclass_fields__:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")
    values[name] = value


def _kept(self: Any, name: str) -> None:  # noqa: ARG001 - as Python calls it
    raise FrozenInstanceError(f"cannot delete field {name!r}")


METHODS: dict[str, Callable[..., Any]] = {
    "__repr__": _shown,
    "__eq__": _equal,
    "__hash__": _hashed,
    "__setattr__": _set_once,
    "__delattr__": _kept,
}
"""What all of them share, unless one has its own."""
