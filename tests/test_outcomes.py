"""What pictures say in sentences: each kind against recordings made for it, and against others."""

import numpy as np
import pytest

from dynviz.animation.alt import describe
from dynviz.animation.drawing import open_film
from dynviz.charts.outcomes import outcomes
from tests.lettering import words
from tests.recorded import record

STEPS = 100
T = np.arange(STEPS + 1.0)


def losses(folder, **curves):
    """A recording for each name, with this loss [samples] or [samples, lanes]."""
    return [
        record(folder / name, {"loss": (1, np.reshape(curve, (len(T), -1)))}, scenario="bowl", steps=STEPS, label=name)
        for name, curve in curves.items()
    ]


def ways(folder, **distances):
    """A recording for each name, so far [samples] from the minimum of a bowl."""
    x, y = np.meshgrid(np.linspace(-1, 1, 20), np.linspace(-1, 1, 20))
    facts = {"domain": [-1.0, 1.0, -1.0, 1.0], "optimum": [[0.0, 0.0]]}
    found = []
    for name, far in distances.items():
        position = np.stack([far, np.zeros_like(far)], axis=-1)[:, None]
        channels = {"loss": (1, (far**2 + 0.1 * T[::-1] + 1)[:, None]), "position": (1, position)}
        channels["landscape"] = 0, (x**2 + y**2)[None, None]
        found.append(record(folder / name, channels, scenario="surface", steps=STEPS, facts=facts, label=name))
    return found


def said(recordings):
    return [(outcome.step, outcome.text) for outcome in outcomes(recordings)]


def until(step, near=0.0):
    """One half until a step, then at the minimum."""
    return np.where(step > T, 0.5, near)


def test_who_arrives_first_is_said_at_the_step_from_which_it_stays(tmp_path):
    again = until(20)
    again[30:60] = 0.5
    assert said(ways(tmp_path, one=until(40), other=again)) == [(40, "one arrives first, at step 40.")]


def test_the_only_one_that_arrives_is_said_to_be(tmp_path):
    assert said(ways(tmp_path, one=until(40), other=until(200))) == [
        (40, "one arrives at step 40."),
        (100, "Only one has arrived."),
    ]


def test_two_that_arrive_at_once_or_none_that_does_are_no_event(tmp_path):
    assert said(ways(tmp_path / "a", one=until(40), other=until(40))) == []
    assert said(ways(tmp_path / "b", one=until(200), other=until(200))) == []


def test_who_diverged_is_said_with_the_first_step_from_which_it_has_no_loss(tmp_path):
    lost = np.where(T >= 30, np.nan, 1.0)
    lost[10] = np.inf
    assert said(losses(tmp_path / "a", one=lost)) == [(30, "one diverged at step 30.")]
    lanes = np.stack([lost, np.where(T >= 20, np.inf, 1.0), np.ones_like(T)], axis=1)
    assert said(losses(tmp_path / "b", one=lanes)) == [(20, "2 of 3 runs of one diverged, the first at step 20.")]


def test_a_passing_is_said_where_it_lasts(tmp_path):
    slow, fast = 10 - 0.05 * T, 14 - 0.12 * T
    (event,) = said(losses(tmp_path / "a", slow=slow, fast=fast))
    assert event == (58, "fast passes slow at step 58.")
    assert fast[58] < slow[58]
    assert fast[57] >= slow[57]
    late = np.where(T < 96, 14.0, 1.0)
    assert said(losses(tmp_path / "b", slow=slow, late=late)) == []
    assert said(losses(tmp_path / "c", slow=slow, below=slow - 1)) == []


def test_who_is_stuck_is_said_where_another_is_far_below(tmp_path):
    stuck, falls = 1 + np.maximum(40 - T, 0), 40 * np.exp(-T / 10)
    assert (40, "stuck has been stuck at a loss of 1 since step 40.") in said(
        losses(tmp_path / "a", stuck=stuck, falls=falls)
    )
    alike = np.maximum(41 - T, 0.6)
    assert not any("stuck" in text for _, text in said(losses(tmp_path / "b", one=stuck, other=alike)))


@pytest.mark.parametrize(("apart", "sentence"), [(0.0, True), (5.0, False)])
def test_no_difference_is_said_where_the_middle_halves_of_the_seeds_meet(apart, sentence, tmp_path):
    rng = np.random.default_rng(0)
    lanes = 1 + np.exp(-T / 20)[:, None] + 0.2 * rng.standard_normal(8)
    other = lanes[:, ::-1] + 0.01 + apart
    texts = [text for _, text in said(losses(tmp_path, one=lanes, other=other))]
    assert texts == ["No difference in the last loss beyond the spread of the seeds."] * sentence


def test_noisy_losses_pass_and_rest_unsaid(tmp_path):
    rng = np.random.default_rng(0)
    noisy = [1 + rng.random(len(T)) for _ in range(2)]
    assert said(losses(tmp_path, one=noisy[0], other=noisy[1])) == []


def test_a_sentence_stands_in_the_picture_from_its_step_on_and_begins_its_words(tmp_path):
    film = open_film(ways(tmp_path, one=until(40), other=until(200)), "path")
    for size, cells in (((120, 40), True), ((640, 480), False)):
        before, after, last = (
            " ".join(text for text, *_ in words(film.scene(step), size, cells=cells)) for step in (39, 40, 100)
        )
        assert "arrive" not in before
        assert "one arrives at step 40." in after
        assert "Only one has arrived." in last
    alt = describe(film, [0, 100])
    assert alt.startswith("one arrives at step 40. Only one has arrived. Animation of surface")
    assert describe(film, [0, 30]).startswith("Animation of surface")
