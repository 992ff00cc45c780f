"""The dialog for changing hyperparameters during training."""

import math
from collections.abc import Sequence
from typing import TypeAlias

from textual.app import ComposeResult

from dynviz.charts import caption
from dynviz.errors import DynvizError
from dynviz.player.form import ChoiceField, FormDialog, row
from dynviz.player.hyperparameters import numbers
from dynviz.player.selection import lane_names
from dynviz.player.value_rows import ValueRows
from dynviz.recording import Recording
from dynviz.recording.changes import Request

Wanted: TypeAlias = tuple[tuple[Recording, Request], ...]
"""Requests for changes, each with its recording."""


class ChangeDialog(FormDialog[Wanted]):
    """Asks for a recording, a lane and new values."""

    heading, purpose = "Change while it trains", "change"

    def __init__(self, recordings: Sequence[Recording]) -> None:
        super().__init__()
        self._recordings, self._names = recordings, caption.names(recordings)

    def rows(self) -> ComposeResult:
        if len(self._recordings) > 1:
            yield from row("of", ChoiceField("of", self._names))
        if any(len(recording.seeds) > 1 for recording in self._recordings):
            yield from row("lanes", ChoiceField("lanes", self._lanes(self._recordings[0])))
        yield ValueRows(self._numbers(None))

    def _lanes(self, recording: Recording) -> list[str]:
        return ["all", *(lane_names(recording) if len(recording.seeds) > 1 else ())]

    def _numbers(self, lane: int | None) -> dict[str, str]:
        recording = self._recordings[self.chosen("of") if self.is_mounted else 0]
        return numbers(recording, lane, recording.recorded)

    async def on_choice_field_changed(self) -> None:
        """Show the current values for the selected recording and lane."""
        for field in self.query("#lanes").results(ChoiceField):
            words = tuple(self._lanes(self._recordings[self.chosen("of")]))
            if words != field.words:
                field.words, field.index = words, 0
                field.refresh()
        await self.query_one(ValueRows).show(self._numbers(self._lane))

    @property
    def _lane(self) -> int | None:
        """The selected lane, among those that are shown; None for all."""
        return self.chosen("lanes") - 1 if self.chosen("lanes") else None

    def answer(self) -> Wanted:
        recording, lane = self._recordings[self.chosen("of")], self._lane
        shown = recording.chosen
        lanes: Sequence[int | None] = [lane] if shown is None else shown if lane is None else [shown[lane]]
        changed = {name: _number(name, text) for name, text in self.query_one(ValueRows).changed.items()}
        if not changed:
            raise DynvizError("nothing has changed; enter a different number")
        return tuple(
            (recording, Request(action="set", name=name, value=value, lane=target))
            for name, value in changed.items()
            for target in lanes
        )


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DynvizError(f"only a number can be given to {name} while the run trains; fork it for anything else")
    return value
