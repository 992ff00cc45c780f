"""How long frames stand and how often they are played, in each format with numbers of its own for it."""

import numpy as np
import pytest
from PIL import Image

from dynviz.exporters import apng, gif, webp
from dynviz.frame import Frame, Frames
from dynviz.scene.theme import theme
from tests.test_exporters import sheet

FORMATS = {"gif": (gif, 0.01), "apng": (apng, 0.001), "webp": (webp, 0.001)}
"""Modules, and the unit of time that they count in, in seconds."""
LONG = 20_000.0


def written(name, tmp_path, frames, **options):
    target = tmp_path / f"a.{name}"
    FORMATS[name][0].export(Frames(frames), target, sheet(len(frames), size=(8, 8)), **options)
    return target


def dots(count):
    """Pictures of which none is like the one before."""
    pictures = np.full((count, 8, 8, 3), 255, np.uint8)
    pictures[np.arange(count), np.arange(count) // 8 % 8, np.arange(count) % 8] = theme("light").color("text")
    return list(pictures)


def durations(target):
    """In seconds, and what is seen last."""
    with Image.open(target) as image:
        seconds = []
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            seconds.append(image.info["duration"] / 1000)
        return seconds, np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("name", FORMATS)
def test_sixty_frames_at_30_a_second_take_two_seconds(name, tmp_path):
    target = written(name, tmp_path, [Frame(pixels, 1 / 30) for pixels in dots(60)])
    seconds, _ = durations(target)
    assert len(seconds) == 60
    assert sum(seconds) == pytest.approx(2, abs=FORMATS[name][1])
    assert np.ptp(seconds) <= 1.01 * FORMATS[name][1]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("background", ["theme", "transparent"])
def test_a_frame_stands_for_longer_than_a_format_can_count(name, background, tmp_path):
    options = {} if name == "gif" else {"background": background}
    first, last = dots(2)
    if options.get("background") == "transparent":
        first, last = (np.dstack([pixels, np.full((8, 8), 255, np.uint8)]) for pixels in (first, last))
    short = written(name, tmp_path, [Frame(first, 1), Frame(last, 1)], **options).stat().st_size
    target = written(name, tmp_path, [Frame(first, 1), Frame(last, LONG)], **options)
    seconds, seen = durations(target)
    assert sum(seconds) == pytest.approx(1 + LONG)
    assert np.array_equal(seen, last[..., :3])
    # What changes nothing takes hardly any room.
    assert target.stat().st_size - short <= 120 * len(seconds)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("loop", "repeats"), [(0, 0), (1, None), (2, 1), (3, 2)])
def test_a_file_is_shown_as_often_as_asked_for(name, loop, repeats, tmp_path):
    """A GIF says how often it is shown again, as browsers read it; the others how often it is shown."""
    target = written(name, tmp_path, [Frame(pixels, 0.1) for pixels in dots(2)], loop=loop)
    with Image.open(target) as image:
        assert image.info.get("loop") == (repeats if name == "gif" else loop)
