"""The main panel of a page of cells: large on small terminals, and never smaller on clearly larger ones."""

import pytest

from dynviz.animation.drawing import open_film
from dynviz.cells.metrics import cell_metrics
from dynviz.layout.page import lay_out
from dynviz.recording import open_all
from tests import recorded

SIZES = [(width, height) for width in (80, 100, 125, 160, 200) for height in (20, 25, 32, 40, 56)]
"""What the rows around it leave of terminals for the picture; each width and height is a quarter larger than the last
at least."""


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


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("voronoi", "benchmark"),
        ("voronoi", "scalars"),
        ("voronoi", "centers"),
        ("voronoi", "curves"),
        ("surface", "path"),
        ("sensing", "spectrum"),
        ("sensing", "curves"),
    ],
)
def test_a_clearly_larger_terminal_never_shows_the_main_panel_smaller(scenes, name, view):
    scene = scenes(name, view)
    area = {size: places(scene, size)[0].plot.width * places(scene, size)[0].plot.height for size in SIZES}
    for small, at_least in area.items():
        for large, shown in area.items():
            if small[0] < large[0] and small[1] < large[1]:
                assert shown >= at_least, (small, large)


def test_of_two_optimizers_a_small_terminal_shows_two_large_maps_and_the_rest_by_key(scenes):
    shown = places(scenes("voronoi", "benchmark"), (80, 20))
    assert [(place.plot.width, place.plot.height) for place in shown] == [(30, 15), (30, 15)]


def test_on_a_large_terminal_curves_stand_beside_the_maps(scenes):
    scene = scenes("voronoi", "benchmark")
    assert len(places(scene, (120, 36))) > 4
    assert len(places(scene, (200, 56))) == len(scene.panels)
