"""A film as a tree: what stands still, and for each frame which records its marks are."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from dynviz.frame import View
from dynviz.scene.marks import Panel, Readout
from dynviz.web.layouts import layouts
from dynviz.web.marks import MarkWriter
from dynviz.web.pool import NumberPool

Tree = dict[str, Any]


class Sequel:
    """Values of frames, each distinct one kept once."""

    def __init__(self) -> None:
        self._values: list[Any] = []
        self._places: dict[str, int] = {}
        self._at: list[int] = []

    def add(self, frame: int, value: Any) -> None:
        """Take the value of a frame; frames that are passed over have none."""
        self._at += [-1] * (frame - len(self._at))
        place = self._places.setdefault(json.dumps(value), len(self._values))
        if place == len(self._values):
            self._values.append(value)
        self._at.append(place)

    def tree(self) -> list[Any]:
        """The distinct values, and for each frame the index of its own; -1 where it has none."""
        return [self._values, self._at]


def tell(
    view: View, steps: Sequence[int], pool: NumberPool, detail: tuple[int, int], report: Callable[[int], None]
) -> Tree:
    """The tree of a view.

    Args:
        view: The view.
        steps: Of the frames.
        pool: Takes its arrays.
        detail: Columns of long lines, and rows and columns of images.
        report: Called with the number of each frame.
    """
    first = view.scene(steps[0])
    pages = layouts(first)
    writers = [MarkWriter(pool, *detail) for _ in first.panels]
    marks: list[list[tuple[Sequel, Sequel]]] = [[] for _ in first.panels]
    values = [Sequel() for _ in first.panels]
    words = [[Sequel() for _ in range(page.count)] for page in pages]
    heads = Sequel()
    for frame, step in enumerate(steps):
        report(frame)
        scene = view.scene(step)
        heads.add(frame, [_readout(one) for one in scene.readouts])
        for index, panel in enumerate(scene.panels):
            values[index].add(frame, [_readout(one) for one in panel.readouts])
            own = marks[index]
            for place, (record, now) in enumerate(writers[index].records(panel)):
                own += [(Sequel(), Sequel())] if place == len(own) else []
                own[place][0].add(frame, record)
                own[place][1].add(frame, now)
        for page, sequels in zip(pages, words, strict=True):
            for sequel, written in zip(sequels, page.moving(scene), strict=True):
                sequel.add(frame, written)
    return {
        "name": view.name,
        "title": first.title,
        "steps": first.steps,
        "counter": ("step", "of") if first.count else first.counter,
        "alt": view.alt,
        "outcomes": [[step, text] for step, text in view.outcomes],
        "readouts": heads.tree(),
        "panels": [
            {
                **_panel(panel),
                "marks": [[*record.tree(), *now.tree()] for record, now in own],
                "readouts": value.tree(),
                # Side by side, they have their texts in common, which the compression sees.
                "moving": [sequels[index].tree() if index < len(sequels) else None for sequels in words],
            }
            for index, (panel, own, value) in enumerate(zip(first.panels, marks, values, strict=True))
        ],
        "pages": [page.tree(first) for page in pages],
    }


def _panel(panel: Panel) -> Tree:
    axes = {
        name: {"limits": axis.limits, "log": axis.scale == "log", "label": axis.label, "whole": axis.whole}
        for name, axis in (("x", panel.x), ("y", panel.y))
    }
    return {"title": panel.title, "square": panel.square, "perspective": panel.perspective, **axes}


def _readout(readout: Readout) -> list[Any]:
    return [readout.text, readout.color, readout.name, int(readout.labelled)]
