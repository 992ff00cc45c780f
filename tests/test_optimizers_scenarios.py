"""Every optimizer trains every scenario by its name."""

import numpy as np
import pytest

import dynviz
from dynviz import plugins
from tests.sizes import SIZES


@pytest.mark.parametrize("scenario", plugins.files("scenarios"))
@pytest.mark.parametrize("optimizer", plugins.files("optimizers"))
def test_an_optimizer_trains_a_scenario_by_name(tmp_path, scenario, optimizer):
    spec = f"{scenario}:{SIZES[scenario]}" if scenario in SIZES else scenario
    record = ["parameters:every=1", "term.*:every=1"]
    run = dynviz.run(spec, optimizer, steps=20, seeds="0:2", record=record, out=tmp_path / "run")
    recording = run[optimizer]
    assert recording.status == "finished"
    # A step size of a protocol is not good for every rule: a lane may diverge, and then says so.
    healthy = np.isfinite(recording["loss"]).all(axis=0)
    assert {event.lane for event in recording.events() if event.kind == "diverged"} >= set(np.flatnonzero(~healthy))
    terms = sum(recording[name][1:] for name in recording.channels if name.startswith("term."))
    steps = np.diff(recording["parameters"], axis=0)
    assert np.abs(steps[0]).max() > 0
    # A step is the difference of two numbers that were rounded.
    rounding = 2 * np.finfo(np.float32).eps * np.abs(recording["parameters"][:, healthy]).max(initial=1e3)
    np.testing.assert_allclose(steps[:, healthy], terms[:, healthy], rtol=1e-3, atol=rounding)
