"""Sweeps on Dask clusters: the same outcomes as here, whatever is killed on the way."""

import asyncio
import shutil
import signal
import sys
import types
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

import dynviz
from dynviz import DynvizError
from dynviz.cli import commands
from dynviz.plugins.spec import parse
from dynviz.recording import Run, disk
from dynviz.recording.metadata import Lane
from dynviz.sweeps import arrival, completion, launch, remote, table
from dynviz.sweeps.budget import processes
from dynviz.sweeps.jobs import Job, Settings, SweepPlan
from dynviz.sweeps.pool import JobReport, LostError
from dynviz.sweeps.progress import Stopped, Sweep
from tests.dask_cluster import DaskCluster, can_hide, sweeping
from tests.test_sweep import SLOW, everything, finished_jobs, rows
from tests.waiting import wait_for

RULE = "adamw:lr=[.1,.01]"
PATIENCE = 300.0
"""Seconds: so many processes that import torch take a while where few cores are shared."""


@pytest.fixture
def held(tmp_path):
    """The file of a bowl that waits where it is told to; workers see it, though they do not see the sweep's folder."""
    yield Path(shutil.copy(SLOW, tmp_path))
    for file in tmp_path.glob("hold-*"):
        file.unlink()


@pytest.fixture
def cluster(tmp_path):
    """A cluster whose workers do not see the folder `out`."""
    if not can_hide():
        pytest.skip("no process can have mounts of its own here")
    for name in ("out", "workers"):
        (tmp_path / name).mkdir()
    with DaskCluster(tmp_path / "workers", tmp_path / "out") as running:
        yield running


def same(here, there):
    """Outcomes, apart from where the folder is, and channels are the same, byte for byte."""
    outcomes = [(folder / table.FILE).read_text().replace(str(folder), "FOLDER") for folder in (here, there)]
    assert outcomes[0] == outcomes[1]
    assert everything(here) == everything(there)


@pytest.mark.slow
def test_killed_workers_without_a_shared_disk_lose_no_job(cluster, held, tmp_path):
    """One job loses a worker and is done by another; one loses two and fails; all others are as they are here."""
    there, here = tmp_path / "out" / "sweep", tmp_path / "here"
    # 13 is refused, 14 fails in the user's own code.
    task, unlucky = f"{held}:size=[2,13,14,3,4],steps=150,seconds=0", held.with_name("hold-3")
    held.with_name("hold-2").touch()
    unlucky.touch()
    cluster.employ()
    with sweeping(task, "-o", RULE, "--cluster", cluster.address, "--out", there) as process:
        wait_for(held.with_name("held-2").exists, PATIENCE)
        cluster.employ()
        wait_for(held.with_name("held-3").exists, PATIENCE)
        held.with_name("held-3").unlink()
        held.with_name("hold-2").unlink()
        cluster.employ()
        wait_for(lambda: any(name.startswith("001") for name in finished_jobs(there)), PATIENCE)
        cluster.kill_worker(1)
        wait_for(held.with_name("held-3").exists, PATIENCE)
        cluster.kill_worker(next(number for number in (0, 2) if cluster.has_begun(number, "004")))
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, said
    assert "its worker was lost; another one takes over" in said
    assert "it lost two workers" in said
    status = ["finished", "failed", "failed", "failed", "finished"]
    assert [row["status"] for row in rows(there)[::2]] == status
    assert f"nobody foresaw this ({held}, line " in rows(there)[4]["error"]
    assert "Traceback" in next((there / "errors").glob("003-*.txt")).read_text()
    unlucky.unlink()
    CliRunner().invoke(commands, ["sweep", "--resume", str(there), "--trust", str(held)])
    CliRunner().invoke(commands, ["sweep", task, "-o", RULE, "--jobs", "1", "--out", str(here)])
    assert [row["status"] for row in rows(there)[::2]] == [*status[:3], "finished", "finished"]
    same(here, there)


@pytest.mark.slow
def test_a_sweep_that_loses_its_scheduler_stops_and_goes_on_without_one(cluster, held, tmp_path):
    there, here = tmp_path / "out" / "sweep", tmp_path / "here"
    task = f"{held}:size=[2,3],steps=150,seconds=0"
    held.with_name("hold-3").touch()
    cluster.employ()
    with sweeping(task, "-o", RULE, "--cluster", cluster.address, "--out", there) as process:
        wait_for(lambda: finished_jobs(there), PATIENCE)
        wait_for(held.with_name("held-3").exists, PATIENCE)
        cluster.scheduler.kill()
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, said
    assert f"the scheduler at {cluster.address} was lost; stopped with 1 of 2 jobs done; continue with: dynviz" in said
    held.with_name("hold-3").unlink()
    assert dynviz.open(there).finished == {"001-size=2-steps=150-seconds=0-adamw"}
    result = CliRunner().invoke(
        commands, ["sweep", "--resume", str(there), "--trust", str(held)], catch_exceptions=False
    )
    assert "1 already done" in result.stderr
    dynviz.sweep(task, RULE, jobs=1, out=here)
    same(here, there)


@pytest.mark.slow
def test_a_job_whose_sweep_is_killed_stops_where_it_can_be_resumed(tmp_path):
    folder, place = tmp_path / "out", tmp_path / "workers"
    place.mkdir()
    with DaskCluster(place) as cluster:
        cluster.employ()
        task = f"{SLOW}:steps=40000,seconds=0.01"
        with sweeping(task, "-o", "sgd", "--cluster", cluster.address, "--out", folder) as process:
            wait_for(lambda: list(folder.glob("*/*/channels/loss.npy")), PATIENCE)
            process.kill()
        wait_for(lambda: not Run(next(folder.glob("001-*"))).recordings[0].live, PATIENCE)
        assert cluster.workers[0].poll() is None
    assert Run(next(folder.glob("001-*"))).recordings[0].status == "interrupted"


@pytest.mark.slow
def test_a_cluster_on_this_machine_records_in_the_sweeps_folder_and_stops_cleanly(tmp_path):
    there, here = tmp_path / "there", tmp_path / "here"
    task = f"{SLOW}:size=[2,3],steps=250,seconds=0.02"
    with sweeping(task, "-o", "sgd", "--cluster", "local:2", "--device", "cpu,cpu", "--out", there) as process:
        wait_for(lambda: len(list(there.glob("*/*/channels/loss.npy"))) == 2, PATIENCE)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, said
    assert {Run(run.parent).recordings[0].status for run in there.glob("*/*/")} >= {"interrupted"}
    assert not list(there.glob(".shared-*"))
    resumed = launch.resume(there, trust=SLOW, cluster="local:2")
    assert len(resumed.finished) == 2
    dynviz.sweep(task, "sgd", jobs=2, out=here)
    same(here, there)


def test_every_device_of_a_list_trains_one_job_at_a_time():
    assert processes("cpu", 3) == ("cpu",) * 3
    assert processes("cpu,cpu", None) == ("cpu", "cpu")
    assert processes("cpu,cpu,cpu", 2) == ("cpu", "cpu")
    with pytest.raises(DynvizError, match="no device named 'tpu'"):
        processes("cpu,tpu", None)


def test_worker_takes_the_device_that_has_the_fewest_jobs(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(remote, "Worker", lambda _, job, *__, **___: given.append(job["settings"]["device"]))
    crew = remote._Crew(tmp_path, {"device": "cuda:0,cuda:1,cuda:1"}, ())
    children = [crew.take() for _ in range(3)]
    assert sorted(given) == ["cuda:0", "cuda:1", "cuda:1"]
    crew.give_back(children[0], leaves=False)
    assert crew.take() is children[0]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("somewhere", "no cluster 'somewhere': write tcp://HOST:PORT, local:N and slurm:FILE.toml"),
        ("local:0", "local:0 starts no cluster"),
        ("tcp://127.0.0.1:9", "no Dask scheduler answers at tcp://127.0.0.1:9"),
        ("slurm:missing.toml", "cannot read missing.toml"),
        ("slurm:few.toml", "few.toml needs a line like `jobs = 8`"),
        ("slurm:good.toml", "needs dask-jobqueue: pip install dask-jobqueue"),
    ],
)
def test_what_is_no_cluster_is_refused_in_one_line(address, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dynviz.sweeps.cluster.CONNECT", 0.3)
    Path("few.toml").write_text("cores = 2\n")
    Path("good.toml").write_text("jobs = 2\n")
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with pytest.raises(DynvizError, match=r"cluster|Dask|cannot read|needs") as raised:
        dynviz.sweep("surface", "sgd", out="out", cluster=address)
    assert words in str(raised.value)
    assert not Path("out").exists()


def test_slurm_gets_the_options_of_its_file(tmp_path, monkeypatch, caplog):
    from distributed import LocalCluster

    from dynviz.sweeps.cluster import opened

    monkeypatch.setattr("dynviz.sweeps.cluster.RENEWAL", 0.01)
    asked, scaled = {}, []
    fails = range(1, 4)

    class Slurm(LocalCluster):
        def __init__(self, **options):
            asked.update(options)
            super().__init__(n_workers=0, processes=False, dashboard_address="127.0.0.1:0")

        def scale(self, n=None, *, jobs=None):
            scaled.append(jobs)
            if len(scaled) - 1 in fails:
                raise RuntimeError("Slurm is\nrestarted")

    monkeypatch.setitem(sys.modules, "dask_jobqueue", types.SimpleNamespace(SLURMCluster=Slurm))
    file = tmp_path / "cluster.toml"
    file.write_text('jobs = 8\nqueue = "gpu"\ncores = 4\nmemory = "16GB"\n')
    with opened(f"slurm:{file}") as cluster:
        # Jobs whose time is over are replaced, also after Slurm could not be reached for a while.
        wait_for(lambda: len(scaled) > 5, PATIENCE)
        words = [record.getMessage() for record in caplog.records if record.name == "dynviz.sweeps.cluster"]
        assert len(words) == 1
        assert "not replaced for now: RuntimeError: Slurm is restarted" in words[0]
        assert set(scaled) == {8}
        assert asked == {"queue": "gpu", "cores": 4, "memory": "16GB"}
        # No worker has begun yet, and so there is none to be refused.
        assert cluster.memory is None


def test_a_job_that_slurm_refuses_is_said_in_one_line(tmp_path, monkeypatch):
    closed = []

    async def refused():
        raise RuntimeError("Exit code: 1\nstderr:\nsbatch: error: invalid partition specified: nope\n")

    class Slurm:
        workers = None

        def scale(self, *, jobs):
            self.workers = {number: refused() for number in range(jobs)}

        def sync(self, function, *arguments):
            return asyncio.run(function(*arguments))

        def __await__(self):
            yield from ()

        def close(self):
            closed.append(True)

    monkeypatch.setitem(sys.modules, "dask_jobqueue", types.SimpleNamespace(SLURMCluster=Slurm))
    monkeypatch.chdir(tmp_path)
    Path("c.toml").write_text("jobs = 1\n")
    with pytest.raises(DynvizError, match=r"^c\.toml: Slurm takes no job: sbatch: error: invalid partition .* nope$"):
        dynviz.sweep("surface", "sgd", out="out", cluster="slurm:c.toml")
    assert closed
    assert not Path("out").exists()


def test_workers_with_other_versions_or_without_gpus_are_refused(monkeypatch):
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1, processes=False, dashboard_address="127.0.0.1:0", protocol="tcp", host="127.0.0.1"
    ) as local:
        with pytest.raises(DynvizError, match=r"offers a GPU; start them with: dask worker \.\.\. --resources GPU=1"):
            dynviz.sweep("surface", "sgd", device="cuda", cluster=local.scheduler_address)
        monkeypatch.setattr(metadata, "version", lambda name: f"0.0 of {name}")
        monkeypatch.setattr(remote, "versions", lambda: {"dynviz": "0.0 of dynviz", "torch": "2.0"})
        with pytest.raises(DynvizError, match=r"^worker tcp://.* has torch 0.0 of torch, not 2.0 as here"):
            dynviz.sweep("surface", "sgd", cluster=local.scheduler_address)


def test_what_a_worker_sends_arrives_whole_and_only_where_it_belongs(tmp_path):
    place, folder = tmp_path / "worker", tmp_path / "sweep"
    (place / "001-sgd" / "sgd" / "channels").mkdir(parents=True)
    folder.mkdir()
    (place / "001-sgd" / "sgd" / "channels" / "loss.npy").write_bytes(bytes(range(256)) * 40_000)
    (place / "001-sgd" / "sgd" / "run.json").write_bytes(b"")
    job = Job("001-sgd", parse("surface"), parse("sgd"), ())
    answer = {"place": str(place), "worker": "tcp://1", "files": remote._files(place, job)}
    chunks = list(arrival.bring_home(folder, job.name, answer, remote.read))
    assert len(chunks) == 3
    assert everything(folder) == everything(place)
    # What was there before is kept.
    list(arrival.bring_home(folder, job.name, answer, remote.read))
    assert everything(folder / "aside" / "001-sgd-1").keys() == everything(place / "001-sgd").keys()
    bad = [
        ("../x", 0, ""),
        ("/etc/x", 0, ""),
        ("001-sgd/../../x", 0, ""),
        ("002-sgd/x", 0, ""),
        ("errors/2.txt", 0, ""),
    ]
    for name in bad:
        with pytest.raises(DynvizError, match=r"a worker sends|which is no file of job"):
            list(arrival.bring_home(folder, job.name, {**answer, "files": [name]}, remote.read))
    cut = [(name, size, "0" * 64) for name, size, _ in answer["files"]]
    with pytest.raises(DynvizError, match="with other contents than it had there"):
        list(arrival.bring_home(tmp_path / "sweep", job.name, {**answer, "files": cut}, remote.read))
    assert not list(folder.glob(".*"))


class Listener:
    def begin(self, *_): ...

    def hear(self, report): ...

    def end(self): ...


def test_table_is_not_written_again_for_every_job(tmp_path, monkeypatch):
    """A table of n rows that is written n times takes the square of n."""
    jobs = [Job(f"{number:03}-sgd", parse("surface"), parse("sgd"), (Lane(0),)) for number in range(1, 201)]
    plan = SweepPlan(tuple(jobs), Settings())

    class Pool:
        def submit(self, job): ...

        def results(self):
            for job in jobs:
                yield JobReport(job, "failed", message="why")

        def close(self): ...

    written = []
    replacing = disk.replacing
    monkeypatch.setattr(disk, "replacing", lambda path: written.append(path.name) or replacing(path))
    done = completion.complete(tmp_path, plan, Pool(), Listener())
    assert written.count(table.FILE) < 20
    assert len(table.load(tmp_path)) == len(done.failed) == 200


def test_a_pool_that_is_lost_stops_the_sweep(tmp_path):
    plan = SweepPlan((Job("001-sgd", parse("surface"), parse("sgd"), ()),), Settings())

    class Pool:
        def submit(self, job): ...

        def results(self):
            yield None
            raise LostError("the scheduler was lost")

        def close(self): ...

    with pytest.raises(Stopped, match=r"^the scheduler was lost; stopped with 0 of 1 jobs done$") as stopped:
        completion.complete(tmp_path, plan, Pool(), Listener())
    assert isinstance(stopped.value.sweep, Sweep)
