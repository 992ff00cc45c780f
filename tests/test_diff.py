"""`dynviz diff` finds where two implementations differ, and names the convention."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import dynviz
from dynviz.cli import commands
from dynviz.difference.picture import scene
from dynviz.difference.recordings import of_recordings
from dynviz.difference.side_by_side import Allowance
from dynviz.difference.ulps import ulps

ADAM = """
from dataclasses import dataclass
from typing import ClassVar
import torch

@dataclass(frozen=True)
class Mine:
    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 1e-2
    coordinatewise: ClassVar[bool] = True

    def init(self, theta):
        return {{"m": torch.zeros_like(theta), "v": torch.zeros_like(theta)}}

    def update(self, theta, gradient, state, t):
        m = self.beta1 * state["m"] + (1 - self.beta1) * gradient
        v = self.beta2 * state["v"] + (1 - self.beta2) * gradient**2
        first, second = 1 - self.beta1**t, 1 - self.beta2**t
        {body}
        return {{"step": after - theta}}, {{"m": m, "v": v}}

optimizer = Mine
"""
RIGHT = "after = theta * (1 - self.lr * self.weight_decay) - self.lr * m / first / ((v / second).sqrt() + self.eps)"
"""As torch.optim.AdamW."""
MISTAKES = {
    # https://github.com/pytorch/pytorch/issues/23796 and chainer/chainer/issues/4754: of TensorFlow's RMSprop.
    "epsilon: added to the root after bias correction in A, inside of the root in B": RIGHT.replace(
        "((v / second).sqrt() + self.eps)", "(v / second + self.eps).sqrt()"
    ),
    # https://github.com/karpathy/nanochat/issues/304, https://github.com/tensorflow/tensorflow/issues/35102
    "epsilon: added to the root after bias correction in A, added to the root before bias correction in B": (
        RIGHT.replace("((v / second).sqrt() + self.eps)", "((v.sqrt() + self.eps) / second.sqrt())")
    ),
    # https://github.com/tensorflow/tensorflow/pull/61411
    "epsilon: added to the root after bias correction in A, subtracted from the root in B": RIGHT.replace(
        "+ self.eps", "- self.eps"
    ),
    # https://github.com/kyleliang919/C-Optim/issues/3, https://github.com/bitsandbytes-foundation/bitsandbytes/issues/2010
    "decay: decoupled, before the step in A, decoupled, after the step in B": (
        "after = (theta - self.lr * m / first / ((v / second).sqrt() + self.eps)) * (1 - self.lr * self.weight_decay)"
    ),
    # https://github.com/modern-fortran/neural-fortran/issues/152
    "decay: decoupled, before the step in A, decoupled, not scaled by lr in B": RIGHT.replace(
        "(1 - self.lr * self.weight_decay)", "(1 - self.weight_decay)"
    ),
    # https://github.com/oxiglade/mlx-rs/issues/301
    "correction: both means corrected for bias in A, neither mean corrected in B": RIGHT.replace("/ first", "").replace(
        "v / second", "v"
    ),
    # https://github.com/karpathy/convnetjs/pull/70
    "correction: both means corrected for bias in A, both means multiplied by what they should be divided by in B": (
        RIGHT.replace("/ first", "* first").replace("v / second", "v * second")
    ),
    # https://github.com/eriklindernoren/ML-From-Scratch/issues/35
    "correction: both means corrected for bias in A, both means corrected as at the first step in B": RIGHT.replace(
        "/ first", "/ (1 - self.beta1)"
    ).replace("v / second", "v / (1 - self.beta2)"),
    "sign: minimizes in A, maximizes in B": RIGHT.replace("m / first", "-m / first"),
    "count: steps counted from 1 in A, steps counted from 2 in B": RIGHT.replace(
        "m / first", "m / (1 - self.beta1 ** (t + 1))"
    ).replace("v / second", "v / (1 - self.beta2 ** (t + 1))"),
    "scalars: hyperparameters in float64 in A, hyperparameters rounded to float32 in B": (
        RIGHT.replace("m / first", "((1 - self.beta1) * 0 + m) / first")
    ),
}
"""What `dynviz diff` says of known mistakes, most of them reported to public trackers."""


def diff(*arguments):
    return CliRunner().invoke(commands, ["diff", *map(str, arguments)])


@given(st.floats(width=64), st.floats(width=64))
def test_ulps_count_the_floats_between(one, other):
    """NumPy's spacing tells neighbours apart; counting is symmetric."""
    distance = int(ulps(np.array([one]), np.array([other]))[0])
    assert distance == int(ulps(np.array([other]), np.array([one]))[0])
    if np.isfinite(one) and not (one == other == 0):
        with np.errstate(over="ignore"):
            above = np.nextafter(one, np.inf)
        # From 0 the next one is a number away, from -0 two.
        assert int(ulps(np.array([one]), np.array([above]))[0]) == 1 + (one == 0 and np.signbit(one))
    same = (np.isnan(one) and np.isnan(other)) or np.array([one]).tobytes() == np.array([other]).tobytes()
    assert (distance == 0) == same


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_ulps_by_counting(dtype):
    value = np.array([1.0], dtype)
    far = value.copy()
    for _ in range(37):
        far = np.nextafter(far, np.array(-np.inf, dtype))
    assert ulps(value, far)[0] == 37
    assert ulps(np.array([-0.0], dtype), np.array([0.0], dtype))[0] == 1
    smallest = np.nextafter(np.array([0.0], dtype), np.array(-1.0, dtype))
    assert ulps(smallest, -smallest)[0] == 3


EQUAL = (
    ("adamw", "torch.optim.AdamW"),
    ("adam", "torch.optim.Adam"),
    ("adamax:lr=1e-3", "torch.optim.Adamax:lr=1e-3"),
    ("radam:lr=1e-3", "torch.optim.RAdam:lr=1e-3"),
    ("rmsprop:lr=1e-3", "torch.optim.RMSprop:lr=1e-3"),
    ("adagrad", "torch.optim.Adagrad"),
    ("sgd:momentum=0.9", "torch.optim.SGD:momentum=0.9"),
    ("adadelta", "torch.optim.Adadelta"),
    ("rprop", "torch.optim.Rprop"),
    ("adafactor", "torch.optim.Adafactor"),
    ("lion", "zoo.Lion"),
    ("fromage", "zoo.Fromage"),
    ("shampoo", "zoo.Shampoo:lr=1e-2"),
    ("adadelta", "optax.adadelta:learning_rate=1"),
    ("signsgd", "optax.sign_sgd:learning_rate=1e-3"),
    ("adamw", "optax.adamw:learning_rate=1e-3,weight_decay=0.01"),
    ("sgd:momentum=0.9", "optax.sgd:learning_rate=1e-3,momentum=0.9"),
    ("lion:lr=1e-4", "optax.lion:learning_rate=1e-4,b2=0.99,weight_decay=0"),
)


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_the_same_rule_elsewhere_is_equal(one, other):
    done = diff(one, other, "--rtol", "1e-8", "--steps", "40")
    assert (done.exit_code, done.output) == (0, "equal over 40 steps\n")


@pytest.mark.parametrize("pair", [("nadam", "torch.optim.NAdam"), ("asgd", "torch.optim.ASGD")])
def test_a_schedule_that_torch_keeps_in_float32_is_named(pair):
    done = diff(*pair, "--steps", "40")
    assert done.exit_code == 1
    assert "the schedule rounded to float32 at each step in B" in done.output


def test_a_product_that_torch_keeps_in_float32_is_seen():
    """The state mu_product of NAdam is a float32 tensor, whatever the parameters are."""
    assert diff("nadam:lr=1e-3", "torch.optim.NAdam:lr=1e-3", "--rtol", "1e-12", "--steps", "40").exit_code == 1
    assert diff("nadam:lr=1e-3", "torch.optim.NAdam:lr=1e-3", "--rtol", "1e-4", "--steps", "40").exit_code == 0


@pytest.mark.parametrize("convention", MISTAKES)
def test_a_mistake_is_named(convention, tmp_path):
    file = tmp_path / "mine.py"
    body = MISTAKES[convention]
    program = ADAM.format(body=body)
    if convention.startswith("scalars"):
        program = program.replace("self.beta2", "float(torch.tensor(self.beta2))").replace(
            "self.beta1", "float(torch.tensor(self.beta1))"
        )
        for name in ("self.lr", "self.eps", "self.weight_decay"):
            program = program.replace(name, f"float(torch.tensor({name}))")
    file.write_text(program)
    done = diff("torch.optim.AdamW", file, "--rtol", "1e-12")
    assert done.exit_code == 1, done.output
    assert f"convention: {convention}" in done.output.splitlines()
    assert done.output.count("convention: ") == 1
    file.write_text(ADAM.format(body=RIGHT))
    done = diff("torch.optim.AdamW", file, "--rtol", "1e-8")
    assert (done.exit_code, done.output) == (0, "equal over 200 steps\n")


def test_other_conventions_of_published_libraries():
    # https://github.com/google-deepmind/optax/pull/595
    done = diff("rmsprop:lr=1e-3", "optax.rmsprop:learning_rate=1e-3,decay=0.99", "--rtol", "1e-9")
    assert "convention: epsilon: added to the root after bias correction in A, inside of the root in B" in done.output
    done = diff("sgd:momentum=0.9", "optax.sgd:learning_rate=1e-3,momentum=0.9,nesterov=true", "--rtol", "1e-9")
    assert "convention: momentum: heavy ball in A, Nesterov's momentum in B" in done.output
    done = diff("torch.optim.Adam:weight_decay=0.1", "torch.optim.AdamW:weight_decay=0.1", "--rtol", "1e-9")
    assert "convention: decay: added to the gradient in A, decoupled, before the step in B" in done.output


def test_the_first_difference_and_its_place(tmp_path):
    file = tmp_path / "mine.py"
    late = "after = theta - self.lr * gradient * torch.where(t == 7, 1 + 1e-3 * (torch.arange(len(theta)) == 20), 1.0)"
    file.write_text(ADAM.format(body=late))
    done = diff("sgd:lr=1e-3", file, "--json", "--ulps", "4", "--steps", "12")
    tree = json.loads(done.output)
    assert (tree["first"]["step"], tree["first"]["what"], tree["first"]["index"]) == (7, "weight", [2, 4])
    one, other = tree["first"]["values"]
    assert [one.hex(), other.hex()] == tree["first"]["hex"]
    assert tree["first"]["ulps"] == ulps(np.array([one]), np.array([other]))[0] > 4
    assert len(tree["gaps"]) == tree["steps"] == 12
    assert max(tree["gaps"][:6]) < 1e-15 < tree["gaps"][6]


def test_an_earlier_revision_of_a_file(tmp_path):
    def git(*arguments):
        subprocess.run(
            ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
            check=True,
            capture_output=True,
        )

    git("init", "-q")
    file = tmp_path / "mine.py"
    (tmp_path / "scale.py").write_text("SCALE = 1.0\n")
    file.write_text("from scale import SCALE\n" + ADAM.format(body=f"{RIGHT} * SCALE"))
    git("add", ".")
    git("commit", "-qm", "first")
    (tmp_path / "scale.py").write_text("SCALE = 1.5\n")
    done = diff(f"{file}@HEAD", f"{file}@HEAD", "--steps", "5")
    assert (done.exit_code, done.output) == (0, "equal over 5 steps\n")
    # Each side in a process that has not imported the neighbour before.
    for other, status in ((file, 1), (f"{file}@HEAD:lr=2e-3", 1)):
        command = [sys.executable, "-m", "dynviz", "diff", f"{file}@HEAD", str(other), "--steps", "5"]
        assert subprocess.run(command, check=False, capture_output=True).returncode == status
    done = diff(f"{file}@nothing", file)
    assert done.exit_code == 2
    assert "mine.py at nothing" in done.output
    # What is wrong with a file as it was is said of the file, not of the copy that was made of it.
    file.write_text("class Mine:\n    pass\n\n\noptimizer = Mine\n")
    git("commit", "-qam", "no optimizer")
    done = diff(f"{file}@HEAD", file)
    assert done.exit_code == 2
    assert f"optimizer {file} at HEAD" in done.output


def test_free_runs_come_apart_and_recordings_are_compared(tmp_path):
    done = diff("sgd:lr=1e-3", "sgd:lr=1.0000001e-3", "--free", "--on", "surface:f=rosenbrock", "--steps", "64")
    assert done.exit_code == 1
    assert "largest gap up to a step" in done.output
    for name, dtype in (("a", "float64"), ("b", "float64"), ("c", "float32")):
        dynviz.run(
            "surface:f=rosenbrock",
            "adam",
            steps=20,
            dtype=dtype,
            record=["parameters", "gradient"],
            out=tmp_path / name,
        )
    done = diff(tmp_path / "a", tmp_path / "b")
    assert (done.exit_code, done.output) == (0, "equal over 20 steps\n")
    assert diff(tmp_path / "a", tmp_path / "b", "--steps", 5).exit_code == 2
    done = diff(tmp_path / "a" / "adam", tmp_path / "c" / "adam")
    assert done.exit_code == 1
    assert "compared in the wider one" in done.output
    done = diff("adam", "torch.optim.Adam", "--gradients", tmp_path / "a", "--rtol", "1e-8")
    assert (done.exit_code, done.output) == (0, "equal over 20 steps\n")


def test_the_largest_difference_of_two_recordings_is_that_of_all_steps(tmp_path):
    for name, lr in (("a", 1e-2), ("b", 1.1e-2)):
        dynviz.run("surface:f=booth", f"adam:lr={lr}", steps=200, record="term.*", out=tmp_path / name)
    picture = tmp_path / "gap.png"
    done = json.loads(diff(tmp_path / "a", tmp_path / "b", "--json", "--picture", picture).output)
    assert picture.is_file()
    sides = [dynviz.open(tmp_path / name)["adam"] for name in ("a", "b")]
    shares = {}
    for channel in sides[0]:
        one, other = (side[channel].astype(float) for side in sides)
        with np.errstate(invalid="ignore"):
            shares[channel] = np.nan_to_num(np.abs(one - other) / np.maximum(np.abs(one), np.abs(other)))
    largest = done["largest"]
    assert largest["step"] > done["first"]["step"] == 1
    one, other = largest["values"]
    assert [one.hex(), other.hex()] == largest["hex"]
    assert abs(one - other) / max(abs(one), abs(other)) == max(map(np.max, shares.values()))
    assert shares[largest["what"]][(largest["step"], *largest["index"])] == shares[largest["what"]].max()
    assert done["term"] == ["gradient", 1]
    assert (done["gaps_of"], done["gap_steps"]) == (done["first"]["what"], list(range(200 + (done["gaps_of"] != "lr"))))
    one, other = (side[done["gaps_of"]].astype(float).reshape(len(done["gaps"]), -1) for side in sides)
    assert done["gaps"] == (np.abs(one - other).max(axis=1) / np.abs(one).max(axis=1)).tolist()


def test_the_picture_of_recordings_shows_the_gap_of_parameters_and_the_number_that_differs_first(tmp_path):
    for name, lr in (("a", 1e-2), ("b", 1.1e-2)):
        dynviz.run("surface:f=booth", f"adam:lr={lr}", steps=20, record="parameters:every=4", out=tmp_path / name)
    sides = tuple(dynviz.open(tmp_path / name)["adam"] for name in ("a", "b"))
    comparison = of_recordings(sides, Allowance())
    one, other = (side["parameters"][:, 0].astype(float) for side in sides)
    assert comparison.gap_steps == sides[0].steps("parameters").tolist() == [0, 4, 8, 12, 16, 20]
    assert np.allclose(comparison.gaps, np.abs(one - other).max(axis=1) / np.abs(one).max(axis=1))
    assert comparison.gaps[0] == 0 < comparison.gaps[1]
    gap, way = scene(comparison, ("a", "b")).panels
    assert (gap.y.scale, gap.title) == ("log", "largest gap of parameters, as a share of the largest")
    assert way.title.startswith(comparison.first.what)
    of_itself = of_recordings(sides[:1] * 2, Allowance())
    assert of_itself.first is None
    assert len(scene(of_itself, ("a", "a")).panels) == 1


def test_rules_of_matrices_alone_are_compared_on_one():
    done = diff("torch.optim.Muon", "torch.optim.Muon", "--steps", "4")
    assert (done.exit_code, done.output.splitlines()) == (
        0,
        ["not both of them take vectors: they are compared on a matrix alone", "equal over 4 steps"],
    )


def test_the_example_of_the_help_is_equal():
    (line,) = [line for line in diff("--help").output.splitlines() if "torch.optim.AdamW --rtol" in line]
    done = diff(*line.split()[2:])
    assert (done.exit_code, done.output) == (0, "equal over 200 steps\n")


def test_the_picture(tmp_path):
    from PIL import Image

    for theme in ("light", "dark"):
        file = tmp_path / f"{theme}.png"
        arguments = ("adamw", "torch.optim.AdamW:amsgrad=true", "--picture", file, "--theme", theme, "--steps", "60")
        assert diff(*arguments).exit_code == 1
        with Image.open(file) as image:
            assert image.size == (640, 480)
        again = diff(*arguments)
        assert (again.exit_code, "exists" in again.output) == (2, True)
    done = diff("adam", "adam", "--picture", tmp_path / "equal.png", "--steps", "5")
    assert done.exit_code == 0, done.output
    assert diff("adam", "adam", "--picture", tmp_path / "equal.gif", "--steps", "5").exit_code == 2


def test_nan_equals_nan_and_zeros_have_signs(tmp_path):
    for name, body in (
        ("nan", "after = theta * float('nan')"),
        ("zero", "after = theta * 0"),
        ("minus", "after = -theta.abs() * 0"),
    ):
        (tmp_path / f"{name}.py").write_text(ADAM.format(body=body))
    assert diff(tmp_path / "nan.py", tmp_path / "nan.py", "--steps", "3").exit_code == 0
    assert diff(tmp_path / "nan.py", tmp_path / "zero.py", "--steps", "3", "--rtol", "0.5").exit_code == 1


def test_what_cannot_be_compared_is_exit_2(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments, words in (
        (("adamw", "nothing"), "nothing"),
        (("adamw", "torch.optim.LBFGS"), "evaluates the loss"),
        (("adamw+sam", "adamw"), "evaluates the loss"),
        (("adamw", "optax.nothing"), "optax transformation"),
        (("adamw", "optax.adam:nothing=1"), "optax.adam"),
        (("adamw", str(tmp_path)), "neither a run nor a recording"),
        (("adamw", "adam", "--gradients", "r", "--free"), "leave out --free"),
    ):
        done = diff(*arguments)
        assert done.exit_code == 2, done.output
        assert words in done.output
        assert done.output.count("\n") == 1
    assert torch.get_num_threads() >= 1
