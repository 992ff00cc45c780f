"""Sweeps: what grids stand for, what becomes of them, and that nothing ends a job that is done."""

import contextlib
import csv
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import dynviz
from dynviz import DynvizError
from dynviz.cli import commands
from dynviz.cli.sweeping import SweepProgress
from dynviz.plugins import grammar
from dynviz.plugins.spec import Spec, parse
from dynviz.recording import Recording, disk, open_all
from dynviz.recording.metadata import Lane
from dynviz.sweeps import table, work
from dynviz.sweeps.grid import choices
from dynviz.sweeps.jobs import Job, SweepPlan, jobs, numbered, split
from dynviz.sweeps.pool import JobReport
from tests.waiting import wait_for

SLOW = str(Path(__file__).parent / "files" / "slow_bowl.py")
PATIENCE = 90.0


def given(plural, text):
    return [dict(choice.plugin.given) for choice in choices(plural, parse(text))]


def planned(scenario, *optimizers, seeds=(0,)):
    return jobs(
        choices("scenarios", parse(scenario)), [choices("optimizers", parse(each)) for each in optimizers], seeds
    )


def rows(folder):
    with (folder / table.FILE).open(newline="") as file:
        return list(csv.DictReader(file))


def everything(folder):
    """The bytes of all that was recorded."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("channels/*.npy"))}


@contextlib.contextmanager
def started(*arguments):
    command = [sys.executable, "-m", "dynviz", "sweep", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            # One that waits for a test that failed would wait for ever.
            process.kill()


def finished_jobs(folder):
    return {row["job"] for row in rows(folder)} if (folder / table.FILE).exists() else set()


@pytest.fixture
def held(tmp_path):
    """The file of a bowl that waits where it is told to, however fast or slow this machine is."""
    folder = tmp_path / "held"
    folder.mkdir()
    yield Path(shutil.copy(SLOW, folder))
    for file in folder.glob("hold-*"):
        file.unlink()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("[8,64,256]", ["8", "64", "256"]),
        ("log(1e-4,1,5)", ["0.0001", "0.001", "0.01", "0.1", "1"]),
        ("linear(0,.99,4)", ["0", "0.33", "0.66", "0.99"]),
        ("[1, log(10,1000,3)]", ["1", "10", "100", "1000"]),
        ("[(0,1),(2,3)]", ["(0,1)", "(2,3)"]),
        ("[1,1,2]", ["1", "2"]),
        ("cosine(1e-2)", ["cosine(1e-2)"]),
    ],
)
def test_a_grid_stands_for_these_values(text, values):
    assert list(grammar.grid(text)) == values


@pytest.mark.parametrize(
    "text", ["log(0,1,5)", "log(1,2)", "linear(0,1,1)", "log(1,2,2.5)", "[]", "[1,]", "[1", "log(1,2,3", "log(a,1,3)"]
)
def test_what_only_looks_like_a_grid_is_refused(text):
    with pytest.raises(DynvizError, match=r"not understood|not a list of values"):
        grammar.grid(text)


def test_a_whole_number_gets_whole_values_once_each():
    found = given("scenarios", "surface:grid=log(8,20,9)")
    assert [each["grid"] for each in found] == [8, 9, 10, 11, 13, 14, 16, 18, 20]


def test_a_value_may_name_another_option():
    rules = given("optimizers", "adamw:beta1=[.5,.9],beta2=beta1")
    assert [(each["beta1"], each["beta2"]) for each in rules] == [(0.5, 0.5), (0.9, 0.9)]
    assert given("optimizers", "adamw:beta1=beta2") == [{"beta1": 0.999}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("adamw:beta1=beta2,beta2=beta1", "refer to each other in a circle"),
        ("adamw:learning_rate=[1,2]", "no option of optimizer adamw named 'learning_rate'"),
        ("adamw:lr=[1,high]", "lr=high of optimizer adamw is not understood"),
        ("adamw:lr=log(1,0,3)", "the grid of lr of optimizer adamw"),
    ],
)
def test_a_grid_that_cannot_be_read_says_why(text, words):
    with pytest.raises(DynvizError, match=words):
        choices("optimizers", parse(text))


def test_numbers_and_seeds_are_lanes_of_one_stack_and_all_else_is_a_job():
    found = planned(
        "surface:f=[rosenbrock,beale],grid=8",
        "adamw:lr=log(1e-3,1e-1,3),beta1=[.5,.9]",
        "sgd:momentum=[.5,.9],nesterov=[false,true]",
        seeds=(0, 1),
    )
    assert [len(job.lanes) for job in found] == 2 * [12, 4, 4]
    first = found[0]
    assert [lane.seed for lane in first.lanes[:4]] == [0, 1, 0, 1]
    assert [lane.hyperparameters for lane in first.lanes[::2]][:3] == [
        {"lr": 0.001, "beta1": 0.5},
        {"lr": 0.001, "beta1": 0.9},
        {"lr": 0.01, "beta1": 0.5},
    ]
    assert first.optimizer == Spec("adamw", {"lr": 0.001, "beta1": 0.5}, typed=True)
    assert [job.name for job in numbered(found)][1] == "002-f=rosenbrock-grid=8-sgd-nesterov=false"


def test_a_number_that_does_not_vary_is_no_lanes_own():
    (job,) = planned("surface", "adamw:lr=.1,beta1=[.5,.9]")
    assert [dict(lane.hyperparameters) for lane in job.lanes] == [{"beta1": 0.5}, {"beta1": 0.9}]


def test_a_value_that_the_rule_refuses_takes_no_other_with_it():
    found = planned("surface", "sgd:momentum=linear(0,.9,4),nesterov=true")
    assert sorted(len(job.lanes) for job in found) == [1, 3]


@pytest.mark.parametrize(("most", "sizes"), [(100, [7]), (7, [7]), (4, [4, 3]), (3, [2, 3, 2]), (0, [1] * 7)])
def test_lanes_are_parted_evenly_where_the_memory_does_not_hold_them(most, sizes):
    (job,) = planned("surface", "adamw:lr=log(1e-3,1e-1,7)")
    parts = split(job, most)
    assert sorted(len(part.lanes) for part in parts) == sorted(sizes)
    assert tuple(lane for part in parts for lane in part.lanes) == job.lanes


def test_what_is_planned_is_read_back_as_it_was(tmp_path):
    found = numbered(planned("surface", "adamw:lr=[.1,.3],eps=[1e-8,1e-6]", "torch.optim.SGD:lr=[.1,inf]"))
    plan = SweepPlan(found, dynviz.sweeps.jobs.Settings(5, "cpu", "float64", ("term.*",)), {"a.py": "0"})
    plan.save(tmp_path)
    assert SweepPlan.load(tmp_path) == plan


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep") / "out"
    command = ["sweep", "surface:f=rosenbrock,grid=[8,9],start=(0.5,2.5)", "-o", "sgd:lr=log(1e-5,1e15,3)"]
    command += ["-o", "adamw:weight_decay=0", "--seeds", "0:2", "--steps", "20", "--jobs", "2", "--out", str(folder)]
    result = CliRunner().invoke(commands, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{folder}\n"
    return folder


def test_every_lane_has_a_row_that_says_what_its_recording_says(swept):
    found = rows(swept)
    assert len(found) == 2 * (6 + 2)
    for row in found:
        (recording,) = open_all([swept / row["recording"]])
        metadata = recording.metadata
        assert (row["optimizer"], int(row["seed"])) == (metadata.optimizer.name, recording.seeds[0])
        assert int(row["grid"]) == metadata.scenario.options["grid"]
        lr = metadata.lanes[0].hyperparameters.get("lr", metadata.hyperparameters["lr"].value)
        assert float(row["lr"]) == lr
        ends = recording["loss"][:, 0].astype(np.float64)
        assert np.array_equal(float(row["loss"]), ends[-1], equal_nan=True)
        lost = [event.step for event in recording.events() if event.kind == "diverged"]
        assert row["diverged_at"] == (str(lost[0]) if lost else "")
    assert {row["lr"] for row in found if row["diverged_at"]} >= {"1000000000000000.0"}
    assert {row["momentum"] for row in found if row["optimizer"] == "adamw"} == {""}


def test_validation_is_the_loss_on_unseen_data_whatever_it_is_called(tmp_path):
    sweep = dynviz.sweep("matrix-recovery:M=[3,4]", "adam", seeds="0:2", steps=5, out=tmp_path / "out")
    assert len(sweep.outcomes) == 4
    for row in sweep.outcomes:
        (recording,) = open_all([tmp_path / "out" / row.recording])
        assert row.validation == recording["test_loss"][-1, 0]


def test_a_lane_of_a_sweep_is_the_run_of_its_hyperparameters(swept, tmp_path):
    (row,) = [row for row in rows(swept) if row["lr"] == "100000.0" and row["seed"] == "1" and row["grid"] == "8"]
    (lane,) = open_all([swept / row["recording"]])
    task = "surface:f=rosenbrock,grid=8,start=(0.5,2.5)"
    alone = dynviz.run(task, "sgd:lr=1e5", seeds=1, steps=20, out=tmp_path / "run")["sgd"]
    np.testing.assert_allclose(lane["loss"][:3], alone["loss"][:3], rtol=1e-5)


def test_a_sweeps_folder_stands_for_all_of_its_recordings(swept):
    found = open_all([swept])
    assert [len(recording.seeds) for recording in found] == [6, 2, 6, 2]
    assert [recording.status for recording in found] == ["finished"] * 4


def test_a_sweep_is_drawn_as_a_map_and_a_lane_of_it_alone(swept, tmp_path):
    runner = CliRunner()
    assert open_all([swept])[0].metadata.views[0] == "map"
    assert (
        runner.invoke(commands, ["export", str(swept), str(tmp_path / "map.png")], catch_exceptions=False).exit_code
        == 0
    )
    assert (tmp_path / "map.png").stat().st_size > 5000
    shown = runner.invoke(commands, ["show", str(swept), "--view", "map", "--text"], catch_exceptions=False)
    assert "lr" in shown.stdout
    (row, *_) = rows(swept)
    lane = str(swept / row["recording"])
    alone = runner.invoke(commands, ["show", lane, "--view", "path", "--text"], catch_exceptions=False).stdout
    assert "sgd lr 1e-5" in alone
    assert "seed 0" in alone


def test_flipped_bits_of_the_table_are_found_and_mended_from_the_recordings(swept, tmp_path):
    folder = Path(shutil.copytree(swept, tmp_path / "sweep"))
    file = folder / table.FILE
    good = file.read_bytes()
    assert CliRunner().invoke(commands, ["check", str(folder)]).exit_code == 0
    for place in random.Random(3).sample(range(8 * len(good)), 12):
        data = bytearray(good)
        data[place // 8] ^= 1 << place % 8
        file.write_bytes(data)
        result = CliRunner().invoke(commands, ["check", str(folder)], catch_exceptions=False)
        assert result.exit_code == 1, place
        assert "outcomes.csv is not what was written" in result.output
    CliRunner().invoke(commands, ["check", str(folder), "--mend"], catch_exceptions=False)
    assert file.read_bytes() == good
    assert CliRunner().invoke(commands, ["check", str(folder)]).exit_code == 0
    (folder / table.CHECKSUMS).unlink()
    file.write_bytes(good[:-9])
    assert CliRunner().invoke(commands, ["check", str(folder)]).exit_code == 0


def test_a_table_is_intact_whenever_its_writer_is_killed(tmp_path, monkeypatch):
    job = Job("001-sgd", parse("surface"), parse("sgd"), (Lane(42),))
    for count in range(1, 4):
        table.save(tmp_path, table.failed(job, "why" * count))
        assert table.is_intact(tmp_path)
    replacing = disk.replacing

    def killed(path):
        if path.name == table.FILE:
            raise KeyboardInterrupt
        return replacing(path)

    with monkeypatch.context() as patched:
        patched.setattr(disk, "replacing", killed)
        for why in ("one", "two"):
            with pytest.raises(KeyboardInterrupt):
                table.save(tmp_path, table.failed(job, why))
            assert table.is_intact(tmp_path)
    table.save(tmp_path, table.failed(job, "last"))
    assert table.is_intact(tmp_path)


def test_a_sweep_that_is_done_is_left_as_it_is(swept):
    before = {path: path.stat().st_mtime_ns for path in swept.rglob("run.json")}
    result = CliRunner().invoke(commands, ["sweep", "--resume", str(swept), "--trust", "/"], catch_exceptions=False)
    assert result.exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in swept.rglob("run.json")} == before


def test_a_job_that_fails_is_reported_and_stops_no_other(tmp_path):
    folder = tmp_path / "out"
    command = ["sweep", f"{SLOW}:size=[13,2,14,3],seconds=0,steps=5", "-o", "sgd:lr=[.1,.2]"]
    result = CliRunner().invoke(commands, [*command, "--jobs", "1", "--out", str(folder)], catch_exceptions=False)
    assert result.exit_code == 1
    assert "bad luck" in result.stderr
    assert "ZeroDivisionError: nobody foresaw this" in result.stderr
    found = rows(folder)
    assert [(row["size"], row["status"]) for row in found[::2]] == [
        ("13", "failed"),
        ("2", "finished"),
        ("14", "failed"),
        ("3", "finished"),
    ]
    assert "bad luck" in found[0]["error"]
    assert any("Traceback" in file.read_text() for file in (folder / "errors").iterdir())


RAISING = """
import torch

class Mine(torch.optim.SGD):
    def __init__(self, parameters, lr: float = 0.1):
        super().__init__(parameters, lr=lr)
        self.made = 0

    def step(self, closure=None):
        self.made += 1
        if self.made > 21:
            raise ValueError("too far")
        super().step()
"""


def test_an_error_of_a_users_own_file_stands_in_the_table_with_its_line(tmp_path):
    (tmp_path / "mine.py").write_text(RAISING)
    folder = tmp_path / "out"
    command = ["sweep", "surface:f=booth", "-o", f"{tmp_path / 'mine.py'}:lr=[1e-3,1e-4]", "--steps", "40"]
    result = CliRunner().invoke(commands, [*command, "--jobs", "1", "--out", str(folder)], catch_exceptions=False)
    assert result.exit_code == 1
    assert {row["error"] for row in rows(folder)} == {f"ValueError: too far ({tmp_path / 'mine.py'}, line 12)"}


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["surfac", "-o", "sgd"], "did you mean 'surface'"),
        (["surface", "-o", "sgd:lr=[1,two]"], "lr=two of optimizer sgd is not understood"),
        (["surface:f=[nowhere,nothing]", "-o", "sgd"], "nowhere"),
        (["surface", "-o", "sgd", "--record", "nothing"], "no channel to record named 'nothing'"),
        (["surface", "-o", "sgd", "--steps", "0"], "0 steps cannot be trained"),
        (["surface:grid=512", "-o", "sgd:lr=log(1e-4,1,200)", "--seeds", "0:64"], "would write .* GB"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(command, words, tmp_path):
    with pytest.raises(DynvizError, match=words):
        CliRunner().invoke(commands, ["sweep", *command, "--out", str(tmp_path / "out")], catch_exceptions=False)
    assert not (tmp_path / "out").exists()


def test_only_a_sweep_is_gone_on_with_and_only_with_the_files_that_it_began_with(tmp_path):
    with pytest.raises(DynvizError, match=r"is not a sweep: it has no sweep\.json"):
        CliRunner().invoke(commands, ["sweep", "--resume", str(tmp_path), "--trust", "/"], catch_exceptions=False)
    task = tmp_path / "mine.py"
    shutil.copy(SLOW, task)
    done = dynviz.sweep(f"{task}:seconds=0,steps=2", "sgd", jobs=1, out=tmp_path / "out")
    assert done.finished == {done.jobs[0].name}
    task.write_text(task.read_text() + "\n# another one\n")
    with pytest.raises(DynvizError, match=r"mine\.py has changed since the run began"):
        CliRunner().invoke(commands, ["sweep", "--resume", str(done.folder), "--trust", "/"], catch_exceptions=False)


def test_little_memory_makes_more_jobs(tmp_path):
    done = dynviz.sweep("surface:grid=8", "sgd:lr=log(1e-4,1e-3,3)", steps=3, memory=1e-9, jobs=1, out=tmp_path / "a")
    assert [len(job.lanes) for job in done.jobs] == [1, 1, 1]
    assert [row.hyperparameters["lr"] for row in done.outcomes] == pytest.approx([1e-4, 10**-3.5, 1e-3])


@pytest.mark.slow
def test_a_sweep_that_is_killed_goes_on_and_redoes_nothing(tmp_path, held):
    task, rule = f"{held}:size=[2,3,4],steps=150,seconds=0", "adamw:lr=[.1,.01]"
    second = held.with_name("hold-3")
    second.touch()
    folder, whole = tmp_path / "out", tmp_path / "whole"
    with started(task, "-o", rule, "--jobs", 1, "--out", folder) as process:
        wait_for(lambda: len(finished_jobs(folder)) == 1 and list(folder.glob("002*/*/checkpoints/[1-9]*.npz")))
        process.kill()
    second.unlink()
    (done,) = finished_jobs(folder)
    before = {path: path.stat().st_mtime_ns for path in (folder / done).rglob("*") if path.name != "lock"}
    result = CliRunner().invoke(commands, ["sweep", "--resume", str(folder), "--trust", "/"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert "1 already done" in result.stderr
    dynviz.sweep(task, rule, jobs=1, out=whole)
    assert everything(folder) == everything(whole)
    assert [row["loss"] for row in rows(folder)] == [row["loss"] for row in rows(whole)]


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced_and_its_job_gone_on_with(tmp_path, held):
    waits = held.with_name("hold-2")
    waits.touch()
    folder, whole = tmp_path / "out", tmp_path / "whole"
    with started(f"{held}:steps=300,seconds=0", "-o", "adamw:lr=[.1,.01]", "--jobs", 1, "--out", folder) as process:
        wait_for(lambda: list(folder.glob("001*/*/checkpoints/*.npz")))
        workers = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True)
        (worker,) = map(int, workers.stdout.split())
        os.kill(worker, signal.SIGKILL)
        waits.unlink()
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said
    assert "its process died; another one takes over" in said
    dynviz.sweep(f"{SLOW}:steps=300,seconds=0", "adamw:lr=[.1,.01]", jobs=1, out=whole)
    assert list(everything(folder).values()) == list(everything(whole).values())


@pytest.mark.slow
def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(tmp_path):
    folder = tmp_path / "out"
    # They take minutes: neither is done before it is stopped.
    with started(f"{SLOW}:size=[2,3],steps=100000", "-o", "sgd", "--jobs", 2, "--out", folder) as process:
        wait_for(lambda: len([path for path in folder.glob("*/*/channels/loss.npy") if path.stat().st_size > 300]) == 2)
        with pytest.raises(DynvizError, match="is being written by another run"):
            CliRunner().invoke(commands, ["sweep", "--resume", str(folder), "--trust", "/"], catch_exceptions=False)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
    assert f"stopped with 0 of 2 jobs done; continue with: dynviz sweep --resume {folder} --trust {SLOW}" in said
    assert {recording.status for recording in open_all([folder])} == {"interrupted"}


@pytest.mark.slow
def test_a_disk_that_is_full_loses_no_job_that_is_done(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=600k", "none", disk]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        folder = disk / "out"
        command = ["sweep", f"{SLOW}:size=[2,2000,3],seconds=0", "-o", "sgd", "--record", "parameters", "--jobs", "1"]
        result = CliRunner().invoke(commands, [*command, "--out", str(folder)], catch_exceptions=False)
        assert result.exit_code == 1
        assert "No space left on device" in result.stderr
        first = Recording(next(folder.glob("001*")) / "sgd")
        assert (first.status, len(first["loss"])) == ("finished", 101)
        kept = everything(next(folder.glob("001*")))
        subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
        again = CliRunner().invoke(commands, ["sweep", "--resume", str(folder), "--trust", "/"], catch_exceptions=False)
        assert again.exit_code == 0, again.output
        assert [row["status"] for row in rows(folder)] == ["finished"] * 3
        assert everything(next(folder.glob("001*"))) == kept
        shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns("lock"))
        assert len(open_all([tmp_path / "copy"])) == 3
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_job_that_has_no_loss_yet_shows_none(capsys, monkeypatch):
    monkeypatch.setattr("dynviz.cli.sweeping.LINE_SECONDS", -1.0)
    progress = SweepProgress()
    job = Job("001-sgd", Spec("surface"), Spec("sgd"), (Lane(0),))
    progress.begin(Path("sweep"), [job], 0)
    progress.hear(JobReport(job, "moved", 0, 100))
    progress.hear(JobReport(job, "moved", 50, 100, 0.25))
    lines = capsys.readouterr().err.splitlines()[1:]
    assert lines == ["001-sgd: step 0 of 100 (0 of 1)", "001-sgd: step 50 of 100, loss 0.25 (0 of 1)"]


def test_a_job_whose_sweep_was_killed_is_interrupted_and_has_not_failed():
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb", buffering=0) as pipe, pytest.raises(KeyboardInterrupt):  # noqa: PTH123 - a descriptor
        work._Answers(pipe).say("finished")
