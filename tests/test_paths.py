"""Folders of any name: what is trained from a file there can be gone on with."""

import json
import shutil
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import dynviz
from dynviz.cli import commands
from dynviz.plugins.spec import parse
from dynviz.sweeps import launch, work
from dynviz.sweeps.pool import JobReport

FILES = Path(__file__).parent / "files"
NAMES = ["c++", "a:b", 'it\'s "quoted"', "old.py+new", "(1,2"]
RULE = "from dynviz.optimizers.sgd import SGD\n\noptimizer = SGD\n"


@pytest.fixture(params=NAMES)
def place(request, tmp_path, monkeypatch):
    folder = tmp_path / request.param
    folder.mkdir()
    shutil.copy(FILES / "bowl.py", folder / "task.py")
    (folder / "mine.py").write_text(RULE)
    monkeypatch.chdir(tmp_path)
    return folder


def dynviz_command(*words):
    done = CliRunner().invoke(commands, list(map(str, words)), catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return done


def test_a_run_of_files_in_a_folder_of_any_name_goes_on(place):
    rules = [f"./{place.name}/mine.py+sam:lr=0.1", f"./{place.name}/mine.py"]
    run = dynviz.run(f"./{place.name}/task.py", rules, steps=3, out="run")
    assert list(run) == ["mine+sam", "mine"]
    assert dynviz.resume("run", steps=5, trust=place)["mine+sam"].recorded == 5


def test_a_sweep_of_files_in_a_folder_of_any_name_goes_on(place):
    rule = f"./{place.name}/mine.py+sam:lr=[0.1,0.2],nesterov=[true,false],momentum=0.5"
    dynviz_command("sweep", f"./{place.name}/task.py", "-o", rule, "--steps", 3, "--jobs", 1, "--out", "swept")
    shutil.rmtree(next(Path("swept").glob("002-*")))
    dynviz_command("sweep", "--resume", "swept", "--jobs", 1, "--trust", place)
    assert len(dynviz.open("swept").outcomes) == 4


def test_lanes_of_all_runs_of_a_sweep_can_be_named(tmp_path):
    dynviz.sweep("surface:grid=[8,16]", "sgd", seeds="0:4", steps=2, jobs=1, out=tmp_path / "swept")
    recordings = dynviz.recording.open_all([f"{tmp_path / 'swept'}@0:2"])
    assert [recording.seeds for recording in recordings] == [(0, 1), (0, 1)]


class HerePool:
    """Does the jobs of a sweep in this process, from the lines that another one would get."""

    def __init__(self, folder, plan_settings, trust=()):
        self.folder, self.settings, self.trust = folder, plan_settings, trust
        self.jobs = []

    def submit(self, job):
        self.jobs.append(work.from_line(work.to_line(job)))

    def results(self):
        for job in self.jobs:
            work.perform(self.folder, job, self.settings, self.trust, Silent())
            yield JobReport(job, "finished")

    def stop(self): ...

    def close(self): ...


class Silent:
    def does(self, words): ...

    def begin(self, folder, recordings, steps_done): ...

    def move(self, label, step, loss, steps): ...

    def end(self): ...


@pytest.mark.parametrize("name", ["c++", "old.py+new"])
def test_what_older_versions_wrote_about_files_in_such_folders_goes_on(name, tmp_path, monkeypatch):
    """Before format 3, a rule and its modifiers were one text, and so was all that a sweep trains."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / name
    folder.mkdir()
    shutil.copy(FILES / "bowl.py", folder / "task.py")
    (folder / "mine.py").write_text(RULE)
    rule = f"./{name}/mine.py+sam:lr=0.05,rho=0.1"
    dynviz.run(f"./{name}/task.py", rule, steps=3, out="run")
    swept = tmp_path / "swept"
    dynviz.sweep(f"./{name}/task.py", rule, steps=3, out=swept, pool=HerePool(swept, launch.Settings(3)))
    file, sweep_file = Path("run/mine+sam/run.json"), Path("swept/sweep.json")
    tree, sweep_tree = json.loads(file.read_text()), json.loads(sweep_file.read_text())
    assert tree["optimizer"]["given"] == {"lr": 0.05}
    assert tree["optimizer"]["modifiers"][0]["given"] == {"rho": 0.1}
    sha256 = tree["optimizer"]["sha256"]
    old = {"name": f"{folder}/mine.py+sam", "given": {"lr": 0.05, "rho": 0.1}, "options": {}, "file": ""}
    del tree["checksum"], tree["scenario"]["modifiers"], sweep_tree["checksum"]
    file.write_text(json.dumps({**tree, "format": 2, "optimizer": {**old, "sha256": sha256}}))
    sweep_tree["jobs"][0] |= {"scenario": f"{folder}/task.py", "optimizer": f"{folder}/mine.py+sam:lr=0.05,rho=0.1"}
    sweep_file.write_text(json.dumps({**sweep_tree, "format": 2}))
    shutil.rmtree(next(swept.glob("001-*")))
    recording = dynviz.resume("run", steps=5, trust=folder)["mine+sam"]
    assert recording.metadata.optimizer.title == f"{folder}/mine.py+sam"
    assert recording.recorded == 5
    launch.resume(swept, trust=folder, pool=HerePool(swept, launch.Settings(3)))
    assert [outcome.status for outcome in dynviz.open(swept).outcomes] == ["finished"]


def numbers(folder):
    """The bytes of all channels of all recordings, by channel and place."""
    recordings = dynviz.recording.open_all([folder])
    return [
        {path.name: path.read_bytes() for path in sorted((recording.folder / "channels").iterdir())}
        for recording in recordings
    ]


def all_ways(folder, task, rule, place):
    """What a run, its continuation, a fork and a sweep of two files record."""
    scenario = f"{folder / task}:size=4"
    dynviz.run(scenario, [f"{folder / rule}+sam:rho=0.1", f"{folder / rule}:lr=0.02"], steps=3, out=place / "run")
    dynviz.resume(place / "run", steps=5, trust=folder)
    dynviz.fork(place / "run", at=2, trust=folder, out=place / "fork")
    settings_ = launch.Settings(3)
    swept = place / "swept"
    dynviz.sweep(
        scenario,
        f"{folder / rule}+sam:lr=[0.1,0.2],nesterov=[true,false],momentum=0.5",
        steps=3,
        out=swept,
        pool=HerePool(swept, settings_),
    )
    shutil.rmtree(next(swept.glob("002-*")))
    launch.resume(swept, trust=folder, pool=HerePool(swept, settings_, (str(folder),)))
    return [numbers(place / name) for name in ("run", "fork", "swept")]


PARTS = [*":+@\"' ,()[]=\\#%&;*?~!{}<>|$`^-_.\n\t\u00e9\u6f22\u202e", ".py", ".py:", ".py+", "::", "a", "0:2", "sam"]
HOSTILE = (
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=8).map("".join).filter(lambda name: name not in {".", ".."})
)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    shutil.copy(FILES / "bowl.py", folder / "task.py")
    (folder / "mine.py").write_text(RULE)
    return all_ways(folder, "task.py", "mine.py", folder)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HOSTILE, HOSTILE, HOSTILE)
@example("c++", "a:b", "x+sam")
@example("a.py+b", "a.py:b", "..")
@example(" ", "it's", '"')
def test_names_of_files_and_folders_change_no_number(plain, folder_name, task, rule):
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top) / "files" / folder_name
        folder.mkdir(parents=True)
        task_file, rule_file = f"t{task}.py", f"r{rule}.py"
        shutil.copy(FILES / "bowl.py", folder / task_file)
        (folder / rule_file).write_text(RULE)
        assert all_ways(folder, task_file, rule_file, Path(top)) == plain


@given(HOSTILE, HOSTILE)
def test_a_path_that_exists_is_the_name_whatever_it_contains(folder_name, file_name):
    with tempfile.TemporaryDirectory() as top:
        path = Path(top) / folder_name / f"{file_name}.py"
        path.parent.mkdir(exist_ok=True)
        path.touch()
        spec = parse(f"{path}+sam:rho=0.1")
        assert ([part.name for part in spec.parts], spec.options) == ([str(path), "sam"], {"rho": "0.1"})


@pytest.mark.parametrize(("name", "label"), [("...py", "optimizer"), (".py", ".py"), ("a b@0:2.py", "a b@0:2")])
def test_a_file_of_any_name_gives_a_recording_of_its_own(tmp_path, name, label):
    (tmp_path / name).write_text(RULE)
    run = dynviz.run("surface:f=booth", f"{tmp_path / name}:lr=0.01", steps=2, out=tmp_path / "run")
    assert list(run) == [label]
    assert dynviz.resume(run.folder, steps=3, trust=tmp_path)[label].recorded == 3
    assert dynviz.open(f"{run.folder / label}@0").seeds == (42,)
