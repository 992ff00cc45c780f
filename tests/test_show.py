"""`dynviz show`: one scene as text, ANSI or SVG, the same each time; a run in words and numbers."""

import os
import pty
import re
import struct
import subprocess
import sys
import termios
import xml.etree.ElementTree as ET
from fcntl import ioctl

import pyte
import pytest
from click.testing import CliRunner

import dynviz
from dynviz.animation.drawing import open_film
from dynviz.cells.canvas import CellCanvas
from dynviz.cells.encode import Encoder
from dynviz.cells.svg import svg
from dynviz.charts.numbers import significant
from dynviz.cli import commands
from dynviz.cli.show import show
from dynviz.errors import DynvizError
from dynviz.recording import Writer, open_all
from dynviz.recording.metadata import ChannelInfo, Hyperparameter, Lane, Metadata, Named
from tests.recorded import KINDS, voronoi
from tests.test_encode import screen

SGR = re.compile(r"\x1b\[[\d;]*m")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("show") / "voronoi-adamw-adamw-l1-1"
    folder.mkdir()
    voronoi(folder / "adamw", lanes=3)
    voronoi(folder / "adamw-l1", lanes=3, label="adamw-l1", lost=1)
    return folder


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def shown(*arguments):
    return CliRunner().invoke(show, [*map(str, arguments)], catch_exceptions=False).stdout


def drawn(folder, view, step, size=(100, 30), theme="dark"):
    film = open_film(open_all([folder]), view)
    return CellCanvas(*size, theme).draw(film.scene(step))


def test_a_scene_to_a_pipe_is_plain_text_of_a_hundred_by_thirty(run_folder):
    text = shown(run_folder, "--view", "scalars")
    cells = drawn(run_folder, "scalars", 400)
    assert text.splitlines() == [row.rstrip() for row in Encoder(cells.palette, "none", bold=False).rows(cells)]
    # Where there are no colours, half a cell of a faint band is nothing, and faint lines have every second dot.
    same = (re.sub("[⠁-⣿]", "⣿", re.sub("[░▀]", " ", words)) for words in (text, cells.text() + "\n"))
    same = (re.sub(" +\n", "\n", words) for words in same)
    assert len(set(same)) == 1
    assert text.count("\n") == 30
    assert max(map(len, text.splitlines())) <= 100
    assert "voronoi" in text
    assert "step 400 of 400" in text


@pytest.mark.parametrize("depth", ["true", "256", "16"])
def test_colours_are_those_of_the_encoder(run_folder, depth):
    text = shown(run_folder, "--view", "centers", "--at", 200, "--size", "90x26", "--color", depth, "--theme", "light")
    cells = drawn(run_folder, "centers", 200, (90, 26), "light")
    assert text == "".join(f"{row}\n" for row in Encoder(cells.palette, depth).rows(cells))


def test_force_color_gives_colours_to_a_pipe(run_folder, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert shown(run_folder, "--view", "scalars") == shown(run_folder, "--view", "scalars", "--color", "16")
    assert SGR.search(shown(run_folder))


def test_text_has_no_control_sequences_whatever_the_environment_says(run_folder, monkeypatch):
    plain = shown(run_folder, "--view", "benchmark", "--text")
    assert plain == shown(run_folder, "--view", "benchmark", "--color", "none")
    monkeypatch.setenv("FORCE_COLOR", "3")
    assert shown(run_folder, "--view", "benchmark", "--text") == plain
    assert "\x1b" not in plain
    assert "▒" in plain, "the field is there as shades"


def test_a_scene_is_the_scenarios_first_view_and_the_last_step_unless_asked(run_folder):
    default = shown(run_folder, "--text")
    assert default == shown(run_folder, "--view", "benchmark", "--at", "end")
    assert default == shown(run_folder, "--view", "benchmark", "--at", 400, "--size", "100x30")
    assert default != shown(run_folder, "--view", "benchmark", "--at", 0)


def test_a_panel_is_shown_alone(run_folder):
    one = shown(run_folder, "--view", "scalars", "--panel", "offset")
    assert "offset" in one
    assert "plus-minus" not in one
    assert "plus-minus" in shown(run_folder, "--view", "scalars", "--size", "160x50")


def test_lanes_are_chosen_in_the_name(run_folder):
    assert "seed 43" in shown(f"{run_folder}/adamw@1", "--view", "scalars")


def test_an_svg_is_that_of_the_cells_and_says_what_it_is(run_folder):
    text = shown(run_folder, "--view", "centers", "--at", 100, "--svg")
    assert text == svg(drawn(run_folder, "centers", 100), "voronoi · model centers, step 100")
    assert ET.fromstring(text).find("{http://www.w3.org/2000/svg}title").text.endswith("step 100")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--at", "500"), "this view has no step 500; it has steps 0 to 400"),
        (("--at", "-1"), "--at takes a step from 0 to 400, or end; not '-1'"),
        (("--at", "soon"), "--at takes a step from 0 to 400, or end; not 'soon'"),
        (("--at", "9" * 5000), "--at takes a step"),
        (("--size", "big"), "invalid size 'big'; write COLUMNSxROWS, such as 100x30"),
        (("--size", "39x12"), "size 39x12 is out of range; it can be 40x12 to 1000x500 characters"),
        (("--size", "100x9999"), "size 100x9999 is out of range"),
        (("--view", "centres"), "no view named 'centres'; did you mean 'centers'?"),
        (("--view", "scalars", "--panel", "ofset"), "did you mean 'offset'?"),
    ],
)
def test_a_mistake_is_one_line(run_folder, arguments, says):
    with pytest.raises(DynvizError, match=re.escape(says)) as caught:
        shown(run_folder, *arguments)
    assert "\n" not in str(caught.value)


def test_a_run_that_is_not_there_is_one_line(tmp_path):
    for arguments in ((), ("--text",), ("--svg",)):
        with pytest.raises(DynvizError, match="there is no folder"):
            shown(tmp_path / "nowhere", *arguments)


def test_svg_and_text_exclude_each_other(run_folder):
    done = CliRunner().invoke(show, [str(run_folder), "--svg", "--text"])
    assert done.exit_code == 2
    assert "choose one" in done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_every_view_of_every_scenario_is_shown(kind, tmp_path):
    recording = KINDS[kind](tmp_path / "adamw", lanes=2)
    for view in recording.metadata.views:
        for depth in ("none", "16"):
            assert shown(recording.folder, "--view", view, "--color", depth).count("\n") == 30


def test_a_run_is_summed_up(run_folder):
    text = shown(run_folder)
    lines = [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]
    assert lines[0] == "voronoi · model centers"
    assert "lanes 3 lanes, seeds 42 to 44" in lines
    assert "trained on cpu, 1 thread" in lines
    assert "adamw finished 400 of 400" in lines
    assert "adamw-l1 finished 400 of 400" in lines
    assert "at the end, median (least to greatest) over seeds" in lines
    assert any(
        re.fullmatch(r"loss 0\.\d+ \(0\.\d+ to 0\.\d+\) 0\.\d+ \(0\.\d+ to 0\.\d+\), 1 of 3 diverged", line)
        for line in lines
    )
    assert any(line.startswith("validation accuracy 0.8") for line in lines)
    assert "adamw lr 0.01 given" in lines
    assert "eps 1e-08 default" in lines
    assert "views benchmark, scalars, logits, centers, environment, curves" in lines
    assert any(str(run_folder.name) in line and "kB" in line for line in lines)
    assert "\x1b" not in text
    assert not re.search(r" $", text, re.MULTILINE)


def test_runs_are_summed_up_one_after_the_other(run_folder, tmp_path):
    voronoi(tmp_path / "other", given={"model": "labels"})
    text = shown(run_folder, tmp_path / "other")
    assert text.index("model centers") < text.index("model labels")
    assert "seed 42\n" in text


def test_the_summary_holds_what_went_wrong_and_what_lanes_differ_in(tmp_path):
    metadata = Metadata(
        Named("bowl", {}, {"size": 3}),
        Named("sgd"),
        "s\x1b[31mgd [bold]x[/bold]",
        0,
        {"lr": Hyperparameter(0.1, "protocol"), "nesterov": Hyperparameter(False, "default")},
        (),
        (Lane(1, {"lr": 0.1}), Lane(2, {"lr": 0.2})),
        50,
        {"loss": ChannelInfo(1, "<f4"), "w": ChannelInfo(5, "<f4", (2,))},
        versions={"dynviz": "0.1.0", "python": "3.11"},
        device="cuda:0",
        device_name="H200",
    )
    with Writer.create(tmp_path / "sgd", metadata) as writer:
        writer.event(3, 0, "diverged")
        writer.event(9, 1, "diverged")
        writer.event(7, 1, "died", 2.0)
        writer.status("failed", "the loss\nis gone")
    text = shown(tmp_path / "sgd")
    lines = [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]
    assert "options size 3" in lines
    assert "lanes 2 lanes, seeds 1, 2" in lines
    assert "trained on cuda:0 (H200)" in lines
    assert "s�[31mgd [bold]x[/bold] failed 0 of 50 the loss is gone" in lines
    assert "s�[31mgd [bold]x[/bold] lr 0.1, 0.2 set by scenario" in lines
    assert "nesterov false default" in lines
    assert "s�[31mgd [bold]x[/bold] diverged 2 2 3 to 9" in lines
    assert "s�[31mgd [bold]x[/bold] died 1 1 7" in lines
    assert "channels loss, w" in lines
    assert "made with dynviz 0.1.0, python 3.11" in lines
    assert not any(line.startswith("at the end") for line in lines)
    with pytest.raises(DynvizError):
        shown(tmp_path / "sgd", "--text")


def in_terminal(arguments, columns, rows, **environ):
    """What a command writes to a pseudo-terminal of this size."""
    leader, follower = pty.openpty()
    ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", "from dynviz.cli.show import show; show()", *map(str, arguments)],
        stdout=follower,
        stderr=follower,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environ},
    )
    os.close(follower)
    parts = []
    try:
        while part := os.read(leader, 1 << 16):
            parts.append(part)
    except OSError:
        pass  # the other end is closed
    os.close(leader)
    assert process.wait() == 0
    return b"".join(parts).decode()


def test_in_a_terminal_it_is_as_large_as_the_terminal_and_in_its_colours(run_folder):
    text = in_terminal([run_folder, "--view", "benchmark"], 90, 27, TERM="xterm-256color")
    terminal = pyte.Screen(90, 27)
    pyte.Stream(terminal).feed(text)
    cells = drawn(run_folder, "benchmark", 400, (90, 26))
    expected = screen(Encoder(cells.palette, "256").rows(cells), 90)
    for row in range(26):
        for column in range(90):
            cell, (glyph, ink, ground, bold) = terminal.buffer[row][column], expected[row][column]
            assert (cell.data, cell.bg) == (glyph, ground)
            assert glyph == " " or (cell.fg, cell.bold) == (ink, bold)
    assert terminal.display[26].strip() == ""


def test_in_a_terminal_without_colours_titles_are_bold_still(run_folder):
    text = in_terminal([run_folder, "--view", "scalars"], 90, 27, NO_COLOR="1")
    assert set(SGR.findall(text)) == {"\x1b[1m", "\x1b[22m", "\x1b[0m"}
    assert "\x1b" not in in_terminal([run_folder, "--view", "scalars"], 90, 27, TERM="dumb")
    assert "\x1b" not in in_terminal([run_folder], 90, 27, TERM="dumb")


def test_a_reader_that_has_gone_is_no_error(run_folder):
    command = f"{sys.executable} -c 'from dynviz.cli.show import show; show()' {run_folder} --color true --size 999x400"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | head -1"], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize("arguments", [[], ["--text"], ["--svg"], ["--color", "16"]])
def test_neither_torch_nor_textual_nor_matplotlib_is_imported(run_folder, arguments):
    code = (
        "import sys; from dynviz.cli.show import show\n"
        "show(sys.argv[1:], standalone_mode=False)\n"
        "print(sorted({'torch', 'textual', 'matplotlib', 'PIL'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(run_folder), *arguments], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == "[]"


def test_settings_of_a_sweep_are_not_averaged(tmp_path):
    lanes = [Lane(seed, {"lr": lr}) for lr in (0.001, 0.1, 0.0005) for seed in (0, 1)]
    dynviz.run("surface:f=rosenbrock,grid=8", "sgd", lanes=lanes, steps=20, out=tmp_path / "run")
    losses = dynviz.open(tmp_path / "run")["sgd"]["loss"][-1]
    least, greatest = sorted([losses[:2].mean(), losses[4:].mean()])
    text = " ".join(shown(tmp_path / "run").split())
    names = ("0.001", "5e-4") if losses[0] < losses[4] else ("5e-4", "0.001")
    expected = f"{significant(least)} (lr {names[0]}) to {significant(greatest)} (lr {names[1]}), 2 of 6 diverged"
    assert f"loss {expected}" in text


def test_a_run_says_at_its_end_which_lanes_diverged(tmp_path):
    run = ["run", "surface:grid=8", "-o", "sgd:lr=0.1", "-o", "adam", "--steps", "20", "--headless"]
    done = CliRunner().invoke(commands, [*run, "--out", str(tmp_path / "one")], catch_exceptions=False)
    assert "sgd diverged at step 2\nsee it with" in done.stderr
    assert "adam diverged" not in done.stderr
    done = CliRunner().invoke(commands, [*run, "--seeds", "0:3", "--out", str(tmp_path / "three")])
    assert "sgd: 3 of 3 lanes diverged, the first at step 2\n" in done.stderr
