"""Which code a recording or a sweep's folder may run.

Both are data and may come from anybody. Code that they name runs without asking if it is bundled with dynviz or part
of an installed collection. Anything else is user code, which runs only if the user has named it as trusted and it has
not changed.
"""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from dynviz import plugins
from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins.fingerprints import CodeFile, definition, module_source, search_here
from dynviz.plugins.kinds import COLLECTIONS, MAIN
from dynviz.plugins.spec import Spec, parse

Trusted: TypeAlias = str | Path | Sequence[str | Path | Callable[..., Any]]
"""Files, folders that hold them, import paths (`package`, `package.module.Name`), and classes themselves."""


class ChangedFileError(DynvizError):
    """A user's file, or a neighbour that it imports, has changed.

    Attributes:
        path: The path of the user's file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} has changed since the run began; begin a new run with it")
        self.path = path


@frozen
class Code:
    """User code that is named by a recording rather than typed by the user.

    Attributes:
        name: A path, or an import path.
        sha256: The fingerprint of its source when the run began; empty if it was not recorded.
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
                    f"{self.name.removeprefix(MAIN)} was defined in a script or a notebook; continue there, with "
                    f"dynviz.resume(folder, trust=[{self.name.removeprefix(MAIN)}])"
                )
            if any(self.name == text or self.name.startswith(f"{text}.") for text in places):
                self._check_module()
                return self.name
            raise DynvizError(_refusal(self.name, self.name))
        candidates = self._candidates(places)
        for path in candidates:
            if self.unchanged(path):
                return str(path)
        if candidates:
            there = [path for path in candidates if path.is_file()]
            if not there:
                raise DynvizError(f"there is no file {candidates[0]}, which the run began with; put it back")
            raise ChangedFileError(there[0])
        raise DynvizError(_refusal(self.name, self.name if Path(self.name).is_file() else Path(self.name).name))

    def unchanged(self, path: Path) -> bool:
        """Whether a file exists and it and the neighbours it imports match the recorded fingerprint."""
        source = CodeFile(path)
        return path.is_file() and self.sha256 in (source.fingerprint(), source.fingerprint(packages=False))

    def check_definition(self, target: Callable[..., Any]) -> None:
        """Check that a class or function that is trusted itself is the one that the run began with.

        Raises:
            DynvizError: It has changed.
        """
        if not self.name.startswith(MAIN):
            self._check_module()
        elif self.sha256 and definition(target) != self.sha256:
            raise DynvizError(
                f"{self.name.removeprefix(MAIN)} has changed since the run began; begin a new run with it"
            )

    def _check_module(self) -> None:
        """Check that the module of an import path is unchanged, as far as its fingerprint was recorded.

        Raises:
            DynvizError: It has changed.
        """
        search_here()
        if not self.sha256:
            return
        source = module_source(self.name)
        if source is None:
            raise DynvizError(f"the source of {self.name}, with which the run began, cannot be read; put it back")
        if source.fingerprint() != self.sha256:
            raise ChangedFileError(source.file)

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
        return bundled("views", parse(text).title)
    except DynvizError:
        return False


def foreign(plural: str, spec: Spec, fingerprints: Sequence[str] = ()) -> tuple[Code, ...]:
    """The code behind a plug-in that needs the user's consent; empty if none does.

    Args:
        plural: The kind: `scenarios`, `optimizers`.
        spec: As recorded.
        fingerprints: That of each of its parts.
    """
    return tuple(part for part in _parts(plural, spec, fingerprints) if isinstance(part, Code))


def resolve(plural: str, spec: Spec, trusted: Trusted = (), fingerprints: Sequence[str] = ()) -> Spec:
    """The plug-in to load for a recorded one.

    Args:
        plural: The kind: `scenarios`, `optimizers`.
        spec: As recorded.
        trusted: The code that the user trusts.
        fingerprints: That of each of its parts.

    Raises:
        DynvizError: It needs consent that was not given, or a file has changed.
    """
    codes = _parts(plural, spec, fingerprints)
    names = [code.located(trusted) if isinstance(code, Code) else code for code in codes]
    modifiers = [replace(part, name=name) for part, name in zip(spec.modifiers, names[1:], strict=True)]
    return replace(spec, name=names[0], modifiers=tuple(modifiers))


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


def _parts(plural: str, spec: Spec, fingerprints: Sequence[str]) -> list[str | Code]:
    """The name, or the names of a rule and its modifiers; user code is wrapped in `Code`."""
    kinds = [plural, *("modifiers" for _ in spec.modifiers)]
    known = fingerprints or [""] * len(kinds)
    return [
        part.name
        if bundled(kind, part.name) or (kind == "optimizers" and part.name.startswith(COLLECTIONS))
        else Code(part.name, sha256)
        for kind, part, sha256 in zip(kinds, spec.parts, known, strict=True)
    ]


def _refusal(name: str, place: str) -> str:
    return (
        f"this was made with {name}, which is not part of dynviz and is not run again "
        f"without your consent; if you trust it, add --trust {shlex.quote(place)}"
    )
