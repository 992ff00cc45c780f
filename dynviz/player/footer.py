"""The last row: the keys that are currently active."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from dynviz.player import keys
from dynviz.player.state import PlayerState
from dynviz.player.words import KEPT, Row, Word, fit

PRESSED: Mapping[str, tuple[str, ...]] = {
    "←→": ("left", "right"),
    "⇧←→": ("shift+left", "shift+right"),
    "[ ]": ("left_square_bracket", "right_square_bracket"),
    "↑↓": ("up", "down"),
    "esc": ("escape",),
    "?": ("question_mark",),
    ".": ("full_stop",),
}
"""The keys that a click on a hint presses, from left to right, where Textual names them otherwise than the hint."""


class KeyHint(NamedTuple):
    """A key and what it does.

    Attributes:
        key: The key, or a pair of them.
        action: What it does.
        rank: Keys with a higher rank are omitted first when space is short.
        pressed: What a click presses, as Textual names it, if not what the key's name says.
    """

    key: str
    action: str
    rank: int
    pressed: tuple[str, ...] = ()


def key_hints(
    state: PlayerState, shown: int, behind: str, set_keys: Mapping[str, str] = MappingProxyType({})
) -> list[KeyHint]:
    """The keys that are currently active.

    Args:
        state: What is shown.
        shown: The number of panels that fit.
        behind: A word for what is behind the screen.
        set_keys: The keys that the user has set, by the names of actions.
    """
    playback, panels = state.playback, len(state.titles)
    film = state.scene() is not None
    status = state.session.training_status
    paused, hidden = status.paused, 0 < shown < panels
    running, acts = status.status == "running", state.shows_all_keys or not state.read_only
    hints = [
        (film, "space", "pause" if playback.playing else "play", 1),
        (state.picks, "enter", "play", 1),
        (film, "←→", "step", 3),
        (film, "⇧←→", "100", 8),
        (film, "[ ]", "speed", 5),
        (film and playback.live and not playback.following, "f", "follow", 2),
        (bool(len(state.session.events.single)), "n", "event", 4),
        (paused and acts, ".", "train a step", 2),
        (running and acts, "p", "continue" if paused else "pause training", 2 if paused else 6),
        (running and acts, "h", "change", 5),
        (film and acts, "F", "fork", 5),
        (len(state.views.names) > 1, "tab", "view", 2),
        (state.zoomed, "z", "back", 3),
        (film and panels > 1 and not state.zoomed, "z", "zoom", 3),
        (film and panels > 1 and (hidden or state.zoomed), "↑↓", "panel", 4),
        (state.session.choosable, "l", "lanes", 5),
        (film and acts, "e", "export", 4),
        (bool(behind), "esc", behind, 4),
        (True, "?", "help", 1),
        (True, "q", "quit", 0),
    ]
    now = keys.pressed(set_keys)
    return [_hint(key, action, rank, now) for possible, key, action, rank in hints if possible]


def _hint(key: str, action: str, rank: int, now: Mapping[str, str]) -> KeyHint:
    """A hint with the keys that the user has set in place of others."""
    names = PRESSED.get(key, (key,))
    if not now.keys() & set(names):
        return KeyHint(key, action, rank)
    names = tuple(now.get(name, name) for name in names)
    return KeyHint(" ".join(map(keys.shown, names)), action, rank, names)


def footer(width: int, hints: Sequence[KeyHint], note: Sequence[Word] = ()) -> Row:
    """The row, exactly this wide: as many keys as fit, and a note at the right end."""
    return _footer(width, tuple(hints), tuple(note))


@lru_cache(KEPT)
def _footer(width: int, given: tuple[KeyHint, ...], note: tuple[Word, ...]) -> Row:
    hints = list(given)
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


def key_at(row: Row, column: int, hints: Sequence[KeyHint]) -> str | None:
    """The key, as Textual names it, whose hint is at a column; of a pair of keys, the word for both presses the last.

    >>> hints = [KeyHint("←→", "step", 0), KeyHint("q", "quit", 0)]
    >>> [key_at(footer(20, hints), column, hints) for column in (1, 2, 4, 10, 19)]
    ['left', 'right', 'right', 'q', None]
    """
    known = {hint.key: hint.pressed for hint in hints}
    names: tuple[str, ...] = ()
    end, is_action = 0, False
    for word in row:
        if word.text in known and not is_action:
            names, is_action = known[word.text] or PRESSED.get(word.text, (word.text,)), True
            place = (column - end) * len(names) // word.width
        elif word.text.strip():
            place, is_action = len(names) - 1, False
        elif not is_action:
            names = ()
        end += word.width
        if column < end:
            return names[place] if names else None
    return None
