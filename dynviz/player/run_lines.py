"""Runs as lines of a list."""

import math
from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from dynviz.charts.numbers import DIVERGED, significant
from dynviz.player import styles
from dynviz.player.runs import UNREADABLE, RunSummary
from dynviz.player.status import BAD, LIVE, SIGNS, WORDS
from dynviz.player.words import grouped, shortened
from dynviz.text import clean

BETWEEN = 3
"""Columns between two cells of a line."""
SHORTEST = 10
"""Minimum width to which a long cell is shortened."""
KEPT = 4
"""Number of cells of a line that are never omitted."""
BARS = "▁▂▃▄▅▆▇█"


def cells(run: RunSummary) -> tuple[str, ...]:
    """The cells of a run's line: name, scenario, optimizers, progress, loss, start time."""
    if run.problem:
        return run.folder.name, run.problem
    began = datetime.fromisoformat(run.created).astimezone().strftime("%-d %b %H:%M") if run.created else ""
    return run.folder.name, run.scenario, ", ".join(run.optimizers), progress(run), outline(run), began


def outline(run: RunSummary) -> str:
    """The course of the loss, and its last value.

    >>> from pathlib import Path
    >>> outline(RunSummary(Path("a"), losses=(8.0, 4.0, 2.0, 1.0)))
    '█▆▃▁ 1'
    """
    if not run.losses:
        return ""
    finite = [loss for loss in run.losses if math.isfinite(loss)]
    log = bool(finite) and min(finite) > 0
    heights = [(math.log(loss) if log else loss) if math.isfinite(loss) else math.nan for loss in run.losses]
    known = [height for height in heights if not math.isnan(height)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    scale = (len(BARS) - 1) / ((high - low) or 1.0)
    bars = "".join("·" if math.isnan(height) else BARS[round((height - low) * scale)] for height in heights)
    last = run.losses[-1]
    return f"{bars} {significant(last) if math.isfinite(last) else DIVERGED}"


def progress(run: RunSummary) -> str:
    """The status and progress of a run.

    >>> from pathlib import Path
    >>> progress(RunSummary(Path("a"), steps=(300, 300), status="finished"))
    '✓ 300 steps'
    >>> progress(RunSummary(Path("a"), steps=(1200, 3000), status="interrupted"))
    '■ stopped at 1 200 of 3 000'
    """
    words = run.status.split(", ")
    worst = next((word for word in SIGNS if word in words), "")
    done, total = map(grouped, run.steps)
    if worst == "finished" and UNREADABLE not in words:
        return f"{SIGNS[worst]} {total} steps"
    return f"{SIGNS.get(worst, '')} {', '.join(WORDS.get(word, word) for word in words)} at {done} of {total}".strip()


def widths(rows: Sequence[Sequence[str]], width: int) -> tuple[int, ...]:
    """The width of each cell in lines of at most this width; the last cell is omitted first.

    >>> widths([("one", "voronoi", "adamw", "finished", "now")], 40)
    (3, 7, 5, 8, 3)
    >>> widths([("one", "voronoi", "adamw", "finished", "now")], 27)
    (3, 7, 5, 3)
    """
    columns = [max(map(cell_len, column)) for column in zip_longest(*rows, fillvalue="")]

    def excess() -> int:
        return sum(columns) + BETWEEN * (len(columns) - 1) - width

    while excess() > 0 and len(columns) > KEPT:
        columns.pop()
    while excess() > 0 and max(columns[:-1], default=0) > SHORTEST:
        columns[columns.index(max(columns[:-1]))] -= 1
    if excess() > 0:
        columns[-1] = max(columns[-1] - excess(), 1)
    return tuple(columns)


def row(run: RunSummary, columns: Sequence[int], room: int, theme: str) -> Text:
    """A run in one line, its cells in columns of these widths."""
    statuses = set(run.status.split(", "))
    color = LIVE if "running" in statuses else BAD if statuses & {"killed", "failed"} else "muted"
    line = Text(no_wrap=True, overflow="ellipsis", end="")
    texts = cells(run)
    if run.problem:
        columns = columns[0], room - BETWEEN - columns[0]
    for place, (text, width, role) in enumerate(
        zip(texts, columns, ("", "muted", "", color, "text", "muted"), strict=False)
    ):
        style = Style(color=styles.style(theme, role).color) if role and not run.problem else Style(bold=not place)
        line.append(" " * BETWEEN if place else "")
        line.append(set_cell_size(shortened(clean(text), width), width), style)
    return line
