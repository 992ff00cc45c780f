"""Six jobs as recorded by default, beside the plain loop in PyTorch and the same arithmetic in a jitted JAX scan.

All three make the same evaluations.

`python -m tests.benchmarks.test_jobs_speed` prints the README's table.
"""

import functools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from dynviz.training import devices
from tests.benchmarks import scenarios, test_recovery_speed
from tests.benchmarks.training import SELDOM, advance, plain_loop, recording

pytestmark = pytest.mark.benchmark

ROUNDS = 3


@dataclass(frozen=True)
class Job:
    """What is timed: functions that make so many steps.

    Attributes:
        name: In the table.
        jax: Its name in `jax_scans`.
        steps: Of a measurement.
        ours: Makes the function that trains and records in a folder.
        plain: Makes that of the plain loop.
        lanes: That train together in ours and in JAX; the plain loop trains one.
    """

    name: str
    jax: str
    steps: int
    ours: Callable
    plain: Callable
    lanes: int = 1


def _scenario(name, steps):
    return lambda folder: scenarios.ours(name, folder, steps)


def _stacked(folder):
    return advance(recording(SELDOM, folder, seeds=range(256)), 100)


def _recovery(folder):
    """500 steps, begun anew each time as the document's loop is."""
    places = iter(range(99))

    def train():
        trainer = scenarios.recorded("matrix-recovery", folder / str(next(places)), steps=500)
        advance(trainer, 500)()
        trainer.close()

    folder.mkdir()
    return train


def _plain(**options):
    return lambda: plain_loop(**options)


JOBS = (
    Job(
        "`voronoi`, the main job: 2 048 centers",
        "main",
        300,
        _scenario("voronoi", 300),
        _plain(count=300, centers=2048, evaluated=True),
    ),
    Job(
        "`voronoi` with 50 centers",
        "centers-50",
        500,
        _scenario("voronoi:hidden=50", 500),
        _plain(count=500, evaluated=True),
    ),
    Job("the same, 256 lanes, without evaluation", "lanes-256", 100, _stacked, _plain(count=100), 256),
    Job(
        "`matrix-sensing`",
        "sensing",
        2000,
        _scenario("matrix-sensing", 2000),
        lambda: functools.partial(test_recovery_speed.sensing_as_printed, evaluated=True),
    ),
    Job(
        "`matrix-recovery`",
        "recovery",
        500,
        _recovery,
        lambda: functools.partial(test_recovery_speed.recovery_as_printed, 1, evaluated=True),
    ),
    Job(
        "`surface:f=rosenbrock`",
        "rosenbrock",
        1000,
        _scenario("surface:f=rosenbrock", 1000),
        lambda: scenarios.plain("surface:f=rosenbrock", 1000),
    ),
)


def times(work):
    """Seconds of processor time and of wall clock."""
    processor, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - processor, time.perf_counter() - wall


def measure(job, folder):
    """Microseconds of a lane's step, of processor time and of wall clock: ours, the plain loop, JAX."""
    torch.set_num_threads(1)
    with devices.reproducible():
        ways = [(job.ours(folder / job.jax), job.lanes), (job.plain(), 1)]
        for work, _ in ways:
            work()
        rounds = [[times(work) for work, _ in ways] for _ in range(ROUNDS)]
    found = [
        tuple(1e6 * min(each[place][kind] for each in rounds) / job.steps / lanes for kind in (0, 1))
        for place, (_, lanes) in enumerate(ways)
    ]
    command = [sys.executable, "-m", "tests.benchmarks.jax_scans", job.jax, str(max(job.steps, 300))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [*found, tuple(value / job.lanes for value in json.loads(done.stdout.splitlines()[-1]))]


def row(job, found):
    """A line of the README's table."""
    cells = [" / ".join(f"{value:.3g}" for value in pair) for pair in found]
    ours, plain, jax = (pair[0] for pair in found)
    return f"| {job.name} | {' | '.join(cells)} | {plain / ours:.1f} x | {ours / jax:.1f} x |"


HEAD = (
    "| microseconds of a lane's step: CPU / wall clock | ours | plain PyTorch | JAX | ours faster than PyTorch | ours "
    "over JAX |\n|---|---|---|---|---|---|"
)


@pytest.mark.parametrize("job", JOBS, ids=[job.jax for job in JOBS])
def test_a_job_beside_the_plain_loop_and_jax(job, tmp_path):
    found = measure(job, tmp_path)
    print(f"\n{row(job, found)}")
    assert found[1][0] / found[0][0] > 0.7


if __name__ == "__main__":
    print(HEAD)
    for each in JOBS:
        with tempfile.TemporaryDirectory() as place:
            print(row(each, measure(each, Path(place))), flush=True)
