"""`dynviz memory`, and the picture of `dynviz bench`."""

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from dynviz import plugins
from dynviz.charts.step_times import TimedSteps, scene
from dynviz.cli import commands
from dynviz.scene.marks import Line, ReferenceLine, Text
from dynviz.scene.ticks import ticks
from dynviz.training.state_sizes import state_size


def call(*words, code=0):
    done = CliRunner().invoke(commands, list(map(str, words)))
    assert done.exit_code == code, (words, done.output, done.exception)
    return done


def numbers(rule, *shapes):
    return sum(state_size(plugins.load("optimizers", rule), shapes).numbers.values())


@pytest.mark.parametrize("a", [64, 1024])
def test_shampoo_keeps_two_times_seventeen_squares_for_a_transformers_layer(a):
    """Feinberg 2023: statistics and roots of a matrix [a, 4 a] are 2 (1 + 16) a^2 numbers, over eight copies of it."""
    kept = numbers(f"shampoo:interval=2,largest={4 * a}", (a, 4 * a))
    assert kept == 2 * (1 + 16) * a**2
    assert kept / (4 * a**2) == 8.5


def test_the_orders_of_memory_are_those_of_the_paper():
    """m + n (Adafactor) < k (m + n) (Sketchy) < m n (a diagonal) < m^2 + n^2 (Shampoo)."""
    m, n, k = 512, 2048, 128
    kept = [numbers(rule, (m, n)) for rule in ("adafactor", f"sketchy:rank={k}", "adagrad", "shampoo:largest=4096")]
    assert kept == [m + n, k * (m + n) + 2, m * n, m**2 + n**2]
    assert kept == sorted(kept)
    assert numbers("adam", (m, n)) == 2 * m * n


@pytest.mark.parametrize("rule", ["adam", "shampoo", "sketchy:rank=2", "muon", "adam+graft:magnitude=rmsprop", "sgd"])
def test_the_sizes_are_those_of_a_state_that_is_made(rule):
    plugin, shapes = plugins.load("optimizers", rule), [(5, 3), (7,), (5, 3), ()]
    size = state_size(plugin, shapes)
    made = [plugin.make().init(torch.zeros(shape)) for shape in shapes]
    assert sum(size.numbers.values()) == sum(tensor.numel() for state in made for tensor in state.values())
    assert sum(size.held.values()) == sum(tensor.nbytes for state in made for tensor in state.values())
    assert size.parameters == 38


def test_the_command_prints_and_draws(tmp_path):
    picture = tmp_path / "memory.png"
    words = ["memory", "-o", "adam", "-o", "sketchy:rank=4", "--shapes", "3*8x4,16", "--picture", picture]
    assert "adam" in call(*words).stdout
    with Image.open(picture) as image:
        assert image.size == (640, 480)
    trees = json.loads(call("memory", "-o", "adam", "--shapes", "3*8x4,16", "--json").stdout)
    assert trees[0]["parameters"] == 112
    assert trees[0]["numbers"] == {"m": 112, "v": 112}
    assert "2" in call("memory", "matrix-sensing:d=8", "-o", "adam").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "adam", "--shapes", "4x"], "is no shape"),
        (["-o", "adam", "--shapes", "99999*1x1"], "too many"),
        (["-o", "torch.optim.Adam"], "name a rule"),
        (["-o", "adamm"], "no optimizer named"),
    ],
)
def test_what_cannot_be_counted_is_refused(words, message):
    assert message in str(call("memory", *words, code=1).exception)


def test_the_share_of_an_update_falls_as_the_gradient_takes_longer():
    drawn = scene(
        "a", TimedSteps("batch", [8, 64], [100.0, 900.0], {"adam": [100.0, 100.0], "shampoo": [900.0, 900.0]})
    )
    lines = [mark for mark in drawn.panels[1].marks if isinstance(mark, Line)]
    np.testing.assert_allclose([line.y for line in lines], [[50, 10], [90, 50]])
    (half,) = (mark for mark in drawn.panels[1].marks if isinstance(mark, ReferenceLine))
    assert (half.at, half.label) == (50, "half the step")
    assert all([tick.label for tick in ticks(panel.x)] == ["8", "64"] for panel in drawn.panels)


def test_of_two_variants_of_an_optimizer_is_drawn_how_many_times_as_fast_the_second_is():
    times = {"exact": [500.0, 2000.0, 40_000.0], "iterated": [1000.0, 1000.0, 10_000.0]}
    measured = TimedSteps("M", [32, 128, 512], [100.0, 100.0, 100.0], times, words="rows M", variants=True)
    above, below = scene("a", measured).panels
    assert above.title.endswith("ms")
    lines = [mark for mark in above.marks if isinstance(mark, Line)]
    assert {line.label: line.y[-1] for line in lines} == {"gradient": 0.1, "exact": 40, "iterated": 10}
    (speedup,) = (mark for mark in below.marks if isinstance(mark, Line))
    assert speedup.y.tolist() == [0.5, 2, 4]
    (equal,) = (mark for mark in below.marks if isinstance(mark, Text))
    assert (equal.x, equal.text) == (pytest.approx(64), "equal at about 60")
    assert below.x.label == "rows M"


def test_two_variants_that_cross_several_times_are_equal_at_no_value():
    times = {"exact": [1.0, 3.0, 1.0], "iterated": [2.0, 2.0, 2.0]}
    (_, below) = scene("a", TimedSteps("M", [1, 2, 3], [1.0, 1.0, 1.0], times, variants=True)).panels
    assert not any(isinstance(mark, Text) for mark in below.marks)


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        ("surface:f=booth", "has 0"),
        ("surface:f=[booth,rosenbrock]", "numbers above zero"),
        ("matrix-sensing:d=[4,8],rank=[1,2]", "has 2"),
    ],
)
def test_times_are_drawn_against_one_number(scenario, message, tmp_path):
    done = call("bench", scenario, "-o", "sgd", "--picture", tmp_path / "a.png", code=1)
    assert message in str(done.exception)
