"""A recording as it was at one moment, while it grows, or up to one of its steps."""

from collections.abc import Sequence

from dynviz.recording.reader import Array, Recording


class Snapshot(Recording):
    """The same recording, of which every channel keeps the samples that it had when it was asked for first.

    A view asks for a channel's values and for its steps; between the two a writer may have written more.
    """

    def __init__(self, recording: Recording, until: int | None = None) -> None:
        """Take what was read already; nothing is opened again.

        Args:
            recording: What is read.
            until: The step at which the run seems to end, from 1; None for its own end.
        """
        self.__dict__.update(recording.__dict__)
        self._kept: dict[str, Array] = {}
        self._until = recording.total if until is None else min(until, recording.total)

    @property
    def total(self) -> int:
        """How many steps the run seems to have."""
        return self._until

    @property
    def recorded(self) -> int:
        """The last step that is recorded, or the one at which the run seems to end."""
        return min(super().recorded, self._until)

    def of_lanes(self, lanes: Sequence[int]) -> Recording:
        """The same of some of its lanes, with the same end."""
        return Snapshot(super().of_lanes(lanes), self._until)

    def __getitem__(self, name: str) -> Array:
        """All samples of a channel that were there at first."""
        if name not in self._kept:
            samples, every = super().__getitem__(name), self.metadata.channels[name].every
            cut = every > 0 and self._until < self.metadata.steps
            self._kept[name] = samples[: self._until // every + 1] if cut else samples
        return self._kept[name]
