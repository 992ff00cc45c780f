"""Options of bundled plug-ins, read from their source: importing it would import torch, which takes seconds."""

import ast
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from dynviz.plugins import ranges
from dynviz.plugins.kinds import Kind, kind
from dynviz.plugins.option_values import read
from dynviz.plugins.options import Option, split_hint
from dynviz.plugins.registry import files
from dynviz.plugins.spec import parse

Definition: TypeAlias = ast.ClassDef | ast.FunctionDef

NAMES = {
    "Annotated": Annotated,
    "ClassVar": ClassVar,
    "Literal": Literal,
    "Path": Path,
    **{name: vars(ranges)[name] for name in ("Range", "Size", "Positive", "Share", "Memory", "Factor")},
}
"""What annotations of options are made of."""


def check_options(plural: str, text: str) -> None:
    """Check the options of a bundled plug-in as far as its source tells them; of any other nothing is checked.

    Args:
        plural: The kind of plug-in: `scenarios`, `optimizers`.
        text: A name with options, `NAME[:key=value,...]`.

    Raises:
        DynvizError: There is no such option, or its value is not of its type or out of its range.
    """
    spec = parse(text)
    file = files(plural).get(spec.name)
    if spec.modifiers or not spec.options or file is None:
        return
    which = kind(plural)
    known = options_of(file, which)
    if known is not None:
        read(known, spec.options, f"{which.noun} {spec.name}", scheduled=plural == "optimizers")


def options_of(file: Path, which: Kind) -> dict[str, Option] | None:
    """The options of a plug-in, without their defaults; None where its source alone does not tell them."""
    try:
        body = ast.parse(file.read_bytes()).body
        target = _bound(body, which.binds)
        hints = list(_fields(file, body, target) if isinstance(target, ast.ClassDef) else _keywords(target))
        names = NAMES | dict(_aliases(file, body))
        known = {name: split_hint(_type(hint, names)) for name, hint in hints}
    except (LookupError, NameError, TypeError):
        return None
    return {
        name: Option(name, type_, None, range=range_)
        for name, (type_, range_) in known.items()
        if name != which.subject
    }


def _bound(body: list[ast.stmt], name: str) -> Definition:
    """The class or function that a module binds to a name."""
    for statement in reversed(body):
        if isinstance(statement, Definition) and statement.name == name:
            return statement
        if isinstance(statement, ast.Assign) and any(ast.unparse(target) == name for target in statement.targets):
            return _bound(body, ast.unparse(statement.value))
    raise LookupError(name)


def _fields(file: Path, body: list[ast.stmt], target: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    """The fields of a dataclass and of those that it extends."""
    if not any("dataclass" in ast.unparse(decorator) for decorator in target.decorator_list):
        raise LookupError(target.name)
    for base in target.bases:
        name = ast.unparse(base)
        source = next(
            file.with_name(f"{(statement.module or '').rpartition('.')[2]}.py")
            for statement in body
            if isinstance(statement, ast.ImportFrom) and name in [one.name for one in statement.names]
        )
        above = ast.parse(source.read_bytes()).body
        bound = _bound(above, name)
        if isinstance(bound, ast.ClassDef):
            yield from _fields(source, above, bound)
    for statement in target.body:
        if isinstance(statement, ast.AnnAssign) and "ClassVar" not in ast.unparse(statement.annotation):
            yield ast.unparse(statement.target), statement.annotation


def _keywords(target: ast.FunctionDef) -> Iterator[tuple[str, ast.expr]]:
    for argument in target.args.kwonlyargs:
        if argument.annotation is None:
            raise LookupError(argument.arg)
        yield argument.arg, argument.annotation


def _aliases(file: Path, body: list[ast.stmt]) -> Iterator[tuple[str, Any]]:
    """What a module and its neighbours call types, as far as they are made of known ones."""
    for statement in body:
        if isinstance(statement, ast.ImportFrom):
            beside = file.with_name(f"{(statement.module or '').rpartition('.')[2]}.py")
            if beside.is_file():
                yield from _aliases(beside, ast.parse(beside.read_bytes()).body)
        if isinstance(statement, ast.AnnAssign) and statement.value is not None:
            with contextlib.suppress(NameError, TypeError, AttributeError):
                yield ast.unparse(statement.target), _type(statement.value, NAMES)


def _type(annotation: ast.expr, names: Mapping[str, Any]) -> Any:
    """An annotation as a type."""
    return eval(ast.unparse(annotation), dict(names))
