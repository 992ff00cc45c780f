"""What the picture of a claim carries, and deciding the claim once more from it."""

import shlex
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from dynviz.animation.export import write_whole
from dynviz.animation.recipe import LONGEST, ClaimRecipe
from dynviz.animation.recipe_sums import NEAR
from dynviz.animation.recipe_writer import no_line
from dynviz.errors import DynvizError
from dynviz.plugins.bundled import check_bundled, check_words
from dynviz.plugins.grammar import seeds as read_seeds
from dynviz.plugins.spec import parse
from dynviz.recording.values import encode
from dynviz.reporting.account import Account, rounded
from dynviz.reporting.commands import TrainingCommand
from dynviz.reporting.deciding import Inquiry, decide
from dynviz.reporting.document import Claim, Claims, Quantity
from dynviz.reporting.planes import ProjectionCommand
from dynviz.reporting.reading import FORMAT, claims_in, only, optimizer_of
from dynviz.reporting.strips import strip
from dynviz.reporting.training import TrainingListener
from dynviz.reporting.verdicts import Finding

SUFFIX = ".svg"
Numbers: TypeAlias = Literal["same", "near", "different"]


def picture(finding: Finding, claims: Claims, *, seeds: str, quick: bool) -> str:
    """The strip of a finding with its recipe; empty if no number of it can be drawn."""
    finding = rounded(finding)
    return strip(finding, _line(finding, claims, seeds=seeds, quick=quick)) if strip(finding) else ""


def pictures(report: Account) -> dict[str, str]:
    """The strips of a report with their recipes, by the name of their file."""
    drawn = {
        finding.claim.id: picture(finding, report.claims, seeds=report.seeds, quick=report.quick)
        for finding in report.findings
    }
    return {f"{name}{SUFFIX}": text for name, text in drawn.items() if text}


def decide_again(recipe: ClaimRecipe, target: Path, cache: Path, listener: TrainingListener) -> tuple[str, Numbers]:
    """Train what a claim needs, decide it, and draw its picture.

    Args:
        recipe: The recipe.
        target: The file of the picture.
        cache: The folder that keeps the recordings, in which several claims find what they share.
        listener: Receives what is trained.

    Returns:
        The verdict, and how alike the numbers are to those of the recipe.

    Raises:
        DynvizError: The recipe is not that of a claim that may be decided, or no number of it can be drawn.
        KeyboardInterrupt: It was stopped.
    """
    claims = claims_of(recipe)
    (finding,) = decide(claims, Inquiry(recipe.seeds, cache, recipe.quick), listener)
    drawn = picture(finding, claims, seeds=recipe.seeds, quick=recipe.quick)
    if not drawn:
        raise DynvizError(f"the claim has no number any more: {finding.reason or finding.ruling.value}")
    write_whole(target, lambda file: file.write_text(drawn, encoding="utf-8"))
    return finding.ruling.value, _likeness(recipe.values, rounded(finding).values)


def claims_of(recipe: ClaimRecipe) -> Claims:
    """The claims file of one claim that a recipe holds.

    Raises:
        DynvizError: It does not describe one, or names files or code that is not part of dynviz.
    """
    tree = encode(recipe.claims, "claims")
    # Before it is read: what names a plug-in may lead to a file.
    _check_words(tree)
    claims = claims_in(tree)
    _check_code(claims)
    read_seeds(recipe.seeds)
    if len(claims.claims) != 1 or claims.claims[0].value is None:
        raise DynvizError("its recipe is not that of one claim with a number")
    return claims


def _line(finding: Finding, claims: Claims, *, seeds: str, quick: bool) -> str:
    alone = _needed(only(claims, (finding.claim.id,)))
    tree = _tree(alone) | {"format": FORMAT}
    try:
        _check_words(tree)
        _check_code(alone)
    except DynvizError as error:
        return no_line(str(error))
    recipe = ClaimRecipe(
        claims=tree,
        seeds=seeds,
        quick=quick,
        verdict=finding.ruling.value,
        values=finding.values,
        suffix=SUFFIX,
    )
    line = recipe.line()
    return line if len(line) <= LONGEST else no_line("its claim is too long to be kept")


def _needed(claims: Claims) -> Claims:
    """The same with those optimizers alone that are measured."""
    used: dict[str, list[str]] = {name: [] for name in claims.runs}
    for claim in claims.claims:
        for quantity in claim.quantities:
            if quantity.run:
                used[quantity.run] += optimizer_of(quantity, claims.runs[quantity.run].command)
    return replace(
        claims,
        runs={
            name: replace(runs, command=replace(runs.command, optimizers=tuple(dict.fromkeys(used[name]))))
            for name, runs in claims.runs.items()
        },
    )


def _check_words(tree: Mapping[str, Any]) -> None:
    """See that no command names a file, in what may be the tree of a claims file.

    Raises:
        DynvizError: One does, or is no command.
    """
    runs = tree.get("runs")
    for entry in runs.values() if isinstance(runs, dict) else ():
        for command in (entry.get(name) for name in ("command", "project")) if isinstance(entry, dict) else ():
            try:
                check_words(shlex.split(command) if isinstance(command, str) else ())
            except ValueError as error:
                raise DynvizError(f"command {command!r:.60} cannot be read: {error}") from error


def _check_code(claims: Claims) -> None:
    """See that no code runs but that of dynviz.

    Raises:
        DynvizError: Some would.
    """
    for runs in claims.runs.values():
        check_bundled("scenarios", parse(runs.command.scenario))
        for optimizer in runs.command.optimizers:
            check_bundled("optimizers", parse(optimizer))


def _tree(part: Any) -> Any:
    """Part of a claims file as the data that it is read from."""
    if isinstance(part, TrainingCommand | ProjectionCommand):
        return part.text
    if isinstance(part, Claim) and part.value is not None and part.against is not None:
        # What is not written there is the value's.
        return {**_written(part), "against": _apart(part.against, part.value)}
    if is_dataclass(part):
        return _written(part)
    if isinstance(part, Mapping):
        return {name: _tree(entry) for name, entry in part.items()}
    return [_tree(entry) for entry in part] if isinstance(part, tuple | list) else part


def _written(part: Any) -> dict[str, Any]:
    """The fields that differ from what they are by default."""
    values = {field: getattr(part, field.name) for field in fields(part)}
    return {field.name: _tree(value) for field, value in values.items() if value != _default(field)}


def _apart(quantity: Quantity, value: Quantity) -> dict[str, Any]:
    names = [field.name for field in fields(quantity)]
    return {name: _tree(getattr(quantity, name)) for name in names if getattr(quantity, name) != getattr(value, name)}


def _default(field: "Field[Any]") -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _likeness(known: tuple[float, ...], values: tuple[float, ...]) -> Numbers:
    if known == values:
        return "same"
    largest = max((abs(value) for value in known if np.isfinite(value)), default=0.0)
    alike = len(known) == len(values) and np.allclose(known, values, rtol=NEAR, atol=1e-9 * largest)
    return "near" if alike else "different"
