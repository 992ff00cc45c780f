"""All words of a picture and what they cover, in both backends."""

from itertools import combinations

from dynviz.cells.metrics import cell_metrics
from dynviz.layout.counter import step_words
from dynviz.layout.page import lay_out
from dynviz.layout.plot_words import PlotWords
from dynviz.layout.words import before, fit
from dynviz.pixels.metrics import pixel_page
from dynviz.pixels.pen import Pen


def page(scene, size, *, cells):
    """The scene that is shown, and its page."""
    if cells:
        scene = scene.from_above()
        return scene, lay_out(scene, lambda _: cell_metrics(*size))
    return scene, pixel_page(scene, Pen(*size))


def words(scene, size, *, cells):
    """Texts with left, top, right and bottom of their letters."""
    scene, shown = page(scene, size, cells=cells)
    metrics, boxes = shown.metrics, []

    def add(text, font, left, baseline):
        if text.strip():
            up, down = (0, 1) if metrics.coarse else (-0.72 * font.size, 0.2 * font.size)
            boxes.append((text, left, baseline + up, left + metrics.measure(text, font), baseline + down))

    def placed(items):
        for item in items:
            add(item.words.text, item.words.font, item.left + before(item.words, metrics), item.baseline)

    def readouts(values, spots):
        font = metrics.fonts.words
        for value, spot in zip(values, spots, strict=False):
            text = fit(value.in_words(value.text, named=spot.named), font, spot.room, metrics)
            add(text, font, spot.left, spot.baseline)

    placed(shown.title.words)
    readouts(scene.readouts, shown.title.spots)
    if shown.title.counter:
        text, font = step_words(scene), metrics.fonts.words
        add(text, font, shown.title.counter.left - metrics.measure(text, font), shown.title.counter.baseline)
    for place, panel in zip(shown.places, scene.panels, strict=False):
        placed(place.words)
        placed(PlotWords(place, metrics).at(panel))
        readouts(place.readouts(panel), place.spots)
    return boxes


def overlaps(boxes):
    """Pairs of texts that lie over each other."""
    return [
        (one[0], other[0])
        for one, other in combinations(boxes, 2)
        if one[1] < other[3] - 0.5 and other[1] < one[3] - 0.5 and one[2] < other[4] - 0.5 and other[2] < one[4] - 0.5
    ]
