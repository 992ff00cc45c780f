"""The player as the user has set it; notes, extreme values, saved screens, runs beside each other."""

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest

from dynviz import player
from dynviz.animation.noting import noted
from dynviz.cells.encode import Encoder
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.player import saving
from dynviz.player.endings import Endings
from dynviz.player.event_marks import EventMark
from dynviz.player.screen_cells import screen
from dynviz.player.words import grouped, use_numbers
from dynviz.recording import Recording, notes
from dynviz.recording.notes import Note
from dynviz.scene.marks import Axis, Panel, ReferenceLine, Scene
from dynviz.settings import UserSettings, load
from tests.growing import Growing, Trainer
from tests.watched import asynchronous, watching


@pytest.fixture
def runs(tmp_path):
    for name, label in itertools.product(("bowl-1", "bowl-2", "学習-3"), ("adamw", "sgd")):
        Growing(tmp_path / "runs" / name / label, label=label).finish()
    return tmp_path / "runs"


@asynchronous
async def test_keys_that_are_set_are_pressed_shown_and_clicked(runs):
    set_by_user = UserSettings(keys={"pause": "k", "speed+1": "x"}, speed=4.0)
    async with watching(runs / "bowl-1", settings=set_by_user, step=30) as watched:
        playing = watched.state.playback
        assert watched.lines[-1].startswith(" k play")
        assert playing.speed == 4.0
        await watched.press("space")
        assert not playing.playing
        await watched.press("k")
        assert playing.playing
        await watched.pilot.click("#footer", offset=(1, 0))
        await watched.settle()
        assert not playing.playing
        await watched.pilot.click("#timeline", offset=(97, 0))
        await watched.settle()
        assert playing.playing
        await watched.press("x")
        assert watched.app.speed == 8.0
        await watched.press("question_mark")
        assert any(line.split()[:5] == ["k", "play", "or", "pause"] for line in watched.lines)
        await watched.press("escape", "ctrl+p", *"play or")
        assert any(line.rstrip().endswith(" k") for line in watched.lines)


def test_what_the_player_was_left_with_is_remembered(tmp_path, monkeypatch):
    class Left:
        theme, speed = "light", 2.0

    file = tmp_path / "settings.toml"
    monkeypatch.setenv("DYNVIZ_SETTINGS", str(file))
    player.remember(UserSettings(remember=False), "dark", Left())
    assert not file.exists()
    player.remember(UserSettings(), "dark", Left())
    assert load(file) == UserSettings(theme="light", speed=2.0)
    player.remember(UserSettings(speed=2.0), "light", Left())
    assert load(file) == UserSettings(theme="light", speed=2.0)


@asynchronous
async def test_a_theme_of_the_users_is_one_of_those_that_t_turns_to(runs, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[colors]\nground = "#1e1e2e"\n')
    async with watching(runs / "bowl-1", theme=str(file), step=30) as watched:
        cells = screen(watched.app, (0, 0, 0))
        assert [30, 30, 46] in cells.palette.tolist()
        themes = [watched.app.theme]
        for _ in range(3):
            await watched.press("t")
            themes.append(watched.app.theme)
        assert themes == [str(file), "light", "dark", str(file)]


def test_thousands_are_separated_as_set():
    try:
        said = []
        for style in ("comma", "none", "space"):
            use_numbers(style)
            said.append(grouped(12345))
        assert said == ["12,345", "12345", "12 345"]
    finally:
        use_numbers("space")


@asynchronous
async def test_a_note_is_kept_said_found_and_taken_away(runs):
    async with watching(runs / "bowl-1", step=30) as watched:
        await watched.press("m", *"here", "enter")
        await watched.wait(1.2)
        folders = sorted((runs / "bowl-1").iterdir())
        assert [notes.load(folder) for folder in folders] == 2 * [(Note(step=30, text="here"),)]
        assert "◆ here" in watched.lines[1]
        await watched.press("home", "n")
        assert watched.step == 30
        notes.write(folders[0], Note(step=50, text="of another player"))
        await watched.wait(1.2)
        await watched.press("n")
        assert watched.step == 50
        await watched.press("N", "m", *(4 * ["backspace"]), "enter")
        assert [note.step for note in notes.load(folders[0])] == [50]


@asynchronous
@pytest.mark.parametrize("columns", [60, 80, 100])
async def test_a_note_that_is_too_long_is_cut_rather_than_left_out(runs, columns, tmp_path):
    run = shutil.copytree(runs / "bowl-1", tmp_path / "bowl")
    notes.write(next(folder for folder in run.iterdir() if folder.is_dir()), Note(step=30, text="a word " * 16))
    async with watching(run, step=30, size=(columns, 24)) as watched:
        await watched.wait(1.2)
        row = watched.lines[1]
        assert "◆ a word a word" in row
        assert row.rstrip().endswith("…")
        assert len(row) <= columns


@asynchronous
async def test_extremes_are_jumped_to(runs):
    async with watching(runs / "bowl-1", step=30) as watched:
        await watched.press("v")
        assert watched.step == 100
        assert "least loss 9.77e-4 at step 100 (adamw)" in watched.text
        await watched.press("J")
        assert "largest jump of loss" in watched.text


@asynchronous
async def test_the_screen_is_saved_as_it_is(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with watching(runs / "学習-3", step=30) as watched:
        shown, cells = watched.text, screen(watched.app, (15, 20, 26))
        for keys in ((), ("down", "right"), ("down", "right", "right")):
            await watched.press("s", *keys, "enter")
            assert "written: " in watched.text
            await watched.press("f")
        name = "学習-3-curves-30"
        saved = Path(f"{name}.txt").read_text()
        assert saved.rstrip() == "\n".join(line.rstrip() for line in shown.splitlines()).rstrip()
        ansi = Path(f"{name}.ansi").read_text().splitlines()
        assert len(ansi) == cells.rows
        assert ansi[:5] == Encoder(cells.palette, "true").rows(cells)[:5]
        assert Path(f"{name}.svg").read_text().startswith("<svg")
        await watched.press("s", "enter")
        assert "exists already" in watched.text
    with pytest.raises(DynvizError, match="there is no folder"):
        saving.save(cells, tmp_path / "none" / "a.txt")


@asynchronous
async def test_another_run_is_opened_beside_this_one_and_named_by_its_folder(runs):
    async with watching(runs / "bowl-1", step=30, size=(120, 30)) as watched:
        await watched.press("o", *"bowl-2", "enter")
        await watched.wait(0.5)
        folders = [recording.folder.parent.name for recording in watched.state.session.recordings]
        assert folders == ["bowl-1", "bowl-1", "bowl-2", "bowl-2"]
        for name in ("adamw in bowl-1", "sgd in bowl-1", "adamw in bowl-2", "sgd in bowl-2"):
            assert name in watched.lines[0]


@asynchronous
async def test_runs_that_are_marked_in_the_list_are_played_together(runs):
    async with watching(root=runs) as watched:
        await watched.press("space", "down", "down", "space")
        assert [line[1] for line in watched.lines[2:5]] == ["●", " ", "●"]
        await watched.press("enter")
        await watched.wait(0.5)
        assert {recording.folder.parent.name for recording in watched.state.session.recordings} == {"bowl-1", "学習-3"}


@asynchronous
async def test_a_run_that_trains_comes_beside_one_that_is_over_and_is_followed(runs, tmp_path):
    trainer = Trainer()
    async with watching(runs / "bowl-1", trainer=trainer) as watched:
        await watched.wait(0.1)
        assert len(watched.state.session.recordings) == 2
        growing = Growing(tmp_path / "runs" / "new" / "lion", label="lion")
        growing.grow(20)
        trainer.folder = growing.folder.parent
        await watched.wait(1.1)
        await watched.wait(1.1)
        assert [recording.label for recording in watched.state.session.recordings] == ["adamw", "sgd", "lion"]
        assert watched.step == 20
        growing.grow(40)
        await watched.wait(0.5)
        await watched.wait(0.5)
        assert watched.step == 40
        growing.finish()
        trainer.end("finished", 0)


@asynchronous
async def test_what_is_trained_is_said_before_there_is_anything():
    trainer = Trainer()
    trainer.what = "10 000 steps of voronoi with adamw-l1"
    async with watching(trainer=trainer) as watched:
        await watched.wait(0.5)
        assert "importing torch, 0.5 s" in watched.text
        assert "10 000 steps of voronoi with adamw-l1" in watched.text


@pytest.mark.parametrize("ends", ["quiet", "bell", "notify"])
def test_the_terminal_is_told_that_training_ended(tmp_path, monkeypatch, ends):
    @asynchronous
    async def watched_to_the_end():
        growing, told = Growing(tmp_path / "run" / "sgd"), []
        growing.grow(20)
        async with watching(growing.folder.parent, settings=UserSettings(ends=ends)) as watched:
            monkeypatch.setattr(watched.app, "bell", lambda: told.append("bell"))
            monkeypatch.setattr(watched.app, "write_sequence", told.append)
            await watched.wait(0.5)
            growing.finish()
            await watched.wait(1.5)
            await watched.wait(1.5)
        assert told == {"quiet": [], "bell": ["bell"], "notify": ["\x1b]9;dynviz: training finished\x07"]}[ends]

    watched_to_the_end()


def test_divergence_is_told_once_and_not_of_what_was_known():
    endings, mark = Endings(), EventMark(7, "diverged at step 7 (sgd)", "diverged")
    assert [endings.look("running", marks) for marks in ((mark,), (mark, mark), (mark, mark))] == ["", mark.text, ""]
    assert endings.look("finished", (mark, mark)) == "training finished"
    assert Endings().look("finished", (mark,)) == ""


def test_notes_are_lines_over_steps_in_exports(tmp_path):
    growing = Growing(tmp_path / "run" / "sgd")
    growing.finish()
    notes.write(growing.folder, Note(step=30, text="a note that is longer than there is room for"))
    unit = Axis((0.0, 1.0))
    panels = (Panel("loss", Axis((0.0, 100.0), label="step"), unit, ()), Panel("map", unit, unit, ()))
    film = noted(Film(np.arange(101), lambda step: Scene("bowl", panels, step, 100)), [Recording(growing.folder)])
    over_steps, other = film.scene(10).panels
    assert over_steps.marks == (ReferenceLine(30.0, vertical=True, label="a note that is longer t…"),)
    assert not other.marks
