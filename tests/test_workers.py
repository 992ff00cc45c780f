"""Several processes draw what one draws."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from dynviz import plugins
from dynviz.animation.drawing import Drawing
from dynviz.animation.export import animate
from dynviz.animation.workers import CrewFrames
from dynviz.errors import DynvizError
from dynviz.frame import format_of
from tests.recorded import voronoi

VIEW = '''
"""A film that fails at one step."""
import os
import numpy as np
from dynviz.errors import DynvizError
from dynviz.film import Film
from tests.scenes import every_mark

def scene(step):
    print("talks on stdout")
    if step == 500:
        FAILURE
    return every_mark(step)

def view(recordings):
    return Film(np.arange(0, 1001, 5), scene)
'''


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return voronoi(tmp_path_factory.mktemp("run") / "adamw", steps=100, every=5, centers=10)


def several(name):
    return format_of(plugins.load("exporters", name).target).most != 1


@pytest.mark.parametrize("name", [*filter(several, plugins.files("exporters"))])
def test_any_number_of_processes_writes_the_same_bytes(name, recording, tmp_path):
    found = set()
    for count in (1, 2, 3):
        target = tmp_path / f"{count}.{name}"
        animate([recording], target, frames=7, size=(240, 180), workers=count)
        found.add(target.read_bytes())
    assert len(found) == 1


def test_ranges_that_do_not_come_out_even_write_the_same_bytes(recording, tmp_path, monkeypatch):
    monkeypatch.setattr("dynviz.animation.workers.RANGE", 3)
    for count in (1, 2):
        animate([recording], tmp_path / f"{count}.gif", frames=14, size=(240, 180), workers=count)
    assert (tmp_path / "1.gif").read_bytes() == (tmp_path / "2.gif").read_bytes()


def test_a_users_exporter_codes_in_other_processes(recording, tmp_path):
    copy = tmp_path / "mine.py"
    copy.write_bytes(plugins.files("exporters")["gif"].read_bytes())
    for count in (1, 2):
        target = tmp_path / f"{count}.gif"
        animate([recording], target, frames=6, size=(240, 180), workers=count, exporter=str(copy))
    assert (tmp_path / "1.gif").read_bytes() == (tmp_path / "2.gif").read_bytes()


@pytest.mark.parametrize(
    ("failure", "raised", "words"),
    [
        ("raise DynvizError('this lane has no such step')", DynvizError, "^this lane has no such step$"),
        ("raise ZeroDivisionError('a bug')", RuntimeError, "ZeroDivisionError: a bug"),
        ("os.kill(os.getpid(), 9)", DynvizError, r"drawing process died \(SIGKILL\); try again with fewer workers"),
        ("os._exit(3)", DynvizError, r"drawing process died \(exit code 3\)"),
    ],
)
def test_a_process_that_ends_early_leaves_no_half_file(failure, raised, words, recording, tmp_path):
    view = tmp_path / "fails.py"
    view.write_text(VIEW.replace("FAILURE", failure))
    target = tmp_path / "a.gif"
    target.write_bytes(b"old")
    with pytest.raises(raised, match=words):
        animate([recording], target, view=str(view), frames=9, size=(240, 180), workers=2, pace="steps")
    drawing = Drawing((str(recording.folder),), str(view), (240, 180), "light")
    with pytest.raises(raised, match=words):
        list(CrewFrames(drawing, [(step, 0.1) for step in range(0, 1001, 100)], 2, None))
    assert target.read_bytes() == b"old"
    assert {file.name for file in tmp_path.iterdir()} - {"__pycache__"} == {"a.gif", "fails.py"}


def test_frames_that_are_not_asked_for_end_their_processes(recording):
    drawing = Drawing((str(recording.folder),), "benchmark", (240, 180), "light")
    frames = CrewFrames(drawing, [(step, 0.1) for step in range(100)], 2, None)
    assert next(frames).pixels.shape == (180, 240, 3)
    frames._frames.close()
    assert children() == []


def children():
    found = subprocess.run(
        ["ps", "-o", "args=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=False
    )
    return [line for line in found.stdout.splitlines() if "dynviz.animation.workers" in line]


def test_a_script_without_a_main_guard_may_use_several_processes(recording, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        from dynviz import Recording
        Recording({str(recording.folder)!r}).animate({str(tmp_path / "a.gif")!r}, frames=4, size=(240, 180), workers=2)
        print("done")
        """)
    )
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_ctrl_c_is_answered_once_and_leaves_no_process(recording, tmp_path):
    code = f"""
        import os, signal
        from dynviz import Recording
        def stop(done, count):
            if done == 2:
                os.killpg(0, signal.SIGINT)
        try:
            Recording({str(recording.folder)!r}).animate("a.gif", frames=20, size=(240, 180), workers=2, progress=stop)
        except KeyboardInterrupt:
            print("stopped", os.listdir("."))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert done.stdout == "stopped []\n"
    assert done.stderr == ""


def test_raw_pixels_come_through_whole(recording):
    drawing = Drawing((str(recording.folder),), "benchmark", (240, 180), "light", "transparent")
    steps = [0, 20, 40, 100]
    found = [frame.pixels for frame in CrewFrames(drawing, [(step, 0.1) for step in steps], 2, None)]
    paint = drawing.painter(drawing.film())
    for step, pixels in zip(steps, found, strict=True):
        assert np.array_equal(pixels, paint(step))
