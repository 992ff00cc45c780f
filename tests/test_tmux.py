"""The player under tmux, with real keys: what a user sees."""

import re
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

import dynviz
from dynviz.recording import Recording
from tests.test_changes import cpu_ticks

BOWL = str(Path(__file__).parent / "files" / "bowl.py")
PATIENCE = 90.0
DYNVIZ = f"{shlex.quote(sys.executable)} -m dynviz"

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
    pytest.mark.slow,
]


class Tmux:
    """A tmux of its own, with a shell in one window."""

    def __init__(self, folder, columns=120, rows=40):
        self._socket = folder / "tmux"
        self.folder = folder
        shell = ["env", "-u", "TMUX", "PS1=ready> ", "HISTFILE=", "COLORTERM=truecolor", "sh"]
        size = ["-x", columns, "-y", rows]
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "-c", folder, shlex.join(shell))
        self.wait_for("ready>")

    def _tmux(self, *arguments):
        command = ["tmux", "-S", self._socket, *arguments]
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=True, timeout=PATIENCE)
        return done.stdout

    def type(self, line):
        """A command for the shell."""
        self._tmux("send-keys", "-l", line)
        self.press("Enter")

    def press(self, *keys):
        for key in keys:
            self._tmux("send-keys", key)

    def resize(self, columns, rows):
        self._tmux("resize-window", "-x", columns, "-y", rows)

    @property
    def text(self):
        return self._tmux("capture-pane", "-p")

    def wait_for(self, pattern, *, without=None, seconds=PATIENCE):
        """Wait until the screen shows a pattern, and does not show another; the screen."""
        end = time.monotonic() + seconds
        while True:
            text = self.text
            if re.search(pattern, text) and not (without and re.search(without, text)):
                return text
            assert time.monotonic() < end, f"{pattern!r} was not shown within {seconds} s:\n{text}"
            time.sleep(0.05)

    def close(self):
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], check=False, capture_output=True)


@pytest.fixture
def tmux(tmp_path):
    server = Tmux(tmp_path)
    yield server
    server.close()


def step_of(tmux):
    """The step that the header says."""
    text = tmux.wait_for(r"step [\d ]+? of")
    return int(re.search(r"step ([\d ]+?) of", text).group(1).replace(" ", ""))


def until(what):
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def form_that_listens(tmux, *keys, shows):
    """Open the form for an export and press keys: one that has just come up may not listen yet, and is opened again."""
    for seconds in (3, 10, 30, PATIENCE):
        tmux.press("e")
        tmux.wait_for(r"Export curves(?s:.*)live-curves\.gif")
        tmux.press(*keys)
        try:
            tmux.wait_for(shows, seconds=seconds)
        except AssertionError:
            tmux.press("Escape")
            tmux.wait_for("● live", without="Export curves")
        else:
            return
    raise AssertionError(f"{shows!r} was never shown")


def edge(folder):
    """How far the recordings are."""
    return min(Recording(path).recorded for path in (folder / "adamw", folder / "sgd"))


def test_a_run_is_watched_scrubbed_zoomed_exported_and_stopped(tmux):
    folder = tmux.folder / "live"
    # Live: two optimizers on one clock, and something moves.
    tmux.type(f"{DYNVIZ} run {BOWL}:size=5 -o adamw -o sgd --steps 1000000 --compile off --out live; echo status $?")
    text = tmux.wait_for(r"● live +step [1-9]")
    assert re.search(r"bowl · size 5 +adamw +sgd +seed 42", text)
    # Names and values stand at the ends of the curves.
    tmux.wait_for(r"(?s)loss.*adamw +\d")
    tmux.wait_for(r"(?s)loss.*sgd +\d")
    tmux.wait_for(r"space pause")
    shown = re.search(r"step [\d ]+ of", text)[0]
    tmux.wait_for(r"● live +step", without=shown)

    # Paused and scrubbed back, while training goes on.
    tmux.press("Space", "Home")
    text = tmux.wait_for(r"step 0 of 1 000 000.*(?s:.*)space play")
    assert "● live" in text
    before = edge(folder)
    tmux.press("Right", "Right", "Right")
    tmux.wait_for(r"step [1-9]\d* of 1 000 000")
    until(lambda: edge(folder) > before + 100)
    assert step_of(tmux) < 100

    # Follow again.
    tmux.press("f")
    tmux.wait_for(r"space pause")
    until(lambda: step_of(tmux) > before)

    # Other sizes.
    tmux.resize(80, 24)
    tmux.wait_for(r"(?m)^ bowl.*step.*$")
    tmux.resize(30, 8)
    tmux.wait_for(r"too\s+small")
    tmux.resize(120, 40)
    tmux.wait_for(r"bowl · size 5 +adamw +sgd")

    # A dialog for a file, and the file.
    tmux.press("Space")
    form_that_listens(tmux, "Down", "Right", shows=r"live-curves\.mp4")
    tmux.press("Right")
    tmux.wait_for(r"live-curves\.png(?s:.*)this step alone")
    tmux.press("Enter")
    tmux.wait_for(r"written: live-curves\.png")
    assert (tmux.folder / "live-curves.png").read_bytes().startswith(b"\x89PNG")

    # The question at the end, and the shell as it was.
    tmux.press("q")
    tmux.wait_for(r"Training has not finished")
    tmux.press("Escape")
    tmux.wait_for("● live", without="Training has not finished")
    tmux.press("q")
    tmux.wait_for(r"Training has not finished")
    tmux.press("s")
    text = tmux.wait_for(r"status \d")
    assert re.search(r"stopped at step \d+; continue with: dynviz run --resume live --trust[^;]*\nstatus 130", text), (
        text
    )
    assert {Recording(folder / name).status for name in ("adamw", "sgd")} == {"interrupted"}


def test_a_run_is_changed_paused_stepped_and_forked_while_it_trains(tmux):
    tmux.type(f"{DYNVIZ} run {BOWL} -o sgd:lr=0.01 --steps 1000000 --compile off --out live; echo status $?")
    tmux.wait_for(r"● live +step [1-9]")
    tmux.press("h")
    tmux.wait_for(r"Change while it trains(?s:.*)lr +0\.01")
    write(tmux, "lr", "0.02")
    tmux.press("Enter")
    tmux.wait_for(r"sgd: lr changes from 0\.01 to 0\.02 after step \d")
    (change,) = Recording(tmux.folder / "live" / "sgd").changes()
    assert (change.name, change.old, change.new) == ("lr", 0.01, 0.02)

    # Training itself stands still, and takes one step and a hundred.
    tmux.press("p")
    tmux.wait_for(r"‖ paused")
    until(lambda: stands(tmux.folder / "live" / "sgd"))
    before = Recording(tmux.folder / "live" / "sgd").recorded
    tmux.press(".")
    until(lambda: Recording(tmux.folder / "live" / "sgd").recorded == before + 1)
    tmux.press(">")
    until(lambda: Recording(tmux.folder / "live" / "sgd").recorded == before + 101)

    # A fork of a run that is paused, beside it.
    tmux.press("F")
    tmux.wait_for(r"Fork at step(?s:.*)lr +0\.0[12]")
    tmux.press("Down")
    write(tmux, "lr", "0.5")
    tmux.press("Enter")
    tmux.wait_for(r"bowl.* sgd.* lr 0\.5")
    (child,) = (tmux.folder / "runs").iterdir()
    assert Recording(child / "sgd").metadata.origin.changes == {"lr": "0.5"}
    tmux.press("q")
    tmux.wait_for(r"Training has not finished")
    tmux.press("s")
    tmux.wait_for(r"status \d")
    until(lambda: Recording(child / "sgd").status == "interrupted")


def test_a_run_that_trains_elsewhere_is_changed_paused_made_longer_and_stopped(tmux):
    command = [
        sys.executable,
        "-m",
        "dynviz",
        "run",
        BOWL,
        "-o",
        "sgd:lr=0.01",
        "--steps",
        "1000000",
        "--compile",
        "off",
    ]
    command += ["--headless", "--out", "live"]
    recording = tmux.folder / "live" / "sgd"
    with subprocess.Popen(command, cwd=tmux.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as training:
        try:
            until(lambda: (recording / "run.json").exists() and Recording(recording).recorded > 100)
            tmux.type(f"{DYNVIZ} play live --view curves; echo status $?")
            tmux.wait_for(r"● live")
            setting = [sys.executable, "-m", "dynviz", "set", "live", "lr=0.02"]
            done = subprocess.run(setting, check=True, cwd=tmux.folder, capture_output=True, text=True)
            assert "lr changes from 0.01 to 0.02 after step" in done.stdout
            (change,) = Recording(recording).changes()
            tmux.press("p")
            tmux.wait_for(r"‖ paused")
            until(lambda: stands(recording))
            ticks = cpu_ticks(training.pid)
            time.sleep(1)
            assert cpu_ticks(training.pid) - ticks <= 5
            # To the change, one of the last events; a picture that follows would go on.
            tmux.press("End", "Space")
            tmux.wait_for("space play")
            # The search for events may still be under way: a key that finds no event is pressed again.
            until(lambda: towards(tmux, change.step))
            tmux.wait_for("changed lr 0.01 to 0.02")
            tmux.press("L")
            tmux.wait_for(r"Train beyond the 1.000.000 steps")
            tmux.press("Enter")
            until(lambda: Recording(recording).total == 2_000_000)
            tmux.press("p")
            tmux.wait_for(r"● live")
            tmux.press("S")
            tmux.wait_for(r"■ stopped")
            training.wait(30)
        finally:
            training.kill()
    assert Recording(recording).status == "interrupted"
    tmux.press("q")
    tmux.wait_for(r"status 0")


def write(tmux, name, text):
    """Write over what is in the row of a form that has the focus: it is selected."""
    tmux.press(*text)
    tmux.wait_for(rf"{name} +{re.escape(text)}\s")


def towards(tmux, step):
    """Jump to the next event on the way to a step; whether it is reached."""
    here = step_of(tmux)
    if here == step:
        return True
    tmux.press("N" if here > step else "n")
    with suppress(AssertionError):
        tmux.wait_for(r"step [\d ]+? of", without=f"step {here:,} of".replace(",", " "), seconds=3)
    return False


def stands(folder):
    """Whether a recording does not grow."""
    before = Recording(folder).recorded
    time.sleep(0.5)
    return Recording(folder).recorded == before


def test_two_runs_are_compared_and_a_panel_is_zoomed(tmux):
    for name, rule in (("one", "adam"), ("two", "sgd")):
        dynviz.run("surface", rule, steps=200, out=tmux.folder / "runs" / name)
    tmux.type(f"{DYNVIZ} play runs/one runs/two --view path --at 100; echo status $?")
    tmux.wait_for(r"z zoom")
    text = tmux.wait_for(r"(?s)Rosenbrock's valley.* adam +sgd.*step 100 of 200.*└.*└")
    panels = len(re.findall(r"└", text))
    assert panels > 1
    tmux.press("z")
    tmux.wait_for(r"panel 1 of \d")
    until(lambda: len(re.findall(r"└", tmux.text)) == 1)
    tmux.press("z")
    tmux.wait_for(r"z zoom", without=r"panel 1 of \d")
    until(lambda: len(re.findall(r"└", tmux.text)) == panels)
    # One of the two alone.
    tmux.press("l")
    tmux.wait_for("Recordings and lanes")
    tmux.press("Space", "Enter")
    # The old picture stays while the view is opened for the others.
    text = tmux.wait_for(r"Rosenbrock's valley +sgd", without="Recordings and lanes")
    assert re.search(r"Rosenbrock's valley.* sgd", text)
    assert " adam " not in text.splitlines()[0]
    tmux.press("q")
    assert re.search(r"status 0", tmux.wait_for(r"status \d"))


def test_a_run_is_chosen_from_those_that_there_are(tmux):
    dynviz.run(BOWL, "sgd", steps=30, out=tmux.folder / "runs" / "older")
    dynviz.run(BOWL, "adamw", steps=30, out=tmux.folder / "runs" / "newer")
    tmux.type(f"{DYNVIZ} play; echo status $?")
    tmux.wait_for(r"2 runs in runs(?s:.*)✓ 30 steps")
    tmux.press("Enter")
    tmux.wait_for(r"✓ finished +step \d+ of 30")
    tmux.press("Escape")
    tmux.wait_for(r"2 runs in runs")
    tmux.press("q")
    assert re.search(r"status 0", tmux.wait_for(r"status \d"))


def test_ctrl_z_goes_to_the_shell_and_fg_comes_back(tmux):
    dynviz.run(BOWL, "sgd", steps=30, out=tmux.folder / "runs" / "one")
    tmux.type(f"{DYNVIZ} play runs/one --at 10")
    tmux.wait_for(r"step 10 of 30")
    tmux.press("C-z")
    tmux.wait_for(r"[Ss]topped", without=r"step 10 of 30")
    tmux.type("fg; echo status $?")
    tmux.wait_for(r"step 10 of 30(?s:.*)space play")
    tmux.press("Right")
    tmux.wait_for(r"step 11 of 30")
    tmux.press("q")
    tmux.wait_for(r"status 0", without=r"step 11 of 30")
