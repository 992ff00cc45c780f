"""The Python API: objects in place of names, sweeps that are opened, the same names as on the command line."""

import dataclasses
import functools
import inspect
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch

import dynviz
from dynviz import notebook
from dynviz.animation import export as exporting
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.optimizers.adamw import AdamW
from dynviz.recording import Recording
from dynviz.recording.actions import Actions
from dynviz.scenarios.surface import Surface
from dynviz.sweeps.outcomes import Outcomes
from dynviz.sweeps.table import CLOSING, OPENING

ONLY_TERMINAL = {"resume", "trust", "headless", "detach", "view", "theme", "beside", "report", "graphics"}
"""Options of a command that say how it is shown, or that are another function in Python."""


class Momentumless(torch.optim.SGD):
    """A class that a script would define."""

    def __init__(self, params, lr=0.01):
        super().__init__(params, lr=lr)


@dataclass(frozen=True)
class Halve:
    """A rule that a script would define.

    Attributes:
        share: Of the gradient.
    """

    share: float = 0.5
    coordinatewise = True

    def init(self, theta):
        return {}

    def update(self, theta, gradient, state, t):
        return {"gradient": -self.share * 1e-3 * gradient}, state


BOWL = Surface(f="booth", grid=8)


def losses(scenario, optimizer, folder, **options):
    run = dynviz.run(scenario, optimizer, steps=5, out=folder, **options)
    (recording,) = run.values()
    return recording["loss"], recording


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (torch.optim.SGD, "torch.optim.SGD"),
        (functools.partial(torch.optim.SGD, lr=0.02), "torch.optim.SGD:lr=0.02"),
        (AdamW, "adamw"),
        (AdamW(lr=0.02), "adamw:lr=0.02"),
    ],
)
def test_an_object_trains_as_its_name_does(given, named, tmp_path):
    by_object, recording = losses(BOWL, given, tmp_path / "object")
    by_name, named_recording = losses("surface:f=booth,grid=8", named, tmp_path / "name")
    np.testing.assert_array_equal(by_object, by_name)
    assert recording.metadata.optimizer == named_recording.metadata.optimizer
    assert recording.metadata.scenario == named_recording.metadata.scenario


def test_a_scenario_can_be_a_class(tmp_path):
    by_class, _ = losses(Surface, "sgd:lr=1e-4", tmp_path / "class")
    by_name, _ = losses("surface", "sgd:lr=1e-4", tmp_path / "name")
    np.testing.assert_array_equal(by_class, by_name)


@pytest.mark.parametrize("target", [Momentumless, Halve])
def test_a_class_of_ones_own_trains_and_resumes_by_itself(target, tmp_path):
    dynviz.run(BOWL, [target, "adamw"], steps=10, out=tmp_path / "straight")
    dynviz.run(BOWL, [target, "adamw"], steps=5, out=tmp_path / "stopped")
    with pytest.raises(DynvizError, match="--trust"):
        dynviz.resume(tmp_path / "stopped", steps=10)
    resumed = dynviz.resume(tmp_path / "stopped", steps=10, trust=[target])
    for label, straight in dynviz.open(tmp_path / "straight").items():
        np.testing.assert_array_equal(resumed[label]["loss"], straight["loss"])


def test_what_a_script_defines_is_said_to_be_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(Halve, "__module__", "__main__")
    run = dynviz.run(BOWL, Halve, steps=5, out=tmp_path / "run")
    assert list(run) == ["Halve"]
    with pytest.raises(DynvizError, match=r"a script or a notebook; .* trust=\[Halve\]"):
        dynviz.resume(run.folder, steps=6)
    with pytest.raises(DynvizError, match="cannot be imported by the processes of a sweep"):
        dynviz.sweep(BOWL, Halve, out=tmp_path / "sweep")


def test_an_optimizer_that_holds_parameters_is_refused_with_the_way_out(tmp_path):
    made = torch.optim.Adam([torch.zeros(2)], lr=0.1)
    with pytest.raises(DynvizError, match=r"functools\.partial\(Adam, key=value\)"):
        dynviz.run(BOWL, made, out=tmp_path / "run")


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    rule = functools.partial(torch.optim.SGD, lr=[1e-3, 1e3])
    out = tmp_path_factory.mktemp("sweep") / "out"
    return dynviz.sweep(BOWL, [rule, "adam:lr=0.01"], seeds="0:2", steps=60, jobs=1, out=out)


def test_a_sweep_is_opened_with_what_became_of_its_jobs(swept):
    opened = dynviz.open(swept.folder)
    assert isinstance(opened, dynviz.Sweep)
    assert (opened.jobs, opened.finished, opened.failed) == (swept.jobs, swept.finished, swept.failed)


def test_outcomes_are_rows_with_types(swept):
    outcomes = swept.outcomes
    assert len(outcomes) == 6
    assert [outcome.diverged for outcome in outcomes] == [False, False, True, True, False, False]
    first = outcomes[0]
    assert (first.options["f"], first.options["grid"], first.hyperparameters["lr"]) == ("booth", 8, 1e-3)
    assert (first.seed, first.steps, first.diverged_at, first.error) == (0, 60, None, "")
    lane = dynviz.open(swept.folder / first.recording)
    assert first.loss == float(lane["loss"][-1, 0])
    assert outcomes.best.loss_mean == min(outcome.loss_mean for outcome in outcomes if not outcome.diverged)


def lanes(rate, losses):
    """Rows of the lanes of one setting; a lane without a loss diverged."""
    row = dict.fromkeys((*OPENING, "optimizer", "lr", *CLOSING), "") | {"optimizer": "sgd", "lr": rate, "lane": "0"}
    ends = [{"loss_mean": str(loss)} if loss else {"loss_mean": "nan", "diverged_at": "7"} for loss in losses]
    return [row | {"seed": str(seed)} | end for seed, end in enumerate(ends)]


def test_the_best_of_a_sweep_is_not_the_luckiest_seed():
    lucky, steady = lanes("0.9", [0.01, None, None, 0.02, None]), lanes("0.1", [0.3, 0.1, 0.5, 0.2, 0.4])
    best = Outcomes([*lucky, *steady]).best
    assert (best.hyperparameters, best.loss_mean) == ({"lr": 0.1}, 0.3)
    with pytest.raises(DynvizError, match="at least half of the lanes failed"):
        _ = Outcomes(lucky).best


def test_outcomes_become_a_data_frame(swept):
    frame = swept.outcomes.to_pandas()
    assert len(frame) == 6
    assert frame["loss"].dtype == np.float64
    assert frame.groupby("lr")["diverged_at"].count()[1e3] == 2
    assert pd.api.types.is_numeric_dtype(frame["lr"])


@pytest.mark.parametrize("name", ["run", "sweep"])
def test_options_are_called_as_on_the_command_line(name):
    command = {parameter.name for parameter in commands.get_command(None, name).params}
    function = set(inspect.signature(getattr(dynviz, name)).parameters)
    assert command - ONLY_TERMINAL == function - {"lanes", "progress", "pool"}


def test_animate_has_the_parameters_of_the_function_behind_it():
    method = list(inspect.signature(Recording.animate).parameters.values())[1:]
    function = list(inspect.signature(exporting.animate).parameters.values())[1:]
    assert [(each.name, each.default, each.kind) for each in method] == [
        (each.name, each.default, each.kind) for each in function
    ]
    assert dynviz.Run.animate is Actions.animate


def test_progress_in_a_cell_is_a_bar_for_each_recording(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(notebook.Cell, "show", lambda _, bars: drawn.append(list(map(dataclasses.asdict, bars))))
    monkeypatch.setattr(
        notebook.Cell, "update", lambda _, bars, now=False: drawn.append(list(map(dataclasses.asdict, bars)))
    )
    dynviz.run(BOWL, ["sgd:lr=1e-3", "adam"], steps=20, out=tmp_path / "run", progress=notebook.NotebookProgress())
    assert [bar["done"] for bar in drawn[0]] == [0, 0]
    assert [(bar["label"], bar["done"], bar["total"]) for bar in drawn[-1]] == [("sgd", 20, 20), ("adam", 20, 20)]
    html = notebook.ProgressTable([notebook.ProgressRow("<b>", 2, 1)])._repr_mimebundle_()["text/html"]
    assert "&lt;b&gt;" in html
