"""Performance profiles as they stand at each step, beside those that `dynviz score` computes."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import dynviz
from dynviz.animation.drawing import open_film
from dynviz.charts.profiles import area, profile, ratios_of
from dynviz.cli import commands
from dynviz.comparison.scoring import external_time, scores
from dynviz.errors import DynvizError
from dynviz.recording import open_all
from dynviz.scene.marks import Line

TASKS = ("surface:f=booth,spread=0.2", "surface:f=himmelblau,spread=0.2", "surface:f=beale,spread=0.2")
STEPS = 80
TARGETS = (0.5, 0.2, 0.05)


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("score")
    words = ["score", *TASKS, "-o", "adam", "-o", "sgd", "--studies", "3", "--trials", "4", "--steps", str(STEPS)]
    words += [word for target in TARGETS for word in ("--target", f"loss={target}")]
    words += ["--jobs", "1", "--out", str(folder / "out"), "--json", str(folder / "a.json")]
    assert CliRunner().invoke(commands, words, catch_exceptions=False).exit_code == 0
    recordings = open_all(sorted((folder / "out").glob("*/trials")))
    return {row["optimizer"]: row for row in json.loads((folder / "a.json").read_text())}, recordings


def film(recordings, targets=TARGETS, **options):
    listed = ",".join(f"loss={target}" for target in targets)
    more = "".join(f",{key}={value}" for key, value in options.items())
    return open_film(recordings, f"performance:targets=({listed}){more}")


def lines(scene, panel):
    return [mark for mark in scene.panels[panel].marks if isinstance(mark, Line)]


def times(recordings, until=np.inf):
    """The time to the target by optimizer and task, of trials that were stopped at a step."""
    table = {}
    for task, target in enumerate(TARGETS):
        own = [one for one in recordings if dict(one.metadata.scenario.given)["f"] in TASKS[task]]
        for name in ("adam", "sgd"):
            studies = {}
            for recording in (one for one in own if one.label == name):
                for lane, seed in enumerate(recording.seeds):
                    hits = np.flatnonzero(recording["loss"][:, lane] <= target)
                    first = hits[0] if len(hits) and hits[0] <= until else np.inf
                    studies.setdefault(seed, []).append(float(first))
            assert sorted(map(len, studies.values())) == [4, 4, 4]
            table.setdefault(name, {})[str(task)] = external_time(list(studies.values()))
    return table


def test_at_the_end_the_profiles_are_those_of_the_score(scored):
    rows, recordings = scored
    scene = film(recordings).scene(STEPS)
    assert scene.title == "3 small tasks of dynviz, not AlgoPerf's workloads"
    shown = {line.label: line for line in lines(scene, 0)}
    areas = dict(zip(shown, (readout.text for readout in scene.panels[0].readouts), strict=True))
    found = {one.optimizer: one for one in scores(times(recordings))}
    for name, row in rows.items():
        assert areas[name] == f"{row['score']:.2f}"
        assert found[name].score == pytest.approx(row["score"])
        rises, heights = profile(list(found[name].ratios.values()), 4.0)
        assert shown[name].x.tolist() == np.repeat(rises, 2)[1:].tolist()
        assert shown[name].y.tolist() == np.repeat(heights, 2)[:-1].tolist()
    # The best is named first.
    assert list(shown) == sorted(rows, key=lambda name: -rows[name]["score"])


def test_before_the_end_they_are_those_of_the_times_that_are_known(scored):
    _, recordings = scored
    opened, different = film(recordings), set()
    for step in map(int, opened.steps):
        table = times(recordings, until=step)
        ratios = ratios_of(np.array([list(table[name].values()) for name in table]))
        scene = opened.scene(step)
        for name, row in zip(table, ratios, strict=True):
            (line,) = (one for one in lines(scene, 0) if one.label == name)
            rises, heights = profile(row.tolist(), 4.0)
            assert (line.x.tolist(), line.y.tolist()) == (
                np.repeat(rises, 2)[1:].tolist(),
                np.repeat(heights, 2)[:-1].tolist(),
            )
        different.add(tuple(area(ratios, 4.0)))
        for line, name in zip(lines(scene, 1), [one.label for one in lines(scene, 0)], strict=True):
            assert line.y[opened.steps == step] == np.isfinite(list(table[name].values())).mean()
    assert len(different) > 2


def test_targets_are_one_for_all_or_one_for_each(scored):
    _, recordings = scored
    assert film(recordings, TARGETS[:1], tau=2).scene(STEPS).panels[0].x.limits == (1.0, 2.0)
    with pytest.raises(DynvizError, match="2 targets for 3 tasks"):
        film(recordings, TARGETS[:2])
    with pytest.raises(DynvizError, match="CHANNEL=VALUE"):
        open_film(recordings, "performance:targets=(loss)")
    with pytest.raises(DynvizError, match="tau=1"):
        film(recordings, tau=1)
    with pytest.raises(DynvizError, match="one number per lane"):
        open_film(recordings, "performance:targets=(position=1)")


def test_without_targets_half_of_the_lanes_of_the_best_get_there(tmp_path):
    run = dynviz.run("surface:f=booth,spread=0.2", ["adam", "sgd:lr=0.02"], steps=40, seeds="0:5", out=tmp_path / "run")
    opened = open_film(list(run.values()), "performance")
    ends = {line.label: line.y[-1] for line in lines(opened.scene(40), 0)}
    assert sorted(ends.values()) == [0.0, 1.0]
