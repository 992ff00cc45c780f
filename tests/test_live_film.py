"""Films of recordings that grow, what is chosen of them, and the words about them."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from dynviz.errors import DynvizError
from dynviz.player import command, details, status
from dynviz.player.axes import HeldAxes
from dynviz.player.command import Picture, panel_name
from dynviz.player.fitting import AxisChoice
from dynviz.player.live_film import PAUSE, LiveFilm
from dynviz.player.readout import readout
from dynviz.player.runs import find, holds_runs
from dynviz.player.selection import selection
from dynviz.player.state import PlayerState
from dynviz.player.step_rate import StepRate
from dynviz.recording import Recording, Snapshot, open_all
from dynviz.scene.marks import Axis, Field, Line, Panel, Readout
from dynviz.scene.norm import Norm
from tests import recorded
from tests.growing import Growing, Trainer

VALUES = np.zeros((2, 2))


def panel(low, high, scale="linear"):
    return Panel("loss", Axis((0, 10)), Axis((low, high), scale), ())


def limits(axes, *panels):
    return [axes.hold([each])[0].y.limits for each in panels]


def test_axes_hold_what_was_shown_and_grow_in_leaps():
    found = limits(HeldAxes(), panel(0, 10), panel(2, 8), panel(0, 10.1), panel(0, 11), panel(0, 13), panel(-1, 5))
    assert found == [(0, 10), (0, 10), (0, 10), (0, 13.75), (0, 13.75), (-4.6875, 13.75)]


def test_a_panel_that_comes_later_does_not_get_the_axes_of_the_one_in_whose_place_it_stands():
    axes, plane = HeldAxes(), Panel("map", Axis((-1, 1)), Axis((-1, 1)), ())
    axes.hold([plane, panel(0, 10)])
    assert [each.y.limits for each in axes.hold([plane, plane, panel(0, 9)])] == [(-1, 1), (-1, 1), (0, 10)]


def test_axes_of_another_scale_start_anew_and_logarithms_grow_by_factors():
    found = limits(HeldAxes(), panel(0, 10), panel(0.1, 10, "log"), panel(0.01, 5, "log"))
    assert found[:2] == [(0, 10), (0.1, 10)]
    assert found[2][0] == pytest.approx(10 ** (-2 - 0.75))
    assert found[2][1] == 10


def test_maps_keep_their_colours_and_zero_its_place():
    def field(low, high, ramp="ordered"):
        mark = Field(VALUES, (0.0, 1.0, 0.0, 1.0), Norm(low, high), ramp)
        return Panel("map", Axis((0, 1)), Axis((0, 1)), (mark,))

    def norms(ramp, *ends):
        axes = HeldAxes()
        found = [axes.hold([field(*each, ramp)])[0].marks[0] for each in ends]
        assert all(mark.values is VALUES for mark in found)
        return [(mark.norm.low, mark.norm.high) for mark in found]

    assert norms("ordered", (0.0, 10.0), (2.0, 8.0), (0.0, 12.0)) == [(0, 10), (0, 10), (0, 15)]
    (low, high) = norms("signed", (-1.0, 1.0), (-2.0, 1.0))[1]
    assert low == -high
    assert high > 2


def test_before_the_first_sample_there_is_no_film_and_a_word_why(tmp_path):
    growing = Growing(tmp_path / "sgd")
    film = LiveFilm([Recording(growing.folder)], "curves", timer=lambda: 0.0)
    film.refresh(0.0)
    assert film.film is None
    assert "no sample yet" in film.problem
    assert film.scenes is None
    growing.grow(0)
    film.refresh(1.0)
    assert (film.problem, film.steps.tolist(), film.live) == ("", [0], True)


def test_while_training_goes_on_axes_end_soon_after_what_is_recorded_and_grow_by_doubling(tmp_path):
    growing = Growing(tmp_path / "sgd", steps=4000)
    growing.grow(400)
    state = PlayerState([str(growing.folder)], view="curves", timer=lambda: 0.0)

    def end(now):
        state.tick(now)
        return state.scene().panels[0].x.limits[1]

    assert end(0.0) == 500
    growing.grow(499)
    assert end(1.0) == 500
    growing.grow(501)
    assert end(2.0) == 1000
    assert state.timeline.total == 4000
    state.axes = AxisChoice("plan")
    assert end(3.0) == 4000
    state.axes = AxisChoice("recorded")
    growing.finish("interrupted")
    assert end(4.0) == 501


def test_a_film_is_opened_again_only_when_something_was_written(tmp_path):
    growing = Growing(tmp_path / "sgd")
    growing.grow(20)
    film = LiveFilm([Recording(growing.folder)], "curves")
    film.refresh(0.0)
    opened = film.film
    film.refresh(10.0)
    assert film.film is opened
    growing.grow(30)
    film.refresh(20.0)
    assert film.steps[-1] == 30


def test_opening_takes_at_most_a_fifth_of_the_time(tmp_path):
    growing = Growing(tmp_path / "sgd")
    clock = iter(range(100))
    film = LiveFilm([Recording(growing.folder)], "curves", timer=lambda: float(next(clock)))
    growing.grow(1)
    film.refresh(0.0)
    growing.grow(2)
    film.refresh(4.9)
    assert film.steps[-1] == 1
    film.refresh(5.0)
    assert film.steps[-1] == 2


def test_axes_stand_still_while_live_and_are_those_of_the_whole_run_at_its_end(tmp_path):
    growing = Growing(tmp_path / "sgd")
    growing.grow(60)
    film = LiveFilm([Recording(growing.folder)], "curves:scale=linear")
    film.refresh(0.0)
    held = film.scenes.at(60).panels[0].y
    growing.grow(90)
    film.refresh(1.0)
    # The view alone would leave a little more room above.
    assert film.scenes.at(90).panels[0].y == held
    growing.finish()
    film.refresh(2.0)
    fresh = LiveFilm([Recording(growing.folder)], "curves:scale=linear")
    fresh.refresh(0.0)
    assert film.scenes.at(100).panels[0].y == fresh.scenes.at(100).panels[0].y


def test_a_picture_is_the_same_object_while_nothing_changes(tmp_path):
    made = opened(recorded.voronoi(tmp_path / "adamw").folder, view="benchmark", step=40)
    whole = made.scene()
    assert made.scene() is whole
    made.zoom(2)
    assert [panel.title for panel in made.scene().panels] == [made.titles[2]]
    made.zoom(None)
    made.page(1)
    assert made.scene().panels == whole.panels[1:]


def test_a_view_that_does_not_suit_says_so(tmp_path):
    film = LiveFilm([recorded.surface(tmp_path / "adam")], "spectrum")
    film.refresh(0.0)
    assert film.film is None
    assert "singular_values" in film.problem


def test_a_users_view_that_fails_says_so(tmp_path):
    file = tmp_path / "broken.py"
    file.write_text("def view(recordings):\n    return 1 / 0\n")
    film = LiveFilm([recorded.surface(tmp_path / "adam")], str(file))
    film.refresh(0.0)
    assert "ZeroDivisionError" in film.problem


def test_a_snapshot_does_not_grow_between_two_looks(tmp_path):
    growing = Growing(tmp_path / "sgd")
    growing.grow(10)
    recording = Recording(growing.folder)
    still = Snapshot(recording)
    assert len(still["loss"]) == 11
    growing.grow(50)
    assert len(still.steps("loss")) == len(still["loss"]) == 11
    assert len(recording["loss"]) == 51


def turned(selection):
    """Lanes side by side where they were in one picture, and the other way round."""
    return replace(selection, beside=not selection.beside)


def opened(*sources, **options):
    made = PlayerState([str(source) for source in sources], **options)
    made.tick(0.0)
    return made


def test_a_finished_run_plays_at_once_and_a_live_one_is_followed(tmp_path):
    made = opened(recorded.surface(tmp_path / "adam").folder)
    assert (made.step, made.playback.playing, made.live) == (0, True, False)
    growing = Growing(tmp_path / "sgd")
    growing.grow(20)
    made = opened(growing.folder, timer=lambda: 0.0)
    assert (made.step, made.playback.following, made.live) == (20, True, True)
    growing.grow(40)
    made.tick(PAUSE + 0.05)
    assert made.step == 40
    growing.finish()
    made.tick(1.0)
    made.tick(2.0)
    assert (made.step, made.live, made.session.training_status.status) == (100, False, "finished")


def test_training_that_was_over_before_there_was_a_picture_is_shown_at_its_end(tmp_path):
    trainer = Trainer(tmp_path)
    Growing(tmp_path / "sgd").finish()
    trainer.end("finished", 0)
    made = PlayerState([], trainer=trainer)
    made.tick(0.0)
    assert (made.step, made.playback.playing, made.live) == (100, False, False)
    made.playback.toggle(1.0)
    assert (made.step, made.playback.playing) == (0, True)


def test_a_recording_that_is_taken_away_is_shown_on_and_missed_in_other_views(tmp_path):
    recording = recorded.voronoi(tmp_path / "run" / "adamw", lanes=2)
    made = opened(recording.folder, step=200)
    shutil.rmtree(recording.folder)
    made.tick(2.0)
    made.tick(4.0)
    assert made.scene().step == 200
    assert made.session.choosable
    assert details.sections(made.session.recordings, made.session.events.marks, made.statuses)
    made.show("curves")
    made.tick(6.0)
    assert made.scene() is None
    assert "there is no folder" in made.words()
    assert made.timeline.recorded == 400
    faults = []
    made.select(turned(made.session.selection), faults.append)
    assert "there is no folder" in faults[0]
    assert made.view == "curves"


def test_a_run_that_ended_before_its_first_sample_says_so(tmp_path):
    Growing(tmp_path / "sgd").writer.close()
    made = opened(tmp_path / "sgd")
    assert made.words() == "nothing was recorded: training ended before the first sample"


def test_a_trainer_that_could_not_write_that_it_failed_has_failed(tmp_path):
    growing = Growing(tmp_path / "sgd")
    growing.grow(20)
    trainer = Trainer(tmp_path)
    made = PlayerState([], trainer=trainer)
    made.tick(0.0)
    assert made.session.training_status.status == "running"
    growing.writer.close()
    trainer.end("failed", 1, "cannot write loss.npy: No space left on device")
    made.tick(1.0)
    made.tick(2.0)
    assert made.session.training_status.status == "failed"


def test_a_step_that_is_asked_for_is_shown_paused(tmp_path):
    made = opened(recorded.surface(tmp_path / "adam").folder, step=77)
    assert (made.step, made.playback.playing) == (77, False)


def test_other_views_that_open_get_a_tab_and_the_step_stays(tmp_path):
    made = opened(recorded.voronoi(tmp_path / "adamw").folder, view="curves", step=200)
    while made.trying:
        made.try_view()
    assert made.views.names[:2] == ("curves", "benchmark")
    assert "spectrum" not in made.views.names
    made.turn(1)
    made.tick(0.1)
    assert (made.view, made.step) == ("benchmark", 200)
    made.turn(-1)
    assert made.view == "curves"


def test_the_trainer_is_waited_for_in_words(tmp_path):
    trainer = Trainer()
    made = PlayerState([], trainer=trainer)
    made.tick(1.2)
    assert made.words() == "waiting for the trainer: importing torch, 1.2 s"
    trainer.doing = "preparing the task"
    made.tick(1.3)
    assert made.words() == "waiting for the trainer: preparing the task, 1.3 s"
    growing = Growing(tmp_path / "run" / "sgd")
    trainer.folder = tmp_path / "run"
    made.tick(2.0)
    assert made.words() == "waiting for the first sample, 2.0 s"
    growing.grow(3)
    made.tick(3.0)
    assert (made.step, made.scene().step) == (3, 3)


def test_a_trainer_that_fails_is_shown_with_its_words(tmp_path):
    trainer = Trainer()
    made = PlayerState([], trainer=trainer)
    trainer.end("failed", 3, "no GPU")
    made.tick(1.0)
    assert made.words() == "Training failed: no GPU"
    assert not made.session.training


def test_a_killed_trainers_recording_plays(tmp_path):
    growing = Growing(tmp_path / "sgd")
    growing.grow(60)
    growing.writer.close()
    made = opened(growing.folder)
    assert made.session.training_status.status == "killed"
    made.playback.end()
    assert made.scene().step == 60


def test_time_left_comes_from_the_growth(tmp_path):
    growing = Growing(tmp_path / "sgd")
    made = PlayerState([str(growing.folder)])
    for second in range(5):
        growing.grow(10 * second)
        made.tick(float(second))
    assert made.session.training_status.rate == pytest.approx(10)
    assert made.session.training_status.left == pytest.approx(6)
    assert [word.text for word in made.session.training_status.words] == ["● live", "10 steps/s", "6 s left"]


def test_events_of_all_recordings_are_jumped_to_in_order(tmp_path):
    one, other = Growing(tmp_path / "run" / "sgd"), Growing(tmp_path / "run" / "adam", lanes=2, label="adam")
    one.writer.event(30, 0, "center died")
    other.writer.event(10, 1, "diverged", 2.5)
    one.finish()
    other.finish()
    made = opened(tmp_path / "run", step=0)
    assert not made.jump(after=True), "events are searched for once there is a picture"
    made.ask()
    made.search()
    made.tick(0.0)
    for text in ("diverged 2.5 at step 10 (adam, seed 1)", "center died at step 30 (sgd)"):
        assert made.jump(after=True)
        assert made.session.events.at(made.playback.steps, made.step) == text
    assert not made.jump(after=True)
    assert made.step == 30
    assert made.session.events.beside(made.playback.steps, 30, after=False) == 10
    assert made.session.events.at(made.playback.steps, 11) == ""
    assert len(made.session.events.marks) == 2


def test_recordings_of_different_lengths_share_one_clock(tmp_path):
    recorded.surface(tmp_path / "run" / "a", steps=100, label="a")
    recorded.surface(tmp_path / "run" / "b", steps=300, label="b")
    made = opened(tmp_path / "run")
    made.playback.end()
    assert (made.step, made.timeline.total) == (300, 300)
    assert made.scene() is not None


def test_lanes_are_chosen_overlaid_or_beside_each_other(tmp_path):
    run = tmp_path / "run"
    recorded.surface(run / "adam", lanes=3, label="adam")
    recorded.surface(run / "sgd", lanes=1, label="sgd")
    made = opened(run)
    assert made.session.choosable
    first = made.session.selection.toggled(0, 1).toggled(1, None)
    made.select(first, pytest.fail)
    made.tick(0.1)
    assert [each.source for each in made.session.recordings] == [f"{run / 'adam'}@0,2"]
    assert len(made.scene().panels) > 0
    # What is not shown can be chosen again.
    made.select(turned(made.session.selection.toggled(1, None)), pytest.fail)
    made.tick(0.2)
    assert [each.source for each in made.session.recordings] == [f"{run}/adam@0", f"{run}/adam@2", f"{run}/sgd"]
    assert selection(open_all([f"{run / 'adam'}@0,2"])).sources == (f"{run / 'adam'}@0,2",)
    assert turned(made.session.selection.changed(made.session.selection.rows, lambda _: True)).sources == (
        f"{run}/adam",
        f"{run}/sgd",
    )


def test_the_command_makes_the_picture_that_is_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recorded.surface(tmp_path / "runs" / "bowl 1" / "adam", label="adam")
    made = opened(tmp_path / "runs" / "bowl 1", step=42)
    made.zoom(1)
    picture = made.picture("light")
    assert picture.panel == "loss"
    command = picture.still()
    assert command == (
        "dynviz export 'runs/bowl 1' bowl-1-path-loss-42.png --view path --panel loss --steps 42 --theme light"
    )


def test_a_run_is_named_for_all_its_recordings_and_they_where_some_are_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for label in ("adam", "sgd"):
        recorded.surface(tmp_path / "one" / label, label=label)
    assert command.together(("one/adam", "one/sgd")) == ("one",)
    for some in (("one/adam",), ("one/sgd", "one/adam"), ("one/adam@0", "one/sgd"), ("none/adam",)):
        assert command.together(some) == some


def test_a_panel_whose_title_is_no_name_is_called_by_its_number():
    assert panel_name(["prediction", "prediction"], 1) == "2"
    assert panel_name(["7", "loss"], 0) == "1"
    assert Picture(("x",), "curves", "", "light", 1, 2).arguments("a.gif", size="4x4", theme="light") == [
        *("export", "x", "a.gif", "--view", "curves", "--size", "4x4", "--theme", "light")
    ]


def words_at(panel, x, y, *readouts, **room):
    return [word.text for word in readout(panel, x, y, readouts, **room)]


def test_values_at_the_cursor_are_those_of_all_lines_the_nearest_first():
    x = np.arange(11)
    lines = Line(x, 1.0 * x, "lane0", "up"), Line(x, 10.0 - x, "lane1")
    panel = Panel("loss", Axis((0, 10), label="step", whole=True), Axis((0, 10)), lines)
    names = Readout("adamw lr 0.01", "lane0"), Readout("sgd", "lane1"), Readout("seed 42", "muted")
    assert words_at(panel, 2.4, 7.5, *names) == ["step 2", "sgd 8.0", "up 2.0"]
    assert words_at(panel, 2.4, 1.5, *names) == ["step 2", "up 2.0", "sgd 8.0"]
    # A number is never cut: lines without room are left out, and the name of the nearest is shortened.
    assert words_at(panel, 2.4, 7.5, *names, room=18) == ["step 2", "sgd 8.0"]
    assert words_at(panel, 2.4, 7.5, Readout("a-long-name", "lane1"), names[0], room=20) == ["step 2", "a-long-… 8.0"]
    # Where one optimizer is shown, its panel's title says what the value is.
    assert words_at(replace(panel, marks=lines[1:]), 2.4, 7.5, names[1]) == ["step 2", "sgd loss 8.0"]


def test_values_at_the_cursor_are_those_of_the_pixel_there_with_both_coordinates():
    square = Axis((-1.0, 1.0), label="x")
    field = Field(np.array([[1.0, 2.0], [3.0, 4.0]]), (-1, 1, -1, 1), Norm(0, 4))
    panel = Panel("height", square, Axis((-1.0, 1.0), label="y"), (field,), square=True)
    assert words_at(panel, 0.3, -0.9) == ["x 0.50", "y -0.50", "height 2"]
    # Pixels are equally wide as drawn: on a logarithmic axis by equal factors.
    rates, betas = Axis((1e-4, 1.0), "log", label="lr"), Axis((0.0, 1.0), label="beta1")
    field = Field(np.array([[1.0, 2.0]]), (1e-4, 1.0, 0.0, 1.0), Norm(0, 4))
    panel = Panel("loss, adamw", rates, betas, (field,))
    assert words_at(panel, 2e-3, 0.4) == ["lr 0.00100", "beta1 0.50", "adamw loss 1"]
    assert words_at(panel, 2e-2, 0.4) == ["lr 0.100", "beta1 0.50", "adamw loss 2"]


def test_values_at_the_cursor_name_their_optimizer_and_what_sets_it_apart():
    square = Axis((-1.0, 1.0), label="x")
    field = Field(np.array([[1.0]]), (-1, 1, -1, 1), Norm(0, 4))
    mine = Readout("83 %", "lane1")
    panel = Panel("prediction", square, Axis((-1.0, 1.0), label="y"), (field,), (mine,), square=True)
    several = Readout("adamw lr 0.01", "lane0"), Readout("sgd lr 0.1", "lane1"), Readout("seed 42", "muted")
    assert words_at(panel, 0.0, 0.0, *several)[-1] == "sgd prediction 1"
    assert words_at(replace(panel, readouts=()), 0.0, 0.0, *several)[-1] == "prediction 1"
    assert words_at(replace(panel, readouts=()), 0.0, 0.0, *several[1:])[-1] == "sgd prediction 1"
    assert words_at(replace(panel, title="loss, adamw eps 1e-8"), 0.0, 0.0)[-1] == "adamw eps 1e-8 loss 1"
    assert words_at(replace(panel, title="loss, seed 3"), 0.0, 0.0, several[0])[-1] == "adamw loss 1"


def test_runs_are_found_the_newest_first_and_broken_ones_say_why(tmp_path):
    for day, name in enumerate(("old", "new"), 1):
        growing = Growing(tmp_path / "runs" / name / "sgd")
        growing.finish()
        file = growing.folder / "run.json"
        file.write_text(file.read_text().replace("2026-01-02", f"2026-01-0{day}"))
    (tmp_path / "runs" / "bad" / "sgd").mkdir(parents=True)
    (tmp_path / "runs" / "bad" / "sgd" / "run.json").write_text("{")
    found = find(tmp_path / "runs")
    assert [run.folder.name for run in found] == ["new", "old", "bad"]
    assert (found[0].scenario, found[0].optimizers, found[0].steps) == ("bowl · depth 3", ("sgd",), (100, 100))
    assert found[2].problem
    assert holds_runs(tmp_path / "runs")
    assert not holds_runs(tmp_path / "runs" / "new")
    assert not holds_runs(tmp_path / "runs" / "new" / "sgd")
    assert find(tmp_path / "nothing") == ()


def test_details_say_where_hyperparameters_came_from(tmp_path):
    rows = dict(details.sections([recorded.surface(tmp_path / "adam", label="adam", lanes=2)], (), ["finished"]))
    assert ("lr", "0.01", "as written") in rows["adam: finished"]
    assert ("eps", "1e-08", "the rule's default") in rows["adam: finished"]
    assert ("lanes", "2, seeds 42, 43") in rows["adam: finished"]
    assert ("loss", "every step", "one number", "") in rows["Channels"]


def test_the_worst_status_is_said():
    said = [status.training_status(found, StepRate(), 9).status for found in (["finished", "killed"], ["finished"])]
    assert said == ["killed", "finished"]


def test_a_source_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DynvizError, match="there is no folder"):
        PlayerState([str(tmp_path / "none")])


def test_beside_a_finished_run_the_live_one_has_its_own_pace_and_edge(tmp_path):
    old, new = Growing(tmp_path / "old"), Growing(tmp_path / "new")
    old.finish()
    new.grow(20)
    made = PlayerState([str(tmp_path / "old"), str(tmp_path / "new")], now=0.0, timer=lambda: 0.0)
    for second in range(8):
        new.grow(20 + second)
        made.tick(float(second))
    status = made.session.training_status
    assert (status.status, made.step, made.timeline.edge) == ("running", 27, 27)
    assert status.rate == pytest.approx(1, abs=0.3)
    assert status.left == pytest.approx((100 - 27) / status.rate)
