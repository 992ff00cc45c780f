"""Bytes that depend neither on cores nor on the environment, in runs, resumed runs, projections and sweeps."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from dynviz import plugins
from dynviz.plugins.spec import parse
from dynviz.projection.evaluate import losses, task_of
from dynviz.recording import Run
from dynviz.recording.metadata import Lane
from dynviz.sweeps import launch
from dynviz.sweeps.jobs import Job, Settings, SweepPlan, numbered
from dynviz.training import devices, openblas, run
from tests.same_bytes import RECORD, STEPS, fingerprints

SCENARIOS = plugins.files("scenarios")
PLACES = {
    1: {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"},
    2: {"PYTHONHASHSEED": "1", "TZ": "Pacific/Chatham", "LANG": "tr_TR.UTF-8", "LC_ALL": "C"},
    4: {"OMP_NUM_THREADS": "4", "MKL_NUM_THREADS": "4", "MKL_DYNAMIC": "FALSE", "PYTHONHASHSEED": "random"},
}
"""The environment of a process that is allowed so many threads."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What each place made of every scenario, in its folder; all but the first went on with what another began."""
    folder = tmp_path_factory.mktemp("places")
    found, before = {}, []
    for threads, environment in PLACES.items():
        path = str(Path(__file__).parents[1])
        made = folder / str(threads)
        words = [sys.executable, "-m", "tests.same_bytes", str(threads), str(made), *before]
        given = {**os.environ, "PYTHONPATH": path, **environment}
        ran = subprocess.run(words, env=given, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        found[threads], before = json.loads(ran.stdout), [str(made)]
    return folder, found


def numbers(found):
    """The channels and the events alone: when a checkpoint is due goes by the length that a run was begun with."""
    return {file: mark for file, mark in found.items() if "channels" in file or file.endswith("events.jsonl")}


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_run_is_the_same_with_any_number_of_threads_and_in_any_environment(trained, scenario):
    _, (one, two, four) = trained[0], trained[1].values()
    assert any("channels" in file for file in one[scenario])
    assert any("projections" in file for file in one[scenario])
    assert one[scenario] == two[scenario]
    assert one[scenario] == four[scenario]


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_run_resumed_elsewhere_is_the_one_that_was_never_stopped(trained, scenario):
    straight = numbers(trained[1][1][scenario])
    for threads in (2, 4):
        assert numbers(trained[1][threads][f"{scenario}: resumed"]) == straight


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_sweep_of_any_number_of_processes_gives_the_bytes_of_a_run(trained, tmp_path, processes):
    jobs = numbered([Job(scenario, parse(scenario), parse("adam"), (Lane(42),)) for scenario in SCENARIOS])
    tmp_path.joinpath("sweep").mkdir()
    SweepPlan(jobs, Settings(steps=STEPS, record=tuple(RECORD))).save(tmp_path / "sweep")
    assert not launch.resume(tmp_path / "sweep", jobs=processes).failed
    for job, scenario in zip(jobs, SCENARIOS, strict=True):
        assert numbers(fingerprints(tmp_path / "sweep" / job.name)) == numbers(trained[1][1][scenario])


def blas_threads():
    """By library, of NumPy's and SciPy's."""
    return {each["filepath"]: each["num_threads"] for each in threadpool_info() if each["internal_api"] == "openblas"}


def test_numpy_computes_with_one_thread_too_and_gets_its_threads_back():
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        assert before
        with openblas.one_thread():
            assert set(blas_threads().values()) == {1}
        assert blas_threads() == before


def test_a_machine_that_does_not_tell_what_it_has_in_memory_computes_as_it_would(monkeypatch, tmp_path):
    monkeypatch.setattr(openblas, "LOADED", tmp_path / "none")
    with openblas.one_thread():
        assert float(np.ones(3) @ np.ones(3)) == 3.0


def test_a_library_that_is_named_like_it_and_has_no_such_functions_is_left_alone(monkeypatch, tmp_path):
    other = Path(next(path for path in blas_threads() if "openblas" in path))
    lines = [f"7f00-7f01 r-xp 00000000 00:00 1 {path}" for path in (tmp_path / "libopenblas.so", other)]
    monkeypatch.setattr(openblas, "LOADED", tmp_path / "maps")
    (tmp_path / "maps").write_text("\n".join(["7f00-7f01 r--p 00000000 00:00 0", *lines]))
    with threadpool_limits(2, user_api="blas"), openblas.one_thread():
        assert blas_threads()[str(other)] == 1


def test_one_thread_within_one_thread_changes_nothing_when_it_ends():
    small = torch.tensor(1e-40)
    with devices.reproducible():
        with devices.reproducible():
            pass
        assert torch.get_num_threads() == 1
        assert float(small * 1.0) == 0.0
    assert float(small * 1.0) > 0.0


SPY = """
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from threadpoolctl import threadpool_info
from dynviz.task import Channel, Probe, Task


def look(where):
    blas = {each["num_threads"] for each in threadpool_info() if each["internal_api"] == "openblas"}
    with Path(__file__).with_name("seen").open("a") as file:
        print(where, torch.get_num_threads(), *blas, sys.float_info.min * 0.5, file=file)


def loss(parameters, constants, batch):
    look("loss")
    return parameters["theta"].square().sum()


def size(parameters, constants, batch):
    look("probe")
    return parameters["theta"].abs().sum()


look("import")


@dataclass(frozen=True)
class Spy:
    def build(self, seed):
        look("build")
        probe = Probe((Channel("size", 2, (), "of theta"),), size, stacked=False)
        return Task({"theta": torch.ones(3)}, loss, lambda start, count: (), steps=3, probes=(probe,))


scenario = Spy
"""


def test_all_that_a_scenario_does_is_done_with_one_thread(tmp_path):
    (tmp_path / "spy.py").write_text(SPY)
    torch.set_num_threads(2)
    with threadpool_limits(2, user_api="blas"):
        made = run(str(tmp_path / "spy.py"), "sgd", record="parameters", out=tmp_path / "run")
        task = task_of(next(iter(Run(made.folder).values())), 0, [tmp_path / "spy.py"])
        measured = losses(task, ("loss", "size"))
        measured.at(lambda start, stop: np.ones((stop - start, 3)), 40)
    torch.set_num_threads(1)
    seen = [line.split(maxsplit=1) for line in (tmp_path / "seen").read_text().splitlines()]
    assert {where for where, _ in seen} == {"import", "build", "loss", "probe"}
    assert {threads for _, threads in seen} == {"1 1 0.0"}
