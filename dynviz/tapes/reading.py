"""Reading a tape. Its words are those of vhs (github.com/charmbracelet/vhs) where they mean the same."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from dynviz.errors import DynvizError, unknown
from dynviz.tapes.script import (
    KEYS,
    MODIFIERS,
    Act,
    Press,
    Screenshot,
    Sleep,
    Tape,
    TapeSettings,
    Visibility,
    WaitFor,
)
from dynviz.tapes.settings import LONGEST, resolved, seconds, setting
from dynviz.tapes.tokens import Token, tokens
from dynviz.text import quoted

MOST_ACTS = 20_000
MOST = 1000
"""Times that a line may repeat a key."""
LARGEST = 1 << 20
"""Characters of a tape."""
Value = TypeVar("Value")


def read(file: Path) -> Tape:
    """The tape in a file.

    Raises:
        DynvizError: The file cannot be read, or a line of it is not understood; the message names the line.
    """
    try:
        with file.open(encoding="utf-8-sig") as opened:
            text = opened.read(LARGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise DynvizError(f"cannot read {file}: {why}") from error
    if len(text) > LARGEST:
        raise DynvizError(f"{file} is too long for a tape")
    return parse(text, str(file))


def parse(text: str, name: str) -> Tape:
    """The tape of a text, which has this name in messages.

    Raises:
        DynvizError: A line of it is not understood.
    """
    reader = _TapeReader()
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            reader.take(number, tokens(line))
        except DynvizError as error:
            raise DynvizError(f"{name}, line {number}: {error}") from error
    if not reader.sources:
        raise DynvizError(f"{name} plays nothing; begin it with a line such as: Play runs/voronoi-adamw-1")
    try:
        settings = resolved(reader.fields)
    except DynvizError as error:
        raise DynvizError(f"{name}: {error}") from error
    return Tape(name, text, reader.sources, reader.played, tuple(reader.outputs), settings, tuple(reader.acts))


class _TapeReader:
    """What was read so far."""

    def __init__(self) -> None:
        self.sources: tuple[str, ...] = ()
        self.played = 0
        self.outputs: list[str] = []
        self.fields: dict[str, Any] = {}
        self.acts: list[Act] = []
        self._typing, self._waiting = TapeSettings().typing_speed, TapeSettings().wait_timeout
        self._line = 0
        self._timed, self._lasts = 0, 0.0
        self._words: list[Token] = []

    def take(self, number: int, words: list[Token]) -> None:
        """Read the commands of a line."""
        self._line, self._words = number, words
        while self._words:
            token = self._words.pop(0)
            name, _, time = token.value.partition("@")
            if token.kind != "word":
                raise DynvizError(f"{quoted(token.value)} stands where a command is expected; to type it, write Type")
            if name in COMMANDS:
                COMMANDS[name](self, time)
            else:
                self._press(name, time)
        new = self.acts[self._timed :]
        self._timed, self._lasts = (
            len(self.acts),
            self._lasts + sum(act.seconds for act in new if isinstance(act, Press | Sleep)),
        )
        if self._lasts > LONGEST:
            raise DynvizError(f"the tape lasts longer than {LONGEST:g} s")
        if len(self.acts) > MOST_ACTS:
            raise DynvizError(f"the tape has over {MOST_ACTS} keys and other commands")

    def _next(self, what: str, kinds: tuple[str, ...] = ("word", "text")) -> str:
        if not self._words or self._words[0].kind not in kinds:
            raise DynvizError(f"{what} is missing")
        return self._words.pop(0).value

    def _path(self, what: str) -> str:
        if not self._words or not self._words[0].path:
            raise DynvizError(f"{what} is missing")
        return self._words.pop(0).path

    def play(self, _: str) -> None:
        """Read `Play RUN...`, which takes all of a line."""
        if self.sources:
            raise DynvizError(f"a tape plays once, and line {self.played} does; several runs stand in one Play")
        first = self._path("the run after Play")
        self.sources, self.played = (first, *(token.path for token in self._words)), self._line
        self._words.clear()

    def output(self, _: str) -> None:
        """Read `Output FILE`."""
        self.outputs.append(self._path("the file after Output"))

    def screenshot(self, _: str) -> None:
        """Read `Screenshot FILE`."""
        self.acts.append(Screenshot(self._line, self._path("the file after Screenshot")))

    def set(self, _: str) -> None:
        """Read `Set NAME VALUE`."""
        name = self._next("the setting after Set")
        known = setting(name)
        text = self._next(f"the value of {name}")
        try:
            value = known.read(text)
        except DynvizError as error:
            raise DynvizError(f"Set {name}: {error}") from error
        if known.field == "typing_speed":
            self._typing = value
        elif known.field == "wait_timeout":
            self._waiting = value
        elif self.acts:
            raise DynvizError(f"Set {name} stands after the first key; move it to the beginning")
        if not known.later:
            self.fields[known.field] = value

    def type(self, time: str) -> None:
        """Read `Type[@TIME] "TEXT"`."""
        pause = seconds(time) if time else self._typing
        texts = [self._next('the text after Type, in quotation marks as in Type "q",', ("text",))]
        while self._words and self._words[0].kind == "text":
            texts.append(self._words.pop(0).value)
        for character in " ".join(texts):
            if not character.isprintable():
                raise DynvizError(f"Type types printable characters, not {quoted(character)}")
            self.acts.append(Press(self._line, "space" if character == " " else character, pause))

    def sleep(self, _: str) -> None:
        """Read `Sleep TIME`."""
        self.acts.append(Sleep(self._line, seconds(self._next("the time after Sleep, such as 500ms,"))))

    def wait(self, time: str) -> None:
        """Read `Wait[@TIME] /REGEX/`."""
        pattern = self._next("the regular expression after Wait, as in Wait /step 300/,", ("regex",))
        try:
            re.compile(pattern)
        except re.error as error:
            raise DynvizError(f"/{pattern}/ is not a regular expression: {error}") from error
        self.acts.append(WaitFor(self._line, pattern, seconds(time) if time else self._waiting))

    def hide(self, _: str) -> None:
        """Read `Hide`."""
        self.acts.append(Visibility(self._line, shown=False))

    def show(self, _: str) -> None:
        """Read `Show`."""
        self.acts.append(Visibility(self._line, shown=True))

    def _press(self, name: str, time: str) -> None:
        """Read `KEY[@TIME] [COUNT]`."""
        key = _key(name)
        pause = seconds(time) if time else self._typing
        count = 1
        if self._words and self._words[0].kind == "word" and self._words[0].value.isdecimal():
            text = self._words.pop(0).value
            count = int(text) if len(text) < 6 else MOST + 1
            if not 1 <= count <= MOST:
                raise DynvizError(f"{name} cannot be pressed {text} times; choose 1 to {MOST}")
        self.acts += [Press(self._line, key, pause)] * count


COMMANDS: Mapping[str, Callable[[_TapeReader, str], None]] = {
    "Play": _TapeReader.play,
    "Output": _TapeReader.output,
    "Screenshot": _TapeReader.screenshot,
    "Set": _TapeReader.set,
    "Type": _TapeReader.type,
    "Sleep": _TapeReader.sleep,
    "Wait": _TapeReader.wait,
    "Wait+Screen": _TapeReader.wait,
    "Hide": _TapeReader.hide,
    "Show": _TapeReader.show,
}
"""All commands but the names of keys."""


def _key(text: str) -> str:
    """A key as Textual names it.

    >>> _key("Shift+Right"), _key("Ctrl+P"), _key("Shift+n"), _key("Enter")
    ('shift+right', 'ctrl+p', 'N', 'enter')
    """
    *held, name = text.split("+") if not text.endswith("+") else [text]
    names = {*COMMANDS, *KEYS}
    if not held:
        if name not in KEYS:
            raise unknown("command", text, names)
        return KEYS[name]
    for modifier in held:
        if modifier.lower() not in MODIFIERS or not modifier.istitle():
            raise unknown("modifier of keys", modifier, [known.capitalize() for known in MODIFIERS])
    if name not in KEYS and (len(name) != 1 or not name.isalnum()):
        raise unknown("key", name, KEYS)
    if held == ["Shift"] and name.isalpha() and len(name) == 1:
        return name.upper()
    return "+".join([*(modifier.lower() for modifier in held), KEYS.get(name, name.lower())])
