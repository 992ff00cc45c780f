"""Generalisation that comes long after the training data has been memorised."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynviz.detector import Detection, Samples, Subject

PAIRS = (("train_accuracy", "test_accuracy"), ("train_accuracy", "val_accuracy"), ("accuracy", "val_accuracy"))


@dataclass(frozen=True)
class Memory:
    """The step at which each lane knew its training data (-1: not yet), whether it grokked, and the last step."""

    known: NDArray[np.int64]
    done: NDArray[np.bool_]
    last: int = 0


@dataclass(frozen=True)
class Grokked:
    """Test accuracy reaches its level at a multiple of the step at which training accuracy reached its own.

    Attributes:
        train: The level of training accuracy.
        test: The level of test accuracy.
        later: The least ratio between the two steps.
    """

    train: float = 0.99
    test: float = 0.95
    later: float = 2.0

    def reads(self, subject: Subject) -> tuple[str, ...]:
        return next(filter(None, (subject.every(*pair) for pair in PAIRS)), ())

    def init(self, subject: Subject) -> Memory:
        return Memory(np.full(subject.lanes, -1), np.zeros(subject.lanes, bool))

    def update(self, state: Memory, steps: NDArray[np.int64], *samples: Samples) -> tuple[Memory, list[Detection]]:
        if not len(steps):
            return state, []
        train, test = samples
        known, done = state.known.copy(), state.done.copy()
        detections = []
        before = [state.last, *steps[:-1].tolist()]
        for lane in range(len(known)):
            if known[lane] < 0:
                reached = np.flatnonzero(train[:, lane] >= self.train)
                known[lane] = steps[reached[0]] if len(reached) else -1
            if done[lane]:
                continue
            good = np.flatnonzero(test[:, lane] >= self.test)
            if not len(good):
                continue
            # Once it generalises it can grok no more, whether that came late or at once.
            done[lane] = True
            row = int(good[0])
            if known[lane] >= 0 and steps[row] >= self.later * max(known[lane], 1):
                value = float(steps[row] / max(known[lane], 1))
                detections.append(Detection(step=int(steps[row]), since=before[row], lane=lane, value=value))
        return Memory(known, done, int(steps[-1])), sorted(detections)


detector = Grokked
