"""Schedules: what they give at each step, beside torch's own, and what is refused."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler as published

from dynviz import plugins
from dynviz.errors import DynvizError
from dynviz.plugins import schedules
from dynviz.plugins.schedules import Schedule
from dynviz.training.plan import hyperparameters


def torch_rates(make, steps, lr=1.0):
    """The rate that torch uses at each step."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = make(optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize(
    ("text", "make", "lr"),
    [
        ("cosine(0.3,40)", lambda o: published.CosineAnnealingLR(o, 40), 0.3),
        ("cosine(0.3,40,0.01)", lambda o: published.CosineAnnealingLR(o, 40, eta_min=0.01), 0.3),
        ("stairs(0.5,10)", lambda o: published.StepLR(o, 10), 0.5),
        ("stairs(0.5,7,0.5)", lambda o: published.StepLR(o, 7, 0.5), 0.5),
        ("exponential(1,0.01,40)", lambda o: published.ExponentialLR(o, 0.01 ** (1 / 40)), 1.0),
        ("ramp(0.1,0.7,40)", lambda o: published.LinearLR(o, 1 / 7, 1.0, 40), 0.7),
        ("onecycle(0.2,40)", lambda o: published.OneCycleLR(o, 0.2, total_steps=41), None),
        ("onecycle(0.2,41,0.5)", lambda o: published.OneCycleLR(o, 0.2, total_steps=41, pct_start=0.5), None),
    ],
)
def test_a_schedule_is_that_of_torch(text, make, lr):
    steps = 40
    if text.startswith("onecycle(0.2,40"):
        make = lambda o: published.OneCycleLR(o, 0.2, total_steps=40)  # noqa: E731
        steps = 39
    ours = [Schedule(text).at(t + 1) for t in range(steps)]
    assert ours == pytest.approx(torch_rates(make, steps, lr or 0.2), rel=1e-12, abs=1e-15)


def test_a_warmup_reaches_its_value_at_its_last_step_and_is_not_zero_at_its_first():
    warmup = Schedule("warmup(1e-2,500)")
    assert [warmup.at(t) for t in (1, 250, 500, 10_000)] == pytest.approx([2e-5, 5e-3, 1e-2, 1e-2], rel=1e-12)


def test_a_product_is_one():
    both, one, other = Schedule("warmup(1,5)*cosine(0.1,30)*2"), Schedule("warmup(1,5)"), Schedule("cosine(0.1,30)")
    for t in range(1, 40):
        assert both.at(t) == pytest.approx(2 * one.at(t) * other.at(t), rel=1e-15)


@pytest.mark.parametrize(
    ("text", "parts", "milestones"),
    [
        (
            "ramp(0.01,0.1,9) then cosine(0.1,30)",
            lambda o: [published.LinearLR(o, 0.1, 1.0, 9), published.CosineAnnealingLR(o, 30)],
            [9],
        ),
        (
            "warmup(0.1,5) then constant(0.1,10) then stairs(0.1,7,0.5)",
            lambda o: [published.LinearLR(o, 0.2, 1.0, 4), published.ConstantLR(o, 1.0), published.StepLR(o, 7, 0.5)],
            [5, 15],
        ),
    ],
)
def test_parts_follow_one_another_as_in_torchs_sequence(text, parts, milestones):
    expected = torch_rates(lambda o: published.SequentialLR(o, parts(o), milestones), 39, 0.1)
    assert [Schedule(text).at(t + 1) for t in range(39)] == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_a_warmup_before_a_cosine_reaches_its_peak():
    rate = Schedule("warmup(1e-2,50) then cosine(1e-2)").over(200)
    assert str(rate) == "warmup(0.01,50) then cosine(0.01,150)"
    values = [rate.at(t) for t in range(1, 202)]
    assert max(values) == values[49] == values[50] == 1e-2
    assert values[-1] == pytest.approx(0, abs=1e-15)


def test_a_run_that_ends_before_the_last_part_is_refused_unless_all_steps_are_written():
    with pytest.raises(DynvizError, match="train longer: the parts before it take 50 steps, the run has 50"):
        Schedule("warmup(1e-2,50) then cosine(1e-2)").over(50)
    assert Schedule("warmup(1e-2,50) then cosine(1e-2,100)").over(50).at(25) == 5e-3
    assert plugins.load("optimizers", "adam:lr=warmup(1e-2,5000) then cosine(1e-2)").given
    with pytest.raises(DynvizError, match="out of range"):
        hyperparameters(plugins.load("optimizers", "adam:beta1=warmup(0.9,5000) then cosine(1.5)"), {}, 6000)


def test_a_schedule_without_steps_takes_those_of_the_run():
    assert str(Schedule("warmup(1,5)*cosine(1e-2,end=1e-4)").over(300)) == "warmup(1,5)*cosine(0.01,300,0.0001)"
    assert str(Schedule("onecycle(peak=.1,share=.5)").over(300)) == "onecycle(0.1,300,0.5)"


@pytest.mark.parametrize("name", schedules.SHAPES)
def test_what_is_written_out_is_read_as_the_same(name):
    numbers = {
        "warmup": "(0.3)",
        "constant": "(0.3)",
        "ramp": "(0.3,0.1)",
        "cosine": "(0.3)",
        "exponential": "(0.3,0.1)",
        "undecayed": "(0.3,0.01,0.5)",
    }
    full = Schedule(name + numbers.get(name, "(0.3,17)")).over(50)
    assert str(Schedule(str(full)).over(9)) == str(full)
    assert all(Schedule(str(full)).at(t) == full.at(t) for t in range(1, 60))


@pytest.mark.parametrize(
    "text",
    [
        "cosin(1e-2)",
        "cosine()",
        "cosine(1e-2,0)",
        "cosine(1,2,3,4)",
        "cosine(start=1,start=2)",
        "cosine(speed=3)",
        "cosine(__import__)",
        "exponential(0,1)",
        "exponential(-1,1)",
        "undecayed(1,0.1,0.9)",
        "undecayed(-1,0.1)",
        "inverse(1)",
        "inverse(1,0)",
        "onecycle(1,5)",
        "onecycle(1,50,2)",
        "onecycle(1,10,0.1)",
        "onecycle(1,100,0.01)",
        "onecycle(1,100,-1)",
        "stairs(1)",
        "cosine(1)*",
        "cosine(1)**2",
        "cosine(1)cosine(2)",
        "cosine(nan)",
        "warmup(1,5",
        "cosine(inf,10)",
        "warmup(1,5) then",
        "then cosine(1)",
        "0.1 then cosine(1)",
        "stairs(1,5) then cosine(1)",
        "warmup(1) then cosine(1)",
    ],
)
def test_what_is_no_schedule_is_refused_in_words(text):
    with pytest.raises(DynvizError):
        Schedule(text)


def test_a_misspelt_schedule_is_refused_with_an_example_of_one():
    with pytest.raises(DynvizError, match=r"lr takes float from 0, or a schedule like cosine\(1e-2\)"):
        plugins.load("optimizers", "adam:lr=cosin(1e-2)")


@given(st.floats(1e-6, 1), st.integers(10, 2000), st.floats(0, 1))
def test_one_cycle_is_refused_or_reaches_its_peak_and_comes_down(peak, steps, share):
    try:
        cycle = Schedule(f"onecycle({peak!r},{steps},{share!r})")
    except DynvizError:
        assert share * steps <= 1 or share == 1
        return
    values = [cycle.at(t) for t in range(1, steps + 1)]
    assert max(values) <= peak * (1 + 1e-12)
    assert values[0] == pytest.approx(peak / 25)
    assert values[-1] == pytest.approx(peak / 250_000)


@given(st.text(alphabet="cosinewarmupth(),*=.0123456789e- ", max_size=40))
def test_nonsense_is_refused_or_read_but_never_breaks(text):
    try:
        schedule = Schedule(text).over(10)
    except DynvizError:
        return
    assert isinstance(schedule.at(3), float)
