"""Results as files that other programs read: comma-separated values, JSON, and a page without network access."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from dynviz.frozen import frozen
from dynviz.recording import disk

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid #8886; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; font-family: ui-monospace, monospace; }
code { font-family: ui-monospace, monospace; }
svg { max-width: 100%; height: auto; }
"""


@frozen
class PageTable:
    """A table of a page.

    Attributes:
        title: Its heading.
        header: The names of the columns.
        cells: The rows; the first cell of each is a name.
        notes: Sentences below it.
    """

    title: str
    header: Sequence[str]
    cells: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


def csv_text(trees: Sequence[Mapping[str, Any]]) -> str:
    """Comma-separated values, a row for each tree; lists become text with semicolons, null an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(trees[0]), lineterminator="\n")
    writer.writeheader()
    for tree in trees:
        writer.writerow(
            {
                key: ";".join("" if entry is None else str(entry) for entry in value)
                if isinstance(value, list)
                else value
                for key, value in tree.items()
            }
        )
    return text.getvalue()


def json_text(tree: Any) -> str:
    """JSON in lines."""
    return json.dumps(tree, indent=2, allow_nan=False) + "\n"


def html(title: str, intro: Sequence[str], tables: Sequence[PageTable], picture: str = "") -> str:
    """One page.

    Args:
        title: Its heading.
        intro: Paragraphs below it.
        tables: The tables.
        picture: A picture as SVG; empty for none.
    """
    parts = ["<!doctype html>", '<html lang="en"><head><meta charset="utf-8">', f"<title>{escape(title)}</title>"]
    parts += [f"<style>{STYLE}</style></head><body>", f"<h1>{escape(title)}</h1>"]
    parts += [f"<p>{escape(text)}</p>" for text in intro]
    parts += [picture[picture.find("<svg") :]] if picture else []
    for table in tables:
        parts.append(f"<h2>{escape(table.title)}</h2>")
        parts.append("<table><tr>" + "".join(f"<th>{escape(name)}</th>" for name in table.header) + "</tr>")
        parts += ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.cells]
        parts.append("</table>")
        parts += [f"<p>{escape(note)}</p>" for note in table.notes]
    return "\n".join([*parts, "</body></html>", ""])


def write(file: Path, text: str) -> None:
    """Write a file atomically.

    Raises:
        DynvizError: It cannot be written.
    """
    with disk.replacing(file) as target:
        target.write(text.encode())
