"""The numbers of a page: which entries are used again, and which must not be."""

import numpy as np
import pytest

from dynviz.scene.marks import Axis, Line, Panel
from dynviz.web.marks import FEW, MarkWriter
from dynviz.web.pool import LAST, NumberPool


def length(pool, index):
    kind, *rest = pool.entries[index]
    return {"slice": lambda: rest[2] - rest[1], "even": lambda: rest[2]}.get(kind, lambda: rest[0])()


@pytest.mark.parametrize("stop", [None, 300])
def test_a_line_that_another_keeps_a_part_of_has_as_many_x_as_times(stop):
    x, y, along = np.linspace(0, 1, 3 * FEW // 2), np.sin(np.arange(3 * FEW // 2)), np.arange(3 * FEW // 2)
    curve = Line(x, y, "lane0")
    path = Line(x[:stop], y[:stop], "lane0", now=40.0, along=along[:stop])
    pool = NumberPool()
    writer = MarkWriter(pool, 100, 64)
    (first, _), (second, _) = writer.records(Panel("p", Axis((0.0, 1.0)), Axis((-1.0, 1.0)), (curve, path)))
    assert length(pool, first["x"]) < length(pool, second["x"]) * (1 if stop is None else 9)
    assert {length(pool, second[name]) for name in ("x", "y", "along")} == {len(x[:stop])}


def test_levels_of_another_scale_are_not_used_again():
    values, steps = np.geomspace(1e-6, 1, 50), np.arange(50)
    pool = NumberPool()
    linear, log = pool.numbers(values), pool.numbers(values[:20], scale="log")
    assert (pool.entries[linear][2], pool.entries[log][0], pool.entries[log][2]) == ("linear", "numbers", "log")
    again = pool.numbers(values[10:20], scale="log")
    assert pool.entries[again] == ["slice", log, 10, 20]
    assert pool.numbers(steps) == pool.numbers(steps, scale="log")


@pytest.mark.parametrize("values", [[0, 3_000_000_000, 1], [2**63, 5, 2**64 - 1], [-(2**40), 0, 7]])
def test_whole_numbers_far_apart_do_not_wrap(values):
    pool = NumberPool()
    index = pool.numbers(np.array(values, np.uint64 if min(values) >= 0 else np.int64))
    kind, count, scale, low, unit, *_ = pool.entries[index]
    assert (kind, count, scale, low) == ("numbers", 3, "linear", float(min(values)))
    assert low + unit * LAST == pytest.approx(max(values))


def test_arrays_that_are_gone_are_forgotten():
    pool = NumberPool()
    shared = np.linspace(0, 1, 100)
    for frame in range(30):
        pool.numbers(np.random.default_rng(frame).uniform(size=40)[5:])
        pool.numbers(shared[: frame + 1])
    assert len(pool._kept) == len(pool._owners) == 1
