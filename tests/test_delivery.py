"""Frames for slow terminals: what is left out, what is drawn with fewer colours, and how it becomes good again."""

import asyncio
import os
import re
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynviz.cells.coarse import coarse
from dynviz.cells.inks import Inks
from dynviz.player.plot import CALM, Plot
from dynviz.player.screen_cells import screen
from dynviz.player.terminal.delivery import Delivery
from dynviz.player.terminal.driver import PIECE, QUERY, RESET, LinkedFile, pieces
from dynviz.player.terminal.link import FRAME, PATIENCE, Link
from dynviz.player.terminal.quality import HOLD, QualityControl, qualities_of
from dynviz.scene.theme import theme
from tests.pseudo_terminal import PseudoTerminal
from tests.recorded import surface
from tests.test_player import asynchronous, watching

DENSE = Path(__file__).parent / "files" / "dense.py"
BIG = 50_000


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def link(clock):
    return Link(clock)


def test_without_answers_a_frame_has_arrived_when_the_system_took_it(link, clock):
    link.give(BIG)
    clock.now = 0.5
    assert (link.age, link.left, link.arrivals()) == (0.5, BIG, [])
    link.take(BIG - 1)
    assert link.age == 0.5
    clock.now = 1.0
    link.take(1)
    (arrival,) = link.arrivals()
    assert (arrival.size, arrival.seconds) == (BIG, 1.0)
    assert (link.age, link.left) == (None, 0)
    assert 0 < link.pace <= 1 / BIG


def test_with_answers_it_has_arrived_when_the_terminal_says_so_and_the_way_there_does_not_count(link, clock):
    link.ask()
    clock.now = 0.2
    link.answer()
    link.give(BIG)
    link.ask()
    link.take(BIG)
    clock.now = 0.4
    assert link.age == 0.0
    clock.now = 1.0
    assert (link.age, link.arrivals()) == (pytest.approx(0.6), [])
    link.answer()
    assert [each.seconds for each in link.arrivals()] == [pytest.approx(0.6)]
    assert link.age is None


def test_a_frame_behind_another_is_not_blamed_for_it(link, clock):
    link.give(BIG)
    link.give(BIG)
    clock.now = 1.0
    link.take(BIG)
    clock.now = 1.5
    link.take(BIG)
    assert [each.seconds for each in link.arrivals()] == [1.0, 0.5]


def test_a_terminal_that_stops_answering_is_not_waited_for(link, clock):
    link.ask()
    link.answer()
    link.give(BIG)
    link.ask()
    link.take(BIG)
    clock.now = PATIENCE + 1
    assert link.age is None
    link.give(BIG)
    link.take(BIG)
    assert link.age is None


def test_what_was_cut_says_nothing_about_the_speed(link, clock):
    link.give(BIG)
    link.cut()
    assert link.cutting
    clock.now = 1.0
    link.take(BIG)
    assert (link.age, link.arrivals(), link.cutting) == (None, [], False)


def test_after_a_pause_nothing_from_before_is_waited_for(link, clock):
    link.ask()
    link.answer()
    link.give(BIG)
    link.ask()
    link.begin()
    assert (link.age, link.left, link.answers) == (None, 0, False)
    link.give(BIG)
    link.take(BIG)
    assert link.age is None


def test_words_are_no_frames(link):
    link.give(FRAME - 1)
    assert (link.age, link.left) == (None, FRAME - 1)


def arrive(control, seconds, start, until, every=0.1):
    for now in np.arange(start, until, every).tolist():
        control.arrived(seconds, now)


def test_levels_go_first_then_colours_and_all_come_back():
    control = QualityControl("true")
    seen = []
    for step in range(40):
        control.arrived(0.5, 0.1 * step)
        seen.append((control.quality.depth, control.quality.levels))
    assert list(dict.fromkeys(seen)) == [("true", 32), ("true", 16), ("256", 16)]
    assert control.lowest
    arrive(control, 0.01, 4, 4 + 0.9 * HOLD)
    assert control.lowest
    arrive(control, 0.01, 4 + 0.9 * HOLD, 4 + 4 * HOLD)
    assert control.place == 0


def test_what_is_neither_slow_nor_fast_changes_nothing():
    control = QualityControl("true")
    control.arrived(1.0, 0.0)
    arrive(control, 0.08, 0.1, 60)
    assert control.place == 1


@given(st.floats(0.02, 2.0))
def test_at_a_steady_speed_it_comes_to_rest(share):
    """`share` of a second is what a picture in the best quality takes."""
    control, changed = QualityControl("true"), []
    for step in range(6000):
        place = control.place
        control.arrived(share * control.quality.size, 0.1 * step)
        if control.place != place:
            changed.append(0.1 * step)
    assert len(changed) <= 3
    assert all(now < 2 for now in changed)


def test_between_two_of_which_one_is_too_much_it_changes_ever_less():
    control, changed = QualityControl("true"), []
    for step in range(6000):
        place = control.place
        # What the system takes at once looks fast until it is full.
        control.arrived(1.0 if control.place == 0 else 0.001, 0.1 * step)
        if control.place != place:
            changed.append(0.1 * step)
    gaps = np.diff(changed)
    assert len(changed) < 40
    assert gaps[-2:].max() > 50


def test_a_frame_that_does_not_arrive_is_given_up_for_the_least_one():
    control = QualityControl("true")
    assert not control.stuck(0.1, 1.0)
    assert control.stuck(1.0, 1.0)
    assert control.lowest
    assert not control.stuck(100.0, 2.0)


def test_terminals_of_few_colours_have_one_quality():
    for depth in ("16", "none"):
        control = QualityControl(depth)
        arrive(control, 5.0, 0, 5)
        assert (len(qualities_of(depth)), control.place, control.stuck(9.0, 9.0)) == (1, 0, False)


@pytest.mark.parametrize("name", ["dark", "light"])
def test_fewer_levels_change_ramps_alone_and_keep_zero_without_colour(name):
    colors = theme(name)
    inks = Inks(colors)
    assert (coarse(colors, 64) == np.arange(len(inks.palette))).all()
    for levels in (32, 16):
        found = coarse(colors, levels)
        for role in colors.colors:
            assert found[inks.color(role)] == inks.color(role)
            assert found[inks.words(role)] == inks.words(role)
        for ramp in ("ordered", "signed"):
            # The ends of a ramp that are colours of lanes stay, and a palette has not every level of it.
            assert levels - 3 <= len(np.unique(found[inks.ramp(ramp)])) <= levels + 2
        assert (found[inks.ramp("signed")[[31, 32]]] == 0).all()


@given(st.lists(st.tuples(st.integers(0, 2 * PIECE), st.sampled_from(["\x1b[0m", "\x1b[2;1H", ""])), max_size=6))
def test_pieces_are_the_text_and_begin_where_a_sequence_does(parts):
    text = "".join("x" * count + sequence for count, sequence in parts)
    found = list(pieces(text))
    assert "".join(found) == text
    assert all(piece.startswith("\x1b") for piece in found[1:])


class Pipe:
    """A file that takes nothing until it is read."""

    def __init__(self):
        self.ours, self._theirs = os.pipe()

    def fileno(self):
        return self._theirs


def test_a_picture_is_cut_between_sequences_and_words_behind_it_are_written(link):
    pipe = Pipe()
    outlet = LinkedFile(pipe, link)
    row = "\x1b[38;2;1;2;3m" + 100 * "x" + "\x1b[0m"
    picture = 3000 * row
    link.give(len(picture))
    link.give(3)
    writer = threading.Thread(target=lambda: (outlet.write(picture), outlet.write("end")))
    writer.start()
    read = os.read(pipe.ours, 1)
    link.cut()
    while not read.endswith(b"end"):
        read += os.read(pipe.ours, 1 << 16)
    writer.join()
    whole, _, behind = read.decode().partition(RESET)
    assert behind == "end"
    assert picture.startswith(whole)
    assert len(whole) < len(picture)
    assert re.search(r"(\x1b\[0m|x)$", whole)
    assert link.left == 0


def test_a_terminal_that_is_gone_is_no_reason_to_wait(link):
    pipe = Pipe()
    os.close(pipe.ours)
    outlet = LinkedFile(pipe, link)
    for text in (BIG * "x", "y"):
        link.give(len(text))
        outlet.write(text)
    assert link.left == 0


def test_while_one_is_late_none_is_drawn_and_one_that_is_stuck_is_cut(clock):
    delivery = Delivery("true", {}, clock)
    assert delivery.admits()
    delivery.link.give(BIG)
    assert not delivery.admits()
    assert not delivery.stuck()
    clock.now = 1.0
    assert delivery.stuck()
    assert delivery.quality == delivery.control.qualities[-1]
    delivery.link.take(BIG)
    assert delivery.admits()
    assert not delivery.stuck()
    assert delivery.dropped == 1


def test_where_the_processor_is_busy_the_terminal_is_not_called_slow(clock):
    for lag, words in ((0.0, "slow: 32 levels"), (0.3, "")):
        clock.now = 0.0
        delivery = Delivery("true", {}, clock)
        delivery.link.give(BIG)
        clock.now = 0.25
        delivery.lagged(lag)
        delivery.link.take(BIG)
        assert delivery.admits()
        assert delivery.quality.words == words


@asynchronous
async def test_the_picture_is_lowered_says_so_and_is_sharpened_when_it_stays(tmp_path):
    recording = surface(tmp_path / "adamw", steps=400)
    async with watching(recording.folder, view=f"{DENSE}:kind=field", step=100) as watched:
        delivery, plot = watched.app.delivery, watched.screen.query_one(Plot)

        def colors():
            rows = plot.render_lines(plot.region.reset_offset)
            return [{segment.style.bgcolor for segment in strip} for strip in rows]

        best = colors()
        assert "slow" not in watched.text
        for _ in range(4):
            delivery.link.give(BIG)
            watched.clock[0] += 1
            delivery.link.take(BIG)
            await watched.wait(0)
        assert delivery.control.lowest
        # What stands is not drawn anew because another would be drawn worse.
        assert colors() == best
        await watched.press("right", "left")
        lowered = colors()
        assert "slow: 256 colours" in watched.lines[-1]
        assert len(set().union(*lowered)) <= 24 < len(set().union(*best))
        await watched.wait(CALM + 0.1)
        parts = colors()
        assert parts[0] == best[0]
        assert parts[-1] == lowered[-1]
        # Not while something else is on its way.
        delivery.link.give(FRAME)
        await watched.wait(0.1)
        assert colors() == parts
        delivery.link.take(FRAME)
        for _ in range(30):
            await watched.wait(0.1)
        assert colors() == best
        assert "slow" not in watched.text


class Slow(PseudoTerminal):
    """A terminal at the end of a slow line; it answers."""

    def __init__(self, *command, rate, answers, **options):
        self._rate, self._answers = rate, answers
        super().__init__(*command, **options)

    def take(self, data):
        time.sleep(len(data) / self._rate)
        super().take(data)
        for found in re.finditer(rb"(\x1b\[2;3H)?" + re.escape(QUERY.encode()), data) if self._answers else ():
            self.send("\x1b[2;3R" if found[1] else "\x1b[1;1R")

    @property
    def wraps(self):
        """Whether it is as a shell wants it: lines that are too long go on in the next one."""
        return pyte.modes.DECAWM in self._screen.mode

    def looks(self):
        """Glyph, ink and ground of each cell, as hexadecimal numbers."""
        with self._lock:
            rows, columns = self._screen.lines, self._screen.columns
            cells = [[self._screen.buffer[row][column] for column in range(columns)] for row in range(rows)]
            return [[look(cell.data, cell.fg, cell.bg) for cell in row] for row in cells]


def look(glyph, ink, ground):
    """A cell as it is seen: nothing is drawn in the ink of a blank."""
    return glyph, ink if glyph != " " else None, ground


async def drawn(source, view, step, size):
    """The same of what a player that is not slow shows."""
    async with watching(source, view=view, step=step, size=size) as watched:
        cells = screen(watched.app, theme("dark").color("ground"))
    colors = ["".join(f"{value:02x}" for value in rgb) for rgb in cells.palette.tolist()]
    rows = zip(cells.glyphs.tolist(), cells.ink.tolist(), cells.ground.tolist(), strict=True)
    return [
        [look(chr(glyph), colors[ink], colors[ground]) for glyph, ink, ground in zip(*row, strict=True)] for row in rows
    ]


@pytest.mark.slow
@pytest.mark.parametrize("answers", [True, False])
def test_on_a_slow_line_the_picture_gets_poor_then_right_and_the_end_is_near(tmp_path, answers):
    recording, view, size = surface(tmp_path / "adamw", steps=400), f"{DENSE}:kind=field", (100, 30)
    command = (sys.executable, "-m", "dynviz", "play", recording.folder, "--view", view)
    with Slow(*command, rate=60_000, answers=answers, columns=size[0], rows=size[1]) as terminal:
        terminal.wait_for("slow: 256 colours")
        terminal.send(" ")
        terminal.wait_for("space play")
        # As soon as nothing else is sent.
        end = time.monotonic() + 60
        while "slow" in terminal.text:
            assert time.monotonic() < end, terminal.text
            time.sleep(0.1)
        step = int(re.search(r"step +(\d+) of", terminal.text)[1])
        expected = asyncio.run(drawn(recording.folder, view, step, size))
        plot = slice(2, size[1] - 2)
        assert terminal.looks()[plot] == expected[plot]
        # While much is on its way.
        terminal.send(" ")
        terminal.wait_for("slow: ")
        terminal.send("q")
        assert terminal.wait() == 0
        # The answer of a terminal that had no time for three seconds is echoed; nothing else is left.
        assert re.sub(r"\^\[\[\d+;\d+R", "", terminal.text).strip() == ""
        assert terminal.wraps
