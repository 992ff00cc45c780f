"""A report as Markdown."""

import re
from collections.abc import Iterator

from dynviz.charts.numbers import significant
from dynviz.reporting.account import Account
from dynviz.reporting.strips import strip
from dynviz.reporting.verdicts import Finding, Ruling
from dynviz.reporting.words import (
    effect_in_words,
    expectation_in_words,
    measured_in_words,
    plain_spaces,
    seeds_in_words,
)
from dynviz.text import clean

MARKS = {Ruling.HOLDS: "✓", Ruling.FAILS: "✗", Ruling.DEPENDS: "±", Ruling.UNDECIDED: "–"}
READING = (
    "A claim **holds** if the number agrees with it for at least nine of ten seeds and over the whole 95 % interval of "
    "the median (bootstrap over seeds); it **fails** if it agrees for at most one of ten seeds and nowhere in the "
    "interval; otherwise it **depends on the seed**. With fewer than six seeds nothing is decided, except about a "
    "single instance."
)


def markdown(report: Account) -> str:
    """The text of the file."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Account) -> Iterator[str]:
    claims = report.claims
    yield f"# {_escaped(claims.title)}"
    yield ""
    yield f"{_escaped(claims.about)}"
    yield ""
    yield f"Source: {_escaped(claims.source)}"
    yield ""
    yield f"**{report.summary}.** Decided on {report.day} with {_versions(report)}, by the command"
    yield ""
    yield f"```\n{clean(report.command)}\n```"
    yield ""
    yield READING
    yield ""
    yield "| | verdict | claim | measured, median and interval | agrees if | seeds that agree |"
    yield "|---|---|---|---|---|---|"
    for finding in report.findings:
        yield _row(finding)
    for finding in report.findings:
        yield ""
        yield from _section(finding)


def _row(finding: Finding) -> str:
    claim = finding.claim
    expected = expectation_in_words(claim.expect, claim.unit) if claim.expect else ""
    agree = f"{finding.agreeing} of {len(finding.values)}" if finding.effect is not None else ""
    effect = plain_spaces(effect_in_words(finding))
    cells = (MARKS[finding.ruling], finding.ruling.value, f"[{_escaped(claim.says)}](#{claim.id})")
    return f"| {' | '.join((*cells, _escaped(effect), _escaped(plain_spaces(expected)), agree))} |"


def _section(finding: Finding) -> Iterator[str]:
    claim = finding.claim
    yield f"## {claim.id}"
    yield ""
    yield f"{_escaped(claim.says)}" + (f" *({_escaped(claim.where)})*" if claim.where else "")
    yield ""
    reason = f": {_escaped(finding.reason)}" if finding.reason else ""
    day = f" (decided on {finding.day})" if finding.day else ""
    yield f"**{MARKS[finding.ruling]} {finding.ruling.value}**{day}{reason}"
    if claim.value is not None and claim.expect is not None:
        yield ""
        yield from (f"- {_escaped(plain_spaces(line))}" for line in facts(finding))
    if strip(finding):
        yield ""
        yield f"![Each seed, the median and the numbers that agree]({claim.id}.svg)"
    if finding.picture:
        yield ""
        yield f"![Course of what was measured]({finding.picture})"
    if finding.commands:
        yield ""
        yield "```"
        yield from map(clean, finding.commands)
        yield "```"


def facts(finding: Finding) -> Iterator[str]:
    """What there is to know about a finding, a sentence each."""
    claim = finding.claim
    assert claim.expect is not None
    yield f"Measured: {measured_in_words(claim)}."
    expected = expectation_in_words(claim.expect, claim.unit)
    if finding.effect is not None:
        interval = effect_in_words(finding)
        yield f"Result: {interval}; the claim needs {expected}."
        many = f"{finding.agreeing} of {len(finding.values)} seeds" if len(finding.values) > 1 else "One lane"
        verb = "agree" if len(finding.values) > 1 else ("agrees" if finding.agreeing else "does not agree")
        yield f"{many} {verb} ({seeds_in_words(finding.seeds)})."
    else:
        yield f"The claim needs {expected}."
    if finding.sides is not None:
        one, other = finding.sides
        yield f"Medians of the two: {significant(one)} and {significant(other)}."
    if claim.reduced:
        yield f"Reduced: {claim.reduced}"


def _versions(report: Account) -> str:
    return ", ".join(f"{name} {version}" for name, version in report.versions.items())


def _escaped(text: str) -> str:
    r"""A text without what Markdown or HTML would obey.

    >>> _escaped("a|b <script> [x](y) *z*")
    'a\\|b &lt;script&gt; \\[x\\](y) \\*z\\*'
    """
    text = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#~$])", r"\\\1", text)
