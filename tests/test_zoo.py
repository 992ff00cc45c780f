"""The collection of pytorch_optimizer: every class of it trains here, or is refused with the reason."""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import dynviz
from dynviz import plugins
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.plugins import zoo
from dynviz.training import resume
from dynviz.training.parameter_layout import ParameterLayout
from dynviz.training.torch_stepper import TorchStepper
from dynviz.training.trees import from_arrays, to_arrays
from tests import network

NAMES = list(zoo.names())
BOWL = str(Path(__file__).parent / "files" / "bowl.py")
NEEDS = {"Ranger21": {"num_iterations": 100}, "BSAM": {"num_data": 16}}
"""What has no default."""
REASONS = (
    "wraps another optimizer",
    "takes the whole model",
    "needs second derivatives",
    "takes attention_max_logits at each step",
    "process group",
    "got multiple values for keyword argument 'momentum'",  # DeMo fixes what its parent takes
    "needs a closure",  # here gradients alone are given to it
    "which a checkpoint cannot store",
    "only supports 2D parameters",
    "You need to install `einops`",
    "mat1 and mat2 shapes cannot be multiplied",  # LoRARite pairs the matrices of adapters
)
TERMS = (("step",), ("step", "decay"), ("training_step",), ("training_step", "decay"))


@pytest.fixture(autouse=True)
def _quiet():
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        # What classes of others warn of is not for these tests.
        warnings.simplefilter("ignore")
        yield


def layout():
    return ParameterLayout({name: tuple(value.shape) for name, value in network.parameters().items()})


def stepper(name, row, **options):
    plugin = plugins.load("optimizers", f"zoo.{name}")
    values = {key: option.default for key, option in plugin.options.items()}
    values |= {**NEEDS.get(name, {}), **options}
    return TorchStepper(lambda parameters: plugin.target(parameters, **values), plugin.name, layout(), row)


def walk(each, row, steps):
    for step in steps:
        leaf = row.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(network.loss(layout().views(leaf), network.batch(step, row.dtype)), leaf)
        before = gradient.clone()
        row, terms = each.step(row, gradient, step + 1)
        # A buffer may hold it, whatever the class writes into it.
        assert torch.equal(gradient, before)
    return row, terms


def verdict(name):
    """How a class fares: its terms, or why it is refused."""
    row = layout().join(network.parameters(dtype=torch.float32))
    try:
        each = stepper(name, row)
    except DynvizError as error:
        return None, str(error)
    return each, ", ".join(each.terms)


@pytest.mark.parametrize("name", NAMES)
def test_every_class_trains_and_resumes_bit_for_bit_or_is_refused_with_the_reason(name):
    row = layout().join(network.parameters(dtype=torch.float32))
    each, words = verdict(name)
    if each is None:
        assert any(reason in words for reason in REASONS), words
        assert "\n" not in words
        return
    assert each.terms in TERMS
    after, terms = walk(each, row, range(3))
    assert after.isfinite().all()
    assert set(terms) == set(each.terms)
    kept = from_arrays(to_arrays(each.state()), torch.device("cpu"))
    straight, _ = walk(each, after, range(3, 6))
    again = stepper(name, row)
    again.restore(after, kept)
    resumed, _ = walk(again, after, range(3, 6))
    assert torch.equal(straight, resumed)


@pytest.mark.parametrize("name", NAMES)
def test_every_class_runs_three_steps_or_is_refused_before_anything_is_written(name, tmp_path):
    given = ",".join(f"{key}={value}" for key, value in NEEDS.get(name, {}).items())
    asked, out = f"zoo.{name}:{given}".rstrip(":"), tmp_path / "run"
    words = ""
    try:
        run = dynviz.run(BOWL, asked, seeds="0:2", steps=3, record="term.*:every=1", out=out)
    except DynvizError as error:
        words = str(error)
    assert out.exists() == (not words)
    if words:
        assert any(reason in words for reason in REASONS), words
        return
    recording = run[f"zoo.{name}"]
    assert recording["loss"].shape == (4, 2)
    assert np.isfinite(recording["loss"]).all()
    assert recording.status == "finished"


def test_options_that_are_no_values_keep_their_defaults():
    assert "compute_dtype" not in plugins.load("optimizers", "zoo.ROSE").options
    with pytest.raises(DynvizError, match=r"no option of optimizer zoo\.ROSE named 'compute_dtype'"):
        plugins.load("optimizers", "zoo.ROSE:compute_dtype=float32")


def test_the_table_of_what_trains_and_what_is_refused(capsys):
    table = {name: verdict(name) for name in NAMES}
    trains = [name for name, (each, _) in table.items() if each is not None]
    row = layout().join(network.parameters(dtype=torch.float32))
    # RAdam stands still for its first five steps.
    still = [name for name in trains if torch.equal(walk(table[name][0], row, range(8))[0], row)]
    with capsys.disabled():
        print(f"\n{len(trains)} of {len(NAMES)} classes of pytorch_optimizer train:")
        for name, (_, words) in table.items():
            print(f"  {name:20} {words}")
    assert len(trains) > 100
    assert still == []


def test_optimizers_that_look_at_the_loss_are_known():
    row = layout().join(network.parameters(dtype=torch.float32))
    for name in ("EmoNavi", "EmoLynx", "EmoFact", "AliG", "LBFGS"):
        with pytest.raises(DynvizError, match=f"zoo.{name} evaluates the loss at each step"):
            stepper(name, row)


def test_a_step_of_the_collection_is_the_one_that_it_makes_alone():
    row = layout().join(network.parameters())
    each = stepper("Lion", row, lr=1e-3, weight_decay=0.1)
    alone = zoo.names()["Lion"]([only := torch.nn.Parameter(row.clone())], lr=1e-3, weight_decay=0.1)
    assert each.terms == ("step", "decay")
    for step in range(20):
        before = row
        row, terms = walk(each, row, [step])
        leaf = only.detach().requires_grad_()
        (only.grad,) = torch.autograd.grad(network.loss(layout().views(leaf), network.batch(step)), leaf)
        alone.step()
        torch.testing.assert_close(row, only.detach(), rtol=0, atol=1e-15)
        torch.testing.assert_close(terms["decay"], before * -1e-4, rtol=0, atol=1e-18)


def test_a_decay_that_is_not_the_rate_times_the_decay_stays_in_the_step():
    row = layout().join(network.parameters())
    assert stepper("Lion", row, lr=0.1, weight_decay=0.1).terms == ("step", "decay")
    assert stepper("Lion", row, lr=0.1, weight_decay=0.1, fixed_decay=True).terms == ("step",)
    assert stepper("Lion", row, lr=0.1, weight_decay=0.1, weight_decouple=False).terms == ("step",)


def test_matrices_and_vectors_of_one_optimizer_may_have_different_rates_of_decay():
    row = layout().join(network.parameters())
    each = stepper("Muon", row, lr=0.02, weight_decay=0.1, adamw_lr=0.001, adamw_wd=0.5)
    _, terms = walk(each, row, [0])
    decay, values = layout().views(terms["decay"]), layout().views(row)
    torch.testing.assert_close(decay["W1"], -0.002 * values["W1"])
    torch.testing.assert_close(decay["b1"], -0.0005 * values["b1"])


def test_schedule_free_is_stepped_and_recorded_along_its_training_sequence():
    row = layout().join(network.parameters())
    each = stepper("ScheduleFreeSGD", row, lr=0.1)
    for step in range(10):
        before = row
        row, terms = walk(each, row, [step])
        torch.testing.assert_close(before + terms["training_step"], row, rtol=0, atol=1e-15)
    assert torch.equal(each.row, row)
    each.optimizers[0].eval()
    assert not torch.allclose(each.row, row, rtol=0, atol=1e-3)


def test_random_numbers_of_a_class_are_a_function_of_the_step():
    row = layout().join(network.parameters())
    torch.manual_seed(1)
    first, _ = walk(stepper("Gravity", row), row, range(5))
    torch.manual_seed(2)
    again, _ = walk(stepper("Gravity", row), row, range(5))
    assert torch.equal(first, again)


@pytest.mark.parametrize("asked", ["zoo.Lion", "zoo.lion", "zoo.LION", "zoo.li-on"])
def test_names_are_found_whatever_their_case(asked):
    plugin = plugins.load("optimizers", f"{asked}:lr=1e-4")
    assert (plugin.name, plugin.stem, plugin.given) == ("zoo.Lion", "lion", {"lr": 1e-4})


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("zoo.Lionn", "no optimizer in pytorch_optimizer named 'Lionn'; did you mean 'zoo.Lion'?"),
        ("zoo.zzz", "named 'zzz'. `dynviz list optimizers zoo` prints all"),
        ("zoo.Lion:rate=1", "no option of optimizer zoo.Lion named 'rate'"),
        ("zoo.sam", "zoo.SAM wraps another optimizer"),
        ("zoo.SophiaH", "needs second derivatives"),
    ],
)
def test_what_the_collection_cannot_give_is_refused_when_it_is_named(asked, says):
    with pytest.raises(DynvizError) as caught:
        plugins.load("optimizers", asked)
    assert says in str(caught.value)


def test_without_the_extra_the_error_names_the_command_that_installs_it(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == zoo.PACKAGE else find(name))
    zoo.names.cache_clear()
    for look in (plugins.load, plugins.check):
        with pytest.raises(DynvizError, match=r"not installed; install it with: pip install 'dynviz\[zoo\]'"):
            look("optimizers", "zoo.Lion")
    result = CliRunner().invoke(commands, ["list", "optimizers", "zoo"])
    assert "dynviz[zoo]" in str(result.exception)


def test_a_run_names_the_class_and_keeps_its_hyperparameters(tmp_path):
    run = dynviz.run(
        "surface:f=rosenbrock", "zoo.lion:lr=1e-2", seeds="0:2", steps=30, record="term.*:every=1", out=tmp_path / "run"
    )
    assert list(run) == ["zoo.Lion"]
    recording = run["zoo.Lion"]
    assert recording.metadata.hyperparameters["lr"].value == 1e-2
    np.testing.assert_allclose(np.abs(recording["term.step"][1:]), 1e-2, rtol=1e-4)


@pytest.mark.parametrize("name", ["StableSPAM", "Gravity", "ScheduleFreeAdamW", "ROSE"])
def test_a_run_that_goes_on_ends_as_one_that_was_never_stopped(name, tmp_path):
    whole = dynviz.run("surface:f=rosenbrock", f"zoo.{name}", seeds="0:2", steps=40, out=tmp_path / "whole")
    dynviz.run("surface:f=rosenbrock", f"zoo.{name}", seeds="0:2", steps=15, out=tmp_path / "parts")
    parts = resume(tmp_path / "parts", steps=40, trust="/")
    for channel in whole[f"zoo.{name}"].channels:
        np.testing.assert_array_equal(whole[f"zoo.{name}"][channel], parts[f"zoo.{name}"][channel])


@pytest.mark.parametrize("name", ["SAM", "AdaHessian", "AdaShift", "LOMO"])
def test_what_is_refused_is_refused_before_anything_is_written(name, tmp_path):
    with pytest.raises(DynvizError, match=name):
        dynviz.run("surface:f=rosenbrock", f"zoo.{name}", steps=3, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_list_shows_every_class_with_a_line(capsys):
    result = CliRunner().invoke(commands, ["list", "optimizers", "zoo"])
    assert result.exit_code == 0
    for name in NAMES:
        assert f"zoo.{name} " in result.output


def test_the_page_of_one_class_says_what_it_is_and_which_sequence_is_drawn():
    output = CliRunner().invoke(commands, ["list", "optimizers", "zoo.ScheduleFreeSGD"]).output
    assert "warmup_steps" in output
    assert "the parameters at which gradients are taken" in " ".join(output.split())
