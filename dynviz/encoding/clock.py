"""Durations of frames in the units of a file format."""

from collections.abc import Iterable, Iterator

from dynviz.frame import Piece, merged


class Clock:
    """Rounds durations so that their sum stays exact: what one frame loses, the next one gains."""

    def __init__(self, per_second: int, longest: int, shortest: int = 1) -> None:
        """Count in the units of a format.

        Args:
            per_second: The number of units per second.
            longest: The longest duration that the format can store.
            shortest: The shortest duration that players respect.
        """
        self._per_second, self._longest, self._shortest = per_second, longest, shortest
        self._owed = 0.0

    def parts(self, seconds: float) -> list[int]:
        """The duration of the next frame: one number, or several if the format cannot store it in one.

        >>> clock = Clock(1000, longest=65_535)
        >>> [clock.parts(1 / 30) for _ in range(3)], clock.parts(100)
        ([[33], [34], [33]], [65534, 34466])
        """
        self._owed += self._per_second * seconds
        left = max(self._shortest, round(self._owed))
        self._owed -= left
        parts = []
        while left > self._longest:
            # What is left is never too short to be shown.
            parts.append(self._longest - self._shortest)
            left -= parts[-1]
        return [*parts, left]

    def timed(self, pieces: Iterable[Piece]) -> Iterator[tuple[bytes | None, int]]:
        """The data of all that changes something, with its duration; None where what was before goes on standing."""
        for piece in merged(pieces):
            first, *rest = self.parts(piece.seconds)
            yield piece.data, first
            yield from ((None, part) for part in rest)
