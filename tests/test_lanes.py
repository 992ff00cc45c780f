"""Some lanes of a recording, by themselves: `FOLDER@LANES`."""

import numpy as np
import pytest

import dynviz
from dynviz.animation.drawing import open_film
from dynviz.errors import DynvizError
from dynviz.recording import Event, Recording, Writer, open_all
from tests import recorded


@pytest.fixture
def four(tmp_path):
    return recorded.voronoi(tmp_path / "adamw", lanes=4)


@pytest.mark.parametrize(("text", "lanes"), [("2", (2,)), ("0,3", (0, 3)), ("1:3", (1, 2)), ("3,0,1", (3, 0, 1))])
def test_chosen_lanes_are_those_of_the_whole(four, text, lanes):
    some = dynviz.open(f"{four.folder}@{text}")
    assert some.seeds == tuple(four.seeds[lane] for lane in lanes)
    for channel in four:
        np.testing.assert_array_equal(some[channel], four[channel][:, list(lanes)])
        assert not some[channel].flags.writeable
    np.testing.assert_array_equal(some.at("centers", 40), four.at("centers", 40)[list(lanes)])
    assert some.total == four.total
    assert dynviz.open(some.source).seeds == some.seeds


def test_an_array_stays_the_same_object_while_nothing_grows(four):
    some = dynviz.open(f"{four.folder}@0,3,1")
    assert some["loss"] is some["loss"]


def test_evenly_spaced_lanes_are_not_copied(four):
    some = dynviz.open(f"{four.folder}@1,3")
    assert not some["loss"].flags.owndata


def test_events_are_those_of_the_chosen_lanes(four):
    with Writer.resume(four.folder) as writer:
        writer.event(3, 1, "diverged")
        writer.event(5, 3, "diverged")
    assert Recording(four.folder, (3, 0)).events() == (Event(5, 0, "diverged"),)


def test_lanes_of_a_run_are_those_of_each_recording(tmp_path):
    for name in ("adamw", "sgd"):
        recorded.voronoi(tmp_path / name, lanes=3, label=name)
    assert [each.seeds for each in open_all([f"{tmp_path}@0,2", tmp_path / "sgd"])] == [
        (42, 44),
        (42, 44),
        (42, 43, 44),
    ]


def test_a_folder_may_have_the_sign_in_its_name(tmp_path):
    there = recorded.voronoi(tmp_path / "a@0", lanes=2)
    assert dynviz.open(there.folder).seeds == (42, 43)
    assert dynviz.open(f"{there.folder}@1").seeds == (43,)


@pytest.mark.parametrize("text", ["4", "0:9", "", "x", "1,1", "-1"])
def test_lanes_that_are_not_there_are_refused(four, text):
    with pytest.raises(DynvizError, match="lanes"):
        dynviz.open(f"{four.folder}@{text}")


def test_a_run_does_not_go_on_with_some_lanes(four):
    with pytest.raises(DynvizError, match="all of them are resumed together"):
        dynviz.resume(f"{four.folder}@0", steps=1000)


def test_lanes_beside_each_other_are_told_apart_by_their_seeds(four):
    film = open_film(open_all([f"{four.folder}@0", f"{four.folder}@2"]), "centers")
    scene = film.scene(400)
    assert [panel.readouts[0].name for panel in scene.panels[:2]] == ["adamw seed 42", "adamw seed 44"]


@pytest.mark.parametrize("panel", ["2", "spread of the centers"])
def test_a_panel_can_be_shown_alone(four, panel):
    whole, alone = open_film([four], "centers").scene(100), open_film([four], "centers", panel).scene(100)
    assert [each.title for each in alone.panels] == [whole.panels[1].title]


def test_a_panel_that_is_not_there_is_refused_by_name(four):
    with pytest.raises(DynvizError, match="spread of the centers"):
        open_film([four], "centers", "spred of the centers")
    with pytest.raises(DynvizError, match="1 to 2"):
        open_film([four], "centers", "3")


def test_exports_take_lanes_and_panels(four, tmp_path):
    some = dynviz.open(f"{four.folder}@1")
    one, two = tmp_path / "one.gif", tmp_path / "two.gif"
    some.animate(one, view="centers", panel="2", frames=4, size=(300, 200))
    some.animate(two, view="centers", panel="2", frames=4, size=(300, 200), workers=2)
    assert one.read_bytes() == two.read_bytes()
