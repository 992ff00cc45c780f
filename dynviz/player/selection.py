"""Which recordings and lanes are shown, and whether lanes are shown side by side."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from dynviz.charts import caption
from dynviz.frozen import frozen
from dynviz.recording import Recording

MANY = 10**9
"""More lanes than there are."""
MOST_BESIDE = 64
"""Lanes that are shown side by side, at most: more would be too small to be told apart, and take minutes to open."""


@frozen
class LaneChoice:
    """A recording, its lanes, and which of them are shown.

    Attributes:
        folder: The recording's.
        name: Its name among the recordings.
        lanes: The names of its lanes.
        chosen: The shown lanes.
    """

    folder: str
    name: str
    lanes: tuple[str, ...]
    chosen: frozenset[int]


@frozen
class Selection:
    """All recordings and lanes, and which of them are shown.

    Attributes:
        choices: The recordings.
        beside: Whether lanes are shown side by side instead of in one picture.
    """

    choices: tuple[LaneChoice, ...]
    beside: bool = False

    @property
    def rows(self) -> tuple[tuple[int, int | None], ...]:
        """The rows: (recording, None) for a whole recording, then (recording, lane) if it has several."""
        return tuple(
            (index, lane)
            for index, choice in enumerate(self.choices)
            for lane in (None, *(range(len(choice.lanes)) if len(choice.lanes) > 1 else ()))
        )

    def holds(self, recording: int, lane: int | None) -> bool:
        """Whether a lane is shown, or any lane of a recording."""
        chosen = self.choices[recording].chosen
        return bool(chosen) if lane is None else lane in chosen

    def toggled(self, recording: int, lane: int | None) -> "Selection":
        """A copy in which a lane, or all lanes of a recording, are shown or hidden."""
        choice = self.choices[recording]
        if lane is None:
            chosen = frozenset() if choice.chosen else frozenset(range(len(choice.lanes)))
        else:
            chosen = choice.chosen ^ {lane}
        changed = replace(choice, chosen=chosen)
        return replace(self, choices=(*self.choices[:recording], changed, *self.choices[recording + 1 :]))

    def changed(self, rows: Sequence[tuple[int, int | None]], change: Callable[[bool], bool]) -> "Selection":
        """A copy in which each lane of these rows is shown if `change` of whether it was shown is true."""
        choices = list(self.choices)
        for index, choice in enumerate(choices):
            own = {lane for recording, lane in rows if recording == index and lane is not None}
            if len(choice.lanes) == 1 and (index, None) in rows:
                own = {0}
            kept = {lane for lane in own if change(lane in choice.chosen)}
            choices[index] = replace(choice, chosen=(choice.chosen - own) | kept)
        return replace(self, choices=tuple(choices))

    def matching(self, text: str) -> tuple[tuple[int, int | None], ...]:
        """The rows that a filter leaves: all of its words are in their names, or their numbers in one of its ranges.

        >>> lanes = LaneChoice("runs/a/adamw", "adamw", ("seed 0", "seed 1", "seed 2"), frozenset())
        >>> Selection((lanes,)).matching("1:3")
        ((0, 1), (0, 2))
        >>> Selection((lanes,)).matching("1:")
        ((0, 1), (0, 2))
        >>> Selection((lanes,)).matching("ADAMW seed 2")
        ((0, 2),)
        """
        words = [(word, _numbers(word)) for word in text.casefold().split()]
        rows = []
        for recording, lane in self.rows:
            choice = self.choices[recording]
            name = f"{choice.name} {'' if lane is None else choice.lanes[lane]}".casefold()
            # Python would compare what is no number with each of a range.
            if all(lane is not None and lane in numbers if numbers else word in name for word, numbers in words):
                rows.append((recording, lane))
        return tuple(rows)

    @property
    def crowded(self) -> bool:
        """Whether more lanes are to be shown side by side than can be."""
        return self.beside and sum(len(choice.chosen) for choice in self.choices) > MOST_BESIDE

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources of the shown recordings and lanes."""
        sources: list[str] = []
        for choice in self.choices:
            lanes = sorted(choice.chosen)
            if self.beside and len(choice.lanes) > 1:
                sources += [f"{choice.folder}@{lane}" for lane in lanes]
            elif len(choice.chosen) == len(choice.lanes):
                sources.append(choice.folder)
            elif lanes:
                sources.append(f"{choice.folder}@{','.join(map(str, lanes))}")
        return tuple(sources)


def _numbers(word: str) -> range | None:
    """The numbers of a range like 0:8 or 3:; None for any other word."""
    match = re.fullmatch(r"(\d{0,9}):(\d{0,9})", word)
    return range(int(match[1] or 0), int(match[2] or MANY)) if match else None


def selection(recordings: Sequence[Recording]) -> Selection:
    """The selection of the recordings as opened, among all lanes in their folders."""
    chosen: dict[str, set[int]] = {}
    whole: dict[str, Recording] = {}
    for recording in recordings:
        folder = str(recording.folder)
        if folder not in whole:
            whole[folder] = Recording(recording.folder)
        lanes = range(len(whole[folder].seeds)) if recording.chosen is None else recording.chosen
        chosen.setdefault(folder, set()).update(lanes)
    names = caption.names(list(whole.values())) if whole else ()
    choices = tuple(
        LaneChoice(folder, name, lane_names(recording), frozenset(chosen[folder]))
        for (folder, recording), name in zip(whole.items(), names, strict=True)
    )
    return Selection(choices, beside=len(recordings) > len(whole))


def lane_names(recording: Recording) -> tuple[str, ...]:
    """A name for each lane: the hyperparameters that distinguish it, and its seed."""
    return tuple(
        " ".join([*(f"{key} {value}" for key, value in lane.hyperparameters.items()), f"seed {lane.seed}"])
        for lane in recording.metadata.lanes
    )
