"""Training and what it records: samples, lanes, hyperparameters, divergence, refusals."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

import dynviz
from dynviz import DynvizError, plugins
from dynviz.recording.metadata import Hyperparameter, Lane
from dynviz.training import launch, plan, preparation, randomness, session, trainer, training_loop
from dynviz.training.description import describe
from dynviz.training.lane_stacks import build

FILES = Path(__file__).parent / "files"
BOWL, RUNNING = str(FILES / "bowl.py"), str(FILES / "running.py")


def bytes_of(recording):
    return {path.name: path.read_bytes() for path in sorted((recording.folder / "channels").iterdir())}


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """250 steps of a bowl with everything recorded."""
    out = tmp_path_factory.mktemp("full") / "run"
    record = ["term.*:every=1", "parameters:every=1", "gradient:every=1"]
    return dynviz.run(BOWL, ["adamw", "sgd:momentum=0.9", "torch.optim.NAdam"], seeds="0:3", record=record, out=out)


def test_a_run_holds_a_recording_for_each_optimizer_in_order(full):
    assert list(full) == ["adamw", "sgd", "torch.optim.NAdam"]
    assert all(recording.status == "finished" for recording in full.values())


def test_samples_belong_to_their_steps_and_the_last_state_is_there(full):
    recording = full["adamw"]
    assert recording["loss"].shape == (251, 3)
    assert recording["y"].shape == (26, 3, 2, 2)
    assert recording.steps("y").tolist() == list(range(0, 251, 10))
    assert recording["truth"].shape == (1, 3, 3)
    np.testing.assert_array_equal(recording["x"], recording.part("parameters", "x"))
    np.testing.assert_array_equal(recording["y"], recording.part("parameters", "y")[::10])


def test_the_last_sample_is_the_last_step_where_every_does_not_divide_it(tmp_path):
    run = dynviz.run(BOWL, "adamw", steps=25, record="x:every=1", out=tmp_path / "run")
    recording = run["adamw"]
    assert recording.steps("y").tolist() == [0, 10, 20, 25]
    parameters = dynviz.run(BOWL, "adamw", steps=25, record="parameters:every=1", out=tmp_path / "other")["adamw"]
    np.testing.assert_array_equal(recording["y"][-1], parameters.part("parameters", "y")[25])


def test_a_loss_is_of_the_parameters_at_its_step_on_the_batch_of_its_step(full):
    for recording in full.values():
        for lane, seed in enumerate(recording.seeds):
            task = plugins.load("scenarios", BOWL).make().build(seed)
            for step in (0, 1, 100, 250):
                values = {
                    name: torch.from_numpy(recording.part("parameters", name)[step, lane].copy())
                    for name in task.parameters
                }
                batch = tuple(each[0] for each in task.batches(step, 1))
                expected = task.loss(values, task.constants, batch)
                assert recording["loss"][step, lane] == pytest.approx(float(expected), rel=1e-5)


def test_gradients_are_those_of_the_loss(full):
    recording = full["sgd"]
    task = plugins.load("scenarios", BOWL).make().build(1)
    for step in (0, 7, 250):
        values = {
            name: torch.from_numpy(recording.part("parameters", name)[step, 1].copy()).requires_grad_()
            for name in task.parameters
        }
        task.loss(values, task.constants, tuple(each[0] for each in task.batches(step, 1))).backward()
        for name, value in values.items():
            np.testing.assert_allclose(
                recording.part("gradient", name)[step, 1], value.grad.numpy(), rtol=1e-4, atol=1e-6
            )


def test_terms_add_up_to_what_the_parameters_did(full):
    for recording in full.values():
        terms = [recording[name] for name in recording.channels if name.startswith("term.")]
        assert [f"term.{name}" for name in recording.metadata.terms] == [
            name for name in recording.channels if name.startswith("term.")
        ]
        moved = np.diff(recording["parameters"], axis=0)
        np.testing.assert_allclose(sum(terms)[1:], moved, atol=2e-6)
        assert all(not term[0].any() for term in terms)


def test_hyperparameters_say_where_they_came_from(full):
    assert full["sgd"].metadata.hyperparameters == {
        "lr": Hyperparameter(0.05, "protocol"),
        "momentum": Hyperparameter(0.9, "given"),
        "dampening": Hyperparameter(0.0, "default"),
        "nesterov": Hyperparameter(False, "default"),
        "weight_decay": Hyperparameter(0.0, "default"),
    }


def test_a_class_of_torch_matches_our_rule(tmp_path):
    run = dynviz.run(BOWL, ["adamw", "torch.optim.AdamW"], dtype="float64", record="x:every=1", out=tmp_path / "run")
    assert run["adamw"]["x"].dtype == np.float64
    np.testing.assert_allclose(run["adamw"]["x"], run["torch.optim.AdamW"]["x"], rtol=0, atol=1e-10)


def test_the_same_run_gives_the_same_bytes_whatever_the_blocks(full, tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "CAPACITY", 7)
    record = ["term.*:every=1", "parameters:every=1", "gradient:every=1"]
    again = dynviz.run(BOWL, ["adamw", "sgd:momentum=0.9"], seeds="0:3", record=record, out=tmp_path / "run")
    for label in again:
        assert bytes_of(again[label]) == bytes_of(full[label])


@pytest.mark.parametrize("optimizer", ["adamw", "sgd:momentum=0.9", "torch.optim.AdamW"])
def test_a_lane_in_a_stack_of_eight_goes_as_it_does_alone(optimizer, tmp_path):
    common = {"dtype": "float64", "steps": 120, "record": "x:every=1"}
    (stacked,) = dynviz.run(BOWL, optimizer, seeds="0:8", out=tmp_path / "stack", **common).values()
    (alone,) = dynviz.run(BOWL, optimizer, seeds="5", out=tmp_path / "alone", **common).values()
    for name in ("loss", "x", "y"):
        np.testing.assert_allclose(stacked[name][:, 5], alone[name][:, 0], rtol=0, atol=1e-10)


def test_lanes_of_different_shape_train_in_turn_and_are_padded(tmp_path):
    (both,) = dynviz.run(f"{BOWL}:vary=true", "adamw", seeds="0:6", out=tmp_path / "run").values()
    shapes = ((3,), (4,), (5,), (3,), (4,), (5,))
    assert both.metadata.channels["x"].shapes == shapes
    for lane, (size,) in enumerate(shapes):
        assert np.isfinite(both["x"][:, lane, :size]).all()
        assert np.isnan(both["x"][:, lane, size:]).all()
    (alone,) = dynviz.run(f"{BOWL}:vary=true", "adamw", seeds="4", out=tmp_path / "alone").values()
    np.testing.assert_allclose(both["x"][:, 4, :4], alone["x"][:, 0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("seeds", ["3", "0:4"])
def test_buffers_are_state(seeds, tmp_path):
    (recording,) = dynviz.run(RUNNING, "sgd:lr=0.1", seeds=seeds, out=tmp_path / "run").values()
    for lane, seed in enumerate(recording.seeds):
        mean = np.zeros(2)
        for step in range(60):
            np.testing.assert_allclose(recording["mean"][step, lane], mean, atol=1e-5)
            mean = 0.9 * mean + 0.1 * np.array([np.sin(step) + seed, np.cos(step)])


def lanes_with(rates, out, optimizer="sgd", scenario="surface:f=rosenbrock"):
    """A recording whose lanes differ in their learning rate, as a sweep makes them."""
    task, rule = plugins.load("scenarios", scenario), plugins.load("optimizers", optimizer)
    lanes = tuple(Lane(0, {"lr": rate}) for rate in rates)
    tasks = tuple(task.make().build(0) for _ in lanes)
    values = plan.hyperparameters(rule, tasks[0].hyperparameters)
    planned = plan.RecordingPlan(
        scenario=task,
        optimizer=rule,
        label=optimizer,
        order=0,
        hyperparameters=values,
        lanes=lanes,
        steps=200,
        tasks=tasks,
    )
    stacks = build(planned, torch.device("cpu"))
    prepared = [preparation.PreparedRecording(lanes=stacks, metadata=describe(planned, stacks, ""))]
    trainers = launch.begin(launch.lay_out([out], prepared), prepared)
    session.train(out, trainers, session.SilentProgress())
    return dynviz.open(out)[optimizer]


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_diverged_lane_is_recorded_to_the_end_and_harms_no_other(optimizer, tmp_path):
    both = lanes_with([1e-4, 1e9], tmp_path / "both", optimizer)
    alone = lanes_with([1e-4], tmp_path / "alone", optimizer)
    assert both.status == "finished"
    assert both["loss"].shape == (201, 2)
    (event,) = both.events()
    assert (event.kind, event.lane) == ("diverged", 1)
    assert not both["loss"][event.step, 1] < 1e6
    np.testing.assert_allclose(both["position"][:, 0], alone["position"][:, 0], rtol=1e-5)
    assert not np.isfinite(both["loss"][-1, 1]) or both["loss"][-1, 1] > 1e6


def test_an_event_without_a_finite_value_is_standard_json(tmp_path):
    recording = lanes_with([1e-4, 1e9], tmp_path / "both", "adamw")

    def refuse(constant):
        raise AssertionError(constant)

    lines = (recording.folder / "events.jsonl").read_text().splitlines()
    assert [json.loads(line, parse_constant=refuse)["kind"] for line in lines] == ["diverged"]


def test_repeated_optimizers_get_numbers(tmp_path):
    run = dynviz.run(BOWL, ["adamw", "adamw:lr=0.1", "adamw"], steps=2, out=tmp_path / "run")
    assert list(run) == ["adamw", "adamw-2", "adamw-3"]


def test_runs_are_numbered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [dynviz.run(BOWL, ["adamw", "sgd"], steps=1).folder.name for _ in range(2)]
    assert folders == ["bowl-adamw-sgd-1", "bowl-adamw-sgd-2"]


def test_training_leaves_threads_and_generators_alone(tmp_path):
    torch.set_num_threads(2)
    state = randomness.drawn()
    dynviz.run(BOWL, ["adamw", "zoo.Gravity"], steps=3, out=tmp_path / "run")
    assert torch.get_num_threads() == 2
    assert randomness.drawn() == state
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"steps": 0}, "0 steps cannot be trained"),
        ({"steps": -3}, "-3 steps"),
        ({"seeds": "8:0"}, "seeds '8:0' are not understood"),
        ({"device": "tpu"}, "no device named 'tpu'; devices are auto, cpu, cuda and cuda:N"),
        ({"device": "cuda:99"}, "no CUDA device"),
        ({"record": "val_los"}, "no channel to record named 'val_los'"),
        ({"record": "loss:each=1"}, "no option of --record named 'each'"),
        ({"record": "loss:every=0"}, "write a whole number from 1"),
        ({"record": "truth:every=5"}, "recorded once"),
        ({"dtype": "float16"}, "no dtype named 'float16'"),
        ({"optimizers": []}, "needs an optimizer"),
        ({"steps": 2.5}, "2.5 steps cannot be trained"),
        ({"seeds": "0:4000000000"}, "more than the 65536 lanes"),
        ({"record": "loss:every=²"}, "write a whole number from 1"),
        ({"record": "loss:every=99999999999"}, "write a whole number from 1"),
        ({"optimizers": "torch.nn.Linear"}, "has no init(); an optimizer is a dataclass"),
        ({"optimizers": "torch.optim.AdamW:foreach=true,fused=true"}, "cannot be made for this task"),
        ({"optimizers": "torch.optim.AdamW:capturable=true"}, "cannot step here"),
        ({"scenario": "torch.nn.Linear"}, "is not a dataclass with build(seed)"),
        ({"scenario": "voronoi:hidden=1e300"}, "hidden="),
        ({"optimizers": "adamw:lr=log(1e-4,1,5)"}, "a run takes one value"),
        ({"optimizers": "torch.optim.AdamW:lr=-1"}, "Invalid learning rate"),
        ({"scenario": "nothing"}, "no scenario named 'nothing'"),
        ({"scenario": str(FILES.parent / "network.py")}, "does not bind 'scenario'"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_made(arguments, says, tmp_path):
    given = {"scenario": BOWL, "optimizers": "adamw", "out": tmp_path / "run", **arguments}
    with pytest.raises(DynvizError) as caught:
        dynviz.run(given.pop("scenario"), given.pop("optimizers"), **given)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_an_existing_folder_is_never_overwritten(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "precious").write_text("here")
    with pytest.raises(DynvizError, match="exists; a run is never overwritten"):
        dynviz.run(BOWL, "adamw", out=tmp_path / "run")
    assert (tmp_path / "run" / "precious").read_text() == "here"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DynvizError, match="file"):
        dynviz.run(BOWL, "adamw", out=tmp_path / "file" / "run")


def test_a_run_over_4_gb_is_refused_unless_told(tmp_path):
    with pytest.raises(DynvizError, match=r"would write \d+\.\d GB, of which parameters"):
        dynviz.run(f"{BOWL}:size=100_000", "adamw", steps=20_000, record="parameters:every=1", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_failure_while_training_is_kept_in_the_recording(tmp_path, monkeypatch):
    def fail(self, step, batch):
        raise RuntimeError("the sky fell")

    monkeypatch.setattr(training_loop.TrainingLoop, "last", fail)
    with pytest.raises(DynvizError, match="the sky fell"):
        dynviz.run(BOWL, "adamw", out=tmp_path / "run")
    recording = dynviz.open(tmp_path / "run")["adamw"]
    assert recording.status == "failed"
    assert recording.metadata.error.startswith("RuntimeError: the sky fell (")


def test_a_term_is_asked_of_the_optimizers_that_have_it(tmp_path):
    run = dynviz.run(
        BOWL, ["sgd:momentum=0.5", "torch.optim.Adam"], steps=3, record="term.momentum:every=1", out=tmp_path / "run"
    )
    assert "term.momentum" in run["sgd"]
    assert "term.momentum" not in run["torch.optim.Adam"]
    with pytest.raises(DynvizError, match=r"no channel to record named 'term.moment'; did you mean 'term.momentum'"):
        dynviz.run(BOWL, ["adam", "torch.optim.Adam"], steps=3, record="term.moment", out=tmp_path / "other")


TORCH = sorted(name for name, value in vars(torch.optim).items() if isinstance(value, type))
REFUSED = {"SparseAdam": "dense gradients", "Optimizer": "needs defaults"}


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize("scenario", ["matrix-sensing:d=8", "voronoi:model=exact"])
def test_every_class_of_torch_trains_or_is_refused_before_anything_is_made(name, scenario, tmp_path):
    refused = {**REFUSED, "Muon": "only supports 2D parameters"} if "exact" in scenario else REFUSED
    if name in refused:
        with pytest.raises(DynvizError, match=refused[name]):
            dynviz.run(scenario, f"torch.optim.{name}", steps=3, out=tmp_path / "run")
        assert not (tmp_path / "run").exists()
    else:
        run = dynviz.run(scenario, f"torch.optim.{name}", seeds="0:2", steps=3, out=tmp_path / "run")
        assert run[f"torch.optim.{name}"]["loss"].shape == (4, 2)
        assert run[f"torch.optim.{name}"].status == "finished"


@pytest.mark.parametrize("model", ["labels", "offset-scale", "centers,hidden=50"])
def test_a_lane_of_voronoi_in_a_stack_of_eight_goes_as_it_does_alone(model, tmp_path):
    common = {"dtype": "float64", "steps": 60, "record": ["parameters:every=1", "prediction:every=60"]}
    scenario = f"voronoi:model={model},grid=16"
    (stacked,) = dynviz.run(scenario, "adamw-l1", seeds="40:48", out=tmp_path / "stack", **common).values()
    (alone,) = dynviz.run(scenario, "adamw-l1", seeds="42", out=tmp_path / "alone", **common).values()
    assert stacked["parameters"].dtype == np.float64
    for name in ("loss", "parameters", "val_loss", "logit_gap"):
        np.testing.assert_allclose(stacked[name][:, 2], alone[name][:, 0], rtol=0, atol=1e-10)


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    twice = [
        dynviz.run("voronoi:model=centers,hidden=50,grid=16", "adamw", seeds="0:3", steps=110, out=tmp_path / name)
        for name in ("one", "two")
    ]
    assert bytes_of(twice[0]["adamw"]) == bytes_of(twice[1]["adamw"])


RULE = """
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Rule:
    lr: float = 0.1
    {flag}

    def init(self, theta):
        return {{"before": theta.new_zeros(()).double()}}

    def update(self, theta, gradient, state, t):
        return {{"gradient": -self.lr * (t - state["before"]) * gradient}}, {{"before": t}}


optimizer = Rule
"""


def test_a_rule_may_keep_t(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(RULE.format(flag="coordinatewise: ClassVar[bool] = True"))
    run = dynviz.run(BOWL, [f"{path}:lr=0.1", "sgd:lr=0.1"], record="x:every=1", steps=20, out=tmp_path / "run")
    np.testing.assert_allclose(run["mine"]["x"], run["sgd"]["x"], atol=1e-6)


def test_a_rule_that_leaves_something_out_is_told_what(tmp_path):
    path = tmp_path / "mine.py"
    for text, says in (
        (RULE.format(flag=""), "write coordinatewise: ClassVar"),
        (RULE.format(flag="coordinatewise: ClassVar[bool] = True").replace("def update", "def step"), "no update()"),
    ):
        path.write_text(text)
        with pytest.raises(DynvizError) as caught:
            dynviz.run(BOWL, str(path), out=tmp_path / "run")
        assert says in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('parameter("y", 10,', 'parameter("x", 10,', "two channels named 'x'"),
        ('parameter("y", 10,', 'parameter("z", 10,', "no parameter to record named 'z'"),
        ('parameter("y", 10,', 'parameter("y", -1,', "every=-1"),
        ('parameter("y", 10,', 'parameter("loss", 10,', "two channels named 'loss'"),
        ('+ p["y"].square().sum()', '+ p["y"].square()', "channel 'loss' names dimensions ()"),
        ("return Task(", "Task(", "gave NoneType, not a Task"),
        ("@dataclass(frozen=True)", "", "is not a dataclass with build(seed)"),
    ],
)
def test_a_scenario_that_is_wrong_is_told_what(old, new, says, tmp_path):
    text = Path(BOWL).read_text()
    assert text.count(old) == 1
    path = tmp_path / "mine.py"
    path.write_text(text.replace(old, new))
    with pytest.raises(DynvizError) as caught:
        dynviz.run(str(path), "sgd", out=tmp_path / "run")
    assert says in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_number_that_another_run_takes_meanwhile_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    free = os.path.lexists

    def free_until_now(place):
        if free(place):
            return True
        monkeypatch.setattr(launch.staging.os.path, "lexists", free)
        (place / "other").mkdir(parents=True)
        return False

    monkeypatch.setattr(launch.staging.os.path, "lexists", free_until_now)
    assert dynviz.run(BOWL, "adamw", steps=1).folder.name == "bowl-adamw-2"


def test_a_run_whose_second_recording_cannot_be_made_leaves_nothing(tmp_path, monkeypatch):
    create = launch.Writer.create

    def full(folder, metadata):
        if folder.name == "sgd":
            raise DynvizError("cannot write: no space")
        return create(folder, metadata)

    monkeypatch.setattr(launch.Writer, "create", full)
    with pytest.raises(DynvizError, match="no space"):
        dynviz.run(BOWL, ["adamw", "sgd"], out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
