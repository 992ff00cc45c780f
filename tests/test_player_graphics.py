"""The player in a terminal that shows pictures: what is on the screen, pixel by pixel, and what is sent for it."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import asynccontextmanager

import numpy as np
import pytest
from textual import constants
from textual.drivers.headless_driver import HeadlessDriver

from dynviz.graphics.support import GraphicsSupport
from dynviz.pixels import PixelCanvas
from dynviz.pixels.sizes import Lettering
from dynviz.player._textual_drivers import GLANCE, AnswerlessParser
from dynviz.player.app import Player
from dynviz.player.plot import CALM, Plot
from dynviz.player.terminal.answers import AnswerFilter
from dynviz.player.terminal.driver import SEAM, pieces
from dynviz.player.terminal.link import FRAME
from tests import recorded
from tests.picture_terminal import PictureTerminal
from tests.pseudo_terminal import PseudoTerminal
from tests.waiting import wait_for
from tests.watched import Watched, asynchronous

KITTY = GraphicsSupport("kitty", (10, 20), placeholders=True)
ITERM = GraphicsSupport("iterm", (10, 20))
SIZE = (84, 24)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    return recorded.two_of_voronoi(tmp_path_factory.mktemp("runs") / "voronoi-1")


class TerminalDriver(HeadlessDriver):
    """Writes to a terminal of the test, which is as fast as it is told."""

    is_headless = False

    def write(self, data):
        link = self._app.link
        link.give(len(data))
        if link.cutting:
            link.take(len(data))
            return
        self._app.terminal.feed(data)
        self._app.terminal.sizes.append(len(data))
        if len(data) >= FRAME:
            self._app.clock[0] += self._app.seconds
        link.take(len(data))


class PicturePlayer(Player):
    def get_driver_class(self):
        return TerminalDriver


@asynccontextmanager
async def playing(folder, graphics=KITTY, size=SIZE, **options):
    clock = [0.0]
    options = {"view": "benchmark", "step": 200} | options
    app = PicturePlayer([str(folder)], clock=lambda: clock[0], timed=False, graphics=graphics, **options)
    app.terminal, app.clock, app.seconds = PictureTerminal(*size), clock, 0.0
    app.terminal.sizes = []
    async with app.run_test(headless=False, size=size) as pilot:
        watched = Watched(app, pilot, clock)
        watched.terminal = app.terminal
        await watched.settle()
        await watched.wait(0)
        yield watched


def plot_of(watched):
    return watched.screen.query_one(Plot)


def expected(watched):
    """The picture that should be seen."""
    region = plot_of(watched).region
    canvas = PixelCanvas(10 * region.width, 20 * region.height, watched.app.theme, Lettering(row=20), head=False)
    return canvas.draw(watched.state.scene())


def seen(watched):
    region = plot_of(watched).region
    return watched.terminal.picture(region.y, region.x, region.height, region.width)


@pytest.mark.parametrize("graphics", [KITTY, ITERM])
@asynchronous
async def test_the_stage_is_the_picture_of_the_pixels_backend_at_every_step_size_and_theme(run_folder, graphics):
    async with playing(run_folder, graphics) as watched:
        assert np.array_equal(seen(watched), expected(watched))
        # The header is made of characters.
        assert watched.terminal.cells[0, 1][0] == "v"
        for keys in (["right"], ["end"], ["z"], ["t"]):
            await watched.press(*keys)
            assert np.array_equal(seen(watched), expected(watched)), keys
        for size in ((72, 20),):
            watched.terminal.columns, watched.terminal.rows = size
            watched.terminal.cells.clear()
            await watched.pilot.resize_terminal(*size)
            await watched.settle()
            await watched.wait(0)
            assert np.array_equal(seen(watched), expected(watched)), size


@asynchronous
async def test_a_step_sends_the_parts_that_change_and_no_cell_again(run_folder):
    async with playing(run_folder) as watched:
        whole, commands = sum(watched.terminal.sizes), len(watched.terminal.commands)
        watched.terminal.sizes.clear()
        await watched.press("right")
        sent = watched.terminal.commands[commands:]
        assert 0 < len(sent) < 48
        assert all(keys["U"] == "1" for keys in sent)
        assert sum(watched.terminal.sizes) < whole / 3
        commands = len(watched.terminal.commands)
        await watched.wait(1)
        assert len(watched.terminal.commands) == commands


@pytest.mark.parametrize("graphics", [KITTY, ITERM])
@asynchronous
async def test_a_dialog_lies_over_dimmed_characters_and_the_picture_comes_back(run_folder, graphics):
    async with playing(run_folder, graphics) as watched:
        await watched.press("question_mark")
        region = plot_of(watched).region
        assert all(
            watched.terminal.shown(row, column) is None
            for row in range(region.y, region.bottom)
            for column in range(region.x, region.right)
        )
        commands = len(watched.terminal.commands)
        await watched.press("escape")
        assert np.array_equal(seen(watched), expected(watched))
        # The terminal still had it.
        assert len(watched.terminal.commands) == commands


@pytest.mark.parametrize("graphics", [KITTY, ITERM])
@asynchronous
async def test_the_mouse_shows_a_line_and_values_over_the_picture(run_folder, graphics):
    async with playing(run_folder, graphics, view="curves") as watched:
        plot = plot_of(watched)
        before = seen(watched)
        place = plot.areas.places[0].plot
        column, row = place.left + place.width // 4, place.top + place.height // 2
        await watched.pilot.hover(Plot, (column, row))
        await watched.settle()
        hit = plot.hovered
        axes = watched.state.scene().panels[0]
        left, right = plot.areas.exact[0][1].left, plot.areas.exact[0][1].right
        share = (10 * column + 5 - left) / (right - left)
        low, high = axes.x.limits
        assert hit.x == pytest.approx(low + share * (high - low))
        # Beside the table, the picture has a line in the middle of the column.
        region = plot.region
        lines = [watched.terminal.shown(region.y + place.top + at, column) for at in range(1, place.height - 1)]
        line = np.concatenate([part for part in lines if part is not None])
        assert len(line) >= 20
        old = before[20 * (place.top + 1) : 20 * (place.bottom - 1), 10 * column : 10 * column + 10]
        changed = (line != old[: len(line)]).any(axis=(0, 2))
        assert changed.tolist() == [False] * 5 + [True] + [False] * 4
        assert any("step" in line for line in watched.lines[region.y :])
        await watched.pilot.hover("#header")
        await watched.settle()
        assert np.array_equal(seen(watched), expected(watched))


@asynchronous
async def test_a_slow_terminal_gets_characters_while_it_moves_and_pixels_when_it_is_calm(run_folder):
    async with playing(run_folder) as watched:
        watched.app.seconds = 0.3
        for _ in range(4):
            await watched.press("shift+right")
            await watched.wait(0.4)
        await watched.press("left")
        assert not watched.app.delivery.quality.pixels
        assert watched.terminal.shown(10, 10) is None
        assert not watched.terminal.images
        assert plot_of(watched).lowered.startswith("slow: ")
        await watched.wait(CALM)
        for _ in range(40):
            await watched.wait(0.1)
        assert np.array_equal(seen(watched), expected(watched))
        assert plot_of(watched).lowered == ""


@asynchronous
async def test_sixels_are_shown_of_pictures_that_stand_still(run_folder):
    support = GraphicsSupport("sixel", (10, 20), largest=(600, 1000))
    async with playing(run_folder, support) as watched:
        for _ in range(2):
            await watched.press("right")
            assert watched.terminal.shown(10, 10) is None
            for _ in range(3):
                await watched.wait(CALM)
            assert np.abs(seen(watched).astype(int) - expected(watched)).mean() < 2
            assert plot_of(watched).lowered == ""


@asynchronous
async def test_what_was_cut_off_is_sent_again(run_folder):
    async with playing(run_folder) as watched:
        watched.terminal.images.clear()
        link = watched.app.link
        link.give(FRAME)
        link.cut()
        link.take(FRAME)
        await watched.press("right")
        watched.app.screen.refresh()
        await watched.settle()
        assert np.array_equal(seen(watched), expected(watched))


def test_a_text_with_pictures_is_only_cut_between_commands():
    chunk = "\x1b_Gq=2,m=1;" + "A" * 4000 + "\x1b\\"
    picture = "\x1b_Ga=T,i=1,m=1;" + "A" * 4000 + "\x1b\\" + 5 * chunk
    for text in (3 * f"\x1b[1;1H{picture}", 3 * f"\x1bPtmux;{picture.replace(chr(27), 2 * chr(27))}\x1b\\"):
        parts = list(pieces(text))
        assert "".join(parts) == text
        assert len(parts) == 3
        assert all(SEAM.match(part) for part in parts)


@pytest.mark.parametrize(
    "answer",
    [
        "\x1b_Gi=31;OK\x1b\\",
        "\x1bP>|kitty(0.32.0)\x1b\\",
        "\x1b]1337;ReportCellSize=17.0;8.0;2.0\x1b\\",
        "\x1b]11;rgb:ffff/ffff/dddd\x07",
        "\x1b[?63;1;2;4;6;22c",
        "\x1b[6;18;9t",
        "\x1b[?2;0;1000;1000S",
        "\x1bP1$r48:2:1:2:3m\x1b\\",
    ],
)
def test_a_late_answer_is_no_key_wherever_it_is_cut(answer):
    for cut in range(3, len(answer)):
        answers = AnswerFilter()
        assert answers.without("x" + answer[:cut]) + answers.without(answer[cut:] + "y\x1b[A") == "xy\x1b[A"


def test_textual_sees_no_key_in_a_late_answer():
    parser = AnswerlessParser()
    keys = [*parser.feed("\x1b_Gi=31;O"), *parser.feed("K\x1b\\\x1b[?62;22c"), *parser.feed("q")]
    assert [event.key for event in keys] == ["q"]


class AnsweringTerminal(PseudoTerminal):
    """A terminal that shows pictures, as far as it says, and keeps all that it is sent."""

    ANSWER = b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.32.0)\x1b\\\x1b[6;20;10t\x1b[?62;22c"

    def __init__(self, *command, **options):
        self.sent = b""
        super().__init__(*command, **options)

    def take(self, data):
        asked = b"\x1b[c" in self.sent
        self.sent += data
        if not asked and b"\x1b[c" in self.sent:
            os.write(self._master, self.ANSWER)


@pytest.mark.parametrize("end", ["q", signal.SIGTERM, signal.SIGKILL])
def test_however_the_player_ends_its_pictures_are_removed(run_folder, tmp_path, end):
    words = [sys.executable, "-m", "dynviz", "play", str(run_folder), "--at", "100"]
    # A shell that stays, as a user's does: the end of a session's leader would hang up the terminal.
    script = f"sh -c 'echo $$ > pid; exec \"$@\"' sh {shlex.join(words)}; printf THE' 'END; sleep 60"
    with AnsweringTerminal("sh", "-c", script, cwd=tmp_path, TMUX="", STY="") as terminal:
        wait_for(lambda: "\U0010eeee".encode() in terminal.sent)
        shown = set(re.findall(rb"a=T,U=1,i=(\d+),", terminal.sent))
        if end == "q":
            terminal.send("q")
        else:
            os.kill(int((tmp_path / "pid").read_text()), end)
        wait_for(lambda: b"THE END" in terminal.sent and b"\x1b[?1049l" in terminal.sent)
        after = terminal.sent.rpartition(b"\x1b[?1049l")[0].rpartition(b"a=T,U=1")[2]
        assert shown
        assert shown <= set(re.findall(rb"a=d,d=I,i=(\d+),q=2", after))


class OutsideTmux(AnsweringTerminal):
    """A terminal in which tmux runs, which asks for its name and passes the player's question on."""

    def take(self, data):
        for asked, answer in (
            (b"\x1b[>c", b"\x1b[>1;4000;32c"),
            (b"\x1b[>q", b"\x1bP>|kitty(0.32.0)\x1b\\"),
            (b"\x1b_Gi=31,", b"\x1b_Gi=31;OK\x1b\\"),
        ):
            if asked not in self.sent and asked in self.sent + data:
                os.write(self._master, answer)
        self.sent += data


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.parametrize("allowed", [True, False])
def test_behind_tmux_there_are_pictures_if_it_passes_them_on(run_folder, tmp_path, allowed):
    configuration = tmp_path / "conf"
    configuration.write_text(f"set -g allow-passthrough {'on' if allowed else 'off'}\n")
    player = shlex.join([sys.executable, "-m", "dynviz", "play", str(run_folder), "--at", "100"])
    tmux = ["tmux", "-S", str(tmp_path / "socket"), "-f", str(configuration)]
    with OutsideTmux(*tmux, "new-session", f"{player}; echo 'THE' 'END'; sleep 60", TMUX="", STY="") as terminal:
        try:
            wait_for(lambda: b"step 100" in terminal.sent)
            if allowed:
                wait_for(lambda: "\U0010eeee".encode() in terminal.sent)
            terminal.send("q")
            wait_for(lambda: b"THE END" in terminal.sent)
        finally:
            subprocess.run([*tmux, "kill-server"], check=False, capture_output=True)
    shown = set(re.findall(rb"a=T,U=1,i=(\d+),", terminal.sent))
    removed = re.findall(rb"a=d,d=I,i=(\d+),q=2", terminal.sent.rpartition(b"a=T,U=1")[2])
    assert shown <= set(removed)
    assert bool(shown) == allowed == ("\U0010eeee".encode() in terminal.sent)


def test_keys_that_look_like_the_beginning_of_an_answer_are_keys():
    answers = AnswerFilter()
    for keys in ("\x1b_", "\x1bP", "\x1b]", "\x1b", "\x1b[", "\x1b[6~", "\x1b[?1u", "\x1b[200~\x1b_Gx\x1b[201~", "é"):
        assert answers.without(keys) == keys
    # What never ends is given back with what follows, and a text of no length is the end.
    assert answers.without("\x1b_G" + "a" * 300) == "\x1b_G" + "a" * 300
    assert answers.without("") == ""


def test_an_escape_is_the_key_once_no_sequence_has_followed_in_time(monkeypatch):
    now = [0.0]
    for module in ("dynviz.player._textual_drivers", "textual._parser"):
        monkeypatch.setattr(f"{module}.get_time", lambda: now[0])
    parser = AnswerlessParser()
    assert parser.patience == GLANCE
    assert list(parser.feed("\x1b")) == []
    assert parser.patience == min(constants.ESCAPE_DELAY, GLANCE)
    assert [event.key for event in parser.feed("[A")] == ["up"]
    assert parser.patience == GLANCE
    assert list(parser.feed("\x1b")) == []
    now[0] += 0.75 * constants.ESCAPE_DELAY
    assert list(parser.tick()) == []
    assert parser.patience == pytest.approx(0.25 * constants.ESCAPE_DELAY)
    now[0] += 0.25 * constants.ESCAPE_DELAY
    assert parser.patience == pytest.approx(0.0)
    assert [event.key for event in parser.tick()] == ["escape"]
    assert parser.patience == GLANCE
