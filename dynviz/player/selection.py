"""Which recordings and lanes are shown, and whether lanes are shown side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dynviz.charts import caption
from dynviz.recording import Recording


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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

    def everything(self) -> "Selection":
        """A copy in which everything is shown."""
        whole = (replace(choice, chosen=frozenset(range(len(choice.lanes)))) for choice in self.choices)
        return replace(self, choices=tuple(whole))

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


def selection(recordings: Sequence[Recording]) -> Selection:
    """The selection of the recordings as opened, among all lanes in their folders."""
    chosen: dict[str, set[int]] = {}
    whole: dict[str, Recording] = {}
    for recording in recordings:
        folder = str(recording.folder)
        whole.setdefault(folder, Recording(recording.folder))
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
