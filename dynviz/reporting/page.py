"""A report as one HTML page, which refers to the pictures beside it and to nothing else."""

from collections.abc import Iterator

from dynviz.reporting.account import Account
from dynviz.reporting.markdown import MARKS, READING, facts
from dynviz.reporting.strips import COLORS, strip
from dynviz.reporting.verdicts import Finding, Ruling
from dynviz.reporting.words import effect_in_words, expectation_in_words, plain_spaces
from dynviz.text import clean, xml

POLICY = "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --ground: #ffffff; --text: #1b2129 }
:root { --soft: #667180; --line: #d9dee5; --card: #f6f8fa }
@media (prefers-color-scheme: dark) {
  :root { --ground: #0f141a; --text: #e4e9ef; --soft: #94a0ae; --line: #2b333d; --card: #161c24 } }
body { background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem }
h1 { margin-bottom: .2em } h2 { font-size: 1.05rem; margin: 0 }
a { color: inherit } code, pre { font: 13px/1.5 ui-monospace, monospace }
pre { background: var(--card); border-radius: 6px; overflow-x: auto; padding: .7em 1em }
table { border-collapse: collapse; font-size: .92rem; width: 100% }
td, th { border-top: 1px solid var(--line); padding: .35em .6em .35em 0; text-align: left; vertical-align: top }
.soft { color: var(--soft) } .badge { font-weight: 600; white-space: nowrap }
article { border-top: 1px solid var(--line); margin-top: 1.5rem; padding-top: 1rem }
article ul { color: var(--soft); padding-left: 1.2em } img, svg { height: auto; max-width: 100% }
.picture { background: #ffffff; border-radius: 6px; display: block; margin-top: .6em }
"""


def page(report: Account) -> str:
    """The text of the page."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Account) -> Iterator[str]:
    claims = report.claims
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    yield '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    # Nothing in a page made from somebody's file can load or run anything.
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield f"<title>{xml(claims.title)}</title>\n<style>{STYLE}</style>"
    yield f"<h1>{xml(claims.title)}</h1>\n<p>{xml(claims.about)}</p>\n<p class=soft>Source: {xml(claims.source)}</p>"
    decided = f"Decided on {report.day} with {versions}, by the command"
    yield f"<p><strong>{xml(report.summary)}.</strong> {xml(decided)}</p>"
    yield f"<pre>{xml(report.command)}</pre>\n<p class=soft>{xml(READING.replace('**', ''))}</p>"
    yield "<table>\n<tr><th>verdict<th>claim<th>measured<th>agrees if<th>seeds"
    for finding in report.findings:
        yield _row(finding)
    yield "</table>"
    for finding in report.findings:
        yield from _article(finding)
    yield "</html>"


def _badge(ruling: Ruling) -> str:
    return f'<span class=badge style="color:{COLORS[ruling]}">{MARKS[ruling]} {ruling.value}</span>'


def _row(finding: Finding) -> str:
    claim = finding.claim
    expected = expectation_in_words(claim.expect, claim.unit) if claim.expect else ""
    agree = f"{finding.agreeing} of {len(finding.values)}" if finding.effect is not None else ""
    says = f'<a href="#{claim.id}">{xml(claim.says)}</a>'
    cells = (_badge(finding.ruling), says, xml(plain_spaces(effect_in_words(finding))), xml(expected), agree)
    return f"<tr><td>{'<td>'.join(cells)}"


def _article(finding: Finding) -> Iterator[str]:
    claim = finding.claim
    where = f" <span class=soft>({xml(claim.where)})</span>" if claim.where else ""
    reason = f": {xml(finding.reason)}" if finding.reason else ""
    day = f" (decided on {xml(finding.day)})" if finding.day else ""
    yield f'<article id="{claim.id}">\n<h2>{xml(claim.says)}</h2>{where}\n<p>{_badge(finding.ruling)}{day}{reason}</p>'
    if claim.value is not None and claim.expect is not None:
        yield f"<ul>{''.join(f'<li>{xml(plain_spaces(line))}' for line in facts(finding))}</ul>"
    yield strip(finding)
    if finding.picture:
        yield f'<img class=picture src="{finding.picture}" alt="Course of what was measured" loading=lazy>'
    if finding.commands:
        yield f"<pre>{xml(chr(10).join(map(clean, finding.commands)), lines=True)}</pre>"
    yield "</article>"
