"""`dynviz ladder`: changes stacked, times to a target, and the verdicts from them."""

import json
import math

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import dynviz
from dynviz.cli import commands
from dynviz.comparison import ladder_picture
from dynviz.comparison.ladder import LadderRequest, Rung, changed, climb, stack, survival
from dynviz.comparison.statistics import Estimate
from dynviz.comparison.targets import Target, steps_to
from dynviz.comparison.trials import TrialRunner
from dynviz.errors import DynvizError
from dynviz.plugins.spec import parse
from dynviz.scene.marks import Bars, Line, Points, Text
from dynviz.scene.ticks import ticks
from dynviz.sweeps import launch
from dynviz.sweeps.jobs import Settings

# On a quadratic, gradient descent takes the same number of steps for the same factor at every seed: a closed form.
SCENARIO = "surface:f='x**2+y**2',spread=0.2"
ASKED = ["ladder", SCENARIO, "-o", "sgd:lr=0.01", "--change", "lr=0.02", "--change", "nesterov=false"]
ASKED += ["--change", "lr=0.005", "--target", "loss=0.01", "--steps", "800", "--seeds", "0:6", "--jobs", "1"]


def run(*words):
    return CliRunner().invoke(commands, [*words], catch_exceptions=False)


@pytest.fixture(scope="module")
def climbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ladder")
    sizes = ["--at", "noise=0", "--at", "noise=0.01"]
    done = run(*ASKED, *sizes, "--out", str(folder / "out"), "--json", str(folder / "a.json"))
    assert done.exit_code == 0
    return json.loads((folder / "a.json").read_text()), folder, done.stdout


def test_verdicts_and_ratios_are_those_of_the_closed_form(climbed):
    rungs, _, _ = climbed
    quiet = [rung for rung in rungs if rung["size"] == "noise=0"]
    assert [rung["effect"] for rung in quiet] == ["start", "helps", "within noise", "hurts"]
    # theta shrinks by 1 - 2 lr at each step.
    shrink = [math.log(1 - 2 * lr) for lr in (0.01, 0.02, 0.02, 0.005)]
    for number in (1, 2, 3):
        assert quiet[number]["ratio"] == pytest.approx(shrink[number - 1] / shrink[number], rel=0.03)


def test_steps_are_those_of_the_recordings(climbed):
    rungs, folder, _ = climbed
    by_rate = {}
    for recording in dynviz.open(folder / "out" / "01-01").recordings:
        reached = steps_to(recording, Target("loss", 0.01))
        for lane, steps in zip(recording.metadata.lanes, reached, strict=True):
            lr = lane.hyperparameters.get("lr", recording.metadata.hyperparameters["lr"].value)
            by_rate.setdefault(lr, {})[lane.seed] = steps
    start = rungs[0]
    assert start["steps"] == [by_rate[0.01][seed] for seed in range(6)]
    assert start["time"] == np.median(start["steps"])


def test_it_says_whether_a_change_survives_scale(climbed):
    _, _, text = climbed
    assert "lr=0.02 at all sizes: helps." in text
    assert "nesterov=false at all sizes: within noise." in text


def test_it_is_resumed_and_drawn_without_training(climbed, monkeypatch):
    _, folder, text = climbed
    monkeypatch.setattr(launch, "begin", None)
    picture = folder / "bars.png"
    again = run("ladder", "--resume", str(folder / "out"), "--picture", str(picture), "--theme", "dark", "--jobs", "1")
    assert again.stdout == text
    with Image.open(picture) as image:
        assert image.size == (640, 480)
        assert "helps" in image.info["Description"]


def test_changes_stack():
    request = LadderRequest(
        ("surface",), ("sgd:lr=0.1",), (0,), changes=("momentum=0.9", "+sam:rho=0.1", "scenario.f=booth", "adam")
    )
    rungs = stack(request, "spread=0.5")
    assert [str(rule) for _, rule in rungs] == [
        "sgd:lr=0.1",
        "sgd:lr=0.1,momentum=0.9",
        "sgd+sam:lr=0.1,momentum=0.9,rho=0.1",
        "sgd+sam:lr=0.1,momentum=0.9,rho=0.1",
        "adam",
    ]
    assert [str(task) for task, _ in rungs][2:] == ["surface:spread=0.5", *["surface:f=booth,spread=0.5"] * 2]


def test_a_change_may_set_options_of_both():
    scenario, rule = changed("lr=1,scenario.f=booth", parse("surface:noise=1"), parse("sgd:lr=2,momentum=0.5"))
    assert (str(scenario), str(rule)) == ("surface:noise=1,f=booth", "sgd:lr=1,momentum=0.5")


def test_a_change_of_the_scenario_is_trained_apart_and_a_missed_target_is_infinite(tmp_path):
    request = LadderRequest(
        ("surface:f=booth",),
        ("sgd:lr=1e-5",),
        (0, 1, 2),
        changes=("scenario.noise=1", "lr=0.05"),
        target="loss=0.5",
        steps=60,
    )
    rungs = climb(request, tmp_path, TrialRunner(Settings(60), tmp_path, launch.Resources(1)))
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"01-01", "01-02"}
    assert rungs[0].missed == rungs[1].missed == 3
    assert rungs[1].ratio.value == 1.0
    assert rungs[2].ratio.value == 0.0
    assert [rung.effect for rung in rungs[1:]] == ["missed", "too few seeds"]
    first, second = survival(rungs)
    assert first == "scenario.noise=1: missed the target, as before."
    assert second == "lr=0.05: too few seeds; more seeds reach the target than before."
    assert "missed" in ladder_picture.description(rungs, "steps")
    marks = ladder_picture.picture(rungs, "title", "steps").panels[0].marks
    words = [mark.text for mark in marks if isinstance(mark, Text)]
    assert words.count("3 of 3 seeds") == words.count("miss the target") == 2
    assert rungs[0].to_json()["time"] is None


def test_no_interval_runs_off_the_top_and_schedules_after_one_another_are_named():
    steps = (100.0,) * 6
    change = "lr=warmup(0.03,100) then cosine(0.03)"
    time, ratio = Estimate(100.0, 90.0, 400.0, 6), Estimate(2.0, 1.5, 3.0, 6)
    rung = Rung("", 1, change, "adamw", steps, time, ratio, "hurts", 1.0, 0.0, "")
    scene = ladder_picture.picture([rung], "Steps until the loss is 1", "steps")
    panel = scene.panels[0]
    assert panel.y.limits[1] > 400
    words = [mark.text for mark in panel.marks if isinstance(mark, Text)]
    assert not any("(" in text for text in words)
    assert (scene.title, scene.readouts[0].text) == ("lr warmup then cosine hurts", "Steps until the loss is 1.")
    assert "no upper end" not in scene.readouts[1].text
    # The interval is in the middle of its bar, and ends below the words.
    (bar,) = (mark for mark in panel.marks if isinstance(mark, Bars))
    (line,) = (mark for mark in panel.marks if isinstance(mark, Line))
    assert (np.nanmin(line.x) + np.nanmax(line.x)) / 2 == pytest.approx(bar.x[0])
    assert (np.nanmin(line.y), np.nanmax(line.y)) == (90, 400)
    assert min(mark.y for mark in panel.marks if isinstance(mark, Text)) > 400
    assert not ticks(panel.x)


def test_an_interval_without_an_upper_end_is_an_arrow():
    missed = (100.0, 100.0, math.inf, math.inf)
    time = Estimate(100.0, 90.0, math.inf, 4)
    rung = Rung("", 0, "adamw", "adamw", missed, time, Estimate(1.0, 1.0, 1.0, 4), "start", 1.0, 0.0, "")
    scene = ladder_picture.picture([rung], "Steps until the loss is 1", "steps")
    (tip,) = (mark for mark in scene.panels[0].marks if isinstance(mark, Points))
    assert tip.marker == "up"
    assert tip.y[0] > 100
    assert "no upper end" in scene.readouts[1].text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--change", "nope=1"], "no option"),
        (["--change", "+nope"], "nope"),
        (["--change", "scenario.nope=1"], "no option"),
        (["--change", "lr=[1,2]"], "several values"),
        (["--change", "lr=1", "--at", "nope=3"], "no option"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_no_folder(tmp_path, words, message):
    with pytest.raises(DynvizError, match=message):
        run("ladder", "surface", "-o", "sgd", "--target", "loss=1", *words, "--out", str(tmp_path / "out"))
    assert not list(tmp_path.iterdir())


def test_what_is_missing_is_named():
    done = CliRunner().invoke(commands, ["ladder", "surface", "-o", "sgd"])
    assert done.exit_code == 2
    assert "--change and a --target" in done.stderr
