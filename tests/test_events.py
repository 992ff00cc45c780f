"""Detectors of events: on curves with known times, on noise, in portions; and the command."""

import itertools
import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from dynviz import plugins
from dynviz.cli import commands
from dynviz.detection import scan
from dynviz.detection.switches import Switch
from dynviz.detector import Subject
from dynviz.errors import DynvizError
from dynviz.player.event_marks import event_marks
from dynviz.recording import Recording, Writer, projections
from dynviz.recording.metadata import Lane
from tests.recorded import record, sensing, voronoi

RNG = np.random.default_rng(7)


def falling(n=4000, noise=0.05, seed=0):
    rng = np.random.default_rng(seed)
    return (0.5 + np.exp(-np.arange(n) / 400)) * (1 + noise * rng.standard_normal(n))


def found(kind, samples, *, facts=None, every=1, **options):
    """What a detector finds in channels [samples, ...] of one lane."""
    detector = plugins.load("detectors", kind).make(**options)
    subject = Subject(lanes=1, facts=facts or {}, channels=samples)
    reads = detector.reads(subject)
    assert reads
    columns = [np.asarray(samples[name])[:, None] for name in reads]
    steps = every * np.arange(len(columns[0]))
    return detector.update(detector.init(subject), steps, *columns)[1]


def times(detections):
    return [detection.step for detection in detections]


def test_a_spike_is_seen_at_its_first_step_and_once():
    loss = falling()
    loss[2500:2508] *= 3
    loss[3500] *= 5
    assert times(found("spike", {"loss": loss})) == [2500, 3500]


def test_a_plateau_begins_where_the_loss_stops_to_fall():
    t = np.arange(6000)
    loss = np.maximum(1 - t / 3000, 0.2) + 0.01 * np.random.default_rng(0).standard_normal(6000)
    (plateau,) = found("plateau", {"loss": loss})
    assert plateau.since <= 2600 <= plateau.step
    assert plateau.step - plateau.since < 400


def test_a_loss_converges_where_its_means_differ_by_noise_alone():
    t = np.arange(8000)
    loss = np.maximum(2 - t / 3000, 1) + 0.1 * np.random.default_rng(2).standard_normal(8000)
    (converged,) = found("converged", {"loss": loss})
    assert converged.since <= 3400 <= converged.step <= 5600
    assert converged.value == pytest.approx(1, abs=0.02)


def test_parameters_are_stationary_where_no_number_has_a_trend():
    t = np.arange(4000)[:, None]
    centers = np.maximum(2 - t / 1000, 0) * [1.0, -2.0, 3.0] + 0.1 * np.random.default_rng(2).standard_normal((4000, 3))
    (stationary,) = found("stationary", {"centers": centers}, every=10, channel="centers")
    assert stationary.since <= 20_500
    assert 20_000 <= stationary.step <= 25_000
    assert not found("stationary", {"centers": centers[:1900]}, channel="centers")


def test_jumps_to_and_fro_are_seen_where_the_loss_is_blind_to_them():
    step = np.arange(300)
    x = np.where(step < 100, 5 * 0.9**step, np.where(step % 2, 0.1, -0.1))
    position = np.stack([x, np.zeros(300)], axis=1)
    (begun,) = found("period-2", {"position": position, "loss": x**2})
    assert 100 < begun.step < 100 + 2 * 16
    assert begun.value == pytest.approx(0.2)


def test_singular_values_above_the_noise_are_counted():
    u = np.linspace(0, 1, 101)
    rise = [100 / (1 + np.exp(-60 * (u - when))) for when in (0.3, 0.6)]
    values = np.stack([*rise, *[np.full(101, 1 / k) for k in range(1, 9)]], axis=1)
    first, second = found("rank", {"singular_values": values}, every=10)
    assert (first.value, second.value) == (1, 2)
    assert (first.step - first.since, second.step - second.since) == (10, 10)
    assert first.step < 300 < second.step < 600


def test_directions_are_learned_one_by_one():
    share = np.stack([np.linspace(0, 1.2, 61).clip(0, 1), np.linspace(-0.5, 0.7, 61)], axis=1)
    core = np.zeros((61, 2, 2))
    core[:, [0, 1], [0, 1]] = share * [4.0, 2.0]
    (learned,) = found("direction-learned", {"core": core, "true_singular_values": np.array([[4.0, 2.0]])})
    assert (learned.words, learned.step) == ("direction 1", int(np.argmax(share[:, 0] > 0.9)))


def test_exact_zeros_are_told_by_their_share():
    weights = RNG.standard_normal((50, 20))
    weights[10:, :1], weights[20:, :12], weights[30:, :19] = 0, 0, 0
    zeros = found("exact-zero", {"parameters": weights})
    assert [(zero.step, zero.value) for zero in zeros] == [(10, 0.05), (20, 0.6), (30, 0.95)]


def test_dead_centers_are_counted_for_each_sample():
    head = np.ones((5, 2, 6))
    head[2:, :, 1], head[3:, :, 2:4] = 1e-5, 0
    dead = found("dead-center", {"head": head, "centers": np.zeros((5, 6, 2))}, every=100)
    assert [(each.since, each.step, each.words) for each in dead] == [
        (100, 200, "center 1"),
        (200, 300, "centers 2, 3"),
    ]


def test_forgetting_is_a_fall_below_the_best():
    accuracy = np.array([0.2, 0.6, 0.9, 0.85, 0.7, 0.6, 0.89, 0.5])
    assert times(found("forgetting", {"val_accuracy": accuracy})) == [4, 7]


def test_arrival_is_at_a_target_or_at_an_optimum():
    loss = np.array([3.0, 1.0, 0.4, 0.6, 0.4, 2.0, 0.1])
    assert times(found("arrived", {"loss": loss}, loss=0.5)) == [2, 6]
    position = np.stack([np.linspace(0, 1, 101), np.ones(101)], axis=1)
    (arrived,) = found("arrived", {"position": position}, facts={"optimum": [[1.0, 1.0], [5.0, 5.0]]})
    assert arrived.step == 90


def test_grokking_comes_long_after_memory():
    train, late, at_once = (np.where(np.arange(100) >= when, 1.0, 0.3) for when in (10, 80, 12))
    (grokked,) = found("grokked", {"train_accuracy": train, "val_accuracy": late})
    assert (grokked.step, grokked.value) == (80, 8)
    assert not found("grokked", {"train_accuracy": train, "val_accuracy": at_once})


def test_the_edge_of_stability_is_sharpness_against_the_rate():
    sharpness = np.array([10.0, 50.0, 250.0, 190.0, 150.0, 210.0])
    edges = found("edge-of-stability", {"sharpness": sharpness, "lr": np.full(6, 0.01)})
    assert [(edge.step, edge.value) for edge in edges] == [(2, 2.5), (5, 2.1)]


NOISES = {
    "normal": lambda rng: 1 + 0.1 * rng.standard_normal(100_000),
    "uniform": lambda rng: rng.uniform(0, 1, 100_000),
    "squared": lambda rng: rng.chisquare(1, 100_000),
    "log-normal": lambda rng: rng.lognormal(0, 1, 100_000),
}


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("kind", ["spike", "period-2", "plateau", "converged", "stationary"])
def test_noise_is_no_event(kind, noise):
    channel = "parameters" if kind == "stationary" else "loss"
    alarms = found(kind, {channel: NOISES[noise](np.random.default_rng(3))})
    # Noise that does not fall is one plateau, and has converged.
    assert len(alarms) <= 10 + (kind in ("plateau", "converged", "stationary"))


def quiet(*shape, level=0.0, size=1.0):
    return level + size * np.random.default_rng(5).standard_normal((100_000, *shape))


LEVELS = {
    "rank": {"singular_values": np.sort(quiet(8, level=1, size=0.05))[:, ::-1]},
    "exact-zero": {"parameters": quiet(8)},
    "dead-center": {"head": quiet(2, 6), "centers": quiet(6, 2)},
    "direction-learned": {"core": quiet(2, 2, size=0.1), "true_singular_values": np.ones((1, 2))},
    "forgetting": {"val_accuracy": quiet(level=0.8, size=0.01)},
    "grokked": {"train_accuracy": quiet(level=0.8, size=0.01), "val_accuracy": quiet(level=0.7, size=0.01)},
    "edge-of-stability": {"sharpness": quiet(level=150, size=10), "lr": np.full(100_000, 0.01)},
    "arrived": {"position": quiet(2, level=3, size=0.5)},
}


@pytest.mark.parametrize("kind", LEVELS)
def test_noise_about_a_level_is_no_event(kind):
    assert len(found(kind, LEVELS[kind], facts={"optimum": [[0.0, 0.0]]})) <= 10


def test_noise_overtakes_nobody_and_a_better_lane_does():
    detector = plugins.load("detectors", "crossed").make()
    subject = Subject(lanes=8, channels=("loss",))
    noise = 1 + 0.1 * np.random.default_rng(5).standard_normal((100_000, 8))
    alarms = detector.update(detector.init(subject), np.arange(100_000), noise)[1]
    assert len(alarms) <= 10
    better = np.stack([falling(), falling(seed=1) + np.linspace(0.5, -0.5, 4000)], axis=1)
    (crossed,) = detector.update(detector.init(Subject(lanes=2, channels=("loss",))), np.arange(4000), better)[1]
    assert (crossed.lane, crossed.other) == (1, 0)
    assert crossed.since <= 2100
    assert 1900 < crossed.step < 2300


PORTIONS = {
    "spike": {"loss": falling(1500) * np.where(np.arange(1500) % 500 > 490, 4, 1)},
    "plateau": {"loss": np.maximum(1 - np.arange(1500) / 700, 0.2) + 0.01 * RNG.standard_normal(1500)},
    "period-2": {"loss": np.where(np.arange(1500) // 100 % 2, np.arange(1500) % 2, RNG.standard_normal(1500))},
    "converged": {"loss": np.repeat([2.0, 1.0], 2500) + 0.1 * RNG.standard_normal(5000)},
    "stationary": {"parameters": np.linspace(3, 0, 1500).clip(1)[:, None] + 0.1 * RNG.standard_normal((1500, 2))},
    "rank": {"singular_values": np.abs(RNG.standard_normal((300, 6))) ** 3},
    "exact-zero": {"parameters": RNG.standard_normal((300, 5)).round(0)},
    "forgetting": {"val_accuracy": RNG.uniform(0, 1, 300)},
    "dead-center": {"head": RNG.lognormal(0, 4, (300, 2, 5)), "centers": np.zeros((300, 5, 2))},
    "direction-learned": {
        "core": RNG.standard_normal((300, 3, 3)),
        "true_singular_values": np.ones((1, 3)),
    },
    "edge-of-stability": {"sharpness": RNG.uniform(0, 400, 300), "lr": np.full(300, 0.01)},
    "grokked": {"train_accuracy": np.linspace(0.9, 2, 300), "val_accuracy": np.linspace(0, 1, 300)},
    "arrived": {"position": RNG.standard_normal((300, 2)) / 5},
    "crossed": {"loss": RNG.standard_normal(1500).cumsum()},
    "overflow": {"lr": np.where(np.arange(300) > 200, 0.0, 10.0 ** np.arange(300))},
}


def test_every_detector_is_fed_in_portions_somewhere():
    assert set(PORTIONS) == set(plugins.files("detectors"))


@pytest.mark.parametrize("kind", sorted(PORTIONS))
@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 1500), max_size=12))
def test_portions_make_no_difference(kind, cuts):
    detector = plugins.load("detectors", kind).make()
    lanes = 2
    subject = Subject(lanes=lanes, facts={"optimum": [[0.0, 0.0]]}, channels=PORTIONS[kind])
    # The second lane is the first one backwards.
    columns = [
        np.stack([values, values[::-1]], axis=1)
        for values in (PORTIONS[kind][name] for name in detector.reads(subject))
    ]
    count = len(columns[0])
    steps = 10 * np.arange(count)
    whole = detector.update(detector.init(subject), steps, *columns)[1]
    assert whole
    state, detections = detector.init(subject), []
    for first, last in itertools.pairwise([0, *sorted(cuts), count]):
        parts = [column[first:last] if len(column) > 1 else column for column in columns]
        if first < min(last, count):
            state, more = detector.update(state, steps[first:last], *parts)
            detections += more
    assert detections == list(whole)


def test_a_switch_stays_on_between_its_two_limits():
    values = np.array([[0.0], [1.2], [0.8], [1.2], [0.2], [1.2]])
    switch, begins = Switch.off(1).begins(np.arange(6), values > 1, values < 0.5)
    assert [(begin.since, begin.step) for begin in begins] == [(0, 1), (4, 5)]
    assert switch.holds.all()


def test_a_recording_that_grows_is_scanned_as_it_grows(tmp_path):
    loss = falling()
    loss[2500] *= 4
    whole = record(tmp_path / "whole", {"loss": (1, loss[:, None])}, scenario="bowl", steps=3999)
    (expected,) = scan.Scan([whole], scan.load(["spike"])).advance()
    with Writer.create(tmp_path / "growing", whole.metadata) as writer:
        growing = scan.Scan([Recording(tmp_path / "growing")], scan.load(["spike"]))
        occurrences = []
        for first in range(0, 4000, 700):
            occurrences.append(growing.advance())
            writer.write("loss", first, np.ascontiguousarray(loss[first : first + 700, None], dtype="<f4"))
        writer.event(3000, 0, "diverged", 1e9)
        occurrences.append(growing.advance())
        assert growing.advance() == []
    spike, diverged = (occurrence for portion in occurrences for occurrence in portion)
    assert spike == expected
    assert (diverged.kind, diverged.step, diverged.since) == ("diverged", 3000, 2999)


def test_lanes_of_several_recordings_are_compared(tmp_path):
    slow = record(tmp_path / "slow", {"loss": (1, falling()[:, None])}, scenario="bowl", steps=3999, label="slow")
    quick = falling(seed=1) + np.linspace(0.5, -0.5, 4000)
    fast = record(tmp_path / "fast", {"loss": (1, quick[:, None])}, scenario="bowl", steps=3999, label="fast")
    (crossed,) = scan.Scan([slow, fast], scan.load(["crossed"])).advance()
    assert (crossed.recording, crossed.other) == (1, (0, 0))


def test_measured_sharpness_is_held_against_the_recordings_rate(tmp_path):
    recording = record(tmp_path / "run", {"loss": (1, falling()[:, None])}, scenario="bowl", steps=3999, rate=0.01)
    about = {"kind": "sharpness", "format": 1, "loss": "loss", "lane": 0, "at": 3999}
    arrays = {
        "steps": np.array([0, 1000, 2000]),
        "eigenvalues": np.array([[50.0], [150.0], [260.0]]),
        "radii": np.zeros(1),
        "around": np.zeros((1, 1)),
    }
    projections.write(recording.folder, projections.titled("sharpness", lane=0), about, arrays)
    (edge,) = scan.Scan([recording], scan.load(["edge-of-stability"])).advance()
    assert (edge.since, edge.step) == (1000, 2000)
    assert edge.value == pytest.approx(2.6)


@pytest.mark.parametrize("steps", [np.array(["a", "b"]), np.array([0.0, np.nan]), np.zeros((2, 2), int)])
def test_a_file_that_holds_no_sharpness_is_one_line(steps, tmp_path):
    recording = record(tmp_path / "run", {"loss": (1, falling()[:, None])}, scenario="bowl", steps=3999)
    about = {"kind": "sharpness", "format": 1, "loss": "loss", "lane": 0, "at": 3999}
    arrays = {"steps": steps, "eigenvalues": np.array([[50.0], [150.0]])}
    projections.write(recording.folder, projections.titled("sharpness", lane=0), about, arrays)
    with pytest.raises(DynvizError, match="holds no measured sharpness"):
        scan.Scan([recording], scan.load(["edge-of-stability"])).advance()


def invoke(*arguments):
    return CliRunner().invoke(commands, ["events", *map(str, arguments)])


def test_the_command_says_what_happened_in_words_and_as_json(tmp_path):
    recording = sensing(tmp_path / "run" / "sgd", lanes=2)
    result = invoke(tmp_path / "run", "--kind", "rank")
    assert result.exit_code == 0
    assert "rank 1 in adamw, seed 42" in result.stdout
    lines = [json.loads(line) for line in invoke(recording.folder, "--kind", "rank", "--json").stdout.splitlines()]
    assert [(line["kind"], line["value"], line["lane"]) for line in lines][-1][:2] == ("rank", 2)
    assert all(line["since"] < line["step"] for line in lines if line["step"])


def test_lanes_of_one_seed_are_told_apart_by_their_settings(tmp_path):
    lanes = tuple(Lane(42, {"lr": rate}) for rate in (0.1, 0.2))
    loss = np.stack([falling(), falling(seed=1) + 10 * (np.arange(4000) == 3000)], axis=1)
    recording = record(tmp_path / "run", {"loss": (1, loss)}, scenario="bowl", steps=3999, label="sgd", lanes=lanes)
    result = invoke(recording.folder, "--kind", "spike")
    assert result.stdout.strip().endswith("in sgd, lr 0.2 seed 42")
    (mark,) = event_marks(scan.Scan([recording], scan.load(["spike"])).advance(), [recording])
    assert mark.text.endswith("(sgd, lr 0.2 seed 42)")


def test_expectations_decide_the_exit_status(tmp_path):
    recording = sensing(tmp_path / "sgd", lanes=2)
    assert invoke(recording.folder, "--expect", "rank>=2", "--forbid", "diverged").exit_code == 0
    result = invoke(recording.folder, "--expect", "rank>2", "--forbid", "rank")
    assert result.exit_code == 1
    assert "expected rank>2: rank happened 2 times in adamw, seed 43" in result.stderr
    assert "expected no rank" in result.stderr


def test_what_cannot_be_judged_does_not_pass(tmp_path):
    recording = record(tmp_path / "run", {"loss": (1, falling()[:, None])}, scenario="bowl", steps=3999)
    assert invoke(recording.folder, "--forbid", "spike").exit_code == 0
    result = invoke(recording.folder, "--forbid", "forgetting")
    assert result.exit_code == 1
    assert "records nothing that forgetting looks at\ncannot tell whether there is forgetting" in result.stderr
    result = invoke(recording.folder, "--kind", "spike:channel=accuracy")
    assert (result.exit_code, result.stderr) == (0, "adamw records nothing that spike looks at\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--expect", "rank=>2"], "write KIND or KIND>=NUMBER"),
        (["--kind", "spyke"], "did you mean 'spike'"),
        (["--kind", "spike:hihg=3"], "did you mean 'high'"),
    ],
)
def test_what_is_not_understood_is_said(arguments, words, tmp_path):
    result = invoke(voronoi(tmp_path / "run").folder, *arguments)
    assert words in str(result.exception)


def test_every_bundled_kind_of_recording_can_be_scanned(tmp_path):
    for kind in (sensing, voronoi):
        occurrences = scan.Scan([kind(tmp_path / kind.__name__, lanes=2)], scan.load()).advance()
        assert occurrences == sorted(occurrences)
