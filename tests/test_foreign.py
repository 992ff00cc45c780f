"""Code of others: what it writes into, draws at random and keeps to itself."""

import random
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import dynviz
from dynviz import plugins
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.projection import curvature
from dynviz.projection.evaluate import losses, task_of
from dynviz.projection.project import Wish, project
from dynviz.recording.metadata import Lane
from dynviz.training import session

MODULES = str(Path(__file__).parent / "files" / "modules.py")
RANDOM = """
import random
import numpy as np
import torch

class optimizer(torch.optim.Optimizer):
    def __init__(self, parameters, source: str = "torch"):
        super().__init__(parameters, {})
        self.source = source

    def step(self, closure=None):
        draw = {"torch": lambda: torch.randn(()), "numpy": np.random.randn, "python": random.random}[self.source]
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    parameter -= 1e-3 * float(draw())
"""


def test_a_gradient_is_recorded_as_it_was_before_a_step_writes_into_it(tmp_path):
    options = {"steps": 5, "record": ["gradient:every=1", "parameters:every=1"], "out": tmp_path / "run"}
    recording = dynviz.run("surface:f='x**2+y**2'", "zoo.LARS", **options)["zoo.LARS"]
    np.testing.assert_allclose(recording["gradient"], 2 * recording["parameters"], rtol=1e-6)


@pytest.mark.parametrize("source", ["torch", "numpy", "python"])
def test_what_a_step_draws_depends_on_seed_and_step_alone(source, tmp_path):
    file = tmp_path / "noisy.py"
    file.write_text(RANDOM)
    options = {"steps": 6, "record": "parameters:every=1"}

    def train(name, seeds):
        np.random.seed(None)  # noqa: NPY002
        torch.seed()
        run = dynviz.run(
            "surface:f='x**2+y**2'", f"{file}:source={source}", seeds=seeds, out=tmp_path / name, **options
        )
        return run["noisy"]["parameters"]

    together, again, alone = train("a", [0, 1, 7]), train("b", [0, 1, 7]), train("c", 7)
    assert np.array_equal(together, again)
    assert np.array_equal(together[:, 2:], alone)
    steps = np.diff(together, axis=0)
    assert len(np.unique(steps[:, :, 0])) == steps[:, :, 0].size


def test_threads_never_share_a_module(tmp_path):
    run = dynviz.run(MODULES, ["adam", "sgd"], seeds="0:2", steps=40, out=tmp_path / "run")
    assert run["adam"]["end"].shape == (41, 2)


@pytest.mark.parametrize("kind", ["linear", "gru"])
def test_projections_of_a_module_are_those_of_one_thread(kind, tmp_path):
    options = {"steps": 8, "record": "parameters:every=1", "out": tmp_path / "run"}
    recording = dynviz.run(f"{MODULES}:kind={kind}", "sgd", **options)["sgd"]
    wish = Wish(grid=9, losses=("loss", "end"), trust=(MODULES,))
    made = project(recording, wish)
    task = task_of(recording, 0, (MODULES,))
    rows = recording["parameters"][:, 0]
    alone = losses(task, ("loss", "end"))
    expected = [alone.measure(*alone.tensors(alone.row(row))).numpy() for row in rows]
    np.testing.assert_allclose(made.paths[0].loss.T, expected, rtol=1e-5)
    np.testing.assert_allclose(made.paths[0].loss[0], recording["loss"][:, 0], rtol=1e-5)
    again = project(recording, wish)
    assert np.array_equal(made.values, again.values)


def test_the_curvature_of_a_module_is_measured_in_threads(tmp_path):
    options = {"steps": 8, "record": "parameters:every=1", "out": tmp_path / "run"}
    recording = dynviz.run(MODULES, "sgd", **options)["sgd"]
    look = curvature.Look(samples=6, ways=4, radii=5, trust=(MODULES,))
    one, other = (curvature.evaluate(recording, look).arrays for _ in range(2))
    assert np.isfinite(one["eigenvalues"]).all()
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_projection_takes_the_recorded_statistics_or_is_refused(tmp_path):
    options = {"steps": 8, "record": ["parameters", "buffers", "test_accuracy"]}
    options["record"] = [f"{name}:every=4" for name in options["record"]]
    resnet = "landscape:model=resnet,depth=8,data=shapes"
    recording = dynviz.run(resnet, "sgd", out=tmp_path / "a", **options)["sgd"]
    line = Wish(dimensions=1, grid=3, losses=("test_accuracy",))
    made = project(recording, line)
    np.testing.assert_allclose(made.paths[0].loss[0], recording["test_accuracy"][:, 0])
    np.testing.assert_allclose(made.values[0][1], recording["test_accuracy"][-1, 0])
    options["record"].pop(1)
    recording = dynviz.run(resnet, "sgd", out=tmp_path / "b", **options)["sgd"]
    with pytest.raises(DynvizError, match=r"test_accuracy depends on buffers .* --record buffers"):
        project(recording, line)
    project(recording, Wish(dimensions=1, grid=3, losses=("loss",)))


def test_dropout_is_a_function_of_seed_and_step_in_stacks_alone_and_resumed(tmp_path):
    noisy = f"{MODULES}:dropout=0.5"
    together = dynviz.run(noisy, "adam", seeds="0:3", steps=30, out=tmp_path / "a")["adam"]
    alone = dynviz.run(noisy, "adam", seeds=2, steps=30, record="loss:every=1", out=tmp_path / "b")["adam"]
    assert np.array_equal(together["loss"][:, 2:], alone["loss"])
    assert np.array_equal(together["end"][:, 2:], alone["end"])
    dynviz.run(noisy, "adam", seeds=2, steps=13, out=tmp_path / "c")
    resumed = dynviz.resume(tmp_path / "c", steps=30, trust=[MODULES])["adam"]
    assert np.array_equal(resumed["loss"], alone["loss"])
    with pytest.raises(DynvizError, match="they draw random numbers; leave out --compile"):
        dynviz.run(noisy, "adam", steps=3, compile=True, out=tmp_path / "d")


def test_batches_that_are_not_pure_are_refused_with_the_way_out(tmp_path):
    with pytest.raises(DynvizError, match="draw from a generator of your own, seeded by"):
        dynviz.run(f"{MODULES}:spoil=true", "adam", out=tmp_path / "run")


def test_lanes_that_vmap_has_no_rule_for_train_one_by_one(tmp_path):
    together = dynviz.run(f"{MODULES}:kind=gru", "adam", seeds="0:3", steps=9, out=tmp_path / "a")["adam"]
    alone = dynviz.run(f"{MODULES}:kind=gru", "adam", seeds=1, steps=9, out=tmp_path / "b")["adam"]
    assert np.array_equal(together["loss"][:, 1:2], alone["loss"])


class Heard(session.SilentProgress):
    def __init__(self):
        self.words = []

    def does(self, words):
        self.words.append(words)


@pytest.mark.parametrize(
    ("scenario", "optimizer", "alike"),
    [
        ("surface:f=booth", "sgd", True),
        ("surface:f=booth", "torch.optim.SGD", True),
        ("surface:f=booth", "adam+dropout-l2", False),
        ("surface:f=booth", "zoo.Gravity", False),
        ("surface:f=booth,spread=0.1", "sgd", False),
        (MODULES, "sgd", False),
    ],
)
def test_seeds_that_change_nothing_are_said(scenario, optimizer, alike, tmp_path):
    heard = Heard()
    dynviz.run(scenario, optimizer, seeds="0:3", steps=2, out=tmp_path / "run", progress=heard)
    words = "3 lanes are alike: nothing here depends on the seed"
    assert (words in " ".join(heard.words)) is alike


def test_lanes_of_different_hyperparameters_are_not_called_alike(tmp_path):
    heard = Heard()
    lanes = [Lane(0, {"lr": 1e-4}), Lane(0, {"lr": 2e-4})]
    dynviz.run("surface:f=booth", "sgd", lanes=lanes, steps=2, out=tmp_path / "run", progress=heard)
    assert not heard.words


KEEPING = """
import collections
import itertools
import random
import numpy as np
import torch

class Count:
    def __init__(self):
        self.n, self.last = 0, collections.deque([1.0], 3)

class optimizer(torch.optim.Optimizer):
    def __init__(self, parameters, what: str = "object"):
        super().__init__(parameters, {})
        self.what, self.count, self.numbers = what, Count(), torch.ones(2)
        self.torch, self.numpy, self.python = torch.Generator(), np.random.default_rng(3), random.Random(3)
        self.walk = (n * 1e-3 for n in itertools.count()) if what == "iterator" else None

    def length(self):
        if self.what == "object":
            self.count.n += 1
            self.count.last.append(1e-3 * self.count.n)
            return sum(self.count.last)
        if self.what == "tensor":
            self.numbers.mul_(0.9)
            return 1e-2 * float(self.numbers.sum())
        if self.what == "torch":
            return 1e-2 * float(torch.rand((), generator=self.torch))
        if self.what == "iterator":
            return next(self.walk)
        return 1e-2 * getattr(self, self.what).random()

    @torch.no_grad()
    def step(self, closure=None):
        length = self.length()
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter -= length
"""


@pytest.mark.parametrize("what", ["object", "tensor", "torch", "numpy", "python"])
def test_what_a_class_keeps_in_objects_of_its_own_goes_on(what, tmp_path):
    file = tmp_path / "keeping.py"
    file.write_text(KEEPING)
    name, options = f"{file}:what={what}", {"record": "parameters:every=1"}
    whole = dynviz.run("surface:f=booth", name, steps=12, out=tmp_path / "a", **options)["keeping"]
    dynviz.run("surface:f=booth", name, steps=7, out=tmp_path / "b", **options)
    resumed = dynviz.resume(tmp_path / "b", steps=12, trust=[file])["keeping"]
    assert np.array_equal(resumed["parameters"], whole["parameters"])


def test_what_no_checkpoint_can_store_is_refused(tmp_path):
    file = tmp_path / "keeping.py"
    file.write_text(KEEPING)
    with pytest.raises(DynvizError, match="which a checkpoint cannot store; use numbers"):
        dynviz.run("surface:f=booth", f"{file}:what=iterator", steps=12, out=tmp_path / "a")


BROKEN = """
from dataclasses import dataclass
import torch
from dynviz.task import Task, no_batches

@dataclass(frozen=True)
class scenario:
    good: int = 0

    def build(self, seed):
        calls = []

        def loss(parameters, constants, batch):
            calls.append(0)
            if len(calls) > self.good:
                return parameters["x"] @ torch.zeros(7)
            return parameters["x"].square().sum()

        return Task({"x": torch.ones(3)}, loss, no_batches, 30)
"""


@pytest.mark.parametrize("good", [0, 12])
def test_an_error_of_a_user_names_the_line_before_training_and_during_it(good, tmp_path):
    file = tmp_path / "broken.py"
    file.write_text(BROKEN)
    with pytest.raises(DynvizError, match=r"RuntimeError: .*broken.py, line 16\)$"):
        dynviz.run(f"{file}:good={good}", "adam", out=tmp_path / "run")
    assert (tmp_path / "run").exists() is (good > 0)


def test_a_file_with_one_class_of_torchs_kind_needs_no_name_and_may_import_its_neighbours(tmp_path):
    for folder, rate in (("one", 1e-3), ("two", 2e-3)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "rates_beside.py").write_text(f"RATE = {rate}")
        (tmp_path / folder / "mine.py").write_text(
            "import torch\nfrom rates_beside import RATE\n\n"
            "class Mine(torch.optim.SGD):\n    def __init__(self, parameters, lr: float = RATE):\n"
            "        super().__init__(parameters, lr=lr)\n"
        )
    files = [str(tmp_path / folder / "mine.py") for folder in ("one", "two")]
    dynviz.run("surface", files, steps=2, out=tmp_path / "run")
    defaults = [plugins.load("optimizers", file).options["lr"].default for file in files]
    assert defaults == [1e-3, 2e-3]


@pytest.mark.parametrize("name", ["torch.optim.LBFGS:lr=0.1,history_size=5", "zoo.EmoNavi"])
def test_a_class_that_evaluates_the_loss_is_given_it_alone_in_lanes_and_resumed(name, tmp_path):
    record = ["parameters:every=1", "term.*:every=1"]
    task = f"{MODULES}:dropout=0.2"
    (whole,) = dynviz.run(task, name, seeds="0:2", steps=14, record=record, out=tmp_path / "a").values()
    (alone,) = dynviz.run(task, name, seeds=1, steps=6, record=record, out=tmp_path / "b").values()
    assert np.array_equal(whole["parameters"][:7, 1:], alone["parameters"])
    (resumed,) = dynviz.resume(tmp_path / "b", steps=14, trust=MODULES).values()
    assert np.array_equal(whole["parameters"][:, 1:], resumed["parameters"])
    terms = sum(whole[channel] for channel in whole.channels if channel.startswith("term."))
    np.testing.assert_allclose(np.diff(whole["parameters"], axis=0), terms[1:], atol=1e-6)


def test_lbfgs_takes_the_steps_that_it_takes_alone(tmp_path):
    options = {"steps": 9, "dtype": "float64", "record": "parameters:every=1", "out": tmp_path / "run"}
    name = "torch.optim.LBFGS:lr=1,line_search_fn=strong_wolfe"
    recorded = dynviz.run("surface:f='(1-x)**2+100*(y-x**2)**2',start=(-1.2,1)", name, **options)
    point = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    alone = torch.optim.LBFGS([point], line_search_fn="strong_wolfe")

    def closure():
        alone.zero_grad()
        loss = (1 - point[0]) ** 2 + 100 * (point[1] - point[0] ** 2) ** 2
        loss.backward()
        return loss

    path = [point.detach().clone()]
    for _ in range(9):
        alone.step(closure)
        path.append(point.detach().clone())
    np.testing.assert_allclose(recorded["torch.optim.LBFGS"]["parameters"][:, 0], torch.stack(path), atol=1e-9)
    assert path[-1].tolist() == pytest.approx([1, 1], abs=1e-4)


FACTORY = """
import torch

def optimizer(named_parameters, *, lr: float = 0.02, rest_lr: float = 3e-3):
    matrices = [parameter for name, parameter in named_parameters if parameter.ndim == 2]
    others = [parameter for name, parameter in named_parameters if parameter.ndim != 2]
    return [torch.optim.Muon(matrices, lr=lr), torch.optim.AdamW(others, lr=rest_lr, weight_decay=0.5)]
"""


def test_a_file_gives_parameters_optimizers_by_their_role_and_muon_alone_names_that_way(tmp_path):
    file, options = tmp_path / "roles.py", {"record": ["parameters:every=1", "term.*:every=1"]}
    file.write_text(FACTORY)
    with pytest.raises(DynvizError, match=r"only supports 2D .*\(named_parameters\) return a list, such as"):
        dynviz.run("voronoi:grid=16", "torch.optim.Muon", out=tmp_path / "muon")
    name = f"{file}:lr=0.02,rest_lr=1e-3"
    whole = dynviz.run("voronoi:grid=16", name, seeds="0:2", steps=12, out=tmp_path / "a", **options)["roles"]
    dynviz.run("voronoi:grid=16", name, seeds="0:2", steps=5, out=tmp_path / "b", **options)
    resumed = dynviz.resume(tmp_path / "b", steps=12, trust=[file])["roles"]
    assert np.array_equal(whole["parameters"], resumed["parameters"])
    rows, decay = whole["parameters"], whole["term.decay"]
    np.testing.assert_allclose(np.diff(rows, axis=0), decay[1:] + whole["term.step"][1:], atol=1e-6)
    for name, part in whole.metadata.channels["parameters"].parts.items():
        place = slice(part.start, part.start + int(np.prod(part.shape)))
        rate = 0.02 * 0.1 if len(part.shape) == 2 else 1e-3 * 0.5
        np.testing.assert_allclose(decay[1:, :, place], -rate * rows[:-1, :, place], rtol=1e-5, err_msg=name)
    with pytest.raises(DynvizError, match="differ in lr, so that it cannot be a schedule"):
        dynviz.run("voronoi:grid=16", f"{file}:lr=cosine(1e-2)", out=tmp_path / "c")
    file.write_text("def optimizer(named_parameters):\n    return 3")
    with pytest.raises(DynvizError, match=r"optimizer\(named_parameters\) gave int, not a torch.optim.Optimizer"):
        dynviz.run("voronoi:grid=16", str(file), out=tmp_path / "c")


def test_a_class_is_imported_from_the_working_folder_and_resumed_with_trust(tmp_path, monkeypatch):
    (tmp_path / "package_here").mkdir()
    source = "import torch\n\nclass Mine(torch.optim.SGD):\n    pass\n"
    (tmp_path / "package_here" / "rules.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place not in ("", str(tmp_path))])
    dynviz.run("surface:f=booth", "package_here.rules.Mine", steps=2, out="run")
    with pytest.raises(DynvizError, match=r"add --trust package_here.rules.Mine$"):
        dynviz.resume("run", steps=4)
    assert dynviz.resume("run", steps=4, trust="package_here")["package_here.rules.Mine"].recorded == 4


@pytest.mark.parametrize(
    ("scenario", "optimizer", "reason"),
    [
        (f"{MODULES}:kind=gru", "adam", "torch.vmap has no rule for aten::gru"),
        (f"{MODULES}:dropout=0.5", "adam", "the loss draws random numbers"),
        ("surface:f=booth", "torch.optim.LBFGS", "each step of torch.optim.LBFGS evaluates the loss"),
        ("surface:f=booth", "torch.optim.SGD", ""),
    ],
)
def test_that_lanes_train_one_by_one_is_said_once_with_the_reason(scenario, optimizer, reason, tmp_path):
    heard = Heard()
    dynviz.run(scenario, optimizer, seeds="0:2", steps=2, out=tmp_path / "run", progress=heard)
    said = [words for words in heard.words if "one by one" in words]
    assert len(said) == bool(reason)
    assert all(reason in words for words in said)


@pytest.mark.parametrize("name", ["Kron", "Alice", "RACS", "SCION", "SPAM", "StableSPAM", "Gravity"])
def test_a_class_that_draws_trains_to_the_same_bytes_each_time(name, tmp_path):
    rows = []
    for number in range(3):
        np.random.seed(None)  # noqa: NPY002
        torch.seed()
        random.seed()
        options = {"steps": 12, "record": "parameters:every=1", "out": tmp_path / str(number)}
        rows.append(dynviz.run("voronoi:grid=8,hidden=4", f"zoo.{name}", **options)[f"zoo.{name}"]["parameters"])
    assert np.array_equal(rows[0], rows[1])
    assert np.array_equal(rows[0], rows[2])


def test_a_run_that_fails_in_a_users_file_names_where_the_traceback_is(tmp_path):
    (tmp_path / "broken.py").write_text(BROKEN)
    command = ["run", f"{tmp_path / 'broken.py'}:good=12", "-o", "adam", "--headless", "--out", str(tmp_path / "run")]
    failed = CliRunner().invoke(commands, command)
    assert str(failed.exception).endswith(f"broken.py, line 16); its traceback is in {tmp_path / 'run/error.txt'}")
    assert (tmp_path / "run" / "error.txt").read_text().startswith("Traceback")
