"""What names a plug-in and its options: parsed once from `NAME[:key=value[,key=value]]`, then kept as structure."""

import os
import re
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins.grammar import split


@frozen
class Spec:
    """A plug-in and its options.

    Attributes:
        name: A bundled name, an import path, or the path of a file.
        options: By name. Those of a rule as text may belong to its modifiers, whose specs then have none.
        modifiers: Those of a rule, from the inside out.
        typed: Whether options are values; otherwise they are text, as on the command line.

    >>> str(parse("adamw-l1:lr=3e-3,weight_decay=0.1"))
    'adamw-l1:lr=3e-3,weight_decay=0.1'
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    modifiers: tuple["Spec", ...] = ()
    typed: bool = False

    @property
    def title(self) -> str:
        """The names of a rule and its modifiers, joined: `adam+sam`."""
        return "+".join(part.name for part in self.parts)

    @property
    def parts(self) -> tuple["Spec", ...]:
        """The rule, then its modifiers; for other plug-ins only itself."""
        return (replace(self, modifiers=()), *self.modifiers)

    def __str__(self) -> str:
        options = ",".join(f"{key}={value}" for part in self.parts for key, value in part.options.items())
        return f"{self.title}:{options}" if options else self.title


def parse(text: str) -> Spec:
    """Parse a name with options. A path ends at `.py`; commas and colons inside () and [] belong to the value.

    >>> parse("surface:f=rosenbrock,start=(0.1,3)").options["start"]
    '(0.1,3)'
    >>> parse("./a:b/lion2.py+sam:beta=0.95").title
    './a:b/lion2.py+sam'

    Raises:
        DynvizError: The text does not follow the grammar.
    """
    names, rest = _names(text)
    title = "+".join(names)
    if not title:
        raise DynvizError(f"{text!r} has no name before its options; write NAME or NAME:key=value,key=value")
    modifiers = tuple(Spec(name) for name in names[1:])
    if rest in {"", ":"}:
        return Spec(names[0], modifiers=modifiers)
    options: dict[str, str] = {}
    for item in split(rest[1:], text):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not key or not equals or not value:
            raise DynvizError(f"{item!r} in {text!r} is not key=value; write {title}:key=value,key=value")
        if key in options:
            raise DynvizError(f"option {key!r} is given twice in {text!r}")
        options[key] = value
    return Spec(names[0], options, modifiers)


def _names(text: str) -> tuple[list[str], str]:
    """The names of a rule and its modifiers, and what follows them. A path may contain any character.

    >>> _names("adam+proximal-l1:lr=0.1"), _names("./c++/mine.py+sam:lr=0.1"), _names("surface:f='x.py'")
    ((['adam', 'proximal-l1'], ':lr=0.1'), (['./c++/mine.py', 'sam'], ':lr=0.1'), (['surface'], ":f='x.py'"))
    """
    names, rest = [], text.strip()
    while True:
        end = _end(rest)
        names.append(rest[:end])
        if rest[end : end + 1] != "+":
            return names, rest[end:]
        rest = rest[end + 1 :]


def _end(text: str) -> int:
    """The index at which the first name in a text ends."""
    plain = re.split(r"[+:]", text, maxsplit=1)[0]
    paths = [match.end() for match in re.finditer(r"\.py(?=[+:]|\Z)", text)]
    # Unlike Path.is_file, os.path.isfile does not raise for names that are too long.
    there = next((end for end in paths if os.path.isfile(os.path.expanduser(text[:end]))), 0)  # noqa: PTH111, PTH113
    return there or (paths[0] if paths and "/" in plain else len(plain))
