"""`dynviz report --cluster`: the same report as here, whatever happened on the way."""

import errno
import os
import types
from pathlib import Path

import pytest
from click.testing import CliRunner

import dynviz
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.recording import lock
from dynviz.recording.disk import Folder
from dynviz.reporting import clustered
from dynviz.reporting.commands import TrainingCommand
from dynviz.reporting.training import CachedTraining
from dynviz.sweeps import launch
from tests.dask_cluster import DaskCluster
from tests.test_report import TEXT
from tests.test_sweep import everything

LOCAL = ("--seeds", "0:6", "--no-pictures")


def report(folder, monkeypatch, *words):
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    Path("bowls.toml").write_text(TEXT)
    done = CliRunner().invoke(commands, ["report", "bowls.toml", *LOCAL, *map(str, words)])
    assert done.exit_code == 0, (done.output, done.exception)
    return done


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A report whose runs were trained on this machine."""
    report(tmp_path / "here", monkeypatch)
    return tmp_path / "here"


def same(here, there):
    """Reports are equal byte for byte, and so are all channels of their recordings."""
    for name in ("report.json", "report.md", "report.html"):
        assert (here / "reports/bowls" / name).read_bytes() == (there / "reports/bowls" / name).read_bytes()
    kept = [sorted(path.name for path in (folder / "runs/claims").iterdir()) for folder in (here, there)]
    # What failed leaves nothing here, and may leave something there.
    assert set(kept[0]) <= set(kept[1])
    for name in kept[0]:
        assert everything(here / "runs/claims" / name) == everything(there / "runs/claims" / name), name


@pytest.mark.slow
def test_a_report_on_a_cluster_is_the_one_that_is_made_here(here, tmp_path, monkeypatch):
    there, place = tmp_path / "there", tmp_path / "workers"
    place.mkdir()
    with DaskCluster(place) as cluster:
        cluster.employ()
        done = report(there, monkeypatch, "--cluster", cluster.address)
        assert "run 1 of" in done.stderr  # the sweep, whose jobs train there too
        same(here, there)
        assert not list((there / "runs/claims").glob(f"{clustered.PREFIX}*"))
        # Nothing is trained twice, there or here.
        assert "lanes in" not in report(there, monkeypatch, "--force", "--claim", "sgd-falls").stderr


@pytest.fixture
def begun(tmp_path):
    """A run of a report that has begun."""
    dynviz.run("surface:f=booth,grid=8", "sgd", steps=5, out=tmp_path / "bowl")
    return CachedTraining(TrainingCommand("surface:f=booth,grid=8", ("sgd",), "42", 9), tmp_path / "bowl")


def test_no_other_report_takes_a_run_away_while_it_is_prepared_for_a_cluster(begun, monkeypatch):
    cache, recorded = begun.folder.parent, everything(begun.folder)

    def resume(folder, *_, **__):
        clustered.bring_home(cache)  # by another report
        (job,) = folder.glob("001-*")
        assert everything(job) == recorded
        assert not begun.folder.exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(launch, "resume_locked", resume)
    with pytest.raises(KeyboardInterrupt):
        clustered.train([begun], None, (), lambda: None)
    assert list(cache.iterdir()) == [begun.folder]
    assert everything(begun.folder) == recorded


@pytest.mark.parametrize("fails", ["rename", "resume"])
def test_a_sweep_that_cannot_begin_on_a_cluster_is_a_reason_and_leaves_nothing(begun, monkeypatch, fails):
    def refuse(*_, **__):
        raise DynvizError("a file has changed")

    def rename(path, target, move=Path.rename):
        if fails == "rename" and path == begun.folder:
            raise OSError(errno.EACCES, "Permission denied")
        return move(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    monkeypatch.setattr(launch, "resume_locked", refuse)
    failures = clustered.train([begun], None, (), lambda: None)
    assert list(failures) == [begun.folder]
    assert ("Permission denied" if fails == "rename" else "a file has changed") in failures[begun.folder]
    assert list(begun.folder.parent.iterdir()) == [begun.folder]


def test_a_run_that_is_trained_here_asks_for_no_display_of_a_sweep(tmp_path):
    command = TrainingCommand("surface:f=booth,grid=8", ("sgd",), "42", 5)
    training = CachedTraining(command, tmp_path / "bowl")
    training.train(types.SimpleNamespace(progress=lambda: None), ())
    assert training.done


def test_what_a_killed_report_left_is_brought_home_unless_another_one_is_at_work(tmp_path):
    left = tmp_path / f"{clustered.PREFIX}x"
    dynviz.sweep("surface:f=booth,grid=8", "sgd", steps=5, jobs=1, out=left)
    (job,) = left.glob("001-*")
    with Folder(left) as folder:
        held = lock.acquire(folder)
        clustered.bring_home(tmp_path)
        os.close(held)
    assert job.exists()
    recorded = everything(job)
    clustered.bring_home(tmp_path)
    (home,) = tmp_path.iterdir()
    assert home.name == job.name.removeprefix("001-")
    assert everything(home) == recorded
    assert recorded
