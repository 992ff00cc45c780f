"""The table of `dynviz compare`, printed and as files."""

import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dynviz.cli import comparing
from dynviz.cli.say import say

if TYPE_CHECKING:
    from dynviz.comparison.rows import Row


def show(rows: "Sequence[Row]", form: str) -> None:
    """Print the rows as text for people, or for a document."""
    from dynviz.cli import tables
    from dynviz.comparison import words

    finished = [row for row in rows if not row.refused]
    several = len({row.scenario for row in rows}) > 1
    if form == "text":
        width = shutil.get_terminal_size((100, 24)).columns
        for scenario, group in words.by_scenario(finished):
            if several:
                say(scenario, err=False, bold=True)
            for line in tables.lines(*words.columns(group, wide=False), width):
                say(line, err=False)
            comparing.say_wrapped(words.sentences(group), width)
    else:
        header, cells = words.columns(finished, wide=True)
        if several:
            header = ("scenario", *header)
            cells = [(row.scenario, *texts) for row, texts in zip(finished, cells, strict=True)]
        write = tables.markdown if form == "markdown" else tables.latex
        say("\n".join(write(header, cells, 1 + several)), err=False)
    for note in _notes(rows):
        # A document has no place for notes.
        say(note, err=form != "text")


def _notes(rows: "Sequence[Row]") -> list[str]:
    notes = {
        row: f"{'failed' if row.folder else 'did not run'}: {row.refused}" if row.refused else f"takes {row.fallback}"
        for row in rows
    }
    return list(dict.fromkeys(f"{row.optimizer} {note}" for row, note in notes.items() if row.refused or row.fallback))


def write_files(rows: "Sequence[Row]", asked: Mapping[str, Any]) -> None:
    """Write the rows to the files that were asked for.

    Raises:
        DynvizError: One cannot be written.
    """
    from dynviz.comparison import words
    from dynviz.comparison.pages import PageTable

    finished = [row for row in rows if not row.refused]
    tables = [
        PageTable(
            scenario,
            *words.columns(group, wide=True),
            [
                *words.sentences(group),
                *(f"{row.optimizer}: {', '.join(row.settings)}" for row in group if row.settings),
            ],
        )
        for scenario, group in words.by_scenario(finished)
    ]
    intro = [
        "The median over seeds with its 95 % bootstrap interval. Differences to the best optimizer are paired seed by "
        "seed; the correlation is that of the results with those of the best, over seeds that did not diverge. A seed "
        "that diverged counts as infinitely bad.",
        *_notes(rows),
    ]
    comparing.write_files(asked, [row.to_json() for row in rows], "Optimizers compared", intro, tables)
