"""Notices that training has ended or diverged, for somebody who looks elsewhere."""

from collections.abc import Iterable

from dynviz.player.event_marks import EventMark

DIVERGED = "diverged"


class Endings:
    """Compares what is seen with what was seen before."""

    def __init__(self) -> None:
        self._status = ""
        self._diverged: int | None = None

    def look(self, status: str, marks: Iterable[EventMark]) -> str:
        """What has ended or diverged since the last look, in words; empty if nothing has.

        >>> endings = Endings()
        >>> [endings.look(status, ()) for status in ("running", "running", "finished", "finished")]
        ['', '', 'training finished', '']
        """
        before, self._status = self._status, status
        diverged = [mark for mark in marks if mark.kind == DIVERGED]
        known, self._diverged = self._diverged, len(diverged)
        if before == "running" and status not in {"running", ""}:
            return f"training {'stopped' if status == 'interrupted' else status}"
        if status == "running" and known is not None and len(diverged) > known:
            return diverged[-1].text
        return ""
