"""A recording as it was at one moment, while it grows."""

from dynviz.recording.reader import Array, Recording


class Snapshot(Recording):
    """The same recording, of which every channel keeps the samples that it had when it was asked for first.

    A view asks for a channel's values and for its steps; between the two a writer may have written more.
    """

    def __init__(self, recording: Recording) -> None:
        """Take what was read already; nothing is opened again."""
        self.__dict__.update(recording.__dict__)
        self._kept: dict[str, Array] = {}

    def __getitem__(self, name: str) -> Array:
        """All samples of a channel that were there at first."""
        if name not in self._kept:
            self._kept[name] = super().__getitem__(name)
        return self._kept[name]
