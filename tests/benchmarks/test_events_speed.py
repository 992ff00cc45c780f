"""Detectors on a million samples of two lanes, beside the plain way: each sample by itself, as it comes."""

import time

import numpy as np
import pytest

from dynviz import plugins
from dynviz.detection.scan import PORTION
from dynviz.detector import Subject

pytestmark = pytest.mark.benchmark

COUNT = 1_000_000
RNG = np.random.default_rng(0)
CHANNELS = {
    "loss": 1 + 0.1 * RNG.standard_normal((COUNT, 2)),
    "position": RNG.standard_normal((COUNT, 2, 2)),
    "singular_values": RNG.random((COUNT, 2, 8)),
    "core": RNG.random((COUNT, 2, 2, 2)),
    "true_singular_values": np.full((1, 2, 2), 2.0),
    "parameters": RNG.random((COUNT, 2, 8)),
    "head": RNG.random((COUNT, 2, 2, 8)),
    "centers": np.zeros((COUNT, 2, 1, 2)),
    "train_accuracy": RNG.random((COUNT, 2)) / 2,
    "val_accuracy": RNG.random((COUNT, 2)) / 2,
    "sharpness": RNG.random((COUNT, 2)),
    "lr": RNG.random((COUNT, 2)),
}


@pytest.mark.parametrize("kind", plugins.files("detectors"))
def test_a_million_samples_are_scanned_in_portions_many_times_as_fast_as_one_by_one(kind):
    detector = plugins.load("detectors", kind).make()
    subject = Subject(lanes=2, facts={"optimum": [[9.0, 9.0]]}, channels=CHANNELS)
    columns = [CHANNELS[name] for name in detector.reads(subject)]

    def seconds(count, portion):
        begun = time.process_time()
        state = detector.init(subject)
        for start in range(0, count, portion):
            stop = min(start + portion, count)
            parts = [column[start:stop] if len(column) > 1 else column for column in columns]
            state, _ = detector.update(state, np.arange(start, stop), *parts)
        return time.process_time() - begun

    plain = seconds(COUNT // 100, 1) * 100
    ours = seconds(COUNT, PORTION)
    print(f"{kind}: {plain / ours:.0f} x, {ours:.2f} s")
    assert plain / ours > 10
