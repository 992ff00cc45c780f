"""Durations of frames in the whole units that a file counts in."""


class Clock:
    """Gives durations whose sum stays true: what rounding takes from one frame, the next one gets."""

    def __init__(self, per_second: int, longest: int, shortest: int = 1) -> None:
        """Count in the units of a format.

        Args:
            per_second: How many units a second has.
            longest: The largest duration that the format can write.
            shortest: The smallest that players keep to.
        """
        self._per_second, self._longest, self._shortest = per_second, longest, shortest
        self._owed = 0.0

    def parts(self, seconds: float) -> list[int]:
        """The duration of the next frame: one number, or several where it is longer than the format can write.

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
