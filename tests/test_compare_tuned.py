"""`dynviz compare --tune`: equal budgets, seeds apart, and the table beside what the recordings say."""

import csv
import json
import math
import re

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import dynviz
from dynviz.cli import commands
from dynviz.comparison import plan
from dynviz.comparison.request import FIRST_SEED, ComparisonRequest
from dynviz.comparison.rows import Row, against_best, row_of
from dynviz.comparison.targets import LaneResult, Target, lane_results, steps_to
from dynviz.comparison.words import columns
from dynviz.errors import DynvizError
from dynviz.sweeps import launch

SCENARIO = "surface:f=rosenbrock,spread=0.3"
ASKED = ["compare", SCENARIO, "-o", "adamw", "-o", "sgd:lr=1e-3", "-o", "sgd", "--steps", "39", "--tune", "4"]
ASKED += ["--studies", "2", "--seeds", "0:6", "--target", "loss=1", "--jobs", "1"]


def run(*words):
    return CliRunner().invoke(commands, [*words], catch_exceptions=False)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned")
    done = run(*ASKED, "--out", str(folder / "out"), "--format", "json", "--csv", str(folder / "table.csv"))
    assert done.exit_code == 0
    return {row["optimizer"]: row for row in json.loads(done.stdout)}, folder


def trials(folder, which):
    (place,) = (folder / "out").glob(f"*/{which}")
    return dynviz.open(place).outcomes


def test_budgets_are_equal_and_seeds_of_tuning_are_never_measured(tuned):
    _, folder = tuned
    tuning, evaluation = trials(folder, "tuning"), trials(folder, "evaluation")
    rates = {
        name: [lane.hyperparameters["lr"] for lane in tuning if lane.optimizer == name] for name in ("adamw", "sgd")
    }
    assert len(set(rates["adamw"])) == 2 * 4
    # sgd was given once with a fixed rate, of which each study trains one lane.
    assert len(rates["sgd"]) == 2 * 4 + 2
    assert {lane.seed for lane in tuning} == {FIRST_SEED, FIRST_SEED + 1}
    assert {lane.seed for lane in evaluation} == set(range(6))


def test_each_study_chooses_its_best_point(tuned):
    rows, folder = tuned
    for study in range(2):
        lanes = [
            lane for lane in trials(folder, "tuning") if lane.optimizer == "adamw" and lane.seed == FIRST_SEED + study
        ]
        best = min(lanes, key=lambda lane: lane.end)
        assert rows["adamw"]["settings"][study] == f"adamw:lr={best.hyperparameters['lr']}"


def test_values_are_those_of_the_evaluated_lanes_by_study_and_seed(tuned):
    rows, folder = tuned
    by_setting = {}
    for lane in trials(folder, "evaluation"):
        by_setting[f"{lane.optimizer}:lr={lane.hyperparameters['lr']}", lane.seed] = lane.end
    for row in rows.values():
        ends = [by_setting[setting, seed] for setting in row["settings"] for seed in range(6)]
        values = [math.inf if value is None else value for value in row["values"]]
        # The loss is the mean over the same last samples in both.
        assert values == pytest.approx(ends, rel=1e-6)
        assert row["lanes"] == 12


def test_the_best_is_first_and_the_others_are_compared_with_it(tuned):
    rows, _ = tuned
    values = [math.inf if row["value"] is None else row["value"] for row in rows.values()]
    assert values == sorted(values)
    first, *others = rows.values()
    assert first["verdict"] == "best"
    assert {row["verdict"] for row in others} <= {"worse", "within noise"}
    for row in others:
        expected = np.array([math.inf if v is None else v for v in row["values"]]) - np.array(first["values"])
        assert row["difference"] == pytest.approx(np.median(expected), rel=1e-6)


def test_the_csv_file_has_the_same_rows(tuned):
    rows, folder = tuned
    table = {row["optimizer"]: row for row in csv.DictReader((folder / "table.csv").read_text().splitlines())}
    assert list(table) == list(rows)
    assert float(table["adamw"]["value"]) == rows["adamw"]["value"]
    assert table["adamw"]["settings"].split(";") == rows["adamw"]["settings"]


def test_what_is_done_is_done_once_and_the_page_says_what_was_chosen(tuned, monkeypatch):
    rows, folder = tuned
    page = folder / "table.html"
    monkeypatch.setattr(launch, "begin", None)
    again = run("compare", "--resume", str(folder / "out"), "--format", "json", "--html", str(page), "--jobs", "1")
    assert {row["optimizer"]: row for row in json.loads(again.stdout)} == rows
    text = page.read_text()
    assert all(setting in text for row in rows.values() for setting in row["settings"])
    assert "http" not in text


def test_a_comparison_that_is_stopped_continues(tuned, tmp_path, monkeypatch):
    rows, _ = tuned
    begin = launch.begin
    calls = []

    def stopped(*arguments, **options):
        calls.append(options["out"])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return begin(*arguments, **options)

    monkeypatch.setattr(launch, "begin", stopped)
    done = run(*ASKED, "--out", str(tmp_path / "out"))
    assert done.exit_code == 130
    assert f"continue with: dynviz compare --resume {tmp_path / 'out'}" in done.stderr
    done = run("compare", "--resume", str(tmp_path / "out"), "--format", "json", "--jobs", "1")
    for row in json.loads(done.stdout):
        assert (row["settings"], row["values"]) == (
            rows[row["optimizer"]]["settings"],
            rows[row["optimizer"]]["values"],
        )


def test_the_table_for_people_says_in_words_what_is_noise(tuned):
    _, folder = tuned
    text = run("compare", "--resume", str(folder / "out"), "--jobs", "1").stdout
    assert "6 seeds in 2 studies" in text
    assert re.search(r"Within the noise of|beyond the noise", text)
    assert "steps to target" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tune", "2", "--seeds", "1000000:1000008"], "are for tuning"),
        (["--tune", "2", "-o", "adamw"], "named twice"),
        (["--tune", "2", "--target", "loss"], "is not a target"),
        (["--tune", "2", "--by", "nope"], "nope"),
        (["--tune", "2", "-o", "sgd:lr=log(1e-4,1,9)"], "is a grid"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_no_folder(tmp_path, words, message):
    with pytest.raises(DynvizError, match=message):
        run("compare", "surface", "-o", "adamw", "--steps", "3", *words, "--out", str(tmp_path / "out"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["surface", "--studies", "3"], "--studies has no effect without --tune"),
        (["--resume", "x", "--steps", "3"], "--resume keeps what was asked for"),
        ([], "name a scenario"),
    ],
)
def test_options_without_effect_are_refused(words, message):
    done = CliRunner().invoke(commands, ["compare", *words])
    assert done.exit_code == click.UsageError.exit_code
    assert message in done.stderr


def test_only_a_comparisons_folder_is_resumed(tmp_path):
    with pytest.raises(DynvizError, match="cannot be resumed"):
        run("compare", "--resume", str(tmp_path))
    request = ComparisonRequest(("surface",), ("adamw",), (0,))
    plan.save(tmp_path / "other", "score", request)
    with pytest.raises(DynvizError, match="but of dynviz score"):
        run("compare", "--resume", str(tmp_path / "other"))


def test_a_comparison_does_not_run_code_of_others_without_consent(tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text("from dynviz.optimizers.sgd import SGD\noptimizer = SGD\n")
    asked = ["compare", "surface", "-o", f"{mine}:lr=log(1e-4,1e-3)", "--tune", "2", "--studies", "1", "--steps", "3"]
    assert run(*asked, "--out", str(tmp_path / "out"), "--seeds", "1", "--jobs", "1").exit_code == 0
    with pytest.raises(DynvizError, match="--trust"):
        run("compare", "--resume", str(tmp_path / "out"))
    assert run("compare", "--resume", str(tmp_path / "out"), "--trust", str(mine)).exit_code == 0


def test_targets_are_found_in_the_channel(tmp_path):
    done = dynviz.run(SCENARIO, "adamw:lr=0.1", steps=40, seeds="0:4", out=tmp_path / "run")
    recording = done["adamw"]
    losses = recording["loss"]
    reached = steps_to(recording, Target("loss", 1.0))
    for lane in range(4):
        hits = np.flatnonzero(losses[:, lane] <= 1.0)
        assert reached[lane] == (hits[0] if len(hits) else math.inf)
    with pytest.raises(DynvizError, match="no channel"):
        lane_results(recording, by="accuracy")
    with pytest.raises(DynvizError, match="one number per lane"):
        lane_results(recording, by="position")


def test_where_higher_is_better_the_highest_is_the_best():
    def row(name, values):
        return row_of(name, [LaneResult("val_accuracy", higher=True, value=value, loss=1.0) for value in values])

    lost = row_of("lost", [LaneResult("val_accuracy", higher=True, diverged=True) for _ in range(6)])
    good, bad = row("good", np.linspace(0.8, 0.9, 6)), row("bad", np.linspace(0.5, 0.6, 6))
    best, second, last = against_best([lost, bad, good])
    assert [best.optimizer, second.optimizer, last.optimizer] == ["good", "bad", "lost"]
    assert best.interval.value == pytest.approx(0.85)
    assert best.interval.low < 0.85 < best.interval.high
    assert second.difference.value == pytest.approx(0.3)
    assert (second.verdict, last.verdict) == ("worse", "worse")
    assert last.interval.value == -math.inf


def results(values):
    return [LaneResult(value=value, loss=value, diverged=math.isinf(value)) for value in values]


def test_the_table_has_the_correlation_with_the_best_over_seeds_that_did_not_diverge():
    rng = np.random.default_rng(3)
    # Seeds whose tasks are harder are so for both of the first two.
    hard = rng.standard_normal(12)
    good = 0.3 + 0.1 * hard
    near, other = good + 0.1 + 0.03 * rng.standard_normal(12), 0.6 + 0.1 * rng.standard_normal(12)
    near[4] = math.inf
    named = {"good": good, "near": near, "other": other, "constant": np.full(12, 1.5)}
    rows = against_best([row_of(name, results(values.tolist()), studies=2) for name, values in named.items()])
    expected = [
        np.nan,
        np.corrcoef(np.delete(near, 4), np.delete(good, 4))[0, 1],
        np.corrcoef(other, good)[0, 1],
        np.nan,
    ]
    np.testing.assert_allclose([row.correlation for row in rows], expected, rtol=1e-12)
    assert expected[1] > 0.9
    header, cells = columns(rows, wide=True)
    shown = [cell[header.index("correlation")] for cell in cells]
    assert shown == ["", f"{expected[1]:.2f}", f"{expected[2]:.2f}", ""]
    assert "correlation" not in columns(rows, wide=False)[0]
    written = [row.to_json()["correlation"] for row in rows]
    assert written == [None, pytest.approx(expected[1]), pytest.approx(expected[2]), None]


def test_correlations_stand_in_every_file(tuned, tmp_path):
    rows, folder = tuned
    best, *others = rows.values()
    expected = {
        row["optimizer"]: np.corrcoef(row["values"], best["values"])[0, 1]
        for row in others
        if None not in row["values"]
    }
    assert expected
    html, markdown = tmp_path / "page.html", ["compare", "--resume", str(folder / "out"), "--format", "markdown"]
    lines = run(*markdown, "--html", str(html)).stdout.splitlines()
    place = [cell.strip() for cell in lines[0].split("|")].index("correlation")
    shown = {line.split("|")[1].strip(" `"): line.split("|")[place].strip() for line in lines[2:]}
    table = {
        row["optimizer"]: row["correlation"] for row in csv.DictReader((folder / "table.csv").read_text().splitlines())
    }
    for optimizer, value in expected.items():
        assert rows[optimizer]["correlation"] == pytest.approx(value)
        assert float(table[optimizer]) == pytest.approx(value)
        assert shown[optimizer] == f"{value:.2f}"
        assert f"<td>{value:.2f}</td>" in html.read_text()
    assert "<th>correlation</th>" in html.read_text()


def test_rows_without_results_stay_without_verdict():
    rows = against_best([Row("refused", refused="no", scenario="a"), Row("other", refused="no", scenario="a")])
    assert [row.verdict for row in rows] == ["", ""]


def test_the_curves_of_the_runs_that_count_are_a_picture(tuned, tmp_path):
    _, folder = tuned
    for name in ("curves.png", "curves.svg"):
        again = ["compare", "--resume", str(folder / "out"), "--jobs", "1", "--picture", str(tmp_path / name)]
        done = run(*again, "--size", "400x300")
        assert f"wrote {tmp_path / name}" in done.stderr
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size == (400, 300)
    text = (tmp_path / "curves.svg").read_text()
    assert all(name in text for name in ("adamw", "sgd"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["surface", "voronoi", "--picture", "x.png"], "curves of one scenario"),
        (["surface", "--size", "10x10"], "--size is of the picture"),
    ],
)
def test_a_picture_is_of_one_scenario(words, message):
    assert message in CliRunner().invoke(commands, ["compare", *words]).stderr
