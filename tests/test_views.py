"""Every view that is found, with short recordings of every scenario."""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from dynviz import plugins
from dynviz.errors import DynvizError
from dynviz.scene.marks import Band, Contours, Field, Line, Points, Regions, Text
from tests.recorded import KINDS, suiting, wanting

VIEWS = sorted(plugins.files("views"))


def open_view(name, recordings, **options):
    return plugins.load("views", name).target(recordings, **options)


def scenes_of(film):
    return [film.scene(int(step)) for step in film.steps]


def arrays(scene):
    """The arrays of a scene, by place."""
    return {
        (place, order, field.name): getattr(mark, field.name)
        for place, panel in enumerate(scene.panels)
        for order, mark in enumerate(panel.marks)
        for field in fields(mark)
        if isinstance(getattr(mark, field.name), np.ndarray)
    }


def kinds_of_marks(scene):
    return [[type(mark) for mark in panel.marks] for panel in scene.panels]


def room(readouts):
    """What of readouts the arrangement of a picture depends on."""
    return [(readout.widest or readout.text, readout.color, readout.name) for readout in readouts]


def axes(scene):
    return [(panel.title, panel.x, panel.y, panel.square) for panel in scene.panels]


@pytest.fixture(params=VIEWS)
def name(request):
    return request.param


def make(kind, tmp_path, count=1, **options):
    return [KINDS[kind](tmp_path / f"rule{'x' * i}", label=f"rule{i}", **options) for i in range(count)]


OPTIONS = [
    (1, {}),
    (2, {}),
    (3, {"lanes": 2}),
    (1, {"lanes": 8}),
    (2, {"lanes": 8, "lost": 3}),
    (1, {"lost": 0}),
    (1, {"samples": 1}),
    (2, {"lanes": 8, "samples": 1}),
    (1, {"samples": 1, "steps": 0}),
    (1, {"steps": 1}),
]


@pytest.mark.parametrize(("name", "kind"), sorted(wanting().keys() - suiting()))
def test_a_view_that_cannot_show_a_recording_says_what_it_needs(name, kind, tmp_path):
    measured = r"the channel '[\w.*]+'|a projection onto a \w+|measured eigenvalues"
    needs = rf"(({measured}), which recording 'rule0'|lanes that differ in an option)"
    for number, (count, options) in enumerate(OPTIONS):
        with pytest.raises(DynvizError, match=rf"^view {name} needs {needs}"):
            open_view(name, make(kind, tmp_path / str(number), count, **options))


def test_every_recording_can_be_shown_by_each_view_that_it_suggests():
    with tempfile.TemporaryDirectory() as folder:
        suggested = {(name, kind) for kind in KINDS for name in make(kind, Path(folder, kind))[0].metadata.views}
    assert suggested <= set(suiting())


@pytest.mark.parametrize(("count", "options"), OPTIONS)
@pytest.mark.parametrize(("name", "kind"), suiting())
def test_a_view_makes_scenes_of_one_build(name, kind, count, options, tmp_path):
    recordings = make(kind, tmp_path, count, **options)
    if name == "convergence" and (options.keys() & {"samples", "steps"} or options == {"lost": 0}):
        with pytest.raises(DynvizError, match="needs 200 samples of the loss"):
            open_view(name, recordings)
        return
    film = open_view(name, recordings)
    assert film.steps.dtype == np.int64
    assert np.all(np.diff(film.steps) > 0)
    first, *others = scenes_of(film)
    assert first.steps == recordings[0].total
    assert first.panels
    assert all(panel.marks for panel in first.panels)
    for scene in others:
        assert kinds_of_marks(scene) == kinds_of_marks(first)
        assert axes(scene) == axes(first)
        assert (scene.title, room(scene.readouts)) == (first.title, room(first.readouts))
    for panel in first.panels:
        for axis in (panel.x, panel.y):
            assert np.isfinite(axis.limits).all()
            assert axis.limits[0] < axis.limits[1]
            assert axis.scale == "linear" or axis.limits[0] > 0


@pytest.mark.parametrize(("name", "kind"), suiting())
def test_what_does_not_change_is_the_same_object(name, kind, tmp_path):
    recordings = make(kind, tmp_path, 2, lanes=3)
    film = open_view(name, recordings)
    scenes = scenes_of(film)
    still = arrays(scenes[0])
    for scene in scenes:
        for key, array in arrays(scene).items():
            mark = scene.panels[key[0]].marks[key[1]]
            # The bright end of a trajectory is always another part of it, and a ring of a deviation another circle.
            comet = isinstance(mark, Line) and mark.along is not None and mark.now is None
            ring = name == "rings" and isinstance(mark, Line) and mark.now is None
            # What is known of a profile is another staircase.
            stairs = name == "performance" and isinstance(mark, Line) and mark.now is None
            # The tint of an undecided map goes once that has decided.
            tint = isinstance(mark, Band) and mark.color == "muted"
            if isinstance(mark, Line | Band | Contours) and not comet and not ring and not stairs and not tint:
                assert array is still[key]
    again = arrays(film.scene(int(film.steps[-1])))
    assert all(array is arrays(scenes[-1])[key] for key, array in again.items())


def test_what_changes_with_samples_stays_the_same_object_between_them(tmp_path):
    film = open_view("benchmark", make("voronoi", tmp_path))
    fields_ = [film.scene(step).panels[0].marks[0] for step in (20, 27, 39, 40)]
    assert fields_[0].values is fields_[1].values
    assert fields_[0].values is fields_[2].values
    assert fields_[0].values is not fields_[3].values


@pytest.mark.parametrize(("name", "kind"), suiting())
def test_limits_hold_all_that_is_drawn(name, kind, tmp_path):
    recordings = make(kind, tmp_path, 2, lanes=3)
    for panel in open_view(name, recordings).scene(0).panels:
        for mark in panel.marks:
            # A map shows a part of the plane: there may be centers beyond it.
            if not isinstance(mark, Line | Band) and panel.title != "centers":
                continue
            for coordinate, axis in (("x", panel.x), ("y", panel.y), ("low", panel.y), ("high", panel.y)):
                values = getattr(mark, coordinate, None)
                if values is not None:
                    assert axis.limits[0] <= np.nanmin(values)
                    assert axis.limits[1] >= np.nanmax(values)


@pytest.mark.parametrize("channel", ["val_loss", "offset", "plus_minus"])
def test_a_diverged_lane_does_not_flatten_the_others(channel, tmp_path):
    well = make("voronoi", tmp_path / "well", lanes=8)
    lost = make("voronoi", tmp_path / "lost", lanes=8, lost=3)
    (fine,) = open_view("curves", well, channels=channel).scene(0).panels
    (panel,) = open_view("curves", lost, channels=channel).scene(0).panels
    assert panel.y.scale == fine.y.scale
    assert np.ptp(panel.y.limits) < 1.5 * np.ptp(fine.y.limits)
    assert all(np.abs(mark.y[np.isfinite(mark.y)]).max() < 1e30 for mark in panel.marks if isinstance(mark, Line))


def test_a_lane_that_diverged_is_the_worst_in_the_median_and_counted_beside_it(tmp_path):
    (recording,) = make("voronoi", tmp_path, lanes=8, lost=3)
    (panel,) = open_view("curves", [recording], channels="val_loss").scene(400).panels
    worst = np.nan_to_num(recording["val_loss"][-1], nan=np.inf)
    assert panel.readouts[0].text == f"{np.median(worst):.3f} (1 of 8 diverged)"


def test_a_model_that_diverged_has_no_classes(tmp_path):
    panel = open_view("logits", make("voronoi", tmp_path, lost=0)).scene(400).panels[0]
    assert np.isnan(panel.marks[0].values).all()
    assert panel.readouts[0].text == "diverged"


def test_a_map_of_shares_that_hardly_differ_is_tinted_and_says_undecided(tmp_path):
    (recording,) = make("voronoi", tmp_path)
    shares = recording["prediction"][:, 0, :, :, 1]
    for index, step in enumerate(recording.steps("prediction")):
        _, tint, word = open_view("logits", [recording]).scene(int(step)).panels[0].marks[:3]
        undecided = np.abs(2 * shares[index].astype(float) - 1).mean() < 0.15
        assert word.text == ("undecided" if undecided else "")
        assert np.isfinite(tint.x).all() == undecided


@pytest.mark.parametrize("name", [name for name in VIEWS if "lane" in plugins.load("views", name).options])
def test_every_view_of_one_lane_says_which_lanes_there_are(name, tmp_path):
    plugin = plugins.load("views", name)
    kind = "sensing" if name == "spectrum" else "voronoi"
    with pytest.raises(DynvizError, match="no lane 2 in recording 'rule0'; it has lanes 0 to 1, with seeds 42, 43"):
        plugin.target(make(kind, tmp_path, lanes=2), lane=2)


def test_recordings_of_different_length_share_the_longer_axis(tmp_path):
    short = KINDS["voronoi"](tmp_path / "short", label="short", steps=100)
    long = KINDS["voronoi"](tmp_path / "long", label="long", steps=400)
    film = open_view("benchmark", [short, long])
    scene = film.scene(300)
    assert scene.steps == film.steps[-1] == 400
    assert np.array_equal(scene.panels[0].marks[0].values, short["prediction"][-1, 0, :, :, 1])
    line = scene.panels[2].marks[0]
    assert scene.panels[2].x.limits == (0, 400)
    assert (line.x[-1], line.now) == (100, 100)


def test_every_first_line_and_option_is_documented(name):
    help_line = plugins.summary(plugins.files("views")[name])
    assert 0 < len(help_line) <= 80
    assert help_line.endswith(".")
    for option in plugins.load("views", name).options.values():
        assert option.help, option.name


@pytest.mark.parametrize(("name", "kind"), suiting())
def test_a_copy_of_every_view_is_a_users_file(name, kind, tmp_path):
    recordings = make(kind, tmp_path)
    copy = tmp_path / "mine.py"
    shutil.copy(plugins.files("views")[name], copy)
    ours, mine = open_view(name, recordings), plugins.load("views", str(copy)).target(recordings)
    assert np.array_equal(ours.steps, mine.steps)
    assert axes(ours.scene(0)) == axes(mine.scene(0))


def test_views_need_neither_torch_nor_a_backend():
    code = (
        "import sys; from dynviz import plugins\n"
        "for name in plugins.files('views'): plugins.load('views', name)\n"
        "print([name for name in ('torch', 'matplotlib', 'PIL', 'rich', 'textual') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_channel_that_waits_for_its_first_sample_is_said_to_wait(name, tmp_path):
    for kind in KINDS:
        recordings = make(kind, tmp_path / kind, samples=0)
        with pytest.raises(DynvizError, match=r"has no sample yet|does not have"):
            open_view(name, recordings)


def test_maps_are_of_fields_and_regions(tmp_path):
    recordings = make("voronoi", tmp_path)
    assert isinstance(open_view("logits", recordings).scene(0).panels[0].marks[0], Field)
    assert isinstance(open_view("environment", recordings).scene(0).panels[0].marks[0], Regions)


def test_a_lane_that_diverged_ends_in_an_arrow_and_a_word(tmp_path):
    film = open_view("curves", make("voronoi", tmp_path, lost=0), channels="val_loss")
    (before,), (after,) = film.scene(0).panels, film.scene(400).panels
    (arrow,) = (mark for mark in after.marks if isinstance(mark, Points) and len(mark.x))
    words = [next(mark.text for mark in panel.marks if isinstance(mark, Text)) for panel in (before, after)]
    assert (arrow.marker, len(arrow.x)) == ("up", 1)
    assert words[0] == ""
    assert words[1].startswith("rule0 left at step ")
    assert not any(len(mark.x) for mark in before.marks if isinstance(mark, Points))
    assert after.readouts[0].text == "diverged"
