"""Runs that were stopped, killed or filled the disk: what is there stays, and going on ends byte for byte the same."""

import multiprocessing
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import dynviz
from dynviz import DynvizError
from dynviz.recording import Writer
from dynviz.training import session, trainer

FILES = Path(__file__).parent / "files"
BOWL = str(FILES / "bowl.py")
RUNNING = str(FILES / "running.py")
OPTIMIZERS = ["adamw", "torch.optim.NAdam"]
RECORD = ["term.*:every=1", "parameters:every=3"]
STEPS = 400


def begin(folder):
    # Small blocks, so that a kill finds the recording at many different places.
    trainer.CAPACITY = 5
    dynviz.run(BOWL, OPTIMIZERS, seeds="0:3", steps=STEPS, record=RECORD, out=folder)


def go_on(folder):
    trainer.CAPACITY = 5
    dynviz.resume(folder, trust="/")


@pytest.fixture(scope="module")
def processes():
    """Processes that start from one that has already imported torch."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["dynviz.training", "tests.test_resume"])
    return context


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    return dynviz.run(BOWL, OPTIMIZERS, seeds="0:3", steps=STEPS, record=RECORD, out=folder)


def files_of(run):
    return {
        (label, path.name): path.read_bytes()
        for label, recording in run.items()
        for path in sorted([*(recording.folder / "channels").iterdir(), recording.folder / "events.jsonl"])
    }


def check_flushed(run, whole):
    """Whatever is in the files is what an uninterrupted run has there."""
    for label, recording in run.items():
        for name in recording.channels:
            there = recording[name]
            # The last sample may stand at the end of the run only; before that, samples sit at multiples.
            np.testing.assert_array_equal(there, whole[label][name][: len(there)])


@pytest.mark.slow
def test_killed_fifty_times_a_run_still_ends_the_same(processes, whole, tmp_path):
    generator = random.Random(7)
    kills, attempts = 0, 0
    expected = files_of(whole)
    while kills < 50:
        folder = tmp_path / f"run{attempts}"
        attempts += 1
        process = processes.Process(target=begin, args=(folder,))
        process.start()
        while True:
            process.join(generator.uniform(0.0, 0.6))
            if process.exitcode is not None:
                break
            process.kill()
            process.join()
            kills += 1
            if any((folder / label / "run.json").exists() for label in OPTIMIZERS):
                run = dynviz.open(folder)
                check_flushed(run, whole)
                assert {recording.status for recording in run.values()} <= {"killed", "finished"}
            if not all((folder / label / "run.json").exists() for label in OPTIMIZERS):
                # Killed while it was still being laid out: there is nothing to go on with.
                break
            process = processes.Process(target=go_on, args=(folder,))
            process.start()
        assert process.exitcode in (0, -signal.SIGKILL)
        if process.exitcode == 0:
            assert files_of(dynviz.open(folder)) == expected
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("scenario", [BOWL, RUNNING])
@pytest.mark.parametrize("stop", [1, 6, 37])
def test_a_run_made_longer_equals_a_long_run(scenario, stop, tmp_path):
    record = ["term.*:every=7", "loss:every=2"]
    long = dynviz.run(scenario, OPTIMIZERS, steps=50, record=record, out=tmp_path / "long")
    short = dynviz.run(scenario, OPTIMIZERS, steps=stop, record=record, out=tmp_path / "short")
    for recording in short.values():
        # As an interrupted run leaves one; a finished run has none at its end.
        assert recording.total == stop
    longer = dynviz.resume(tmp_path / "short", steps=50, trust="/")
    assert files_of(longer) == files_of(long)
    assert all(recording.status == "finished" for recording in longer.values())


def cli(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "dynviz", *map(str, arguments)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_cleanly_and_says_how_to_go_on(number, tmp_path):
    folder = tmp_path / "run"
    process = cli("run", BOWL, "-o", "adamw", "--steps", 4000, "--out", folder)
    loss = folder / "adamw" / "channels" / "loss.npy"
    deadline = time.monotonic() + 90
    while not (loss.exists() and loss.stat().st_size > 1000):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=90)
    assert process.returncode == 130
    assert out == ""
    assert re.search(rf"stopped at step \d+; continue with: dynviz run --resume {folder} --trust {BOWL}\n$", err)
    assert "Traceback" not in err
    recording = dynviz.open(folder)["adamw"]
    assert recording.status == "interrupted"
    stopped = len(recording["loss"])
    assert 0 < stopped < 4000
    dynviz.resume(folder, trust="/")
    whole = dynviz.run(BOWL, "adamw", steps=4000, out=tmp_path / "whole")
    assert files_of(dynviz.open(folder)) == files_of(whole)


def test_a_finished_run_has_nothing_to_go_on_with(whole):
    with pytest.raises(DynvizError, match="is finished at step 400; --steps N with a larger N makes it longer"):
        dynviz.resume(whole.folder, trust="/")
    with pytest.raises(DynvizError, match="not shorter"):
        dynviz.resume(whole.folder, steps=10, trust="/")


def test_a_recording_that_is_being_written_is_left_alone(tmp_path):
    run = dynviz.run(BOWL, "adamw", steps=10, out=tmp_path / "run")
    with Writer.resume(run["adamw"].folder), pytest.raises(DynvizError, match="being written by another process"):
        dynviz.resume(run.folder, steps=20, trust="/")


def test_a_users_file_that_changed_is_refused(tmp_path):
    mine = tmp_path / "mine.py"
    shutil.copy(BOWL, mine)
    run = dynviz.run(str(mine), "adamw", steps=10, out=tmp_path / "run")
    mine.write_text(mine.read_text().replace("0.1 * b[0]", "0.2 * b[0]"))
    with pytest.raises(DynvizError, match="has changed since the run began"):
        dynviz.resume(run.folder, steps=20, trust="/")
    assert dynviz.open(run.folder)["adamw"].total == 10


def test_one_recording_of_a_run_can_go_on_alone(tmp_path):
    run = dynviz.run(BOWL, OPTIMIZERS, steps=10, out=tmp_path / "run")
    longer = dynviz.resume(run["adamw"].folder, steps=30, trust="/")
    assert longer.total == 30
    assert run["torch.optim.NAdam"].total == 10


def test_a_users_file_that_is_gone_is_named(tmp_path):
    mine = tmp_path / "mine.py"
    shutil.copy(BOWL, mine)
    run = dynviz.run(str(mine), "adamw", steps=10, out=tmp_path / "run")
    mine.unlink()
    with pytest.raises(DynvizError, match=rf"there is no file {mine}"):
        dynviz.resume(run.folder, steps=20, trust="/")
    assert dynviz.open(run.folder)["adamw"].status == "finished"


def test_a_run_from_a_gpu_says_what_is_missing_where_there_is_none(tmp_path):
    run = dynviz.run(BOWL, "adamw", steps=10, out=tmp_path / "run")
    path = run["adamw"].folder / "run.json"
    path.write_text(path.read_text().replace('"device": "cpu"', '"device": "cuda:77"'))
    with pytest.raises(DynvizError, match="began on cuda:77 and can only continue there"):
        dynviz.resume(run.folder, steps=20, trust="/")


@pytest.mark.parametrize("optimizer", ["torch.optim.NAdam", "torch.optim.ASGD", "sgd:momentum=0.9"])
@pytest.mark.parametrize("short", [False, True])
def test_a_state_goes_on_in_the_dtype_it_had(optimizer, short, tmp_path):
    """torch casts a state that it loads to the dtype of the parameters, and NumPy has no bfloat16."""
    scenario, dtype = BOWL, "float64"
    if short:
        scenario, dtype = tmp_path / "short.py", ""
        text = Path(BOWL).read_text()
        text = text.replace("torch.randn(n, generator=g)", "torch.randn(n, generator=g).bfloat16()")
        scenario.write_text(text.replace("torch.randn(2, 2, generator=g)", "torch.randn(2, 2, generator=g).bfloat16()"))
    common = {"seeds": "0:2", "dtype": dtype, "record": "parameters:every=1"}
    whole = dynviz.run(str(scenario), optimizer, steps=40, out=tmp_path / "whole", **common)
    dynviz.run(str(scenario), optimizer, steps=20, out=tmp_path / "parts", **common)
    assert files_of(dynviz.resume(tmp_path / "parts", steps=40, trust="/")) == files_of(whole)


def test_a_damaged_checkpoint_costs_only_time(tmp_path):
    folder = tmp_path / "run"
    dynviz.run(BOWL, "adamw", steps=35, out=folder)
    recording = dynviz.open(folder)["adamw"]
    last = recording.folder / "checkpoints" / f"{recording.checkpoints()[-1]}.npz"
    last.write_bytes(last.read_bytes()[:100])
    whole = dynviz.run(BOWL, "adamw", steps=60, out=tmp_path / "whole")
    assert files_of(dynviz.resume(folder, steps=60, trust="/")) == files_of(whole)


def test_what_happened_at_the_end_is_still_known_when_a_run_is_made_longer(tmp_path):
    rates = "sgd:lr=1"
    whole = dynviz.run("surface:f=rosenbrock", rates, steps=12, out=tmp_path / "whole")
    (event,) = whole["sgd"].events()
    assert 0 < event.step < 12
    dynviz.run("surface:f=rosenbrock", rates, steps=event.step, out=tmp_path / "parts")
    assert dynviz.resume(tmp_path / "parts", steps=12, trust="/")["sgd"].events() == (event,)


def test_a_listener_that_fails_fails_the_run_and_lets_go_of_it(tmp_path):
    class Deaf(session.SilentProgress):
        def begin(self, folder, recordings, steps_done):
            raise BrokenPipeError("nobody listens")

    with pytest.raises(BrokenPipeError):
        dynviz.run(BOWL, "adamw", steps=10, out=tmp_path / "run", progress=Deaf())
    recording = dynviz.open(tmp_path / "run")["adamw"]
    assert (recording.status, recording.live) == ("failed", False)
    assert dynviz.resume(tmp_path / "run", trust="/")["adamw"].status == "finished"
