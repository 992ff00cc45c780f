"""Sentences about how recordings end, and what a picture's counter counts."""

from dataclasses import replace

import numpy as np
import pytest

from dynviz.animation.drawing import Drawing, open_film
from dynviz.charts import endings, memory
from dynviz.charts.curves import Curve
from dynviz.charts.memory import KeptState
from dynviz.comparison import ladder_picture
from dynviz.comparison.ladder import Rung
from dynviz.comparison.statistics import Estimate
from dynviz.layout.counter import step_words
from dynviz.scene.marks import Scene
from dynviz.scene.ticks import THIN
from dynviz.views import counters, kronecker
from dynviz.views.counters import Counted
from tests.recorded import record, surface, voronoi

RIPPLES = np.array([0.0, -1.0, 0.5, -3.0, 0.2, -2.0, 0.0])
"""Three wells at 1, 3 and 5, the lowest in the middle, between tops at 2 and 4."""


def rolled(folder, *ends, heights=RIPPLES):
    """Balls that end at these places of a function of one variable."""
    places = np.linspace(0.0, np.array(ends, dtype=float), 11)[:, :, None]
    channels = {
        "loss": (1, np.ones((11, len(ends)))),
        "position": (1, places),
        "landscape": (0, np.tile(heights, (1, len(ends), 1))),
    }
    return record(folder, channels, scenario="surface", steps=10, facts={"domain": [0.0, 6.0]}, label=folder.name)


def test_who_ends_in_the_lowest_well_is_said_of_single_balls_and_counted_of_many(tmp_path):
    inside, outside = rolled(tmp_path / "sgd", 2.5), rolled(tmp_path / "adam", 5.0)
    both = endings.wells([inside, outside], ["sgd", "adam"])
    assert [(one.step, one.text) for one in both] == [
        (10, "sgd ends in the lowest well, adam ends outside the lowest well.")
    ]
    many = rolled(tmp_path / "many", 2.5, 3.0, 4.5, np.nan)
    assert endings.wells([many], ["sgd"])[0].text == "2 of 4 runs end in the lowest well."
    (of_both,) = endings.wells([many, inside], ["a", "b"])
    assert of_both.text == "2 of 4 runs of a and 1 of 1 runs of b end in the lowest well."


def test_nothing_is_said_of_a_function_with_one_well_or_in_the_plane(tmp_path):
    assert not endings.wells([rolled(tmp_path / "a", 1.0, heights=(np.arange(7) - 3.0) ** 2)], ["a"])
    assert not endings.wells([surface(tmp_path / "b", steps=20)], ["b"])


def test_accuracies_are_told_apart_the_best_first(tmp_path):
    recordings = [voronoi(tmp_path / name, steps=40, every=10, label=name) for name in ("adamw", "adamw-l1")]
    (told,) = endings.accuracies(recordings, ["adamw", "adamw-l1"])
    ends = sorted((100 * float(one["val_accuracy"][-1, 0]), one.label) for one in recordings)
    assert told.step == 40
    assert told.text.startswith("The validation accuracy ends at ")
    assert told.text.index(f"for {ends[1][1]}") < told.text.index(f"for {ends[0][1]}") or ends[0][0] == ends[1][0]
    assert not endings.accuracies([voronoi(tmp_path / "two", steps=40, every=10, lanes=2)], ["two"])


def test_of_many_accuracies_the_ends_are_named():
    text = endings._accuracy("test accuracy", [0.96, 0.07, 0.95, 0.17], ["He", "large", "orthogonal", "equal"])
    assert text == "The test accuracy ends between 7 % (large) and 96 % (He)."


def test_a_sentence_stands_in_the_picture_from_its_step_on(tmp_path):
    film = open_film([rolled(tmp_path / "sgd", 5.0)], "profile")
    before, after = ([one.text for one in film.scene(step).readouts if one.color == "text"] for step in (9, 10))
    assert (before, after) == ([""], ["sgd ends outside the lowest well."])
    assert film.scene(10).panels[0].title == "loss over x"


def test_what_stands_still_counts_no_steps(tmp_path):
    still = voronoi(tmp_path / "a", steps=40, every=10)
    drawing = Drawing((str(still.folder),), "environment", (300, 300), "light")
    assert step_words(drawing.film().scene(0)) == ""
    assert step_words(replace(drawing, view="rings").film().scene(0)).startswith("step 0 of")


def test_a_counter_may_count_something_else_than_steps():
    scene = Scene("", (), 3, 45, counter=("random features", "of"), count=(1200, 1600))
    assert step_words(scene).replace(THIN, " ") == "random features 1 200 of 1 600"
    assert step_words(replace(scene, count=None)) == "random features 3 of 45"


@pytest.mark.parametrize("view", ["path", "surface3d"])
def test_functions_that_differ_have_their_names_as_titles(view, tmp_path):
    one, other = surface(tmp_path / "one", steps=20), surface(tmp_path / "two", steps=20, lowest=0.5)
    assert [panel.title for panel in open_film([one], view).scene(0).panels][:1] == ["loss over x and y"]
    one.metadata = replace(one.metadata, title="One valley")
    other.metadata = replace(other.metadata, title="Another", facts={**other.metadata.facts, "domain": [-3, 3, -3, 3]})
    assert [panel.title for panel in open_film([one, other], view).scene(0).panels][:2] == ["One valley", "Another"]


def test_a_ladder_says_which_changes_help_at_all_sizes():
    def rung(size, number, change, effect):
        one = Estimate(100.0, 90.0, 110.0, 3)
        return Rung(size, number, change, "", (100.0,) * 3, one, one, effect, 1.0, 0.0, "")

    both = [
        rung(size, number, change, effect)
        for size in ("width=1", "width=2")
        for number, change, effect in ((0, "sgd", "start"), (1, "lr=0.1", "helps"), (2, "beta2=0.9", "hurts"))
    ]
    assert ladder_picture.message(both) == "lr 0.1 helps, beta2 0.9 hurts at all sizes."
    mixed = [*both[:3], replace(both[4], effect="hurts"), replace(both[5], effect="within noise")]
    assert ladder_picture.message(mixed) == "No change helps or hurts at all sizes."


def test_memory_says_who_keeps_most_and_least():
    kept = [KeptState("adam", "adam", 2.0, 2.0, [1.0] * 6), KeptState("sgd", "sgd:lr=1", 0.001, 0.001, [1.0] * 6)]
    drawn = memory.scene("What is kept", kept)
    assert drawn.title == "From 0.001 copies of the parameters (sgd) to 2 (adam)"
    assert [readout.text for readout in drawn.readouts] == ["What is kept.", "adam", "sgd lr 1"]
    assert memory.scene("What is kept", kept[:1]).title == "What is kept"


def test_a_sketch_says_by_how_much_its_counts_are_too_low():
    seen = np.array([[0.0, 0.0], [5.0, 2.0]])
    (told,) = counters._sentences(Counted(np.array([0, 7]), seen, seen - [[0.0, 0.0], [1.5, 1.0]], seen, 2))
    assert (told.step, told.text) == (7, "No count is too low by more than 1.5; the bound, items / 2, is 3.5.")


def test_a_product_says_how_like_all_moments_it_is():
    like, factor = (Curve(np.array([1, 9]), np.array([[1.0], [last]]), "lane0") for last in (0.8125, 0.79))
    (told,) = kronecker._sentences(like, factor, 1)
    assert told.text == "The cosine of √L ⊗ √R and C is 0.81. C is at most 0.79 √L ⊗ √R, where lemma 8 gives 1."
    assert not kronecker._sentences(replace(like, values=np.full((2, 1), np.nan)), factor, 1)
