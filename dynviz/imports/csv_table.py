"""Tables in CSV: a column of steps, and columns of numbers."""

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.imports.foreign import ForeignRun

PROGRAM = "CSV"
STEPS = ("step", "global_step", "_step", "iteration", "iter", "epoch")
"""What a column of steps is called, the most telling first; without one the rows are the steps."""
SPLITS = ("recording", "lane")
"""Columns of tables that dynviz writes, which hold several runs."""
IGNORED = ("wall time", "_timestamp", "_runtime", "seed")
LONGEST = 1 << 20
"""Characters of a cell."""


def is_log(file: Path) -> bool:
    """Whether a file is a table, by its name."""
    return file.suffix.lower() == ".csv"


def read(file: Path, name: str) -> list[ForeignRun]:
    """The runs of a table; a cell without a number is no value.

    Args:
        file: The table; its first row has the names of its columns.
        name: What the run is called; of a column `Value`, the value too.

    Raises:
        DynvizError: It cannot be read, it has no columns of numbers, or a step is not a whole number.
    """
    csv.field_size_limit(LONGEST)
    runs: dict[tuple[str, ...], ForeignRun] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream)
            columns = [column.strip() for column in next(rows, [])]
            known = [column.lower() for column in columns]
            at = next((known.index(step) for step in STEPS if step in known), None)
            split = [known.index(column) for column in SPLITS if set(SPLITS) <= set(known)]
            for number, row in enumerate(rows):
                if len(row) > len(columns):
                    raise DynvizError(f"{file}, line {rows.line_num}: it has more cells than the first line has names")
                step = number if at is None else _step(row, at, file, rows.line_num)
                key = tuple(row[place] for place in split if place < len(row))
                run = runs.setdefault(key, ForeignRun("-lane".join((*key,)) or name, PROGRAM))
                for place, value in _numbers(row, known):
                    if place != at and place not in split:
                        called = Path(name).name if known[place] == "value" else columns[place]
                        run.add(called, step, value, file)
    except UnicodeDecodeError as error:
        raise DynvizError(f"{file} is not a table: it is not text in UTF-8") from error
    except csv.Error as error:
        raise DynvizError(f"{file} is not a table: {error}") from error
    return [run for run in runs.values() if run.values]


def _step(row: Sequence[str], at: int, file: Path, line: int) -> int:
    text = row[at] if at < len(row) else ""
    try:
        step = float(text)
    except ValueError:
        step = math.nan
    if not step.is_integer():
        raise DynvizError(f"{file}, line {line}: step {text[:40]!r} is not a whole number")
    return int(step)


def _numbers(row: Sequence[str], columns: Sequence[str]) -> Iterator[tuple[int, float]]:
    for place, text in enumerate(row):
        if text and columns[place] not in IGNORED:
            try:
                yield place, float(text)
            except ValueError:
                continue
