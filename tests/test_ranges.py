"""Numbers outside what a rule can take are refused where they are read, with what would be accepted."""

import math

import pytest
import torch

import dynviz
from dynviz import DynvizError, plugins
from dynviz.plugins.ranges import Range
from dynviz.plugins.schedules import Schedule

RULES = [*plugins.files("optimizers"), *(f"adam+{name}" for name in plugins.files("modifiers"))]
NUMBERS = [
    (name, option) for name in RULES for option in plugins.load("optimizers", name).options.values() if option.number
]
every_number = pytest.mark.parametrize(("name", "option"), NUMBERS, ids=lambda value: getattr(value, "name", value))


def ends(range_):
    """Numbers just inside and just outside of both ends."""
    inside, outside = [], [math.nan, math.inf, -math.inf]
    for end, side, beyond in ((range_.low, "low", -1), (range_.high, "high", 1)):
        if math.isfinite(end):
            (outside if range_.without == side else inside).append(end)
            outside.append(math.nextafter(end, beyond * math.inf))
            inside.append(math.nextafter(end, -beyond * math.inf))
    return inside, outside


@every_number
def test_every_number_of_a_rule_says_what_it_may_be_and_is_held_to_it(name, option):
    assert option.default in option.range
    inside, outside = ends(option.range)
    for value in inside:
        assert plugins.load("optimizers", f"{name}:{option.name}={value!r}").given == {option.name: value}
    for value in outside:
        with pytest.raises(DynvizError, match=rf"^{option.name}=.* {option.name} takes .*{option.range}"):
            plugins.load("optimizers", f"{name}:{option.name}={value!r}")


@every_number
def test_a_rule_makes_numbers_with_what_it_takes(name, option):
    inside = [value for value in ends(option.range)[0] if value in (option.range.low, option.range.high)]
    theta = torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(2, 3) + 0.05
    for value in inside:
        rule = plugins.load("optimizers", name).make(**{option.name: value})
        state = rule.init(theta)
        for t in (1, 2, 3):
            terms, state = rule.update(theta, theta / t, state, torch.tensor(float(t), dtype=torch.float64))
            assert sum(terms.values()).isfinite().all(), value


def test_a_schedule_must_stay_in_the_range():
    assert Range(0).first_outside(Schedule("warmup(1e-2,500)*cosine(1)"), 1000) is None
    assert Range(0, 1, without="high").first_outside(Schedule("ramp(.9,1)"), 1000) == 1001
    with pytest.raises(DynvizError, match=r"lr=ramp\(-1,1\) of optimizer sgd is out of range"):
        plugins.load("optimizers", "sgd:lr=ramp(-1,1)")


def test_a_range_holds_at_every_step_of_a_run_and_at_no_other(tmp_path):
    out = tmp_path / "run"
    # Its peak of 1.5 is at step 1500, between steps that a few samples would look at.
    with pytest.raises(DynvizError, match=r"beta1=onecycle\(1.5,5000\) of optimizer adamw is out of range, with 1.0"):
        dynviz.run("surface", "adamw:beta1=onecycle(1.5,5000)", steps=5000, out=out)
    assert not out.exists()
    dynviz.run("surface", "adamw:beta1=onecycle(1.5,5000)", steps=50, out=out)
    # Lengthened, the run would come there.
    with pytest.raises(DynvizError, match="is out of range"):
        dynviz.resume(out, steps=5000)
    run = dynviz.run("surface", "sgd:lr=stairs(1e-4,50,2)", steps=200, out=tmp_path / "stairs")
    assert run["sgd"]["lr"][-1, 0] == pytest.approx(16e-4)


def test_a_decay_that_begins_with_0_is_a_term(tmp_path):
    spec = "torch.optim.AdamW:weight_decay=ramp(0,0.1)"
    recording = dynviz.run("surface", spec, steps=9, record="term.*:every=1", out=tmp_path / "run")["torch.optim.AdamW"]
    assert recording["term.decay"][1].max() == 0
    assert abs(recording["term.decay"][-1]).max() > 0


def test_a_number_out_of_range_ends_a_run_and_a_sweep_before_there_is_a_folder(tmp_path):
    for train, spec in ((dynviz.run, "adam:beta1=1.5"), (dynviz.sweep, "adam:beta2=[.9,1]")):
        with pytest.raises(DynvizError, match="takes a number from 0 to below 1"):
            train("surface", spec, out=tmp_path / "run")
        assert not (tmp_path / "run").exists()


def test_a_modifier_keeps_the_ranges_of_its_rule():
    with pytest.raises(DynvizError, match=r"beta2=1 of optimizer adam\+l2 is out of range"):
        plugins.load("optimizers", "adam+l2:beta2=1")
