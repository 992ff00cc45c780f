"""Views of spectra and directions of an optimizer's statistics, and the scenario of Newton-Schulz steps."""

import itertools

import numpy as np
import pytest

import dynviz
from dynviz import DynvizError, plugins
from dynviz.optimizers import muon
from dynviz.scene.marks import Field, Line, ReferenceLine
from dynviz.views import _null
from dynviz.views.rotation import overlap


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("statistics") / "run"
    rules = ["shampoo:lr=1,beta2=0.9", "sketchy:lr=1,beta2=0.9,rank=9", "shampoo+graft:beta2=0.9"]
    record = ["state.*:every=4", "gradient:every=1"]
    return dynviz.run("matrix-sensing:d=32,batch=8", rules, seeds="0:2", steps=60, record=record, out=out)


def open_view(name, recordings, **options):
    return plugins.load("views", name).target(recordings, **options)


def averages(gradients, beta):
    """L after each gradient."""
    total = 0.0
    for gradient in gradients.astype(np.float64):
        total = beta * total + gradient @ gradient.T
        yield total


# Directions


def test_directions_span_the_top_quarters_eigenvectors(run):
    recording = run["shampoo"]
    *_, statistics = averages(recording.part("gradient", "W1")[:60, 1], 0.9)
    values, vectors = np.linalg.eigh(statistics)
    directions = recording["state.w1.directions.0"][-1, 1].astype(np.float64)
    assert directions.shape == (8, 32)
    assert values[-8] > 1.05 * values[-9]
    np.testing.assert_allclose(directions @ directions.T, np.eye(8), atol=1e-5)
    np.testing.assert_allclose(directions.T @ directions, vectors[:, -8:] @ vectors[:, -8:].T, atol=1e-4)
    np.testing.assert_allclose(
        np.einsum("ki,ij,kj->k", directions, statistics, directions),
        recording["state.w1.eigenvalues.0"][-1, 1, :8],
        rtol=1e-4,
    )


def test_a_sketchs_directions_are_its_rows(run):
    directions = run["sketchy"]["state.w1.directions.0"][-1, 0].astype(np.float64)
    assert directions.shape == (8, 32)
    np.testing.assert_allclose(directions @ directions.T, np.eye(8), atol=1e-5)
    assert overlap(directions, run["shampoo"]["state.w1.directions.0"][-1, 0]) > 0.3


def test_before_the_first_gradient_there_are_no_directions(run):
    for name in ("shampoo", "sketchy"):
        assert (run[name]["state.w1.directions.0"][0] == 0).all()


def test_overlaps_are_those_of_projections(run):
    rng = np.random.default_rng(0)
    one, other = (np.linalg.qr(rng.standard_normal((12, 3)))[0].T for _ in range(2))
    assert overlap(one, other) == pytest.approx(np.trace(one.T @ one @ other.T @ other) / 3)
    assert overlap(one, np.linalg.qr(rng.standard_normal((3, 3)))[0] @ one) == pytest.approx(1)
    assert np.isnan(overlap(0 * one, other))
    assert overlap(np.eye(12)[:3], np.vstack([np.eye(12)[0], np.zeros((2, 12))])) == 1


def test_the_rotation_view_compares_with_a_lag_and_any_two_samples(run):
    recording = run["shampoo"]
    film = open_view("rotation", [recording], parameter="W2", lag=8, lane=1)
    scene = film.scene(60)
    assert [panel.title for panel in scene.panels] == [
        "top quarter of W2: overlap with 8 steps before",
        "rows, any two steps",
        "columns, any two steps",
    ]
    directions = recording["state.w2.directions.0"][:, 1].astype(np.float64)
    curve = next(mark for mark in scene.panels[0].marks if isinstance(mark, Line) and mark.color == "lane0")
    assert np.isnan(curve.y[:3]).all()
    np.testing.assert_allclose(curve.y[3:], [overlap(directions[i - 2], directions[i]) for i in range(3, 16)])
    field = next(mark for mark in scene.panels[1].marks if isinstance(mark, Field))
    assert field.values.shape == (15, 15)
    np.testing.assert_allclose(np.diag(field.values), 1, rtol=1e-5)
    np.testing.assert_allclose(field.values, field.values.T, rtol=1e-9)
    assert field.values[2, 5] == pytest.approx(overlap(directions[3], directions[6]))
    assert len({str([(panel.x, panel.y) for panel in film.scene(int(step)).panels]) for step in film.steps}) == 1


@pytest.mark.parametrize(("turn", "jump", "jumps"), [(1e-3, 0.4, True), (1e-3, 0.0, False), (0.0, 0.05, False)])
def test_the_story_of_rotation_marks_where_a_space_jumps(turn, jump, jumps, tmp_path):
    run = dynviz.run("matrix-sensing:d=8", "shampoo", steps=40, record="state.*:every=1", out=tmp_path / "run")
    recording, channel = run["shampoo"], "state.w1.directions.0"
    angles = turn * np.arange(41) + (np.arange(41) >= 30) * jump
    spaces = np.zeros((41, 1, 2, 8), np.float32)
    spaces[1:, 0, 0, 0], spaces[1:, 0, 0, 1], spaces[1:, 0, 1, 2] = np.cos(angles[1:]), np.sin(angles[1:]), 1

    class Turned:
        def __getattr__(self, name):
            return getattr(recording, name)

        def __getitem__(self, name):
            return spaces if name == channel else recording[name]

        def __contains__(self, name):
            return name in recording

    film = open_view("rotation", [Turned()], parameter="W1", lag=4).story()
    scene = film.scene(40)
    assert [panel.title.split(",")[0] for panel in scene.panels[: scene.lead]] == ["rows", "columns"]
    assert all(panel.square and len(panel.marks) == 1 for panel in scene.panels[: scene.lead])
    assert scene.panels[0].x == scene.panels[1].x

    def marked(step):
        lines = (mark for mark in film.scene(step).panels[-1].marks if isinstance(mark, ReferenceLine))
        return [line.at for line in lines if line.label == "rows jump"]

    assert marked(40) == ([30.0] if jumps else [])
    assert marked(29) == []


def test_the_overlap_of_noise_is_that_of_averaged_noise():
    """Against gradients of noise, averaged one by one."""
    rng, beta, size, columns = np.random.default_rng(3), 0.9, 16, 5
    measured = []
    for _ in range(60):
        noise = rng.standard_normal((40, size, columns))
        spaces = [np.linalg.eigh(total)[1][:, -4:].T for total in averages(noise, beta)]
        measured.append(overlap(spaces[33], spaces[39]))
    assert _null.overlap((size, columns), beta, 40, 6) == pytest.approx(np.mean(measured), abs=0.04)
    # With a long lag nothing is left but chance, with a short one among long averages nothing has moved.
    assert _null.overlap((size, columns), beta, 400, 200) == pytest.approx(0.25, abs=0.04)


def test_what_has_no_directions_is_refused_in_words(tmp_path):
    run = dynviz.run("surface", "full-matrix-adagrad", steps=3, record="state.*", out=tmp_path / "run")
    with pytest.raises(DynvizError, match=r"--record 'state\.\*'.*shampoo and sketchy have such statistics"):
        open_view("rotation", list(run.values()))
    with pytest.raises(DynvizError, match="lag=-1 is not a number of steps"):
        open_view("rotation", list(run.values()), lag=-1)


# Spectra


def test_the_decay_view_has_a_pair_of_panels_for_each_recording(run):
    recordings = [run["shampoo"], run["sketchy"]]
    film = open_view("decay", recordings)
    panels = film.scene(60).panels
    assert [panel.title for panel in panels] == ["shampoo", "sketchy"] * 2
    assert panels[0].y.label == "top quarter of 4 spectra"
    drawn = [mark for mark in panels[2].marks if isinstance(mark, Line) and mark.color == "lane0"]
    assert len(drawn) == 4
    values = run["shampoo"]["state.w1.eigenvalues.0"][-1, 0].astype(np.float64)
    np.testing.assert_allclose(drawn[0].y, np.concatenate([[0], np.cumsum(values) / values.sum()]), rtol=1e-9)
    np.testing.assert_allclose(drawn[0].x, np.arange(33) / 32)
    (noise, *_) = [mark for mark in panels[0].marks if isinstance(mark, Line) and mark.color == "muted"]
    assert noise.y[-1] == pytest.approx(_null.share(32, 32, 0.9, 60))


def test_titles_say_what_tells_recordings_apart(tmp_path):
    runs = [
        dynviz.run(f"matrix-sensing:d={d}", "shampoo", steps=4, record="state.*:every=1", out=tmp_path / str(d))
        for d in (8, 12)
    ]
    film = open_view("decay", [one["shampoo"] for one in runs])
    assert [panel.title for panel in film.scene(4).panels] == ["8 x 8", "12 x 12"] * 2


def test_axes_that_are_short_or_diagonal_are_left_out(tmp_path):
    arguments = {"steps": 3, "record": "state.*:every=1"}
    diagonal = dynviz.run("matrix-sensing:d=12", "shampoo:largest=11", out=tmp_path / "diagonal", **arguments)
    short = dynviz.run("matrix-sensing:d=6", "shampoo", out=tmp_path / "short", **arguments)
    for run in (diagonal, short):
        with pytest.raises(DynvizError, match="axes from 8 entries"):
            open_view("decay", list(run.values()))
    assert len(open_view("decay", list(short.values()), least=4).scene(3).panels) == 2


# Newton-Schulz


@pytest.fixture(scope="module")
def iterated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("newton-schulz")
    return {
        name: dynviz.run(f"newton-schulz:{options}", "sgd", seeds="0:2", record="parameters:every=1", out=folder / name)
        for name, options in (("muon", "condition=100"), ("cubic", "polynomial=cubic"), ("tall", "rows=9,columns=4"))
    }


@pytest.mark.parametrize("name", ["muon", "cubic", "tall"])
def test_a_step_of_gradient_descent_is_a_newton_schulz_step(iterated, name):
    recording = iterated[name]["sgd"]
    a, b, c = (1.5, -0.5, 0.0) if name == "cubic" else (muon.A, muon.B, muon.C)
    path = recording.part("parameters", "X")[:, 1]
    assert np.linalg.norm(path[0]) == pytest.approx(1)
    for before, after in itertools.pairwise(path):
        square = before @ before.T
        expected = a * before + (b * square + c * square @ square) @ before
        np.testing.assert_allclose(after, expected, rtol=0, atol=1e-12)


def test_the_cubic_steps_come_to_the_orthogonal_factor_and_so_does_shampoo(iterated):
    recording = iterated["cubic"]["sgd"]
    left, _, right = np.linalg.svd(recording.part("parameters", "X")[0, 0], full_matrices=False)
    np.testing.assert_allclose(recording.part("parameters", "X")[-1, 0], left @ right, atol=1e-12)
    np.testing.assert_allclose(recording["true_singular_values"][0], 1, atol=1e-12)
    assert recording["relative_error"][-1, 0] < 1e-12
    np.testing.assert_allclose(recording["singular_values"][-1], 1, atol=1e-12)


def test_muons_steps_leave_singular_values_near_one_after_five(iterated):
    """Its own rule says in [0.68, 1.14] for singular values above 0.52 % of the norm after five steps."""
    values = iterated["muon"]["sgd"]["singular_values"]
    assert values[0].min() == pytest.approx(0.0075, rel=0.01)
    assert (values[5:] > 0.67).all()
    assert (values[5:] < 1.15).all()
