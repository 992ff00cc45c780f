import numpy as np
import pytest

from dynviz.pixels import PixelCanvas
from dynviz.pixels.cutout import Cutout, unmixed
from dynviz.scene.theme import theme
from tests.scenes import every_mark


@pytest.mark.parametrize("look", ["light", "dark"])
def test_a_picture_without_ground_laid_over_the_ground_is_the_picture(look):
    found = Cutout(400, 300, look).draw(every_mark(400)).astype(float)
    ground, share = theme(look).color("ground"), found[..., 3:] / 255
    laid = found[..., :3] * share + np.array(ground) * (1 - share)
    expected = PixelCanvas(400, 300, look).draw(every_mark(400))
    assert np.abs(laid - expected).max() <= 4
    assert (found[..., 3] == 0).mean() > 0.3
    assert (found[..., 3] == 255).mean() > 0.02
    assert ((found[..., 3] > 0) & (found[..., 3] < 255)).any()


def test_colours_are_found_again_from_black_and_white():
    rng = np.random.default_rng(0)
    colors = rng.integers(0, 256, (500, 3))
    shares = rng.integers(60, 256, (500, 1))
    black, white = (np.round((colors * shares + over * (255 - shares)) / 255).astype(np.uint8) for over in (0, 255))
    found = unmixed(black, white).astype(int)
    assert np.abs(found[:, 3:] - shares).max() <= 1
    assert np.abs(found[:, :3] - colors).max() <= 5
