"""The race to a target: shares of lanes that are there, counted by hand."""

import numpy as np
import pytest

import dynviz
from dynviz.animation.drawing import open_film
from dynviz.charts import arrivals
from dynviz.errors import DynvizError
from dynviz.recording import open_all
from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.marks import Line


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "race"
    return dynviz.run("surface:f=booth,spread=0.2", ["adam", "sgd:lr=0.02"], steps=60, seeds="0:5", out=out)


@pytest.mark.parametrize("portion", [1 << 22, 7])
def test_a_line_is_the_share_of_lanes_that_have_been_there(run, monkeypatch, portion):
    monkeypatch.setattr(arrivals, "PORTION", portion)
    recordings = list(run.values())
    film = open_film(recordings, "reached:target=0.5")
    lines = [mark for mark in film.scene(60).panels[0].marks if isinstance(mark, Line)]
    for line, recording in zip(lines, recordings, strict=True):
        lowest = np.minimum.accumulate(recording["loss"], axis=0)
        assert line.y.tolist() == (lowest <= 0.5).mean(axis=1).tolist()
    assert film.scene(60).panels[0].title == "share of the runs at loss ≤ 0.5"
    ends = {mark.name: mark.value for mark in film.scene(60).panels[0].marks if isinstance(mark, DirectLabel)}
    assert ends == {"adam": "0.0 %", "sgd": "100.0 %"}


def test_by_default_half_of_the_lanes_of_the_best_get_there(run):
    recordings = list(run.values())
    film = open_film(recordings, "reached")
    ends = [mark.y[-1] for mark in film.scene(60).panels[0].marks if isinstance(mark, Line)]
    assert max(ends) >= 0.5
    assert min(ends) < max(ends)


def test_settings_of_a_sweep_race_together(tmp_path):
    out = tmp_path / "sweep"
    dynviz.sweep("surface:f=booth,grid=[8,16]", ["sgd:lr=[0.01,0.02]", "adam"], steps=20, out=out)
    film = open_film(open_all([out]), "reached:target=10")
    names = [mark.name for mark in film.scene(20).panels[0].marks if isinstance(mark, DirectLabel)]
    assert names == ["sgd", "adam"]


def test_a_channel_of_many_numbers_is_refused(run):
    with pytest.raises(DynvizError, match="loss"):
        open_film(list(run.values()), "reached:channel=position")
