"""Transformations of optax as optimizers of torch's kind, beside optax itself."""

import copy
import importlib.util

import jax
import numpy as np
import optax
import pytest
import torch
from click.testing import CliRunner
from torch import nn

import dynviz
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.testing import check_optimizer
from tests.rules import LAYOUT, ROW, gradient

STEPS = 8
TRANSFORMATIONS = {
    "adamw": lambda: optax.adamw(optax.cosine_decay_schedule(0.1, STEPS), weight_decay=0.1),
    "clipped": lambda: optax.chain(optax.clip_by_global_norm(0.1), optax.sgd(0.5, momentum=0.9, nesterov=True)),
    "lion": lambda: optax.lion(1e-2),
}


def parameters(row=ROW):
    return [nn.Parameter(view.clone()) for view in LAYOUT.views(row).values()]


def walk(optimizer, own, steps=STEPS, first=0):
    rows = []
    for step in range(first, first + steps):
        row = torch.cat([one.detach().reshape(-1) for one in own])
        for one, slope in zip(own, LAYOUT.views(gradient(row, step)).values(), strict=True):
            one.grad = slope.clone()
        optimizer.step()
        rows.append(torch.cat([one.detach().reshape(-1) for one in own]))
    return rows


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_steps_are_those_of_optax(name):
    own = parameters()
    rows = walk(dynviz.from_optax(TRANSFORMATIONS[name]())(own), own)
    with jax.enable_x64(True):
        transformation = TRANSFORMATIONS[name]()
        tree = [jax.numpy.asarray(view.numpy()) for view in LAYOUT.views(ROW).values()]
        state, update = transformation.init(tree), jax.jit(transformation.update)
        for step in range(STEPS):
            row = torch.cat([torch.from_numpy(np.array(leaf)).reshape(-1) for leaf in tree])
            slopes = [jax.numpy.asarray(view.numpy()) for view in LAYOUT.views(gradient(row, step)).values()]
            updates, state = update(slopes, state, tree)
            tree = optax.apply_updates(tree, updates)
            expected = np.concatenate([np.asarray(leaf).ravel() for leaf in tree])
            np.testing.assert_allclose(rows[step].numpy(), expected, rtol=1e-10, atol=1e-13)


def test_it_goes_on_from_a_state_dict():
    kind = dynviz.from_optax(TRANSFORMATIONS["adamw"]())
    own = parameters()
    optimizer = kind(own)
    walk(optimizer, own, 3)
    there = parameters(torch.cat([one.detach().reshape(-1) for one in own]))
    again = kind(there)
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert torch.equal(walk(optimizer, own, 3, 3)[-1], walk(again, there, 3, 3)[-1])


def test_runs_train_with_it_and_are_resumed(tmp_path):
    kind = dynviz.from_optax(optax.adam(0.1), "OptaxAdam")
    options = {"record": "position", "seeds": "0:2"}
    whole = dynviz.run(
        "surface:f=rosenbrock", [kind, "torch.optim.Adam:lr=0.1"], steps=12, out=tmp_path / "a", **options
    )
    ours, torchs = whole.values()
    assert ours.label == "OptaxAdam"
    np.testing.assert_allclose(ours["position"], torchs["position"], rtol=1e-5)
    dynviz.run("surface:f=rosenbrock", kind, steps=5, out=tmp_path / "b", **options)
    with pytest.raises(DynvizError, match="defined in a script"):
        dynviz.resume(tmp_path / "b", steps=12)
    resumed = dynviz.resume(tmp_path / "b", steps=12, trust=[kind])
    assert np.array_equal(resumed["OptaxAdam"]["position"], ours["position"])


def test_a_name_on_the_command_line_is_a_transformation(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*words):
        return CliRunner().invoke(commands, ["run", *words, "--headless"])

    both = ["-o", "optax.adam:learning_rate=0.1", "-o", "torch.optim.Adam:lr=0.1"]
    done = run("surface:f=booth", *both, "--steps", "12", "--record", "position", "--out", "both")
    assert done.exit_code == 0, done.output
    assert run("--resume", "both", "--steps", "20").exit_code == 0
    ours, torchs = dynviz.open("both").values()
    assert (ours.label, ours.total) == ("optax.adam", 20)
    assert ours.metadata.hyperparameters["learning_rate"].value == 0.1
    np.testing.assert_allclose(ours["position"], torchs["position"], rtol=1e-5)
    for name, words in (
        ("optax.adam", "needs learning_rate"),
        ("optax.nothing", "no optax transformation named 'nothing'"),
        ("optax.adam:learning_rate=1,b3=0", "no option of optimizer optax.adam named 'b3'"),
        ("optax.adam:learning_rate=cosine(0.1)", "no learning_rate that could change with the step"),
        ("optax.masked", "takes inner, which cannot be written"),
    ):
        assert words in str(run("surface", "-o", name, "--steps", "2").exception)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    error = str(run("surface", "-o", "optax.adam:learning_rate=1", "--steps", "2").exception)
    assert error.startswith("optax.adam needs optax, which is not installed")


@pytest.mark.slow
def test_it_keeps_the_contract_of_optimizers():
    # optax has one tree of parameters, with one learning rate that it changes itself.
    check_optimizer(dynviz.from_optax(optax.adam(1e-2)), skip=("groups", "scheduler"))


def test_a_transformation_that_looks_at_the_loss():
    kind = dynviz.from_optax(optax.chain(optax.sgd(1.0), optax.contrib.reduce_on_plateau(factor=0.5, patience=1)))
    weight = nn.Parameter(torch.ones(1))
    optimizer = kind([weight])
    moves = []
    for _ in range(6):
        before = weight.item()

        def closure():
            weight.grad = torch.ones(1)
            return torch.tensor(1.0)

        assert optimizer.step(closure) == 1.0
        moves.append(before - weight.item())
    assert moves[0] == 1.0
    assert moves[-1] < 0.5
    with pytest.raises(DynvizError, match="cannot make a step"):
        optimizer.step()


def test_names_of_parameters_choose_transformations_and_bfloat16_stays():
    labels = {"layer.weight": "first", "layer.bias": "second"}
    kind = dynviz.from_optax(optax.multi_transform({"first": optax.sgd(1.0), "second": optax.set_to_zero()}, labels))
    net = nn.ModuleDict({"layer": nn.Linear(2, 2)}).bfloat16()
    before = copy.deepcopy(net.state_dict())
    optimizer = kind(net.named_parameters())
    for one in net.parameters():
        one.grad = torch.ones_like(one)
    optimizer.step()
    assert torch.equal(net.layer.weight, before["layer.weight"] - 1)
    assert torch.equal(net.layer.bias, before["layer.bias"])


def test_what_is_refused():
    for thing, words in ((3, "an object of type int is no transformation"), (optax.sgd, "is no transformation")):
        with pytest.raises(DynvizError, match=words):
            dynviz.from_optax(thing)
    with pytest.raises(DynvizError, match="name of a class"):
        dynviz.from_optax(optax.sgd(1.0), "my optimizer")
    kind = dynviz.from_optax(optax.sgd(1.0))
    with pytest.raises(DynvizError, match="complex"):
        kind([nn.Parameter(torch.zeros(2, dtype=torch.complex64))])
    with pytest.raises(DynvizError, match="added later"):
        kind([nn.Parameter(torch.zeros(2))]).add_param_group({"params": nn.Parameter(torch.zeros(2))})
    table = nn.Embedding(3, 2, sparse=True)
    table(torch.tensor([1])).sum().backward()
    with pytest.raises(DynvizError, match="sparse"):
        kind(table.parameters()).step()
