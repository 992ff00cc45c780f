"""A recording is data: what it names is run only where it is bundled or its user says so, and no link is followed."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import dynviz
from dynviz.animation.drawing import suggested
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.projection.project import Wish, project
from dynviz.recording import open_all
from dynviz.sweeps import launch as sweeps
from tests.pseudo_terminal import PseudoTerminal

BOWL = Path(__file__).parent / "files" / "bowl.py"
MARK = "ran.txt"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of a bundled scenario, one of a user's file, and a sweep; each half of what is asked for later."""
    folder = tmp_path_factory.mktemp("runs")
    hostile = folder / "hostile.py"
    hostile.write_text(f"from pathlib import Path\nPath({str(folder / MARK)!r}).write_text('ran')\n" + BOWL.read_text())
    dynviz.run("surface:f=booth,grid=8", "sgd", steps=4, record="parameters", out=folder / "bundled")
    dynviz.run(str(hostile), "sgd", steps=4, record="parameters", out=folder / "own")
    sweeps.sweep("surface:f=booth,grid=8", "sgd:lr=[0.01,0.02]", steps=4, jobs=1, out=folder / "sweep")
    sweeps.sweep(str(hostile), "sgd:nesterov=[true,false],momentum=0.5", steps=4, jobs=1, out=folder / "own-sweep")
    (folder / MARK).unlink()
    return folder


@pytest.fixture
def copied(runs, tmp_path):
    """Copies of them that a test may change."""
    for name in ("bundled", "own", "sweep", "own-sweep"):
        shutil.copytree(runs / name, tmp_path / name)
    return tmp_path


def files_below(folder):
    """Path, kind and content of all that is below a folder."""
    return {
        str(path.relative_to(folder)): (path.is_symlink(), path.read_bytes() if path.is_file() else None)
        for path in folder.rglob("*")
    }


def rewrite(file, change):
    tree = json.loads(file.read_text())
    change(tree)
    file.write_text(json.dumps(tree))


def invoke(*words):
    return CliRunner().invoke(commands, list(map(str, words)))


def test_a_view_that_a_recording_names_by_a_path_is_never_run(copied):
    script = copied / "bundled" / "got.py"
    script.write_text(f"from pathlib import Path\nPath({str(copied / MARK)!r}).write_text('ran')\nview = None\n")
    views = [str(script), "got.got", "./got.py:a=1", "path", "curves:("]
    rewrite(copied / "bundled" / "sgd" / "run.json", lambda tree: tree.update(views=views))
    assert suggested(open_all([copied / "bundled"])) == ["path"]
    for words in (["show"], ["show", "--text"], ["export", "--frames", "2"]):
        target = [copied / "out.gif"] if words[0] == "export" else []
        invoke(words[0], copied / "bundled", *target, *words[1:])
    assert (copied / "out.gif").exists()
    assert not (copied / MARK).exists()


@pytest.mark.parametrize("name", ["../victim", ".", "..", "", "/tmp/victim", "001-../x", "sgd", "002-sgd", 7, None])
def test_a_sweep_that_names_folders_outside_its_own_is_refused_and_nothing_is_touched(name, copied):
    victim = copied / "victim"
    victim.mkdir()
    (victim / "kept").write_text("kept")
    rewrite(copied / "sweep" / "sweep.json", lambda tree: tree["jobs"][0].update(name=name))
    before = files_below(copied)
    with pytest.raises(DynvizError, match=r"sweep\.json"):
        sweeps.resume(copied / "sweep")
    assert files_below(copied) == before


def test_what_stands_where_a_job_should_is_moved_aside_and_not_removed(copied):
    job = next((copied / "sweep").glob("001-*"))
    shutil.rmtree(job)
    job.mkdir()
    (job / "thesis.tex").write_text("years of work")
    sweeps.resume(copied / "sweep", jobs=1)
    assert (copied / "sweep" / "aside" / f"{job.name}-1" / "thesis.tex").read_text() == "years of work"
    assert dynviz.open(job)


def test_a_job_that_is_a_link_is_not_followed(copied):
    job = next((copied / "sweep").glob("001-*"))
    shutil.rmtree(job)
    (copied / "victim").mkdir()
    job.symlink_to(copied / "victim")
    swept = sweeps.resume(copied / "sweep", jobs=1)
    assert "is a link" in swept.failed[job.name]
    assert list((copied / "victim").iterdir()) == []


@pytest.mark.parametrize("name", ["subprocess.Popen", "os.system", "builtins.exec", "torch.optim.lr_scheduler.StepLR"])
@pytest.mark.parametrize("plural", ["scenario", "optimizer"])
def test_a_class_that_is_no_optimizer_or_scenario_is_not_called(plural, name, copied):
    change = {"name": name, "given": {"args": ["touch", str(copied / MARK)]}, "options": {}}
    rewrite(copied / "bundled" / "sgd" / "run.json", lambda tree: tree[plural].update(change))
    before = files_below(copied)
    for trust in ((), ("subprocess", "os", "builtins")):
        with pytest.raises(DynvizError):
            dynviz.resume(copied / "bundled", steps=9, trust=trust)
    assert files_below(copied) == before


def test_a_users_own_file_is_run_again_where_its_user_says_so_and_is_what_it_was(runs, copied):
    own = copied / "own"
    with pytest.raises(DynvizError, match=r"made with .*hostile\.py, .* add --trust .*hostile\.py"):
        dynviz.resume(own, steps=6)
    with pytest.raises(DynvizError, match="--trust"):
        dynviz.resume(own, steps=6, trust=copied / "another.py")
    assert not (runs / MARK).exists()
    assert dynviz.resume(own, steps=6, trust=runs / "hostile.py")["sgd"].total == 6
    assert dynviz.resume(own, steps=7, trust=[runs])["sgd"].total == 7
    moved = copied / "elsewhere" / "hostile.py"
    moved.parent.mkdir()
    shutil.copy(runs / "hostile.py", moved)
    assert dynviz.resume(own, steps=8, trust=moved.parent)["sgd"].total == 8
    (runs / MARK).unlink()
    moved.write_text(moved.read_text() + "\n# edited\n")
    with pytest.raises(DynvizError, match=r"hostile\.py has changed since the run began"):
        dynviz.resume(own, steps=9, trust=moved)
    with pytest.raises(DynvizError, match=r"there is no file .*hostile\.py"):
        dynviz.resume(own, steps=9, trust=copied / "nowhere" / "hostile.py")
    assert not (runs / MARK).exists()


def test_a_foreign_scenario_is_not_run_by_a_projection_either(runs, copied):
    (recording,) = open_all([copied / "own"])
    with pytest.raises(DynvizError, match="--trust"):
        project(recording, Wish(grid=3))
    for command in ("project", "sharpness"):
        done = invoke(command, copied / "own")
        assert isinstance(done.exception, DynvizError)
    assert not (runs / MARK).exists()
    assert project(recording, Wish(grid=3, trust=(str(runs),))).plane
    (runs / MARK).unlink()


def test_a_foreign_sweep_runs_its_file_only_with_trust(runs, copied):
    shutil.rmtree(next((copied / "own-sweep").glob("001-*")))
    with pytest.raises(DynvizError, match="--trust"):
        sweeps.resume(copied / "own-sweep", jobs=1)
    assert not (runs / MARK).exists()
    assert not sweeps.resume(copied / "own-sweep", jobs=1, trust=runs).failed
    (runs / MARK).unlink()


@pytest.mark.parametrize(
    "place",
    [
        "sgd",
        "sgd/run.json.new",
        "sgd/channels/loss.npy",
        "sgd/channels",
        "sgd/lock",
        "sgd/checkpoints",
        "sgd/events.jsonl",
    ],
)
def test_a_link_in_a_recording_is_not_written_through(place, copied):
    link, victim = copied / "bundled" / place, copied / "victim"
    if link.exists():
        shutil.move(link, victim)
    else:
        victim.write_text("kept")
    link.symlink_to(victim)
    before = files_below(victim) if victim.is_dir() else victim.read_bytes()
    if place.endswith(".new"):
        # What takes the place of a file is made anew, whatever stood there.
        dynviz.resume(copied / "bundled", steps=9)
    else:
        with pytest.raises(DynvizError, match="is a link"):
            dynviz.resume(copied / "bundled", steps=9)
    assert before == (files_below(victim) if victim.is_dir() else victim.read_bytes())


@pytest.mark.parametrize("place", ["channels/loss.npy", "lock", "events.jsonl"])
def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(place, copied):
    pipe = copied / "bundled" / "sgd" / place
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    with pytest.raises(DynvizError, match="not a regular file"):
        dynviz.resume(copied / "bundled", steps=9)


def test_a_deleted_lock_lets_no_second_writer_in(copied):
    folder = copied / "bundled" / "sgd"
    with dynviz.recording.Writer.resume(folder):
        (folder / "lock").unlink()
        with pytest.raises(DynvizError, match="is being written"):
            dynviz.recording.Writer.resume(folder)
        assert dynviz.open(folder).live


def test_a_projection_is_not_written_through_a_link(copied):
    (copied / "victim").mkdir()
    (copied / "bundled" / "sgd" / "projections").symlink_to(copied / "victim")
    (recording,) = open_all([copied / "bundled"])
    with pytest.raises(DynvizError, match="is a link"):
        project(recording, Wish(directions="gaussian", grid=3)).save(recording.folder, "plane")
    assert list((copied / "victim").iterdir()) == []


def test_a_terminal_asks_before_it_runs_a_users_file_again(runs, copied):
    for answer, ran in (("n", False), ("y", True)):
        command = [sys.executable, "-m", "dynviz", "run", "--headless", "--resume", copied / "own", "--steps", "6"]
        with PseudoTerminal(*command, cwd=copied) as terminal:
            terminal.wait_for(r"Run that code\?")
            terminal.send(f"{answer}\n")
            assert terminal.wait() == (0 if ran else 1)
        assert (runs / MARK).exists() == ran
    (runs / MARK).unlink()
