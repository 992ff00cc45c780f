"""Every view that is found, drawn by the fast path and by plain matplotlib."""

import pytest

from dynviz import plugins
from dynviz.animation.drawing import open_film
from dynviz.errors import DynvizError
from dynviz.pixels import PixelCanvas
from tests.plain_drawing import apart, plain
from tests.recorded import KINDS

SIZE = (800, 600)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("count", [1, 2])
def test_every_view_is_the_picture_that_plain_matplotlib_draws(kind, count, tmp_path):
    recordings = [KINDS[kind](tmp_path / label, label=label, steps=60, lanes=2) for label in ("adamw", "sgd")[:count]]
    drawn = set()
    for view in plugins.files("views"):
        try:
            film = open_film(recordings, view)
        except DynvizError:
            # It needs what this scenario does not record.
            continue
        scene = film.scene(int(film.steps[len(film.steps) // 2]))
        # Matplotlib moves axes, markers and letters to whole pixels, and draws no samples in our legend.
        far = apart(PixelCanvas(*SIZE).draw(scene).astype(int), plain(scene, *SIZE, "light").astype(int))
        assert far.mean() < 0.5, view
        assert (far > 64).mean() < 0.003, view
        drawn.add(view)
    assert drawn >= set(recordings[0].metadata.views)
