"""The keys of the stage: what each is called, what it does, and how that is said."""

from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True)
class Key:
    """Keys that do one thing.

    Attributes:
        keys: As Textual names them, each with the action it starts.
        shown: As people know them.
        what: What they do.
        group: Under which heading that is said.
    """

    keys: tuple[tuple[str, str], ...]
    shown: str
    what: str
    group: str


TIME, PICTURE, WINDOW = "Time", "Picture", "Player"

KEYS = (
    Key((("space", "pause"),), "space", "play or pause", TIME),
    Key((("right", "move(1)"), ("left", "move(-1)")), "← →", "one sample back or ahead", TIME),
    Key(
        (("ctrl+right,full_stop", "move(10)"), ("ctrl+left,comma", "move(-10)")),
        "ctrl ← →  or  , .",
        "ten samples",
        TIME,
    ),
    Key(
        (("shift+right,greater_than_sign", "move(100)"), ("shift+left,less_than_sign", "move(-100)")),
        "⇧ ← →  or  < >",
        "a hundred samples",
        TIME,
    ),
    Key((("pagedown", "leap(1)"), ("pageup", "leap(-1)")), "page ↑ ↓", "a twentieth of the run", TIME),
    Key((("home", "home"), ("end", "end")), "home end", "the first step, the newest step", TIME),
    Key((("left_square_bracket", "speed(-1)"), ("right_square_bracket", "speed(1)")), "[ ]", "slower, faster", TIME),
    Key((("f", "follow"),), "f", "follow training live", TIME),
    Key((("n", "event(1)"), ("N", "event(-1)")), "n N", "the next event, the one before", TIME),
    Key((("g,colon", "jump"),), "g  or  :", "go to a step", TIME),
    Key((("tab", "turn(1)"), ("shift+tab", "turn(-1)")), "tab ⇧tab", "the next view, the one before", PICTURE),
    Key(tuple((str(number), f"view({number})") for number in range(1, 10)), "1 to 9", "a view by its number", PICTURE),
    Key((("z", "zoom"),), "z", "one panel alone, and back", PICTURE),
    Key((("enter", "play"),), "enter", "in a map of lanes: play those at the cursor, as a click does", PICTURE),
    Key((("down", "page(1)"), ("up", "page(-1)")), "↑ ↓", "other panels, where not all are shown", PICTURE),
    Key((("l", "lanes"),), "l", "choose recordings and lanes", PICTURE),
    Key((("t", "app.theme"),), "t", "dark or light", PICTURE),
    Key((("e", "export"),), "e", "export what is shown to a file", WINDOW),
    Key((("y", "copy"),), "y", "copy the command that makes this picture", WINDOW),
    Key((("d,i", "details"),), "d", "the run: hyperparameters, channels, events", WINDOW),
    Key((("question_mark,h,f1", "app.help"),), "?", "these keys", WINDOW),
    Key((("escape", "back"),), "esc", "back", WINDOW),
    Key((("ctrl+z", "app.suspend_process"),), "ctrl z", "to the shell, and back with fg", WINDOW),
    Key((("q,ctrl+c,ctrl+q", "app.leave"),), "q", "quit", WINDOW),
)


MOUSE: tuple[tuple[str, ...], ...] = (
    ("point at a panel", "the values there, beside the views"),
    ("click on a panel", "that panel alone, and back"),
    ("click or drag", "on the line of time: go to a step"),
    ("wheel", "a hundredth of the run"),
)


def bindings() -> list[BindingType]:
    """All of them as Textual takes them; those of the focus are wanted for views."""
    return [
        Binding(key, action, show=False, priority=name == "turn")
        for each in KEYS
        for key, action in each.keys
        for name in [action.partition("(")[0]]
    ]


def help_sections() -> list[tuple[str, list[tuple[str, ...]]]]:
    """All of them in words: a heading and its keys, in order."""
    groups = dict.fromkeys(each.group for each in KEYS)
    found: list[tuple[str, list[tuple[str, ...]]]] = [
        (group, [(each.shown, each.what) for each in KEYS if each.group == group]) for group in groups
    ]
    return [*found, ("Mouse", list(MOUSE))]
