"""A terminal's answers among what is typed."""

import re

ANSWERS = re.compile(
    r"\x1b_G[^\x1b]*\x1b\\"  # kitty's graphics
    r"|\x1bP(?:>\||[01]\$r|[01]\+r)[^\x1b]*\x1b\\"  # a name, a setting, a capability
    r"|\x1b\](?:11|1337);[^\x07\x1b]*(?:\x07|\x1b\\)"  # a colour, a size
    r"|\x1b\[\?[0-9;]*[cS]"  # attributes of the device and of its graphics
    r"|\x1b\[[46];[0-9]+;[0-9]+t"  # sizes in pixels
)
REST = r"[^\x07\x1b]{0,200}\x1b?"
BEGUN = re.compile(
    rf"(?:\x1b_G{REST}"
    rf"|\x1bP(?:>(?:\|{REST})?|[01](?:[$+](?:r{REST})?)?)"
    rf"|\x1b\](?:1|13|133|(?:11|1337)(?:;{REST})?)"
    r"|\x1b\[\?[0-9;]{0,60}"
    r"|\x1b\[[46](?:;[0-9;]{0,20})?)\Z"
)
"""The beginning of one, of which the rest has not been read yet; nothing that a key sends begins like that."""


class AnswerFilter:
    r"""Drops answers that come when nobody waits for them any more.

    >>> filter = AnswerFilter()
    >>> filter.without("a\x1b_Gi=31;O"), filter.without("K\x1b\\b\x1b[A")
    ('a', 'b\x1b[A')
    """

    def __init__(self) -> None:
        self._begun = ""

    def without(self, data: str) -> str:
        """What was typed of what was read."""
        kept = ANSWERS.sub("", self._begun + data)
        begun = BEGUN.search(kept) if data else None
        self._begun = begun[0] if begun is not None else ""
        return kept[: begun.start()] if begun is not None else kept
