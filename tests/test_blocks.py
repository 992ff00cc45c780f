"""Steps that are taken in blocks: as programs, compiled, and as CUDA graphs, which a stand-in plays here."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

import dynviz
from dynviz.plugins import objects
from dynviz.recording import changes
from dynviz.recording.metadata import Lane
from dynviz.training import block_functions, preparation, trainer
from dynviz.training.block import BlockFunction, FunctionByNames, length
from dynviz.training.cuda_graph import CapturedFunction
from dynviz.training.operators import operators
from dynviz.training.session import Interrupted, SilentProgress
from dynviz.training.transfer import DeviceReader
from tests.rules import MODIFIED, RULES

BOWL = str(Path(__file__).parent / "files" / "bowl.py")
EVERYTHING = ["parameters:every=1", "gradient:every=5", "term.*:every=2", "loss:every=1"]
TURNED = """
from dynviz.optimizers.adam import Adam

class Turned(Adam):
    def update(self, *given):
        terms, state = super().update(*given)
        return terms, dict(reversed(state.items()))

optimizer = Turned
"""
TASKS = {
    "two rules": (BOWL, ["adamw", "sgd:momentum=0.9"], {"seeds": "0:3", "record": EVERYTHING}),
    "shapes that differ": (f"{BOWL}:vary=true", ["adam"], {"seeds": "0:4"}),
    "a schedule and noise": (
        "voronoi:model=labels,grid=8",
        ["adam+dropout-l2:lr=onecycle(0.02),decay=ramp(0,1)"],
        {"seeds": "0:2", "record": ["lr:every=1", "decay:every=5"]},
    ),
    "long measurements": (
        "voronoi:hidden=8,grid=8",
        ["adamw-l1"],
        {"record": ["val_loss:every=10", "val_accuracy:every=20", "centers:every=4", "term.*:every=40"]},
    ),
    "a gradient elsewhere": (
        "surface:f=rosenbrock",
        ["sgd+sam:lr=1e-4,rho=0.05"],
        {"record": ["perturbation:every=1", "gradient:every=1"]},
    ),
    "factorisations": ("matrix-recovery:M=6,N=4,rank=2", ["shampoo", "muon"], {"record": "state.*:every=20"}),
    "buffers": ("landscape:model=resnet,depth=8,data=shapes", ["sgd"], {"steps": 13, "record": "train_loss:every=5"}),
    "nothing to train": ("voronoi:model=exact,grid=8", ["adamw"], {}),
}


def blocks(monkeypatch, function=lambda program: program, *, most=20, captured=False):
    """Let every stack take its steps in blocks, by what `function` makes of a program."""
    made = []

    def in_blocks(lanes, samples, label, *, steps, compiled):
        functions = []
        for stack, stepper, buffers in zip(lanes.stacks, lanes.steppers, samples, strict=True):
            made.append(block_functions.block_program(stack, stepper, buffers, most, captured=captured))
            functions.append(BlockFunction(made[-1].length, function(made[-1])))
        return tuple(functions)

    monkeypatch.setattr(preparation, "block_functions", in_blocks)
    return made


class Replayed(CapturedFunction):
    """What a graph of CUDA does, done by the CPU: it reads and writes tensors that stay where they are."""

    def _capture(self, given):
        found = self._function(given)
        found = tree_map(torch.clone, found)
        function = self._function

        class Graph:
            replays = 0

            def replay(self):
                self.replays += 1
                for old, new in zip(tree_leaves(found), tree_leaves(function(given)), strict=True):
                    old.copy_(new)

        return Graph(), found


@pytest.mark.parametrize("task", TASKS)
def test_blocks_give_the_bytes_of_single_steps(task, tmp_path, monkeypatch):
    scenario, optimizers, options = TASKS[task]
    options = {"steps": 53, **options}
    one_by_one = dynviz.run(scenario, optimizers, out=tmp_path / "steps", **options)
    made = blocks(monkeypatch)
    same(dynviz.run(scenario, optimizers, out=tmp_path / "blocks", **options), one_by_one)
    assert all(program.length > 1 for program in made)
    functions = []
    blocks(monkeypatch, lambda program: functions.append(Replayed(program)) or functions[-1], captured=True)
    same(dynviz.run(scenario, optimizers, out=tmp_path / "graphs", **options), one_by_one)
    assert all(function._graph.replays > 1 for function in functions)


class Traced:
    """What the compiler is given: a flat list of operators, run one after the other."""

    def __init__(self, program):
        self.program, self.graph, self.outputs = program, None, None

    def __call__(self, given):
        tensors, inputs = tree_flatten(given)
        if self.graph is None:

            def function(*tensors):
                outputs, self.outputs = tree_flatten(self.program(tree_unflatten(tensors, inputs)))
                return outputs

            self.graph = make_fx(function)(*tensors)
        return tree_unflatten(self.graph(*tensors), self.outputs)


@pytest.mark.parametrize("rule", [*RULES, *MODIFIED])
def test_every_rule_is_a_list_of_operators_that_gives_its_bytes(rule, tmp_path, monkeypatch):
    options = {"steps": 9, "seeds": "0:2", "record": ["term.*:every=2", "parameters:every=1", "y:every=2"]}
    plain = dynviz.run(BOWL, rule, out=tmp_path / "plain", **options)
    made = blocks(monkeypatch, Traced, most=2)
    same(dynviz.run(BOWL, rule, out=tmp_path / "traced", **options), plain)
    assert made[0].length == 2


def test_a_rule_may_give_its_state_in_any_order(tmp_path, monkeypatch):
    rule = tmp_path / "turned.py"
    rule.write_text(TURNED)
    options = {"steps": 9, "record": ["parameters:every=1"]}
    plain = dynviz.run(BOWL, str(rule), out=tmp_path / "plain", **options)
    blocks(monkeypatch, Traced, most=2)
    same(dynviz.run(BOWL, str(rule), out=tmp_path / "traced", **options), plain)


def test_steps_that_no_graph_holds_are_taken_one_by_one(tmp_path, monkeypatch):
    class Refused(CapturedFunction):
        def _capture(self, given):
            raise RuntimeError("operation not permitted when stream is capturing")

    plain = dynviz.run(BOWL, ["adamw"], steps=53, out=tmp_path / "plain")
    blocks(monkeypatch, Refused, captured=True)
    same(dynviz.run(BOWL, ["adamw"], steps=53, out=tmp_path / "refused"), plain)


@pytest.mark.parametrize("late", [False, True])
def test_a_run_in_blocks_goes_on_to_the_same_bytes(late, tmp_path, monkeypatch):
    options = {"seeds": "0:2", "record": EVERYTHING}
    blocks(monkeypatch)
    if late:
        # As on a GPU: samples are written while the next block is on its way.
        monkeypatch.setattr(DeviceReader, "__init__", lambda self, device: vars(self).update(late=True, _stream=None))
    whole = dynviz.run(BOWL, ["adamw", "sgd"], steps=97, out=tmp_path / "whole", **options)
    for steps in (5, 12, 31, 50):
        dynviz.run(BOWL, ["adamw", "sgd"], steps=steps, out=tmp_path / str(steps), **options)
        same(dynviz.resume(tmp_path / str(steps), steps=97, trust="/"), whole)


def test_samples_that_arrive_late_are_written_in_order_and_all(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "CAPACITY", 7)
    plain = dynviz.run(BOWL, ["adamw"], steps=97, record=EVERYTHING, out=tmp_path / "plain")
    monkeypatch.setattr(DeviceReader, "__init__", lambda self, device: vars(self).update(late=True, _stream=None))
    same(dynviz.run(BOWL, ["adamw"], steps=97, record=EVERYTHING, out=tmp_path / "late"), plain)


@pytest.mark.parametrize(
    ("function", "can"),
    [
        (lambda x: x @ x.T + x.square().sum(), True),
        (torch.linalg.vector_norm, True),
        (lambda x: torch.autograd.grad(x.clone().requires_grad_().exp().sum(), x, allow_unused=True), True),
        (torch.linalg.svdvals, False),
        (lambda x: torch.linalg.eigh(x @ x.T), False),
        (lambda x: torch.linalg.solve(x @ x.T, x), False),
        (lambda x: x.sum().item(), False),
        (lambda x: x[x > 0], False),
        (lambda x: float(x.max()) if bool(x.sum() > 0) else 0, False),
    ],
)
def test_what_waits_for_the_device_is_known_beforehand(function, can):
    x = torch.randn(4, 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
    assert operators(lambda: function(x)).waits is not can


def test_a_block_is_as_long_as_what_is_sampled_allows():
    assert length(20, [], [1, 10, 100]) == 20
    assert length(10, [], [1]) == 10
    assert length(20, [10], [1]) == 10
    assert length(20, [1], [100]) == 1
    assert length(20, [], [7]) == 14
    assert length(20, [], [7, 30]) == 1
    assert length(20, [], [37]) == 1


def same(one, other):
    """Two runs to the last bit: channels, events and what the next step would depend on."""
    assert list(one) == list(other)
    for name, recording in one.items():
        again = other[name]
        assert list(recording) == list(again)
        for channel in recording:
            assert np.array_equal(recording[channel], again[channel], equal_nan=True), (name, channel)
            assert np.array_equal(recording.steps(channel), again.steps(channel)), (name, channel)
        assert list(recording.events()) == list(again.events())
        ours, theirs = (each.checkpoint(each.checkpoints()[-1]) for each in (recording, again))
        for key, array in theirs.items():
            assert np.array_equal(ours[key], array, equal_nan=array.dtype.kind == "f"), (name, key)


class Asks(SilentProgress):
    """Asks for changes once some steps are done."""

    def __init__(self, *requests):
        self.requests, self.folder = list(requests), None

    def begin(self, folder, recordings, steps_done):
        self.folder = folder / recordings[0].label

    def move(self, label, step, loss, steps):
        while step >= 30 and self.requests:
            changes.ask(self.folder, self.requests.pop(0))


class StepsAlone(SilentProgress):
    """Once some steps are done, takes more one by one and then three at once; notes what the files hold then."""

    def __init__(self, *then):
        self.actions = [("step", 1)] * 13 + [("step", 3), *then]
        self.held, self.folder = [], None

    def begin(self, folder, recordings, steps_done):
        self.folder = folder

    def move(self, label, step, loss, steps):
        if self.actions:
            recording = dynviz.open(self.folder)[label]
            held = [len(recording[name]) for name in ("loss", "parameters", "term.gradient")]
            self.held.append((step, *held))
            action, count = self.actions.pop(0)
            changes.ask(self.folder, changes.Request(action=action, steps=count))


@pytest.mark.parametrize("rate", ["0.1", "cosine(0.1)"])
def test_single_steps_of_a_block_are_shown_one_by_one_and_have_its_bytes(rate, tmp_path, monkeypatch):
    blocks(monkeypatch)
    options = {"seeds": "0:2", "steps": 97, "record": EVERYTHING}
    whole = dynviz.run(BOWL, f"adamw:lr={rate}", out=tmp_path / "whole", **options)
    heard = StepsAlone(("continue", 1))
    alone = dynviz.run(BOWL, f"adamw:lr={rate}", out=tmp_path / "alone", progress=heard, **options)
    first = heard.held[0][0]
    assert heard.held == [(step, step, step, step // 2 + 1) for step in (*range(first, first + 14), first + 16)]
    same(whole, alone)


def test_a_run_that_is_stopped_within_a_block_goes_on_to_the_same_bytes(tmp_path, monkeypatch):
    blocks(monkeypatch)
    options = {"steps": 97, "record": EVERYTHING}
    whole = dynviz.run(BOWL, "sgd", out=tmp_path / "whole", **options)
    with pytest.raises(Interrupted):
        dynviz.run(BOWL, "sgd", out=tmp_path / "stopped", progress=StepsAlone(("stop", 1)), **options)
    same(whole, dynviz.resume(tmp_path / "stopped", trust="/"))


@pytest.mark.parametrize("requests", [[{}], [{"at": 97}], [{"lane": 1}], [{"lane": 1}, {"at": 97}]])
def test_blocks_are_given_what_hyperparameters_are_changed_to(requests, tmp_path, monkeypatch):
    steppers = []

    def in_blocks(lanes, samples, label, *, steps, compiled):
        steppers.extend(lanes.steppers)
        functions = []
        for stack, stepper, buffers in zip(lanes.stacks, lanes.steppers, samples, strict=True):
            stepper.take_as_tensors()
            program = block_functions.block_program(stack, stepper, buffers, 10, captured=True)
            functions.append(BlockFunction(program.length, FunctionByNames(lambda program=program: Replayed(program))))
        return tuple(functions)

    monkeypatch.setattr(preparation, "block_functions", in_blocks)
    wanted = [
        changes.Request(action="set", name="lr", value=0.5 / (1 + number), **request)
        for number, request in enumerate(requests)
    ]
    options = {"steps": 400, "seeds": "0:2", "record": [*EVERYTHING, "lr:every=1"]}
    live = dynviz.run(BOWL, "adamw", out=tmp_path / "live", progress=Asks(*wanted), **options)["adamw"]
    assert len(live.changes()) == len(requests)
    assert all(change.step % 10 == 0 or change.step == 97 for change in live.changes())
    assert {"lr", "beta1", "weight_decay"} <= {*steppers[0].schedules, *steppers[0].varying}
    assert steppers[0].value("lr", 1) == wanted[-1].value
    file = live.folder / "changes.jsonl"
    again = dynviz.run(BOWL, "adamw", out=tmp_path / "again", changes=file, **options)
    same({"adamw": live}, again)
    monkeypatch.undo()
    # Without blocks, the numbers that stay the same are Python's, and not tensors.
    plain = dynviz.run(BOWL, "adamw", out=tmp_path / "plain", changes=file, **options)["adamw"]
    np.testing.assert_allclose(live["parameters"], plain["parameters"], rtol=1e-4, atol=1e-6)


def test_what_is_off_or_decides_what_python_does_stays_as_it_is_in_blocks(tmp_path):
    rule = tmp_path / "branching.py"
    rule.write_text(TURNED.replace("super().update(*given)", "super().update(*given) if self.eps > 0 else ({}, {})"))
    for name, moved, kept in (("sgd", "lr", "momentum"), (str(rule), "lr", "eps")):
        request = preparation.RunRequest(steps=5, channels=(), device=torch.device("cpu"))
        (prepared,) = preparation.prepare(
            objects.plugin("scenarios", BOWL), [objects.plugin("optimizers", name)], (Lane(0),), request
        )
        (stepper,) = prepared.lanes.steppers
        stepper.take_as_tensors()
        assert moved in stepper.schedules
        assert kept not in stepper.schedules
        assert stepper.refusal(moved, 0.5, None) == ""
        assert "fork the run instead" in stepper.refusal(kept, 0.5, None)
