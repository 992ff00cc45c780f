"""Code behind import paths, and behind objects given from Python, is known by its bytes like a user's file."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import dynviz
from dynviz import plugins
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.plugins.fingerprints import CodeFile, definition
from dynviz.projection.project import Wish, project
from dynviz.sweeps import launch

BOWL = Path(__file__).parent / "files" / "bowl.py"
RULE = """
import torch

from .rates import RATE


class Mine(torch.optim.Optimizer):
    def __init__(self, params, lr: float = RATE):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p -= group["lr"] * p.grad
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package in the working folder with a rule, a task, and what they import."""
    folder = tmp_path / "lab"
    (folder / "deep").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "deep" / "__init__.py").write_text("")
    (folder / "deep" / "sizes.py").write_text("SIZE = 3\n")
    (folder / "rates.py").write_text("RATE = 0.1\n")
    (folder / "rules.py").write_text(RULE)
    task = BOWL.read_text().replace("import torch\n", "import torch\n\nfrom lab.deep.sizes import SIZE\n", 1)
    (folder / "tasks.py").write_text(task)
    (folder / "unrelated.py").write_text("x = 1\n")
    monkeypatch.chdir(tmp_path)
    forget()
    yield folder
    forget()
    sys.path[:] = [place for place in sys.path if place != str(tmp_path)]


def forget():
    for name in [name for name in sys.modules if name.partition(".")[0] == "lab"]:
        del sys.modules[name]
    importlib.invalidate_caches()


def run():
    return dynviz.run("lab.tasks.Bowl", "lab.rules.Mine", steps=4, record="parameters", out="run")["lab.rules.Mine"]


def test_files_of_an_import_path_are_hashed_and_kept(package):
    recording = run()
    expected = {"__init__.py", "deep/__init__.py", "deep/sizes.py", "rates.py", "rules.py", "tasks.py"}
    inputs = recording.metadata.inputs
    assert {Path(known.path).relative_to(package).as_posix() for known in inputs} == expected
    assert all(known.code for known in inputs)
    for known in inputs:
        assert (recording.folder / "inputs" / known.copy).read_bytes() == Path(known.path).read_bytes()


WAYS = {
    "resume": lambda recording: dynviz.resume("run", steps=9, trust="lab"),
    "fork": lambda recording: dynviz.fork("run", at=2, trust="lab", out="fork"),
    "project": lambda recording: project(recording, Wish(dimensions=1, grid=3, trust=("lab",))),
}


@pytest.mark.parametrize(
    ("way", "name"),
    [
        ("resume", "rules.py"),
        ("resume", "rates.py"),
        ("resume", "deep/sizes.py"),
        ("fork", "rates.py"),
        ("project", "tasks.py"),
        ("project", "deep/sizes.py"),
    ],
)
def test_a_changed_file_of_an_import_path_is_refused_by_name(package, way, name):
    recording = run()
    forget()
    kept = (package / name).read_text()
    (package / name).write_text(f"{kept}\n# changed\n")
    with pytest.raises(DynvizError, match=f"lab/{name} has changed since the run began; put back the copy"):
        WAYS[way](recording)
    (package / name).write_text(kept)
    (package / "unrelated.py").write_text("x = 2\n")
    WAYS[way](recording)


def test_sharpness_checks_import_paths_too(package):
    recording = run()
    (package / "deep" / "sizes.py").write_text("SIZE = 4\n")
    result = CliRunner().invoke(commands, ["sharpness", str(recording.folder), "--trust", "lab"])
    assert "sizes.py has changed since the run began" in str(result.exception)


def test_a_sweep_of_import_paths_goes_on_only_with_their_files(package):
    dynviz.sweep("lab.tasks.Bowl", "lab.rules.Mine:lr=[0.1,0.2]", steps=2, jobs=1, out="swept")
    launch.resume("swept", jobs=1, trust="lab")
    (package / "rates.py").write_text("RATE = 0.2\n")
    with pytest.raises(DynvizError, match=r"rates\.py has changed since the run began"):
        launch.resume("swept", jobs=1, trust="lab")


def test_an_object_whose_module_changed_is_refused(package):
    run()
    rules = importlib.import_module("lab.rules")
    dynviz.resume("run", steps=5, trust=["lab", rules.Mine])
    (package / "rules.py").write_text(RULE.replace("p -=", "p +="))
    with pytest.raises(DynvizError, match=r"rules\.py has changed since the run began"):
        dynviz.resume("run", steps=6, trust=["lab.tasks", rules.Mine])


def test_a_class_of_a_script_is_known_by_its_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = "from pathlib import Path\nimport sys\nimport dynviz\n" + RULE.replace(
        "from .rates import RATE", "RATE = 0.1"
    )
    start = "\n\ndynviz.run('surface', Mine, steps=2, out='run')\n"
    more = "\n\ndynviz.resume('run', steps=STEPS, trust=[Mine])\n"

    def execute(text):
        Path("script.py").write_text(text)
        return subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, check=False)

    assert execute(script + start).returncode == 0
    done = execute(script + more.replace("STEPS", "3"))
    assert done.returncode == 0, done.stderr
    done = execute(script.replace("p -=", "p +=") + more.replace("STEPS", "4"))
    assert "Mine has changed since the run began" in done.stderr


def test_packages_beside_a_users_file_are_its_neighbours_too(tmp_path):
    (tmp_path / "parts" / "more").mkdir(parents=True)
    (tmp_path / "mine.py").write_text("from parts import step\nfrom parts.more import size\nimport torch, dynviz\n")
    for name in ("parts/__init__.py", "parts/step.py", "parts/more/__init__.py", "parts/more/size.py"):
        (tmp_path / name).write_text("")
    files = CodeFile(tmp_path / "mine.py").files()
    assert [file.relative_to(tmp_path).as_posix() for file in files] == [
        "mine.py",
        "parts/__init__.py",
        "parts/more/__init__.py",
        "parts/more/size.py",
        "parts/step.py",
    ]


def test_of_an_installed_package_only_the_folder_of_the_module_counts(tmp_path):
    site = tmp_path / "site-packages"
    for name in (
        "big/__init__.py",
        "big/other.py",
        "big/optim/__init__.py",
        "big/optim/_steps.py",
        "six.py",
        "lone.py",
    ):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text("")
    (site / "big/optim/lion.py").write_text(
        "from ._steps import step\nfrom ..other import thing\nimport big.other\nimport six\n"
    )
    names = [file.name for file in CodeFile(site / "big/optim/lion.py", imported=True).files()]
    assert names == ["lion.py", "__init__.py", "_steps.py"]
    (site / "lone.py").write_text("import big, six\n")
    assert [file.name for file in CodeFile(site / "lone.py", imported=True).files()] == ["lone.py", "six.py"]


def test_a_definition_is_known_by_its_text():
    class Mine:
        def step(self): ...

    assert definition(Mine) == definition(Mine) != ""
    assert definition(len) == ""


def test_packages_of_one_name_beside_two_files_are_not_mixed_up(tmp_path):
    for folder, rate in (("a", 0.25), ("b", 0.5)):
        (tmp_path / folder / "beside").mkdir(parents=True)
        (tmp_path / folder / "beside" / "__init__.py").write_text("")
        (tmp_path / folder / "beside" / "rates.py").write_text(f"RATE = {rate}\n")
        rule = RULE.replace("from .rates", "from beside.rates")
        (tmp_path / folder / "mine.py").write_text(rule)
    rates = [plugins.load("optimizers", f"{tmp_path / name}/mine.py").options["lr"].default for name in ("a", "b")]
    assert rates == [0.25, 0.5]
