"""The player's screens, through Textual's pilot: the clock is the test's, and no timer runs."""

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

import dynviz

os.environ.setdefault("TEXTUAL_FPS", "120")

from dynviz.cells.inks import Inks
from dynviz.errors import DynvizError
from dynviz.player.bars import TimelineBar
from dynviz.player.browser import Browser
from dynviz.player.dialogs import QuitDialog, StepDialog
from dynviz.player.export_dialog import ExportDialog
from dynviz.player.info_dialog import InfoDialog
from dynviz.player.keys import KEYS
from dynviz.player.lane_dialog import LaneDialog
from dynviz.player.plot import Plot
from dynviz.player.run_screen import RunScreen
from dynviz.player.runs import find
from dynviz.player.timeline import TICK
from dynviz.scene.theme import theme
from tests import recorded
from tests.growing import Growing, Trainer
from tests.watched import asynchronous, watching


@pytest.fixture(scope="module")
def voronoi(tmp_path_factory):
    return recorded.two_of_voronoi(tmp_path_factory.mktemp("runs") / "voronoi-1")


@pytest.fixture
def live(tmp_path):
    growing = Growing(tmp_path / "run" / "sgd")
    growing.grow(20)
    return growing


@asynchronous
async def test_the_rows_around_the_plot(live):
    async with watching(live.folder, size=(80, 16)) as watched:
        live.grow(40)
        await watched.wait(1)
        lines = [line.rstrip() for line in watched.lines]
        assert lines[0] == " bowl · depth 3   sgd lr 0.1   seed 0" + " " * 7 + "● live    step 40 of 100   3 s left"
        assert lines[1].startswith(" 1 curves")
        assert lines[-2] == " ├" + "─" * 26 + "●" + "┄" * 40 + "┤    1x ▶"
        assert lines[-1].strip() == "space pause  ←→ step  h change  F fork  z zoom  e export  ? help  q quit"


@asynchronous
async def test_every_key_of_time_moves_the_step(voronoi):
    async with watching(voronoi, step=200) as watched:
        for keys, step in (
            ("right", 201),
            ("left", 200),
            ("ctrl+right", 210),
            ("comma", 200),
            ("shift+right", 300),
            ("less_than_sign", 200),
            ("pagedown", 220),
            ("pageup", 200),
            ("home", 0),
            ("end", 400),
        ):
            await watched.press(keys)
            assert watched.step == step, keys
        await watched.press("home", "space")
        await watched.wait(0.5)
        assert watched.step == 10
        await watched.press("right_square_bracket")
        await watched.wait(0.5)
        assert watched.step == 30
        await watched.press("left_square_bracket", "space")
        await watched.wait(0.5)
        assert watched.step == 30
        await watched.press("g", "1", "2", "3", "enter")
        assert watched.step == 123
        assert "step 123 of 400" in watched.lines[0]


@asynchronous
async def test_views_are_turned_and_chosen_by_number(voronoi):
    async with watching(voronoi, step=200) as watched:
        await watched.press("tab")
        assert watched.state.view == "scalars"
        await watched.press("shift+tab")
        assert watched.state.view == "benchmark"
        await watched.press("4")
        assert watched.state.view == "centers"
        await watched.pilot.click("#tabs", offset=(4, 0))
        assert watched.state.view == "benchmark"
        assert watched.step == 200


@asynchronous
async def test_a_panel_is_zoomed_by_key_and_by_click_and_paged(voronoi):
    async with watching(voronoi, step=200, size=(120, 40)) as watched:
        titles = watched.state.titles
        await watched.press("z")
        assert (watched.state.zoomed, watched.screen.query_one(Plot).shown) == (True, 1)
        await watched.press("down")
        assert f"panel 2 of {len(titles)}" in watched.lines[1]
        await watched.press("escape")
        assert not watched.state.zoomed
        place = watched.screen.query_one(Plot).areas.places[2].cell
        await watched.pilot.click(Plot, offset=(place.left + 5, place.top + 3))
        await watched.settle()
        assert (watched.state.zoomed, watched.state.first) == (True, 2)
        await watched.press("z")
        assert not watched.state.zoomed


@asynchronous
async def test_values_at_the_cursor_are_said(voronoi):
    async with watching(voronoi, view="curves", step=200) as watched:
        plot = watched.screen.query_one(Plot)
        place = plot.areas.places[0].plot
        await watched.pilot.hover(Plot, offset=(place.left + place.width // 2, place.top + 2))
        await watched.settle()
        assert "step 2" in watched.lines[1]
        assert "adamw" in watched.lines[1]


@asynchronous
async def test_the_timeline_is_clicked_and_dragged_and_the_wheel_turns_time(voronoi):
    async with watching(voronoi, step=200) as watched:
        await watched.pilot.click(TimelineBar, offset=(2, 0))
        await watched.settle()
        assert watched.step == 0
        await watched.pilot.mouse_down(TimelineBar, offset=(10, 0))
        await watched.pilot.hover(TimelineBar, offset=(88, 0))
        await watched.pilot.mouse_up(TimelineBar, offset=(88, 0))
        await watched.settle()
        assert watched.step == 400
        watched.screen.on_mouse_scroll_up()
        assert watched.step == 396


@asynchronous
async def test_events_are_jumped_to_and_said(live):
    live.writer.event(10, 0, "center died")
    async with watching(live.folder, step=3) as watched:
        await watched.press("n")
        assert watched.step == 10
        assert "◆ center died at step 10 (sgd)" in watched.lines[1]
        await watched.press("n")
        assert "no more events in this direction" in watched.text
        await watched.press("home", "N")
        assert watched.step == 0


@asynchronous
async def test_time_runs_with_what_moves_and_with_the_steps_again(voronoi, live):
    async with watching(voronoi, step=200) as watched:
        assert TICK not in watched.lines[-2]
        await watched.press("P")
        await watched.settle()
        scale = watched.state.playback.scale
        assert (scale.frames[0], scale.frames[-1]) == (0, 400)
        assert TICK in watched.lines[-2]
        await watched.press("P")
        await watched.settle()
        assert watched.state.playback.scale is None
    async with watching(live.folder) as watched:
        await watched.press("P")
        assert "once training is over" in watched.text


@asynchronous
async def test_the_theme_is_turned(voronoi):
    async with watching(voronoi, step=200) as watched:
        ground = watched.screen.background_colors[1].hex
        await watched.press("t")
        assert (ground, watched.screen.background_colors[1].hex) == ("#0F141A", "#FFFFFF")
        strip = watched.screen.query_one(Plot).render_lines(watched.screen.query_one(Plot).region.reset_offset)[0]
        assert next(iter(strip)).style.bgcolor.triplet == (255, 255, 255)


@asynchronous
async def test_lanes_are_chosen_in_a_dialog(voronoi):
    async with watching(voronoi, step=200) as watched:
        await watched.press("l")
        assert isinstance(watched.app.screen, LaneDialog)
        assert "● adamw  2 of 2 lanes" in watched.text
        await watched.press("down", "space", "b", "enter")
        assert [each.source for each in watched.state.session.recordings] == [
            f"{voronoi}/adamw@1",
            f"{voronoi}/adamw-l1",
        ]
        await watched.wait(0.1)
        assert watched.state.scene() is not None
        await watched.press("l", "escape")
        assert isinstance(watched.app.screen, RunScreen)


@asynchronous
async def test_lanes_are_filtered_by_words_and_ranges_and_chosen_together(tmp_path):
    dynviz.run("surface", "sgd", seeds="0:600", steps=3, out=tmp_path / "run")
    async with watching(tmp_path / "run") as watched:
        await watched.press("l", "slash", *"2:4", "enter", "n")
        assert "598 of 600 chosen" in watched.text
        await watched.press("escape", "n", "slash", *"seed", "space", *"59", "down", "a", "i", "i", "enter")
        (recording,) = watched.state.session.recordings
        assert recording.seeds == tuple(seed for seed in range(600) if "59" in str(seed))


@asynchronous
async def test_help_and_details_open_and_close(voronoi):
    async with watching(voronoi, step=200, size=(100, 64)) as watched:
        await watched.press("question_mark")
        assert isinstance(watched.app.screen, InfoDialog)
        for key in KEYS:
            assert key.what in watched.text
        await watched.press("escape", "d")
        assert "as written" in watched.text
        assert "val_loss" in watched.text
        await watched.press("pagedown", "escape")
        assert isinstance(watched.app.screen, RunScreen)


@asynchronous
async def test_a_dialog_that_scrolls_says_how_it_is_closed(voronoi):
    for size in ((80, 24), (60, 14), (100, 40)):
        async with watching(voronoi, step=200, size=size) as watched:
            for key in ("question_mark", "d"):
                await watched.press(key)
                assert "esc close" in watched.text
                await watched.press("escape")


@asynchronous
@pytest.mark.parametrize("key", ["question_mark", "ctrl+p", "g", "m", "e", "d", "l"])
async def test_a_dialog_is_drawn_once_and_as_soon_as_it_is_at_rest(voronoi, monkeypatch, key):
    turns = []
    settle = RunScreen._settle

    def counted(screen, rounds, quiet):
        turns.append(rounds)
        settle(screen, rounds, quiet)

    monkeypatch.setattr("dynviz.player._textual.CoveredScreen._settle", counted)
    async with watching(voronoi, size=(120, 40)) as w:
        turns.clear()
        await w.press(key)
        assert w.app.screen is not w.screen
        assert 0 < len(turns) < 40


@asynchronous
async def test_time_goes_on_behind_a_dialog(voronoi):
    async with watching(voronoi, size=(100, 54)) as watched:
        await watched.press("question_mark")
        before = watched.lines[0]
        watched.clock[0] += 1
        watched.screen.beat()
        await watched.settle()
        assert isinstance(watched.app.screen, InfoDialog)
        assert watched.step == 20
        assert "step 20 of 400" in watched.lines[0] != before
        assert "play or pause" in watched.text


@asynchronous
async def test_names_that_would_move_the_cursor_do_not(tmp_path):
    recorded.voronoi(tmp_path / "run" / "x", label="a\x1b[2Jb\x07", lanes=2)
    async with watching(tmp_path / "run", size=(120, 40)) as watched:
        for key in ("f", "l", "escape", "d"):
            await watched.press(key)
            assert "".join(watched.lines).replace("\xa0", "").isprintable(), key
            assert {cell_len(line) for line in watched.lines} == {120}


@asynchronous
async def test_the_command_is_copied_and_shown(voronoi, monkeypatch):
    monkeypatch.chdir(voronoi.parent)
    async with watching(voronoi, step=200) as watched:
        await watched.press("y")
        command = "dynviz export voronoi-1 voronoi-1-benchmark-200.png --view benchmark --steps 200 --theme dark"
        assert watched.app.clipboard == command
        assert "copied: dynviz export voronoi-1 " in watched.text
        await watched.press("right")
        assert "copied" not in watched.text


@asynchronous
async def test_an_export_runs_beside_the_player_and_says_how_it_goes(voronoi, monkeypatch):
    monkeypatch.chdir(voronoi.parent)
    asked, go_on = [], asyncio.Event()

    async def run(arguments, progress):
        asked.extend(arguments)
        progress(3, 100)
        await go_on.wait()
        return 0, ""

    async with watching(voronoi, step=200, run=run) as watched:
        await watched.press("z", "e")
        assert isinstance(watched.app.screen, ExportDialog)
        await watched.press("down", "right", "right", "down", "down", "right", "enter")
        assert "3 of 100 frames" in watched.text
        await watched.press("right")
        assert watched.step == 201
        go_on.set()
        await watched.app.workers.wait_for_complete()
        await watched.settle()
        assert "written: voronoi-1-benchmark-prediction.png" in watched.text
    assert asked == [
        *("export", "voronoi-1", "voronoi-1-benchmark-prediction.png"),
        *(
            "--view",
            "benchmark",
            "--panel",
            "prediction, seed 42",
            "--steps",
            "200",
            "--size",
            "800x600",
            "--theme",
            "dark",
        ),
    ]


@asynchronous
async def test_an_export_that_fails_says_why(voronoi):
    async def run(arguments, progress):
        return 1, "cannot write there"

    async with watching(voronoi, step=200, run=run) as watched:
        await watched.press("e", "enter")
        await watched.app.workers.wait_for_complete()
        await watched.settle()
        assert "was not written: cannot write there" in watched.text


@asynchronous
async def test_an_export_that_cannot_be_started_says_why(voronoi):
    async def run(arguments, progress):
        raise DynvizError("cannot start a process that exports: no memory")

    async with watching(voronoi, step=200, run=run) as watched:
        await watched.press("e", "enter")
        await watched.app.workers.wait_for_complete()
        await watched.settle()
        assert "was not written: cannot start a process" in watched.text


@pytest.mark.slow
def test_a_real_export_writes_the_file(voronoi, tmp_path, monkeypatch):
    from dynviz.player.exporting import run

    said = []
    hear = lambda done, count: said.append((done, count))  # noqa: E731
    target = tmp_path / "out.gif"
    arguments = ["export", str(voronoi / "adamw-l1"), str(target), "--view", "curves", "--frames", "5"]
    assert asyncio.run(run(arguments, hear))[0] == 0
    assert target.read_bytes()[:3] == b"GIF"
    assert said == [(done, 5) for done in range(1, 6)]
    code, last = asyncio.run(run(["export", str(voronoi), str(target), "--view", "none"], hear))
    assert code == 1
    assert last.startswith("no view named 'none'")


@pytest.mark.slow
def test_an_export_that_is_left_ends_and_leaves_nothing(voronoi, tmp_path):
    code = f"""
import asyncio
from dynviz.player.exporting import run

async def leave():
    begun = asyncio.Event()
    arguments = ["export", {str(voronoi)!r}, {str(tmp_path / "out.gif")!r}, "--view", "curves", "--workers", "1"]
    export = asyncio.create_task(run(arguments, lambda done, count: begun.set()))
    await begun.wait()
    export.cancel()
    await asyncio.wait([export])

asyncio.run(leave())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []


@asynchronous
async def test_the_trainer_is_waited_for_then_followed_and_its_end_is_said(tmp_path):
    trainer = Trainer()
    async with watching(trainer=trainer) as watched:
        await watched.wait(1.2)
        assert "waiting for the trainer: importing torch, 1.2 s" in watched.text
        assert watched.lines[-1].strip() == "? help  q quit"
        growing = Growing(tmp_path / "run" / "sgd")
        trainer.folder, trainer.state = tmp_path / "run", "training"
        await watched.wait(0.1)
        assert "waiting for the first sample" in watched.text
        growing.grow(10)
        await watched.wait(0.2)
        assert "● live" in watched.lines[0]
        assert "step 10 of 100" in watched.lines[0]
        growing.finish()
        trainer.end("finished", 0)
        await watched.wait(0.2)
        assert "✓ finished   step 100 of 100" in watched.lines[0]
        await watched.press("q")
    assert watched.app.return_value == 0


@asynchronous
async def test_scrubbing_back_while_training_goes_on_stays_there(live):
    async with watching(live.folder) as watched:
        await watched.press("left", "ctrl+left")
        assert watched.step == 9
        live.grow(60)
        await watched.wait(2)
        assert watched.step == 9
        assert "┃" in watched.lines[-2]
        assert "f follow" in watched.lines[-1]
        await watched.press("f")
        assert watched.step == 60


@asynchronous
async def test_quitting_asks_while_the_trainer_is_alive(live):
    for keys, stopped, leaves in ((["s"], 1, True), (["b"], 0, True), (["escape"], 0, False)):
        trainer = Trainer(live.folder.parent)
        async with watching(trainer=trainer) as watched:
            await watched.wait(0.1)
            await watched.press("q")
            assert isinstance(watched.app.screen, QuitDialog)
            assert "step 20 of 100" in watched.text
            await watched.press(*keys)
        assert trainer.stopped == stopped
        assert watched.app.return_value == (0 if leaves else None)


@asynchronous
async def test_a_failed_trainer_is_shown_over_its_picture_and_its_exit_code_is_ours(live):
    trainer = Trainer(live.folder.parent)
    async with watching(trainer=trainer) as watched:
        await watched.wait(0.1)
        live.finish("failed", "no space left")
        trainer.end("failed", 7, "no space left on the disk")
        await watched.wait(1)
        assert "Training failed: no space left on the disk" in watched.text
        assert "✕ failed" in watched.lines[0]
        await watched.press("q")
    assert watched.app.return_value == 7


@asynchronous
async def test_a_killed_run_plays(live):
    live.writer.close()
    async with watching(live.folder, step=5) as watched:
        assert "✕ killed" in watched.lines[0]
        await watched.press("end")
        assert watched.step == 20


@asynchronous
async def test_instead_of_a_view_that_does_not_suit_the_first_that_opens_is_shown_with_a_note(voronoi):
    async with watching(voronoi, view="spectrum") as watched:
        assert "view spectrum needs the channel 'singular_values'" in watched.text
        assert watched.state.scene() is not None
        assert "spectrum" not in watched.state.views.names
        await watched.press("tab")
        assert "singular_values" not in watched.text


@asynchronous
async def test_back_from_a_chosen_view_that_does_not_suit(voronoi):
    async with watching(voronoi) as watched:
        watched.state.views.add("spectrum")
        await watched.press("tab")
        before = watched.state.view
        watched.state.show("spectrum")
        watched.screen.beat()
        await watched.settle()
        assert watched.state.view == before
        assert "view spectrum needs the channel 'singular_values'" in watched.text


def test_a_stopped_run_is_as_far_as_the_recording_that_came_least_far(tmp_path):
    for label, step in (("sgd", 30), ("adamw", 20)):
        growing = Growing(tmp_path / "run" / label, label=label)
        growing.grow(step)
        growing.finish("interrupted")
    (found,) = find(tmp_path)
    assert found.steps == (20, 100)


@asynchronous
async def test_runs_are_browsed_played_and_come_back_to(tmp_path):
    Growing(tmp_path / "runs" / "bowl-1" / "sgd").finish()
    async with watching(root=tmp_path / "runs") as watched:
        assert "1 run in" in watched.lines[0]
        assert "bowl-1" in watched.lines[2]
        assert "✓ 100 steps" in watched.lines[2]
        await watched.press("enter")
        await watched.wait(0.1)
        assert "bowl · depth 3" in watched.lines[0]
        await watched.press("escape")
        assert isinstance(watched.app.screen, Browser)
        await watched.press("q")
    assert watched.app.return_value == 0


PICKING = """\
\"\"\"One panel; its right half is the run that was given.\"\"\"

import numpy as np

from dynviz.film import Film
from dynviz.scene.marks import Axis, Panel, Scene


def view(recordings):
    def pick(step, panel, x, y):
        return (recordings[-1].source,) if x > 0.5 else ()

    panel = Panel("halves", Axis((0, 1)), Axis((0, 1)), ())
    return Film(np.arange(3), lambda step: Scene("many", (panel,), step, 2), pick)
"""


@asynchronous
async def test_lanes_are_played_from_a_picture_of_many_and_come_back_from(voronoi, tmp_path):
    (tmp_path / "halves.py").write_text(PICKING)
    async with watching(voronoi, view=str(tmp_path / "halves.py"), step=1) as watched:
        assert "enter play" in watched.lines[-1]
        await watched.press("enter")
        assert "point the mouse at a place" in watched.text
        await watched.pilot.hover("#plot", offset=(80, 10))
        await watched.press("enter")
        assert [each.label for each in watched.state.session.recordings] == ["adamw-l1"]
        assert "esc back" in watched.lines[-1]
        await watched.press("escape")
        assert "many" in watched.lines[0]
        await watched.pilot.click("#plot", offset=(80, 10))
        await watched.settle()
        assert watched.state.view == "benchmark"
        await watched.press("escape")
        # Elsewhere nothing is there to be played.
        await watched.pilot.click("#plot", offset=(15, 10))
        await watched.settle()
        assert "many" in watched.lines[0]


BLOCKING = """\
\"\"\"A view that is built when a test says so.\"\"\"

import time
from pathlib import Path

import numpy as np

from dynviz.film import Film
from dynviz.scene.marks import Axis, Panel, Scene


def view(recordings):
    while not Path("go-on").exists():
        time.sleep(0.01)
    panel = Panel("slow", Axis((0, 1)), Axis((0, 1)), ())
    return Film(np.arange(401), lambda step: Scene("slow", (panel,), step, 400))
"""


@pytest.fixture
def go_on(tmp_path, monkeypatch):
    """Lets the view ./slow.py be opened."""
    monkeypatch.chdir(tmp_path)
    Path("slow.py").write_text(BLOCKING)
    yield Path("go-on").touch
    Path("go-on").touch()


@asynchronous
async def test_keys_are_read_while_a_view_is_opened(voronoi, go_on):
    async with watching(voronoi, view="./slow.py", step=200, settle=False) as watched:
        watched.clock[0] += 3
        watched.screen.beat()
        await watched.pilot.pause()
        assert re.search(r"opening view \S+slow.py, 3.0 s", watched.text)
        await watched.pilot.press("question_mark")
        assert isinstance(watched.app.screen, InfoDialog)
        await watched.pilot.press("escape")
        go_on()
        await watched.settle()
        assert watched.lines[0].startswith(" slow")
        assert watched.step == 200


@asynchronous
async def test_a_view_that_is_left_before_it_is_open_is_shown_when_it_is_chosen_again(voronoi, go_on):
    async with watching(voronoi, view="./slow.py", step=200, settle=False) as watched:
        await watched.press("tab")
        assert watched.state.view == "benchmark"
        assert "voronoi" in watched.lines[0]
        go_on()
        await watched.press("right")
        assert watched.step == 201
        assert "voronoi" in watched.lines[0]
        await watched.press("shift+tab")
        assert watched.lines[0].startswith(" slow")


@asynchronous
async def test_a_player_whose_view_is_never_open_quits(voronoi, go_on):
    async with watching(voronoi, view="./slow.py", settle=False) as watched:
        await watched.pilot.press("q")
    assert watched.app.return_value == 0


@asynchronous
async def test_a_picture_stays_while_another_view_is_opened_for_a_moment(voronoi, go_on):
    async with watching(voronoi, view="./slow.py", step=200, settle=False) as watched:
        await watched.press("tab")
        before = watched.text
        await watched.pilot.press("shift+tab")
        assert watched.text == before
        watched.clock[0] += 0.5
        watched.screen.beat()
        await watched.pilot.pause()
        assert "opening view" in watched.text


@asynchronous
async def test_lines_of_runs_say_the_most_in_any_width(tmp_path):
    Growing(tmp_path / "runs" / "a-run-with-a-long-name" / "sgd").finish()
    Growing(tmp_path / "runs" / "short" / "adamw", label="adamw").finish("interrupted")
    (tmp_path / "runs" / "bad" / "sgd").mkdir(parents=True)
    (tmp_path / "runs" / "bad" / "sgd" / "run.json").write_text("{")
    for width in (30, 46, 60, 80, 140):
        async with watching(root=tmp_path / "runs", size=(width, 12)) as watched:
            lines = [line.rstrip() for line in watched.lines[2:5]]
            assert all(cell_len(line) < width for line in lines)
            assert any("■ stopped at 0 of 100" in line for line in lines) == (width > 46), lines
            assert any("Jan" in line for line in lines) == (width > 100)
            assert any("bad" in line and "run.json" in line for line in lines) == (width > 100)


@asynchronous
async def test_runs_are_filtered_ordered_renamed_and_moved_to_the_trash(tmp_path):
    for name in ("bowl-1", "bowl-2", "dish"):
        Growing(tmp_path / "runs" / name / "sgd").finish()
    live = Growing(tmp_path / "runs" / "live" / "sgd")
    live.grow(1)
    async with watching(root=tmp_path / "runs") as watched:
        assert "4 runs in" in watched.lines[0]
        await watched.press("slash", *"bowl-", "enter")
        assert "2 of 4 runs" in watched.lines[0]
        assert "dish" not in watched.text
        await watched.press("escape", "o")
        assert "by name" in watched.lines[0]
        assert [line.split()[0] for line in watched.lines[2:6]] == ["bowl-1", "bowl-2", "dish", "live"]
        await watched.press("j", "j", "R", *["backspace"] * 4, *"carafe", "enter")
        assert "renamed" in watched.lines[-1]
        await watched.settle()
        assert (tmp_path / "runs/carafe").exists()
        await watched.press("k", "x")
        assert "Move bowl-2 to the trash?" in watched.text
        await watched.press("n", "x", "y")
        assert (tmp_path / "runs/.trash/bowl-2/sgd/run.json").exists()
        await watched.settle()
        assert "3 runs in" in watched.lines[0]
        await watched.press("end", "x", "y")
        assert "is being trained: dynviz stop" in watched.lines[-1]
        await watched.press("question_mark")
        assert "Keys of the list of runs" in watched.text


@asynchronous
async def test_a_folder_without_runs_says_how_to_make_one(tmp_path):
    async with watching(root=tmp_path) as watched:
        assert "dynviz run voronoi --optimizer adamw-l1" in watched.text
        assert watched.lines[-1].strip() == "r refresh   t theme   q quit"


@asynchronous
async def test_words_around_the_picture_have_the_colours_of_what_is_in_it(voronoi):
    for depth in ("true", "256", "16"):
        async with watching(voronoi, view="curves", step=200, depth=depth) as watched:
            colors = {}
            for name in ("header", "plot"):
                widget = watched.screen.query_one(f"#{name}")
                strips = widget.render_lines(widget.region.reset_offset)
                colors[name] = {
                    segment.text.split()[0]: (segment.style.color, segment.style.bgcolor)
                    for strip in strips
                    for segment in strip
                    if segment.text.startswith("adamw")
                }
            assert colors["header"]["adamw"] == colors["plot"]["adamw"], depth


@asynchronous
async def test_a_map_has_the_colours_of_its_classes(voronoi):
    async with watching(voronoi, view="logits", step=200, depth="true") as watched:
        plot = watched.screen.query_one(Plot)
        strips = plot.render_lines(plot.region.reset_offset)
        halves = [segment for strip in strips for segment in strip if "▀" in segment.text]
        drawn = {color.triplet for half in halves for color in (half.style.color, half.style.bgcolor)}
        palette = Inks(theme("dark")).palette[Inks(theme("dark")).ramp("classes")]
        assert len(drawn) > 4
        assert drawn <= set(map(tuple, palette.tolist())) | {theme("dark").color("ground")}


@asynchronous
async def test_a_terminal_that_is_too_small_says_so_and_grows_again(voronoi):
    async with watching(voronoi, step=200) as watched:
        for size in ((39, 30), (100, 11), (10, 3), (1, 1)):
            await watched.pilot.resize_terminal(*size)
            await watched.settle()
            assert len(watched.lines) == size[1]
            if size[0] > 30:
                assert f"too small: {size[0]} x {size[1]}, needs 40 x 12" in watched.text
        for size in ((40, 12), (80, 24), (200, 60)):
            await watched.pilot.resize_terminal(*size)
            await watched.settle()
            assert "too small" not in watched.text
            assert "prediction" in watched.text


@asynchronous
async def test_nothing_is_drawn_again_while_nothing_changes(voronoi, monkeypatch):
    async with watching(voronoi, step=200) as watched:
        drawn = []
        for widget in watched.screen.query("*"):
            monkeypatch.setattr(widget, "refresh", lambda *_, **__: drawn.append(1))
        for _ in range(10):
            await watched.wait(1)
        assert not drawn


@asynchronous
async def test_frames_are_dropped_while_the_terminal_is_behind(voronoi):
    async with watching(voronoi, step=200) as watched:
        await watched.press("space")
        watched.app.delivery.link.give(50_000)
        for _ in range(5):
            await watched.wait(0.1)
        assert (watched.step, watched.app.delivery.dropped) == (200, 5)
        watched.app.delivery.link.take(50_000)
        await watched.wait(0.1)
        assert watched.step == 212


@asynchronous
async def test_without_colours_the_plot_is_made_of_plain_segments(voronoi, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with watching(voronoi, step=200, depth="none") as watched:
        assert "prediction" in watched.text
        assert watched.screen.query_one(Plot).problem == ""


PRESSED = [
    *(key for each in KEYS for keys, _ in each.keys for key in keys.split(",")),
    *("enter", "1", "0", "b", "a", "s", "wait", "grow"),
]


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sampled_from(PRESSED), max_size=14),
    st.lists(st.tuples(st.integers(1, 130), st.integers(1, 45)), min_size=1, max_size=3),
    st.booleans(),
)
def test_random_keys_and_sizes_never_raise(tmp_path_factory, keys, sizes, begun):
    asyncio.run(mash(tmp_path_factory.mktemp("mash"), keys, sizes, begun))


async def mash(folder: Path, keys, sizes, begun):
    growing = Growing(folder / "run" / "sgd", lanes=2, views=("curves", "spectrum"))
    if begun:
        growing.grow(15)

    async def run(arguments, progress):
        return 0, ""

    trainer = Trainer(folder / "run")
    async with watching(trainer=trainer, size=sizes[0], run=run) as watched:
        step = 15
        for place, key in enumerate(keys):
            if not watched.app.is_running or watched.app.return_value is not None:
                break
            if key == "wait":
                await watched.wait(0.7)
            elif key == "grow":
                step += 9
                growing.grow(step)
                await watched.wait(0.3)
            else:
                await watched.press(key)
            await watched.pilot.resize_terminal(*sizes[place % len(sizes)])
            if isinstance(watched.app.screen, RunScreen):
                plot = watched.app.screen.query_one(Plot)
                assert plot.problem == ""
                film = watched.state.live_film
                assert film is None or "failed:" not in film.problem
    growing.writer.close()


def test_the_player_starts_without_torch_and_its_door_without_textual():
    code = (
        "import sys, dynviz.player; assert 'textual' not in sys.modules; "
        "import dynviz.player.app; assert 'torch' not in sys.modules; assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@asynchronous
async def test_a_jump_beyond_the_end_is_one_to_the_end(voronoi):
    async with watching(voronoi, step=200) as watched:
        await watched.press("colon")
        assert isinstance(watched.app.screen, StepDialog)
        await watched.press("9", "9", "9", "9", "enter")
        assert watched.step == 400
        await watched.press("g", "escape")
        assert watched.step == 400


class Terminal:
    """A process in a pseudo-terminal, and what an emulator makes of what it writes."""

    def __init__(self, *arguments, columns=100, rows=30):
        pyte = pytest.importorskip("pyte")
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TMUX")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dynviz", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=kept | {"TERM": "xterm-256color", "COLORTERM": "truecolor"},
            start_new_session=True,
        )
        os.close(theirs)
        self.read = b""

    def _feed(self):
        with contextlib.suppress(OSError):
            self.read += (data := os.read(self._ours, 1 << 16))
            self._stream.feed(data)

    def type(self, keys):
        os.write(self._ours, keys)

    def until(self, said, seconds=90):
        """Read until something is on the screen."""
        end = time.monotonic() + seconds
        while not any(said in line for line in self._screen.display):
            assert time.monotonic() < end, "\n".join(self._screen.display)
            if select.select([self._ours], [], [], 0.2)[0]:
                self._feed()

    def close(self):
        """Read what is left, so that the process can end; its exit status."""
        end = time.monotonic() + 90
        while self.process.poll() is None and time.monotonic() < end:
            if select.select([self._ours], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    os.read(self._ours, 1 << 16)
        os.close(self._ours)
        if self.process.poll() is None:
            self.process.kill()
        return self.process.wait()


@pytest.mark.slow
def test_a_real_terminal_shows_the_picture_and_reads_the_keys(voronoi):
    terminal = Terminal("play", str(voronoi), "--at", "200")
    try:
        terminal.until("step 200 of 400")
        terminal.until("prediction")
        terminal.type(b"\x1b[C")
        terminal.until("step 201 of 400")
        terminal.type(b"\x1b[1;2C")
        terminal.until("step 301 of 400")
        terminal.type(b"z")
        terminal.until("panel 1 of")
        terminal.type(b"q")
    finally:
        status = terminal.close()
    assert status == 0


@pytest.mark.slow
def test_a_player_that_is_killed_leaves_the_terminal_as_it_was(voronoi):
    terminal = Terminal("play", str(voronoi), "--at", "200")
    try:
        terminal.until("step 200 of 400")
        terminal.process.kill()
        terminal.until("dynviz: the player was killed")
    finally:
        terminal.close()
    said = terminal.read.rpartition(b"prediction")[2]
    for mode in (b"?1049l", b"?7h", b"?1000l", b"?1003l", b"?2004l", b"?25h"):
        assert b"\x1b[" + mode in said, mode


@asynchronous
async def test_the_screen_before_training_begins():
    async with watching(trainer=Trainer(), size=(60, 16)) as watched:
        await watched.wait(1.2)
        assert watched.text.split("\n") == [
            " dynviz",
            *[""] * 6,
            "      waiting for the trainer: importing torch, 1.2 s",
            *[""] * 6,
            " ├" + "┄" * 47 + "┤",
            " ? help  q quit",
        ]


@asynchronous
async def test_a_picture_that_cannot_be_drawn_says_so_and_the_player_goes_on(voronoi, monkeypatch):
    async with watching(voronoi, step=200) as watched:
        with monkeypatch.context() as broken:
            broken.setattr("dynviz.cells.canvas.CellCanvas.draw", lambda *_: 1 / 0)
            await watched.press("right")
            assert "this picture cannot be drawn: ZeroDivisionError" in watched.text
        await watched.press("right")
        assert "prediction" in watched.text
