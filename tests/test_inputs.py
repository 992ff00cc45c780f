"""Every file that a run depends on is known by its bytes, and a small one is kept beside the recording."""

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import dynviz
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.projection.project import Wish, project
from dynviz.recording import inputs
from dynviz.sweeps.launch import resume, sweep

BOWL = Path(__file__).parent / "files" / "bowl.py"
IMPORTS = "from pathlib import Path\n\nimport torch\n\nfrom the_size import SIZE\n"
TASK = BOWL.read_text().replace("import torch\n", IMPORTS, 1)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of a task of a user's own, which imports a file and reads another one."""
    task = tmp_path / "task.py"
    task.write_text(TASK.replace("    def build(", "    data: Path = Path('points.csv')\n\n    def build(", 1))
    (tmp_path / "the_size.py").write_text("SIZE = 3\n")
    (tmp_path / "points.csv").write_text("1,2\n")
    monkeypatch.syspath_prepend(tmp_path)
    return dynviz.run(str(task), "sgd", steps=8, record="parameters", out=tmp_path / "run")


def again(run, trust):
    """Everything that trains or measures a recording's scenario again."""
    return {
        "resume": lambda: dynviz.resume(run.folder, steps=9, trust=trust),
        "fork": lambda: dynviz.fork(run.folder, at=4, trust=trust, out=Path(trust) / "fork"),
        "project": lambda: project(run["sgd"], Wish(dimensions=1, grid=3, trust=(str(trust),))),
    }


@pytest.mark.parametrize("name", ["task.py", "the_size.py", "points.csv"])
@pytest.mark.parametrize("way", ["resume", "fork", "project"])
def test_a_run_is_refused_where_a_file_of_it_changed_and_its_copy_is_named(run, tmp_path, way, name):
    (tmp_path / name).write_text("# changed\n" + (tmp_path / name).read_text())
    kept = run["sgd"].folder / "inputs" / name
    with pytest.raises(DynvizError, match="has changed") as refused:
        again(run, tmp_path)[way]()
    assert str(tmp_path / name) in str(refused.value)
    assert str(kept) in str(refused.value)
    # With the copy put back it goes on.
    (tmp_path / name).write_bytes(kept.read_bytes())
    again(run, tmp_path)[way]()


def test_sharpness_is_refused_where_a_file_of_the_run_changed(run, tmp_path):
    (tmp_path / "points.csv").write_text("1,3\n")
    result = CliRunner().invoke(commands, ["sharpness", str(run["sgd"].folder), "--trust", str(tmp_path)])
    assert isinstance(result.exception, DynvizError)
    assert "points.csv has changed since the run began" in str(result.exception)


def test_what_is_kept_is_what_the_run_began_with(run, tmp_path):
    known = {Path(each.path).name: each for each in run["sgd"].metadata.inputs}
    assert {name: each.code for name, each in known.items()} == {
        "task.py": True,
        "the_size.py": True,
        "points.csv": False,
    }
    for name, each in known.items():
        data = (tmp_path / name).read_bytes()
        assert each.sha256 == hashlib.sha256(data).hexdigest()
        assert (run["sgd"].folder / "inputs" / each.copy).read_bytes() == data


def test_an_option_that_names_a_file_is_found_from_any_folder(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("##..\n..##\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    run = dynviz.run("icon:data=shapes,width=2,picture=a.txt", "sgd", steps=1, out=tmp_path / "run")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run["sgd"].metadata.scenario.options["picture"] == str(tmp_path / "a.txt")
    dynviz.resume(run.folder, steps=2)
    (tmp_path / "a.txt").unlink()
    with pytest.raises(DynvizError, match=r"cannot read .*a\.txt.*put back the copy.*inputs/a\.txt"):
        dynviz.resume(run.folder, steps=3)


def test_an_option_that_names_no_file_is_refused_with_what_it_takes():
    with pytest.raises(DynvizError, match=r"picture takes heart .* existing file"):
        dynviz.run("icon:picture=hart", "sgd", steps=1)


def test_a_changed_copy_is_found_and_mended(run):
    copy = run["sgd"].folder / "inputs" / "points.csv"
    copy.write_text("1,3\n")
    result = CliRunner().invoke(commands, ["check", str(run.folder)])
    assert result.exit_code == 1
    assert "inputs/points.csv: it is not what was written" in result.output
    CliRunner().invoke(commands, ["check", "--mend", str(run.folder)])
    assert not copy.exists()
    assert CliRunner().invoke(commands, ["check", str(run.folder)]).exit_code == 0


def test_a_link_among_the_copies_is_not_followed(run):
    copy = run["sgd"].folder / "inputs" / "points.csv"
    copy.unlink()
    copy.symlink_to(BOWL)
    assert "link" in CliRunner().invoke(commands, ["check", str(run.folder)]).output


def test_a_copy_that_is_named_outside_of_its_folder_is_refused(run):
    file = run["sgd"].folder / "run.json"
    tree = json.loads(file.read_text())
    tree["inputs"][0]["copy"] = "../../victim"
    file.write_text(json.dumps(tree))
    with pytest.raises(DynvizError, match="is not a file name"):
        dynviz.open(run["sgd"].folder)


def test_no_copy_is_kept_of_a_large_file_and_copies_of_one_name_stand_side_by_side(tmp_path):
    places = [tmp_path / "a" / "x.csv", tmp_path / "b" / "x.csv", tmp_path / "large.csv"]
    for place in places:
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(b"1")
    places[-1].write_bytes(bytes(inputs.LARGEST))
    assert [each.copy for each in inputs.of([], places)] == ["x.csv", "2-x.csv", ""]


def test_copies_are_never_run(run, tmp_path):
    (run["sgd"].folder / "inputs" / "task.py").write_text("raise SystemExit('ran')")
    dynviz.resume(run.folder, steps=9, trust=tmp_path)


def test_a_rule_may_read_a_file_and_goes_on_with_it(tmp_path):
    (tmp_path / "rate.txt").write_text("0.25")
    (tmp_path / "mine.py").write_text(
        "from pathlib import Path\nimport torch\n\n\n"
        "class Mine(torch.optim.Optimizer):\n"
        "    def __init__(self, params, rate: Path = Path('rate.txt')):\n"
        "        super().__init__(params, {'lr': float(rate.read_text())})\n\n"
        "    @torch.no_grad()\n"
        "    def step(self):\n"
        "        for group in self.param_groups:\n"
        "            for p in group['params']:\n"
        "                p -= group['lr'] * p.grad\n\n\n"
        "optimizer = Mine\n"
    )
    run = dynviz.run(str(BOWL), str(tmp_path / "mine.py"), steps=2, out=tmp_path / "run")
    (recording,) = run.recordings
    assert [Path(each.path).name for each in recording.metadata.inputs] == ["rate.txt", "bowl.py", "mine.py"]
    dynviz.resume(run.folder, steps=3, trust=[BOWL, tmp_path])


def test_a_sweep_goes_on_only_with_the_files_its_options_name(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("##..\n..##\n")
    monkeypatch.chdir(tmp_path)
    sweep("icon:data=shapes,width=2,picture=[a.txt,heart]", "sgd", steps=1, jobs=1, out=tmp_path / "sweep")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    resume(tmp_path / "sweep", jobs=1)
    (tmp_path / "a.txt").write_text("##..\n.###\n")
    with pytest.raises(DynvizError, match=r"a\.txt has changed since the run began"):
        resume(tmp_path / "sweep", jobs=1)
