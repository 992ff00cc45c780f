"""The folder of a report: its pictures, and the report itself as HTML, Markdown and JSON."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dynviz.animation.export import animate, write_whole
from dynviz.errors import DynvizError
from dynviz.recording import open_all
from dynviz.reporting.account import Account, to_json
from dynviz.reporting.claim_recipe import pictures
from dynviz.reporting.courses import MOVED, OVERLAP
from dynviz.reporting.document import Claim, Quantity
from dynviz.reporting.markdown import markdown
from dynviz.reporting.page import page
from dynviz.reporting.verdicts import Finding

SIZE = (440, 280)
MOST_DRAWN = 4
"""Recordings in a picture."""
JSON = "report.json"
FILES = ("report.html", "report.md", JSON)


def drawn(findings: Sequence[Finding], folder: Path) -> tuple[Finding, ...]:
    """Draw a picture of each finding that has recordings; equal pictures are one file."""
    files: dict[tuple[object, ...], str] = {}
    results = []
    for finding in findings:
        view = finding.claim.view or _view(finding.claim)
        key = (finding.sources[:MOST_DRAWN], view)
        if finding.sources and view and key not in files:
            files[key] = _draw(finding, view, folder)
        # One that is not decided anew keeps its picture.
        results.append(replace(finding, picture=files.get(key, "")) if not finding.day else finding)
    return tuple(results)


def _draw(finding: Finding, view: str, folder: Path) -> str:
    target = folder / f"{finding.claim.id}.webp"
    try:
        animate(open_all(finding.sources[:MOST_DRAWN]), target, view=view, size=SIZE, frames=1)
    except DynvizError:
        # A channel may hold what no view draws.
        return ""
    return target.name


def _view(claim: Claim) -> str:
    """The view of a claim that names none: the curves of what is measured."""
    channels = dict.fromkeys(quantity.channel for quantity in claim.quantities if _is_curve(quantity))
    return f"curves:channels=({','.join(channels)})" if channels else ""


def _is_curve(quantity: Quantity) -> bool:
    return bool(quantity.channel and not quantity.of and not quantity.entry and quantity.over not in (MOVED, OVERLAP))


def write(report: Account, folder: Path) -> list[Path]:
    """Write the report, and the strip of each finding.

    Raises:
        DynvizError: A file cannot be written.
    """
    texts = pictures(report)
    texts |= dict(zip(FILES, (page(report), markdown(report), to_json(report)), strict=True))
    for name, text in texts.items():
        write_whole(folder / name, lambda file, text=text: _write(file, text))  # type: ignore[misc]
    return [folder / name for name in FILES]


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
