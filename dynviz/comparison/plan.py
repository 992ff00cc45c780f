"""The file of a comparison, from which it is resumed: what was asked for, and fingerprints of the user's code."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, field
from pathlib import Path
from typing import Any, TypeVar

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins.spec import Spec, parse
from dynviz.plugins.trust import Code, Trusted, foreign
from dynviz.recording import disk, files, schema, sealed, staging
from dynviz.recording.values import encode

FILE = "comparison.json"
FORMAT = 1
Request = TypeVar("Request")


@frozen
class TrainingRequest:
    """What the comparisons of all kinds are asked for.

    Attributes:
        scenarios: The scenarios, as on the command line.
        optimizers: The optimizers, likewise, with full paths.
        seeds: The seeds on which results are measured.
        steps: The number of training steps; None for the scenario's default.
        device: As for `dynviz.run`.
        dtype: Likewise.
        record: Likewise.
        by: The channel that optimizers are ranked by; empty for the loss on unseen data, else the training loss.
        files: Fingerprints of the user's code by path.
    """

    scenarios: tuple[str, ...]
    optimizers: tuple[str, ...]
    seeds: tuple[int, ...]
    steps: int | None = None
    device: str = "auto"
    dtype: str = ""
    record: tuple[str, ...] = ()
    by: str = ""
    files: tuple[tuple[str, str], ...] = field(default_factory=tuple)

    @property
    def code(self) -> tuple[Code, ...]:
        """The user's own code that is named."""
        known = dict(self.files)
        names = [code.name for kind, spec in self.specs for code in foreign(kind, spec)]
        return tuple(Code(name, known.get(name, "")) for name in dict.fromkeys(names))

    @property
    def specs(self) -> list[tuple[str, Spec]]:
        """The kind and the name of every plug-in that is used."""
        specs = [("scenarios", parse(text)) for text in self.scenarios]
        return specs + [("optimizers", parse(text)) for text in self.optimizers]

    def check_trust(self, trusted: Trusted) -> None:
        """See that the user trusts the code that would run.

        Raises:
            DynvizError: Some of it is not trusted, or has changed.
        """
        for code in self.code:
            if Path(code.located(trusted)).resolve() != Path(code.name).resolve() and code.is_file:
                raise DynvizError(f"this was begun with {code.name}; put the file there again, or begin anew")


def save(folder: Path, kind: str, request: Any) -> None:
    """Create the folder of a comparison, with its file.

    Raises:
        DynvizError: The folder exists, or cannot be written.
    """
    staging.check_free(folder)
    with staging.beside(folder) as whole:
        with disk.replacing(whole / FILE) as file:
            file.write(sealed.seal(encode({"format": FORMAT, "kind": kind, "request": asdict(request)}, FILE)))
        staging.move(whole, [folder])


def discard(folder: Path) -> None:
    """Remove the folder of a comparison of which no training began."""
    inside = [path for path in folder.rglob("*") if path.is_file()]
    if inside == [folder / FILE]:
        shutil.rmtree(folder, ignore_errors=True)


def load(folder: Path, kind: str, make: type[Request]) -> Request:
    """Read the file of a comparison.

    Args:
        folder: The folder.
        kind: The command that made it: `compare`, `score`, `ladder`.
        make: The dataclass of its request.

    Raises:
        DynvizError: The folder is none of that command, or the file is damaged or of the future.
    """
    path = folder / FILE
    try:
        tree = sealed.unseal(files.read(path))
    except FileNotFoundError as error:
        raise DynvizError(f"{folder} cannot be resumed: it has no {FILE}, which dynviz {kind} writes") from error
    except OSError as error:
        raise disk.unreadable(path, error) from error
    except (ValueError, RecursionError) as error:
        raise DynvizError(f"cannot read {path}: it is not JSON: {error}") from error
    sealed.check(path)
    if not isinstance(tree, dict) or tree.get("kind") != kind:
        other = tree.get("kind") if isinstance(tree, dict) else None
        raise DynvizError(f"{folder} is not of dynviz {kind}" + (f", but of dynviz {other}" if other else ""))
    if tree.get("format") != FORMAT:
        raise DynvizError(f"{path} is of format {tree.get('format')}; this dynviz reads {FORMAT}")
    try:
        return schema.check(schema.part(make), tree.get("request"), "a comparison")
    except DynvizError as error:
        raise DynvizError(f"cannot read {path}: {error}") from error


def absolute(texts: Sequence[str]) -> tuple[str, ...]:
    """Plug-ins as on the command line, with the full paths of the user's files."""

    def full(part: Spec) -> str:
        return str(Path(part.name).expanduser().resolve()) if part.name.endswith(".py") else part.name

    made = []
    for text in texts:
        spec = parse(text)
        title = "+".join(full(part) for part in spec.parts)
        options = ",".join(f"{key}={value}" for key, value in spec.options.items())
        made.append(f"{title}:{options}" if options else title)
    return tuple(made)
