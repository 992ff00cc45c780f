"""Training in a process of its own: what we learn of it, and what it survives."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import dynviz
from dynviz.errors import DynvizError, one_line_for_users
from dynviz.process import background
from dynviz.process.background import ERROR_FILE, OUTPUT_BYTES, TRACEBACK, BackgroundRun
from tests.waiting import wait_for

FILES = Path(__file__).parent / "files"
BOWL = str(FILES / "bowl.py")
PATIENCE = 90.0
LONG = ["--steps", "1000000"]
FALLS = textwrap.dedent("""
    import sys
    import warnings
    import torch
    from dynviz.task import Task


    class Falls:
        def build(self, seed):
            if {early}:
                raise ValueError("no such luck")
            def batches(start, count):
                return (torch.arange(start, start + count) * 1.0,)
            def loss(p, c, b):
                {loss}
                return (p["w"] - b[0]).square().sum()
            return Task({{"w": torch.zeros(2)}}, loss, batches, 100)


    from dataclasses import dataclass
    scenario = dataclass(frozen=True)(Falls)
""")


def scenario_file(folder, loss="pass", *, early=False):
    file = folder / "falls.py"
    file.write_text(FALLS.format(loss=loss, early=early))
    return str(file)


def begun(trainer):
    def look():
        trainer.poll()
        assert not trainer.ended, trainer.message
        return trainer.folder is not None

    wait_for(look)
    return trainer


def started(*arguments):
    return BackgroundRun.start([*map(str, arguments)])


@pytest.fixture
def held(tmp_path):
    """The file of a bowl that waits where it is told to, however fast or slow this machine is."""
    folder = tmp_path / "held"
    folder.mkdir()
    shutil.copy(FILES / "slow_bowl.py", folder)
    yield folder / "slow_bowl.py"
    for file in folder.glob("hold-*"):
        file.unlink()


@pytest.fixture
def long_run(tmp_path):
    trainer = begun(started(BOWL, "-o", "adamw", *LONG, "--out", tmp_path / "run"))
    yield trainer
    os.kill(trainer.pid, signal.SIGKILL) if not trainer.wait(0) else None
    trainer.wait(PATIENCE)


def test_a_run_is_followed_from_its_start_to_its_end(tmp_path, held):
    imports, trains = held.with_name("hold-import"), held.with_name("hold-2")
    imports.touch()
    trains.touch()
    trainer = started(f"{held}:seconds=0", "-o", "adamw", "-o", "sgd", "--steps", 200, "--out", tmp_path / "run")
    assert trainer.doing == "importing torch"
    assert not trainer.wait(0.0)
    assert (trainer.state, trainer.folder, trainer.exit_code) == ("starting", None, None)
    wait_for(held.with_name("held-import").exists)
    trainer.poll()
    assert (trainer.state, trainer.doing, trainer.folder) == ("starting", "preparing the task", None)
    imports.unlink()
    begun(trainer)
    assert trainer.state == "training"
    # Whoever learns of the folder can open it.
    assert list(dynviz.open(trainer.folder)) == ["adamw", "sgd"]
    wait_for(held.with_name("held-2").exists)
    assert not trainer.wait(0.0)
    assert trainer.state == "training"
    trains.unlink()
    assert trainer.wait(PATIENCE)
    assert trainer.state == "finished"
    assert (trainer.folder, trainer.exit_code, trainer.message) == (tmp_path / "run", 0, "")
    assert {recording.status for recording in dynviz.open(trainer.folder).values()} == {"finished"}
    assert trainer.wait(0.0)
    trainer.stop()
    trainer.poll()
    assert trainer.state == "finished"


def test_the_message_of_a_run_that_fails_names_the_users_line(tmp_path):
    reports = background.Reports(os.memfd_create("reports"))
    reports.begin(tmp_path, [], [])
    try:
        with one_line_for_users():
            exec(compile("\n\n1 / 0", str(tmp_path / "mine.py"), "exec"), {"__name__": "mine"})
    except DynvizError as error:
        reports.failed(error)
    said = json.loads(os.pread(reports._descriptor, 1000, 0).splitlines()[-1])
    file = tmp_path / "error.txt"
    line = f"ZeroDivisionError: division by zero ({tmp_path / 'mine.py'}, line 3)"
    assert said["message"] == f"{line}; its traceback is in {file}"
    assert file.read_text().startswith("Traceback")


def test_a_run_that_is_asked_to_stop_ends_cleanly_and_can_go_on(long_run):
    recording = dynviz.open(long_run.folder)["adamw"]
    wait_for(lambda: len(recording["loss"]) > 100)
    assert (long_run.state, recording.status) == ("training", "running")
    long_run.stop()
    long_run.stop()
    assert long_run.wait(PATIENCE)
    assert (long_run.state, long_run.exit_code, recording.status) == ("stopped", 130, "interrupted")
    command = f"dynviz run --resume {long_run.folder} --trust {BOWL}"
    assert long_run.message == f"stopped at step {recording.recorded}; continue with: {command}"
    assert recording.checkpoints()[-1] == len(recording["loss"])


@pytest.mark.parametrize("delay", [0.02, 0.3, 0.8])
def test_a_run_that_is_stopped_before_it_begins_leaves_nothing(tmp_path, delay):
    trainer = started(BOWL, "-o", "adamw", *LONG, "--out", tmp_path / "run")
    trainer.wait(delay)
    trainer.stop()
    assert trainer.wait(PATIENCE)
    assert (trainer.state, trainer.exit_code) == ("stopped", 130)
    # On a fast machine it may have begun.
    assert ("nothing was written" in trainer.message) == (not (tmp_path / "run").exists())


def test_a_run_that_is_stopped_in_the_middle_of_an_exec_says_so_too(tmp_path):
    """Python ends by SIGINT, whatever we exit with, once a plain KeyboardInterrupt has passed an exec of a text."""
    file = scenario_file(tmp_path, early="exec('import os; os.kill(os.getpid(), 15)')")
    trainer = started(file, "-o", "sgd", "--out", tmp_path / "run")
    assert trainer.wait(PATIENCE)
    assert (trainer.state, trainer.exit_code) == ("stopped", 130)
    assert trainer._process.returncode == 130
    assert "nothing was written" in trainer.message
    assert not (tmp_path / "run").exists()


def test_a_request_to_stop_that_is_lost_in_a_destructor_is_heeded(tmp_path):
    class_that_loses = "type('Loses', (), {'__del__': lambda self: os.kill(os.getpid(), 15)})()"
    module = tmp_path / "sitecustomize.py"
    module.write_text(
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'torch':\n"
        "            sys.meta_path.remove(self)\n"
        f"            {class_that_loses}\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    command = [sys.executable, "-m", "dynviz", "run", BOWL, "-o", "sgd", "--headless", "--out", str(tmp_path / "run")]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert done.returncode == 130, done.stderr
    assert done.stderr.endswith("stopped before training began; nothing was written\n")
    assert not (tmp_path / "run").exists()


def test_a_request_to_stop_waits_until_torch_is_imported(tmp_path):
    """An exception that comes where its extension modules call Python aborts the process."""
    stand_in = tmp_path / "torch.py"
    stand_in.write_text("import os, time; os.kill(os.getpid(), 15); time.sleep(0.3); print('imported')")
    code = (
        "import time\n"
        "from dynviz.cli.stopping import StopRequested, stoppable\n"
        "try:\n"
        "    with stoppable():\n"
        "        import torch\n"
        "        time.sleep(600)\n"
        "except StopRequested:\n"
        "    print('stopped')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], check=True, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["imported", "stopped"]


def test_a_run_that_is_asked_to_stop_when_it_is_whole_has_finished(tmp_path):
    file = scenario_file(tmp_path)
    ends = "import atexit, time; atexit.register(time.sleep, 600)\n"
    Path(file).write_text(ends + Path(file).read_text())
    trainer = started(file, "-o", "sgd", "--out", tmp_path / "run")
    wait_for(lambda: len(os.pread(trainer._reports, 10_000, 0).splitlines()) == 3)
    trainer.stop()
    assert trainer._process.wait(PATIENCE) != 0
    assert trainer.wait(0)
    assert (trainer.state, trainer.exit_code, trainer.message) == ("finished", 0, "")


def test_a_killed_trainer_is_a_failure_and_its_recording_plays(long_run):
    recording = dynviz.open(long_run.folder)["adamw"]
    wait_for(lambda: len(recording["loss"]) > 10)
    os.kill(long_run.pid, signal.SIGKILL)
    assert long_run.wait(PATIENCE)
    assert (long_run.state, long_run.exit_code) == ("failed", 137)
    assert long_run.message.startswith("the trainer was killed by SIGKILL; what was recorded can be read")
    assert f"--resume {long_run.folder}" in long_run.message
    assert recording.status == "killed"
    assert len(recording["loss"]) > 10


def test_a_mistake_is_one_line(tmp_path):
    trainer = started(BOWL, "-o", "adamw:rate=1", "--out", tmp_path / "run")
    assert trainer.wait(PATIENCE)
    assert (trainer.state, trainer.exit_code, trainer.folder) == ("failed", 1, None)
    assert trainer.message.startswith("no option of optimizer adamw named 'rate'. There are: beta1")
    assert "Traceback" not in trainer.output
    assert list(tmp_path.iterdir()) == []


def test_a_task_that_raises_while_it_trains_is_said_with_its_line(tmp_path):
    file = scenario_file(tmp_path, "assert b[0] < 5, 'five is\\n  too much'")
    trainer = started(file, "-o", "sgd", "--out", tmp_path / "run")
    assert trainer.wait(PATIENCE)
    assert (trainer.state, trainer.exit_code, trainer.folder) == ("failed", 1, tmp_path / "run")
    kept = tmp_path / "run" / ERROR_FILE
    words = f"AssertionError: five is too much ({file}, line 15); its traceback is in {kept}"
    assert trainer.message == words
    assert kept.read_text().startswith(TRACEBACK)
    assert "Traceback" not in trainer.output
    assert dynviz.open(tmp_path / "run")["sgd"].status == "failed"


def test_a_task_that_raises_while_it_is_built_is_said_too(tmp_path):
    file = scenario_file(tmp_path, early=True)
    trainer = started(file, "-o", "sgd", "--out", tmp_path / "run")
    assert trainer.wait(PATIENCE)
    assert (trainer.state, trainer.exit_code) == ("failed", 1)
    assert trainer.message == f"ValueError: no such luck ({file}, line 11)"
    assert not (tmp_path / "run").exists()


def test_the_last_words_of_a_trainer_that_said_nothing_are_what_it_printed_last(tmp_path):
    trainer = started(BOWL, "--nonsense")
    assert trainer.wait(PATIENCE)
    assert (trainer.state, trainer.exit_code) == ("failed", 2)
    assert "No such option" in trainer.message


def test_what_a_task_prints_at_every_step_is_forgotten_in_time(tmp_path):
    file = scenario_file(tmp_path, "print('x' * 20_000); print('y' * 20_000, file=sys.stderr)")
    trainer = begun(started(file, "-o", "sgd", *LONG, "--out", tmp_path / "run"))
    recording = dynviz.open(trainer.folder)["sgd"]
    wait_for(lambda: len(recording["loss"]) > 600)
    trainer.stop()
    assert trainer.wait(PATIENCE)
    assert trainer.state == "stopped"
    # A block of steps may print more before it is looked at again.
    assert 0 < os.fstat(trainer._output).st_size < 25 * OUTPUT_BYTES
    assert len(trainer.output) <= OUTPUT_BYTES


LEAVES = textwrap.dedent("""
    import sys
    from dynviz.process.background import BackgroundRun
    trainer = BackgroundRun.start(sys.argv[1:])
    while trainer.folder is None:
        trainer.wait(0.01)
    assert not {"torch", "matplotlib", "textual"} & set(sys.modules), "too much is imported"
    print(trainer.pid, flush=True)
    sys.stdin.read()
""")


@pytest.mark.parametrize("end", ["well", signal.SIGKILL, signal.SIGINT, signal.SIGHUP])
def test_training_goes_on_to_its_end_when_who_started_it_is_gone(tmp_path, held, end):
    tmp = tmp_path / "tmp"
    tmp.mkdir()
    trains = held.with_name("hold-2")
    trains.touch()
    task = [f"{held}:seconds=0", "-o", "adamw", "--steps", "4000"]
    command = [sys.executable, "-c", LEAVES, *task, "--out", str(tmp_path / "run")]
    parent = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(tmp)},
    )
    said = parent.stdout.readline()
    assert list(tmp.iterdir()) == []
    assert said, parent.stderr.read()
    assert dynviz.open(tmp_path / "run")["adamw"].status == "running"
    if end != "well":
        # As a terminal does it: to all that it has.
        os.killpg(parent.pid, end)
    _, errors = parent.communicate(timeout=PATIENCE)
    assert (parent.returncode == 0) == (end == "well")
    assert "ResourceWarning" not in errors
    trains.unlink()
    recording = dynviz.open(tmp_path / "run")["adamw"]
    wait_for(lambda: recording.status != "running")
    assert recording.status == "finished"
    assert len(recording["loss"]) == 4001
    assert list(tmp.iterdir()) == []


def test_a_run_can_be_resumed_in_the_background(tmp_path):
    dynviz.run(BOWL, "sgd", steps=10, out=tmp_path / "run")
    trainer = started("--resume", tmp_path / "run", "--steps", 30, "--trust", BOWL)
    assert trainer.wait(PATIENCE)
    assert (trainer.state, trainer.folder) == ("finished", tmp_path / "run"), trainer.message
    assert len(dynviz.open(tmp_path / "run")["sgd"]["loss"]) == 31
