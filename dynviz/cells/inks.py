"""Inks: from roles, ramps and blends to indices of the theme's palette."""

import numpy as np
from numpy.typing import NDArray

from dynviz.scene.marks import Ramp
from dynviz.scene.theme import RGB, Theme

Indices = NDArray[np.uint8]
RAMPS = ("ordered", "signed", "classes", "valley")
"""Those whose colours a terminal's picture has room for."""


class Inks:
    """The palette of a theme, and which of its colours is which."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self.palette = theme.palette(RAMPS)
        self._colors = self.palette.astype(np.float32)
        self._roles: dict[str, int] = {}
        self._words: dict[str, int] = {}
        self._overs: dict[tuple[str, float], Indices] = {}
        self._ramps: dict[str, Indices] = {}

    def color(self, role: str) -> int:
        """The index of a role's colour."""
        if role not in self._roles:
            self._roles[role] = self._nearest_one(self.theme.color(role))
        return self._roles[role]

    def words(self, role: str) -> int:
        """The index of a role's colour for words, which can be read."""
        if role not in self._words:
            self._words[role] = self._nearest_one(self.theme.ink(role))
        return self._words[role]

    def ramp(self, name: Ramp) -> Indices:
        """The indices [64] of a ramp."""
        if name not in self._ramps:
            self._ramps[name] = self._nearest(self.theme.ramp(name))
        return self._ramps[name]

    def over(self, role: str, share: float) -> Indices:
        """For each colour of the palette [256], what so much of a role's colour over it makes."""
        if (role, share) not in self._overs:
            color = np.array(self.theme.color(role), dtype=np.float32)
            table = np.zeros(256, dtype=np.uint8)
            table[: len(self._colors)] = self._nearest(self._colors + share * (color - self._colors))
            self._overs[role, share] = table
        return self._overs[role, share]

    def _nearest_one(self, rgb: RGB) -> int:
        return int(self._nearest(np.array([rgb]))[0])

    def _nearest(self, wanted: NDArray[np.generic]) -> Indices:
        """The nearest of the palette for each of colours [colours, 3]."""
        far = (self._colors**2).sum(axis=1) - 2 * wanted.astype(np.float32) @ self._colors.T
        return np.asarray(far.argmin(axis=1), dtype=np.uint8)
