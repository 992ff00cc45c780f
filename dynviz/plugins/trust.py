"""Which code a recording or a sweep's folder may run.

Both are data and may come from anybody. Code that they name runs without asking if it is bundled with dynviz or part
of an installed collection. Anything else is user code, which runs only if the user has named it as trusted and it has
not changed.
"""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from dynviz import plugins
from dynviz.errors import DynvizError
from dynviz.plugins import grammar, zoo
from dynviz.plugins.fingerprints import fingerprint

MAIN = "__main__."
"""Prefix of names defined in a script or notebook, which no other process can import."""
COLLECTIONS = ("torch.optim.", zoo.PREFIX)
Trusted: TypeAlias = str | Path | Sequence[str | Path | Callable[..., Any]]
"""Files, folders that hold them, import paths (`package`, `package.module.Name`), and classes themselves."""


class ChangedFileError(DynvizError):
    """A user's file, or a sibling file that it imports, has changed.

    Attributes:
        path: The path of the user's file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} has changed since the run began; begin a new run with it")
        self.path = path


@dataclass(frozen=True)
class Code:
    """User code that is named by a recording rather than typed by the user.

    Attributes:
        name: A path, or an import path.
        sha256: The file's fingerprint when the run began; empty for an import path.
    """

    name: str
    sha256: str = ""

    @property
    def is_file(self) -> bool:
        """Whether it is a file rather than an import path."""
        return self.name.endswith(".py")

    def located(self, trusted: Trusted) -> str:
        """The path of the file, or the import path, if the user trusts it.

        Raises:
            DynvizError: It is not trusted, or the file has changed.
        """
        places = as_texts(trusted)
        if not self.is_file:
            if self.name.startswith(MAIN):
                raise DynvizError(
                    f"{self.name.removeprefix(MAIN)} was defined in a script or a notebook; there, go on with "
                    f"dynviz.resume(folder, trust=[{self.name.removeprefix(MAIN)}])"
                )
            if any(self.name == text or self.name.startswith(f"{text}.") for text in places):
                return self.name
            raise DynvizError(_refusal(self.name, self.name))
        candidates = self._candidates(places)
        for path in candidates:
            if self.unchanged(path):
                return str(path)
        if candidates:
            there = [path for path in candidates if path.is_file()]
            if not there:
                raise DynvizError(f"there is no file {candidates[0]}, with which the run began")
            raise ChangedFileError(there[0])
        raise DynvizError(_refusal(self.name, self.name if Path(self.name).is_file() else Path(self.name).name))

    def unchanged(self, path: Path) -> bool:
        """Whether a file exists and it and the siblings it imports match the recorded fingerprint."""
        return path.is_file() and fingerprint(path) == self.sha256

    def _candidates(self, trusted: Sequence[str]) -> list[Path]:
        """The trusted files that could be this one."""
        recorded = Path(self.name)
        places = []
        for place in (Path(text).expanduser().absolute() for text in trusted):
            if place.is_dir():
                inside = recorded.is_absolute() and recorded.resolve().is_relative_to(place.resolve())
                places.append(recorded if inside else place / recorded.name)
            elif place.name == recorded.name:
                places.append(place)
        return places


def bundled(plural: str, name: str) -> bool:
    """Whether a name without options is that of a bundled plug-in.

    >>> bundled("views", "curves"), bundled("views", "./curves.py")
    (True, False)
    """
    return name in plugins.files(plural)


def bundled_view(text: str) -> bool:
    """Whether a view, given with its options, is bundled."""
    try:
        return bundled("views", grammar.parse(text).name)
    except DynvizError:
        return False


def foreign(plural: str, name: str, fingerprints: Sequence[str] = ()) -> tuple[Code, ...]:
    """The code behind a name that needs the user's consent; empty if none does.

    Args:
        plural: The kind: `scenarios`, `optimizers`.
        name: The recorded name, without options.
        fingerprints: Those of its files, in order.
    """
    return tuple(part for part in _parts(plural, name, fingerprints) if isinstance(part, Code))


def resolve(plural: str, name: str, trusted: Trusted = (), fingerprints: Sequence[str] = ()) -> str:
    """The name to load for a recorded one.

    Args:
        plural: The kind: `scenarios`, `optimizers`.
        name: The recorded name, without options.
        trusted: The code that the user trusts.
        fingerprints: Those of its files, in order.

    Raises:
        DynvizError: It needs consent that was not given, or a file has changed.
    """
    parts = _parts(plural, name, fingerprints)
    return "+".join(part.located(trusted) if isinstance(part, Code) else part for part in parts)


def as_texts(trusted: Trusted) -> tuple[str, ...]:
    """The trusted files, folders and import paths."""
    if isinstance(trusted, str | Path):
        return (str(trusted),)
    return tuple(str(place) for place in trusted if isinstance(place, str | Path))


def objects(trusted: Trusted) -> tuple[Callable[..., Any], ...]:
    """The trusted classes."""
    if isinstance(trusted, str | Path):
        return ()
    return tuple(thing for thing in trusted if not isinstance(thing, str | Path))


def _parts(plural: str, name: str, fingerprints: Sequence[str]) -> list[str | Code]:
    """The name, or the names of a rule and its modifiers; user code is wrapped in `Code`."""
    parts: list[str | Code] = []
    remaining = list(fingerprints)
    for kind, part in plugins.parts(plural, name) or [(plural, name)]:
        if part.endswith(".py"):
            parts.append(Code(part, remaining.pop(0) if remaining else ""))
        elif bundled(kind, part) or (kind == "optimizers" and part.startswith(COLLECTIONS)):
            parts.append(part)
        else:
            parts.append(Code(part))
    return parts


def _refusal(name: str, place: str) -> str:
    return (
        f"this was made with {name}, which is not part of dynviz and is not run again unasked; "
        f"if you trust it, add --trust {shlex.quote(place)}"
    )
