"""Tables of results as text, Markdown or LaTeX. The first cells of a row are names, the others numbers."""

import re
from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from dynviz.scene.ticks import THIN

Row = Sequence[str]
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


def lines(header: Row, rows: Sequence[Row], width: int) -> Iterator[str]:
    r"""Rows of a name and numbers in columns; a name without room beside its numbers has a line of its own above them.

    >>> print(*lines(("rule", "loss"), [("sgd", "0.25"), ("a-long-name", "1")], 14), sep="\n")
    rule  loss
    sgd   0.25
    a-long-name
             1
    """
    table = [header, *rows]
    widths = [max(map(cell_len, column)) for column in list(zip(*table, strict=True))[1:]]
    room = width - sum(column + 2 for column in widths)
    first = max((cell_len(row[0]) for row in table if cell_len(row[0]) <= room), default=0)
    for name, *numbers in table:
        cells = "".join(
            "  " + " " * (column - cell_len(text)) + text for text, column in zip(numbers, widths, strict=True)
        )
        if cell_len(name) > first:
            yield name
            yield (" " * first + cells).rstrip()
        else:
            yield (name + " " * (first - cell_len(name)) + cells).rstrip()


def markdown(header: Row, rows: Sequence[Row], names: int) -> Iterator[str]:
    r"""A table as GitHub draws it.

    >>> print(*markdown(("rule", "loss"), [("a|b", "0.25")], names=1), sep="\n")
    | rule | loss |
    | :--- | ---: |
    | `a\|b` | 0.25 |

    Args:
        header: What stands above the columns.
        rows: The rows.
        names: How many of the first cells are names.
    """
    yield _piped(header)
    yield _piped([":---"] * names + ["---:"] * (len(header) - names))
    for row in rows:
        cells = [text.replace("|", "\\|") for text in row]
        yield _piped([*(f"`{text}`" for text in cells[:names]), *cells[names:]])


def latex(header: Row, rows: Sequence[Row], names: int) -> Iterator[str]:
    r"""A tabular for LaTeX with the package booktabs; arguments as for `markdown`.

    >>> print(*latex(("rule", "loss"), [("adam_w", "3.1e-5")], names=1), sep="\n")
    \begin{tabular}{lr}
    \toprule
    rule & loss \\
    \midrule
    \texttt{adam\_w} & $3.1 \times 10^{-5}$ \\
    \bottomrule
    \end{tabular}
    """
    yield rf"\begin{{tabular}}{{{'l' * names}{'r' * (len(header) - names)}}}"
    yield r"\toprule"
    yield " & ".join(map(_escaped, header)) + r" \\"
    yield r"\midrule"
    for row in rows:
        cells = [*(rf"\texttt{{{_escaped(text)}}}" for text in row[:names]), *map(_mathematical, row[names:])]
        yield " & ".join(cells) + r" \\"
    yield r"\bottomrule"
    yield r"\end{tabular}"


def _piped(cells: Row) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text).replace("µ", r"\textmu{}")


def _mathematical(text: str) -> str:
    """Numbers with exponents, and thousands, as LaTeX sets them."""
    powers = re.sub(r"(-?[\d.]+)e(-?\d+)", r"$\1 \\times 10^{\2}$", text)
    return powers.replace(THIN, r"\,")
