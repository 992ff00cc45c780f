"""What both backends share of a panel's drawings: the order of layers, and what is kept from step to step."""

from dataclasses import replace

import numpy as np

from dynviz.layout.drawings import FUTURE, PAST, PanelDrawings, groups
from dynviz.layout.naming import Swatch
from dynviz.layout.words import Words, flow
from dynviz.pixels.metrics import pixel_metrics, pixel_page
from dynviz.pixels.pen import Pen
from dynviz.scene.marks import Axis, Band, Field, Line, Panel, Readout, Scene, Text
from dynviz.scene.norm import Norm

X = np.arange(3.0)
LINE, BAND, WORDS = Line(X, X, "lane0"), Band(X, X, X, "lane0"), Text(0, 0, "a")


class Growing:
    """A past that hides a future."""

    def __init__(self, name):
        self.name = name

    def at(self, now):
        return [(FUTURE, f"{self.name} future"), (PAST, f"{self.name} past to {now}")]


def test_lines_and_bands_that_stand_together_are_one_group():
    assert groups([LINE, BAND, WORDS, WORDS, LINE]) == [0, 0, 1, 2, 3]
    assert groups([]) == []


def test_no_future_hides_the_past_of_a_line_beside_it():
    names = iter("ab")
    drawings = PanelDrawings({Text: lambda *_: ["words"], Line: lambda *_: Growing(next(names))}, easel=None)
    marks = [replace(LINE, now=1.0), replace(LINE, color="lane1", now=2.0), WORDS]
    assert [layer for _, _, layer in drawings.layers(marks)] == [
        "a future",
        "b future",
        "a past to 1.0",
        "b past to 2.0",
        "words",
    ]


def test_a_mark_is_drawn_again_only_when_more_than_its_now_differs():
    drawn = []
    drawings = PanelDrawings({Line: lambda mark, _: drawn.append(mark) or Growing("a")}, easel=None)
    for mark in (LINE, replace(LINE, now=1.0), replace(LINE, now=2.0, color="lane1")):
        drawings.layers([mark])
    assert [mark.color for mark in drawn] == ["lane0", "lane1"]


def test_a_bar_of_colours_without_room_for_its_words_does_not_lie_over_others():
    metrics = pixel_metrics(Pen(480, 320), 1)
    font = metrics.fonts.words
    first, bar = Words("holds 0.1 % of the way", font), Words("2.7 to 9.7", font, "muted", Swatch("ramp", "ordered"))
    room = metrics.measure(first.text, font) + font.size
    assert [one.words.swatch for one in flow([[first], [bar]], [room], metrics)] == [None, None]
    assert flow([[first], [bar]], [room, room], metrics)[1].words.swatch == bar.swatch


def test_lines_above_maps_take_no_room_from_the_curves_below_them():
    def tops(label):
        maps = (
            Field(np.zeros((2, 2)), (0, 1, 0, 1), Norm(0, 1), label=label),
            Field(np.zeros((2, 2)), (0, 1, 0, 1), Norm(0, 1)),
        )
        unit = Axis((0, 1))
        panels = [Panel("a map", unit, unit, (field,), (Readout("inside and outside"),), square=True) for field in maps]
        page = pixel_page(Scene("", (*panels, Panel("loss", unit, unit, (LINE,))), 0, 1), Pen(640, 480))
        return [place.cell.top for place in page.places]

    assert [top > 200 for top in tops("0.07 to 3")] == [top > 200 for top in tops("")] == [False, False, True]
