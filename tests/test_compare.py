"""`dynviz compare`: a row for each optimizer, beside what the recordings say."""

import csv
import io
import json
import signal
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import dynviz
from dynviz import plugins, training
from dynviz.cli import commands
from dynviz.comparison.rows import Row, sorted_rows
from dynviz.comparison.untuned import compare
from dynviz.errors import DynvizError

OPTIMIZERS = ("sgd:lr=1e-3", "adamw", "sgd:lr=1e30", "torch.optim.RMSprop:lr=1e-3", "torch.optim.SparseAdam")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare") / "out"
    chosen = [word for optimizer in OPTIMIZERS for word in ("-o", optimizer)]
    command = ["compare", "voronoi:model=labels,grid=8", *chosen, "--seeds", "0:4", "--steps", "60"]
    result = CliRunner().invoke(commands, [*command, "--out", str(folder), "--format", "json"], catch_exceptions=False)
    assert result.exit_code == 0
    return {row["optimizer"]: row for row in json.loads(result.stdout)}, folder


def test_every_optimizer_has_a_row_the_best_first(table):
    rows, _ = table
    assert set(rows) == set(OPTIMIZERS)
    losses = [row["loss"] for row in rows.values()]
    there = [loss for loss in losses if loss is not None]
    assert there == sorted(there)
    assert losses[len(there) :] == [None] * (len(losses) - len(there))


def test_the_loss_is_that_of_the_last_twentieth(table):
    rows, _ = table
    for optimizer in ("adamw", "sgd:lr=1e-3"):
        row = rows[optimizer]
        recording = next(iter(dynviz.open(row["folder"]).values()))
        ends = recording["loss"][-3:].mean(axis=0, dtype=np.float64)
        low, middle, high = np.quantile(ends, (0.25, 0.5, 0.75))
        assert [row["loss_low"], row["loss"], row["loss_high"]] == pytest.approx([low, middle, high], rel=1e-6)
        assert row["validation"] == pytest.approx(np.median(recording["val_loss"][-1]), rel=1e-6)


def test_the_test_loss_counts_where_there_is_no_validation_loss(tmp_path):
    row = next(compare(["matrix-recovery:M=4"], ["adam"], tmp_path, lambda *_: None, seeds="0:3", steps=20))
    recording = next(iter(dynviz.open(row.folder).values()))
    assert row.validation == pytest.approx(np.median(recording["test_loss"][-1]), rel=1e-6)


def test_state_is_counted_a_lane(table):
    rows, _ = table
    recording = next(iter(dynviz.open(rows["adamw"]["folder"]).values()))
    weights = sum(int(np.prod(shape)) for shape in recording.metadata.parameters.values())
    assert rows["adamw"]["state_bytes"] == 2 * 4 * weights
    assert rows["adamw"]["microseconds"] > 1


def test_state_is_counted_in_the_precision_of_the_parameters(tmp_path):
    # Statistics of both sides of a matrix [4, 4] and of a vector [4], which are kept in float64.
    row = next(compare(["matrix-recovery:M=4"], ["shampoo"], tmp_path, lambda *_: None, seeds="0", steps=2))
    assert row.state_bytes == 4 * (16 + 16 + 16)


def test_what_diverges_and_what_is_refused_stops_no_other(table):
    rows, _ = table
    assert rows["sgd:lr=1e30"]["diverged"] == 4
    assert rows["sgd:lr=1e30"]["loss"] is None
    assert "dense gradients" in rows["torch.optim.SparseAdam"]["refused"]


def test_csv_holds_the_same_columns(tmp_path):
    command = [
        "compare",
        "surface",
        "-o",
        "sgd",
        "--steps",
        "5",
        "--seeds",
        "1",
        "--format",
        "csv",
        "--out",
        str(tmp_path / "out"),
    ]
    (row,) = csv.DictReader(io.StringIO(CliRunner().invoke(commands, command, catch_exceptions=False).stdout))
    assert row["optimizer"] == "sgd"
    assert float(row["loss"]) > 0


def test_the_table_is_for_people_and_by_default_of_every_rule(tmp_path):
    command = ["compare", "surface", "--steps", "3", "--seeds", "0:2", "--out", str(tmp_path / "out")]
    said = CliRunner().invoke(commands, command, catch_exceptions=False, env={"COLUMNS": "100"}).stdout
    for name in plugins.files("optimizers"):
        assert name in said


def said(tmp_path, *words, columns=80):
    command = ["compare", "surface", *words, "--steps", "3", "--seeds", "0:2", "--out", str(tmp_path / "out")]
    return CliRunner().invoke(commands, command, catch_exceptions=False, env={"COLUMNS": str(columns)}).stdout


def test_in_a_narrow_terminal_a_long_name_is_whole_on_a_line_of_its_own(tmp_path):
    long = "adam+proximal-l1+decoupled-l2:lr=warmup(1e-2,50)*cosine(1),decay=0.1"
    rows = said(tmp_path, "-o", long, "-o", "sgd:lr=1e-3").splitlines()
    assert long in rows
    assert max(map(len, rows)) <= 80
    assert rows[rows.index(long) + 1].split()[0][0].isdigit()


def test_scenarios_are_compared_in_turn_each_with_its_own_order(tmp_path):
    command = ["compare", "surface:f=booth", "surface", "-o", "sgd:lr=1e30", "-o", "sgd:lr=1e-3", "--steps", "3"]
    shown = CliRunner().invoke(
        commands, [*command, "--seeds", "1", "--format", "markdown", "--out", str(tmp_path / "out")]
    )
    rows = [[cell.strip() for cell in line.split("|")[1:3]] for line in shown.stdout.splitlines()[2:]]
    assert rows == [
        [f"`{scenario}`", f"`{optimizer}`"]
        for scenario in ("surface:f=booth", "surface")
        for optimizer in ("sgd:lr=1e-3", "sgd:lr=1e30")
    ]
    assert len([path for path in (tmp_path / "out").iterdir() if path.is_dir()]) == 4


@pytest.mark.parametrize("words", [["surface", "-o", "sgd:lr=[1,2]"], ["surface:f=[booth,rosenbrock]", "-o", "sgd"]])
def test_a_grid_belongs_to_sweep(tmp_path, words):
    with pytest.raises(DynvizError, match=r"is a grid; .*: dynviz sweep .?surface"):
        CliRunner().invoke(commands, ["compare", *words, "--out", str(tmp_path / "out")], catch_exceptions=False)
    assert not list(tmp_path.iterdir())


def test_brackets_in_a_name_are_said_as_they_are(tmp_path):
    asked = "torch.optim.NAdam:betas=([bold],0.99)"
    text = said(tmp_path, "-o", asked, "-o", "sgd:lr=1e-3", columns=200)
    assert f"{asked} did not run" in text


def test_where_no_optimizer_runs_that_is_an_error_and_no_folder_is_left(tmp_path):
    command = ["compare", "surface:f=nope", "-o", "adam", "-o", "sgd", "--out", str(tmp_path / "out")]
    with pytest.raises(DynvizError, match="no function named 'nope'") as error:
        CliRunner().invoke(commands, command, catch_exceptions=False)
    assert str(error.value).count("nope") == 1
    assert not (tmp_path / "out").exists()


ASKED = ("compare", "surface", "-o", "sgd:lr=1e-3", "-o", "adam", "--steps", "3", "--seeds", "1")


def test_ctrl_c_leaves_the_table_of_what_was_done_and_what_is_resumed_is_trained_once(tmp_path, monkeypatch):
    train = training.run

    def stopped(scenario, optimizer, **options):
        if optimizer == "adam":
            raise KeyboardInterrupt
        return train(scenario, optimizer, **options)

    monkeypatch.setattr(training, "run", stopped)
    done = CliRunner().invoke(commands, [*ASKED, "--out", str(tmp_path / "one")])
    assert done.exit_code == 130
    assert "sgd" in done.stdout
    assert "1 of 2 optimizers" in done.stderr
    assert f"continue with: dynviz compare --resume {tmp_path / 'one'}" in done.stderr
    alone = CliRunner().invoke(commands, ["compare", "surface", "-o", "adam", "--out", str(tmp_path / "two")])
    assert alone.exit_code == 130
    assert "0 of 1 optimizers" in alone.stderr

    def counted(scenario, optimizer, **options):
        trained.append(optimizer)
        return train(scenario, optimizer, **options)

    trained = []
    monkeypatch.setattr(training, "run", counted)
    words = ["compare", "--resume", str(tmp_path / "one"), "--format", "json"]
    resumed = CliRunner().invoke(commands, words, catch_exceptions=False)
    assert resumed.exit_code == 0
    assert trained == ["adam"]
    again = CliRunner().invoke(commands, words, catch_exceptions=False)
    assert trained == ["adam"]
    whole = CliRunner().invoke(commands, [*ASKED, "--out", str(tmp_path / "whole"), "--format", "json"])
    rows, same, never_stopped = (json.loads(done.stdout) for done in (resumed, again, whole))
    assert rows == same
    assert all(row["microseconds"] > 0 for row in rows)
    assert [(row["optimizer"], row["values"]) for row in rows] == [
        (row["optimizer"], row["values"]) for row in never_stopped
    ]


def test_jobs_are_of_tuning(tmp_path):
    CliRunner().invoke(commands, [*ASKED, "--out", str(tmp_path / "out")], catch_exceptions=False)
    done = CliRunner().invoke(commands, ["compare", "--resume", str(tmp_path / "out"), "--jobs", "1"])
    assert "--jobs has no effect on a comparison without --tune" in done.stderr


def test_code_of_ones_own_is_resumed_with_consent(tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text("from dynviz.optimizers.sgd import SGD\noptimizer = SGD\n")
    asked = ["compare", "surface", "-o", f"{mine}:lr=1e-3", "--steps", "3", "--seeds", "1"]
    assert CliRunner().invoke(commands, [*asked, "--out", str(tmp_path / "out")]).exit_code == 0
    resumed = ["compare", "--resume", str(tmp_path / "out")]
    with pytest.raises(DynvizError, match="--trust"):
        CliRunner().invoke(commands, resumed, catch_exceptions=False)
    assert CliRunner().invoke(commands, [*resumed, "--trust", str(mine)], catch_exceptions=False).exit_code == 0
    mine.write_text("from dynviz.optimizers.sgd import SGD\noptimizer = SGD  # changed\n")
    with pytest.raises(DynvizError, match="has changed"):
        CliRunner().invoke(commands, [*resumed, "--trust", str(mine)], catch_exceptions=False)


def test_noise_is_no_memory_of_an_optimizer(tmp_path):
    sizes = {
        optimizer: next(iter(compare(["surface"], [optimizer], tmp_path / optimizer, lambda *_: None, steps=12)))
        for optimizer in ("adam", "adam+dropout-l2")
    }
    assert sizes["adam+dropout-l2"].state_bytes == sizes["adam"].state_bytes > 0


@pytest.mark.parametrize("moment", ["runs alone", "first run"])
def test_a_comparison_that_is_killed_continues(tmp_path, moment):
    """Killed when it is about to train, and when its first run was laid out."""
    code = f"""
import os, signal, sys
from dynviz import training
from dynviz.cli import commands
from dynviz.training import launch
def kill(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
if {moment!r} == "first run":
    launch.train = kill
else:
    training.run = kill
commands(["compare", "surface", "-o", "sgd", "-o", "adam", "--steps", "3", "--seeds", "1"])
"""
    killed = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    folder = tmp_path / "runs/compare-surface-1"
    runs = [path.name for path in folder.iterdir() if path.is_dir()]
    assert runs == (["01-sgd"] if moment == "first run" else [])
    words = ["compare", "--resume", str(folder), "--format", "json"]
    done = CliRunner().invoke(commands, words, catch_exceptions=False)
    assert [row["refused"] for row in json.loads(done.stdout)] == ["", ""]


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    command = ["compare", "surface", "-o", "sgd", "--out", str(tmp_path)]
    with pytest.raises(DynvizError, match="exists already"):
        CliRunner().invoke(commands, command, catch_exceptions=False)


def test_a_lane_that_diverged_counts_as_infinitely_bad(tmp_path):
    scenario, rules = "surface:f=rosenbrock,spread=0.8", ["sgd:lr=0.0035", "sgd:lr=0.002", "adam"]
    rows = {row.optimizer: row for row in compare([scenario], rules, tmp_path, lambda *_: None, seeds="0:8", steps=100)}
    careless, careful = rows["sgd:lr=0.0035"], rows["sgd:lr=0.002"]
    assert careless.loss == np.inf
    assert 4 < careless.diverged < 8
    assert 0 < careful.diverged < 4
    assert np.isfinite(careful.loss)
    assert [row.optimizer for row in sorted_rows([*rows.values()])][-1] == "sgd:lr=0.0035"


FAILS = """
from dynviz.optimizers.sgd import SGD
import torch

class Fails(torch.optim.SGD):
    steps = 0
    def step(self, closure=None):
        Fails.steps += 1
        if Fails.steps == 21:
            raise ValueError("no more")
        return super().step(closure)

optimizer = Fails
"""


def test_a_rule_that_fails_on_its_way_is_named_with_its_line_and_stops_no_other(tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text(FAILS)
    failed, other = compare(["surface"], [f"{mine}:lr=1e-3", "adam"], tmp_path / "out", lambda *_: None, steps=30)
    assert failed.refused == f"ValueError: no more ({mine}, line 10)"
    assert other.loss > 0
    command = ["compare", "surface", "-o", f"{mine}:lr=1e-3", "-o", "adam", "--steps", "30", "--seeds", "1"]
    done = CliRunner().invoke(commands, [*command, "--out", str(tmp_path / "again")], catch_exceptions=False)
    assert done.exit_code == 0
    assert "failed: ValueError: no more" in done.stderr + done.stdout
    assert 0 < dynviz.open(failed.folder)["mine"].recorded < 21


def test_rows_are_sorted_by_loss_then_diverged_then_refused():
    rows = [Row("refused", refused="no"), Row("diverged"), Row("worse", 2.0), Row("better", 1.0)]
    assert [row.optimizer for row in sorted_rows(rows)] == ["better", "worse", "diverged", "refused"]


def test_seeds_that_change_nothing_are_no_noise_to_compare_with(tmp_path):
    words = ["compare", "surface:f=booth", "-o", "adam", "-o", "sgd", "--steps", "5", "--seeds", "0:6"]
    done = CliRunner().invoke(commands, [*words, "--out", str(tmp_path / "c")], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert "All 6 seeds gave the same results: nothing here depends on the seed" in done.output
    assert "beyond the noise" not in done.output
