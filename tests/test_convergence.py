"""Whether runs have converged: against closed forms, and in words."""

import math
import re

import numpy as np
import pytest
from click.testing import CliRunner

import dynviz
from dynviz import plugins
from dynviz.cli import commands
from dynviz.detection import chains
from dynviz.detection.convergence import convergence
from dynviz.detection.falling import falling
from dynviz.recording.metadata import Lane
from dynviz.scenarios._samples import samples
from dynviz.scene.marks import Line, ReferenceLine
from dynviz.views._convergence import answers
from tests.recorded import record


def autoregressive(factor, samples, lanes, seed=0):
    """Series x_t = factor x_{t-1} + noise, of variance 1, from their stationary distribution [samples, lanes]."""
    noise = np.random.default_rng(seed).standard_normal((samples, lanes))
    series = noise.copy()
    for place in range(1, samples):
        series[place] = factor * series[place - 1] + math.sqrt(1 - factor**2) * noise[place]
    return series


@pytest.mark.parametrize("factor", [0.0, 0.5, 0.9, 0.97])
def test_memory_is_that_of_an_autoregressive_series(factor):
    correlation = chains.autocorrelation(autoregressive(factor, 20_000, 16))
    np.testing.assert_allclose(correlation[:20], factor ** np.arange(20), atol=0.05)
    assert chains.autocorrelation_time(correlation) == pytest.approx((1 + factor) / (1 - factor), rel=0.15)
    if factor > 0.5:
        assert chains.half_life(correlation) == pytest.approx(math.log(0.5) / math.log(factor), rel=0.1)


def test_split_rhat_is_that_of_its_definition():
    values = np.random.default_rng(1).standard_normal((101, 3)) + np.array([0.0, 0.3, 1.0])
    halves = [part for lane in values.T for part in (lane[:50], lane[-50:])]
    within = sum(sum((x - part.mean()) ** 2 for x in part) / 49 for part in halves) / 6
    means = [part.mean() for part in halves]
    between = 50 * sum((mean - np.mean(means)) ** 2 for mean in means) / 5
    expected = math.sqrt((49 / 50 * within + between / 50) / within)
    assert chains.split_rhat(values[:, :, None])[0] == pytest.approx(expected)
    # Of many samples, chains of variance 1 about -1 and 1: the variance of all, 1 + 4/3 of halves, over 1.
    far = autoregressive(0.0, 100_000, 2) + np.array([-1.0, 1.0])
    assert chains.split_rhat(far[:, :, None])[0] == pytest.approx(math.sqrt(1 + 4 / 3), rel=0.01)


@pytest.mark.parametrize("factor", [0.0, 0.9, 0.97])
def test_chance_explains_the_drift_of_what_has_none_and_not_a_real_one(factor):
    series = autoregressive(factor, 3000, 400)
    block = int(2 * (1 + factor) / (1 - factor))
    drift = chains.drift(series, block)
    assert (drift.size > drift.chance).mean() < 0.03
    moved = chains.drift(series + np.linspace(0, 5, 3000)[:, None], block)
    assert (moved.size > moved.chance).mean() > 0.9


def test_the_gap_of_block_means_is_noise_where_there_is_nothing_else():
    means = chains.block_means(np.random.default_rng(2).standard_normal((5000, 300)), 50)
    noise = chains.block_noise(means)
    assert np.median(noise) == pytest.approx(0.1, rel=0.1)
    assert (chains.gap(means) > chains.chance(50).gap * noise).mean() < 0.02
    assert (np.abs(chains.trend(means)) > chains.chance(50).trend * noise).mean() < 0.02


def recorded(folder, loss, weights, **more):
    channels = {"loss": (1, loss), "weights": (1, weights)}
    parameters = {"weights": weights.shape[2:]}
    return record(folder, channels, scenario="bowl", steps=len(loss) - 1, parameters=parameters, **more)


def test_a_loss_that_has_converged_while_weights_shrink(tmp_path):
    rng, steps = np.random.default_rng(3), np.arange(10_001)
    loss = 0.3 + np.maximum(1 - steps / 6000, 0)[:, None] + 0.05 * rng.standard_normal((len(steps), 4))
    weights = np.exp(-9e-5 * steps)[:, None, None] * (1 + 0.01 * rng.standard_normal((len(steps), 4, 6)))
    result = convergence(recorded(tmp_path / "run", loss, weights))
    assert 5600 <= result.loss.since <= 6600
    (part,) = result.parameters
    assert part.since is None
    assert part.growth == pytest.approx(-0.009, rel=0.02)
    (level,) = result.levels
    assert abs(level.mean - 0.3) < 3 * level.error
    first, *_ = answers(["adamw"], [result])
    assert first.endswith("; the weights have not (they shrink by 0.9 % per 100 steps)")
    assert first.startswith("adamw (4 seeds): the loss has converged since step ")


def test_a_loss_that_still_falls_has_not_converged(tmp_path):
    rng, steps = np.random.default_rng(4), np.arange(5001)
    loss = 2 - steps[:, None] / 5000 + 0.05 * rng.standard_normal((len(steps), 2))
    result = convergence(recorded(tmp_path / "run", loss, autoregressive(0.5, 5001, 2)[:, :, None]))
    assert result.loss.since is None
    # In the last fifth from 1.2 to 1.0, of 1.1: 0.02 in 100 steps.
    assert result.loss.change == pytest.approx(-0.02 / 1.1, rel=0.05)
    (line, memory, _) = answers(["sgd"], [result])
    assert re.search(r"the loss has not converged \(it falls by 1\.[789] % per 100 steps\)", line)
    assert "the weights have converged in distribution" in line
    assert re.search(r"autocorrelation time [23](\.\d)? steps", memory)
    assert "R-hat 1.00, seeds agree" in memory


def test_a_lane_that_diverged_is_left_out_and_said(tmp_path):
    loss = np.abs(autoregressive(0.0, 1001, 3)) + 1
    loss[500:, 1] = np.nan
    result = convergence(recorded(tmp_path / "run", loss, autoregressive(0.0, 1001, 3)[:, :, None]))
    assert (result.lanes, result.lost) == ((0, 2), 1)
    assert answers(["sgd"], [result])[-1] == "  1 of 3 seeds diverged and is left out"


def test_lanes_of_too_many_settings_are_not_taken_for_seeds_of_one(tmp_path):
    rates = np.geomspace(1e-3, 1e-1, 9)
    lanes = tuple(Lane(42, {"lr": float(rate)}) for rate in rates)
    loss = np.abs(autoregressive(0.0, 1001, 9)) + 1
    run = recorded(tmp_path / "run", loss, autoregressive(0.0, 1001, 9)[:, :, None], lanes=lanes)
    done = CliRunner().invoke(commands, ["show", str(run.folder)])
    assert done.exit_code == 0, done.output
    assert "9 seeds" not in done.stdout
    assert "has converged" not in done.stdout


def test_too_few_samples_tell_nothing(tmp_path):
    result = convergence(recorded(tmp_path / "run", np.ones((20, 1)), np.ones((20, 1, 2))))
    assert result.loss is None
    assert result.parameters == ()
    assert "too few samples" in answers(["sgd"], [result])[0]


RATE, NOISE, CONDITION = 0.05, 0.5, 4.0


@pytest.fixture(scope="module")
def bowls(tmp_path_factory):
    """SGD with a constant rate and with a falling one on a quadratic bowl with noise on its gradient."""
    rules = [f"sgd:lr={RATE}", f"sgd:lr=exponential({RATE},1e-4)"]
    scenario = f"surface:f=quadratic,condition={CONDITION},rotation=0,noise={NOISE},grid=8"
    folder = tmp_path_factory.mktemp("bowls") / "run"
    return list(dynviz.run(scenario, rules, seeds="0:8", steps=6000, out=folder).values())


def test_sgd_on_a_quadratic_is_stationary_with_the_variance_of_theory(bowls):
    constant, falling = map(convergence, bowls)
    (part,) = constant.parameters
    assert part.since is not None
    assert part.since < 1000
    assert part.rhat < 1.05
    # theta' = (1 - lr h) theta - lr noise: the variance is lr s^2 / (h (2 - lr h)), and the memory that of 1 - lr h.
    curvatures = np.array([1.0, CONDITION])
    tail = bowls[0]["position"][1000:]
    variance = RATE * NOISE**2 / (curvatures * (2 - RATE * curvatures))
    np.testing.assert_allclose(tail.var(axis=(0, 1)), variance, rtol=0.1)
    for curvature, series in zip(curvatures, np.moveaxis(tail, 2, 0), strict=True):
        factor = 1 - RATE * curvature
        time = chains.autocorrelation_time(chains.autocorrelation(series.astype(np.float64)))
        assert time == pytest.approx((1 + factor) / (1 - factor), rel=0.2)
    # The mean loss is half the curvature times the variance, above the least.
    level = constant.levels[0]
    assert level.mean == pytest.approx(float((curvatures * variance).sum() / 2), abs=4 * level.error)
    # With a rate that falls, so does the variance: the loss does not stay where it is, but goes to the least.
    assert falling.loss.since is None or falling.loss.since > 3000
    assert falling.levels[0].mean < level.mean / 3


CONSTANT, START, HALF = 0.1, 0.1, 200


@pytest.fixture(scope="module")
def least_squares(tmp_path_factory):
    """Plain SGD on least squares, a random sample at each step: of a constant rate, and one that falls as 1 / t."""
    rules = [f"sgd:lr={CONSTANT}", f"sgd:lr=inverse({START},{HALF})"]
    folder = tmp_path_factory.mktemp("least") / "run"
    options = {"seeds": "0:128", "steps": 3000, "compile": "off", "out": folder}
    return list(dynviz.run("surface:f=least-squares,grid=8", rules, **options).values())


class Errors:
    """The exact first two moments of the distance e from the optimum: e' = (I - lr x x^T) e - lr r x, x drawn evenly.

    r is what the optimum leaves of a sample. Of a constant rate the second moment is the solution of a discrete
    Lyapunov equation; of a falling rate c / t it is V / t, with (c H - I/2) V + V (c H - I/2) = c^2 N (Chung 1954).
    """

    def __init__(self):
        self.data = samples(64)
        self.x = self.data.features.numpy()
        self.optimum = np.array(self.data.optimum)
        self.left = self.x @ self.optimum - self.data.targets.numpy()
        self.outer = self.x[:, :, None] * self.x[:, None]
        self.hessian = self.outer.mean(axis=0)
        self.noise = (self.left[:, None, None] ** 2 * self.outer).mean(axis=0)
        self.least = np.square(self.left).mean() / 2

    def stationary(self, rate):
        shrink = np.eye(2) - rate * self.outer
        twice = np.mean([np.kron(one, one) for one in shrink], axis=0)
        return np.linalg.solve(np.eye(4) - twice, (rate**2 * self.noise).ravel()).reshape(2, 2)

    def falling(self, rates, start):
        mean = np.array(start) - self.optimum
        second = np.outer(mean, mean)
        means, moments = [mean], [second]
        for rate in rates:
            shrink = np.eye(2) - rate * self.outer
            cross = -rate * np.einsum("nij,j,n,nk->ik", shrink, mean, self.left, self.x) / len(self.x)
            second = np.einsum("nij,jk,nlk->il", shrink, second, shrink) / len(self.x) + cross + cross.T
            second, mean = second + rate**2 * self.noise, mean - rate * self.hessian @ mean
            means.append(mean)
            moments.append(second)
        return np.array(means), np.array(moments)

    def excess(self, second):
        return np.einsum("ij,...ji->...", self.hessian, second) / 2


def test_sgd_on_least_squares_has_the_variance_of_the_lyapunov_equation(least_squares):
    constant, theory = least_squares[0], Errors()
    result = convergence(constant)
    (part,) = result.parameters
    assert part.since is not None
    assert part.since < 1500
    assert "the position has converged in distribution since step" in answers(["sgd"], [result])[0]
    apart = constant["position"][1000:] - theory.optimum
    measured, expected = np.einsum("tli,tlj->tij", apart, apart).mean(axis=0) / 128, theory.stationary(CONSTANT)
    # The two weights hardly depend on each other.
    np.testing.assert_allclose(measured, expected, rtol=0.03, atol=1e-4)
    level = next(level for level in result.levels if level.channel == "full_loss")
    assert level.mean == pytest.approx(theory.least + theory.excess(expected), rel=0.01)


def test_sgd_with_a_rate_that_falls_as_one_over_t_converges_as_theory_says(least_squares):
    slowing, theory = least_squares[1], Errors()
    rates = [START / (1 + step / HALF) for step in range(20_000)]
    np.testing.assert_allclose(slowing["lr"][:-1, 0], rates[:3000], rtol=1e-6)
    mean, second = theory.falling(rates, slowing["position"][0, 0])
    excess = slowing["full_loss"].mean(axis=1) - theory.least
    steps = slowing.steps("full_loss")
    for first, last in ((100, 300), (1000, 2000), (2000, 3001)):
        chosen = (steps >= first) & (steps < last)
        assert excess[chosen].mean() == pytest.approx(theory.excess(second[steps[chosen]]).mean(), rel=0.15)
    inner = START * HALF * theory.hessian - np.eye(2) / 2
    lyapunov = np.kron(inner, np.eye(2)) + np.kron(np.eye(2), inner)
    limit = np.linalg.solve(lyapunov, ((START * HALF) ** 2 * theory.noise).ravel()).reshape(2, 2)
    np.testing.assert_allclose((20_000 + HALF) * second[-1], limit, rtol=0.05)
    # What a constant rate leaves does not vanish.
    assert excess[-1] < 0.2 * theory.excess(theory.stationary(CONSTANT))
    result = convergence(slowing)
    (part,) = result.parameters
    steps = np.arange(part.falling.since, 3000)
    variances = np.array([np.diag(second[step] - np.outer(mean[step], mean[step])) for step in steps])
    pooled = np.log((variances / variances.mean(axis=0)).mean(axis=1))
    power = np.polyfit(np.log(np.array(rates)[steps]), pooled, 1)[0] / 2
    assert power == pytest.approx(0.5, abs=0.05)
    assert part.falling.low < power < part.falling.high
    assert part.falling.high - part.falling.low < 0.2
    assert "the position converges as lr falls (its spread as the root of lr: lr^0.5" in answers(["sgd"], [result])[0]


STEPS = np.arange(3000)
SLOWING = 1 / (1 + STEPS / 100)


def spreading(power, seed=0, lanes=8):
    """Numbers of several seeds with a memory, whose spread is a power of the rate [steps, lanes, 4]."""
    series = autoregressive(0.97, len(STEPS), lanes * 4, seed).reshape(-1, lanes, 4)
    return 5 + series * SLOWING[:, None, None] ** power


@pytest.mark.parametrize(
    ("power", "words"),
    [
        (0.5, "they converge as lr falls (their spread as the root of lr: "),
        (1.0, "they converge as lr falls (their spread faster than the root of lr: "),
        (0.25, "they converge as lr falls (their spread more slowly than the root of lr: "),
    ],
)
def test_the_spread_falls_with_a_power_of_the_rate(power, words, tmp_path):
    found = falling(STEPS, spreading(power, lanes=32), SLOWING)
    assert found.low < power < found.high
    assert found.high - found.low < 0.3
    assert found.follows is (power == 0.5)
    loss = np.abs(autoregressive(0, len(STEPS), 32)) + 1
    run = recorded(tmp_path / "run", loss, spreading(power, lanes=32), rate="inverse(1,100)")
    first = answers(["sgd"], [convergence(run)])[0]
    assert words.removeprefix("they") in first
    assert f"lr^{found.exponent:.2f}" in first


def test_the_interval_of_the_exponent_holds_it_as_often_as_it_says():
    found = [falling(STEPS, spreading(0.5, seed), SLOWING) for seed in range(40)]
    assert sum(one.low < 0.5 < one.high for one in found) >= 36


@pytest.mark.parametrize(
    ("values", "rate"),
    [
        (spreading(0.0), SLOWING),
        (spreading(0.5) + 3 * np.log(SLOWING)[:, None, None], SLOWING),
        (spreading(0.5)[:, :3], SLOWING),
        (spreading(0.5), np.full(len(STEPS), 0.1)),
        (spreading(0.5), SLOWING[::-1]),
        (spreading(0.5) + np.arange(8)[:, None], SLOWING),
    ],
    ids=["noise", "a mean that moves", "three seeds", "a constant rate", "a rate that rises", "seeds apart"],
)
def test_what_does_not_converge_with_the_rate_is_not_said_to(values, rate):
    assert falling(STEPS, values, rate) is None


def test_noise_of_constant_spread_is_never_said_to_fall():
    assert not any(falling(STEPS, spreading(0.0, seed), SLOWING) for seed in range(40))


def test_a_spread_that_falls_is_no_stationary_distribution(tmp_path):
    series = 5 + autoregressive(0.5, 6001, 4)[:, :, None] * np.linspace(2, 1, 6001)[:, None, None]
    result = convergence(recorded(tmp_path / "run", np.abs(autoregressive(0, 6001, 4)) + 1, series))
    (part,) = result.parameters
    assert part.since is None
    # From half of the run to its end, from 1.5 to 1: the second half of that is 0.8 of the first over 1500 steps.
    assert part.spread == pytest.approx(-0.013, rel=0.3)
    assert "the weights have not (their spread falls by 0.9 % per" in answers(["sgd"], [result])[0]


def test_a_mean_loss_that_grows_is_told_where_the_loss_is_too_noisy(tmp_path):
    noise = 3 * np.random.default_rng(5).standard_normal((5001, 2))
    grows = np.linspace(1, 2, 5001)[:, None].repeat(2, axis=1)
    channels = {"loss": (1, grows + noise), "test_loss": (1, grows)}
    result = convergence(record(tmp_path / "run", channels, scenario="bowl", steps=5000))
    assert result.loss.since is not None
    assert list(result.unsettled) == ["test_loss"]
    assert re.search(r"; the test loss has not \(it rises by 1\.[01] % per 100 steps\)", answers(["sgd"], [result])[0])


def test_a_story_has_the_spread_of_the_seeds_beside_the_loss(bowls):
    film = plugins.load("views", "convergence").target(bowls)
    scene = film.story().scene(int(film.steps[-1]))
    assert [panel.title for panel in scene.panels] == [
        "loss, means of blocks of steps",
        "spread of the runs about their mean",
    ]
    assert (scene.lead, scene.panels[0].readouts) == (2, ())
    constant, falling = (mark.y for mark in scene.panels[1].marks if isinstance(mark, Line))
    assert constant[-1] == pytest.approx(constant[0], rel=0.3)
    assert falling[-1] < falling[0] / 1.5
    last = bowls[1]["position"][-400:].astype(np.float64)
    assert falling[-1] == pytest.approx(np.sqrt(last.var(axis=1, ddof=1).mean()), rel=0.2)


def test_the_view_and_the_commands_say_it(bowls, tmp_path):
    film = plugins.load("views", "convergence").target(bowls)
    scene = film.scene(int(film.steps[-1]))
    loss, memory = scene.panels
    assert any(isinstance(mark, ReferenceLine) and mark.vertical for mark in loss.marks)
    assert [readout.name for readout in memory.readouts] == ["position", "position"]
    constant, falling = (readout.text for readout in memory.readouts)
    assert re.fullmatch(r"converged since step \d+, half-life [\d.]+, R-hat 1\.\d\d", constant)
    assert falling.startswith("converges as lr falls, half-life ")
    assert loss.readouts[0].text.startswith("converged since step")
    begun = plugins.load("views", "convergence:start=2000").make(recordings=bowls)
    later = begun.scene(int(film.steps[-1])).panels[0]
    assert min(mark.x[0] for mark in later.marks if isinstance(mark, Line)) >= 2000
    assert later.title.startswith("loss, means of blocks of steps, from step 2")
    folder = str(bowls[0].folder)
    for command in (["events", folder], ["show", folder]):
        done = CliRunner().invoke(commands, command)
        assert done.exit_code == 0, done.output
        assert "the loss has converged since step" in " ".join(done.stdout.split())
