"""`dynviz bench`: every figure says what it is beside, whether it comes to its target, or why it was left out."""

import json
import math

import pytest
from click.testing import CliRunner

from dynviz.bench import exports, figure, screens, training
from dynviz.bench.figure import Figure, ratio
from dynviz.cli import commands


@pytest.fixture
def measured(monkeypatch):
    """Each part gives figures that are made up."""
    given = {
        training: [Figure("one lane", "the loop", 1.5, "x as fast", 1.1), Figure("compiled", skipped="no compiler")],
        exports: [Figure("size", "mimsave", 0.5, "x the size", 0.3, most=True)],
        screens: [Figure("many centers", "", 7.25, "ms")],
    }
    for module, found in given.items():
        monkeypatch.setattr(module, "figures", lambda folder, quick, found=found: iter(found))


def run(*arguments):
    result = CliRunner().invoke(commands, ["bench", *arguments], catch_exceptions=False, env={"COLUMNS": "120"})
    assert result.exit_code == 0
    return result.stdout


def test_json_holds_every_figure_and_the_machine(measured):
    tree = json.loads(run("--json"))
    assert [each["name"] for each in tree["figures"]] == ["one lane", "compiled", "size", "many centers"]
    assert [each["reached"] for each in tree["figures"]] == [True, None, False, None]
    assert tree["figures"][1]["value"] is None
    assert tree["figures"][1]["skipped"] == "no compiler"
    assert {"cores", "python", "torch"} <= set(tree["machine"])


def test_the_table_says_value_target_and_what_it_is_beside(measured):
    lines = [" ".join(line.split()) for line in run().splitlines()]
    assert lines[:-1] == [
        "beside the loop",
        "one lane cpu 1.5 x as fast ≥ 1.1",
        "",
        "compiled cpu no compiler",
        "beside mimsave",
        "size cpu .5 x the size ≤ .3",
        "",
        "many centers cpu 7.25 ms",
    ]


def test_parts_can_be_measured_alone(measured):
    assert [each["name"] for each in json.loads(run("exports", "--json"))["figures"]] == ["size"]


def test_a_ratio_is_how_many_times_as_fast_ours_is(monkeypatch):
    now = [0.0]

    def takes(*seconds):
        left = iter(seconds)
        return lambda: now.__setitem__(0, now[0] + next(left))

    monkeypatch.setattr(figure.time, "perf_counter", lambda: now[0])
    # A first call that warms up; then one pair that the machine disturbs.
    ours, theirs = takes(5, 0.002, 0.002, 3), takes(5, 0.02, 0.02, 0.02)
    assert ratio(ours, theirs, pairs=3) == pytest.approx(10)


def test_the_ways_that_are_timed_do_the_same_work(tmp_path):
    trainer = training.recording(training.TEN, tmp_path / "run", steps=40)
    training.advance(trainer, 20)()
    training.advance(trainer, 20)()
    assert trainer.finished
    every_step = [name for name, info in trainer.writer.metadata.channels.items() if info.every == 1]
    assert len(every_step) == 10
    trainer.close()
    training.bare(training.prepare(()), 3)()
    training.plain_loop(3)()


def test_the_films_that_are_timed_can_be_drawn(tmp_path):
    exports.ours(2, tmp_path / "ours.gif")
    assert (tmp_path / "ours.gif").stat().st_size > 1000
    assert 0 < screens.milliseconds(screens.dashboard, 3) < 1000
    assert math.isnan(Figure("").value)
