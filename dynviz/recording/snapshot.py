"""A recording frozen at one moment while it grows, or truncated at a step."""

from collections.abc import Sequence

from dynviz.recording.reader import Array, Recording


class Snapshot(Recording):
    """A recording in which every channel keeps the samples it had when it was first accessed.

    A view reads the values of a channel, then its steps; a writer may append samples in between.
    """

    def __init__(self, recording: Recording, until: int | None = None) -> None:
        """Share the state of a recording, without opening it again.

        Args:
            recording: The recording.
            until: The step at which the run appears to end, from 1; None for its actual end.
        """
        self.__dict__.update(recording.__dict__)
        self._kept: dict[str, Array] = {}
        self._until = recording.total if until is None else min(until, recording.total)

    @property
    def total(self) -> int:
        """The apparent number of steps."""
        return self._until

    @property
    def recorded(self) -> int:
        """The last recorded step, at most the apparent end."""
        return min(super().recorded, self._until)

    def of_lanes(self, lanes: Sequence[int]) -> Recording:
        """The same of some of its lanes, with the same end."""
        return Snapshot(super().of_lanes(lanes), self._until)

    def __getitem__(self, name: str) -> Array:
        """The samples that a channel had at the first access."""
        if name not in self._kept:
            samples, every = super().__getitem__(name), self.metadata.channels[name].every
            cut = every > 0 and self._until < self.metadata.steps
            self._kept[name] = samples[: self._until // every + 1] if cut else samples
        return self._kept[name]
