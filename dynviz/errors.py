"""The one error that a user can mend, and the kind of it that time mends."""

import contextlib
import difflib
import sysconfig
import traceback
from collections.abc import Iterable, Iterator

from dynviz.text import listed, one_line, quoted

LONGEST = 200
"""Characters of a name that others are compared with: that takes the square of them."""


class DynvizError(Exception):
    """A request cannot be fulfilled; the message, a single line, says what would be accepted."""

    def __init__(self, text: str) -> None:
        """Take a text, which may quote anything."""
        super().__init__(one_line(text))


class TooEarlyError(DynvizError):
    """What is asked for is not recorded yet, but may be once training goes on."""


def in_words(error: BaseException) -> str:
    """Why something failed that ran anybody's code: in one line, with the place in that code where it can be told.

    A DynvizError says all that there is to say.
    """
    if isinstance(error, DynvizError):
        return str(error)
    place = place_of(error)
    words = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
    return f"{words} ({place})" if place else words


def place_of(error: BaseException) -> str:
    """The last place in a user's own code that an error went through; empty where it went through none."""
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        file, module = frame.f_code.co_filename, frame.f_globals.get("__name__", "")
        others = ("site-packages", sysconfig.get_path("stdlib"))
        if not (f"{module}.".startswith("dynviz.") or file.startswith("<") or any(part in file for part in others)):
            place = f"{file}, line {line}"
    return place


def has_traceback(error: BaseException) -> bool:
    """Whether the traceback helps: nobody foresaw the error, or a user's own code raised what it was made from."""
    return not isinstance(error, DynvizError) or bool(error.__cause__ and place_of(error.__cause__))


@contextlib.contextmanager
def one_line_for_users() -> Iterator[None]:
    """Turn an error that a user's own code raises meanwhile into one line that names the place.

    Raises:
        DynvizError: There was such an error.
    """
    try:
        yield
    except DynvizError:
        raise
    except Exception as error:
        if not place_of(error):
            raise
        raise DynvizError(in_words(error)) from error


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
