"""Whether a terminal shows all colours is asked for where no variable says it."""

import os
import pty
import re
import sys
import threading
import time

import pytest

from dynviz.player.terminal import query
from dynviz.player.terminal.colors import COLORS, GROUND, depth_in, ground_in, ground_of, questions
from dynviz.player.terminal.query import TerminalQuery, send
from tests import recorded
from tests.pseudo_terminal import PseudoTerminal

DEVICE = b"\x1b[?62;22c"
FULL = rb"[34]8;2;\d+;\d+;\d+"
XTERM = b"\x1bP1$r0;48:2::1:2:3m\x1b\\" + DEVICE


@pytest.mark.parametrize(
    ("answer", "depth"),
    [
        (XTERM, "true"),
        (b"\x1bP1$r48:2:1:2:3m\x1b\\\x1bP0+r524742\x1b\\" + DEVICE, "true"),  # VTE
        (b"\x1bP0$r\x1b\\\x1bP1+r524742=38\x1b\\" + DEVICE, "true"),  # kitty, foot
        (b"\x1bP1$r0;48;5;16m\x1b\\\x1bP0+r524742\x1b\\" + DEVICE, "256"),  # one that rounds to its table
        (b"keys" + DEVICE, "256"),
        (DEVICE, "256"),
        (b"", "256"),
    ],
)
def test_the_answer_decides_and_without_one_nothing_changes(answer, depth, monkeypatch):
    monkeypatch.setattr(query, "PATIENCE", 1.0)
    ours, theirs = pty.openpty()
    try:

        def terminal():
            read = b""
            while COLORS not in read:
                read += os.read(ours, 4096)
            # In two pieces, as over a slow line.
            for piece in (answer[:5], answer[5:]):
                os.write(ours, piece)
                time.sleep(0.02)

        thread = threading.Thread(target=terminal)
        thread.start()
        begun = time.monotonic()
        assert depth_in(TerminalQuery(theirs, theirs, COLORS).read(), "256") == depth
        thread.join()
        if answer:
            assert time.monotonic() - begun < 0.9
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    ("known", "environ"),
    [
        ("true", {"TERM": "xterm-256color"}),
        ("none", {"TERM": "xterm-256color"}),
        ("16", {"TERM": "xterm"}),
        ("256", {"TERM": "xterm-256color", "FORCE_COLOR": "2"}),
        ("256", {"TERM": "screen-256color"}),
        ("256", {"TERM": "xterm-256color", "TMUX": "/tmp/tmux"}),
    ],
)
def test_nobody_is_asked_where_it_is_known_or_somebody_else_would_answer(known, environ):
    assert send(questions(known, environ), environ, 2) is None


def test_xterm_is_asked_though_its_name_tells_of_16_colours():
    assert questions("16", {"TERM": "xterm"}) == COLORS
    assert questions("16", {"TERM": "xterm", "FORCE_COLOR": "1"}) == b""
    assert questions("16", {"TERM": "vt220"}) == b""


@pytest.mark.parametrize(
    ("answer", "ground"),
    [
        (b"\x1b]11;rgb:ffff/ffff/dddd\x1b\\", "light"),  # xterm
        (b"\x1b]11;rgb:1e/1e/2e\x07", "dark"),
        (b"\x1b]11;rgba:f0f0/f0f0/f0f0/ffff\x1b\\", "light"),  # VTE
        (b"", ""),
    ],
)
def test_the_ground_is_asked_for_where_the_colours_are_known(answer, ground):
    ours, theirs = pty.openpty()
    try:

        def terminal():
            read = b""
            while GROUND + query.DEVICE not in read:
                read += os.read(ours, 4096)
            os.write(ours, answer + DEVICE)

        thread = threading.Thread(target=terminal)
        thread.start()
        answers = TerminalQuery(theirs, theirs, GROUND).read()
        assert depth_in(answers, "true") == "true"
        assert ground_in(answers) == ground
        thread.join()
    finally:
        os.close(ours)
        os.close(theirs)


def test_the_ground_is_not_asked_for_where_somebody_else_would_answer():
    environ = {"TERM": "tmux-256color"}
    assert send(questions("true", environ, ground=True), environ, 2) is None
    assert questions("none", {"TERM": "xterm"}, ground=True) == b""
    assert ground_of({"COLORFGBG": "15;0"}) == "dark"
    assert ground_of({"COLORFGBG": "0;default;15"}) == "light"


class AnsweringTerminal(PseudoTerminal):
    """It keeps what it is sent, and answers the questions."""

    answer, read = DEVICE, b""

    def take(self, data):
        if query.DEVICE in data:
            self.send(self.answer.decode())
        self.read += data
        super().take(data)


@pytest.mark.parametrize(("answer", "full"), [(XTERM, True), (DEVICE, False)])
def test_bars_and_dialogs_have_the_colours_of_pictures(tmp_path, answer, full):
    """All three those that the terminal says it has, where the variables know of 16 colours."""
    run = recorded.surface(tmp_path / "run").folder
    AnsweringTerminal.answer = answer
    command = (sys.executable, "-m", "dynviz", "play", run, "--theme", "dark")
    with AnsweringTerminal(*command, TERM="xterm", COLORTERM="") as screen:
        screen.wait_for("space.*quit")
        screen.send("?")
        screen.wait_for("(?i)keys")
        screen.send("q")
    codes = re.findall(rb"\x1b\[([\d;]*)m", screen.read.replace(COLORS, b""))
    in_full = [code for code in codes if re.search(FULL, code)]
    of_table = [
        code for code in codes if re.search(rb"(?:^|;)(?:[34]8;5|(?:3|4|9|10)[0-7])(?:;|$)", re.sub(FULL, b"", code))
    ]
    assert (bool(in_full), bool(of_table)) == (full, not full)
