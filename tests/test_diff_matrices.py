"""`dynviz diff` names the conventions of rules for matrices: Muon's Newton-Schulz steps and scales, Shampoo's roots."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import dynviz
from dynviz.cli import commands
from dynviz.difference.newton_schulz import PUBLISHED, matrix_step, quintic
from dynviz.difference.orthogonal import explained

MUON = (Path(dynviz.__file__).parent / "optimizers/muon.py").read_text()
NUMBERS = "3.4445, -4.7750, 2.0315"
POLAR_EXPRESS = (
    "8.2051, -22.9019, 16.4607; 4.0664, -2.8612, 0.5184; 3.9096, -2.8234, 0.5250; 3.2856, -2.4153, 0.4853; "
    "2.2779, -1.6198, 0.3985"
)
WRONG = (
    "7.2086, -15.5131, 9.0178; 3.9623, -2.5813, 0.4542; 3.9466, -2.5765, 0.4544; 3.8991, -2.5671, 0.4566; "
    "3.7186, -2.5308, 0.4653"
)
SHAMPOO = """
import torch

class Mine(torch.optim.Optimizer):
    def __init__(self, params, lr: float = 1e-2, epsilon: float = 1e-6):
        super().__init__(params, {"lr": lr, "epsilon": epsilon})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                step, order = p.grad, p.ndim
                for axis, size in enumerate(p.shape):
                    rows = p.grad.movedim(axis, 0).reshape(size, -1)
                    start = group["epsilon"] * torch.eye(size, dtype=p.dtype)
                    known = self.state[p].setdefault(axis, start)
                    known += rows @ rows.mT
                    values, vectors = torch.linalg.eigh(known)
                    root = (vectors * values ** (-POWER)) @ vectors.mT
                    moved = step.movedim(axis, 0)
                    step = (root @ moved.reshape(size, -1)).reshape(moved.shape).movedim(0, axis)
                p -= group["lr"] * step

optimizer = Mine
"""


def conventions(one, other, *options):
    """What is said of the conventions of two optimizers that differ."""
    done = CliRunner().invoke(commands, ["diff", str(one), str(other), "--steps", "3", *options])
    assert done.exit_code == 1, done.output
    return [line.removeprefix("convention: ") for line in done.output.splitlines() if line.startswith("convention: ")]


def muon(path, *changes):
    text = MUON
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return path


def scheduled(path, coefficients):
    """Muon with other coefficients at each step."""
    schedule = [tuple(map(float, one.split(", "))) for one in coefficients.split("; ")]
    return muon(
        path,
        ("for _ in range(self.ns_steps):", "for A, B, C in SCHEDULE[: self.ns_steps]:"),
        ("@dataclass(frozen=True)", f"SCHEDULE = {schedule}\n\n\n@dataclass(frozen=True)"),
    )


# A digit that is wrong, and the coefficients that the author of Muon began with: kellerjordan.github.io/posts/muon
@pytest.mark.parametrize("wrong", ["3.4445, -4.7750, 2.0515", "2.0000, -1.5000, 0.5000"])
def test_a_wrong_newton_schulz_coefficient_is_named(wrong, tmp_path):
    mine = muon(tmp_path / "mine.py", (NUMBERS, wrong))
    told = ["; ".join([numbers] * 5) if ";" in numbers else numbers for numbers in (NUMBERS, wrong)]
    assert conventions("muon", mine) == [f"Newton-Schulz coefficients: {told[0]} in A, {told[1]} in B"]


def test_the_wrong_coefficients_of_polar_express_are_named(tmp_path):
    """The report "Current coefficient mismatch those in origin paper", and its mend, whose numbers these are.

    https://github.com/NVIDIA-NeMo/Emerging-Optimizers/issues/73, pull request 74
    """
    right = scheduled(tmp_path / "right.py", POLAR_EXPRESS)
    wrong = scheduled(tmp_path / "wrong.py", WRONG)
    assert conventions(right, wrong) == [f"Newton-Schulz coefficients: {POLAR_EXPRESS} in A, {WRONG} in B"]


def test_another_number_of_newton_schulz_steps_is_named(tmp_path):
    """A fixed number of steps that no hyperparameter tells.

    Ten of them are the default in the plan of https://github.com/gHashTag/trinity/issues/535; the author's code has
    five.
    """
    mine = muon(tmp_path / "mine.py", ("range(self.ns_steps)", "range(10)"))
    assert conventions("muon", mine) == ["Newton-Schulz steps: 5 in A, 10 in B"]


def test_no_newton_schulz_steps_are_named(tmp_path):
    """Muon that trains as SGD: https://github.com/deepspeedai/DeepSpeed/issues/8441."""
    mine = muon(tmp_path / "mine.py", ("self._orthogonal(matrix)", "matrix"))
    assert conventions("muon", mine) == ["Newton-Schulz steps: 5 in A, none in B"]


FACTOR = "_scale(self.scale, *matrix.shape)"
SCALE, FILTER = "sqrt(max(1, rows / columns))", "sqrt(max(1, rows / columns)) of the flattened filter"


@pytest.mark.parametrize(
    ("factor", "scale", "filters"),
    [
        # https://github.com/google-deepmind/optax/pull/1249: the scale is missing.
        ("1", "1", "1"),
        # Of the last two axes, https://github.com/ultralytics/ultralytics/pull/25846
        ("_scale(self.scale, *theta.shape[-2:])", "", "sqrt(max(1, rows / columns)) of its kernel"),
        # https://github.com/NVIDIA-NeMo/Emerging-Optimizers/issues/80: without Kimi's 0.2.
        (
            "max(matrix.shape) ** 0.5",
            "sqrt(max(rows, columns))",
            "sqrt(max(rows, columns)) of the flattened filter",
        ),
        # Both scales at once, https://github.com/kozistr/pytorch_optimizer/issues/371
        (
            "0.2 * max(matrix.shape) ** 0.5 * _scale('original', *matrix.shape)",
            "0.2 sqrt(max(rows, columns) max(1, rows / columns))",
            "0.2 sqrt(max(rows, columns) max(1, rows / columns)) of the flattened filter",
        ),
        # Rows taken for columns, as where a layer keeps its weight the other way round.
        (
            "_scale(self.scale, *matrix.shape[::-1])",
            "sqrt(max(1, columns / rows))",
            "1",
        ),
    ],
)
def test_another_scale_by_shape_is_named(factor, scale, filters, tmp_path):
    mine = muon(tmp_path / "mine.py", (FACTOR, factor))
    expected = [f"scale by shape: {SCALE} in A, {scale} in B"] if scale else []
    expected += [f"scale of filters: {FILTER} in A, {filters} in B"]
    assert explained(("muon", str(mine))) == expected


def test_momentum_precision_and_vectors_of_muon_are_named(tmp_path):
    assert conventions("muon", "muon:nesterov=false") == ["momentum: Nesterov's in A, heavy ball in B"]
    rounded = "Newton-Schulz steps: in the parameters' precision in A, in bfloat16 in B"
    assert conventions("muon", "muon:dtype=bfloat16") == [rounded]
    assert conventions("muon", "muon:vectors=sgd") == ["family of vectors: Adam in A, SGD in B"]
    told = conventions("muon", "optax.contrib.muon:learning_rate=0.02,eps=1e-10")
    assert told[0] == "scale by shape: sqrt(max(1, rows / columns)) in A, sqrt(max(1, columns / rows)) in B"
    assert "momentum: Nesterov's in A, Nesterov's, corrected for bias in B" in told


def test_coefficients_are_those_that_were_applied():
    generator = np.random.default_rng(0)
    gradient = generator.standard_normal((12, 7))
    for known, rounds in ((PUBLISHED, 5), (PUBLISHED, 3), ((2.9, -3.3, 1.2), 4)):
        x = gradient / np.linalg.norm(gradient)
        for _ in range(rounds):
            gram = x @ x.T
            x = known[0] * x + (known[1] * gram + known[2] * gram @ gram) @ x
        step = matrix_step(gradient, -0.02 * x)
        assert step is not None
        for declared in (rounds, None) if known == PUBLISHED else (rounds,):
            found = quintic(step, declared)
            assert found is not None
            assert found.rounds == rounds
            made = found.of(step.x)
            assert np.allclose(made / np.linalg.norm(made), step.reached / np.linalg.norm(step.reached), atol=1e-5)
            assert known != PUBLISHED or found.schedule == (known,)
    assert matrix_step(gradient, generator.standard_normal((12, 7))) is None


# https://github.com/moskomule/shampoo.pytorch/issues/2, https://github.com/jettify/pytorch-optimizer/issues/502
def test_the_wrong_power_of_shampoo_is_named(tmp_path):
    """Two public reports of one mistake: the power of a matrix is -1/k, where the paper has -1/(2k)."""
    mine = tmp_path / "mine.py"
    mine.write_text(SHAMPOO.replace("POWER", "1 / order"))
    told = "exponent: 1/(2k) for a tensor of k axes in A, 1/k for a tensor of k axes in B"
    assert conventions("shampoo", mine) == [told]
    mine.write_text(SHAMPOO.replace("POWER", "1 / (2 * order)"))
    assert conventions("shampoo", mine) == ["none in the first 8 steps: both follow one rule, and round otherwise"]


def test_shampoo_and_its_namesake():
    """They are equal in float64; else what differs is when roots are made, and which numbers are rounded."""
    own = "zoo.Shampoo:lr=1e-2"
    assert conventions("shampoo", "zoo.Shampoo") == ["lr is 0.01 in A, 0.001 in B"]
    told = "precision: parameters alone are rounded in A, all of a step is rounded in B"
    assert conventions("shampoo", own, "--dtype", "float32") == [told]
    told = "roots: made at the first step, then each interval in A, made at multiples of the interval, zero before in B"
    assert conventions("shampoo:interval=3", f"{own},preconditioning_compute_steps=3") == [told]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("+graft:magnitude=sgd", "graft: none in A, onto the length of the gradient in B"),
        ("+graft:magnitude=adagrad", "graft: none in A, onto the length of AdaGrad's step in B"),
        ("+graft", "graft: none in A, onto the length of Adam's step in B"),
    ],
)
def test_grafts_are_named(change, told):
    assert told in conventions("shampoo", f"shampoo{change}")


def test_averages_and_the_place_of_epsilon_are_named(tmp_path):
    rule = (Path(dynviz.__file__).parent / "optimizers/shampoo.py").read_text()
    mine = tmp_path / "mine.py"
    new = "self.beta2 * before + (1 - self.beta2) * ("
    mine.write_text(
        rule.replace("self.beta2 * before + (", new).replace("class Shampoo:", "class Shampoo:  # averaged")
    )
    told = "statistics: discounted and summed in A, averaged in B"
    assert conventions("shampoo:beta2=0.9", f"{mine}:beta2=0.9") == [told]
