"""Words that come from a file or from outside, made safe to show in a terminal, a document or a picture."""

import unicodedata
from collections.abc import Sequence

REPLACED = "\ufffd"
"""What stands in the place of a character that would be obeyed rather than shown."""
_UNSEEN = ("C", "Zl", "Zp")
"""Categories of Unicode: control and format characters, surrogates, and what begins a line elsewhere."""


def clean(text: str, *, lines: bool = False) -> str:
    r"""The text with every character replaced that a terminal obeys or a document must not hold.

    A name in a recording may hold an escape sequence, a character that reverses the order of others, or half a
    surrogate pair. Tabs become spaces, and so do the ends of lines unless they are kept.

    Args:
        text: What is to be shown.
        lines: Whether the ends of lines stay.

    >>> clean("adam\x1b[2J\tw\nx"), clean("a\nb\r\n", lines=True)
    ('adam�[2J w x', 'a\nb\n')
    """
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n")
    return "".join(character if character.isprintable() else _shown(character, lines=lines) for character in text)


def one_line(text: str, most: int = 2000) -> str:
    r"""The text of an error as one line that a terminal shows, cut where it is longer than anybody reads.

    >>> one_line("no view\nnamed 'x'"), one_line("endless", most=4)
    ("no view named 'x'", 'end…')
    """
    line = clean(" ".join(text.splitlines()))
    return line if len(line) <= most else f"{line[: most - 1]}…"


def quoted(name: str, most: int = 60) -> str:
    r"""A name as messages quote it: clean, and cut where it is longer than anybody reads.

    >>> print(quoted("adam\x1b[2J"), quoted("endless", most=4))
    'adam�[2J' 'end…'
    """
    return repr(one_line(name, most))


def listed(names: Sequence[str], most: int = 30) -> str:
    r"""Names as messages list them: each clean and cut, and no more of them than anybody reads.

    >>> listed(["loss", "a\x07"]), listed(["a", "b", "c"], most=2)
    ('loss, a�', 'a, b and 1 more')
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(one_line(name, 40) for name in names[:most]) + more


def xml(text: str, *, lines: bool = False) -> str:
    r"""The text as it stands between the tags of a document.

    >>> xml("a < b\x00")
    'a &lt; b�'
    """
    # Its table of all entities takes a while to import.
    from html import escape

    return escape(clean(text, lines=lines), quote=False)


def _shown(character: str, *, lines: bool) -> str:
    if character == "\n" and lines:
        return character
    if character in "\n\t":
        return " "
    return REPLACED if unicodedata.category(character).startswith(_UNSEEN) else character
