"""The pytest plugin: goldens that pass, fail with the first step that differs, are written anew; and the contract."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import dynviz
from dynviz.errors import DynvizError
from dynviz.optimizers.lion import Lion
from dynviz.testing import check_optimizer, picture
from dynviz.testing.dynamics import Dynamics, GoldenPlace
from dynviz.testing.golden import Deviation, Golden, deviations
from tests.rules import RULES

pytest_plugins = ["pytester"]

RULE = """
from dataclasses import dataclass
from typing import ClassVar

@dataclass(frozen=True)
class Mine:
    lr: float = 1e-3
    coordinatewise: ClassVar[bool] = True

    def init(self, theta):
        return {}

    def update(self, theta, gradient, state, t):
        return {"gradient": -self.lr * gradient * FACTOR}, {}

optimizer = Mine
"""
TEST = """
def test_mine(dynamics):
    dynamics("surface:f=rosenbrock", "./mine.py:lr=1e-3", steps=40).check(at=[1, 10, 40], view="path")

def test_twice(dynamics):
    run = dynamics("surface:f=booth,noise=1", "adam", "./mine.py", steps=20, seeds="0:5")
    run.check(quantiles=(0.1, 0.9), events=False)
    run.check(at=[20], channels=["position"])
"""


@pytest.fixture
def suite(pytester, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    pytester.makepyfile(test_it=TEST)
    (pytester.path / "mine.py").write_text(RULE.replace("FACTOR", "1.0"))
    return pytester


def run(suite, *arguments):
    return suite.runpytest_subprocess("-q", "-p", "no:randomly", *arguments)


@pytest.mark.slow
def test_goldens(suite, monkeypatch):
    goldens = suite.path / "goldens" / "test_it"
    # In CI a missing golden fails, and nothing is written.
    monkeypatch.setenv("CI", "true")
    missing = run(suite)
    missing.assert_outcomes(failed=2)
    missing.stdout.fnmatch_lines(["*there is no golden*--dynviz-update*"])
    assert not goldens.exists()
    monkeypatch.delenv("CI")
    run(suite).assert_outcomes(passed=2)
    names = sorted(path.name for path in goldens.iterdir())
    assert names == ["test_mine.txt", "test_twice-2.txt", "test_twice.txt"]
    text = (goldens / "test_mine.txt").read_text()
    assert "mine seed 42 loss  " in text
    assert "picture: path at step 40" in text
    assert "quantile 50 %  " in (goldens / "test_twice.txt").read_text()
    assert Golden.from_text(text).to_text() == text
    monkeypatch.setenv("CI", "true")
    run(suite, "-n", "2").assert_outcomes(passed=2)

    (suite.path / "mine.py").write_text(RULE.replace("FACTOR", "(1.0 + 1e-9 * (t == 7).double())"))
    failed = run(suite)
    failed.assert_outcomes(failed=2)
    # The first step and channel, both pictures, and the page.
    failed.stdout.fnmatch_lines(["*first of the checked steps: step 10: mine seed 42 *"])
    failed.stdout.fnmatch_lines(["*both sides: *test_mine.html*"])
    page = re.search(r"both sides: (\S+test_mine\.html)", failed.stdout.str())
    assert page is not None
    assert "golden</h2>" in (suite.path / page[1]).read_text()
    assert (goldens / "test_mine.txt").read_text() == text

    # On another machine the same is within the tolerance.
    for golden in goldens.iterdir():
        golden.write_text(re.sub(r"made: .*", "made: torch 1.0, another, 1 thread", golden.read_text()))
    run(suite).assert_outcomes(passed=2)
    (suite.path / "mine.py").write_text(RULE.replace("FACTOR", "1.01"))
    failed = run(suite)
    failed.assert_outcomes(failed=2)
    failed.stdout.fnmatch_lines(["*first of the checked steps: step 1: mine seed 42 *"])

    updated = run(suite, "--dynviz-update")
    updated.assert_outcomes(failed=2)
    updated.stdout.fnmatch_lines(["*--dynviz-update writes no goldens in CI*"])
    monkeypatch.delenv("CI")
    run(suite, "--dynviz-update").assert_outcomes(passed=2)
    run(suite).assert_outcomes(passed=2)
    (goldens / "test_mine.txt").write_text("something else\n")
    failed = run(suite, "-k", "mine")
    failed.stdout.fnmatch_lines(["*is no golden*"])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"at": [1, 6]}, "no step 6 to check: there are 0 to 5"),
        ({"at": [-1]}, "no step -1"),
        ({"channels": ["loss", "lossy"]}, "no channel to check named 'lossy'; did you mean 'loss'"),
    ],
)
def test_what_was_not_recorded_is_not_checked(asked, words, tmp_path):
    dynviz.run("surface:f=booth", "sgd", steps=5, out=tmp_path / "run")
    folders = {name: tmp_path / name for name in ("folder", "scratch", "pages")}
    checked = Dynamics(GoldenPlace(**folders, stem="test", update=False, ci=False)).recorded(tmp_path / "run")
    with pytest.raises(DynvizError, match=words):
        checked.check(**asked)
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize("update", [False, True])
def test_in_ci_nothing_is_written(update, tmp_path):
    folders = {name: tmp_path / name for name in ("folder", "scratch", "pages")}
    place = GoldenPlace(**folders, stem="test", update=update, ci=True)
    with pytest.raises(AssertionError, match="writes no goldens in CI" if update else "there is no golden"):
        Dynamics(place).compare(golden(x=1.0), 0)
    assert not list(tmp_path.iterdir())
    place = replace(place, ci=False)
    Dynamics(place).compare(golden(x=1.0), 0)
    (file,) = (tmp_path / "folder").iterdir()
    text = file.read_text()
    with pytest.raises(AssertionError, match="in CI" if update else "not as in"):
        Dynamics(replace(place, ci=True)).compare(golden(x=2.0), 0)
    assert file.read_text() == text


def golden(made="a", **numbers):
    return Golden(made=made, facts={}, numbers={(1, what.replace("_", " ")): value for what, value in numbers.items()})


def test_deviations():
    nan = float("nan")
    assert deviations(golden(x=1.0, y=nan), golden(x=1.0, y=nan), 0) == []
    (apart,) = deviations(golden(x=1.0), golden(x=1.0 + 2**-52), 0.5)
    assert apart == Deviation(step=1, what="x", expected="1.0", got="1.0000000000000002")
    assert deviations(golden(x=1.0), golden("b", x=1.1), 0.2) == []
    assert len(deviations(golden(x=1.0), golden("b", x=1.1), 0.01)) == 1
    assert len(deviations(golden(x=1.0), golden(y=1.0), 0.01)) == 2
    bands = {"x quantile 10 %": 1.0, "x quantile 50 %": 2.0, "x quantile 90 %": 3.0}
    assert deviations(golden(**bands), golden("b", **{**bands, "x quantile 50 %": 2.9}), 0) == []
    assert len(deviations(golden(**bands), golden("b", **{**bands, "x quantile 50 %": 3.1}), 0)) == 1


def test_the_plugin_imports_little():
    code = "import dynviz.testing.plugin, sys; sys.exit(bool({'torch', 'numpy', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_picture_is_what_is_exported(tmp_path):
    dynviz.run("surface:f=booth", "sgd", steps=5, out=tmp_path / "run")
    pixels = picture(tmp_path / "run", "path", 3, size=(320, 240), theme="dark")
    assert pixels.shape == (240, 320, 3)
    assert (pixels != picture(tmp_path / "run", "path", 5, size=(320, 240), theme="dark")).any()


TORCH = {
    "Adam": {"lr": 1e-2},
    "AdamW": {"lr": 1e-2},
    "SGD": {"lr": 1e-2, "momentum": 0.9},
    "RMSprop": {"lr": 1e-3},
    "Adagrad": {"lr": 1e-2},
    "LBFGS": {"lr": 0.1},
}


@pytest.mark.parametrize("name", TORCH)
def test_classes_of_torch_keep_the_contract(name):
    # LBFGS takes one group, and views of parameters that are contiguous.
    skip = ("groups", "transposed", "sparse") if name == "LBFGS" else ()
    check_optimizer(getattr(torch.optim, name), skip=skip, **TORCH[name])


@pytest.mark.parametrize("name", RULES)
def test_our_rules_keep_the_contract(name):
    # nag-gs has no lr; that of rprop is its first step's alone.
    skip = {"nag-gs": ("groups", "scheduler"), "rprop": ("scheduler",)}.get(name, ())
    small = {"lr": 1e-3} if name in ("sgd", "signsgd", "lion", "muon", "shampoo", "nag-gs", "fromage") else {}
    check_optimizer(name, skip=skip, **small)


OWN = """
import torch

class Mine(torch.optim.SGD):
    pass

optimizer = Mine
"""


@pytest.mark.parametrize(
    "text", ["torch.optim.Adam:lr=1e-2", "./own.py:lr=1e-2", "zoo.Lion:lr=1e-3", "sgd+decoupled-l2:lr=1e-2"]
)
def test_whatever_a_run_takes_is_checked_by_its_text(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(OWN)
    if text.startswith("zoo"):
        pytest.importorskip("pytorch_optimizer")
    check_optimizer(text, skip=["sparse"])


def test_what_is_no_single_optimizer_is_refused_by_its_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text("import torch\ndef optimizer(named_parameters):\n    return []\n")
    for text, words in (
        ("./own.py", "makes optimizers by parameter"),
        ("torch.optim.Adam:lr=cosine(1e-2)", "has a schedule"),
        ("adam:lr=cosine(1e-2)", "has a schedule"),
        ("torch.optim.Adma", "Adam"),
    ):
        with pytest.raises(DynvizError, match=words):
            check_optimizer(text)


def test_what_is_broken_is_named():
    class Broken(torch.optim.Optimizer):
        def __init__(self, params, lr=1e-2):
            super().__init__(params, {"lr": lr})
            self.count = 0

        @torch.no_grad()
        def step(self, closure=None):
            with torch.enable_grad():
                if closure is not None:
                    closure()
            self.count += 1
            for group in self.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        parameter.add_(0.01 / self.count * parameter.grad / parameter.grad.norm())

    with pytest.raises(AssertionError) as raised:
        check_optimizer(Broken)
    broken = {line.partition(":")[0] for line in str(raised.value).splitlines()[1:]}
    assert {"descends", "state_dict", "saved", "zero_gradients", "groups", "scheduler", "closure"} <= broken
    assert not {"repeats", "dtypes", "transposed"} & broken
    with pytest.raises(ValueError, match="no check nothing"):
        check_optimizer(Lion, skip=["nothing"])


@pytest.mark.parametrize("takes", [False, True])
def test_an_optimizer_without_closures_fails_that_check_alone(takes):
    class Plain(torch.optim.Optimizer):
        def __init__(self, params, lr=1e-2):
            super().__init__(params, {"lr": lr})

        @torch.no_grad()
        def step(self):
            for group in self.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        parameter.sub_(group["lr"] * parameter.grad)

    class Idle(Plain):
        def step(self, closure=None):
            super().step()

    with pytest.raises(AssertionError) as raised:
        check_optimizer(Idle if takes else Plain)
    (line,) = str(raised.value).splitlines()[1:]
    assert line.startswith("closure: step(closure) returns None" if takes else "closure: TypeError: ")
    check_optimizer(Idle if takes else Plain, skip=["closure"])
