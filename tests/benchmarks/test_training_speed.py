"""Speed of training and of recording, each beside the plain way in the same run."""

import pytest
import torch

from tests.benchmarks.pairs import ratio
from tests.benchmarks.training import EVERY_STEP, SELDOM, TEN, advance, bare, plain_loop, prepare, recording

pytestmark = pytest.mark.benchmark


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def test_recording_ten_channels_every_step_costs_at_most_a_tenth(tmp_path):
    cost = 1 / ratio(advance(recording(TEN, tmp_path / "run")), bare(prepare([])), pairs=9)
    print(f"\nrecording ten channels every step takes {cost:.3f} x the time of the loop without")
    assert cost < 1 + 0.10 / 0.7


@pytest.mark.parametrize(("compiled", "least"), [(False, 1.1), (True, 8)])
def test_one_lane_beside_the_plain_loop(compiled, least, tmp_path):
    faster = ratio(advance(recording(EVERY_STEP, tmp_path / "run", compiled=compiled)), plain_loop())
    print(f"\none lane, recorded{', compiled' * compiled}: {faster:.2f} x as fast as the plain loop")
    assert faster > 0.7 * least


@pytest.mark.parametrize(("compiled", "least"), [(False, 15), (True, 40)])
def test_256_stacked_lanes_beside_the_plain_loop(compiled, least, tmp_path):
    trainer = recording(SELDOM, tmp_path / "run", seeds=range(256), compiled=compiled)
    faster = 256 * ratio(advance(trainer, 100), plain_loop(100))
    print(f"\n256 stacked lanes{', compiled' * compiled}: {faster:.1f} x as fast per lane and step as the plain loop")
    assert faster > 0.7 * least


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@pytest.mark.parametrize(("seeds", "least"), [([42], 20), (range(256), 500)])
def test_lanes_on_a_gpu_beside_the_plain_loop(seeds, least, tmp_path):
    trainer = recording(EVERY_STEP if len(seeds) == 1 else SELDOM, tmp_path / "run", seeds=seeds, on="cuda:0")
    faster = len(seeds) * ratio(advance(trainer, 100), plain_loop(100, on="cuda:0"))
    print(f"\n{len(seeds)} lanes on a GPU: {faster:.1f} x as fast per lane and step as the plain loop")
    assert faster > 0.7 * least
