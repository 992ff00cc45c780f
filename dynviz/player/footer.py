"""The last row: the keys that are currently active."""

from collections.abc import Sequence
from typing import NamedTuple

from dynviz.player.state import PlayerState
from dynviz.player.words import Row, Word, fit


class KeyHint(NamedTuple):
    """A key and what it does; keys with a higher rank are omitted first when space is short."""

    key: str
    action: str
    rank: int


def key_hints(state: PlayerState, shown: int, behind: str) -> list[KeyHint]:
    """The keys that are currently active.

    Args:
        state: What is shown.
        shown: The number of panels that fit.
        behind: A word for what is behind the screen.
    """
    playback, panels = state.playback, len(state.titles)
    film = state.scene() is not None
    status = state.session.training_status
    paused, hidden = status.paused, 0 < shown < panels
    hints = [
        (film, "space", "pause" if playback.playing else "play", 1),
        (state.picks, "enter", "play", 1),
        (film, "←→", "step", 3),
        (film, "⇧←→", "100", 8),
        (film, "[ ]", "speed", 5),
        (film and playback.live and not playback.following, "f", "follow", 2),
        (bool(len(state.session.events.single)), "n", "event", 4),
        (paused, ".", "train a step", 2),
        (status.status == "running", "p", "train on" if paused else "pause training", 2 if paused else 6),
        (status.status == "running", "h", "change", 5),
        (film, "F", "fork", 5),
        (len(state.views.names) > 1, "tab", "view", 2),
        (state.zoomed, "z", "back", 3),
        (film and panels > 1 and not state.zoomed, "z", "zoom", 3),
        (film and panels > 1 and (hidden or state.zoomed), "↑↓", "panel", 4),
        (state.session.choosable, "l", "lanes", 5),
        (film, "e", "export", 4),
        (bool(behind), "esc", behind, 6),
        (True, "?", "help", 1),
        (True, "q", "quit", 0),
    ]
    return [KeyHint(key, action, rank) for possible, key, action, rank in hints if possible]


def footer(width: int, hints: Sequence[KeyHint], note: Sequence[Word] = ()) -> Row:
    """The row, exactly this wide: as many keys as fit, and a note at the right end."""
    hints = list(hints)
    while True:
        words = [
            word
            for place, hint in enumerate(hints)
            for word in (Word(hint.key, "text", gap=2 if place else None), Word(hint.action, "muted", gap=1))
        ]
        taken = sum(word.width + (word.gap or 0) for word in words) + 2 + sum(word.width + 2 for word in note)
        if taken <= width or len(hints) < 2:
            return fit(words, note, width)
        hints.remove(max(hints, key=lambda hint: hint.rank))
