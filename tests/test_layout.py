"""What both backends share of a panel's drawings: the order of layers, and what is kept from step to step."""

from dataclasses import replace

import numpy as np

from dynviz.layout.drawings import FUTURE, PAST, PanelDrawings, groups
from dynviz.scene.marks import Band, Line, Text

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
