"""`dynviz run` and `dynviz play` in a terminal, in the background, and where nobody listens."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

import dynviz
from dynviz.cli import live
from dynviz.recording import Recording
from tests import recorded
from tests.pseudo_terminal import PseudoTerminal
from tests.waiting import wait_for

FILES = Path(__file__).parent / "files"
BOWL = str(FILES / "bowl.py")
PATIENCE = 90.0
DYNVIZ = (sys.executable, "-m", "dynviz")


def command(*arguments, **options):
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*DYNVIZ, *map(str, arguments)], text=True, **{**pipes, **options})


@pytest.fixture
def held(tmp_path):
    """The file of a bowl that waits where it is told to, however fast or slow this machine is."""
    yield Path(shutil.copy(FILES / "slow_bowl.py", tmp_path))
    for file in tmp_path.glob("hold-*"):
        file.unlink()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    dynviz.run(BOWL, ["adamw", "sgd"], steps=400, out=folder / "runs" / "first")
    dynviz.run(BOWL, ["adamw"], steps=100, out=folder / "runs" / "second")
    return folder


def stop_as_said(said, cwd=None):
    """Do what is said of how training is stopped."""
    words = re.search(r"stop it with: (.*)", said).group(1)
    if words.startswith("kill "):
        os.kill(int(words.split()[1]), signal.SIGTERM)
        return ""
    process = command(*shlex.split(words)[1:], cwd=cwd)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    return out


def test_detach_prints_the_folder_and_gives_the_prompt_back_while_training_goes_on(tmp_path):
    process = command("run", BOWL, "-o", "adamw", "--steps", "1000000", "--detach", "--out", "my run", cwd=tmp_path)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (0, "my run\n"), err
    assert "training continues in the background; see it with: dynviz play 'my run'" in err
    recording = Recording(tmp_path / "my run" / "adamw")
    wait_for(lambda: len(recording["loss"]) > 100)
    assert recording.status == "running"
    assert re.fullmatch(r"my run/adamw: interrupted at step \d+\n", stop_as_said(err, tmp_path))
    assert recording.status == "interrupted"
    process = command("stop", "my run", cwd=tmp_path)
    assert process.communicate(timeout=PATIENCE)[1] == "dynviz: not training now: my run\n"
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["run", BOWL, "-o", "adamw:rate=1", "--detach"], 1, "dynviz: no option of optimizer adamw named 'rate'"),
        (["run", BOWL, "-o", "adamww", "--detach"], 1, "dynviz: no optimizer named 'adamww'; did you mean 'adamw'?"),
        (["run", BOWL, "-o", "adamw", "--detach", "--headless"], 2, "choose one"),
        (["fork", "runs/none", "--at", "1", "--detach", "--headless"], 2, "choose one"),
        (["run", BOWL, "-o", "adamw", "--detach", "--theme", "light"], 2, "--theme sets up the player, which --detach"),
        (["run", BOWL, "-o", "adamw", "--view", "curvs"], 1, "no view named 'curvs'; did you mean 'curves'?"),
        (["run", "--resume", "nowhere", "--detach"], 1, "dynviz: there is no folder nowhere"),
        (["play", "nowhere"], 1, "dynviz: there is no folder nowhere"),
        (["play", "."], 1, "dynviz: . is neither a run nor a recording"),
        (["play", "--view", "curvs"], 1, "no view named 'curvs'"),
        (["play", "--at", "-1"], 2, "not in the range"),
        (["play"], 1, "dynviz: the player needs a terminal; `dynviz show RUN` works without one"),
    ],
)
def test_a_mistake_is_one_clear_line_and_no_screen_is_opened(arguments, code, says, tmp_path):
    process = command(*arguments, cwd=tmp_path)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (code, ""), err
    assert says in err
    assert "Traceback" not in err
    assert code == 2 or err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [("{not json", "it is not JSON"), ('{"format": 99}', "it is of format 99; this dynviz reads up to")],
)
def test_a_recording_that_cannot_be_read_is_said_before_a_screen_is_opened(text, says, tmp_path):
    (tmp_path / "adamw").mkdir()
    (tmp_path / "adamw" / "run.json").write_text(text)
    with PseudoTerminal(*DYNVIZ, "play", "adamw", cwd=tmp_path, columns=200) as terminal:
        assert terminal.wait() == 1
        assert says in terminal.text
        assert len(terminal.text.split()) > 5
        assert terminal.text.strip().count("\n") == 0


def test_what_train_nothing_imports_no_torch(tmp_path):
    code = (
        "import sys; from dynviz import cli; sys.argv[1:] = sys.argv[1:]\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'matplotlib', 'textual'} & set(sys.modules)))"
    )
    for arguments in (["play"], ["run", BOWL, "-o", "adamw:rate=1", "--detach"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stdout == "[]\n", done.stderr


def test_training_goes_on_when_nobody_reads_what_it_says_any_more(tmp_path):
    read, write = os.pipe()
    os.close(read)
    process = command(
        "run", BOWL, "-o", "adamw", "--steps", 30, "--out", "run", cwd=tmp_path, stdout=write, stderr=write
    )
    os.close(write)
    assert process.wait(PATIENCE) == 0
    assert Recording(tmp_path / "run" / "adamw").status == "finished"


def test_a_folder_that_nobody_reads_is_no_failure(tmp_path):
    read, write = os.pipe()
    os.close(read)
    process = command("run", BOWL, "-o", "adamw", "--steps", 3, "--out", "run", cwd=tmp_path, stdout=write)
    os.close(write)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert err.endswith("see it with: dynviz export run run.gif\n")


def test_a_second_ctrl_c_ends_at_once_and_says_how_to_go_on(tmp_path, held):
    # A step that takes longer than anybody waits.
    held.with_name("hold-2").touch()
    process = command("run", "./slow_bowl.py:seconds=0", "-o", "sgd", "--out", "run", cwd=tmp_path)
    wait_for(held.with_name("held-2").exists)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)

    def ended():
        # A process that had no time to heed the first takes two for one.
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        return process.returncode is not None

    wait_for(ended)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")
    assert re.search(r"stopped at step \d+; continue with: dynviz run --resume run --trust \S+slow_bowl\.py\n$", err), (
        err
    )
    assert "Aborted" not in err
    assert "Traceback" not in err
    assert not Recording(tmp_path / "run" / "sgd").live


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_before_it_begins_says_so(tmp_path, number):
    (tmp_path / "slow.py").write_text("import time\nopen('reached', 'w').close()\ntime.sleep(600)\n")
    process = command("run", "./slow.py", "-o", "sgd", cwd=tmp_path)
    wait_for((tmp_path / "reached").exists)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (130, "", "stopped before training began; nothing was written\n")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("arguments", [["--headless"], []])
def test_without_a_player_a_run_in_a_terminal_shows_bars(arguments, tmp_path):
    term = {} if arguments else {"TERM": "dumb"}
    with PseudoTerminal(
        *DYNVIZ, "run", BOWL, "-o", "adamw", "--steps", 50, "--out", "run", *arguments, cwd=tmp_path, **term
    ) as terminal:
        assert terminal.wait() == 0
        assert "see it with: dynviz export run run.gif" in terminal.text


def test_a_player_that_breaks_leaves_training_alone_and_says_how_to_end_it(monkeypatch, capsys, tmp_path):
    def breaks(*_, **__):
        raise ZeroDivisionError("the player's own fault")

    monkeypatch.setattr(live, "show", breaks)
    with pytest.raises(ZeroDivisionError):
        live.watch(
            [BOWL, "-o", "adamw", "--steps=1000000", f"--out={tmp_path / 'run'}"],
            "",
            view=None,
            theme="dark",
            beside=(),
        )
    said = capsys.readouterr().err
    assert "training continues" in said
    stop_as_said(said)


FALLS = """
from dataclasses import dataclass
import torch
from dynviz.task import Task


@dataclass(frozen=True)
class Falls:
    def build(self, seed):
        def loss(p, c, b):
            if b[0] > 3:
                raise KeyError('w')
            return p["w"].square().sum()

        return Task({"w": torch.ones(2)}, loss, lambda start, n: (torch.arange(start, start + n) * 1.0,), 100)


scenario = Falls
"""


def test_a_task_that_raises_is_one_line_after_the_player(monkeypatch, capsys, tmp_path):
    (tmp_path / "falls.py").write_text(FALLS)

    def watched(*_, trainer, **__):
        wait_for(lambda: trainer.wait(1))
        return trainer.exit_code

    monkeypatch.setattr(live, "show", watched)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        live.watch(["./falls.py", "-o", "sgd", "--out=run"], "", view=None, theme="dark", beside=())
    out, err = capsys.readouterr()
    assert (end.value.code, out) == (1, "")
    words = r"dynviz: KeyError: 'w' \(\S+falls\.py, line \d+\); its traceback is in run/error\.txt\n"
    assert re.fullmatch(words, err), err
    assert "Traceback" in (tmp_path / "run/error.txt").read_text()


def in_terminal(*arguments, cwd, **options):
    return PseudoTerminal(*DYNVIZ, *arguments, cwd=cwd, **{"columns": 80, "rows": 24} | options)


def shown_step(text):
    return int(re.search(r"step ([\d ]+) of", text).group(1).replace(" ", ""))


def test_a_run_in_a_terminal_is_shown_as_it_grows_and_left_to_go_on(tmp_path, held):
    imports = held.with_name("hold-import")
    imports.touch()
    arguments = ("run", f"{held}:seconds=0.0002", "-o", "adamw", "--steps", 1_000_000, "--out", "live")
    with in_terminal(*arguments, cwd=tmp_path) as terminal:
        terminal.wait_for("waiting for the trainer")
        imports.unlink()
        first = shown_step(terminal.wait_for(r"● live +step \d"))
        wait_for(lambda: shown_step(terminal.text) > first)
        # A size at which nothing can be drawn, and back.
        terminal.resize(30, 8)
        terminal.wait_for(r"too small")
        terminal.resize(80, 24)
        terminal.wait_for(r"slow.bowl.*● live")
        terminal.send("q")
        terminal.wait_for("Training has not finished")
        terminal.send("b")
        assert terminal.wait() == 0
        text = terminal.text
    assert "training continues in the background; see it with: dynviz play live" in text
    assert text.strip().splitlines()[-1] == "live"
    recording = Recording(tmp_path / "live" / "adamw")
    recorded = recording.recorded
    wait_for(lambda: recording.recorded > recorded)
    stop_as_said("stop it with: dynviz stop live", tmp_path)
    wait_for(lambda: recording.status == "interrupted")


def test_a_player_that_is_killed_says_that_training_goes_on(tmp_path):
    words = [*DYNVIZ, "run", BOWL, "-o", "adamw", "--steps", "1000000", "--out", "my run"]
    # A shell that stays, as a user's does: the end of a session's leader would hang up the terminal.
    script = f"sh -c 'echo $$ > pid; exec \"$@\"' sh {shlex.join(words)}; sleep 60"
    with PseudoTerminal("sh", "-c", script, cwd=tmp_path, columns=120) as terminal:
        terminal.wait_for("● live")
        # The player looks twice a second for what trains.
        time.sleep(1.5)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        terminal.wait_for("the player was killed")
        terminal.wait_for("stop it with: dynviz stop 'my run'")
    assert "interrupted at step" in stop_as_said("stop it with: dynviz stop 'my run'", tmp_path)


def test_a_run_that_finishes_in_the_player_is_left_with_its_folder(tmp_path):
    with in_terminal("run", BOWL, "-o", "adamw", "--steps", 60, "--out", "run", cwd=tmp_path) as terminal:
        terminal.wait_for("✓ finished")
        terminal.send("\x1b[F")
        terminal.wait_for(r"✓ finished +step 60 of 60")
        terminal.send("q")
        assert terminal.wait() == 0
        assert "see it with: dynviz play run\nrun" in terminal.text


def test_a_stopped_run_goes_on_in_the_player(tmp_path):
    dynviz.run(BOWL, "adamw", steps=20, out=tmp_path / "run")
    with in_terminal("run", "--resume", "run", "--steps", 1_000_000, "--trust", BOWL, cwd=tmp_path) as terminal:
        terminal.wait_for(r"● live +step [1-9][\d ]* of 1 000 000")
        terminal.send("q")
        terminal.wait_for("Training has not finished")
        terminal.send("s")
        assert terminal.wait() == 130
        assert re.search(r"stopped at step \d+; continue with: dynviz run --resume run --trust", terminal.text)
    recording = Recording(tmp_path / "run" / "adamw")
    assert (recording.status, recording.total) == ("interrupted", 1_000_000)


def test_the_failure_of_the_trainer_is_shown_and_becomes_the_exit_code(tmp_path):
    with in_terminal("run", BOWL, "-o", "adamw:rate=1", cwd=tmp_path, columns=120) as terminal:
        terminal.wait_for("no option of optimizer adamw named 'rate'")
        terminal.send("q")
        assert terminal.wait() == 1
        assert terminal.text.strip().startswith("dynviz: no option of optimizer adamw named 'rate'")
        assert "Traceback" not in terminal.text


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are listed by Linux")
def test_a_trainer_that_is_killed_leaves_a_run_that_plays(tmp_path):
    arguments = ("run", BOWL, "-o", "adamw", "--steps", 1_000_000, "--out", "run")
    with in_terminal(*arguments, cwd=tmp_path, columns=120) as terminal:
        terminal.wait_for(r"● live +step [1-9]")
        children = Path(f"/proc/{terminal.process.pid}/task/{terminal.process.pid}/children")
        # The other one sets the terminal right if the player is killed.
        found = {child: Path(f"/proc/{child}/cmdline").read_bytes() for child in children.read_text().split()}
        (trainer,) = (child for child, words in found.items() if b"--report" in words)
        os.kill(int(trainer), signal.SIGKILL)
        terminal.wait_for("killed by SIGKILL")
        terminal.send("q")
        assert terminal.wait() == 137
        assert "dynviz: the trainer was killed by SIGKILL; what was recorded can be read" in terminal.text
    with in_terminal("play", "run", cwd=tmp_path) as terminal:
        terminal.wait_for(r"✕ killed +step \d")


def test_closing_the_terminal_does_not_end_training(tmp_path, held):
    trains = held.with_name("hold-2")
    trains.touch()
    arguments = ("run", f"{held}:seconds=0", "-o", "adamw", "--steps", 6_000, "--out", "run")
    with in_terminal(*arguments, cwd=tmp_path) as terminal:
        terminal.wait_for(r"● live +step [1-9]")
    trains.unlink()
    recording = Recording(tmp_path / "run" / "adamw")
    wait_for(lambda: recording.status != "running")
    assert (recording.status, recording.recorded) == ("finished", 6_000)


def test_a_run_is_played_from_a_step_in_a_view(runs):
    with in_terminal("play", "runs/first", "--at", 120, "--view", "curves", cwd=runs) as terminal:
        text = terminal.wait_for(r"✓ finished +step 120 of 400")
        assert re.search(r"bowl +adamw +sgd", text)
        terminal.send("q")
        assert terminal.wait() == 0


@pytest.mark.parametrize("folder", [None, "runs"])
def test_of_several_runs_one_is_chosen(folder, runs):
    with in_terminal("play", *([folder] if folder else []), cwd=runs, columns=120) as terminal:
        assert "second" in terminal.wait_for("2 runs in runs(?s:.*)first")
        terminal.send("q")
        assert terminal.wait() == 0


def test_the_player_imports_neither_torch_nor_matplotlib(runs):
    code = (
        "import os, sys; from dynviz import cli\n"
        "def note(): open('loaded', 'w').write(repr({'torch', 'matplotlib'} & set(sys.modules)))\n"
        "exit = os._exit\n"
        # Where threads still compute, the process ends at once.
        "os._exit = lambda status: (note(), exit(status))\n"
        "try: cli.main()\n"
        "finally: note()"
    )
    command = (sys.executable, "-c", code, "play", "runs/first")
    with PseudoTerminal(*command, cwd=runs, columns=80, rows=24) as terminal:
        terminal.wait_for(r"✓ finished +step \d+ of 400")
        terminal.send("\t\t")
        terminal.send("q")
        assert terminal.wait() == 0
    assert (runs / "loaded").read_text() == "set()"


@pytest.mark.parametrize(
    ("key", "words"), [("?", "back or ahead by one sample"), ("\x10", "play or pause"), ("g", "Go to a step")]
)
def test_a_dialog_stays_over_a_picture_that_plays(key, words, tmp_path):
    recorded.voronoi(tmp_path / "runs" / "adamw", steps=10_000)
    with in_terminal("play", "runs", "--theme", "dark", cwd=tmp_path, columns=100, rows=30) as terminal:
        terminal.wait_for(r"step [\d ]+ of 10 000(?s:.*)▶")
        before = terminal.text.count(words)
        terminal.send(key)
        wait_for(lambda: terminal.text.count(words) > before)
        first = shown_step(terminal.text)
        for _ in range(20):
            time.sleep(0.05)
            assert terminal.text.count(words) > before
        assert shown_step(terminal.text) > first
        terminal.send("\x1b")
        wait_for(lambda: terminal.text.count(words) == before)


@pytest.mark.parametrize("signals", [(signal.SIGCONT,), (signal.SIGSTOP, signal.SIGCONT), 2 * (signal.SIGCONT,)])
def test_a_player_that_is_stopped_and_continued_leaves_the_terminal_as_it_was(signals, runs):
    with in_terminal("play", "runs/first", cwd=runs) as terminal:
        before = termios.tcgetattr(terminal._master)
        terminal.wait_for(r"step \d+ of 400")
        for number in signals:
            os.kill(terminal.process.pid, number)
            time.sleep(0.3)
        terminal.send("\x1b[H")
        terminal.wait_for(r"step \d+ of 400")
        terminal.send("q")
        assert terminal.wait() == 0
        assert termios.tcgetattr(terminal._master) == before
