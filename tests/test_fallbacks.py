"""What a rule does with parameters of shapes that it is not made for is declared, and said."""

import json

import pytest
import torch
from click.testing import CliRunner

import dynviz
from dynviz import plugins
from dynviz.animation.alt import describe
from dynviz.cli import commands
from dynviz.rule import fallback
from tests.rules import RULES, make

SHAPES = {"number": (), "vector": (6,), "matrix": (6, 5)}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_keeps_another_state_for_some_shapes_says_what_it_does_with_one_of_them(name):
    rule = make(name)
    states = {kind: set(rule.init(torch.zeros(shape))) for kind, shape in SHAPES.items()}
    if len({frozenset(keys) for keys in states.values()}) > 1:
        assert any(fallback(rule, shape) for shape in SHAPES.values())


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("muon", (6,), "AdamW's step"),
        ("muon:vectors=sgd", (), "SGD's step with momentum"),
        ("muon+sam", (6,), "AdamW's step"),
        ("muon", (6, 5, 4), ""),
        ("adafactor", (6,), "an unfactored mean square"),
        ("shampoo", (6,), "full-matrix AdaGrad's step"),
        ("shampoo:largest=5", (6, 5), "diagonal statistics for axes longer than 5"),
        ("shampoo", (6, 5), ""),
        ("sketchy:rank=3", (6,), "S-AdaGrad's step"),
        ("sketchy:rank=3", (6, 5), ""),
        ("sketchy", (6, 5), "Shampoo's step (no axis is over the rank)"),
        ("full-matrix-adagrad", (600,), "a matrix for each block of up to 512"),
        ("adamw", (), ""),
    ],
)
def test_fallbacks_depend_on_the_shape_and_the_options(name, shape, words):
    assert fallback(make(name), shape) == words


def test_muon_on_vectors_takes_the_step_that_it_names():
    theta, gradient = torch.zeros(6, dtype=torch.float64), torch.linspace(-1, 2, 6, dtype=torch.float64)
    t = torch.ones((), dtype=torch.float64)
    muon = make("muon", lr=0.01)
    adamw = make("adamw", lr=0.01, beta2=muon.beta2, eps=muon.eps, weight_decay=0.0)
    steps = [sum(rule.update(theta, gradient, rule.init(theta), t)[0].values()) for rule in (muon, adamw)]
    torch.testing.assert_close(*steps, rtol=0, atol=1e-14)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fallbacks") / "run"
    return dynviz.run("surface", ["muon", "adamw"], steps=3, out=folder)


def test_a_recording_and_its_pictures_say_it(run, tmp_path):
    assert run["muon"].metadata.fallbacks == {"position": "AdamW's step"}
    assert not run["adamw"].metadata.fallbacks
    film = plugins.load("views", "path").target(list(run.values()))
    assert film.scene(3).readouts[0].text == "muon, AdamW's step throughout"
    assert "muon, AdamW's step throughout" in describe(film, [0, 3])
    matrices = dynviz.run("voronoi:model=offset", "muon", steps=1, out=tmp_path / "run")
    last = plugins.load("views", "curves").target(list(matrices.values())).scene(1).readouts[-1]
    assert last.text == "muon: AdamW's step for offset"


def said(*words):
    return CliRunner().invoke(commands, list(words), catch_exceptions=False)


def test_commands_say_it(tmp_path):
    assert "a vector   AdamW's step" in said("list", "optimizers", "muon").stdout
    assert "AdamW's step" not in said("list", "optimizers", "lion").stdout
    asked = ["surface", "-o", "muon", "--steps", "3", "--out"]
    assert "muon takes AdamW's step throughout" in said("run", *asked, str(tmp_path / "run"), "--headless").stderr
    assert "muon takes AdamW's step throughout" in said("compare", *asked, str(tmp_path / "table")).stdout
    rows = json.loads(said("compare", *asked, str(tmp_path / "rows"), "--format", "json").stdout)
    assert [row["fallback"] for row in rows] == ["AdamW's step throughout"]
