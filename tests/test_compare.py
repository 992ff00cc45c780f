"""`dynviz compare`: a row for each optimizer, beside what the recordings say."""

import csv
import io
import json

import numpy as np
import pytest
from click.testing import CliRunner

import dynviz
from dynviz import plugins
from dynviz.cli import commands
from dynviz.comparison import Row, sorted_rows
from dynviz.errors import DynvizError

OPTIMIZERS = ("sgd:lr=1e-3", "adamw", "sgd:lr=1e30", "torch.optim.RMSprop:lr=1e-3", "torch.optim.LBFGS")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare") / "out"
    chosen = [word for optimizer in OPTIMIZERS for word in ("-o", optimizer)]
    command = ["compare", "voronoi:model=labels,grid=8", *chosen, "--seeds", "0:4", "--steps", "60"]
    result = CliRunner().invoke(commands, [*command, "--out", str(folder), "--json"], catch_exceptions=False)
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


def test_state_is_counted_a_lane(table):
    rows, _ = table
    recording = next(iter(dynviz.open(rows["adamw"]["folder"]).values()))
    weights = sum(int(np.prod(shape)) for shape in recording.metadata.parameters.values())
    assert rows["adamw"]["state_bytes"] == 2 * 4 * weights
    assert rows["adamw"]["microseconds"] > 1


def test_what_diverges_and_what_is_refused_stops_no_other(table):
    rows, _ = table
    assert rows["sgd:lr=1e30"]["diverged"] == 4
    assert rows["sgd:lr=1e30"]["loss"] is None
    assert "closure" in rows["torch.optim.LBFGS"]["refused"]


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
        "--csv",
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


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    command = ["compare", "surface", "-o", "sgd", "--out", str(tmp_path)]
    with pytest.raises(DynvizError, match="there already"):
        CliRunner().invoke(commands, command, catch_exceptions=False)


def test_rows_are_sorted_by_loss_then_diverged_then_refused():
    rows = [Row("refused", refused="no"), Row("diverged"), Row("worse", 2.0), Row("better", 1.0)]
    assert [row.optimizer for row in sorted_rows(rows)] == ["better", "worse", "diverged", "refused"]
