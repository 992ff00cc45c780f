"""`dynviz bench`: the time of a step, and what takes it."""

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from dynviz.cli import commands
from dynviz.training import timing


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Each look at the clock is a millisecond after the one before."""
    now = iter(range(1_000_000))
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: next(now) / 1000))


def run(*arguments):
    command = ["bench", "surface:f=booth", *arguments]
    result = CliRunner().invoke(commands, command, catch_exceptions=False, env={"COLUMNS": "120"})
    assert result.exit_code == 0
    return result.stdout


def test_the_table_has_a_row_for_each_optimizer():
    head, *rows = run("-o", "adam", "-o", "sgd+sam:lr=0.1").splitlines()
    words = "scenario optimizer µs a step gradient alone update alone plain PyTorch times as fast"
    assert head.split() == words.split()
    assert [row.split()[:2] for row in rows] == [["surface:f=booth", "adam"], ["surface:f=booth", "sgd+sam"]]


def test_an_optimizer_that_is_named_twice_is_told_apart_by_its_options(monkeypatch):
    def step_times(scenario, optimizer, lanes, request, folder):
        return timing.StepTimes(optimizer=optimizer.label, recorded=3.0, gradient=1.0, update=2.0, plain=9.0)

    monkeypatch.setattr(timing, "step_times", step_times)
    rules = ["sketchy:rank=2", "sketchy:rank=2,iterations=1"]
    words = [word for rule in (*rules, "adam:lr=0.1") for word in ("-o", rule)]
    command = ["bench", "matrix-recovery:M=[4,8]", *words, "--json"]
    rows = json.loads(CliRunner().invoke(commands, command, catch_exceptions=False).stdout)
    assert [row["optimizer"] for row in rows] == 2 * [*rules, "adam"]


def test_json_holds_microseconds_of_a_step_of_all_lanes():
    (row,) = json.loads(run("-o", "adam", "--seeds", "0:3", "--json"))
    assert row["lanes"] == 3
    assert [row["gradient"], row["update"]] == pytest.approx([1000, 1000])
    assert row["plain"] == pytest.approx(3 * 1000 / timing.BLOCK)
    # As many of them are timed together as whole blocks of traced steps fit in.
    assert row["recorded"] == pytest.approx(1000 / timing.BLOCK, rel=0.1)


def test_a_title_without_a_picture_is_refused():
    done = CliRunner().invoke(commands, ["bench", "surface:f=booth", "-o", "adam", "--title", "a"])
    assert (done.exit_code, "--title goes with --picture" in done.output) == (2, True)
