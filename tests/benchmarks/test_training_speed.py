"""Speed of training and of recording, each beside the plain way in the same run; `dynviz bench` prints the same."""

import pytest
import torch

from dynviz.bench.figure import ratio
from dynviz.bench.training import EVERY_STEP, SELDOM, TEN, advance, bare, plain_loop, prepare, recording

pytestmark = pytest.mark.benchmark


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def test_recording_ten_channels_every_step_costs_at_most_a_tenth(tmp_path):
    trainer = recording(TEN, tmp_path / "run")
    every_step = [name for name, info in trainer.writer.metadata.channels.items() if info.every == 1]
    assert len(every_step) == 10
    cost = 1 / ratio(advance(trainer), bare(prepare([])), pairs=9)
    print(f"\nrecording ten channels every step takes {cost:.3f} x the time of the loop without")
    assert cost < 1 + 0.10 / 0.7


def test_one_lane_beside_the_plain_loop(tmp_path):
    faster = ratio(advance(recording(EVERY_STEP, tmp_path / "run")), plain_loop())
    print(f"\none lane, recorded: {faster:.2f} x as fast as the plain loop")
    assert faster > 0.7 * 1.1


def test_one_compiled_lane_beside_the_plain_loop(tmp_path):
    faster = ratio(advance(recording(EVERY_STEP, tmp_path / "run", compiled=True)), plain_loop())
    print(f"\none lane, recorded and compiled: {faster:.2f} x as fast as the plain loop")
    assert faster > 0.7 * 8


def test_256_stacked_lanes_beside_the_plain_loop(tmp_path):
    trainer = recording(SELDOM, tmp_path / "run", seeds=range(256))
    faster = 256 * ratio(advance(trainer, 100), plain_loop(100))
    print(f"\n256 stacked lanes: {faster:.1f} x as fast per lane and step as the plain loop")
    assert faster > 0.7 * 15
