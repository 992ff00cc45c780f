"""How many colours a terminal shows."""

from collections.abc import Mapping
from typing import Literal, Protocol, TypeAlias

Depth: TypeAlias = Literal["true", "256", "16", "none"]
"""`true`: red, green and blue in full; `256` and `16`: those of a table; `none`: characters alone."""

_FORCED: Mapping[str, Depth] = {"0": "none", "false": "none", "1": "16", "2": "256", "3": "true"}
_TRUE_PROGRAMS = frozenset({"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "rio"})
_TRUE_TERMS = ("kitty", "alacritty", "ghostty", "wezterm", "foot", "contour", "-direct", "truecolor", "24bit")


class TextStream(Protocol):
    """Where rows are written to."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""


def detect(environ: Mapping[str, str], stream: TextStream) -> Depth:
    """The depth of what stands behind a stream.

    NO_COLOR (not empty) comes before all else. FORCE_COLOR or CLICOLOR_FORCE give colours to a file or a pipe as well;
    FORCE_COLOR=1, 2 or 3 says how many: 16, 256 or all. CLICOLOR=0 takes them away.

    >>> import io
    >>> detect({"TERM": "xterm-256color"}, io.StringIO())
    'none'
    >>> detect({"TERM": "xterm-256color", "FORCE_COLOR": "yes"}, io.StringIO())
    '256'
    """
    if environ.get("NO_COLOR"):
        return "none"
    forced = environ.get("FORCE_COLOR", "").lower()
    if forced in _FORCED:
        return _FORCED[forced]
    if forced or environ.get("CLICOLOR_FORCE", "0") not in {"", "0"}:
        depth = _of_terminal(environ)
        return "16" if depth == "none" else depth
    if environ.get("CLICOLOR") == "0" or not stream.isatty():
        return "none"
    return _of_terminal(environ)


def _of_terminal(environ: Mapping[str, str]) -> Depth:
    term = environ.get("TERM", "").lower()
    if term in {"dumb", "unknown"}:
        return "none"
    if environ.get("COLORTERM", "").lower() in {"truecolor", "24bit"} or "WT_SESSION" in environ:
        return "true"
    if environ.get("TERM_PROGRAM") in _TRUE_PROGRAMS or any(name in term for name in _TRUE_TERMS):
        return "true"
    return "256" if "256" in term else "16"
