"""Sweeps in the player: while they wait, run and stand still, and the lanes of a cell."""

import json
import os
from contextlib import contextmanager

import numpy as np

from dynviz.player.run_screen import RunScreen
from dynviz.player.selection import selection
from dynviz.player.state import PlayerState
from dynviz.player.views import Views
from dynviz.recording import disk, open_all, runjson
from dynviz.recording.lock import acquire
from dynviz.recording.metadata import Lane
from tests import recorded
from tests.growing import Growing
from tests.watched import asynchronous, watching


def planned(folder, jobs):
    folder.mkdir(parents=True)
    (folder / "sweep.json").write_text(json.dumps({"jobs": [{"name": f"{job:03d}"} for job in range(jobs)]}))
    return folder


@contextmanager
def trained(folder):
    opened = disk.Folder(folder)
    lock = acquire(opened)
    try:
        yield
    finally:
        os.close(lock)
        os.close(opened.fd)


def test_a_sweep_that_has_not_begun_is_awaited_and_followed(tmp_path):
    sweep = planned(tmp_path / "sweep", 2)
    with trained(sweep):
        state = PlayerState([str(sweep)], timer=lambda: 0.0)
        state.tick(0.0)
        assert state.words() == "waiting for the first of the sweep's 2 runs, 0.0 s"
        first = Growing(sweep / "001" / "sgd")
        first.grow(10)
        state.tick(2.0)
        state.tick(4.0)
        assert (state.step, state.session.training_status.status) == (10, "running")
        first.finish()
        state.tick(6.0)
        # Between two runs nothing grows, and yet it is not over.
        state.tick(8.0)
        status = state.session.training_status
        assert (status.status, status.runs) == ("running", (1, 2))
        assert state.playback.following
        Growing(sweep / "002" / "sgd", label="adam").finish()
        state.tick(10.0)
        state.tick(12.0)
        assert len(state.session.recordings) == len(state.live_film.recordings) == 2
        assert state.session.training_status.status == "running"
    state.tick(14.0)
    state.tick(16.0)
    assert state.session.training_status.status == "finished"
    assert not state.playback.live


def test_a_sweep_that_nobody_trains_and_that_is_not_complete_is_stopped(tmp_path):
    sweep = planned(tmp_path / "sweep", 3)
    state = PlayerState([str(sweep)])
    assert "none of the sweep's 3 runs has begun, nothing trains it" in state.words()
    Growing(sweep / "001" / "sgd").finish()
    state = PlayerState([str(sweep)], timer=lambda: 0.0)
    state.tick(0.0)
    state.tick(2.0)
    status = state.session.training_status
    assert "".join(word.text for word in status.words) == "■ stopped1 of 3 runs"


def test_runs_of_a_sweep_are_not_added_to_lanes_that_were_chosen(tmp_path):
    sweep = planned(tmp_path / "sweep", 2)
    with trained(sweep):
        Growing(sweep / "001" / "sgd", lanes=3).finish()
        state = PlayerState([str(sweep)], timer=lambda: 0.0)
        state.tick(0.0)
        state.select(state.session.selection.toggled(0, 1), print)
        Growing(sweep / "002" / "sgd", label="adam").finish()
        for second in range(1, 5):
            state.tick(2.0 * second)
        assert [recording.chosen for recording in state.session.recordings] == [(0, 2)]
        assert state.session.training_status.status == "finished"


@asynchronous
async def test_the_lanes_of_a_cell_play_although_the_map_does_not_suit_them(tmp_path):
    sweep = planned(tmp_path / "sweep", 1)
    rates, betas = (0.1, 0.2, 0.4), (0.0, 0.5)
    lanes = tuple(Lane(0, {"lr": rate, "beta1": beta}) for rate in rates for beta in betas)
    loss = {"loss": (1, np.outer(np.linspace(2, 1, 21), np.arange(1, 7)).astype("<f4"))}
    recorded.record(sweep / "001" / "adamw", loss, scenario="bowl", steps=20, views=("map", "curves"), lanes=lanes)
    async with watching(sweep, view="map") as watched:
        assert watched.state.views.names[0] == "map"
        plot = watched.screen.query_one("Plot").areas.places[0].plot
        await watched.pilot.click("Plot", offset=(plot.left + 1, plot.top + 1))
        await watched.settle()
        assert [recording.chosen for recording in watched.state.session.recordings] == [(1,)]
        assert watched.state.view == "curves"
        assert watched.state.scene() is not None
        assert "view map needs" in watched.text
        await watched.press("escape")
        assert watched.state.view == "map"


@asynchronous
async def test_more_lanes_than_can_be_seen_are_not_shown_side_by_side(tmp_path):
    Growing(tmp_path / "sgd", lanes=70).finish()
    async with watching(tmp_path / "sgd") as watched:
        await watched.press("l", "b")
        assert "70 of 70 chosen: side by side at most 64" in watched.text
        await watched.press("enter")
        assert not isinstance(watched.app.screen, RunScreen)
        await watched.press("b", "enter")
        assert isinstance(watched.app.screen, RunScreen)


def test_of_lanes_that_are_opened_one_by_one_run_json_is_read_once(tmp_path, monkeypatch):
    Growing(tmp_path / "sgd", lanes=8).finish()
    read = []
    monkeypatch.setattr(runjson, "load", lambda folder, load=runjson.load: read.append(folder) or load(folder))
    opened = open_all([f"{tmp_path / 'sgd'}@{lane}" for lane in range(8)])
    assert len(read) == 1
    assert [(one.chosen, one.seeds, one["loss"].shape) for one in opened] == [((n,), (n,), (101, 1)) for n in range(8)]
    assert selection(opened).beside
    assert len(read) == 2


def test_where_no_view_opens_the_last_one_keeps_its_tab():
    views = Views("mine")
    assert (views.instead_of("mine"), views.names) == ("curves", ("curves",))
    assert (views.instead_of("curves"), views.names) == ("", ("curves",))
