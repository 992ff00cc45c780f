"""No byte of a name reaches a terminal as control, or a document where it is not allowed."""

import ast
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

import dynviz
from dynviz import cli
from dynviz.animation.drawing import open_film
from dynviz.animation.export import animate
from dynviz.errors import DynvizError, unknown
from dynviz.recording import open_all, sealed
from dynviz.text import clean
from tests import recorded
from tests.test_exporters_formats import drawn_on

HOSTILE = "a\x1b]0;owned\x07b\u202ec\x9b2J[bold]d\u2028\udc80"
OBEYED = ["\x1b]0", "\x07", "\u202e", "\x9b", "\u2028"]
PTY = """
import os, pty, sys
def read(fd):
    return os.read(fd, 1 << 16)
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], read)))
"""


@pytest.mark.parametrize("number", [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x202E, 0x2066, 0xD800, 0xFEFF])
def test_what_is_obeyed_is_replaced(number):
    assert all(sign in " \ufffd" for sign in clean(chr(number)))


def test_words_of_every_script_stay():
    text = "Größe — λ = 3·10⁻⁴ 学習率 🙂"
    assert clean(text) == text


def test_the_commands_print_through_one_door():
    for file in Path(cli.__file__).parent.glob("*.py"):
        if file.name in ("say.py", "console.py"):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            prints = name in {"echo", "secho"} or (isinstance(node.func, ast.Name) and name in {"print", "Console"})
            writes = name == "write" and ast.unparse(node.func).startswith("sys.")
            assert not prints, f"{file.name}:{node.lineno} prints past the door"
            assert not writes, f"{file.name}:{node.lineno} writes past the door"


@pytest.fixture
def hostile(tmp_path):
    """A run of which every name is hostile."""
    folder = tmp_path / "runs" / "run\x1b]0;owned\x07"
    recording = recorded.voronoi(folder / "x\x9b", label=HOSTILE, given={HOSTILE: HOSTILE}, lanes=2)
    text = recording.folder / "run.json"
    text.write_text(text.read_text().replace('"error": ""', '"error": "\\u001b[2Jgone"'))
    return folder


def on_a_terminal(*words, cwd):
    """What a command sends to a real pseudo terminal."""
    done = subprocess.run(
        [sys.executable, "-c", PTY, sys.executable, "-m", "dynviz", *map(str, words)],
        cwd=cwd,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"},
    )
    return done.stdout.decode(errors="surrogateescape")


def test_names_are_shown_and_not_obeyed_on_a_terminal(hostile):
    root = hostile.parents[1]
    texts = {
        "list": on_a_terminal("list", "runs", cwd=root),
        "show": on_a_terminal("show", hostile, cwd=root),
        "scene": on_a_terminal("show", hostile, "--view", "curves", cwd=root),
        "error": on_a_terminal("show", hostile, "--panel", HOSTILE[:-1], cwd=root),
        "usage": on_a_terminal("show", hostile, f"--{HOSTILE[:-1]}", cwd=root),
        "name": on_a_terminal("run", HOSTILE[:-1], "-o", "adam", cwd=root),
        "failed": on_a_terminal("compare", "surface", "-o", "sgd:lr=\x1b]0;owned\x07", "--steps", "2", cwd=root),
    }
    for command, text in texts.items():
        assert "owned" in text or command == "scene", (command, text)
        for obeyed in OBEYED:
            assert obeyed not in text, (command, text)


FAILS = """
from dataclasses import dataclass
import torch
from dynviz.task import Task
@dataclass(frozen=True)
class Fails:
    \"\"\"Fails in words that a terminal would obey.\"\"\"
    def build(self, seed):
        def batches(start, count):
            if start > 1:
                raise ValueError({words!r})
            return (torch.zeros(count, 1),)
        return Task({{"x": torch.ones(1)}}, lambda p, c, b: p["x"].sum(), batches, 500)
scenario = Fails
"""


def trained(folder, *words, **said):
    """A run whose run.json says something else."""
    dynviz.run(*words, steps=6, out=folder, record="parameters")
    (text,) = folder.glob("*/run.json")
    text.write_bytes(sealed.seal(sealed.unseal(text.read_bytes()) | said))
    return folder


def test_names_are_shown_and_not_obeyed_while_a_command_works(tmp_path):
    evil = HOSTILE[:-1]
    run = trained(tmp_path / evil, "surface:grid=8", "sgd", label=evil, device_name=evil, status="interrupted")
    network = trained(tmp_path / f"{evil}2", "landscape:model=mlp,data=shapes", "sgd", label=evil)
    task = tmp_path / f"{evil}.py"
    task.write_text(FAILS.format(words=f"it {evil}"))
    texts = {
        "run": on_a_terminal("run", "--resume", run, "--steps", "3000", "--headless", cwd=tmp_path),
        "sweep": on_a_terminal("sweep", task, "-o", "sgd", "--out", f"{evil}3", cwd=tmp_path),
        "project": on_a_terminal("project", network, "--grid", "21", cwd=tmp_path),
        "export": on_a_terminal("export", run, f"{evil}.gif", "--view", "curves", "--frames", "9", cwd=tmp_path),
    }
    for command, text in texts.items():
        # A bar redraws its line: it was there.
        assert text.count("owned") > 1, (command, text)
        assert "\x1b[" in text, (command, text)
        for obeyed in OBEYED:
            assert obeyed not in text, (command, text)
    assert "done" not in texts["sweep"]
    assert "failed" in texts["sweep"]


def test_documents_of_hostile_names_are_well_formed(hostile, tmp_path):
    recordings = list(dynviz.open(hostile).recordings)
    target = animate(recordings, tmp_path / "out.svg", view="curves", alt=True)
    ElementTree.parse(target)
    texts = [target.read_text(), (tmp_path / "out.alt.txt").read_text(), repr(recordings[0])]
    texts.append(animate(recordings, tmp_path / "out.gif", view="curves", frames=2).read_bytes().decode("latin-1"))
    page = animate(recordings, tmp_path / "out.html", view="curves", frames=2).read_text()
    for text in [*texts[:3], page]:
        assert not any(obeyed in text for obeyed in OBEYED)
    assert "\x1b]0;owned" not in texts[3]
    # Half a surrogate pair could not be written, and a control character would be a code of the font.
    letters = drawn_on(animate(recordings, tmp_path / "out.pdf", view="curves"))
    codes = {
        int(code, 16) for codes in re.findall(rb"> \[(<.*>)\]", letters) for code in re.findall(rb"<(.{4})>", codes)
    }
    assert 0xFFFD in codes
    assert not codes & {0x1B, 0x07, 0x202E, 0x9B, 0x2028}


def test_training_goes_on_where_stderr_is_full(tmp_path):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "dynviz", "run", "surface", "-o", "sgd", "--steps", "5", "--out", "run"],
            cwd=tmp_path,
            check=False,
            stdout=subprocess.PIPE,
            stderr=full,
            timeout=120,
        )
    assert done.returncode == 0
    assert dynviz.open(tmp_path / "run")["sgd"].status == "finished"


def test_names_in_messages_are_cut_and_so_are_lists_of_them():
    words = str(unknown("channel", "x\x07" * 5000, [f"{number}\x1b{'y' * 500}" for number in range(500)]))
    assert words.isprintable()
    assert "and 470 more" in words
    assert len(words) < 1500


def test_an_error_is_one_line_whatever_it_quotes():
    assert str(DynvizError("no\nview\x1b[2J")) == "no view�[2J"


def test_an_error_of_a_recording_with_a_hostile_label_is_one_short_line(hostile):
    (recording,) = open_all([hostile])
    recording.metadata = replace(recording.metadata, label=HOSTILE * 500)
    for view in ("kronecker", "update", "line", "sharpness"):
        with pytest.raises(DynvizError) as caught:
            open_film([recording], view)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 600
