"""Pictures in terminals: the bytes of the protocols, what a terminal is asked, and what is printed."""

import os
import pty
import struct
import subprocess
import sys
import termios
import threading
import time
from fcntl import ioctl

import numpy as np
import pytest
from click.testing import CliRunner

from dynviz.animation.drawing import open_film
from dynviz.cli import commands
from dynviz.encoding.palettes import fitted
from dynviz.graphics import iterm, kitty, sixel
from dynviz.graphics.support import GraphicsSupport
from dynviz.graphics.tiles import numbers, part, sent, stand_ins, tiles
from dynviz.pixels import PixelCanvas
from dynviz.pixels.sizes import Lettering
from dynviz.player.terminal import graphics, query
from dynviz.player.terminal.graphics import TerminalSize, questions, support_in
from dynviz.recording import open_all
from dynviz.scene.palette import Palette
from dynviz.scene.theme import theme
from tests import recorded
from tests.picture_terminal import MARKS, PictureTerminal, decoded

DEVICE = b"\x1b[?62;22c"
SIXEL = b"\x1b[?63;1;2;4;6;22c"
OK = b"\x1b_Gi=31;OK\x1b\\"
CELL = b"\x1b[6;18;9t"
SIZE = TerminalSize(100, 30, (1000, 600))


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("graphics") / "voronoi-1"
    folder.mkdir()
    recorded.voronoi(folder / "adamw", steps=40)
    return folder


@pytest.fixture(scope="module")
def noise():
    """Pixels that no compression makes small, so that they are sent in many chunks."""
    return np.random.default_rng(0).integers(0, 256, (81, 203, 3), dtype=np.uint8)


def drawn(folder, columns, rows, cell=(10, 20)):
    film = open_film(open_all([folder]), "benchmark")
    canvas = PixelCanvas(columns * cell[0], rows * cell[1], "dark", Lettering(row=cell[1]))
    return canvas.draw(film.scene(int(film.steps[-1])))


def test_the_marks_of_placeholders_are_the_first_of_the_protocol():
    assert list(kitty.DIACRITICS) == MARKS[: len(kitty.DIACRITICS)]


@pytest.mark.parametrize("tmux", [False, True])
def test_a_picture_in_parts_is_put_together_by_placeholders(noise, tmux):
    terminal = PictureTerminal(60, 20)
    known = tiles(50, 12, numbers(7))
    assert len(known) == 64
    pixels = np.repeat(np.repeat(noise[:48, :100], 5, axis=0), 5, axis=1)
    for tile in known:
        terminal.feed(sent(tile, tile.pixels(pixels, 50, 12), tmux=tmux))
    for row in range(12):
        # Two pieces, as where a dialog was between them.
        terminal.feed(f"\x1b[{row + 3};5H{stand_ins(known, row, 0, 17)}{stand_ins(known, row, 17, 50)}")
    shown = terminal.picture(2, 4, 12, 50)
    assert np.array_equal(shown, pixels[:240, :500])
    terminal.feed(kitty.deletion(numbers(7), tmux=tmux))
    assert not terminal.images


def test_every_size_is_divided_without_gap_and_numbers_differ_between_processes():
    for columns, rows in ((1, 1), (3, 200), (256, 64), (500, 60), (512, 64)):
        covered = np.zeros((rows, columns), int)
        for tile in tiles(columns, rows, numbers(1)):
            covered[tile.place.top : tile.place.bottom, tile.place.left : tile.place.right] += 1
            assert max(tile.place.width, tile.place.height) <= len(MARKS)
        assert (covered == 1).all()
    assert len(tiles(500, 200, numbers(1))) == 64
    assert tiles(600, 200, numbers(1)) == ()
    assert not set(numbers(1)) & set(numbers(2))
    assert all(32 <= number & 0xFF <= 255 and number >> 24 for process in range(5000) for number in numbers(process))


def test_an_inline_picture_has_its_pixels_and_its_size_in_cells(noise):
    terminal = PictureTerminal(60, 20)
    terminal.feed(iterm.inline(noise[:80, :200], 20, 4))
    assert np.array_equal(terminal.picture(0, 0, 4, 20), noise[:80, :200])


def test_sixels_show_the_picture_up_to_their_palette(run_folder):
    pixels = drawn(run_folder, 60, 20)
    for count, mean, most in ((256, 1.0, 40), (16, 12.0, 160)):
        text = sixel.sixels(pixels, Palette(fitted(theme("dark").palette()[:count], [pixels])))
        seen = decoded(text[2:-2])
        apart = np.abs(seen.astype(int) - pixels)
        assert len(np.unique(seen.reshape(-1, 3), axis=0)) <= count
        assert apart.mean() < mean
        assert apart.max() < most
    # What is mostly even takes far fewer characters than it has pixels.
    assert len(text) < pixels.size / 20


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (13, 6), (300, 12)])
def test_sixels_of_few_colours_are_exact_at_every_size(size):
    rng = np.random.default_rng(1)
    colors = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [51, 102, 204]], np.uint8)
    pixels = colors[rng.integers(0, 4, size[::-1])]
    assert np.array_equal(decoded(sixel.sixels(pixels, Palette(colors))[2:-2]), pixels)


@pytest.mark.parametrize(
    ("answers", "still", "support"),
    [
        (OK + b"\x1bP>|kitty(0.32.2)\x1b\\" + CELL + DEVICE, False, ("kitty", (9, 18), True)),
        (OK + b"\x1bP>|ghostty 1.2.0\x1b\\" + CELL + DEVICE, False, ("kitty", (9, 18), True)),
        (OK + b"\x1bP>|kitty(0.26.5)\x1b\\" + CELL + DEVICE, True, ("kitty", (9, 18), False)),
        (OK + b"\x1bP>|kitty(0.26.5)\x1b\\" + CELL + DEVICE, False, None),
        (OK + DEVICE, True, ("kitty", (10, 20), False)),
        (OK + b"\x1bP>|WezTerm 20240203\x1b\\" + SIXEL, False, ("iterm", (10, 20), False)),
        (b"\x1b]1337;ReportCellSize=17.0;8.5;2.0\x1b\\" + SIXEL, False, ("iterm", (17, 34), False)),
        (b"\x1bP>|XTerm(379)\x1b\\" + SIXEL, True, ("sixel", (10, 20), False)),
        (b"\x1bP>|XTerm(379)\x1b\\" + SIXEL, False, ("sixel", (10, 20), False)),
        (b"\x1b_Gi=31;ENOTSUPPORTED\x1b\\" + DEVICE, True, None),
        (b"\x1b[?4;22c", True, None),  # the first is the kind of the terminal
        (DEVICE, True, None),
        (b"", True, None),
    ],
)
def test_the_answers_decide_how_pictures_are_shown(answers, still, support):
    seen = support_in(answers, "auto", {}, SIZE, still=still)
    assert support == (seen and (seen.protocol, seen.cell, seen.placeholders))


@pytest.mark.parametrize(
    ("answers", "size", "cell"),
    [
        (CELL, SIZE, (9, 18)),
        (b"\x1b[4;660;800t", SIZE, (8, 22)),
        (b"", SIZE, (10, 20)),
        (b"\x1b[6;0;0t", TerminalSize(80, 24, (720, 432)), (9, 18)),
        (b"\x1b[6;9999;9999t", TerminalSize(0, 0), (10, 20)),
        (b"\x1b]1337;ReportCellSize=1.2.3;4\x07", TerminalSize(80, 24), (10, 20)),
    ],
)
def test_the_size_of_a_cell_is_the_terminals_else_the_systems_else_usual(answers, size, cell):
    assert support_in(answers, "kitty", {}, size).cell == cell


def test_sixels_keep_to_what_the_terminal_can_show():
    answers = b"\x1b[?1;0;16S\x1b[?2;0;800;600S" + SIXEL
    support = support_in(answers, "auto", {}, SIZE, still=True)
    assert (support.colors, support.largest) == (16, (800, 600))


def test_a_protocol_that_is_asked_for_is_taken_and_cells_never_ask():
    assert support_in(b"", "iterm", {}, SIZE) == GraphicsSupport("iterm")
    assert support_in(OK, "cells", {}, SIZE) is None
    assert questions("cells", {}) == (b"", None)
    assert questions("auto", {"STY": "1.pts"}) == (b"", None)


def test_behind_tmux_the_question_is_passed_on_and_tmux_names_the_terminal(tmp_path, monkeypatch):
    asked, beyond = questions("auto", {"TMUX": "/tmp/tmux"})
    terminal = PictureTerminal(10, 10)
    terminal._load = lambda keys, data: terminal.images.update({int(keys["i"]): keys["a"]})
    assert b"\x1bPtmux;\x1b\x1b_Gi=31" in asked
    assert beyond.search(b"keys" + OK)
    for name, placeholders in (("kitty(0.32.0)", True), ("kitty(0.26.5)", False), ("", False)):
        program = tmp_path / "tmux"
        program.write_text(f"#!/bin/sh\necho '{name}'\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        support = support_in(OK, "auto", {"TMUX": "/tmp/tmux"}, SIZE)
        assert (support is not None) == placeholders
        assert support is None or (support.placeholders and support.tmux)
        assert support_in(b"", "auto", {"TMUX": "/tmp/tmux"}, SIZE, still=True) is None


class FakeTerminal:
    """Answers from the other side of a pseudo-terminal."""

    def __init__(self, answer, *, after=0.0):
        self.ours, self.theirs = pty.openpty()
        self.read = b""

        def run():
            while b"\x1b[c" not in self.read:
                self.read += os.read(self.ours, 4096)
            if after:
                time.sleep(after)
            # In two pieces, as over a slow line.
            for piece in (answer[:5], answer[5:]):
                os.write(self.ours, piece)

        self.thread = threading.Thread(target=run)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.thread.join()
        os.close(self.ours)
        os.close(self.theirs)


def test_a_terminal_that_answers_is_not_waited_for_longer(monkeypatch):
    with FakeTerminal(OK + CELL + DEVICE) as terminal:
        before = termios.tcgetattr(terminal.theirs)
        began = time.monotonic()
        asked, beyond = questions("auto", {})
        answers = query.TerminalQuery(terminal.theirs, terminal.theirs, asked, beyond).read()
        assert time.monotonic() - began < query.PATIENCE / 2
        assert support_in(answers, "auto", {}, SIZE, still=True).cell == (9, 18)
        assert termios.tcgetattr(terminal.theirs) == before


def test_behind_a_tmux_that_passes_nothing_on_the_wait_is_short(monkeypatch):
    with FakeTerminal(CELL + DEVICE) as terminal:
        began = time.monotonic()
        asked, beyond = questions("auto", {"TMUX": "x"})
        answers = query.TerminalQuery(terminal.theirs, terminal.theirs, asked, beyond).read()
        assert time.monotonic() - began < query.PATIENCE / 2
        assert not beyond.search(answers)


def in_terminal(arguments, answer, columns=80, rows=24, **environ):
    """What a command prints in a terminal that answers, and what it leaves in the terminal's input."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("TMUX", "STY", "NO_COLOR")}
    environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", **environ}
    command = [sys.executable, "-m", "dynviz", *map(str, arguments)]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    data, answered = b"", False

    def read():
        nonlocal data, answered
        while True:
            try:
                piece = os.read(ours, 1 << 16)
            except OSError:
                return
            data += piece
            if not answered and b"\x1b[c" in data:
                answered = True
                os.write(ours, answer)
            if data.endswith(b"THE END"):
                return

    thread = threading.Thread(target=read)
    thread.start()
    code = process.wait()
    os.write(theirs, b"THE END")
    thread.join()
    os.set_blocking(theirs, False)
    try:
        left = os.read(theirs, 4096)
    except BlockingIOError:
        left = b""
    os.close(theirs)
    os.close(ours)
    assert code == 0
    return data.replace(b"\r\n", b"\n").removesuffix(b"THE END").decode(), left


@pytest.mark.parametrize("answer", [OK + CELL + DEVICE, b"\x1b]1337;ReportCellSize=18;9\x07" + DEVICE])
def test_a_scene_in_a_terminal_that_shows_pictures_is_its_picture(run_folder, answer):
    text, left = in_terminal(["show", run_folder, "--view", "benchmark"], answer)
    assert left == b""
    terminal = PictureTerminal(80, 24, (9, 18))
    terminal.feed(text)
    assert np.array_equal(terminal.picture(0, 0, 23, 80), drawn(run_folder, 80, 23, (9, 18)))
    assert (terminal.row, terminal.column) == (23, 0)


def test_a_scene_in_a_terminal_with_sixels_is_its_picture_in_its_colours(run_folder):
    text, _ = in_terminal(["show", run_folder, "--view", "benchmark"], b"\x1b[?2;0;600;1000S" + SIXEL)
    terminal = PictureTerminal(80, 24)
    terminal.feed(text)
    # No wider than the terminal allows.
    seen = terminal.picture(0, 0, 23, 60)
    assert np.abs(seen.astype(int) - drawn(run_folder, 60, 23)).mean() < 1
    assert terminal.shown(0, 60) is None


def test_a_terminal_without_pictures_shows_characters_as_before(run_folder):
    text, left = in_terminal(["show", run_folder, "--view", "benchmark"], DEVICE)
    plain, _ = in_terminal(["show", run_folder, "--view", "benchmark", "--graphics", "cells"], DEVICE)
    assert left == b""
    assert text.partition("\x1b[c")[2] == plain
    assert "\x1b_G" not in plain
    assert "prediction" in plain


def test_a_pipe_gets_characters_unless_a_protocol_is_asked_for(run_folder):
    def shown(*words):
        return CliRunner().invoke(commands, ["show", str(run_folder), *words], catch_exceptions=False)

    assert "\x1b" not in shown("--view", "benchmark", "--graphics", "auto").stdout
    terminal = PictureTerminal(100, 40)
    terminal.feed(shown("--graphics", "kitty", "--size", "50x20").stdout)
    assert np.array_equal(terminal.picture(0, 0, 20, 50), drawn(run_folder, 50, 20))
    assert shown("--graphics", "kitty", "--svg").exit_code == 2
    assert "TMUX" in os.environ or graphics.questions("auto", os.environ)[1] is None


def test_behind_tmux_a_scene_is_printed_as_placeholders(run_folder, monkeypatch):
    monkeypatch.setenv("TMUX", "/tmp/none,1,0")
    monkeypatch.setenv("PATH", "/nowhere")
    done = CliRunner().invoke(commands, ["show", str(run_folder), "--graphics", "kitty", "--size", "50x20"])
    terminal = PictureTerminal(100, 40)
    terminal.feed(done.stdout)
    assert np.array_equal(terminal.picture(0, 0, 20, 50), drawn(run_folder, 50, 20))


def test_a_part_is_cut_where_its_neighbours_begin():
    whole = np.arange(33 * 47 * 3, dtype=np.uint16).astype(np.uint8).reshape(33, 47, 3)
    known = tiles(7, 5, numbers())
    assert sum(part(whole, tile.place, 7, 5).size for tile in known) == whole.size
