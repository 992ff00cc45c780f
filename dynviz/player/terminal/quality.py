"""How well pictures are drawn for a slow terminal: fewer levels of colour first, then fewer colours."""

import math
from typing import NamedTuple

from dynviz.cells.depth import Depth

SLOW = 0.1
"""Seconds: a frame that takes longer is too large."""
FAST = 0.05
"""Seconds: where a frame would take less, the next better quality is taken."""
STUCK = 0.4
"""Seconds after which a frame is no longer waited for."""
SETTLE = 0.3
"""Seconds between two steps down."""
HOLD, LONGEST_HOLD = 2.0, 60.0
"""Seconds before a step up: at first, and at most, after steps up that had to be taken back."""
REGRET = 5.0
"""Seconds within which a step down takes back the step up before it."""
PIXELS = 3.0
"""Compressed size of what changes in a picture of pixels, relative to one of characters."""


class PictureQuality(NamedTuple):
    """A quality of pictures.

    Attributes:
        depth: How many colours there are.
        levels: How many levels a colour ramp has.
        size: The size of a picture, as a share of that in the best quality.
        words: What was reduced, in words.
        pixels: Whether it is a picture of pixels rather than of characters.
    """

    depth: Depth
    levels: int
    size: float
    words: str = ""
    pixels: bool = False


def qualities_of(depth: Depth, *, pixels: bool = False, moving: bool = True) -> tuple[PictureQuality, ...]:
    """The qualities for a terminal of this colour depth, the best first.

    Args:
        depth: The colour depth.
        pixels: Whether it shows pictures of pixels.
        moving: Whether those may move.

    >>> [(quality.depth, quality.levels) for quality in qualities_of("256")], len(qualities_of("16"))
    ([('256', 64), ('256', 32), ('256', 16)], 1)
    """
    if pixels:
        whole, *others = qualities_of(depth)
        best = PictureQuality(depth, whole.levels, PIXELS, pixels=True)
        words = "slow: characters" if moving else "characters"
        return best, PictureQuality(depth, whole.levels, whole.size, words), *others
    fewer, fewest = "slow: 32 levels", "slow: 16 levels"
    if depth == "true":
        return (
            PictureQuality("true", 64, 1),
            PictureQuality("true", 32, 0.7, fewer),
            PictureQuality("true", 16, 0.5, fewest),
            PictureQuality("256", 16, 0.33, "slow: 256 colours"),
        )
    if depth == "256":
        return (
            PictureQuality("256", 64, 1),
            PictureQuality("256", 32, 0.75, fewer),
            PictureQuality("256", 16, 0.55, fewest),
        )
    return (PictureQuality(depth, 64, 1),)


class QualityControl:
    """Chooses a quality by how long frames take.

    Attributes:
        qualities: Those there are, the best first.
        place: Which of them is taken.
    """

    def __init__(self, depth: Depth, *, pixels: bool = False, moving: bool = True) -> None:
        self.qualities = qualities_of(depth, pixels=pixels, moving=moving)
        self.place = self._highest = 0 if moving else 1
        self._changed, self._raised, self._fast_since = -math.inf, -math.inf, math.inf
        self._hold = HOLD

    @property
    def quality(self) -> PictureQuality:
        """The quality that is taken."""
        return self.qualities[self.place]

    @property
    def lowest(self) -> bool:
        """Whether there is no lower quality."""
        return self.place + 1 == len(self.qualities)

    def arrived(self, seconds: float, now: float) -> None:
        """Note how long a frame took, and take the quality that suits."""
        if seconds > SLOW:
            self._fast_since = math.inf
            if now - self._changed >= SETTLE:
                self._fall(self.place + 1, now)
        elif self.place > self._highest and seconds * self.qualities[self.place - 1].size / self.quality.size < FAST:
            self._fast_since = min(self._fast_since, now)
            if now - self._fast_since >= self._hold:
                self.place, self._changed, self._raised, self._fast_since = self.place - 1, now, now, math.inf
        else:
            self._fast_since = math.inf

    def stuck(self, seconds: float, now: float) -> bool:
        """Note how long a frame is under way; whether it should be given up for one in the lowest quality."""
        if seconds < STUCK or self.lowest:
            return False
        self._fall(len(self.qualities) - 1, now)
        return True

    def _fall(self, place: int, now: float) -> None:
        if self.lowest:
            return
        # Where one quality is too much and the next is not, it stays with the latter longer each time.
        self._hold = min(2 * self._hold, LONGEST_HOLD) if now - self._raised < REGRET else HOLD
        self.place, self._changed = min(place, len(self.qualities) - 1), now
