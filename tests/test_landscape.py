"""The scenario landscape, projections onto lines and planes, and the honesty meter."""

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import dynviz
from dynviz.cli.project import project as command
from dynviz.errors import DynvizError
from dynviz.plugins import load
from dynviz.projection import directions
from dynviz.projection.evaluate import losses, task_of
from dynviz.projection.project import Wish, project
from dynviz.recording import Recording
from dynviz.recording import projections as stored
from dynviz.recording.metadata import Lane, Part
from dynviz.scenarios.landscape import Landscape
from dynviz.scene.marks import Field
from dynviz.training.preparation import tasks
from tests.recorded import record

QUADRATIC = str(Path(__file__).parent / "files" / "quadratic.py")
PARTS = {"W": Part(0, (4, 6)), "b": Part(24, (4,)), "zero": Part(28, (3,))}


def wanted(**wish):
    """What is projected, of a scenario that is a file of these tests."""
    return Wish(trust=(QUADRATIC,), **wish)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Gradient descent with momentum on a quadratic, two lanes."""
    folder = tmp_path_factory.mktemp("runs") / "quadratic"
    return dynviz.run(QUADRATIC, "sgd:momentum=0.9", seeds="0:2", record="parameters", out=folder)


@pytest.fixture
def recording(run):
    return run["sgd"]


def closed_form(recording, row):
    """The loss in NumPy, of rows [..., 8]."""
    constants = task_of(recording, 0, QUADRATIC).constants
    return np.square(row @ constants["matrix"].numpy().T - constants["target"].numpy()).sum(axis=-1) / 2


@pytest.mark.parametrize("model", ["mlp", "cnn", "resnet"])
def test_a_network_of_the_landscape_has_finite_loss_and_gradients_and_learns_state(model):
    depth = {"depth": 8} if model == "resnet" else {}
    task = Landscape(model=model, data="shapes", dropout=0.2, **depth).build(0)
    batch = tuple(tensor[0] for tensor in task.batches(0, 1))
    parameters = {name: value.requires_grad_() for name, value in task.parameters.items()}
    out = task.loss(parameters, {**task.constants, **task.buffers}, batch)
    value, buffers = out if isinstance(out, tuple) else (out, {})
    gradients = torch.autograd.grad(value, list(parameters.values()))
    assert all(each.isfinite().all() and each.abs().sum() > 0 for each in gradients)
    assert set(buffers) == set(task.buffers)
    assert bool(task.buffers) == (model == "resnet")


def test_the_convolutional_network_has_the_published_number_of_parameters():
    task = Landscape(model="cnn", data="shapes").build(0)
    assert sum(value.numel() for value in task.parameters.values()) == 105_866


def test_batches_are_functions_of_seed_and_step_and_dropout_keeps_the_mean():
    task = Landscape(data="shapes", dropout=0.2).build(3)
    index, mask = task.batches(60, 10)
    again = Landscape(data="shapes", dropout=0.2).build(3).batches(63, 2)
    assert torch.equal(index[3:5], again[0])
    assert torch.equal(mask[3:5], again[1])
    assert all(len(set(row.tolist())) == len(row) for row in index)
    assert float(mask.mean()) == pytest.approx(1, abs=0.01)
    assert float((mask == 0).double().mean()) == pytest.approx(0.2, abs=0.01)


def test_digits_are_of_scikit_learn_and_the_test_images_are_kept_apart():
    pytest.importorskip("sklearn")
    task = Landscape().build(0)
    seen = {bytes(image.numpy().tobytes()) for image in task.constants["train"]}
    assert len(task.constants["train"]) + len(task.constants["test"]) == 1797
    assert not any(image.numpy().tobytes() in seen for image in task.constants["test"])


def test_a_perceptron_learns_the_shapes(tmp_path):
    found = dynviz.run("landscape:data=shapes", "sgd", steps=200, out=tmp_path / "run")["sgd"]
    assert found["train_loss"][-1, 0] < 0.7 * found["train_loss"][0, 0]


def test_running_statistics_of_a_residual_network_are_state_that_lanes_do_not_share(tmp_path):
    found = dynviz.run(
        "landscape:model=resnet,data=shapes,depth=8,batch=8", "sgd", seeds="0:2", steps=2, out=tmp_path / "r"
    )
    alone = dynviz.run(
        "landscape:model=resnet,data=shapes,depth=8,batch=8", "sgd", seeds=1, steps=2, out=tmp_path / "a"
    )
    assert found["sgd"]["loss"][:, 1] == pytest.approx(alone["sgd"]["loss"][:, 0], rel=1e-3)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"width": 8, "model": "cnn"}, "width belongs to model=mlp"),
        ({"skip": False}, "skip belongs to model=resnet"),
        ({"width": 0}, "from 1 to 4096"),
        ({"depth": 21, "model": "resnet"}, "8, 14, 20"),
        ({"dropout": 1.0}, "from 0 to below 1"),
        ({"model": "vgg"}, "mlp, cnn, resnet"),
    ],
)
def test_a_bad_option_is_refused_with_what_would_be_accepted(options, says):
    with pytest.raises(DynvizError, match=says):
        Landscape(**options)


@pytest.mark.slow
def test_a_residual_network_learns_with_skip_connections_and_without_and_sooner_with_them(tmp_path):
    found = {
        skip: dynviz.run(
            f"landscape:model=resnet,depth=20,batch=64,skip={skip}", "sgd", seeds=0, steps=60, out=tmp_path / skip
        )["sgd"]
        for skip in ("true", "false")
    }
    ends = {skip: recording["train_loss"][-1, 0] for skip, recording in found.items()}
    assert all(each["train_loss"][0, 0] > 2 for each in found.values())
    assert ends["true"] < 0.3
    assert ends["false"] < 1.5
    assert ends["true"] < 0.5 * ends["false"]
    assert found["true"]["test_accuracy"][-1, 0] > 0.85


@pytest.mark.slow
def test_the_convolutional_network_with_dropout_and_without_is_drawn_before_during_and_after(tmp_path):
    runs = [
        dynviz.run(
            f"landscape:model=cnn,dropout={share},batch=128",
            "sgd",
            seeds=0,
            steps=60,
            record="parameters:every=30",
            out=tmp_path / str(share),
        )
        for share in (0.0, 0.2)
    ]
    for run in runs:
        recording = run["sgd"]
        middles = []
        for at in (0, 30, 60):
            line = project(recording, wanted(directions="gaussian", dimensions=1, grid=3, extent=0.3, at=at))
            plane = project(recording, wanted(directions="gaussian", grid=3, extent=0.3, at=at))
            assert line.about.losses == plane.about.losses == ("train_loss", "test_loss")
            # Measured without dropout: the loss is a function of the parameters, and that of the recording.
            own = [recording[name][recording.steps(name) == at, 0].item() for name in line.about.losses]
            assert line.values[:, 1].tolist() == pytest.approx(own, rel=1e-4)
            assert plane.values[:, 1, 1].tolist() == pytest.approx(own, rel=1e-4)
            middles.append(plane.values[0, 1, 1])
        assert middles[0] > 2 > 1 > middles[1] > middles[2]


def test_gaussian_directions_have_the_norm_of_each_tensor():
    row = np.r_[np.random.default_rng(0).standard_normal(28), 0, 0, 0]
    found = directions.gaussian(row, PARTS, np.random.default_rng(1))
    assert np.linalg.norm(found[:24]) == pytest.approx(np.linalg.norm(row[:24]))
    assert np.linalg.norm(found[24:28]) == pytest.approx(np.linalg.norm(row[24:28]))
    assert not found[28:].any()


def test_filter_normalised_directions_have_the_norm_of_each_filter_and_leave_biases():
    row = np.random.default_rng(0).standard_normal(31)
    found = directions.filter_normalised(row, PARTS, np.random.default_rng(1))
    norms = [np.linalg.norm(each[:24].reshape(4, 6), axis=1) for each in (found, row)]
    assert norms[0] == pytest.approx(norms[1])
    assert not found[24:].any()


def test_principal_components_explain_the_share_that_they_should():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((30, 3)) * [3, 2, 0.5] @ np.linalg.qr(rng.standard_normal((40, 3)))[0].T
    found = directions.principal(rows, 2)
    spectrum = np.square(np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False))
    assert found @ found.T == pytest.approx(np.eye(2), abs=1e-9)
    assert directions.explained(rows, found) == pytest.approx(spectrum[:2].sum() / spectrum.sum())
    assert directions.explained(rows, found[:1]) == pytest.approx(spectrum[0] / spectrum.sum())


def test_coordinates_on_a_plane_of_crossed_directions_are_exact_and_distances_are_those_off_it():
    rng = np.random.default_rng(0)
    axes = rng.standard_normal((2, 9))
    normal = np.linalg.svd(axes)[2][-1]
    place, off = directions.coordinates(np.array([[2.0, -1.0], [0.5, 3.0]]) @ axes + [[0.0], [0.7]] * normal, axes)
    assert place == pytest.approx(np.array([[2.0, -1.0], [0.5, 3.0]]))
    assert off == pytest.approx([0, 0.7], abs=1e-9)


@pytest.mark.parametrize("kind", ["filter", "gaussian", "pca"])
def test_a_quadratic_is_projected_exactly(recording, kind):
    found = project(recording, wanted(directions=kind, grid=5, losses=("loss", "val_loss")))
    assert found.values.shape == (2, 5, 5)
    # Any plane through a quadratic is one: six points say what it is at all others.
    a, b = np.meshgrid(*found.axes)
    terms = np.stack([np.ones(25), a.ravel(), b.ravel(), a.ravel() ** 2, a.ravel() * b.ravel(), b.ravel() ** 2], axis=1)
    solution, *_ = np.linalg.lstsq(terms, found.values[0].ravel(), rcond=None)
    assert terms @ solution == pytest.approx(found.values[0].ravel(), rel=1e-9)
    assert found.values[1] == pytest.approx(2 * found.values[0])
    assert found.paths[0].loss[0] == pytest.approx(closed_form(recording, recording["parameters"][:, 0]))


def test_the_middle_of_a_plane_is_the_state_at_the_chosen_step(recording):
    found = project(recording, wanted(grid=5, at=10, losses=("loss",)))
    assert found.about.at == 10
    assert found.values[0, 2, 2] == pytest.approx(recording["loss"][10, 0])


def test_a_line_of_the_first_component_goes_through_the_last_state(recording):
    found = project(recording, wanted(directions="pca", dimensions=1, grid=7, losses=("loss",)))
    assert found.values.shape == (1, 7)
    assert len(found.axes) == 1
    assert found.paths[0].place[-1] == pytest.approx([0], abs=1e-12)


def planar(folder, *, leaves):
    """A recorded trajectory of the quadratic on a plane; the last half of it `leaves` it."""
    rng = np.random.default_rng(4)
    axes = np.linalg.qr(rng.standard_normal((8, 3)))[0].T
    t = np.linspace(0, 2, 21)
    rows = np.stack([np.cos(t), np.sin(2 * t)], axis=1) @ axes[:2]
    rows[10:-1] += leaves * axes[2] * np.hanning(12)[1:-1, None]
    made = record(folder, {"parameters": (1, rows[:, None])}, scenario=QUADRATIC, steps=20)
    return made, rows


def test_the_honesty_meter_is_zero_on_the_plane_and_flags_a_trajectory_that_leaves_it(tmp_path):
    on, _ = planar(tmp_path / "on", leaves=0.0)
    off, _ = planar(tmp_path / "off", leaves=3.0)
    flat, bent = (project(each, wanted(directions="pca", grid=3, losses=("loss",))).paths[0] for each in (on, off))
    assert flat.explained == pytest.approx(1)
    assert flat.off == pytest.approx(0, abs=1e-6)
    assert flat.error == pytest.approx(0, abs=1e-5)
    assert flat.share.max() < 1e-5
    assert bent.explained < 0.98
    assert bent.share.max() > 0.1
    assert bent.error.max() > 0.05


def test_pictures_of_planes_can_share_their_heights(run):
    for recording in run.recordings:
        project(recording, wanted(directions="gaussian", grid=5)).save(recording.folder, "shared")
    film = load("views", "landscape:projection=shared,ground=heat,low=0.5,high=8").make(recordings=run.recordings)
    for panel in film.scene(40).panels:
        (field,) = (mark for mark in panel.marks if isinstance(mark, Field))
        assert (field.norm.low, field.norm.high) == (0.5, 8.0)
    with pytest.raises(DynvizError, match="low and high from 0"):
        load("views", "landscape:projection=shared,low=8,high=2").make(recordings=run.recordings)


def test_directions_between_networks_end_at_them(run):
    first, second = Recording(run.folder / "sgd", [0]), Recording(run.folder / "sgd", [1])
    found = project(first, wanted(directions="between", dimensions=1, grid=11, extent=0.5, losses=("loss",)), [second])
    last = {index: found.paths[index].place[-1, 0] for index in (0, 1)}
    assert last == pytest.approx({0: 0, 1: 1}, abs=1e-9)
    assert found.paths[1].off[-1] == pytest.approx(0, abs=1e-9)
    assert found.paths[1].shadow[0, -1] == pytest.approx(float(closed_form(first, second["parameters"][-1, 0])))


def test_points_in_batches_have_the_values_of_points_one_by_one(recording):
    measured = losses(task_of(recording, 0, QUADRATIC), ("loss", "val_loss"))
    rows = np.random.default_rng(0).standard_normal((9, 8))
    together = measured.at(lambda start, stop: rows[start:stop], 9, memory=10**9)
    alone = measured.at(lambda start, stop: rows[start:stop], 9, memory=1)
    assert measured.together(rows[:1], memory=1) == 1
    assert together == pytest.approx(alone)
    assert together[0] == pytest.approx(closed_form(recording, rows))


def test_the_training_loss_is_the_mean_over_so_many_batches():
    """With one batch it is that of the first step."""
    (task,) = tasks(load("scenarios", "matrix-sensing:d=6,batch=3"), (Lane(5, {}),))
    row = np.random.default_rng(0).standard_normal((1, sum(one.numel() for one in task.parameters.values())))
    sizes = np.cumsum([one.numel() for one in task.parameters.values()])[:-1]
    parts = np.split(row[0], sizes)
    parameters = {
        name: torch.from_numpy(part.reshape(one.shape).astype(np.float32))
        for (name, one), part in zip(task.parameters.items(), parts, strict=True)
    }
    drawn = task.batches(0, 7)
    single = [float(task.loss(parameters, task.constants, tuple(one[step] for one in drawn))) for step in range(7)]
    assert len(set(single)) == 7
    for count in (1, 4, 7):
        measured = losses(task, ("loss",), count)
        assert measured.at(lambda start, stop: row[start:stop], 1)[0, 0] == pytest.approx(
            np.mean(single[:count]), rel=1e-5
        )


def test_progress_ends_at_the_number_of_all_points(recording):
    heard = []
    project(recording, wanted(grid=4, losses=("loss",)), progress=lambda done, count: heard.append((done, count)))
    assert heard[-1] == (16 + 2 * 41, 16 + 2 * 41)
    assert heard == sorted(heard)


def test_a_stored_projection_is_read_as_it_was(recording, tmp_path):
    found = project(recording, wanted(grid=4))
    found.save(tmp_path, "mine")
    again = stored.load(tmp_path, "mine")
    assert again.about == found.about
    assert again.lengths == found.lengths
    assert np.array_equal(again.values, found.values)
    for key in ("steps", "place", "off", "far", "loss", "shadow", "explained"):
        assert np.array_equal(getattr(again.paths[0], key), getattr(found.paths[0], key))
    assert stored.names(tmp_path) == ("mine",)


def test_a_damaged_or_missing_projection_is_one_line(tmp_path):
    (tmp_path / "projections").mkdir()
    (tmp_path / "projections" / "bad.npz").write_bytes(b"PK nothing")
    with pytest.raises(DynvizError, match="not a projection"):
        stored.load(tmp_path, "bad")
    with pytest.raises(DynvizError, match="no projection of"):
        stored.load(tmp_path, "bat")


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"directions": "between"}, "--to RUN"),
        ({"losses": ("val_los",)}, "did you mean 'val_loss'"),
        ({"lane": 7}, "lanes 0 to 1"),
    ],
)
def test_a_wish_that_cannot_be_had_is_refused_in_words(recording, wish, words):
    with pytest.raises(DynvizError, match=words):
        project(recording, wanted(**wish))


def test_a_recording_without_parameters_says_how_to_get_them(tmp_path):
    made = record(tmp_path / "r", {"loss": (1, np.ones((3, 1)))}, scenario=QUADRATIC, steps=2)
    with pytest.raises(DynvizError, match="--record parameters"):
        project(made, wanted())


def test_the_command_writes_projections_and_the_views_draw_them(run):
    for arguments in (["--directions", "pca"], ["--line", "--name", "mine"], ["--to", f"{run.folder}@1", "--line"]):
        out = CliRunner().invoke(
            command, [str(run.folder), "--grid", "5", "--trust", QUADRATIC, *arguments], catch_exceptions=False
        )
        assert Path(out.stdout.strip()).is_file()
    plane = load("views", "landscape").make(recordings=run.recordings)
    line = load("views", "line:projection=mine").make(recordings=run.recordings)
    # Of random directions nothing is said about the way.
    for film, panels in ((plane, 3), (line, 1)):
        for step in (0, 7, 40):
            assert len(film.scene(step).panels) == panels
    both = load("views", "line:projection=between-line-to-quadratic-sgd-grid-5").make(recordings=run.recordings)
    assert len(both.scene(40).panels[0].readouts) == 2


def test_a_lane_has_a_projection_of_its_own_that_its_view_finds(run):
    recording = run["sgd"]
    names = {}
    for source in (f"{run.folder}@1", f"{run.folder}@0"):
        out = CliRunner().invoke(
            command, [source, "--grid", "3", "--directions", "gaussian", "--trust", QUADRATIC], catch_exceptions=False
        )
        names[source[-1]] = Path(out.stdout.strip()).stem
    assert names == {"1": "gaussian-plane-grid-3-lane-1", "0": "gaussian-plane-grid-3"}
    out = CliRunner().invoke(
        command,
        [str(run.folder), "--lane", "1", "--line", "--at", "10", "--grid", "3", "--trust", QUADRATIC],
        catch_exceptions=False,
    )
    assert Path(out.stdout.strip()).stem == "filter-line-10-grid-3-lane-1"
    values = {lane: stored.load(recording.folder, name).values for lane, name in names.items()}
    assert values["0"][0, 1, 1] == pytest.approx(float(closed_form(recording, recording["parameters"][-1, 0])))
    assert values["1"][0, 1, 1] == pytest.approx(float(closed_form(recording, recording["parameters"][-1, 1])))
    # The newest is that of lane 0: what is asked for counts.
    for lane in (0, 1):
        film = load("views", "landscape:ground=heat").make(recordings=[Recording(recording.folder, [lane])])
        field = film.scene(40).panels[0].marks[0]
        assert np.array_equal(field.values, values[str(lane)][0])


def test_projections_that_differ_have_names_that_differ(run):
    usual = [str(run.folder), "--line", "--grid", "3", "--at", "20", "--trust", QUADRATIC]
    asked = [[], ["--seed", "1"], ["--extent", "0.5"], ["--of", "loss"], ["--to", f"{run.folder}@1"]]
    names = []
    for more in asked:
        done = CliRunner().invoke(command, [*usual, *more], catch_exceptions=False)
        assert done.exit_code == 0
        names.append(Path(done.stdout.strip()).stem)
    assert names == [
        "filter-line-20-grid-3",
        "filter-line-20-grid-3-seed-1",
        "filter-line-20-grid-3-extent-0.5",
        "filter-line-20-grid-3-of-loss",
        "between-line-20-to-quadratic-sgd-grid-3",
    ]


@pytest.mark.parametrize(("view", "kind"), [("landscape", ""), ("line", " --line")])
def test_a_lane_that_is_not_projected_is_named_in_the_command_that_would(view, kind, tmp_path):
    made = record(tmp_path / "r", {"parameters": (1, np.ones((3, 2, 8)))}, scenario=QUADRATIC, steps=2)
    alone = Recording(made.folder, [1])
    with pytest.raises(DynvizError, match=rf"dynviz project \S+/r@1{kind}$"):
        load("views", view).make(recordings=[alone])


def test_what_is_of_another_size_from_the_first_is_seen_in_the_meter(tmp_path):
    made, _ = planar(tmp_path / "far", leaves=0.0)
    found = project(made, wanted(directions="pca", grid=3, losses=("loss",)))
    path = found.paths[0]
    path.loss[:] = np.geomspace(2.0, 1e-5, len(path.steps))
    path.shadow[:] = 1e-5
    found.save(made.folder, "far")
    panel = load("views", "landscape:projection=far").make(recordings=[made]).scene(20).panels[1]
    assert panel.y.scale == "log"
    assert panel.y.limits[1] > 2


def test_a_view_of_a_projection_that_is_not_there_says_how_to_make_it(tmp_path):
    made = record(tmp_path / "r", {"parameters": (1, np.ones((3, 1, 8)))}, scenario=QUADRATIC, steps=2)
    with pytest.raises(DynvizError, match="dynviz project"):
        load("views", "landscape").make(recordings=[made])


@pytest.mark.parametrize(("model", "count", "title"), [
    ("mlp", 1285, "training loss"), ("cnn", 512, "training loss, 512 of 1285 images"),
])  # fmt: skip
def test_the_training_loss_is_of_all_images_or_its_title_says_of_how_many(model, count, title):
    task = Landscape(model=model).build(0)
    probe = task.probes[0]
    assert probe.channels[0].title == title
    constants = {**task.constants, **task.buffers}
    constants["train_label"] = constants["train_label"].clone()
    with torch.no_grad():
        before = probe.measure(task.parameters, constants, ())[0]
        constants["train_label"][count - 1] = (constants["train_label"][count - 1] + 1) % 10
        within = probe.measure(task.parameters, constants, ())[0]
        constants["train_label"][count:] = (constants["train_label"][count:] + 1) % 10
        beyond = probe.measure(task.parameters, constants, ())[0]
    assert within != before
    assert beyond == within
