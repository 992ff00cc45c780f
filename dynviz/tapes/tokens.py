"""The words of a line of a tape."""

import re
from typing import Literal

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.text import quoted

TOKEN = re.compile(
    r"""\s*(?:
        (?P<comment>\#.*)
        | "(?P<double>[^"]*)" | '(?P<single>[^']*)' | `(?P<back>[^`]*)`
        | /(?P<regex>(?:[^/\\]|\\.)*)/(?=\s|$)
        | (?P<open>["'`])
        | (?P<word>[^\s"'`\#][^\s"'`]*)
    )""",
    re.VERBOSE,
)


@frozen
class Token:
    """A word, a text in quotation marks, or a regular expression between slashes.

    Attributes:
        kind: Which of them.
        value: What stands within the marks.
        path: What it means where a path is expected, which may begin and end with slashes.
    """

    kind: Literal["word", "text", "regex"]
    value: str
    path: str


def quotation(text: str) -> str:
    """A text as it is written in a tape.

    Raises:
        DynvizError: It holds all kinds of quotation marks, or is of several lines.
    """
    mark = next((mark for mark in "\"'`" if mark not in text), None)
    if mark is None or len(text.splitlines()) > 1:
        raise DynvizError(f"{quoted(text)} cannot be written in a tape")
    return f"{mark}{text}{mark}"


def tokens(line: str) -> list[Token]:
    r"""The words of a line, up to a comment.

    >>> [token.value for token in tokens("Type@1s 'a b' Wait /o\\/k/  # done")]
    ['Type@1s', 'a b', 'Wait', 'o/k']

    Raises:
        DynvizError: A quotation is not closed.
    """
    read, place = [], 0
    while line[place:].strip():
        match = TOKEN.match(line, place)
        if match is None or match.lastgroup == "open":
            raise DynvizError(f"a quotation is not closed: {quoted(line[place:].strip())}")
        kind, value, place = match.lastgroup, match.group(match.lastgroup or 0), match.end()
        if kind == "regex":
            read.append(Token("regex", value.replace("\\/", "/"), f"/{value}/"))
        elif kind == "word":
            read.append(Token("word", value, value))
        elif kind != "comment":
            read.append(Token("text", value, value))
    return read
