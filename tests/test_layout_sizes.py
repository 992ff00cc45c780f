"""The main panel of a page of cells: large on small terminals, and never smaller on clearly larger ones."""

import random
from dataclasses import replace

import pytest

from dynviz import plugins
from dynviz.animation.drawing import open_film
from dynviz.cells.metrics import LETTERS, cell_metrics
from dynviz.layout.page import lay_out
from dynviz.player import previews
from dynviz.recording import open_all
from tests import recorded

ROUNDED = (2, 1)
"""Columns and rows of a map that the words of its ticks may take as they grow longer."""
SCREENS = ((80, 24), (100, 30), (120, 40), (200, 60))
FILLED = 0.75
"""The share of the screen that plots fill."""
CHROME = 4
"""Rows of the player's header, tabs, timeline and keys."""


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    made = {
        "voronoi": recorded.two_of_voronoi(root / "voronoi"),
        "surface": recorded.surface(root / "surface").folder,
        "sensing": recorded.sensing(root / "sensing").folder,
    }

    def scene(name, view):
        film = open_film(open_all([made[name]]), view)
        return film.scene(int(film.steps[-1])).from_above()

    return scene


def places(scene, size):
    return lay_out(scene, lambda _: cell_metrics(*size), title=False).places


VIEWS = [
    ("voronoi", "benchmark"),
    ("voronoi", "logits"),
    ("voronoi", "scalars"),
    ("voronoi", "centers"),
    ("voronoi", "curves"),
    ("surface", "path"),
    ("surface", "surface3d"),
    ("surface", "cloud"),
    ("sensing", "spectrum"),
    ("sensing", "curves"),
]


@pytest.mark.parametrize(("name", "view"), VIEWS)
def test_a_larger_terminal_never_shows_the_main_panel_smaller(scenes, name, view):
    scene = scenes(name, view)
    draw = random.Random(0)
    for _ in range(60):
        small = draw.randrange(80, 200), draw.randrange(20, 56)
        large = small[0] + draw.choice((0, 1, 2, 3, 10, 30)), small[1] + draw.choice((0, 1, 2, 3, 10, 30))
        one, other = (places(scene, size)[0] for size in (small, large))
        if scene.panels[0].square:
            assert other.plot.width >= one.plot.width - ROUNDED[0], (small, large)
            assert other.plot.height >= one.plot.height - ROUNDED[1], (small, large)
        else:
            areas = [place.cell.width * place.cell.height for place in (one, other)]
            # Halves of odd lengths are rounded.
            assert areas[1] >= areas[0] - max(large), (small, large)


@pytest.mark.parametrize(("name", "view"), VIEWS)
@pytest.mark.parametrize("size", SCREENS)
def test_panels_fill_three_quarters_of_the_screen(scenes, name, view, size):
    """Plots with their ticks and words: of the whole screen, which also has four rows of the player's own."""
    scene = scenes(name, view)
    # Two squares alone cannot fill this wide page.
    alone = [panel.square for panel in scene.panels] == [True, True] and size == (120, 40)
    assert filled_share(scene, size) >= (0.72 if alone else FILLED)


@pytest.mark.parametrize("optimizers", [("adam",), ("adam", "sgd")])
@pytest.mark.parametrize("scenario", plugins.files("scenarios"))
def test_the_first_page_of_a_scenario_fills_three_quarters_of_a_small_terminal(scenario, optimizers, tmp_path):
    words = [*(f"--optimizer={name}" for name in optimizers), "--", scenario]
    recordings = previews.recordings_of(words, tmp_path / "run", {previews.VARIABLE: str(tmp_path / "none")})
    scene = open_film(recordings, recordings[0].metadata.views[0]).scene(0).from_above()
    assert filled_share(scene, (80, 24)) >= FILLED


@pytest.mark.parametrize(("count", "least"), [(1, 0.35), (2, FILLED), (3, 0.54)])
def test_squares_alone_fill_what_squares_can(scenes, count, least):
    """Of 80 x 24, one has at most 40 columns beside its 20 rows; three have 26 columns each, and so 13 of 20 rows."""
    scene = scenes("voronoi", "benchmark")
    alone = replace(scene, panels=(scene.panels[0], scene.panels[1], scene.panels[0])[:count])
    assert filled_share(alone, (80, 24)) >= least


def filled_share(scene, size):
    """The share of the whole screen that its plots fill, each with its ticks and words."""
    metrics = cell_metrics(size[0], size[1] - CHROME)
    shown = places(scene, (size[0], size[1] - CHROME))
    filled = sum(filled_cells(panel, place, metrics) for panel, place in zip(scene.panels, shown, strict=False))
    return filled / (size[0] * size[1])


def filled_cells(panel, place, metrics):
    """The cells of the smallest rectangle around a plot with all of its words."""
    right = place.cell.right if place.direct != "none" else place.plot.right
    words = [(one.left, one.left + metrics.measure(one.words.text, LETTERS), one.baseline) for one in place.words]
    for readout, spot in zip(place.readouts(panel), place.spots, strict=False):
        text = readout.in_words(readout.text, named=spot.named)
        words.append((spot.left, spot.left + metrics.measure(text, LETTERS), spot.baseline))
    ends = [end for _, end, _ in words]
    wide = max([right, *ends]) - min([place.plot.left - 1, *(start for start, _, _ in words)])
    rows = [row for _, _, row in words]
    return wide * (max([place.plot.bottom, *(row + 1 for row in rows)]) - min([place.plot.top, *rows]))


def test_of_two_optimizers_a_small_terminal_shows_two_large_maps_and_the_rest_by_key(scenes):
    shown = places(scenes("voronoi", "benchmark"), (80, 20))
    assert [(place.plot.width, place.plot.height) for place in shown] == [(34, 17), (34, 17)]


def test_on_a_large_terminal_curves_stand_beside_the_maps(scenes):
    scene = scenes("voronoi", "benchmark")
    assert len(places(scene, (120, 36))) > 4
    assert len(places(scene, (200, 56))) == len(scene.panels)


def test_of_one_optimizer_a_small_terminal_shows_curves_beside_its_map(scenes):
    scene = scenes("voronoi", "benchmark")
    alone = replace(scene, panels=tuple(panel for place, panel in enumerate(scene.panels) if place != 1))
    first, *others = places(alone, (80, 20))
    assert (first.plot.width, first.plot.height) == (30, 15)
    assert others
