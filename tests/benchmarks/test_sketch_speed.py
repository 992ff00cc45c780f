"""Time and error of sketchy's iterated singular vectors, compared with a whole decomposition."""

import statistics
import time

import numpy as np
import pytest
import torch

from dynviz.optimizers._sketch import shrink

RANK, SIDE, ITERATIONS, REPEATS = 64, 1024, 2, 3
FASTER = 4.0
"""Times as fast, at least."""


def decaying(seed):
    """Rows [SIDE, SIDE] whose covariance has eigenvalues k^-2, in directions that are not the axes."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((SIDE, SIDE)) / np.arange(1, SIDE + 1)
    turn = np.linalg.qr(np.random.default_rng(7).standard_normal((SIDE, SIDE)))[0]
    return torch.from_numpy(rows @ turn)


def seconds(work):
    start = time.process_time()
    made = work()
    return time.process_time() - start, made


@pytest.mark.benchmark
def test_iterated_singular_vectors_take_a_fraction_of_the_time():
    torch.set_num_threads(1)
    sketch = shrink(torch.zeros(RANK, SIDE, dtype=torch.float64), decaying(0)).rows
    ratios, errors = [], []
    for seed in range(1, REPEATS + 1):
        rows = decaying(seed)
        (exact, one), (iterated, other) = (
            seconds(lambda count=count, rows=rows: shrink(sketch, rows, count)) for count in (0, ITERATIONS)
        )
        ratios.append(exact / iterated)
        gap = torch.linalg.matrix_norm(one.rows.mT @ one.rows - other.rows.mT @ other.rows, 2)
        errors.append(float(gap / one.values[0]))
        print(f"{exact:.2f} s and {iterated:.3f} s, error {errors[-1]:.1e}")
    assert max(errors) < 1e-3
    assert statistics.median(ratios) > FASTER
