"""Findings of a report that is there already, for claims that are not decided anew."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dynviz.comparison.statistics import Estimate
from dynviz.errors import DynvizError
from dynviz.recording import files
from dynviz.reporting.account import FORMAT, claim_tree
from dynviz.reporting.deciding import used_by
from dynviz.reporting.document import Claim, Claims
from dynviz.reporting.training import CachedTraining, trainings
from dynviz.reporting.verdicts import Finding, Ruling
from dynviz.reporting.writing import JSON


def findings(claims: Claims, folder: Path, seeds: str) -> dict[str, Finding]:
    """The findings of the report in a folder, by claim; those of claims or commands that have changed are left out.

    Args:
        claims: The claims, as they are now.
        folder: The folder of the report.
        seeds: The seeds that are asked for now.

    Raises:
        DynvizError: There is no report, it was a quick look or of other seeds, or it cannot be read.
    """
    path = folder / JSON
    plan = trainings(claims.runs, seeds, Path())
    try:
        report = json.loads(files.read(path))
        trees = {tree["id"]: tree for tree in report["claims"]}
        if report["format"] != FORMAT:
            raise DynvizError(f"{path} is of format {report['format']}; this dynviz reads {FORMAT}")
        if report["quick"] or report["seeds"] != seeds:
            what = "a quick look" if report["quick"] else f"of seeds {report['seeds']}"
            raise DynvizError(f"the report in {folder} is {what}, and cannot be updated by one of seeds {seeds}")
        return {
            claim.id: _finding(claim, trees[claim.id], report["day"])
            for claim in claims.claims
            if claim.id in trees
            and _same(claim, trees[claim.id])
            and _commands(claim, claims, plan) == _asked(trees[claim.id])
        }
    except OSError as error:
        raise DynvizError(f"there is no report in {folder} to update: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DynvizError(f"cannot read {path}: {error!r}; make the report anew, without --update") from error


def _same(claim: Claim, tree: Mapping[str, Any]) -> bool:
    """Whether a claim says, measures and expects what it did; one that is out of reach is decided anew at no cost."""
    return claim.value is not None and all(tree.get(name) == value for name, value in claim_tree(claim).items())


def _commands(claim: Claim, claims: Claims, plan: Mapping[str, Mapping[str, CachedTraining]]) -> set[str]:
    return {_without_folder(words) for training in used_by(claim, claims, plan) for words in training.words()}


def _asked(tree: Mapping[str, Any]) -> set[str]:
    return set(map(_without_folder, tree["commands"]))


def _without_folder(command: str) -> str:
    """A command without the folder of its recordings, which differs wherever the code does; it is the last word."""
    return command.rpartition(" --out ")[0] or shlex.join(shlex.split(command)[:-1])


def _finding(claim: Claim, tree: Mapping[str, Any], day: str) -> Finding:
    finding = Finding(
        claim,
        Ruling(tree["verdict"]),
        str(tree["reason"]),
        commands=tuple(map(str, tree["commands"])),
        picture=_name(tree["picture"]),
        day=str(tree.get("day", day)),
    )
    if "effect" not in tree:
        return finding
    values = tuple(map(float, tree["values"]))
    low, high = map(float, tree["interval"])
    return replace(
        finding,
        effect=Estimate(float(tree["effect"]), low, high, len(values), float(tree["level"])),
        seeds=tuple(map(int, tree["seeds"])),
        values=values,
        agreeing=int(tree["agreeing"]),
        sides=(float(tree["medians"][0]), float(tree["medians"][1])) if tree["medians"] else None,
    )


def _name(picture: str) -> str:
    """The name of a file in the report's folder, and of none elsewhere."""
    if picture != Path(picture).name:
        raise ValueError(f"picture {picture!r} is not in the folder of the report")
    return picture
