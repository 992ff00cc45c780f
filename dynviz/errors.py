"""The one error that a user can mend."""

import difflib
from collections.abc import Iterable


class DynvizError(Exception):
    """Something that was asked for cannot be done; the text says what would be accepted."""


def unknown(what: str, name: str, known: Iterable[str]) -> DynvizError:
    """An error for a name that does not exist, with a suggestion.

    Args:
        what: The kind of thing, with no article: `optimizer`, `channel`.
        name: What was asked for.
        known: What there is.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    there = f" There are: {', '.join(names)}" if names else " There is none"
    return DynvizError(f"no {what} named {name!r}{hint}{there}")
