"""Folders of any name: what is trained from a file there can be gone on with."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import dynviz
from dynviz.cli import commands

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
