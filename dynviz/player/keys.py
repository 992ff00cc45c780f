"""The keys of the player: what they do, and how the help describes it."""

from collections.abc import Mapping
from typing import NamedTuple

from textual.binding import Binding, BindingType

from dynviz.frozen import frozen


@frozen
class Key:
    """Keys with one purpose.

    Attributes:
        keys: Their names in Textual, each with its action; none for a key that the whole player heeds.
        shown: Their names in the help.
        what: What they do.
        group: The heading in the help.
        each: What each of them does, where that differs.
        writes: Whether they act on training or write files, and so do nothing in a player that is read only.
    """

    keys: tuple[tuple[str, str], ...]
    shown: str
    what: str
    group: str
    each: tuple[str, ...] = ()
    writes: bool = False


TIME, TRAINING, PICTURE, WINDOW = "Time", "Training", "Picture", "Player"

KEYS = (
    Key((("space", "pause"),), "space", "play or pause", TIME),
    Key(
        (("right", "move(1)"), ("left", "move(-1)")),
        "← →",
        "back or ahead by one sample",
        TIME,
        ("ahead by one sample", "back by one sample"),
    ),
    Key(
        (("ctrl+right", "move(10)"), ("ctrl+left,comma", "move(-10)")),
        "ctrl ← →  or  , .",
        "by ten samples",
        TIME,
        ("ahead by ten samples", "back by ten samples"),
    ),
    Key(
        (("shift+right", "move(100)"), ("shift+left,less_than_sign", "move(-100)")),
        "⇧ ← →  or  < >",
        "by a hundred samples",
        TIME,
        ("ahead by a hundred samples", "back by a hundred samples"),
    ),
    Key(
        (("pagedown", "leap(1)"), ("pageup", "leap(-1)")),
        "page ↑ ↓",
        "by a twentieth of the run",
        TIME,
        ("ahead by a twentieth of the run", "back by a twentieth of the run"),
    ),
    Key((("home", "home"), ("end", "end")), "home end", "first step, newest step", TIME, ("first step", "newest step")),
    Key(
        (("left_square_bracket", "speed(-1)"), ("right_square_bracket", "speed(1)")),
        "[ ]",
        "play slower or faster",
        TIME,
        ("play slower", "play faster"),
    ),
    Key((("P", "pace"),), "P", "let time run with what moves, or with the steps", TIME),
    Key((("f", "follow"),), "f", "follow training live", TIME),
    Key(
        (("n", "event(1)"), ("N", "event(-1)")),
        "n N",
        "next event, previous event",
        TIME,
        ("next event", "previous event"),
    ),
    Key(
        (("b", "extreme('best')"), ("v", "extreme('minimum')"), ("J", "extreme('jump')")),
        "b v J",
        "best result, minimum of the loss, its largest jump",
        TIME,
        ("best result", "minimum of the loss", "largest jump of the loss"),
    ),
    Key((("m", "note"),), "m", "note at this step; it is kept in the recordings, and n finds it", TIME, writes=True),
    Key((("E", "kinds"),), "E", "choose the kinds of events that are shown", TIME),
    Key((("g,colon", "jump"),), "g  or  :", "go to a step", TIME),
    Key((("p", "train"),), "p", "pause training, and continue it", TRAINING, writes=True),
    Key(
        (("full_stop", "ahead(1, 10)"), ("greater_than_sign", "ahead(100, 100)")),
        ".  >",
        "while training is paused: train one step, a hundred steps",
        TRAINING,
        ("while training is paused: train one step", "while training is paused: train a hundred steps"),
        writes=True,
    ),
    Key((("L", "longer"),), "L", "make the run longer, or train on where it was stopped", TRAINING, writes=True),
    Key((("S", "stop"),), "S", "stop training; L continues it", TRAINING, writes=True),
    Key((("h", "change"),), "h", "change hyperparameters while it trains", TRAINING, writes=True),
    Key((("F", "fork"),), "F", "fork: train again from this step, with something changed", TRAINING, writes=True),
    Key(
        (("tab", "turn(1)"), ("shift+tab", "turn(-1)")),
        "tab ⇧tab",
        "next view, previous view",
        PICTURE,
        ("next view", "previous view"),
    ),
    Key(tuple((str(number), f"view({number})") for number in range(1, 10)), "1 to 9", "view by number", PICTURE),
    Key((("z", "zoom"),), "z", "zoom into a panel, and back", PICTURE),
    Key((("x", "fit"),), "x", "axes of the steps so far, of the plan, or of its last tenth", PICTURE),
    Key(
        (("X", "log('x')"), ("Y", "log('y')")),
        "X Y",
        "logarithmic axes of steps, of values",
        PICTURE,
        ("logarithmic axes of steps, and back", "logarithmic axes of values, and back"),
    ),
    Key((("w", "smooth"),), "w", "means of the last 10 samples, of 100, or none", PICTURE),
    Key((("enter", "play"),), "enter", "in a map of lanes: play the lanes at the mouse, like a click", PICTURE),
    Key(
        (("down", "page(1)"), ("up", "page(-1)")),
        "↑ ↓",
        "show other panels, if not all fit",
        PICTURE,
        ("next panels, if not all fit", "previous panels, if not all fit"),
    ),
    Key((("l", "lanes"),), "l", "choose recordings and lanes", PICTURE),
    Key((("t", "app.theme"),), "t", "dark or light theme", PICTURE),
    Key((("e", "export"),), "e", "export to a file", WINDOW, writes=True),
    Key((("y", "copy"),), "y", "copy the values at the mouse, else the command of this picture", WINDOW),
    Key((("s", "save"),), "s", "save the screen as text, ANSI or SVG", WINDOW, writes=True),
    Key((("o", "open"),), "o", "open another run beside this one", WINDOW, writes=True),
    Key((("d,i", "details"),), "d", "details: hyperparameters, channels, events", WINDOW),
    Key((("ctrl+p", "palette"),), "ctrl p", "find anything by its words: keys, views, events, lanes", WINDOW),
    Key((("question_mark,f1", "app.help"),), "?", "this help", WINDOW),
    Key((("escape", "back"),), "esc", "back", WINDOW),
    Key((), "ctrl z", "suspend; fg in the shell resumes", WINDOW, writes=True),
    Key((("q,ctrl+c", "app.leave"),), "q", "quit", WINDOW),
)


MOUSE: tuple[tuple[str, ...], ...] = (
    ("point at a panel", "read the values there, to the right of the tabs; of curves all, with differences"),
    ("click on a panel", "zoom into it, and back"),
    ("drag over curves", "show the steps between; esc shows all again"),
    ("click or drag", "on the timeline: go to a step"),
    ("click", "on a key in the last row: press it; on the speed: faster; on its sign: play or pause"),
    ("wheel", "by a hundredth of the run"),
)


NAMES = {
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "full_stop": ".",
    "question_mark": "?",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "escape": "esc",
    "shift": "⇧",
    "app.leave": "q",
}
"""Keys that Textual names otherwise than the help."""


def shown(key: str) -> str:
    """The name of a key as the help has it.

    >>> shown("ctrl+left"), shown("full_stop,x")
    ('ctrl ←', '.')
    """
    return " ".join(NAMES.get(part, part) for part in key.partition(",")[0].split("+"))


class NamedAction(NamedTuple):
    """The keys of an action, as Textual names them, and what it does."""

    keys: str
    what: str


def name_of(action: str) -> str:
    """The name under which an action's keys are set.

    >>> name_of("pause"), name_of("move(-1)"), name_of("ahead(1, 10)"), name_of("extreme('best')")
    ('pause', 'move-1', 'ahead+1', 'extreme-best')
    """
    word, _, number = action.removeprefix("app.").rstrip(")").partition("(")
    first = number.partition(",")[0].strip("'")
    return word if not first else f"{word}{int(first):+d}" if first.lstrip("-").isdecimal() else f"{word}-{first}"


ACTIONS: Mapping[str, NamedAction] = {
    name_of(action): NamedAction(names, key.each[place] if key.each else key.what)
    for key in KEYS
    for place, (names, action) in enumerate(key.keys)
}
"""All actions whose keys can be set."""

WRITING = frozenset(action.partition("(")[0] for key in KEYS if key.writes for _, action in key.keys) - {"ahead"}
"""Actions that a player does not do that is read only; `ahead` only moves there."""


def pressed(set_keys: Mapping[str, str]) -> dict[str, str]:
    """For each key of an action that has another one now, that one.

    >>> pressed({"pause": "k", "jump": "G,f2"})
    {'space': 'k', 'g': 'G', 'colon': 'G'}
    """
    return {
        before: now.partition(",")[0]
        for name, now in set_keys.items()
        if name in ACTIONS
        for before in ACTIONS[name].keys.split(",")
    }


def bindings() -> list[BindingType]:
    """All keys for Textual, which would use tab to move the focus."""
    return [
        Binding(names, action, show=False, priority=action.startswith("turn"), id=name_of(action))
        for key in KEYS
        for names, action in key.keys
    ]


def help_sections(set_keys: Mapping[str, str], *, read_only: bool = False) -> list[tuple[str, list[tuple[str, ...]]]]:
    """All keys in words: headings, each with its keys.

    Args:
        set_keys: The keys that the user has set, by the names of actions.
        read_only: Whether to leave out the keys that write.
    """
    sections: dict[str, list[tuple[str, ...]]] = {}
    for key in KEYS:
        if read_only and key.writes:
            continue
        named = [name_of(action) for _, action in key.keys]
        now = "  ".join(shown(set_keys.get(name, ACTIONS[name].keys)) for name in named)
        sections.setdefault(key.group, []).append((now if set_keys.keys() & set(named) else key.shown, key.what))
    return [*sections.items(), ("Mouse", list(MOUSE))]
