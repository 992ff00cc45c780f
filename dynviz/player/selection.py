"""Which recordings and lanes are shown, and whether lanes stand beside each other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dynviz.charts import caption
from dynviz.recording import Recording


@dataclass(frozen=True)
class LaneChoice:
    """A recording and its lanes.

    Attributes:
        folder: The recording's.
        name: What it is called among the others.
        lanes: What each of its lanes is called.
        chosen: Which of them are shown.
    """

    folder: str
    name: str
    lanes: tuple[str, ...]
    chosen: frozenset[int]

    @property
    def whole(self) -> bool:
        """Whether all lanes are shown."""
        return len(self.chosen) == len(self.lanes)


@dataclass(frozen=True)
class Selection:
    """What is shown of what there is.

    Attributes:
        choices: The recordings.
        beside: Whether each lane stands alone, beside the others, instead of all in one picture.
    """

    choices: tuple[LaneChoice, ...]
    beside: bool = False

    @property
    def rows(self) -> tuple[tuple[int, int | None], ...]:
        """What can be chosen, in order: (recording, None for all of it), and (recording, lane) where it has several."""
        return tuple(
            (index, lane)
            for index, choice in enumerate(self.choices)
            for lane in (None, *(range(len(choice.lanes)) if len(choice.lanes) > 1 else ()))
        )

    @property
    def single(self) -> bool:
        """Whether there is nothing to choose."""
        return len(self.rows) < 2

    def holds(self, recording: int, lane: int | None) -> bool:
        """Whether it is shown: a lane, or anything of a recording."""
        chosen = self.choices[recording].chosen
        return bool(chosen) if lane is None else lane in chosen

    def toggled(self, recording: int, lane: int | None) -> "Selection":
        """Show it, or do not; all lanes of a recording where no lane is named."""
        choice = self.choices[recording]
        if lane is None:
            chosen = frozenset() if choice.chosen else frozenset(range(len(choice.lanes)))
        else:
            chosen = choice.chosen ^ {lane}
        changed = replace(choice, chosen=chosen)
        return replace(self, choices=(*self.choices[:recording], changed, *self.choices[recording + 1 :]))

    def everything(self) -> "Selection":
        """Show all lanes of all recordings."""
        whole = (replace(choice, chosen=frozenset(range(len(choice.lanes)))) for choice in self.choices)
        return replace(self, choices=tuple(whole))

    def turned(self) -> "Selection":
        """Show lanes beside each other where they were in one picture, and the other way round."""
        return replace(self, beside=not self.beside)

    @property
    def sources(self) -> tuple[str, ...]:
        """The names that open what is shown."""
        found: list[str] = []
        for choice in self.choices:
            lanes = sorted(choice.chosen)
            if self.beside and len(choice.lanes) > 1:
                found += [f"{choice.folder}@{lane}" for lane in lanes]
            elif choice.whole:
                found.append(choice.folder)
            elif lanes:
                found.append(f"{choice.folder}@{','.join(map(str, lanes))}")
        return tuple(found)


def selection(recordings: Sequence[Recording]) -> Selection:
    """What recordings, as they were opened, show of what there is in their folders."""
    chosen: dict[str, set[int]] = {}
    whole: dict[str, Recording] = {}
    for recording in recordings:
        folder = str(recording.folder)
        whole.setdefault(folder, Recording(recording.folder))
        lanes = range(len(whole[folder].seeds)) if recording.chosen is None else recording.chosen
        chosen.setdefault(folder, set()).update(lanes)
    names = caption.names(list(whole.values())) if whole else ()
    choices = tuple(
        LaneChoice(folder, name, _lanes(recording), frozenset(chosen[folder]))
        for (folder, recording), name in zip(whole.items(), names, strict=True)
    )
    parted = len(recordings) > len(whole)
    return Selection(choices, parted)


def _lanes(recording: Recording) -> tuple[str, ...]:
    return tuple(
        " ".join([*(f"{key} {value}" for key, value in lane.hyperparameters.items()), f"seed {lane.seed}"])
        for lane in recording.metadata.lanes
    )
