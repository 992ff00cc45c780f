"""The views of functions of one and two variables: what is where, from numbers that are known."""

from dataclasses import replace

import numpy as np
import pytest

import dynviz
from dynviz import DynvizError, plugins
from dynviz.cells.canvas import CellCanvas
from dynviz.charts.density import density
from dynviz.charts.moments import likeness, moments, product
from dynviz.charts.relief import Camera, Relief
from dynviz.charts.relief_picture import balls, nested
from dynviz.charts.whitening import curvatures, gathered, own, scaled
from dynviz.pixels import PixelCanvas
from dynviz.pixels.metrics import pixel_page
from dynviz.pixels.pen import Pen
from dynviz.scene.contouring import traced
from dynviz.scene.marks import Arrows, Axis, Bars, Contours, Field, Line, Panel, Points, Scene, Text
from dynviz.scene.refining import refined
from dynviz.scene.terrain import Terrain
from dynviz.scene.theme import theme
from tests.recorded import record, sensing, surface, voronoi

PLANES = ["path", "cloud", "surface3d"]


def open_view(name, recordings, **options):
    return plugins.load("views", name).target(recordings, **options)


def marks(panel, kind):
    return [mark for mark in panel.marks if isinstance(mark, kind)]


def line(folder, *, lanes=1, steps=40, spread=1.0, **more):
    """Balls that roll to 0 on x^2 over [-2, 2]."""
    t = np.arange(steps + 1)[:, None]
    position = 1.5 * 0.9**t * np.linspace(1, 1 - 2 * spread, lanes)[None]
    x = np.linspace(-2, 2, 201)
    channels = {
        "loss": (1, position**2),
        "position": (1, position[..., None]),
        "landscape": (0, np.tile(x**2, (1, lanes, 1))),
    }
    facts = {"function": "bowl", "domain": [-2.0, 2.0], "optimum": [[0.0]]}
    return record(folder, channels, steps=steps, scenario="surface", facts=facts, views=("profile",), **more)


@pytest.fixture(scope="module")
def bowls(tmp_path_factory):
    """Two rules on a tilted bowl, with all that views can ask for."""
    folder = tmp_path_factory.mktemp("bowls") / "run"
    spec = "surface:f=quadratic,condition=12,start=(0.5,1.5),grid=64"
    run = dynviz.run(spec, ["adagrad", "full-matrix-adagrad"], record=["term.*", "gradient", "state.*"], out=folder)
    return [run["adagrad"], run["full-matrix-adagrad"]]


@pytest.mark.parametrize("name", PLANES)
def test_a_scene_keeps_its_build_and_its_axes(name, bowls):
    film = open_view(name, bowls)
    first, *others = [film.scene(step) for step in (0, 1, 17, 300)]
    for scene in others:
        for panel, before in zip(scene.panels, first.panels, strict=True):
            assert [type(mark) for mark in panel.marks] == [type(mark) for mark in before.marks]
            assert (panel.title, panel.x, panel.y) == (before.title, before.x, before.y)


@pytest.mark.parametrize("name", [*PLANES, "profile", "preconditioned", "kronecker"])
def test_a_view_says_which_channel_another_scenario_lacks(name, tmp_path):
    for make in (voronoi, sensing):
        with pytest.raises(DynvizError, match=rf"^view {name} needs the channel '\w+', which recording"):
            open_view(name, [make(tmp_path / make.__name__)])


@pytest.mark.parametrize("name", [*PLANES, "preconditioned"])
def test_a_view_of_planes_sends_functions_of_one_variable_to_profile(name, tmp_path):
    with pytest.raises(DynvizError, match="view profile the curve"):
        open_view(name, [line(tmp_path / "a")])
    with pytest.raises(DynvizError, match="View path draws two"):
        open_view("profile", [surface(tmp_path / "b")])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("path", {"tail": -1}),
        ("path", {"lanes": 0}),
        ("cloud", {"contrast": 0.0}),
        ("surface3d", {"elevation": 5.0}),
        ("surface3d", {"height": np.nan}),
        ("preconditioned", {"power": 3.0}),
    ],
)
def test_an_option_that_cannot_be_is_refused(name, options, bowls):
    with pytest.raises(DynvizError, match=rf"view {name} takes .*{next(iter(options))}"):
        open_view(name, bowls, **options)


def test_a_tail_is_so_many_steps_long_and_the_newest_part_the_widest(bowls):
    panel = open_view("path", bowls[:1], tail=20).scene(100).panels[0]
    ghost, *parts = marks(panel, Line)
    assert (ghost.along[0], ghost.along[-1], parts[0].along[0], parts[-1].along[-1]) == (0, 80, 80, 100)
    assert ghost.now < 0
    assert [part.width for part in parts] == sorted(part.width for part in parts)
    assert [part.dot for part in parts] == [False, False, True]
    np.testing.assert_array_equal([parts[-1].x[-1], parts[-1].y[-1]], bowls[0]["position"][100, 0])


def test_arrows_at_the_head_are_the_terms_of_the_next_step(bowls):
    recording = bowls[1]
    panel = open_view("path", [recording], arrows=True).scene(5).panels[0]
    times = float(panel.title.split("terms ")[1].split()[0]) if "terms" in panel.title else 1.0
    arrows = {arrow.color: arrow for arrow in marks(panel, Arrows)}
    for name in ("gradient", "preconditioning"):
        arrow = arrows[f"term.{name}"]
        np.testing.assert_allclose([arrow.x[0], arrow.y[0]], recording["position"][5, 0])
        np.testing.assert_allclose([arrow.dx[0], arrow.dy[0]], times * recording[f"term.{name}"][6, 0], rtol=1e-6)
    with pytest.raises(DynvizError, match=r"--record 'term\.\*'"):
        open_view(
            "path", [dynviz.run("surface", "sgd", steps=2, out=recording.folder.parent / "bare")["sgd"]], arrows=True
        )


def test_the_start_is_a_dot_and_the_optimum_a_ring_with_a_word(bowls):
    panel = open_view("path", bowls).scene(9).panels[0]
    ring, dot = marks(panel, Points)
    assert (ring.marker, ring.x.tolist(), ring.y.tolist()) == ("ring", [0.0], [0.0])
    assert (dot.marker, dot.x.tolist(), dot.y.tolist()) == ("dot", [0.5], [1.5])
    assert [text.text for text in marks(panel, Text)] == ["minimum"]


def test_a_trajectory_is_a_comet_whose_past_stays(bowls):
    whole, *newer = marks(open_view("path", bowls[:1]).scene(200).panels[0], Line)
    assert (whole.along[0], whole.along[-1], whole.now, whole.alpha) == (0, 300, 200, 0.4)
    assert [part.along[0] for part in newer] == [140, 164, 185]
    assert newer[-1].along[-1] == 200
    assert [part.dot for part in (whole, *newer)] == [True, False, False, False]
    assert sorted(part.width for part in (whole, *newer)) == [part.width for part in (whole, *newer)]
    assert sorted(part.alpha for part in (whole, *newer)) == [part.alpha for part in (whole, *newer)]
    np.testing.assert_array_equal([newer[-1].x[-1], newer[-1].y[-1]], bowls[0]["position"][200, 0])


@pytest.mark.parametrize("look", ["light", "dark"])
def test_a_valley_is_filled_in_both_backends_and_has_no_islands(look, tmp_path):
    recording = surface(tmp_path / "a")
    scene = open_view("path", [recording]).scene(0)
    (contours,) = marks(scene.panels[0], Contours)
    ramp = theme(look).ramp("valley").astype(int)
    pixels, cells = PixelCanvas(640, 480, look).draw(scene).astype(int), CellCanvas(80, 24, look)
    shown = cells.draw(scene)
    page = pixel_page(scene, Pen(640, 480)).places[0].plot
    # On the valley's floor y = x^2, and high above it.
    for x, y, level in ((0.5, 0.25, 0), (-0.8, 0.64, 0), (-1.2, 3.0, None), (0.0, 3.2, None)):
        height = (1 - x) ** 2 + 100 * (y - x**2) ** 2
        band = np.searchsorted(contours.levels, height) if level is None else level
        wanted = ramp[round(band * 63 / len(contours.levels))]
        across, upward = (x + 1.5) / 3, (y + 0.5) / 4
        column, row = int(page.left + across * page.width), int(page.bottom - upward * page.height)
        near = pixels[row - 4 : row + 5, column - 4 : column + 5].reshape(-1, 3)
        assert np.abs(near - wanted).max(axis=1).min() <= 6, (x, y)
        plot = cells.areas.places[0].plot
        column, row = int(plot.left + across * plot.width), int(plot.bottom - upward * plot.height)
        near = shown.palette[shown.ground[row - 1 : row + 2, column - 2 : column + 3]].reshape(-1, 3).astype(int)
        assert np.abs(near - wanted).max(axis=1).min() <= 24, (x, y)
    # Of a polynomial of second degree in y the lines of the lowest level are one, not a chain of islands.
    lowest = [line for line in traced(contours, contours.levels[:1]) if np.ptp(line[:, 0]) > 0.02]
    assert len(lowest) <= 2


def test_refined_values_are_those_of_a_quadratic_function():
    x, y = np.arange(8.0), np.arange(6.0)
    fine_x, fine_y = np.linspace(-0.5, 7.5, 33), np.linspace(-0.5, 5.5, 29)

    def f(x, y):
        return 3 + 2 * x - y + x**2 / 3 - 0.7 * x * y + 0.2 * y**2

    np.testing.assert_allclose(refined(f(x, y[:, None]), fine_y, fine_x), f(fine_x, fine_y[:, None]), atol=1e-9)


def test_landscapes_that_say_so_have_evenly_spaced_contours(tmp_path):
    facts = {"domain": [-1.5, 1.5, -0.5, 3.5], "norm": "linear"}
    even, odd = surface(tmp_path / "a", facts=facts), surface(tmp_path / "b")
    for recording, log in ((even, False), (odd, True)):
        (contours,) = marks(open_view("path", [recording], levels=6).scene(0).panels[0], Contours)
        heights = np.subtract(contours.levels, recording["landscape"].min())
        gaps = np.diff(np.log(heights) if log else heights)
        assert len(gaps) == 5
        np.testing.assert_allclose(gaps, gaps[0], rtol=1e-4)


def test_a_ball_is_on_the_curve_where_its_lane_is(tmp_path):
    recording = line(tmp_path / "a")
    film = open_view("profile", [recording])
    for step in (0, 7, 40):
        *_, ball = marks(film.scene(step).panels[0], Points)
        assert ball.x.tolist() == recording["position"][step, 0].tolist()
        np.testing.assert_allclose(ball.y, ball.x.astype(float) ** 2, atol=1e-3)
    assert film.scene(7).panels[0].readouts[0].text.startswith(f"x = {1.5 * 0.9**7:.4f}"[:9])


def test_the_test_loss_is_a_dashed_curve_moved_to_the_right(tmp_path):
    run = dynviz.run("surface:f=two-wells,shift=1", "sgd", steps=3, out=tmp_path / "run")
    scene = open_view("profile", run.recordings).scene(3)
    test, train = (mark for mark in scene.panels[0].marks if isinstance(mark, Line))
    assert (test.label, train.label, test.dash, train.dash) == ("test", "train", "dashed", "solid")
    np.testing.assert_allclose(test.x, train.x + 1)
    assert [panel.title.split(",")[0] for panel in scene.panels] == ["loss over x", "loss", "test loss"]


def test_many_balls_have_a_histogram_of_their_shares(tmp_path):
    recording = line(tmp_path / "a", lanes=30)
    panel = open_view("profile", [recording]).scene(0).panels[1]
    (bars,) = marks(panel, Bars)
    assert bars.heights.sum() == pytest.approx(1.0)
    assert panel.readouts[0].text == "30 runs"
    assert not bars.heights[np.abs(bars.x) > 1.6].any()


def test_a_bar_is_as_high_as_its_share_and_balls_that_are_left_out_are_counted(tmp_path):
    gathered = open_view("profile", [line(tmp_path / "a", lanes=30, spread=0.0)], lanes=12).scene(0)
    (bars,) = marks(gathered.panels[1], Bars)
    assert bars.heights.max() == pytest.approx(1.0)
    assert gathered.panels[1].y.limits[1] > 1
    assert gathered.panels[0].readouts[0].text.endswith(", 12 of 30 runs drawn")


def test_many_balls_at_one_place_lie_on_one_another_and_inside_the_picture(tmp_path):
    panel = open_view("profile", [line(tmp_path / "a", lanes=30, spread=0.0)]).scene(0).panels[0]
    balls = marks(panel, Points)[-1]
    assert len(np.unique(balls.x)) == 1
    assert len(np.unique(balls.y)) == 30
    assert panel.y.limits[0] < balls.y.min() < balls.y.max() < panel.y.limits[1]


def test_density_counts_each_point_once_wherever_it_is():
    extent = (-1.0, 3.0, 0.0, 2.0)
    found = density(np.array([[2.0, 0.5], [9.0, 9.0]]), extent, 64)
    assert found.sum() == pytest.approx(1.0)
    assert np.unravel_index(found.argmax(), found.shape) == (16, 48)
    rng = np.random.default_rng(0)
    many = density(rng.normal([1.0, 1.0], 0.2, (4000, 2)), extent, 64)
    assert many.sum() == pytest.approx(4000, rel=1e-3)
    # Shares of a normal cloud: 4000 / (2 pi .2^2) to a unit of area, of which a cell is 4 x 2 / 64^2.
    assert many.max() == pytest.approx(4000 / (2 * np.pi * 0.04) * 8 / 64**2, rel=0.15)


def test_a_cloud_is_densest_where_the_lanes_are_and_in_the_recordings_colour(tmp_path):
    recordings = [surface(tmp_path / name, lanes=300) for name in "abc"]
    scene = open_view("cloud", recordings).scene(300)
    for index, (panel, recording) in enumerate(zip(scene.panels, recordings, strict=False)):
        field = marks(panel, Field)[0]
        row, column = np.unravel_index(field.values.argmax(), field.values.shape)
        assert field.ramp == marks(panel, Points)[-1].color == f"lane{index}"
        assert field.norm.levels(field.values[row, column]) == 63
        left, right, bottom, top = field.extent
        place = left + (column + 0.5) * (right - left) / 96, bottom + (row + 0.5) * (top - bottom) / 96
        away = np.hypot(*(recording["position"][-1] - place).T)
        assert np.sort(away)[30] < 0.2


@pytest.mark.parametrize("lanes", [1, 3])
def test_a_cloud_of_few_lanes_shows_each(lanes, tmp_path):
    dots = marks(open_view("cloud", [surface(tmp_path / "a", lanes=lanes)]).scene(10).panels[0], Points)[-1]
    assert len(dots.x) == lanes


def test_a_relief_from_above_is_its_map():
    relief = Relief(np.tile(np.linspace(0, 1, 50), (50, 1)), Camera(0.0, 90.0, 0.5), 80)
    assert np.isfinite(relief.heights).all()
    assert not relief.walls.any()
    seen = relief.heights[40]
    assert np.corrcoef(seen, np.linspace(0, 1, len(seen)))[0, 1] > 0.95
    places, hidden = relief.place(np.array([[0.5, -0.25], [2.0, 0.0]]))
    np.testing.assert_allclose(places[0], [0.5, -0.25], atol=1e-6)
    assert np.isnan(places[1]).all()
    assert not hidden.any()


def test_a_hill_hides_what_is_behind_it_and_nothing_else():
    x, y = np.meshgrid(np.linspace(-1, 1, 100), np.linspace(-1, 1, 100))
    relief = Relief(np.exp(-20 * (x**2 + y**2)), Camera(0.0, 20.0, 1.0), 200)
    points = np.array([[0.0, 0.6], [0.0, -0.6], [0.9, 0.6], [0.0, 0.0]])
    assert relief.place(points)[1].tolist() == [True, False, False, False]


@pytest.mark.parametrize("azimuth", [0.0, -35.0, 140.0])
@pytest.mark.parametrize("elevation", [15.0, 40.0, 80.0])
def test_a_pixel_shows_the_first_place_that_its_ray_meets(azimuth, elevation):
    """Against a march along each ray, from the eye into the block, by steps of a thousandth."""
    x, y = np.meshgrid(np.linspace(-1, 1, 120), np.linspace(-1, 1, 120))
    relief = Relief(0.5 + 0.4 * np.sin(3 * x) * np.cos(2 * y), Camera(azimuth, elevation, 0.8), 160)
    right, up, toward = relief.camera.axes()
    left, far_right, bottom, top = relief.frame
    rows, columns = relief.heights.shape
    rng, met = np.random.default_rng(0), 0
    for row, column in zip(rng.integers(0, rows, 60), rng.integers(0, columns, 60), strict=True):
        u, v = left + (column + 0.5) * (far_right - left) / columns, bottom + (row + 0.5) * (top - bottom) / rows
        depth = np.arange(2.5, -2.5, -0.001)
        at = u * right + v * up + depth[:, None] * toward
        heights = relief.above(at[:, 0], at[:, 1])
        below = np.flatnonzero((at[:, 2] <= heights) & (at[:, 2] >= 0))
        if not len(below) or np.isnan(relief.depth[row, column]):
            # At the very edge of the block they may differ.
            assert not len(below) or depth[below].max() - depth[below].min() < 0.2
            continue
        met += 1
        hit = below[0]
        is_wall = hit == 0 or not np.isfinite(heights[hit - 1])
        if is_wall == relief.walls[row, column]:
            assert relief.heights[row, column] == pytest.approx(at[hit, 2] / 0.8, abs=0.02)
    assert met > 15


def test_light_never_makes_one_height_look_like_another():
    x, y = np.meshgrid(np.linspace(-1, 1, 60), np.linspace(-1, 1, 60))
    panel = Panel("t", Axis((0.0, 1.0)), Axis((0.0, 1.0)), (), square=True)
    relief = Relief((x + 1) / 2 * np.ones_like(y), Camera(-35.0, 40.0, 0.9), 200)
    mark = Terrain(relief.heights, relief.light, np.zeros_like(relief.lines), relief.walls, (0.0, 1.0, 0.0, 1.0))
    pixels = PixelCanvas(400, 400).draw(Scene("", (replace(panel, marks=(mark,)),), 0, 1)).astype(float)
    ramp = theme("light").ramp("terrain").astype(float)
    # Hue and saturation are those of a height: red : green : blue.
    seen = pixels.reshape(-1, 3)
    shares = ramp / ramp.sum(axis=1, keepdims=True)
    colored = seen[(seen.min(axis=1) < 235) & (seen.sum(axis=1) > 60)]
    far = np.abs((colored / colored.sum(axis=1, keepdims=True))[:, None] - shares).max(axis=2).min(axis=1)
    assert (far < 0.03).mean() > 0.8


def test_balls_at_one_place_are_rings_around_the_last_one():
    places = ((0.5, 0.5), (0.9, 0.5), (0.5, 0.505))
    _, under, _, apart, _, over = nested(
        [balls(np.array([place]), f"lane{index}") for index, place in enumerate(places)]
    )
    assert [ball.color for ball in (under, apart, over)] == ["lane0", "lane1", "lane2"]
    assert under.size == over.size + 5
    assert apart.size == over.size


def test_what_is_behind_a_hill_is_faint(tmp_path):
    folder = tmp_path / "hill"
    x, y = np.meshgrid(np.linspace(-0.98, 0.98, 60), np.linspace(-0.98, 0.98, 60))
    way = np.stack([np.linspace(-0.9, 0.9, 41), np.full(41, 0.5)], axis=-1)[:, None]
    channels = {
        "position": (1, way),
        "landscape": (0, np.exp(-20 * (x**2 + y**2))[None, None]),
    }
    facts = {"domain": [-1.0, 1.0, -1.0, 1.0], "norm": "linear"}
    recording = record(folder, channels, steps=40, scenario="surface", facts=facts, views=("path",))
    options = {"azimuth": 0.0, "elevation": 20.0, "height": 1.0}
    _, hidden, casing, seen, *ends = marks(open_view("surface3d", [recording], **options).scene(40).panels[0], Line)
    assert hidden.alpha == pytest.approx(1 / 3, abs=0.01)
    assert (casing.color, seen.alpha) == ("casing", 1.0)
    assert casing.width > seen.width > hidden.width
    assert [end.along[0] for end in ends] == [0, 15]
    assert ends[-1].width == pytest.approx(2 * seen.width)
    assert np.isfinite(hidden.x[20])
    assert np.isfinite(seen.x[[0, 40]]).all()
    assert (np.isfinite(seen.x) ^ np.isfinite(hidden.x)).all()


def test_a_relief_has_its_domain_and_heights_at_the_edges_of_its_box_and_no_other_axes(tmp_path):
    panel = open_view("surface3d", [surface(tmp_path / "a")]).scene(10).panels[0]
    words = [text.text for text in marks(panel, Text)]
    assert panel.perspective
    assert {"x", "y", "0"} <= set(words)
    left, right = panel.x.limits
    bottom, top = panel.y.limits
    assert all(left < text.x < right and bottom < text.y < top for text in marks(panel, Text))
    rings = [points for points in marks(panel, Points) if points.marker == "ring"]
    assert all(np.isfinite([ring.x, ring.y]).all() for ring in rings)
    rim, ball = marks(panel, Points)[-2:]
    assert (rim.color, ball.color) == ("rim", "lane0")
    assert rim.size > ball.size


@pytest.mark.parametrize(
    ("norm", "lowest", "label"), [("linear", -100, ""), ("log", -100, "heights above -100"), ("log", 0, "")]
)
def test_the_heights_of_a_relief_are_true_or_say_above_what_they_are(norm, lowest, label, tmp_path):
    facts = {"domain": [-1.5, 1.5, -0.5, 3.5], "norm": norm}
    recording = surface(tmp_path / "a", steps=20, lowest=lowest, facts=facts)
    panel = open_view("surface3d", [recording]).scene(20).panels[0]
    texts = {mark.text for mark in marks(panel, Text)}
    assert panel.y.label == label
    if norm == "linear":
        assert {"0", "500"} <= texts
        assert "-100" not in texts
    else:
        assert {"0", "10", "100"} <= texts


def test_in_a_terminal_a_relief_is_contours_on_the_axes_of_its_plane(tmp_path):
    recordings = [surface(tmp_path / "a")]
    scene = open_view("surface3d", recordings).scene(10)
    planned = scene.from_above()
    plan, path = planned.panels[0], open_view("path", recordings).scene(10).panels[0]
    assert (plan.x, plan.y, plan.readouts) == (path.x, path.y, path.readouts)
    assert marks(plan, Contours)
    assert not marks(scene.panels[0], Contours)
    assert planned.from_above() is planned


def test_a_preconditioner_keeps_areas_and_nothing_is_known_of_one_direction():
    matrix = np.array([[5.0, 2.0], [2.0, 3.0]])
    root = scaled(matrix, 0.5)
    assert np.linalg.det(root) == pytest.approx(1.0)
    np.testing.assert_allclose(root @ root, matrix / np.sqrt(np.linalg.det(matrix)))
    np.testing.assert_array_equal(scaled(np.outer([1, 2], [1, 2]), -0.5), np.eye(2))
    np.testing.assert_array_equal(scaled(np.full((2, 2), np.nan), -0.5), np.eye(2))


def test_the_gradients_of_a_recording_make_the_preconditioner_that_the_rule_shows(bowls):
    for recording, full in zip(bowls, (False, True), strict=True):
        shown, made = own(recording, 0), gathered(recording, 0, 0.5, full=full)
        np.testing.assert_allclose(shown(60), made(60), rtol=1e-3, atol=1e-3)


def test_a_full_matrix_rounds_a_tilted_bowl_and_a_diagonal_does_not(bowls):
    landscape = bowls[0]["landscape"][0, 0]
    hessian = curvatures(landscape, (-2.0, 2.0, -2.0, 2.0))
    np.testing.assert_allclose(np.linalg.eigvalsh(hessian), [1.0, 12.0], rtol=1e-3)
    panels = open_view("preconditioned", bowls).scene(60).panels
    conditions = [float(panel.readouts[0].text.split()[-1]) for panel in panels[:3]]
    assert conditions[0] == 12
    assert conditions[1] > 8
    assert conditions[2] < 5


def test_levels_in_other_coordinates_are_those_of_the_landscape(bowls):
    panel = open_view("preconditioned", bowls).scene(60).panels[2]
    contours, root = marks(panel, Contours)[0], own(bowls[1], 0)(60)
    left, right, _, _ = contours.extent
    z = left + (np.array([60, 40]) + 0.5) * (right - left) / len(contours.values)
    at = root @ z
    angle = np.radians(30)
    u, v = np.cos(angle) * at[0] + np.sin(angle) * at[1], np.cos(angle) * at[1] - np.sin(angle) * at[0]
    assert contours.values[40, 60] == pytest.approx((u**2 + 12 * v**2) / 2, rel=0.03)


def test_without_gradients_there_is_nothing_to_precondition_with(tmp_path):
    recording = dynviz.run("surface", "sgd", steps=3, out=tmp_path / "run")["sgd"]
    with pytest.raises(DynvizError, match="--record 'gradient'"):
        open_view("preconditioned", [recording])


def test_moments_of_rows_and_columns_stand_for_all_where_gradients_factor():
    rng = np.random.default_rng(0)
    rows, columns = rng.standard_normal((3, 3)), rng.standard_normal((4, 4))
    gradients = rows @ rng.standard_normal((60_000, 3, 4)) @ columns
    left, right, both = moments(gradients)
    np.testing.assert_allclose(left, sum(g @ g.T for g in gradients[:200]) + moments(gradients[200:])[0], rtol=1e-9)
    assert both[0 * 4 + 1, 2 * 4 + 3] == pytest.approx((gradients[:, 0, 1] * gradients[:, 2, 3]).sum())
    # E vec(G) vec(G)^T is the product of the two, L and R are it up to a trace: their roots are not what factors here.
    assert likeness(np.kron(left, right), both) > 0.999
    assert likeness(np.kron(right, left), both) < 0.98
    assert likeness(product(left, right), both) < likeness(np.kron(left, right), both)


def test_all_moments_are_below_the_product_times_the_rank():
    gradients = np.random.default_rng(1).standard_normal((7, 4, 5)) * np.geomspace(1, 9, 5)
    left, right, both = moments(gradients)
    assert np.linalg.eigvalsh(4 * product(left, right) - both).min() > -1e-9


def test_the_kronecker_view_draws_the_moments_of_the_gradients_so_far(tmp_path):
    run = dynviz.run("matrix-sensing:d=6", "shampoo", steps=20, record="gradient:every=1", out=tmp_path / "run")
    recording = run["shampoo"]
    film = open_view("kronecker", [recording], swapped=True)
    panels = film.scene(12).panels
    assert [panel.title for panel in panels[:5]] == ["L of W1", "R of W1", "√L ⊗ √R", "C", "√R ⊗ √L"]
    left, _, both = moments(recording.part("gradient", "W1")[:12, 0])
    for panel, matrix in ((panels[0], left), (panels[3], both)):
        drawn = marks(panel, Field)[0].values[::-1]
        np.testing.assert_allclose(np.sign(drawn) * drawn**2, matrix / np.abs(matrix).max(), atol=1e-9)
    with pytest.raises(DynvizError, match="no parameter named 'W3'"):
        open_view("kronecker", [recording], parameter="W3")


def test_a_matrix_too_large_for_all_moments_is_refused_with_what_would_do(tmp_path):
    run = dynviz.run("matrix-sensing:d=32", "sgd", steps=2, record="gradient:every=1", out=tmp_path / "run")
    with pytest.raises(DynvizError, match=r"at most 400 numbers.*W1 \(32, 32\).*matrix-sensing:d=16"):
        open_view("kronecker", [run["sgd"]])


@pytest.mark.parametrize("view", ["path", "surface3d"])
def test_a_lane_that_diverges_is_never_gone_without_a_word(view, tmp_path):
    recordings = [surface(tmp_path / f"a{lanes}", steps=20, lanes=lanes, lost=0) for lanes in (1, 3)]
    lost = int((~np.isfinite(recordings[0]["position"][:, 0]).all(axis=-1)).argmax())
    film = open_view(view, recordings)
    before, after = ([readout.text for readout in film.scene(step).panels[0].readouts] for step in (lost - 1, lost))
    assert not any("diverged" in text for text in before)
    assert after == [f"diverged at step {lost}", "3 runs, 1 diverged"]
