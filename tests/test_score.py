"""`dynviz score`: times to targets as the recordings have them, and the scores from them."""

import csv
import json
import math

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import dynviz
from dynviz import plugins
from dynviz.cli import commands
from dynviz.comparison import pictures
from dynviz.comparison.consumption import examples_of, gradients_of
from dynviz.comparison.score import LONGER, factor, own_defaults
from dynviz.comparison.scoring import Score
from dynviz.comparison.spaces import candidate
from dynviz.comparison.targets import Target, steps_to
from dynviz.comparison.timing import StepCost
from dynviz.errors import DynvizError
from dynviz.recording.metadata import Lane
from dynviz.sweeps import launch
from dynviz.training.preparation import tasks

TASKS = ("surface:f=rosenbrock", "surface:f=booth")
ASKED = ["score", *TASKS, "-o", "adam", "-o", "sgd", "--target", "loss=0.1", "--steps", "60", "--trials", "4"]
ASKED += ["--studies", "3", "--jobs", "1"]


def run(*words):
    return CliRunner().invoke(commands, [*words], catch_exceptions=False)


def test_the_picture_says_who_scores_best_unless_two_do():
    first, second = (Score(name, area, {"a": 1.0}, {"a": 1.0}, {}) for name, area in (("adam_w", 0.5), ("sgd", 0.3)))
    scene = pictures.profiles([first, second], 4.0, "tasks", "steps")
    assert (scene.title, scene.readouts[0].text) == ("adam w has the best score over all tasks", "tasks")
    assert [line.label for line in scene.panels[0].marks] == ["adam w: area 0.50", "sgd: area 0.30"]
    assert pictures.profiles([first, first], 4.0, "tasks", "steps").title == "tasks"


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("score")
    done = run(*ASKED, "--out", str(folder / "out"), "--json", str(folder / "a.json"), "--csv", str(folder / "a.csv"))
    assert done.exit_code == 0
    return {row["optimizer"]: row for row in json.loads((folder / "a.json").read_text())}, folder, done.stdout


def test_a_time_is_the_median_over_studies_of_the_fastest_trial(scored):
    rows, folder, _ = scored
    for number, scenario in enumerate(TASKS, 1):
        (place,) = (folder / "out").glob(f"{number:02}-*/trials")
        for recording in dynviz.open(place).recordings:
            reached = steps_to(recording, Target("loss", 0.1))
            seeds = np.array([lane.seed for lane in recording.metadata.lanes])
            assert [(seeds == seed).sum() for seed in range(3)] == [4, 4, 4]
            fastest = [min(reached[seeds == seed]) for seed in range(3)]
            time = rows[recording.metadata.optimizer.title][f"time: {scenario} to loss=0.1"]
            assert (math.inf if time is None else time) == sorted(fastest)[1]


def test_scores_are_between_0_and_1_and_told_with_what_the_tasks_are(scored):
    rows, _, text = scored
    assert all(0 <= row["score_low"] <= row["score_high"] <= 1 for row in rows.values())
    assert max(row["score"] for row in rows.values()) > 0.4
    assert "small tasks of dynviz" in text
    assert "not AlgoPerf's workloads" in text.replace("\n", " ")


def test_a_score_is_resumed_and_drawn_without_training(scored, monkeypatch):
    rows, folder, text = scored
    monkeypatch.setattr(launch, "begin", None)
    again = run("score", "--resume", str(folder / "out"), "--picture", str(folder / "profiles.png"), "--jobs", "1")
    assert again.stdout == text
    with Image.open(folder / "profiles.png") as picture:
        assert picture.size == (640, 480)
        assert "adam" in picture.info["Description"]
    assert [row["optimizer"] for row in csv.DictReader((folder / "a.csv").read_text().splitlines())] == list(rows)


def test_self_tuning_takes_the_rules_own_defaults_and_three_times_the_steps(tmp_path):
    asked = ["score", "voronoi:model=labels,grid=8", "-o", "adamw", "-o", "sgd", "--ruleset", "self", "--studies", "2"]
    asked += ["--target", "val_loss=0.6", "--steps", "20", "--unit", "gradients", "--jobs", "1"]
    assert run(*asked, "--out", str(tmp_path / "out")).exit_code == 0
    (place,) = (tmp_path / "out").glob("*/trials")
    for recording in dynviz.open(place).recordings:
        assert recording.total == LONGER * 20
        lr = recording.metadata.hyperparameters["lr"].value
        assert lr == plugins.load("optimizers", recording.label).options["lr"].default


def test_defaults_replace_only_what_a_protocol_recommends():
    scenario = plugins.load("scenarios", "voronoi:model=labels")
    (task,) = tasks(scenario, (Lane(0, {}),))
    given = own_defaults(candidate("adamw:weight_decay=0.5", tuned=False), task).plugin.given
    assert given == {"lr": 1e-3, "weight_decay": 0.5}


def test_gradients_and_examples_are_counted():
    assert gradients_of(plugins.load("optimizers", "adam")) == 1
    assert gradients_of(plugins.load("optimizers", "sgd+sam:rho=0.1")) == 2
    assert gradients_of(plugins.load("optimizers", "torch.optim.LBFGS")) == 0
    with pytest.raises(DynvizError, match="any number of gradients"):
        factor(StepCost(1.0, 0, 0), "gradients", "torch.optim.LBFGS")
    assert factor(StepCost(250.0, 0), "seconds", "adam") == 250e-6
    assert examples_of(plugins.load("scenarios", "surface:f=booth")) == (0, "examples")
    count, unit = examples_of(plugins.load("scenarios", "voronoi:grid=8"))
    (task,) = tasks(plugins.load("scenarios", "voronoi:grid=8"), (Lane(0, {}),))
    assert (count, unit) == (len(task.batches(0, 1)[0][0]), "examples")
    for text, examples in (("imbalance:model=transformer,batch=8", 8), ("gradient-noise:data=language", 32)):
        scenario = plugins.load("scenarios", text)
        (task,) = tasks(scenario, (Lane(0, {}),))
        length = task.constants["inputs"].shape[1]
        assert length > 1
        assert examples_of(scenario) == (examples * length, "tokens")


def test_published_times_are_scored_without_training(tmp_path):
    text = run("score", "--published", "--html", str(tmp_path / "page.html")).stdout
    assert "0.5679" in text
    assert "ResNet-50 on ImageNet, ER 0.22569, budget 63 008 s" in text.replace("\n", " ").replace("\u2009", " ")
    assert "<svg" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["surface", "-o", "adam"], "--target"),
        (["surface", "-o", "adam", "--target", "loss=1", "--size", "10x10"], "--size is of the picture"),
        (["surface", "-o", "adam", "--target", "loss=1", "--ruleset", "self", "--trials", "3"], "no effect"),
        (["--published", "--steps", "3"], "it takes no steps"),
        (["--published", "--unit", "gradients"], "seconds and in steps"),
    ],
)
def test_options_without_effect_are_refused(words, message):
    done = CliRunner().invoke(commands, ["score", *words])
    assert done.exit_code == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--target", "loss=1", "--target", "loss=2", "--target", "loss=3"], "3 targets for 2 scenarios"),
        (["--target", "nope=1"], "nope"),
        (["--target", "loss=1", "--record", "position"], "is of no target"),
        (["--target", "loss=1", "-o", "adam"], "named twice"),
        (["--target", "loss=1", "--picture", "a.gif"], "one of png, svg, pdf"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_no_folder(tmp_path, words, message):
    with pytest.raises(DynvizError, match=message):
        run("score", *TASKS, "-o", "adam", "--steps", "3", *words, "--out", str(tmp_path / "out"))
    assert not list(tmp_path.iterdir())
