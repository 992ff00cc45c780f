"""What an animation is to show: the pictures of the steps that its pace takes, the first one a poster."""

from dataclasses import replace

from dynviz.animation.drawing import Drawing
from dynviz.animation.export import FPS, HOLD, POSTER
from dynviz.animation.pace import by_motion, spread

LEADING = round(POSTER * FPS)
"""So many times a video has the first picture at the default rate."""


def as_shown(recordings, view, count, size, *, pace="motion"):
    """The frames of an animation as pixels."""
    drawing = Drawing(tuple(str(one.folder) for one in recordings), view, size, "light")
    film = drawing.opened(recordings)
    paced = by_motion(film, count, (None, None)) if pace == "motion" else None
    steps = paced or spread(film, count, (None, None))
    if len(steps) > 1:
        drawing = replace(drawing, frames=tuple(steps), scaled=paced is not None)
    paint = drawing.painter(film)
    return [paint(step) for step in steps]


def time_of(count):
    """How long so many frames are shown by default."""
    return HOLD if count == 1 else POSTER + (count - 2) / FPS + HOLD


def without_repeats(pictures, count):
    """Of a video's frames those that are not repetitions."""
    return [pictures[0], *pictures[LEADING : LEADING + count - 2], pictures[-1]] if count > 1 else pictures[-1:]
