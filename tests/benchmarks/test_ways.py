"""What is timed does the same work in each way."""

import pytest

from tests.benchmarks import exports, pairs, training


def test_a_ratio_is_how_many_times_as_fast_ours_is():
    now = [0.0]

    def takes(*seconds):
        left = iter(seconds)
        return lambda: now.__setitem__(0, now[0] + next(left))

    # A first call that warms up; then one pair that the machine disturbs.
    ours, theirs = takes(5, 0.002, 0.002, 3), takes(5, 0.02, 0.02, 0.02)
    assert pairs.ratio(ours, theirs, pairs=3, clock=lambda: now[0]) == pytest.approx(10)


def test_the_ways_of_training_do_the_same_work(tmp_path):
    trainer = training.recording(training.TEN, tmp_path / "run", steps=40)
    training.advance(trainer, 20)()
    training.advance(trainer, 20)()
    assert trainer.finished
    every_step = [name for name, info in trainer.writer.metadata.channels.items() if info.every == 1]
    assert len(every_step) == 10
    trainer.close()
    training.bare(training.prepare(()), 3)()
    training.plain_loop(3)()


def test_the_film_that_is_timed_can_be_drawn(tmp_path):
    exports.ours(2, tmp_path / "ours.gif")
    assert (tmp_path / "ours.gif").stat().st_size > 1000
