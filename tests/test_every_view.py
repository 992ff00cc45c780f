"""Every view that is found, of real runs of every scenario that is found: in cells, as pictures, in every format."""

import dataclasses

import numpy as np
import pytest

from dynviz import plugins
from dynviz.animation.alt import describe
from dynviz.animation.drawing import open_film
from dynviz.animation.export import animate
from dynviz.cells.canvas import CellCanvas
from dynviz.pixels import PixelCanvas
from dynviz.recording import Recording, channel_reader, long_array
from dynviz.scene.marks import Field
from tests import trained
from tests.lettering import overlaps, words
from tests.test_exporters_formats import SIZE, moves, read_back

VIEWS = list(plugins.files("views"))
EXPORTERS = list(plugins.files("exporters"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return trained.train(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="module")
def films(runs):
    return trained.films(runs)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_suits_some_run(films, view):
    assert [name for found, name in films if found == view]


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_that_suits_is_drawn_in_cells_and_in_pixels(films, view):
    for name, film in [(name, film) for (found, name), film in films.items() if found == view][:2]:
        for theme in ("dark", "light"):
            pixels = PixelCanvas(480, 360, theme)
            for step in {int(film.steps[0]), int(film.steps[-1])}:
                scene = film.scene(step)
                for size in ((80, 24), (100, 30), (200, 60)):
                    cells = CellCanvas(*size, theme).draw(scene)
                    assert len(np.unique(cells.glyphs)) > 12, (name, size)
                picture = np.asarray(pixels.draw(scene))
                assert len(np.unique(picture.reshape(-1, picture.shape[-1]), axis=0)) > 4, name


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_says_what_its_colours_mean_and_alt_text_holds_every_note(films, view):
    for film in (film for (found, _), film in films.items() if found == view):
        steps = [int(film.steps[0]), int(film.steps[-1])]
        scene, alt = film.scene(steps[-1]), describe(film, steps)
        maps = [mark for panel in scene.panels if not panel.perspective for mark in panel.marks]
        labels = {mark.label for mark in maps if isinstance(mark, Field)}
        # Of maps with the same colours all have the same words, which are written once.
        assert len(labels) <= 1
        assert "" not in labels
        assert all(words in alt for words in (*labels, *(readout.text for readout in scene.readouts)))


def numbers(part):
    """All of a scene as plain values, in which NaN is like NaN and sums in another order are alike."""
    if isinstance(part, np.ndarray):
        return [part.shape, [numbers(value) for value in part.ravel().tolist()]]
    if dataclasses.is_dataclass(part):
        return [numbers(getattr(part, item.name)) for item in dataclasses.fields(part)]
    if isinstance(part, float):
        return f"{part:.9g}"
    return [numbers(one) for one in part] if isinstance(part, tuple | list) else str(part)


def test_every_view_draws_the_same_of_channels_that_are_too_long_for_memory(runs, films, monkeypatch):
    monkeypatch.setattr(channel_reader, "COPIED_BYTES", 0)
    monkeypatch.setattr(long_array, "PORTION_BYTES", 1000)
    for (view, name), film in films.items():
        recordings = [Recording(recording.folder, recording.chosen) for recording in runs[name]]
        again = open_film(recordings, view)
        assert again.steps.tolist() == film.steps.tolist(), (view, name)
        for step in (int(film.steps[0]), int(film.steps[-1])):
            assert numbers(again.scene(step)) == numbers(film.scene(step)), (view, name)


@pytest.mark.parametrize("view", VIEWS)
def test_no_words_lie_over_others_in_any_view(films, view):
    for name, film in [(name, film) for (found, name), film in films.items() if found == view][:3]:
        for step in {int(film.steps[0]), int(film.steps[len(film.steps) // 2]), int(film.steps[-1])}:
            for size, cells in (((80, 24), True), ((120, 40), True), ((400, 300), False), ((640, 480), False)):
                assert overlaps(words(film.scene(step), size, cells=cells)) == [], (name, size)


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_every_exporter_writes_every_view(runs, films, tmp_path, exporter):
    frames = {"frames": 2} if moves(exporter) else {}
    for view in VIEWS:
        name = next(name for found, name in films if found == view)
        file = tmp_path / f"{view}.{exporter}"
        animate(runs[name], file, view=view, size=SIZE, **frames)
        pictures, _ = read_back(file)
        # Shapes are no pixels: reading them back has checked them.
        for picture in pictures or ():
            assert picture.shape[:2] >= SIZE[::-1], (view, name)
            assert picture.std() > 5, (view, name)
