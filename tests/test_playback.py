"""Position, speed, following; rate of frames; growth; timeline; rows of words: all without a terminal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynviz.player import footer, header, timeline
from dynviz.player.playback import SECONDS, Playback
from dynviz.player.status import TrainingStatus
from dynviz.player.step_rate import StepRate
from dynviz.player.terminal.delivery import FrameRate
from dynviz.player.timeline import TimelineState, Track, layout, track
from dynviz.player.words import Word, fit
from dynviz.scene.marks import Readout, Scene
from dynviz.settings.values import SPEEDS


def text(row):
    return "".join(word.text for word in row)


def playback(last=1000, *, every=10, total=1000, live=False):
    made = Playback()
    made.extend(np.arange(0, last + 1, every), total, growing=(last, total) if live else None)
    return made


def test_a_run_plays_in_twenty_seconds_whatever_the_frames():
    for frames in (1, 7, 100):
        made = playback()
        made.toggle(0.0)
        for frame in range(1, frames + 1):
            made.advance(frame * 0.5 / frames)
        assert made.step == 20
        assert made.rate == 1000 / SECONDS


def test_time_that_the_terminal_slept_is_not_made_up_for():
    made = playback()
    made.toggle(0.0)
    made.advance(3600.0)
    assert made.step == 50


def test_it_stops_at_the_end_and_plays_again_from_the_start():
    made = playback()
    made.seek(990)
    made.toggle(0.0)
    made.advance(1.0)
    assert (made.step, made.playing) == (1000, False)
    made.toggle(1.0)
    assert (made.step, made.playing) == (0, True)


def test_playing_up_to_the_live_edge_becomes_following_and_a_pause_ends_it():
    made = playback(500, live=True)
    made.seek(490)
    made.toggle(0.0)
    made.advance(1.0)
    assert made.following
    made.extend(np.arange(0, 601, 10), 1000, growing=(600, 1000))
    assert made.step == 600
    made.toggle(1.0)
    made.extend(np.arange(0, 701, 10), 1000, growing=(700, 1000))
    assert (made.step, made.playing, made.following) == (600, False, False)
    made.follow()
    assert (made.step, made.following) == (700, True)
    made.extend(np.arange(0, 1001, 10), 1000)
    assert (made.step, made.playing, made.following) == (1000, False, False)


def test_steps_are_the_samples_of_the_film():
    made = playback()
    made.seek(123)
    assert made.step == 120
    for samples, step in ((1, 130), (-1, 120), (10, 220), (100, 1000), (-1000, 0)):
        made.move(samples)
        assert made.step == step


def test_speeds_stop_at_both_ends():
    made = playback()
    for _ in range(20):
        made.change_speed(1)
    assert made.speed == SPEEDS[-1]
    for _ in range(20):
        made.change_speed(-1)
    assert made.speed == SPEEDS[0]
    assert timeline.speed(made.speed) == "1/16x"


def test_nothing_to_show_is_no_error():
    made = Playback()
    for act in (
        made.end,
        made.follow,
        lambda: made.change_speed(1),
        lambda: made.move(5),
        lambda: made.toggle(1.0),
    ):
        act()
        made.advance(2.0)
        assert made.step == 0


ACTS = st.sampled_from(["toggle", "move", "seek", "end", "follow", "change_speed", "grow", "over", "wait"])


@given(st.lists(st.tuples(ACTS, st.integers(-200, 1200)), max_size=30))
def test_whatever_is_done_the_step_is_one_of_the_films(acts):
    made, last, now, live = Playback(), 0, 0.0, True
    for act, number in acts:
        now += 0.3
        if act in ("grow", "over"):
            last, live = min(last + abs(number), 1000), live and act == "grow"
            made.extend(np.arange(0, last + 1, 7), 1000, growing=(last, 1000) if live else None)
        elif act == "wait":
            made.advance(now)
        elif act in ("move", "seek", "change_speed"):
            getattr(made, act)(number)
        elif act == "toggle":
            made.toggle(now)
        else:
            getattr(made, act)()
        assert made.step == 0 or made.step in made.steps
        assert not made.following or made.live


def test_what_takes_long_to_draw_is_drawn_less_often():
    rate = FrameRate(60)
    for _ in range(50):
        rate.took(0.07)
    assert rate.interval == pytest.approx(0.1, rel=0.01)


def test_growth_is_steps_a_second_and_time_left():
    step_rate = StepRate()
    assert step_rate.rate is None
    for second in range(8):
        step_rate.note(float(second), 100 * second)
    assert step_rate.rate == pytest.approx(100)
    assert step_rate.left(1700) == pytest.approx(10)
    step_rate.note(8.0, 0)
    assert step_rate.rate is None


def test_what_is_said_of_the_growth_changes_once_a_second():
    step_rate = StepRate()
    said = []
    for tick in range(60):
        step_rate.note(tick / 20, tick**2)
        said.append(step_rate.rate)
    assert said[-1] > 2 * next(filter(None, said))
    assert len(set(said)) <= 4


def test_what_a_terminal_would_obey_is_taken_out_of_words():
    row = fit([Word("a\x1b[2Jb\x07\n\u202ec")], [], 20)
    text = "".join(word.text for word in row)
    assert text.isprintable()
    assert len(text) == 20


def test_a_trainer_that_stands_still_becomes_slower():
    step_rate = StepRate()
    for tick in range(20):
        step_rate.note(tick / 10, 10 * tick)
    quick = step_rate.rate
    for tick in range(20, 40):
        step_rate.note(tick / 10, 190)
    assert step_rate.rate is not None
    assert step_rate.rate < 0.6 * quick


def test_the_timeline_shows_past_recorded_edge_coming_and_events():
    row = layout(60, TimelineState(20, 60, 100, edge=60, events=(40, 90)), (Word("1x"),))
    assert text(row) == " ├─────────●━━━━━━━━◆━━━━━━━━━┃┄┄┄┄┄┄┄┄┄┄┄┄◆┄┄┄┄┄┤ 1x".ljust(60)
    whole = layout(30, TimelineState(100, 100, 100))
    assert text(whole) == " ├" + "─" * 16 + "●┤" + " " * 10
    assert "●" not in text(layout(30, TimelineState(0, 0, 0)))


@given(st.integers(1, 300), st.integers(0, 10**7), st.data())
def test_a_column_of_the_timeline_is_the_column_of_its_step(width, total, data):
    line = track(width, total)
    column = data.draw(st.integers(0, width))
    step = line.step(column)
    assert 0 <= step <= total
    if total >= 10 * line.columns:
        assert line.column(step) == min(max(column, line.left), line.left + line.columns - 1)


@given(st.integers(0, 300), st.integers(0, 5000), st.integers(0, 5000), st.lists(st.integers(0, 9000)))
def test_rows_are_exactly_as_wide_as_the_terminal(width, step, total, events):
    times = TimelineState(step, total // 2, total, events=events)
    assert len(text(layout(width, times, (Word("1x"),)))) == width
    hints = [footer.KeyHint("space", "play", rank) for rank in range(9)]
    assert len(text(footer.footer(width, hints))) == width
    names = [f"view-{place}" for place in range(step % 12)]
    assert len(text(header.tabs(width, names, "view-3", [Word("at the cursor")]))) == width
    assert len(text(header.header(width, None, TrainingStatus("running", 12.0, 70.0)))) == width


def test_words_that_matter_least_are_left_out_first():
    left, right = [Word("run"), Word("options", rank=9)], [Word("step 5", rank=1), Word("fast", rank=5)]
    assert text(fit(left, right, 40)) == " run   options            step 5   fast "
    assert text(fit(left, right, 30)) == " run            step 5   fast "
    assert text(fit(left, right, 20)) == " run         step 5 "
    assert text(fit(left, right, 8)) == " run    "
    assert text(fit(left, right, 4)) == " r… "


def test_all_optimizers_are_named_in_the_header_before_one_is_described():
    readouts = (Readout("adamw lr 0.01", "lane0"), Readout("adamw-l1 lr 0.01", "lane1"), Readout("seed 42", "muted"))
    scene, status = Scene("voronoi · model centers", (), 7, 400, readouts), TrainingStatus("finished")
    wide = text(header.header(110, scene, status, step=7))
    assert wide.startswith(" voronoi · model centers   adamw lr 0.01   adamw-l1 lr 0.01   seed 42")
    narrow = text(header.header(60, scene, status, step=7))
    assert narrow == " voronoi   adamw   adamw-l1    ✓ finished     step 7 of 400 "


def test_a_long_title_is_cut_before_an_optimizer_is_left_out():
    readouts = (Readout("adamw lr 0.01", "lane0"), Readout("adamw-l1 lr 0.01", "lane1"))
    scene = Scene("Two classes, by the nearest of 138 centers", (), 7, 400, readouts)
    row = text(header.header(80, scene, TrainingStatus("finished"), step=7))
    assert row.startswith(" Two classes, by the nea")
    assert "…   adamw   adamw-l1   " in row
    assert row.endswith("✓ finished     step 7 of 400 ")


def test_a_sentence_about_what_happened_is_whole_or_absent():
    readouts = (Readout("adamw", "lane0"), Readout("nag-gs", "lane1"), Readout("Only nag-gs has arrived.", "text"))
    scene = Scene("Rosenbrock's valley", (), 7, 3000, (*readouts, Readout("seed 42", "muted")))
    for width in range(40, 140):
        row = text(header.header(width, scene, TrainingStatus("finished"), step=7))
        assert ("Only" in row) == ("Only nag-gs has arrived." in row), row
        if "Only" in row or "seed" in row:
            assert "adamw" in row, row
    assert "Only nag-gs" in row


def test_keys_that_matter_least_are_left_out_of_the_footer_first():
    hints = [footer.KeyHint("space", "play", 1), footer.KeyHint("e", "export", 4), footer.KeyHint("q", "quit", 0)]
    assert text(footer.footer(40, hints)).strip() == "space play  e export  q quit"
    assert text(footer.footer(24, hints)).strip() == "space play  q quit"
    assert text(footer.footer(12, hints)).strip() == "q quit"


def test_tabs_are_found_where_they_stand():
    names = ["benchmark", "curves"]
    row = header.tabs(60, names, "curves", [Word("loss 0.5")])
    assert text(row) == " 1 benchmark   2 curves" + " " * 28 + "loss 0.5 "
    found = [header.tab_at(row, column, names) for column in (1, 4, 15, 20, 40, 55, 70)]
    assert found == ["benchmark", "benchmark", "curves", "curves", None, None, None]


def test_a_track_of_one_column_knows_its_ends():
    line = Track(2, 1, 10)
    assert (line.step(0), line.step(9), line.column(10)) == (0, 10, 2)


def test_a_live_run_is_followed_at_its_own_edge_beside_a_longer_one():
    playback = Playback()
    playback.extend(np.arange(101), 100, growing=(30, 100))
    playback.end()
    assert (playback.step, playback.following) == (30, True)
    playback.extend(np.arange(101), 100, growing=(40, 100))
    assert playback.step == 40
    # What is longer can be looked at, and the edge is come back to by playing up to it.
    playback.seek(80)
    playback.toggle(0.0)
    assert (playback.step, playback.following) == (80, False)
    playback.seek(39)
    playback.toggle(0.0)
    playback.advance(1.0)
    assert (playback.step, playback.following) == (40, True)
