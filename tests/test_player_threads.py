"""What takes long runs beside the player's event loop, and its outcome is shown when it is ready and still wanted."""

import asyncio
import threading
from pathlib import Path

import pytest
from textual.renderables.background_screen import BackgroundScreen

from dynviz.cells.canvas import CellCanvas
from dynviz.player import browser, dialog_screen, live_film, opening, runs, views
from dynviz.player.dialog import Dialog
from dynviz.player.live_film import Scenes
from dynviz.player.strip import CellStrip
from dynviz.player.work import Newest, at_once
from tests import recorded
from tests.test_player import PICKING
from tests.watched import asynchronous, watching

SLOW = '''\
"""A view whose picture of step 10 is made when a test says so."""

import time
from pathlib import Path

import numpy as np

from dynviz.film import Film
from dynviz.scene.marks import Axis, Panel, Scene


def view(recordings):
    def scene(step):
        while step == 10 and not Path("go-on").exists():
            time.sleep(0.005)
        return Scene(f"slow {step}", (Panel("slow", Axis((0, 1)), Axis((0, 1)), ()),), step, 400)

    return Film(np.arange(401), scene)
'''


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "cloud"
    recorded.surface(run / "adam", lanes=6, steps=60)
    return run


@pytest.fixture
def slow(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("slow.py").write_text(SLOW)
    yield Path("go-on").touch
    Path("go-on").touch()


@pytest.fixture
def threads(monkeypatch):
    """In which threads slow functions were called."""
    seen = {}

    def watch(place, name):
        function = getattr(place, name)

        def watched(*args, **options):
            seen.setdefault(name, set()).add(threading.current_thread() is threading.main_thread())
            return function(*args, **options)

        monkeypatch.setattr(place, name, watched)

    watch(live_film, "open_film")
    watch(live_film, "version_of")
    watch(views, "open_film")
    watch(opening, "open_all")
    watch(browser, "find")
    watch(runs, "_read")
    watch(Scenes, "at")
    watch(Scenes, "pick")
    watch(CellCanvas, "draw")
    watch(dialog_screen, "cells_of")
    watch(dialog_screen, "find_extreme")
    return seen


@asynchronous
async def test_no_slow_function_runs_on_the_loop_whatever_is_pressed(cloud, threads):
    async with watching(root=cloud.parent) as watched:
        await watched.press("enter")
        await watched.press("right", "shift+right", "end", "home", "tab", "right", "z", "down", "escape", "2", "t")
        await watched.press("l", "b", "enter")
        await watched.wait(0.1)
        assert len(watched.state.session.recordings) == 6
        await watched.press("tab", "right")
        await watched.pilot.resize_terminal(90, 25)
        await watched.settle()
    assert set(threads) == {"find", "_read", "open_all", "open_film", "version_of", "at", "draw"}
    assert all(on_loop == {False} for on_loop in threads.values()), threads


@asynchronous
async def test_dialogs_style_no_cell_of_the_picture_behind_them(cloud, monkeypatch):
    async with watching(cloud, step=10) as watched:
        styled, made, blended = [], CellStrip.make_segments, BackgroundScreen.process_segments
        with monkeypatch.context() as patches:
            patches.setattr(CellStrip, "make_segments", lambda strip: styled.append(strip) or made(strip))
            patches.setattr(BackgroundScreen, "process_segments", lambda *of: styled.append(of) or blended(*of))
            for key in ("l", "e", "d", "question_mark", "ctrl+p", "E", "m", "g"):
                await watched.press(key)
                assert isinstance(watched.app.screen, Dialog), key
                await watched.press("escape")
            await watched.press("e")
            await watched.pilot.resize_terminal(90, 25)
            await watched.settle()
        assert not styled
        assert "Export" in watched.text


@asynchronous
async def test_a_dialog_over_a_picture_that_changed_is_drawn_again_once_and_not_for_ever(cloud, monkeypatch):
    drawn = []
    draw = Dialog.render_lines
    monkeypatch.setattr(Dialog, "render_lines", lambda self, crop: drawn.append(crop) or draw(self, crop))
    async with watching(cloud) as player:
        await player.press("?")
        drawn.clear()
        player.screen.refresh()
        for _ in range(20):
            # As its clock does while it is covered.
            player.screen.call_later(lambda: None)
            await asyncio.sleep(0.02)
        assert 1 <= len(drawn) <= 2


@asynchronous
async def test_the_screen_is_saved_beside_the_loop(cloud, tmp_path, threads, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with watching(cloud, step=10) as watched:
        before = watched.text
        await watched.press("s", "right", "tab", "enter")
        await watched.press("b")
        saved = next(tmp_path.iterdir())
    assert threads["cells_of"] == threads["find_extreme"] == {False}
    assert f"written: {saved.name}" not in before


@asynchronous
async def test_no_place_of_a_picture_is_looked_up_on_the_loop(cloud, tmp_path, threads):
    (tmp_path / "halves.py").write_text(PICKING)
    async with watching(cloud, view=str(tmp_path / "halves.py"), step=1) as watched:
        await watched.pilot.click("#plot", offset=(80, 10))
        await watched.settle()
    assert threads["pick"] == {False}


@asynchronous
async def test_a_picture_that_comes_late_is_not_shown_over_a_newer_one(cloud, slow):
    async with watching(cloud, view="./slow.py", step=9) as watched:
        titles = set()
        await watched.pilot.press("right")
        assert (watched.step, watched.state.scene().title) == (10, "slow 9")
        for _ in range(3):
            await watched.pilot.press("right")
            titles.add(watched.state.scene().title)
        assert titles == {"slow 9"}
        slow()
        await watched.settle()
        assert watched.lines[0].startswith(" slow 13")


@asynchronous
async def test_escape_leaves_a_view_and_recordings_that_are_being_opened(cloud, slow, monkeypatch):
    async with watching(cloud, view="curves", step=10) as watched:
        names = ("./slow.py", *watched.state.views.names)
        watched.state.views.names = names
        await watched.pilot.press("1")
        watched.clock[0] += 1
        watched.screen.beat()
        await watched.pilot.pause()
        assert "opening view ./slow.py" in watched.text
        await watched.press("escape")
        assert watched.state.view == "curves"
        assert watched.state.scene() is not None
        waits = threading.Event()
        monkeypatch.setattr(opening, "open_all", lambda sources: waits.wait(10))
        await watched.pilot.press("l", "b", "enter")
        watched.screen.beat()
        await watched.pilot.pause()
        assert "opening 6 recordings" in watched.text
        await watched.press("escape")
        waits.set()
        await watched.settle()
        assert len(watched.state.session.recordings) == 1
        assert watched.state.scene() is not None


def test_of_what_is_asked_for_meanwhile_only_the_newest_is_made():
    waiting, made = [], []
    newest = Newest("group")

    def later(group, function, take):
        waiting.append(lambda: at_once(group, function, take))

    for key in "abca":
        newest.ask(later, key, lambda key=key: key, lambda outcome: made.append(outcome.result()))
    assert len(waiting) == 1
    waiting.pop()()
    assert (made, waiting, newest.busy) == (["a"], [], False)
    for key in "bcd":
        newest.ask(later, key, lambda key=key: key, lambda outcome: made.append(outcome.result()))
    newest.drop()
    newest.ask(later, "e", lambda: "e", lambda outcome: made.append(outcome.result()))
    for arrive in waiting:
        arrive()
    assert made == ["a", "e"]
