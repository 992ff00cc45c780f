"""Figures, and how the time of two ways is compared."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        name: What is measured.
        plain: What it is measured beside.
        value: What came out; NaN where it was skipped.
        unit: Of it: `x`, `ms`, `s`, `MB`.
        target: What it should come to; NaN where it is only reported.
        most: Whether the target is the most and not the least.
        device: Where: `cpu`, `cuda:0`.
        skipped: Why it was not measured; empty where it was.
    """

    name: str
    plain: str = ""
    value: float = float("nan")
    unit: str = "x"
    target: float = float("nan")
    most: bool = False
    device: str = "cpu"
    skipped: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether it comes to its target; None where there is nothing to compare."""
        if self.value != self.value or self.target != self.target:
            return None
        return self.value <= self.target if self.most else self.value >= self.target

    def to_json(self) -> dict[str, Any]:
        """A tree without what JSON cannot hold: a number that is not finite is null."""
        tree = asdict(self) | {"reached": self.reached}
        return {
            name: None if isinstance(each, float) and not np.isfinite(each) else each for name, each in tree.items()
        }


def ratio(ours: Callable[[], None], plain: Callable[[], None], pairs: int = 5) -> float:
    """How many times as fast ours is: the median of plain / ours over pairs that follow each other.

    A machine that does other things too harms both of a pair.
    """

    def seconds(work: Callable[[], None]) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    ours()
    plain()
    return statistics.median(seconds(plain) / seconds(ours) for _ in range(pairs))
