"""What can be clicked, how dialogs look, and how the player is left: nothing is stopped or dropped unnoticed."""

import asyncio

import numpy as np
import pytest
from rich.color import Color, ColorSystem
from textual.widgets import Input

from dynviz.charts.moving import STEP
from dynviz.player.bars import FooterBar, TimelineBar
from dynviz.player.crosshair import ValueCard, curve_table
from dynviz.player.dialogs import QuitDialog, StepDialog
from dynviz.player.info_dialog import InfoDialog
from dynviz.player.plot import Plot
from dynviz.player.styles import textual_theme
from dynviz.scene.marks import Axis, Line, Panel
from dynviz.scene.theme import contrast
from tests import recorded
from tests.growing import Growing, Trainer
from tests.watched import asynchronous, watching


@pytest.fixture(scope="module")
def voronoi(tmp_path_factory):
    return recorded.two_of_voronoi(tmp_path_factory.mktemp("runs") / "voronoi-1")


async def click_footer(watched, words):
    """Click on words in the last row."""
    await watched.pilot.click(FooterBar, offset=(watched.lines[-1].index(words), 0))
    await watched.settle()


@asynchronous
async def test_keys_in_the_last_row_are_clicked(voronoi):
    async with watching(voronoi, step=20) as watched:
        await click_footer(watched, "→")
        assert watched.step == 21
        await click_footer(watched, "←")
        assert watched.step == 20
        await click_footer(watched, "play")
        assert watched.state.playback.playing
        await click_footer(watched, "space")
        assert not watched.state.playback.playing
        await click_footer(watched, "help")
        assert isinstance(watched.app.screen, InfoDialog)
        await watched.press("escape")
        await click_footer(watched, "quit")
    assert watched.app.return_value == 0


@asynchronous
async def test_a_click_on_the_speed_makes_it_faster_and_does_not_seek(voronoi):
    async with watching(voronoi, step=20) as watched:
        playback = watched.state.playback
        line = watched.screen.query_one(TimelineBar)
        speed = playback.speed
        await watched.pilot.click(TimelineBar, offset=(line.size.width - 5, 0))
        await watched.settle()
        assert playback.speed > speed
        assert watched.step == 20
        await watched.pilot.click(TimelineBar, offset=(line.size.width - 2, 0))
        await watched.settle()
        assert playback.playing
        assert watched.step == 20


@asynchronous
async def test_only_the_left_button_zooms_and_seeks(voronoi):
    async with watching(voronoi, step=20) as watched:
        for button in (2, 3):
            await watched.pilot.click(Plot, offset=(10, 6), button=button)
            await watched.pilot.click(TimelineBar, offset=(2, 0), button=button)
        await watched.settle()
        assert not watched.state.zoomed
        assert watched.step == 20
        await watched.pilot.click(Plot, offset=(10, 6))
        await watched.settle()
        assert watched.state.zoomed


def test_the_table_of_curves_has_each_value_and_its_difference_to_the_first():
    steps = np.arange(101)
    marks = tuple(Line(steps, height + 0.001 * steps, f"lane{n}", f"o{n}") for n, height in enumerate((0.5, 0.7, 0.2)))
    panel = Panel("loss", Axis((0.0, 100.0), label=STEP, whole=True), Axis((0.0, 1.0)), marks)
    table = curve_table(panel, 40.2, 0.5, ())
    assert table.rows == (
        ("o0", "0.54", "", "lane0"),
        ("o1", "0.74", "+0.2", "lane1"),
        ("o2", "0.24", "-0.3", "lane2"),
    )
    assert table.text == "step 40   loss\no0\t0.54\no1\t0.74\t+0.2\no2\t0.24\t-0.3"


@asynchronous
async def test_the_mouse_shows_all_curves_at_a_step_and_a_key_copies_them(voronoi):
    async with watching(voronoi, view="curves", step=200, size=(120, 40)) as watched:
        place = watched.screen.query_one(Plot).areas.places[0].plot
        await watched.pilot.hover(Plot, offset=(place.left + place.width // 4, place.bottom - 2))
        await watched.settle()
        table = watched.screen.pointed()
        assert [row.name for row in table.rows] == ["adamw", "adamw-l1"]
        assert watched.screen.query_one(ValueCard).display
        for row in table.rows:
            assert any(row.name in line and row.value in line and row.difference in line for line in watched.lines[3:])
        middle = watched.lines[2 + place.bottom - 3]
        assert middle[place.left + place.width // 4] == "│"
        await watched.press("y")
        assert watched.app.clipboard == table.text
        await watched.pilot.hover(TimelineBar, offset=(5, 0))
        await watched.settle()
        assert not watched.screen.query_one(ValueCard).display
        await watched.press("y")
        assert watched.app.clipboard.startswith("dynviz export")


@asynchronous
@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_a_key_that_is_pressed_twice_does_not_stop_training(key, tmp_path):
    live = Growing(tmp_path / "run" / "sgd")
    live.grow(20)
    trainer = Trainer(live.folder.parent)
    async with watching(trainer=trainer) as watched:
        await watched.wait(0.1)
        await watched.press(key, key, key)
        assert isinstance(watched.app.screen, QuitDialog)
        assert len(watched.app.screen_stack) == 3
        await watched.press("escape")
        assert watched.app.screen is watched.screen
    assert trainer.stopped == 0
    assert watched.app.return_value is None


@asynchronous
@pytest.mark.parametrize(("key", "leaves"), [("s", True), ("b", False), ("escape", False)])
async def test_quitting_asks_while_an_export_is_running(key, leaves, voronoi):
    begun, dropped = asyncio.Event(), []

    async def run(arguments, progress):
        progress(3, 100)
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            dropped.append(arguments[0])
        return 0, ""

    async with watching(voronoi, step=20, run=run) as watched:
        await watched.press("e", "enter")
        await begun.wait()
        await watched.press("q")
        assert isinstance(watched.app.screen, QuitDialog)
        assert "An export has not finished" in watched.text
        assert "3 of 100 frames" in watched.text
        await watched.press(key)
        assert isinstance(watched.app.screen, QuitDialog) is (key == "b")
        assert dropped == [] or leaves
    assert dropped == ["export"]
    assert watched.app.return_value == (0 if leaves else None)


@asynchronous
async def test_quitting_while_training_tells_of_an_export_that_is_dropped(tmp_path):
    live = Growing(tmp_path / "run" / "sgd")
    live.grow(20)
    begun = asyncio.Event()

    async def run(arguments, progress):
        progress(3, 100)
        begun.set()
        await asyncio.sleep(3600)
        return 0, ""

    async with watching(trainer=Trainer(live.folder.parent), run=run) as watched:
        await watched.wait(0.1)
        await watched.press("e", "enter")
        await begun.wait()
        await watched.press("q")
        assert "Training has not finished" in watched.text
        assert "Quitting drops an export: writing" in " ".join(watched.text.split())


@asynchronous
async def test_ctrl_z_suspends_in_dialogs_too(voronoi, monkeypatch):
    suspended = []
    async with watching(voronoi, step=20) as watched:
        monkeypatch.setattr(watched.app, "action_suspend_process", lambda: suspended.append(watched.app.screen))
        for keys, kind in (((), type(watched.screen)), (("g",), StepDialog), (("question_mark",), InfoDialog)):
            await watched.press(*keys, "ctrl+z")
            assert isinstance(suspended.pop(), kind)
            if keys:
                await watched.press("escape")
        await watched.press("e")
        assert watched.app.screen.query(Input)
        await watched.press("ctrl+z")
        assert len(suspended) == 1


@pytest.mark.parametrize("name", ["dark", "light"])
def test_dialogs_stand_apart_from_the_picture_in_256_colours(name):
    shown = textual_theme(name, "256")
    colors = {
        role: Color.parse(getattr(shown, role)).downgrade(ColorSystem.EIGHT_BIT).get_truecolor()
        for role in ("background", "surface", "panel", "foreground", "secondary", "error")
    }
    grounds = [colors[role] for role in ("background", "surface", "panel")]
    assert len(set(grounds)) == 3
    for ground in grounds[1:]:
        assert contrast(colors["foreground"], ground) >= 7
        assert contrast(colors["secondary"], ground) >= 3
    assert contrast(colors["error"], colors["surface"]) >= 2.9


@asynchronous
@pytest.mark.parametrize(("depth", "has_edge"), [("true", False), ("256", True), ("16", True), ("none", True)])
async def test_dialogs_have_an_edge_where_there_are_few_colours(depth, has_edge, voronoi):
    async with watching(voronoi, step=20, depth=depth) as watched:
        await watched.press("e")
        assert ("╭─" in watched.text) is has_edge
        assert "Export benchmark" in watched.text
