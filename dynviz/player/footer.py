"""The last row: the keys that do something now."""

from collections.abc import Sequence
from dataclasses import dataclass

from dynviz.player.projector import Projector
from dynviz.player.words import Row, Word, fit


@dataclass(frozen=True)
class Now:
    """What there is to be done.

    Attributes:
        film: Whether there is a picture.
        playing: Whether time moves it.
        live: Whether more comes.
        following: Whether the newest step is shown.
        events: Whether something happened.
        views: How many there are.
        panels: How many the view has.
        hidden: Whether some of them have no room.
        zoomed: Whether one panel stands alone.
        choosable: Whether there are recordings or lanes to choose from.
        behind: What stands behind the stage, in a word.
        picks: Whether places of the picture stand for lanes that can be played.
    """

    film: bool = False
    playing: bool = False
    live: bool = False
    following: bool = False
    events: bool = False
    views: int = 0
    panels: int = 0
    hidden: bool = False
    zoomed: bool = False
    choosable: bool = False
    behind: str = ""
    picks: bool = False


def now(projector: Projector, shown: int, behind: str) -> Now:
    """What there is to be done with what is shown.

    Args:
        projector: What is shown.
        shown: How many panels have room.
        behind: What stands behind the stage, in a word.
    """
    playback, panels = projector.playback, len(projector.titles)
    return Now(
        film=projector.scene() is not None,
        playing=playback.playing,
        live=playback.live,
        following=playback.following,
        events=bool(projector.happened),
        views=len(projector.views.names),
        panels=panels,
        hidden=0 < shown < panels,
        zoomed=projector.zoomed,
        choosable=projector.choosable,
        behind=behind,
        picks=projector.picks,
    )


def keys(now: Now) -> list[tuple[str, str, int]]:
    """Key, what it does, and how soon it is left out where there is no room."""
    found = [
        (now.film, "space", "pause" if now.playing else "play", 1),
        (now.picks, "enter", "play", 1),
        (now.film, "←→", "step", 3),
        (now.film, "⇧←→", "100", 8),
        (now.film, "[ ]", "speed", 5),
        (now.film and now.live and not now.following, "f", "follow", 2),
        (now.events, "n", "event", 4),
        (now.views > 1, "tab", "view", 2),
        (now.zoomed, "z", "back", 3),
        (now.film and now.panels > 1 and not now.zoomed, "z", "zoom", 3),
        (now.film and now.panels > 1 and (now.hidden or now.zoomed), "↑↓", "panel", 4),
        (now.choosable, "l", "lanes", 5),
        (now.film, "e", "export", 4),
        (bool(now.behind), "esc", now.behind, 6),
        (True, "?", "help", 1),
        (True, "q", "quit", 0),
    ]
    return [(key, what, rank) for there, key, what, rank in found if there]


def footer(width: int, now: Now, said: Sequence[Word] = ()) -> Row:
    """The row, exactly so wide."""
    pairs = keys(now)
    while True:
        words = [
            each
            for place, (key, what, _) in enumerate(pairs)
            for each in (Word(key, "text", gap=2 if place else None), Word(what, "muted", gap=1))
        ]
        taken = sum(word.width + (word.gap or 0) for word in words) + 2 + sum(word.width + 2 for word in said)
        if taken <= width or len(pairs) < 2:
            return fit(words, said, width)
        pairs.remove(max(pairs, key=lambda pair: pair[2]))
