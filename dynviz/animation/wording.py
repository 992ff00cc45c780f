"""A user's own words for a picture: title, caption, labels, and another language."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from dynviz.errors import DynvizError, unknown
from dynviz.film import Film
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Mark, Panel, Readout, Scene

Pairs = tuple[tuple[str, str], ...]
WRITTEN = ("label", "text", "name", "value", "widest", "missing")
"""The fields of marks that are written; others name colours and kinds."""


@frozen
class Wording:
    """What a user calls things.

    Attributes:
        title: In place of the scenario's; empty to keep that.
        caption: A sentence below it; with a full stop it stands in place of what the picture would say itself.
        labels: Names for recordings, in place of their own; `run/adamw` is the one of this run alone.
        language: Words in place of the English ones.
    """

    title: str = ""
    caption: str = ""
    labels: Pairs = ()
    language: Pairs = ()

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> "Wording":
        """Restore from a dataclass as a tree."""
        pairs = {name: tuple((one, other) for one, other in tree[name]) for name in ("labels", "language")}
        return cls(tree["title"], tree["caption"], **pairs)

    def relabelled(self, recordings: Sequence[Recording]) -> list[Recording]:
        """The recordings under their new names.

        Raises:
            DynvizError: There is no recording of a name.
        """
        names = dict(self.labels)
        known = [(f"{one.folder.resolve().parent.name}/{one.label}", one.label) for one in recordings]
        for name in names:
            if not any(name in own for own in known):
                raise unknown("recording", name, [label for _, label in known])
        new = [next((names[name] for name in own if name in names), "") for own in known]
        return [one.called(name) if name else one for one, name in zip(recordings, new, strict=True)]

    def applied(self, film: Film) -> Film:
        """The film in these words."""
        if not (self.title or self.caption or self.language):
            return film
        translate = _translator(self.language)

        def scene(step: int) -> Scene:
            whole = film.scene(step)
            if self.language:
                whole = _scene(whole, translate)
            caption = (Readout(self.caption, "text"),) if self.caption else ()
            said = [one for one in whole.readouts if not (self.caption.endswith(".") and one.color == "text")]
            return replace(whole, title=self.title or whole.title, readouts=(*caption, *said))

        outcomes = tuple(replace(outcome, text=translate(outcome.text)) for outcome in film.outcomes)
        return replace(film, scene=scene, outcomes=outcomes)

    def translated(self, text: str) -> str:
        """A text in these words."""
        return _translator(self.language)(text)


PLAIN = Wording()
"""The words as they are."""


def read_language(file: Path) -> Pairs:
    """Words and what they are in another language: a TOML file of `"validation loss" = "Validierungsfehler"`.

    Raises:
        DynvizError: The file cannot be read, or is no such table.
    """
    # The player, which draws with words as they are, would wait for the import.
    import tomllib

    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DynvizError(f"cannot read {file}: {error.strerror or error}") from error
    except ValueError as error:
        raise DynvizError(f'{file} is no TOML of words, such as loss = "Verlust": {error}') from error
    for word, other in tree.items():
        if not isinstance(other, str):
            raise DynvizError(f'{word} in {file} has to be a text, such as loss = "Verlust"')
    return tuple(tree.items())


def _translator(language: Pairs) -> Callable[[str], str]:
    """Replaces whole words, the longest phrases first."""
    words = dict(language)
    if not words:
        return lambda text: text
    phrases = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w-])(?:{phrases})(?![\w-])")

    @lru_cache(maxsize=4096)
    def translate(text: str) -> str:
        return pattern.sub(lambda match: words[match[0]], text)

    return translate


def _scene(scene: Scene, translate: Callable[[str], str]) -> Scene:
    return replace(
        scene,
        title=translate(scene.title),
        panels=tuple(_panel(panel, translate) for panel in scene.panels),
        readouts=tuple(_readout(readout, translate) for readout in scene.readouts),
        counter=(translate(scene.counter[0]), translate(scene.counter[1])),
    )


def _panel(panel: Panel, translate: Callable[[str], str]) -> Panel:
    return replace(
        panel,
        title=translate(panel.title),
        x=_axis(panel.x, translate),
        y=_axis(panel.y, translate),
        marks=tuple(_mark(mark, translate) for mark in panel.marks),
        readouts=tuple(_readout(readout, translate) for readout in panel.readouts),
        plan=None if panel.plan is None else _panel(panel.plan, translate),
    )


def _axis(axis: Axis, translate: Callable[[str], str]) -> Axis:
    return replace(axis, label=translate(axis.label))


def _readout(readout: Readout, translate: Callable[[str], str]) -> Readout:
    text, name, widest = (translate(words) for words in (readout.text, readout.name, readout.widest))
    return replace(readout, text=text, name=name, widest=widest)


def _mark(mark: Mark, translate: Callable[[str], str]) -> Mark:
    words = {one.name: getattr(mark, one.name) for one in fields(mark) if one.name in WRITTEN}
    changed: dict[str, Any] = {name: translate(text) for name, text in words.items() if isinstance(text, str)}
    changed = {name: text for name, text in changed.items() if text != words[name]}
    # A mark without words stays the same object, which backends keep drawn.
    return replace(mark, **changed) if changed else mark
