"""The one error that a user can mend."""

import difflib
import traceback
from collections.abc import Iterable
from pathlib import Path

from dynviz.text import listed, one_line, quoted

LONGEST = 200
"""Characters of a name that others are compared with: that takes the square of them."""


class DynvizError(Exception):
    """Something that was asked for cannot be done; the text, of one line, says what would be accepted."""

    def __init__(self, text: str) -> None:
        """Take a text, which may quote anything."""
        super().__init__(one_line(text))


def in_words(error: BaseException) -> str:
    """Why something failed that ran anybody's code: in one line, with the place in that code where it can be told.

    A DynvizError says all that there is to say.
    """
    if isinstance(error, DynvizError):
        return str(error)
    ours = str(Path(__file__).parent)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(ours)]
    theirs = [frame for frame in frames if "site-packages" not in frame.filename and not frame.filename.startswith("<")]
    place = f" ({theirs[-1].filename}, line {theirs[-1].lineno})" if theirs else ""
    return f"{' '.join(f'{type(error).__name__}: {error}'.split()).removesuffix(':')}{place}"


def unknown(what: str, name: str, known: Iterable[str]) -> DynvizError:
    """An error for a name that does not exist, with a suggestion.

    Args:
        what: The kind of thing, with no article: `optimizer`, `channel`.
        name: What was asked for.
        known: What there is.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name[:LONGEST], names, n=1, cutoff=0.6)
    hint = f"; did you mean {quoted(near[0])}?" if near else "."
    there = f" There are: {listed(names)}" if names else " There is none"
    return DynvizError(f"no {what} named {quoted(name)}{hint}{there}")
