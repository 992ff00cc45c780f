"""`dynviz bench`: the time of a step, and what takes it."""

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from dynviz.cli import commands
from dynviz.pixels import saving
from dynviz.scene.marks import Line
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


def test_in_a_narrow_terminal_names_stand_above_their_numbers():
    command = ["bench", "surface:f=booth", "-o", "adam"]
    lines = CliRunner().invoke(commands, command, catch_exceptions=False, env={"COLUMNS": "80"}).stdout.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[-2] == "surface:f=booth adam"


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


def test_labels_name_optimizers_and_the_option_in_the_picture(monkeypatch, tmp_path):
    def step_times(scenario, optimizer, lanes, request, folder):
        return timing.StepTimes(optimizer=optimizer.label, recorded=3.0, gradient=1.0, update=2.0, plain=9.0)

    drawn = []
    monkeypatch.setattr(timing, "step_times", step_times)
    monkeypatch.setattr(saving, "save", lambda scene, *_, **__: drawn.append(scene))
    words = ["bench", "matrix-recovery:M=[4,8]", "-o", "sketchy:rank=2", "-o", "sketchy:rank=2,iterations=1"]
    labels = ["--label", "sketchy-2=once", "--label", "M=rows M"]
    command = [*words, "--picture", str(tmp_path / "a.png"), *labels]
    assert CliRunner().invoke(commands, command, catch_exceptions=False).exit_code == 0
    panels = drawn[0].panels
    lines = [mark.label for mark in panels[0].marks if isinstance(mark, Line)]
    assert lines == ["gradient", "sketchy rank 2", "once"]
    assert panels[1].title == "how many times as fast: once against sketchy rank 2"
    assert {panel.x.label for panel in panels} == {"rows M"}


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("adam", "is not understood"),
        ("sgd=SGD", "there are batch, adam"),
    ],
)
def test_labels_that_name_nothing_are_refused(label, message, tmp_path):
    command = ["bench", "landscape:batch=[8,64]", "-o", "adam", "--picture", str(tmp_path / "a.png"), "--label", label]
    done = CliRunner().invoke(commands, command, env={"COLUMNS": "200"})
    assert (done.exit_code, message in done.output) == (2, True)


def test_two_optimizers_of_one_name_are_not_drawn(tmp_path):
    two = ["-o", "adam", "-o", "sgd", "--label", "adam=A", "--label", "sgd=A", "--picture", str(tmp_path / "a.png")]
    done = CliRunner().invoke(commands, ["bench", "matrix-recovery:M=[4,8]", *two])
    assert (done.exit_code, "have one name" in done.output) == (2, True)
