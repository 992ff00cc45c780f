"""A report as data: what was decided, when, and by what; and its JSON."""

import datetime
import json
import math
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from importlib import metadata
from typing import Any

from dynviz import __version__
from dynviz.frozen import frozen
from dynviz.reporting.document import Claim, Claims
from dynviz.reporting.verdicts import Finding, Ruling
from dynviz.reporting.words import effect_in_words, expectation_in_words, measured_in_words, plain_spaces

FORMAT = 1


@frozen
class Account:
    """A report.

    Attributes:
        claims: The claims file.
        name: The name of the claims file, as it was given.
        findings: The findings, in its order.
        seeds: The seeds, as they were asked for.
        quick: Whether this was a quick look.
        day: The day.
        versions: What decided it.
    """

    claims: Claims
    name: str
    findings: tuple[Finding, ...]
    seeds: str
    quick: bool
    day: str
    versions: dict[str, str]

    @property
    def counts(self) -> dict[Ruling, int]:
        """How many claims have each verdict."""
        counted = Counter(finding.ruling for finding in self.findings)
        return {ruling: counted[ruling] for ruling in Ruling}

    @property
    def summary(self) -> str:
        """The counts in words."""
        words = {
            Ruling.HOLDS: ("holds", "hold"),
            Ruling.FAILS: ("fails", "fail"),
            Ruling.DEPENDS: ("depends on the seed", "depend on the seed"),
            Ruling.UNDECIDED: ("is not decided here", "are not decided here"),
        }
        parts = [f"{count} {words[ruling][count != 1]}" for ruling, count in self.counts.items()]
        return f"{len(self.findings)} claims: {', '.join(parts)}"

    @property
    def command(self) -> str:
        """The command that makes the report again."""
        return f"dynviz report {self.name} --seeds {self.seeds}" + (" --quick" if self.quick else "")


def account(claims: Claims, name: str, findings: Sequence[Finding], *, seeds: str, quick: bool) -> Account:
    """A report of today."""
    versions = {"dynviz": __version__, "python": platform.python_version()}
    versions |= {package: metadata.version(package) for package in ("torch", "numpy")}
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    return Account(claims, name, tuple(findings), seeds, quick, day, versions)


def to_json(report: Account) -> str:
    """The report as JSON; numbers that are not finite are text."""
    tree = {
        "format": FORMAT,
        "title": report.claims.title,
        "source": report.claims.source,
        "claims_file": report.name,
        "day": report.day,
        "versions": report.versions,
        "seeds": report.seeds,
        "quick": report.quick,
        "counts": {ruling.value: count for ruling, count in report.counts.items()},
        "claims": [_tree(finding) for finding in report.findings],
    }
    return json.dumps(tree, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def claim_tree(claim: Claim) -> dict[str, Any]:
    """A claim in words."""
    tree: dict[str, Any] = {"id": claim.id, "says": claim.says, "where": claim.where}
    if claim.value is not None and claim.expect is not None:
        tree["measured"] = plain_spaces(measured_in_words(claim))
        tree["expected"] = plain_spaces(expectation_in_words(claim.expect, claim.unit))
    return tree


def _tree(finding: Finding) -> dict[str, Any]:
    claim, effect = finding.claim, finding.effect
    tree = {**claim_tree(claim), "verdict": finding.ruling.value, "reason": finding.reason}
    if finding.day:
        tree["day"] = finding.day
    if effect is not None:
        tree |= {
            "effect": _number(effect.value),
            "interval": [_number(effect.low), _number(effect.high)],
            "level": effect.level,
            "words": plain_spaces(effect_in_words(finding)),
            "seeds": list(finding.seeds),
            "values": [_number(value) for value in finding.values],
            "agreeing": finding.agreeing,
            "medians": [_number(side) for side in finding.sides] if finding.sides else None,
        }
    return tree | {"commands": list(finding.commands), "picture": finding.picture}


def rounded(finding: Finding) -> Finding:
    """The finding with numbers of six digits, as the report keeps them."""
    effect = finding.effect
    if effect is not None:
        value, low, high = map(_six_digits, (effect.value, effect.low, effect.high))
        effect = replace(effect, value=value, low=low, high=high)
    return replace(finding, effect=effect, values=tuple(map(_six_digits, finding.values)))


def _number(value: float) -> float | str:
    return _six_digits(value) if math.isfinite(value) else str(value)


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")
