"""What views show is what is recorded."""

import numpy as np
import pytest
import torch

from dynviz import plugins
from dynviz.cells.canvas import CellCanvas
from dynviz.charts import caption, curves, limits, trend
from dynviz.charts.numbers import percent, resolved, significant
from dynviz.charts.samples import thinned
from dynviz.charts.swings import swing
from dynviz.errors import DynvizError
from dynviz.recording import Recording
from dynviz.recording.metadata import Lane
from dynviz.scene import theme
from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.marks import Arrows, Axis, Band, Bars, Contours, Field, Line, Points, ReferenceLine, Text
from dynviz.views import spectrum
from dynviz.views.centers import spread
from tests.recorded import record, sensing, surface, voronoi


def scene(name, recordings, step, **options):
    return plugins.load("views", name).target(recordings, **options).scene(step)


def marks(panel, kind):
    return [mark for mark in panel.marks if isinstance(mark, kind)]


def curve(folder, values, *, every=1, name="val_loss", **more) -> Recording:
    """A recording of one channel [samples, lanes]."""
    values = np.asarray(values, dtype=np.float32)
    return record(folder, {name: (every, values)}, scenario="bowl", steps=(len(values) - 1) * every, **more)


def test_a_map_shows_the_probability_of_class_1_at_the_sample_before_the_step(tmp_path):
    recording = voronoi(tmp_path / "a")
    panel = scene("benchmark", [recording], 119).panels[0]
    field = marks(panel, Field)[0]
    assert np.array_equal(field.values, recording["prediction"][5, 0, :, :, 1])
    assert (field.extent, field.ramp, field.norm.low, field.norm.high) == ((-100, 100, -100, 100), "classes", 0, 1)
    assert panel.readouts[0].text == f"{100 * recording['val_accuracy'][5, 0]:.1f} % right"


def test_a_map_of_one_of_several_lanes_says_its_seed(tmp_path):
    recording = voronoi(tmp_path / "a", lanes=3)
    panel = scene("logits", [recording], 400, lane=2).panels[0]
    assert np.array_equal(marks(panel, Field)[0].values, recording["prediction"][-1, 2, :, :, 1])
    assert panel.title == "prediction, seed 44"
    assert panel.readouts[0].text == f"{100 * recording['val_accuracy'][-1, 2]:.1f} % right"


def test_many_learned_centers_do_not_hide_the_map(tmp_path):
    few, many = voronoi(tmp_path / "few", centers=50), voronoi(tmp_path / "many", centers=500)
    assert len(marks(scene("logits", [few], 0).panels[0], Points)) == 1
    assert not marks(scene("logits", [many], 0).panels[0], Points)


def test_the_benchmark_has_a_panel_for_each_scalar_that_any_recording_has(tmp_path):
    full = voronoi(tmp_path / "full", label="full")
    bare = voronoi(tmp_path / "bare", label="bare", without=("offset", "scale", "plus_minus", "centers", "head"))
    panels = scene("benchmark", [bare, full], 400).panels
    titles = [panel.title for panel in panels]
    assert titles[:6] == ["prediction", "prediction", "validation loss", "offset", "scale", "plus-minus"]
    assert titles[6:] == ["class weight", "logit gap", "probability gap"]
    (line,) = marks(panels[3], Line)
    assert line.color == panels[3].readouts[0].color == "lane1"
    assert np.array_equal(line.y, full["offset"][:, 0, 0])
    assert panels[3].readouts[0].text == f"{full['offset'][-1, 0, 0]:.3f}"
    assert [each.name for each in panels[2].readouts] == ["bare", "full"]
    assert [line.dash for line in marks(panels[5], Line)] == ["solid", "dashed"]


def test_the_benchmark_of_another_scenario_is_its_scalars(tmp_path):
    titles = [panel.title for panel in scene("benchmark", [sensing(tmp_path / "a")], 0).panels]
    assert titles == ["loss, mean of 20 steps", "relative error"]


def test_a_curve_is_one_line_with_all_of_its_data_and_a_moving_now(tmp_path):
    recording = curve(tmp_path / "a", np.linspace(1, 0.5, 11)[:, None], every=10)
    film = plugins.load("views", "curves").target([recording])
    assert film.steps.tolist() == list(range(0, 101, 10))
    for step in (0, 55, 100):
        (line,) = marks(film.scene(step).panels[0], Line)
        assert line.now == step // 10 * 10
        assert line.x.tolist() == film.steps.tolist()
        assert np.array_equal(line.y, recording["val_loss"][:, 0])


def test_several_lanes_are_a_band_thin_lines_and_a_bold_median(tmp_path):
    values = np.random.default_rng(0).random((20, 11)) + 1
    recording = curve(tmp_path / "a", values)
    recorded = np.asarray(recording["val_loss"][:])
    few = curve(tmp_path / "few", values[:, :8])
    *thin, _ = marks(scene("curves", [few], 19).panels[0], Line)
    assert [line.y.tolist() for line in thin] == np.asarray(few["val_loss"][:]).T.tolist()
    panel = scene("curves", [recording], 19).panels[0]
    (band,), lines = marks(panel, Band), marks(panel, Line)
    assert np.allclose(band.low, np.percentile(values, 25, axis=1))
    assert np.allclose(band.high, np.percentile(values, 75, axis=1))
    *thin, bold = lines
    assert [line.y.tolist() for line in thin] == [recorded.min(axis=1).tolist(), recorded.max(axis=1).tolist()]
    assert bold.width > max(line.width for line in thin)
    assert np.allclose(bold.y, np.median(values, axis=1))
    assert panel.readouts[0].text == f"{np.median(values[-1]):.2f}"


def test_lanes_that_differ_in_hyperparameters_are_lines_of_their_own_with_medians_over_seeds(tmp_path):
    def swept(name, rates):
        lanes = tuple(Lane(seed, {"lr": rate}) for rate in rates for seed in range(3))
        values = np.random.default_rng(0).random((20, len(lanes))) + 1
        return curve(tmp_path / name, values, lanes=lanes), values

    few, values = swept("few", (0.1, 0.2))
    panel = scene("curves", [few], 19).panels[0]
    bold = [line for line in marks(panel, Line) if line.label]
    assert [(line.label, line.color) for line in bold] == [("adamw lr 0.1", "lane0"), ("adamw lr 0.2", "lane1")]
    for index, line in enumerate(bold):
        assert np.allclose(line.y, np.median(values[:, 3 * index : 3 * index + 3], axis=1))

    many, values = swept("many", tuple(np.geomspace(1e-3, 1, 12).tolist()))
    panel = scene("curves", [many], 19).panels[0]
    middles = np.median(values.reshape(20, 12, 3), axis=2)
    assert not marks(panel, Band)
    assert np.allclose([line.y for line in marks(panel, Line)], middles.T)
    assert panel.readouts[0].text == f"{middles[-1].min():.2f} to {middles[-1].max():.2f}"


def test_a_rule_that_a_run_has_twice_is_named_by_what_differs(tmp_path):
    def named(label, rate):
        return curve(tmp_path / label, [[1.0], [0.5]], label=label, rate=rate)

    assert caption.names([named("sgd", 0.1), named("sgd-2", 0.5)]) == ("sgd lr 0.1", "sgd lr 0.5")
    assert caption.names([named("lion", 0.1), named("lion-2", 0.1)]) == ("lion", "lion-2")


def test_a_mark_that_moves_keeps_everything_else():
    line = Line(np.arange(3), np.arange(3), "lane1", "adam", None, np.arange(3), "dotted", 0.5, ghost=False, dot=False)
    band = Band(np.arange(3), np.arange(3), np.arange(3), "lane1")
    assert vars(line.at(2.0)) == vars(line) | {"now": 2.0}
    assert vars(band.at(2.0)) == vars(band) | {"now": 2.0}


def test_a_noisy_loss_is_shown_by_its_trailing_mean(tmp_path):
    noise = np.random.default_rng(1).random((3001, 1)).astype(np.float32)
    recording = curve(tmp_path / "a", noise, name="loss")
    panel = scene("curves", [recording], 2000).panels[0]
    assert panel.title == "loss, mean of 60 steps"
    (band,), (line,) = marks(panel, Band), marks(panel, Line)
    assert len(line.x) <= trend.POINTS
    assert (line.x[0], line.x[-1]) == (0, 3000)
    assert np.isnan(line.y[line.x < 9]).all()
    for place in (2, 3, len(line.x) - 1):
        last = line.x[place] + 1
        assert line.y[place] == pytest.approx(noise[max(0, last - 60) : last].mean(), rel=1e-6)
    assert np.all(band.low < band.high + 1e-9)
    # The value is that of the dot, at the last sample that is drawn.
    assert line.now == 1998
    assert panel.readouts[0].text == f"{noise[1939:1999].mean():.2f}"


@pytest.mark.parametrize("values", [
    np.exp(-np.linspace(0, 5, 500)),
    1 + np.sin(np.linspace(0, 20, 500)),
])  # fmt: skip
def test_a_loss_without_noise_is_shown_as_it_is(values, tmp_path):
    recording = curve(tmp_path / "a", values[:, None], name="loss")
    (line,) = marks(scene("curves", [recording], 0).panels[0], Line)
    assert np.array_equal(line.y, recording["loss"][:, 0])


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_curve_that_swings_is_its_mean_over_what_it_reaches(scale, tmp_path):
    t, sides = np.arange(1200), np.where(np.arange(1200) % 2, 1, -1)
    height = 5 * np.exp(-np.maximum(t - 400, 0) / 400)
    # Smooth first, then from one side to the other at each step: by equal factors, or by equal amounts.
    swings = np.where(t >= 400, sides * 0.6, 0.0)
    values = height * 10**swings if scale == "log" else height * (1 + swings)
    recording = curve(tmp_path / "a", values[:, None], name="loss")
    film = plugins.load("views", f"curves:scale={scale}").make(recordings=[recording])
    panel = film.scene(1199).panels[0]
    (band,), (line,) = marks(panel, Band), marks(panel, Line)
    assert np.array_equal(line.y[:400], recording["loss"][:400, 0])
    assert np.isnan(band.low[:400]).all()
    late = slice(440, None)
    assert np.allclose(line.y[late], height[late], rtol=0.05)
    ratio = (10**0.6, 10**-0.6) if scale == "log" else (1.6, 0.4)
    assert np.allclose(band.high[late] / height[late], ratio[0], rtol=0.06)
    assert np.allclose(band.low[late] / height[late], ratio[1], rtol=0.06)
    (label,) = marks(panel, DirectLabel)
    assert label.value == panel.readouts[0].text
    assert float(label.value) == pytest.approx(line.y[-1], rel=0.01)
    assert any("how far a curve swings" in readout.text for readout in film.scene(0).readouts)


def test_without_bands_a_curve_that_swings_is_its_samples_with_its_value_beside_the_title(tmp_path):
    t = np.arange(400)
    values = 5 * np.exp(-t / 200) * (1 + 0.4 * (t > 200) * (-1.0) ** t)
    recording = curve(tmp_path / "a", values[:, None])
    assert marks(scene("benchmark", [recording], 399).panels[0], Band)
    panel = scene("benchmark", [recording], 300, bands=False).panels[0]
    (line,) = marks(panel, Line)
    assert np.array_equal(line.y, recording["val_loss"][:, 0])
    assert not marks(panel, Band)
    assert not marks(panel, DirectLabel)
    assert not panel.readouts[0].labelled
    assert float(panel.readouts[0].text) == pytest.approx(values[300], abs=0.01)
    # One that does not swing is labelled at its dot.
    smooth = curve(tmp_path / "c", 5 * np.exp(-t / 200)[:, None])
    assert marks(scene("benchmark", [smooth], 300, bands=False).panels[0], DirectLabel)


def test_what_hardly_swings_or_seldom_turns_is_left_as_it_is():
    t, y = np.arange(600.0), Axis((0.0, 10.0))
    for values in (5 + 0.05 * (-1.0) ** t, 5 + 3 * np.sin(t / 3), t / 60):
        assert swing(values, y, 600) is None
    assert swing(5 + 3 * (-1.0) ** t, y, 600) is not None


def test_curves_takes_names_as_a_word_or_in_parentheses(tmp_path):
    recording = voronoi(tmp_path / "a")
    for text in ("curves:channels=(loss,offset)", "curves:channels='loss, offset'"):
        film = plugins.load("views", text).make(recordings=[recording])
        assert [panel.title for panel in film.scene(0).panels] == ["loss, mean of 20 steps", "offset"]
    with pytest.raises(DynvizError, match="no channel named 'ofset'; did you mean 'offset'"):
        scene("curves", [recording], 0, channels="ofset")


def test_a_long_vector_is_shown_by_its_median(tmp_path):
    values = np.random.default_rng(2).random((5, 1, 300)) + 1
    recording = record(tmp_path / "a", {"scale": (1, values)}, scenario="bowl", steps=4, parameters={"scale": (300,)})
    panel = scene("scalars", [recording], 4).panels[0]
    assert panel.title == "scale, median of 300"
    assert np.allclose(marks(panel, Line)[-1].y, np.median(values[:, 0], axis=1))


def test_lines_of_a_vector_are_labelled_by_their_dimension_or_by_number(tmp_path):
    values, dims = np.ones((3, 1, 2)), {"class_weight": ("own or other",), "plus_minus": ("low or high",)}
    channels = {"class_weight": (1, values), "plus_minus": (1, values)}
    recording = record(tmp_path / "a", channels, scenario="bowl", steps=2, dims=dims)
    panels = scene("benchmark", [recording], 0).panels
    labels = {panel.title: [line.label for line in marks(panel, Line)] for panel in panels}
    assert labels == {"plus-minus": ["low", "high"], "class weight": ["own", "other"]}


def test_scalars_are_the_loss_and_the_models_own(tmp_path):
    recording = voronoi(tmp_path / "a")
    titles = [panel.title for panel in scene("scalars", [recording], 0).panels]
    assert titles == ["loss, mean of 20 steps", "offset", "scale", "plus-minus"]
    assert len(scene("scalars", [recording], 0, everything=True).panels) == 9


def test_centers_have_the_colour_of_the_class_that_their_head_prefers(tmp_path):
    recording = voronoi(tmp_path / "a")
    panel = scene("centers", [recording], 200).panels[0]
    centers, head = recording.at("centers", 200)[0], recording.at("head", 200)[0]
    for index, points in enumerate(panel.marks):
        mine = centers[head.argmax(axis=0) == index]
        assert points.color == f"class{index}"
        assert np.array_equal(points.x, mine[:, 0])
        assert np.array_equal(points.y, mine[:, 1])
    assert panel.readouts[0].text == f"spread {centers.std():.1f}"
    assert panel.x == panel.y


def test_the_spread_of_the_published_initial_centers_is_99_6():
    torch.manual_seed(42)
    centers = (100 * torch.randn(2048, 2)).numpy()
    assert round(spread(centers), 1) == 99.6
    assert spread(centers * 0.5) == pytest.approx(spread(centers) / 2)


def test_a_path_is_the_recorded_positions_along_the_steps(tmp_path):
    recording = surface(tmp_path / "a", lanes=2)
    panel, loss = scene("path", [recording], 120).panels
    # The parts of the last steps have no present of their own.
    first, second = (line for line in marks(panel, Line) if line.now is not None)
    assert np.array_equal(second.x, recording["position"][:, 1, 0])
    assert np.array_equal(second.y, recording["position"][:, 1, 1])
    assert first.along.tolist() == recording.steps("position").tolist()
    assert first.now == 120
    ring, _ = marks(panel, Points)
    assert (ring.marker, ring.x.tolist(), ring.y.tolist()) == ("ring", [1.0], [1.0])
    assert (panel.x.limits, panel.y.limits) == ((-1.5, 1.5), (-0.5, 3.5))
    assert (loss.title, loss.y.scale) == ("loss", "log")


def test_contours_are_spaced_by_factors_above_the_lowest_place(tmp_path):
    recording = surface(tmp_path / "a")
    (contours,) = marks(scene("path", [recording], 0, levels=9).panels[0], Contours)
    values = recording["landscape"][0, 0]
    above = np.array(contours.levels) - values.min()
    assert len(above) == 9
    assert np.allclose(above[1:] / above[:-1], above[1] / above[0], rtol=1e-3)
    assert 0 < above[0] < above[-1] < np.ptp(values)
    (heat,) = marks(scene("path", [recording], 0, ground="heat").panels[0], Field)
    assert heat.norm.scale == "log"


def test_paths_on_one_landscape_share_a_panel_and_others_do_not(tmp_path):
    one, two = surface(tmp_path / "one", label="one"), surface(tmp_path / "two", label="two")
    facts = {"domain": [-3, 3, -3, 3]}
    other = surface(tmp_path / "other", label="other", facts=facts)
    panels = scene("path", [one, other, two], 0).panels
    assert [panel.title for panel in panels] == ["loss", "loss", "loss"]
    whole = [line for line in marks(panels[0], Line) if line.now is not None]
    assert [line.label for line in whole] == ["one", "two"]
    assert [line.color for line in whole] == ["lane0", "lane2"]
    assert [label.name for label in marks(panels[0], DirectLabel)] == ["one", "two"]


def test_a_path_that_left_the_numbers_ends_there(tmp_path):
    recording = surface(tmp_path / "a", lost=0)
    line = marks(scene("path", [recording], 300).panels[0], Line)[0]
    bad = ~np.isfinite(recording["position"][:, 0, 0])
    assert bad.any()
    assert np.isnan(line.x[bad]).all()


def test_a_spectrum_is_the_recorded_values_beside_the_true_ones(tmp_path):
    recording = sensing(tmp_path / "a")
    traces, now, error = scene("spectrum", [recording], 305).panels
    # The lower one has no room for a word below the other's; further apart both are named.
    assert [(rule.at, rule.label) for rule in marks(traces, ReferenceLine)] == [(26000, "true"), (24000, "")]
    wide = Axis((0.0, 30000.0))
    assert [line.label for line in spectrum._references(np.array([26000.0, 20000.0, 19000.0]), wide)] == [
        "true",
        "true",
        "",
    ]
    lines = marks(traces, Line)
    assert len(lines) == 4
    assert np.array_equal(lines[1].y, recording["singular_values"][:, 0, 1])
    (bars,), (rings,) = marks(now, Bars), marks(now, Points)
    assert np.array_equal(bars.heights, recording["singular_values"][30, 0, :4])
    assert rings.y.tolist() == [26000, 24000]
    assert error.title == "relative error"
    assert len(marks(scene("spectrum", [recording], 0, count=6).panels[0], Line)) == 6


def test_the_true_values_are_on_the_axis_while_the_learned_ones_are_small(tmp_path):
    values = np.tile(np.linspace(1, 9, 5)[:, None, None], (1, 1, 4))
    channels = {"singular_values": (1, values), "true_singular_values": (0, np.array([[[27000.0, 24000.0]]]))}
    recording = record(tmp_path / "a", channels, scenario="matrix-sensing", steps=4)
    for panel in scene("spectrum", [recording], 0).panels:
        assert panel.y.limits[0] == 0
        assert panel.y.limits[1] > 27000


@pytest.mark.parametrize(("value", "ends", "text"), [
    (0.999837, (0.9995, 1.0), "0.999837"),
    (0.00002, (0.0, 0.00005), "2.00e-5"),
    (-0.0001, (-1.0, 1.0), "0.00"),
    (44.83, (0.0, 60.0), "44.8"),
])  # fmt: skip
def test_values_have_as_many_decimals_as_their_axis_can_tell_apart(value, ends, text):
    assert resolved(value, ends) == text


def test_an_error_is_shown_beside_that_of_the_least_norm_solution(tmp_path):
    plain = sensing(tmp_path / "plain")
    known = sensing(tmp_path / "known", facts={"least_norm_error": 0.5**0.5})
    assert not marks(scene("spectrum", [plain], 0).panels[-1], ReferenceLine)
    (rule,) = marks(scene("spectrum", [known], 0).panels[-1], ReferenceLine)
    assert (rule.at, rule.label) == (0.5**0.5, "least norm")


def test_environments_that_are_the_same_share_a_panel(tmp_path):
    one, two = voronoi(tmp_path / "one", label="one"), voronoi(tmp_path / "two", label="two")
    (panel,) = scene("environment", [one, two], 0).panels
    assert np.array_equal(panel.marks[0].classes, one["environment"][0, 0])
    shown = sum(len(points.x) for points in marks(panel, Points))
    assert shown == 9
    assert [points.marker for points in marks(panel, Points)] == ["dot", "ring"]


def test_the_title_says_scenario_and_options_and_readouts_say_optimizers_and_seeds(tmp_path):
    one, two = voronoi(tmp_path / "one", label="adamw"), voronoi(tmp_path / "two", label="adamw-l1")
    shown = scene("benchmark", [one, two], 0)
    assert shown.title == "voronoi · model centers"
    assert [(each.text, each.color) for each in shown.readouts if each.color != "text"] == [
        ("adamw", "lane0"),
        ("adamw-l1", "lane1"),
        ("lr 0.01, seed 42", "muted"),
    ]
    alone = scene("benchmark", [one], 0).readouts
    assert [each.text for each in alone if each.color != "text"] == ["adamw lr 0.01", "seed 42"]


def test_recordings_of_one_label_are_told_apart_by_what_differs(tmp_path):
    def named(index, **more):
        return curve(tmp_path / str(len(list(tmp_path.iterdir()))), [[1.0], [0.5]], label="adamw", **more)

    assert caption.names([named(0, given={"model": "offset"}), named(1, given={"model": "labels"})]) == (
        "adamw model offset",
        "adamw model labels",
    )
    assert caption.names([named(0, seeds=(1,)), named(1, seeds=(2,))]) == ("adamw seed 1", "adamw seed 2")
    assert caption.names([named(0), named(1)]) == ("adamw #1", "adamw #2")
    again = [curve(tmp_path / run / "adamw", [[1.0], [0.5]], label="adamw") for run in ("first", "second")]
    other = curve(tmp_path / "second" / "sgd", [[1.0], [0.5]], label="sgd")
    assert caption.names([*again, other]) == ("adamw in first", "adamw in second", "sgd")


@pytest.mark.parametrize(("seeds", "text"), [
    ((42,), "seed 42"),
    ((0, 1, 2, 3), "seeds 0 to 3"),
    ((5, 1), "seeds 1, 5"),
    ((0, 1, 2, 3, 4, 5, 7, 9), "seeds 0 to 5, 7, 9"),
])  # fmt: skip
def test_seeds_in_words(seeds, text, tmp_path):
    assert caption.seeds(curve(tmp_path / "a", np.ones((2, len(seeds))), seeds=seeds)) == text


def test_axes_take_a_logarithm_of_what_falls_by_a_factor_of_a_hundred():
    falling, rising = np.geomspace(1, 1e-3, 50)[:, None], np.geomspace(1e-3, 1, 50)[:, None]
    assert limits.axis([falling]).scale == "log"
    assert limits.axis([rising]).scale == "linear"
    assert limits.axis([falling - 0.5]).scale == "linear"
    assert limits.axis([falling], "linear").scale == "linear"
    assert limits.axis([falling * 0 - 1], "log").scale == "linear"


def test_a_loss_of_zero_does_not_stretch_a_logarithmic_axis_without_end():
    axis = limits.axis([np.array([1.0, 1e-3, 1e-6, 1e-44, 0.0])[:, None]])
    assert axis.scale == "log"
    assert 1e-18 < axis.limits[0] < 1e-6


def test_a_constant_curve_and_none_at_all_have_an_axis():
    assert limits.axis([np.full((3, 1), 2.0)]).limits == (0, 2.5)
    assert limits.axis([np.full((3, 1), -2.0)]).limits == (-2.5, 0)
    assert limits.axis([np.full((3, 1), 0.98)], most=1.0).limits == (0, 1)
    assert limits.axis([np.array([[247.3], [247.3001]])]).limits == pytest.approx((0, 309.1), abs=0.1)
    assert limits.axis([np.zeros((3, 1))]).limits == (0, 1)
    assert limits.axis([np.full((3, 1), np.nan)]).limits == (0, 1)


def test_a_lane_that_only_stands_still_does_not_hide_one_that_moves():
    still, moving = np.full((50, 1), 0.69), np.linspace(0.69, 0.2, 50)[:, None]
    low, high = limits.axis([still, moving]).limits
    assert low < 0.2 < 0.69 < high


def test_long_channels_are_thinned_with_both_ends_kept():
    values = np.arange(1000.0)[:, None]
    thin = thinned(values, budget=100)
    assert len(thin) == 100
    assert (thin[0], thin[-1]) == (0, 999)
    assert thinned(values) is values


def test_drawable_copies_only_what_has_to_change():
    good = np.array([1.0, 2.0])
    assert limits.drawable(good, "log") is good
    assert np.isnan(limits.drawable(np.array([1.0, 0.0, np.inf]), "log")).tolist() == [False, True, True]


def test_quartiles_pass_over_what_is_not_finite():
    values = np.array([[3.0, np.nan, 1.0, 2.0, np.inf], [np.nan] * 5])
    assert trend.middle(values)[:, 0].tolist() == [1.5, 2.0, 2.5]
    assert np.isnan(trend.middle(values)[:, 1]).all()


@pytest.mark.parametrize(("value", "text"), [
    (0.37105, "0.371"),
    (12.96, "13"),
    (123456.0, "123\u2009456"),
    (1e-9, "1e-9"),
    (0.0, "0"),
    (float("nan"), "diverged"),
    (float("-inf"), "-∞"),
])  # fmt: skip
def test_numbers_have_three_digits_that_mean_something(value, text):
    assert significant(value) == text


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"domain": [-3, 3, "wide", 3]}, r"domain\[2\] is 'wide', not a number"),
        ({"domain": [-3, 3]}, "has 4 ends, not 2"),
        ({"optimum": [[1.0]]}, "2 coordinates"),
        ({"norm": "cubic"}, "norm is 'cubic', not one of log, linear"),
        ({"function": 3}, "function is 3, not a text"),
    ],
)
def test_facts_of_another_type_are_refused_by_name(facts, words, tmp_path):
    with pytest.raises(DynvizError, match=words):
        scene("path", [surface(tmp_path / "a", facts=facts)], 0)


def test_in_a_frame_nothing_lies_between_two_samples(tmp_path):
    film = plugins.load("views", "benchmark").target([voronoi(tmp_path / "a", every=20)])
    for step in (20, 27, 39, 40, 399):
        for panel in film.scene(step).panels:
            lines = [mark for mark in panel.marks if isinstance(mark, Line) and mark.now is not None]
            assert all(line.now in line.x and line.now <= step for line in lines)


def test_a_panel_that_is_sampled_more_rarely_says_its_own_step(tmp_path):
    film = plugins.load("views", "benchmark").target([voronoi(tmp_path / "a", every=20)])
    texts = {panel.title: [one.text for one in panel.readouts] for panel in film.scene(39).panels}
    assert "step 20" in texts["prediction"]
    assert not any("step" in text for text in texts["offset"] + texts["validation loss"])
    texts = {panel.title: [one.text for one in panel.readouts] for panel in film.scene(40).panels}
    assert not any("step" in text for text in texts["prediction"])


def test_a_map_and_the_accuracy_beside_it_are_of_one_step(tmp_path):
    whole = voronoi(tmp_path / "a", every=20)
    channels = {name: (whole.metadata.channels[name].every, whole[name]) for name in ("prediction", "loss")}
    accuracy = np.linspace(0.5, 0.9, 401)[:, None]
    mixed = record(
        tmp_path / "b", channels | {"val_accuracy": (1, accuracy)}, scenario="voronoi", steps=400, facts=whole.facts
    )
    panel = scene("benchmark", [mixed], 39).panels[0]
    assert panel.readouts[0].text == f"{percent(accuracy[20, 0])} right"


def test_arrows_of_rare_terms_begin_where_their_step_began(tmp_path):
    recording = surface(tmp_path / "a", steps=20)
    term = np.ones((5, 1, 2)) * np.arange(5)[:, None, None]
    channels = {name: (recording.metadata.channels[name].every, recording[name]) for name in recording.channels}
    rare = record(
        tmp_path / "b", channels | {"term.gradient": (5, term)}, scenario="surface", steps=20, facts=recording.facts
    )
    for step, sample in ((3, 0), (4, 1), (7, 1), (20, 4)):
        (arrows,) = (mark for mark in scene("update", [rare], step).panels[0].marks if isinstance(mark, Arrows))
        foot = rare["position"][max(5 * sample - 1, 0), 0]
        np.testing.assert_allclose([arrows.x[0], arrows.y[0]], foot)
        assert bool(arrows.dx[0]) == bool(sample)


def test_what_hardly_moves_is_drawn_on_an_axis_that_begins_at_zero():
    flat, steep = (limits.axis([np.array([[99.6], [99.6 - fall]])]) for fall in (0.6, 6.0))
    assert flat.limits[0] == 0
    assert flat.limits[1] > 99.6
    assert steep.limits[0] > 90


def notes(recordings, view="curves"):
    return [one.text for one in scene(view, recordings, 0).readouts]


def test_of_many_lanes_thin_lines_are_the_extremes_of_those_that_can_be_shown():
    steps, values = np.arange(50), np.random.default_rng(1).uniform(1, 2, (50, 20))
    values[30:, 3] = np.inf
    values[10, :] = np.nan
    marks = curves.Moving([curves.Curve(steps, values, "lane0")], Axis((0.0, 3.0))).at(49)
    low, high = (mark.y for mark in marks if isinstance(mark, Line) and mark.width < 0.5)
    shown = np.where(np.isfinite(values), values, np.nan)[np.arange(50) != 10]
    np.testing.assert_array_equal(np.delete(low, 10), np.nanmin(shown, axis=1))
    np.testing.assert_array_equal(np.delete(high, 10), np.nanmax(shown, axis=1))
    assert np.isnan([low[10], high[10]]).all()


def test_a_picture_says_what_its_bands_and_thin_lines_are(tmp_path):
    words = "bold: median, band: middle half, thin: least and largest of 12 runs"
    assert words in notes([surface(tmp_path / "a", lanes=12)])
    assert "band: 10 to 90 % of the last batches" in notes([voronoi(tmp_path / "b")])
    assert not any("band" in text for text in notes([surface(tmp_path / "c")]))


def test_from_the_ninth_recording_on_dashes_tell_what_colours_do_not(tmp_path):
    recordings = [surface(tmp_path / f"a{index}", label=f"rule{index}") for index in range(10)]
    lines = [mark for mark in scene("curves", recordings, 0).panels[0].marks if isinstance(mark, Line)]
    assert len({(line.color, line.dash) for line in lines}) == 10
    paths = [mark for mark in scene("path", recordings, 0).panels[0].marks if isinstance(mark, Line)]
    assert len({(line.color, line.dash) for line in paths}) == 10


def test_learning_rates_of_a_sweep_have_ordered_colours_and_labels(tmp_path):
    few = [Lane(0, {"lr": lr}) for lr in (0.1, 0.001, 0.01)]
    recording = curve_of(tmp_path / "few", few)
    film = scene("curves", [recording], 0)
    lines = [mark for mark in film.panels[0].marks if isinstance(mark, Line)]
    assert [(line.label, line.color) for line in lines] == [
        ("adamw lr 0.1", "ordered7"),
        ("adamw lr 0.001", "ordered0"),
        ("adamw lr 0.01", "ordered4"),
    ]
    many = [Lane(0, {"lr": float(lr)}) for lr in np.geomspace(1e-4, 1, 17)]
    lines = [
        mark
        for mark in scene("curves", [curve_of(tmp_path / "many", many)], 0).panels[0].marks
        if isinstance(mark, Line)
    ]
    assert len(lines) == 17
    assert (lines[0].color, lines[-1].color) == ("ordered0", "ordered7")
    labels = [line.label for line in lines if line.label]
    assert (len(labels), labels[0], labels[-1]) == (5, "lr 1e-4", "lr 1")


def curve_of(folder, lanes):
    values = np.linspace(1, 0.5, 5)[:, None] + 0.01 * np.arange(len(lanes))
    return record(folder, {"loss": (1, values)}, scenario="bowl", steps=4, lanes=tuple(lanes))


def test_colours_of_ordered_lines_are_seen_on_both_grounds():
    for look in (theme.light, theme.dark):
        ground = look.color("ground")
        assert all(theme.contrast(look.color(f"ordered{index}"), ground) > 1.9 for index in range(8))
    with pytest.raises(DynvizError, match="ordered0 to ordered7"):
        theme.light.color("ordered8")


@pytest.mark.parametrize(("value", "word"), [(np.nan, "no value is finite"), (np.inf, "no value is finite")])
def test_a_panel_without_a_curve_says_why(value, word, tmp_path):
    recording = record(tmp_path / "a", {"loss": (1, np.full((5, 1), value))}, scenario="bowl", steps=4)
    (text,) = (mark for mark in scene("curves", [recording], 4).panels[0].marks if isinstance(mark, Text))
    assert text.text == word
    (panel,) = scene(
        "curves", [record(tmp_path / "b", {"loss": (1, np.ones((5, 1)))}, scenario="bowl", steps=4)], 4
    ).panels
    assert not any(isinstance(mark, Text) for mark in panel.marks)


def test_lines_of_very_many_samples_are_drawn_by_their_extremes(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    values = np.cumsum(rng.standard_normal(300_001))[:, None]
    values[100_000] += 300
    values[200_000:200_300] = np.nan
    values = values.astype(np.float32)
    recording = record(tmp_path / "r", {"offset": (1, values)}, scenario="voronoi", steps=300_000)
    pictures, lengths = [], []
    for most in (curves.VERTICES, len(values)):
        monkeypatch.setattr(curves, "VERTICES", most)
        now = scene("curves", [recording], 300_000, channels="offset")
        (line,) = marks(now.panels[0], Line)
        pictures.append(CellCanvas(120, 40, "dark").draw(now).glyphs)
        lengths.append(len(line.x))
        assert float(np.nanmax(line.y)) == float(np.nanmax(values))
        assert np.isnan(line.y).any()
    assert lengths[0] < 5 * curves.COLUMNS < lengths[1]
    assert (pictures[0] == pictures[1]).mean() > 0.995
