import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from dynviz.encoding.clock import Clock
from dynviz.exporters import gif, png
from dynviz.frame import Frame, Frames, Sheet
from dynviz.pixels import PixelCanvas
from dynviz.scene.palette import Palette
from dynviz.scene.theme import theme
from tests.scenes import every_mark

REPEATS = {0: 0, 1: None, 2: 1, 3: 2}
"""What a GIF says, by how often it is played: none, or how often it is shown again; 0 is without end."""
PALETTE = theme("light").palette()


def sheet(count, comment="what made it", size=(400, 300), **more):
    return Sheet(PALETTE, comment, {"made": "by a test"}, count, size, **more)


def decoded(file):
    """Frames [frames, height, width, 3] and delays in seconds, as Pillow reads them."""
    with Image.open(file) as image:
        frames, delays = [], []
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            frames.append(np.asarray(image.convert("RGB")))
            delays.append(image.info["duration"] / 1000)
        return np.stack(frames), delays, dict(image.info)


def quantised(pixels):
    palette = Palette(PALETTE)
    return palette.colors[palette.indices(pixels.reshape(-1, 3))].reshape(pixels.shape)


def merged(pictures, seconds):
    """Neighbours that look alike made one."""
    found = []
    for picture, time in zip(pictures, seconds, strict=True):
        if found and np.array_equal(found[-1][0], picture):
            found[-1] = picture, found[-1][1] + time
        else:
            found.append((picture, time))
    return found


@pytest.fixture(scope="module")
def film_frames():
    canvas = PixelCanvas(400, 300)
    return [Frame(canvas.draw(every_mark(step)), 0.1) for step in range(0, 1000, 90)]


def test_a_gif_shows_the_frames_that_went_in(tmp_path, film_frames):
    target = tmp_path / "film.gif"
    gif.export(Frames(film_frames), target, sheet(len(film_frames)))
    found, delays, info = decoded(target)
    assert len(found) == len(film_frames)
    assert delays == [0.1] * len(found)
    assert info["loop"] == 0
    assert info["comment"] == b"what made it"
    for frame, picture in zip(film_frames, found, strict=True):
        assert np.array_equal(picture, quantised(frame.pixels))
        error = np.mean((picture.astype(float) - frame.pixels) ** 2)
        assert 10 * np.log10(255**2 / error) >= 40


@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_palette_reproduces_a_picture_of_every_mark(look):
    picture = PixelCanvas(800, 600, look).draw(every_mark(500))
    palette = Palette(theme(look).palette())
    found = palette.colors[palette.indices(picture.reshape(-1, 3))].reshape(picture.shape)
    assert 10 * np.log10(255**2 / np.mean((found.astype(float) - picture) ** 2)) >= 40


def test_a_gif_is_the_same_bytes_each_time(tmp_path, film_frames):
    for name in ("one.gif", "other.gif"):
        gif.export(Frames(film_frames), tmp_path / name, sheet(len(film_frames)))
    assert (tmp_path / "one.gif").read_bytes() == (tmp_path / "other.gif").read_bytes()


def test_only_what_changes_is_written(tmp_path, film_frames):
    sizes = []
    for count in (1, 2):
        gif.export(Frames(film_frames[:1] * count), tmp_path / "still.gif", sheet(count))
        sizes.append((tmp_path / "still.gif").stat().st_size)
    assert sizes[0] == sizes[1]
    changed = film_frames[0].pixels.copy()
    changed[10:20, 10:20] = (0, 114, 178)
    gif.export(Frames([film_frames[0], Frame(changed, 0.1)]), tmp_path / "dot.gif", sheet(2))
    assert (tmp_path / "dot.gif").stat().st_size - sizes[0] < 200


pictures = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda size: st.lists(
        st.tuples(hnp.arrays(np.uint8, (*size, 3), elements=st.sampled_from([0, 90, 255])), st.floats(0.02, 900)),
        min_size=1,
        max_size=6,
    )
)


@settings(max_examples=60, deadline=None)
@given(pictures, st.integers(0, 3))
def test_any_frames_come_back_as_they_were_quantised(tmp_path_factory, given_frames, loop):
    target = tmp_path_factory.getbasetemp() / "any.gif"
    size = given_frames[0][0].shape[1::-1]
    frames = Frames(Frame(pixels, seconds) for pixels, seconds in given_frames)
    gif.export(frames, target, sheet(0, size=size), loop=loop)
    found, delays, info = decoded(target)
    shown = merged([quantised(pixels) for pixels, _ in given_frames], [seconds for _, seconds in given_frames])
    again = merged(found, delays)
    assert [picture.tolist() for picture, _ in again] == [picture.tolist() for picture, _ in shown]
    assert info.get("loop") == REPEATS[loop]
    assert sum(delays) == pytest.approx(sum(seconds for _, seconds in given_frames), abs=0.0051)


@given(st.lists(st.floats(0.02, 2), min_size=1, max_size=300))
def test_delays_are_whole_hundredths_and_their_sum_stays_true(seconds):
    clock = Clock(100, 0xFFFF, shortest=2)
    delays = [delay for second in seconds for delay in clock.parts(second)]
    assert min(delays) >= 2
    assert sum(delays) / 100 == pytest.approx(sum(seconds), abs=0.0051 + 0.01 * (min(seconds) < 0.025))


@pytest.mark.parametrize("comment", ["", "ß" * 300, "two\nlines " * 60])
def test_a_comment_of_any_length_comes_back(tmp_path, comment):
    pixels = np.zeros((4, 4, 3), np.uint8)
    gif.export(Frames([Frame(pixels, 1)]), tmp_path / "a.gif", sheet(1, comment, (4, 4)))
    _, _, info = decoded(tmp_path / "a.gif")
    assert info.get("comment", b"").decode() == comment


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
def test_memory_does_not_grow_with_the_number_of_frames(tmp_path):
    code = """
        import sys
        from pathlib import Path
        from dynviz.exporters import gif
        from dynviz.frame import Frame, Frames, Sheet
        from dynviz.pixels import PixelCanvas
        from tests.scenes import STEPS, every_mark
        count = int(sys.argv[1])
        canvas = PixelCanvas(800, 600)
        frames = (Frame(canvas.draw(every_mark(index * STEPS // count)), 0.1) for index in range(count))
        gif.export(Frames(frames), Path(sys.argv[2]), Sheet(canvas.theme.palette(), "", {}, count, (800, 600)))
        # Not getrusage, whose peak a child takes over from the process that started it.
        status = Path("/proc/self/status").read_text()
        print(int(status.partition("VmHWM:")[2].split()[0]) / 1024)
    """
    peaks = []
    for count in (50, 400):
        arguments = [sys.executable, "-c", textwrap.dedent(code), str(count), str(tmp_path / "long.gif")]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        peaks.append(float(done.stdout))
    assert peaks[1] < peaks[0] + 8
    assert peaks[1] < 120


def test_a_png_of_one_frame_is_that_frame_with_the_comment_in_it(tmp_path, film_frames):
    png.export(iter(film_frames[:1]), tmp_path / "one.png", sheet(1, "scenario · voronoi"))
    with Image.open(tmp_path / "one.png") as image:
        assert np.array_equal(np.asarray(image), film_frames[0].pixels)
        assert image.text["Comment"] == "scenario · voronoi"


@pytest.mark.parametrize(
    ("count", "options", "size"),
    [
        (2, {}, (808, 300)),
        (4, {}, (808, 608)),
        (3, {"columns": 3}, (1216, 300)),
        (9, {}, (1216, 916)),
        (12, {"gap": 0}, (1600, 900)),
    ],
)
def test_a_png_of_several_frames_is_a_sheet_of_them(tmp_path, film_frames, count, options, size):
    png.export(iter(film_frames[:count]), tmp_path / "sheet.png", sheet(min(count, len(film_frames))), **options)
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.size == size
        assert np.array_equal(np.asarray(image)[:300, :400], film_frames[0].pixels)
