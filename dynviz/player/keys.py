"""The keys of the player: what they do, and how the help describes it."""

from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True)
class Key:
    """Keys with one purpose.

    Attributes:
        keys: Their names in Textual, each with its action.
        shown: Their names in the help.
        what: What they do.
        group: The heading in the help.
    """

    keys: tuple[tuple[str, str], ...]
    shown: str
    what: str
    group: str


TIME, TRAINING, PICTURE, WINDOW = "Time", "Training", "Picture", "Player"

KEYS = (
    Key((("space", "pause"),), "space", "play or pause", TIME),
    Key((("right", "move(1)"), ("left", "move(-1)")), "← →", "back or ahead by one sample", TIME),
    Key(
        (("ctrl+right", "move(10)"), ("ctrl+left,comma", "move(-10)")),
        "ctrl ← →  or  , .",
        "by ten samples",
        TIME,
    ),
    Key(
        (("shift+right", "move(100)"), ("shift+left,less_than_sign", "move(-100)")),
        "⇧ ← →  or  < >",
        "by a hundred samples",
        TIME,
    ),
    Key((("pagedown", "leap(1)"), ("pageup", "leap(-1)")), "page ↑ ↓", "by a twentieth of the run", TIME),
    Key((("home", "home"), ("end", "end")), "home end", "first step, newest step", TIME),
    Key(
        (("left_square_bracket", "speed(-1)"), ("right_square_bracket", "speed(1)")),
        "[ ]",
        "play slower or faster",
        TIME,
    ),
    Key((("f", "follow"),), "f", "follow training live", TIME),
    Key((("n", "event(1)"), ("N", "event(-1)")), "n N", "next event, previous event", TIME),
    Key((("E", "kinds"),), "E", "choose the kinds of events that are shown", TIME),
    Key((("g,colon", "jump"),), "g  or  :", "go to a step", TIME),
    Key((("p", "train"),), "p", "pause training, and continue it", TRAINING),
    Key(
        (("full_stop", "ahead(1, 10)"), ("greater_than_sign", "ahead(100, 100)")),
        ".  >",
        "while training is paused: train one step, a hundred steps",
        TRAINING,
    ),
    Key((("h", "change"),), "h", "change hyperparameters while it trains", TRAINING),
    Key((("F", "fork"),), "F", "fork: train again from this step, with something changed", TRAINING),
    Key((("tab", "turn(1)"), ("shift+tab", "turn(-1)")), "tab ⇧tab", "next view, previous view", PICTURE),
    Key(tuple((str(number), f"view({number})") for number in range(1, 10)), "1 to 9", "view by number", PICTURE),
    Key((("z", "zoom"),), "z", "zoom into a panel, and back", PICTURE),
    Key((("enter", "play"),), "enter", "in a map of lanes: play the lanes at the mouse, like a click", PICTURE),
    Key((("down", "page(1)"), ("up", "page(-1)")), "↑ ↓", "other panels, where not all fit", PICTURE),
    Key((("l", "lanes"),), "l", "choose recordings and lanes", PICTURE),
    Key((("t", "app.theme"),), "t", "dark or light theme", PICTURE),
    Key((("e", "export"),), "e", "export to a file", WINDOW),
    Key((("y", "copy"),), "y", "copy the command that draws this picture", WINDOW),
    Key((("d,i", "details"),), "d", "details: hyperparameters, channels, events", WINDOW),
    Key((("question_mark,f1", "app.help"),), "?", "this help", WINDOW),
    Key((("escape", "back"),), "esc", "back", WINDOW),
    Key((("ctrl+z", "app.suspend_process"),), "ctrl z", "suspend; fg in the shell resumes", WINDOW),
    Key((("q,ctrl+c,ctrl+q", "app.leave"),), "q", "quit", WINDOW),
)


MOUSE: tuple[tuple[str, ...], ...] = (
    ("point at a panel", "read the values there, to the right of the tabs"),
    ("click on a panel", "zoom into it, and back"),
    ("click or drag", "on the timeline: go to a step"),
    ("wheel", "by a hundredth of the run"),
)


def bindings() -> list[BindingType]:
    """All keys for Textual, which would use tab to move the focus."""
    return [
        Binding(names, action, show=False, priority=action.startswith("turn"))
        for key in KEYS
        for names, action in key.keys
    ]


def help_sections() -> list[tuple[str, list[tuple[str, ...]]]]:
    """All keys in words: headings, each with its keys."""
    sections: dict[str, list[tuple[str, ...]]] = {}
    for key in KEYS:
        sections.setdefault(key.group, []).append((key.shown, key.what))
    return [*sections.items(), ("Mouse", list(MOUSE))]
