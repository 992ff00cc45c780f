"""Where tables and bars are printed. Apart from `say`, since importing rich takes as long as a short command."""

import contextlib
import sys
from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from dynviz.cli.say import hush
from dynviz.text import clean


def console(*, err: bool = True, **options: Any) -> Console:
    """A console whose text is printed as it is, without control characters or markup."""
    if err:
        options["file"] = _Unfailing(sys.stderr)
    return _Console(**{"highlight": False, "markup": False, "emoji": False, **options})


class _Console(Console):
    """A console that cleans the text of what it renders, and leaves its own control sequences."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control or text.isprintable() else Segment(clean(text, lines=True), style)


class _Unfailing:
    """A stream that drops its errors: a thread draws the bars, and training continues without them."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            return self._stream.write(text)
        hush(self._stream)
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            hush(self._stream)
