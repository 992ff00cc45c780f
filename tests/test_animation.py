from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dynviz import plugins
from dynviz.animation.alt import describe
from dynviz.animation.drawing import open_film
from dynviz.animation.export import POSTER, animate
from dynviz.animation.pace import spread
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.frame import format_of
from dynviz.scene.marks import Line
from tests.recorded import surface, voronoi
from tests.scenes import every_mark
from tests.shown import as_shown

VIEW = '''
"""A film for tests."""
import numpy as np
from dynviz.film import Film
from tests.scenes import every_mark

def view(recordings, *, every: int = 5):
    """Open it.

    Args:
        every: Steps between pictures.
    """
    return Film(np.arange(0, 1001, every), every_mark)
'''


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return [voronoi(tmp_path_factory.mktemp("run") / "adamw", steps=40, every=10, centers=10)]


@pytest.fixture
def view(tmp_path):
    file = tmp_path / "shown.py"
    file.write_text(VIEW)
    return str(file)


def few(name):
    """Two frames, where the format shows motion."""
    return {"frames": 2} if format_of(plugins.load("exporters", name).target).motion else {}


def film(steps):
    return Film(np.asarray(steps, dtype=np.int64), every_mark)


def test_a_gif_has_the_frames_asked_for_and_holds_the_last_one(recordings, view, tmp_path):
    done = []
    target = animate(
        recordings,
        tmp_path / "a.gif",
        view=view,
        frames=6,
        fps=5,
        hold=2.0,
        size=(400, 300),
        progress=lambda *numbers: done.append(numbers),
    )
    with Image.open(target) as image:
        assert image.size == (400, 300)
        assert image.n_frames == 6
        delays = []
        for index in range(6):
            image.seek(index)
            delays.append(image.info["duration"])
        image.seek(0)
        comment = image.info["comment"].decode()
    assert delays == [1000 * POSTER] + [200] * 4 + [2000]
    assert done == [(index, 6) for index in range(1, 7)]
    for words in ("scenario voronoi", "adamw:lr=0.01", "seeds 42", "view "):
        assert words in comment


def test_the_view_that_the_scenario_suggests_is_drawn_by_default(recordings, tmp_path):
    target = animate(recordings, tmp_path / "a.gif", frames=2, size=(400, 300))
    with Image.open(target) as image:
        assert image.n_frames == 2


def test_a_png_is_the_last_step_and_a_sheet_when_more_are_asked_for(recordings, view, tmp_path):
    sizes = []
    for name, frames in (("one.png", None), ("sheet.png", 4)):
        with Image.open(animate(recordings, tmp_path / name, view=view, frames=frames, size=(400, 300))) as image:
            sizes.append(image.size)
    assert sizes == [(400, 300), (808, 641)]  # one header above all frames


def test_every_exporter_draws_the_same_recordings(recordings, view, tmp_path):
    for name in plugins.files("exporters"):
        target = animate(recordings, tmp_path / f"out.{name}", view=view, size=(400, 300), **few(name))
        assert target.stat().st_size > 1000
        assert [file.name for file in tmp_path.iterdir() if ".part" in file.name] == []


def test_a_copy_of_every_exporter_is_a_users_exporter(recordings, view, tmp_path, monkeypatch):
    # The recipe tells them apart.
    monkeypatch.setattr("dynviz.animation.export.line_for", lambda *_: "")
    for name, file in plugins.files("exporters").items():
        copy = tmp_path / f"my_{name}.py"
        copy.write_bytes(file.read_bytes())
        ours = animate(recordings, tmp_path / f"ours.{name}", view=view, size=(400, 300), **few(name))
        theirs = animate(
            recordings, tmp_path / f"theirs.{name}", view=view, size=(400, 300), exporter=str(copy), **few(name)
        )
        assert ours.read_bytes() == theirs.read_bytes()


@given(
    st.lists(st.integers(0, 10_000), min_size=1, max_size=60, unique=True).map(sorted),
    st.integers(1, 100),
)
def test_steps_are_in_order_from_the_first_to_the_last(steps, count):
    found = spread(film(steps), count, (None, None))
    assert found == sorted(set(found))
    assert set(found) <= set(steps)
    assert len(found) <= count
    assert found[-1] == steps[-1]
    if count > 1:
        assert found[0] == steps[0]


@pytest.mark.parametrize(
    ("asked", "count", "found"),
    [
        ((None, None), 3, [0, 50, 100]),
        ((20, 60), 100, [20, 30, 40, 50, 60]),
        ((None, 30), 2, [0, 30]),
        ((40, 40), 5, [40]),
        ((43, 47), 5, [43]),
        ((95, 500), 5, [100]),
        ((None, None), 1, [100]),
        ((None, 50), 1, [50]),
    ],
)
def test_steps_are_those_of_the_film_between_the_ends(asked, count, found):
    assert spread(film(range(0, 101, 10)), count, asked) == found


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "a.mov"}, r"no exporter writes .mov files; there are: .*\.gif.*\.png"),
        ({"target": "a"}, "a file without a suffix"),
        ({"size": (10, 10)}, "each side is from"),
        ({"fps": 0}, "0 frames per second"),
        ({"fps": 1000}, "to 50"),
        ({"frames": 0}, "0 frames cannot be drawn"),
        ({"hold": -1}, "held for -1"),
        ({"steps": (2000, 3000)}, "has steps 0 to 1000"),
        ({"pace": "walk"}, "no pace named 'walk'. There are: motion, steps"),
        ({"theme": "solarized"}, "no theme named 'solarized'"),
        ({"view": "benchmrk"}, "did you mean 'benchmark'"),
        ({"target": "nowhere/a.gif"}, "there is no folder"),
        ({"target": f"{__file__}/a.gif"}, "there is no folder"),
        ({"workers": 0}, "0 processes cannot be used"),
        ({"quality": "tiny"}, r"quality=tiny of exporter gif is not understood; .* small \| balanced \| best"),
        ({"loop": -1}, "loop cannot be -1; choose 1 to"),
        ({"loop": 70_000}, "choose 1 to 65535 times"),
        ({"background": "transparent"}, "^gif has no option background; formats that have it: .*png"),
        ({"target": "a.png", "loop": 2}, "^png has no option loop; formats that have it: .*gif"),
        ({"target": "a.png", "fps": 5}, "^png is not animated and has no frame rate; animated formats are: .*gif"),
        ({"target": "a.png", "hold": 5}, "^png is not animated and has no hold"),
        ({"target": "a.svg", "frames": 1, "quality": "small"}, "^svg has no option quality"),
        ({"lop": 2}, "no option of exporter gif named 'lop'; did you mean 'loop'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_and_nothing_is_written(recordings, view, tmp_path, options, words):
    asked = {"view": view, "frames": 2, "size": (400, 300), "target": "a.gif"} | options
    with pytest.raises(DynvizError, match=words) as caught:
        animate(recordings, tmp_path / asked.pop("target"), **asked)
    assert "\n" not in str(caught.value)
    assert {file.name for file in tmp_path.iterdir()} - {"__pycache__"} == {"shown.py"}


def test_no_recordings_are_refused(tmp_path):
    with pytest.raises(DynvizError, match="no recording"):
        animate([], tmp_path / "a.gif")


def test_a_film_without_pictures_is_refused(recordings, tmp_path):
    file = tmp_path / "empty.py"
    file.write_text(VIEW.replace("np.arange(0, 1001, every)", "np.arange(0)"))
    with pytest.raises(DynvizError, match="nothing to show"):
        animate(recordings, tmp_path / "a.gif", view=str(file))


@pytest.mark.parametrize(
    ("failure", "raised", "words"),
    [
        ("OSError(28, 'No space left on device')", DynvizError, "cannot write .*a.gif: No space left on device"),
        ("KeyboardInterrupt", KeyboardInterrupt, None),
        ("ZeroDivisionError('a bug')", ZeroDivisionError, "a bug"),
    ],
)
def test_what_was_there_stays_when_the_new_file_is_not_finished(recordings, view, tmp_path, failure, raised, words):
    target = tmp_path / "a.gif"
    target.write_bytes(b"old")
    exporter = tmp_path / "breaks.py"
    exporter.write_text(
        '"""Breaks in the middle."""\nfrom dynviz.frame import exporter\n\n\n'
        "@exporter(motion=True)\n"
        "def export(frames, target, sheet):\n"
        f"    next(frames)\n    target.write_bytes(b'half')\n    raise {failure}\n"
    )
    with pytest.raises(raised, match=words):
        animate(recordings, target, view=view, frames=2, size=(400, 300), exporter=str(exporter))
    assert target.read_bytes() == b"old"
    assert {file.name for file in tmp_path.iterdir()} - {"__pycache__"} == {"a.gif", "breaks.py", "shown.py"}


def test_a_real_full_device_is_said_in_one_line(recordings, view, tmp_path):
    exporter = tmp_path / "full.py"
    exporter.write_text(
        '"""To a full device."""\nfrom pathlib import Path\nfrom dynviz.exporters import gif\n'
        "from dynviz.frame import exporter\n\n\n"
        "@exporter(motion=True)\ndef export(frames, target, sheet):\n    gif.export(frames, Path('/dev/full'), sheet)\n"
    )
    with pytest.raises(DynvizError, match=r"cannot write .*No space left on device"):
        animate(recordings, tmp_path / "a.gif", view=view, frames=2, size=(400, 300), exporter=str(exporter))


def decoded(file):
    with Image.open(file) as image:
        pictures = []
        for index in range(image.n_frames):
            image.seek(index)
            pictures.append(np.asarray(image.convert("RGB")).astype(float))
    return pictures


def test_quality_trades_size_for_colours(recordings, view, tmp_path):
    expected = as_shown(recordings, view, 11, (400, 300))
    sizes, ratios = [], []
    for quality in ("small", "balanced", "best"):
        target = animate(
            recordings, tmp_path / f"{quality}.gif", view=view, frames=11, size=(400, 300), quality=quality
        )
        # Of the poster, whose colours no palette is made for, no exactness is asked.
        pairs = list(zip(decoded(target), expected, strict=True))[1:]
        error = np.mean([(picture - drawn) ** 2 for picture, drawn in pairs])
        sizes.append(target.stat().st_size)
        ratios.append(10 * np.log10(255**2 / error))
    assert sizes[0] < 0.85 * sizes[1]
    assert ratios[0] >= 33
    assert ratios[1] >= max(45, ratios[0] + 6)
    assert ratios[2] >= ratios[1] + 4


@pytest.mark.parametrize("loop", [0, 1, 3])
def test_an_animation_is_played_as_often_as_asked_for(recordings, view, tmp_path, loop):
    target = animate(recordings, tmp_path / "a.gif", view=view, frames=2, size=(240, 180), loop=loop)
    with Image.open(target) as image:
        assert image.info.get("loop") == {0: 0, 1: None, 3: 2}[loop]


def test_a_picture_can_stand_on_nothing(recordings, view, tmp_path):
    options = {"view": view, "size": (400, 300), "background": "transparent"}
    for name, frames in (("one.png", None), ("sheet.png", 5)):
        with Image.open(animate(recordings, tmp_path / name, frames=frames, **options)) as image:
            assert image.mode == "RGBA"
            assert image.getpixel((0, 0))[3] == 0
            assert image.getextrema()[3] == (0, 255)


def test_what_is_seen_is_written_in_words_beside_the_file(recordings, view, tmp_path):
    animate(recordings, tmp_path / "a.gif", view=view, frames=2, size=(240, 180), alt=True)
    assert (tmp_path / "a.alt.txt").read_text() == (
        "Animation of every mark · test: adamw, seed 1. From step 0 to step 1000 of 1000. "
        "Field. Path. Loss: at first 0.900; at last 0.225. Values.\n"
    )


def test_words_name_the_values_of_lines_where_a_panel_has_no_readouts():
    scenes = {step: every_mark(step) for step in (0, 1000)}
    bare = {
        step: replace(scene, panels=tuple(replace(panel, readouts=()) for panel in scene.panels))
        for step, scene in scenes.items()
    }
    shown = Film(np.array([0, 1000]), bare.__getitem__)
    assert "Loss: at first fast 0.90; slow 0.90; at last fast 0.22; slow 0.41." in describe(shown, [0, 1000])
    assert describe(shown, [1000]).startswith("Picture of every mark · test: adamw, seed 1. Step 1000 of 1000. Field.")


@pytest.mark.parametrize("name", ["path", "curves", "surface3d"])
def test_axes_and_header_end_with_the_steps_that_are_shown(name, tmp_path):
    recording = surface(tmp_path / "adamw", steps=300)
    whole, cut = open_film([recording], name), open_film([recording], name, until=120)
    assert cut.scene(120).steps == 120
    assert cut.steps[-1] == 120
    panels = [panel for panel in cut.scene(120).panels if panel.x.label == "step"]
    assert all(panel.x.limits == (0, 120) for panel in panels)
    lines = [mark for mark in cut.scene(60).panels[0].marks if isinstance(mark, Line) and mark.now is not None]
    ends = [line.along for line in lines if line.along is not None]
    assert all(along[-1] == 120 for along in ends)
    assert whole.scene(120).steps == 300


def test_a_part_of_the_steps_is_drawn_alike_by_any_number_of_processes(tmp_path):
    recording = surface(tmp_path / "adamw", steps=300)
    options = {"steps": (40, 120), "frames": 6, "size": (240, 180)}
    one, two = (
        animate([recording], tmp_path / f"{workers}.gif", workers=workers, **options).read_bytes() for workers in (1, 2)
    )
    assert one == two
