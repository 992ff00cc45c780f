"""The view `map`: cells where they belong, over time, with what diverged and where a place leads."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dynviz import plugins
from dynviz.charts import caption
from dynviz.charts.lattice import Dimension, lattices
from dynviz.charts.numbers import significant
from dynviz.errors import DynvizError
from dynviz.recording import Recording, Writer, open_all
from dynviz.recording.metadata import ChannelInfo, Hyperparameter, Lane, Metadata, Named
from dynviz.scene.marks import Axis, Band, Field, Line, Points, ReferenceLine, Text
from dynviz.scene.norm import Norm
from dynviz.scene.scales import first_pixels, nearest_pixels

STEPS = 4


def best_at(lr, beta):
    return (np.log10(lr) + 2) ** 2 + beta + 0.01


def recorded(folder, lanes, *, rule="adamw", scenario=None, loss=None, events=(), better="lower"):
    """Lanes whose loss falls in a straight line from 20 to what `best_at` says."""
    own = [lane.hyperparameters for lane in lanes]
    ends = np.array([best_at(values.get("lr", 0.01), values.get("beta1", 0)) for values in own])
    ends = ends + 0.001 * np.array([lane.seed for lane in lanes]) if loss is None else np.array(loss)
    samples = np.linspace(np.full(len(lanes), 20.0), ends, STEPS + 1)
    metadata = Metadata(
        Named("bowl", scenario or {}, scenario or {}),
        Named(rule),
        rule,
        0,
        {"lr": Hyperparameter(0.01, "given"), "beta1": Hyperparameter(0.0, "default")},
        (),
        tuple(lanes),
        STEPS,
        {"loss": ChannelInfo(1, "<f8", better=better)},
        views=("map", "curves"),
    )
    with Writer.create(folder, metadata) as writer:
        writer.write("loss", 0, np.ascontiguousarray(samples))
        for step, lane in events:
            writer.event(step, lane, "diverged")
        writer.status("finished")
    return Recording(folder)


def test_a_rate_that_follows_from_the_options_of_the_scenario_is_no_dimension(tmp_path):
    runs = []
    for depth in (2, 3):
        for gamma in (1.0, 10.0):
            one = recorded(tmp_path / f"{depth}-{gamma}", [Lane(0, {})], scenario={"depth": depth, "gamma": gamma})
            lr = Hyperparameter(gamma**-depth, "protocol")
            runs.append(replaced(one, hyperparameters={**one.metadata.hyperparameters, "lr": lr}))
    (lattice,) = lattices(runs)
    assert [dimension.name for dimension in lattice.dimensions] == ["depth", "gamma"]
    (turned,) = lattices(runs, ["gamma", "depth"])
    assert [dimension.name for dimension in turned.dimensions] == ["gamma", "depth"]


def test_of_options_that_vary_together_the_requested_one_is_the_dimension(tmp_path):
    runs = [recorded(tmp_path / str(size), [Lane(0, {})], scenario={"M": size, "N": size}) for size in (8, 64)]
    assert [lattice.dimensions[0].name for lattice in lattices(runs)] == ["M"]
    assert [lattice.dimensions[0].name for lattice in lattices(runs, ["N"])] == ["N"]


def replaced(recording, **changes):
    """The same recording with other metadata."""
    return SimpleNamespace(
        metadata=replace(recording.metadata, **changes), label=recording.label, seeds=recording.seeds, chosen=None
    )


def grid(lrs=(1e-4, 1e-3, 1e-2, 1e-1), betas=(0.0, 0.5, 1.0), seeds=(0, 1, 2)):
    return [Lane(seed, {"lr": lr, "beta1": beta}) for lr in lrs for beta in betas for seed in seeds]


def view(*recordings, **options):
    return plugins.load("views", "map").target(list(recordings), **options)


def marks(panel, kind):
    return [mark for mark in panel.marks if isinstance(mark, kind)]


def test_a_cell_is_the_median_over_the_seeds_at_its_place(tmp_path):
    film = view(recorded(tmp_path / "a", grid()))
    (panel,) = film.scene(STEPS).panels
    (field,) = marks(panel, Field)
    expected = [[best_at(lr, beta) + 0.001 for lr in (1e-4, 1e-3, 1e-2, 1e-1)] for beta in (0.0, 0.5, 1.0)]
    np.testing.assert_allclose(field.values, expected)
    assert (panel.x.scale, panel.x.label, panel.y.scale, panel.y.label) == ("log", "learning rate", "linear", "beta1")
    assert panel.x.limits == pytest.approx((10**-4.5, 10**-0.5))
    assert field.extent == (*panel.x.limits, *panel.y.limits)
    assert panel.readouts[0].text == "0.0110 at lr 0.01, beta1 0"
    star = marks(panel, Points)[-1]
    assert (star.marker, star.x.tolist(), star.y.tolist()) == ("star", [0.01], [0.0])


def test_cells_of_uneven_width_are_where_their_values_are(tmp_path):
    film = view(recorded(tmp_path / "a", grid(betas=(0.0, 0.1, 0.9))))
    (field,) = marks(film.scene(STEPS).panels[0], Field)
    assert field.values.shape == (160, 4)
    bottom, top = film.scene(0).panels[0].y.limits
    middles = bottom + (np.arange(160) + 0.5) * (top - bottom) / 160
    for beta in (0.0, 0.1, 0.9):
        row = int(np.abs(middles - beta).argmin())
        assert field.values[row, 2] == pytest.approx(best_at(0.01, beta) + 0.001)


def test_it_moves_with_the_steps_on_axes_that_stay(tmp_path):
    film = view(recorded(tmp_path / "a", grid()))
    first, last = film.scene(0).panels[0], film.scene(STEPS).panels[0]
    assert (marks(first, Field)[0].values == 20).all()
    assert (first.x, first.y, first.title) == (last.x, last.y, last.title)
    assert marks(first, Field)[0].norm == marks(last, Field)[0].norm
    assert film.scene(STEPS).panels[0].marks is last.marks


def test_what_diverged_is_marked_from_its_step_on(tmp_path):
    lanes = grid(lrs=(0.01, 0.1), betas=(0.0, 0.5), seeds=(0, 1))
    events = [(2, lane) for lane in (6, 7)] + [(3, 0)]
    film = view(recorded(tmp_path / "a", lanes, events=events))

    def seen(step):
        cross, ring, _ = marks(film.scene(step).panels[0], Points)
        return list(zip(cross.x, cross.y, strict=True)), list(zip(ring.x, ring.y, strict=True))

    assert seen(1) == ([], [])
    assert seen(2) == ([(0.1, 0.5)], [])
    assert seen(3) == ([(0.1, 0.5)], [(0.01, 0.0)])
    field = marks(film.scene(STEPS).panels[0], Field)[0]
    assert np.isnan(field.values[1, 1])
    assert field.missing == "diverged"


def test_a_seed_that_diverged_is_infinitely_bad_in_the_median_of_its_cell(tmp_path):
    lanes = grid(lrs=(0.01, 0.1), betas=(0.0, 0.5), seeds=(0, 1))
    # One of two seeds of the best cell: of three it would be the median's neighbour.
    (panel,) = view(recorded(tmp_path / "a", lanes, events=[(2, 0)])).scene(STEPS).panels
    (field,) = marks(panel, Field)
    assert np.isnan(field.values[0, 0])
    star = marks(panel, Points)[-1]
    assert (star.x.tolist(), star.y.tolist()) == ([0.01], [0.5])


def test_curves_tell_small_losses_apart_where_colours_cannot(tmp_path):
    swept = recorded(tmp_path / "a", [Lane(0, {"lr": lr}) for lr in (0.1, 1.0)], loss=(1.0, 2e-7))
    still = [recorded(tmp_path / name, [Lane(0)], rule=name, loss=(loss,)) for name, loss in (("b", 2e-6), ("c", 3e-8))]
    (panel,) = view(swept, *still).scene(STEPS).panels
    assert panel.y.limits[0] < 3e-8
    assert [line.at for line in marks(panel, ReferenceLine)] == [2e-6, 3e-8]
    (heat,) = view(recorded(tmp_path / "d", grid(), loss=[1e-9] * 3 + [1.0] * 33)).scene(STEPS).panels
    assert marks(heat, Field)[0].norm.low > 5e-6


def test_one_number_is_a_curve_with_its_middle_half_for_each_optimizer(tmp_path):
    lanes = [Lane(seed, {"lr": lr}) for lr in (1e-3, 1e-2, 1e-1) for seed in range(5)]
    swept = recorded(tmp_path / "a", lanes)
    other = recorded(tmp_path / "b", [Lane(0, {"lr": 1e-2}), Lane(0, {"lr": 1.0})], rule="sgd", loss=(1.0, np.nan))
    alone = recorded(tmp_path / "c", [Lane(seed) for seed in range(3)], rule="lion", loss=(1.0, 2.0, 3.0))
    (panel,) = view(swept, other, alone).scene(STEPS).panels
    lines, bands = marks(panel, Line), marks(panel, Band)
    assert [line.label for line in lines] == ["adamw", "sgd"]
    np.testing.assert_allclose(lines[0].y, [best_at(lr, 0) + 0.002 for lr in (1e-3, 1e-2, 1e-1)])
    np.testing.assert_allclose(bands[0].high - bands[0].low, 0.002)
    (rule,) = marks(panel, ReferenceLine)
    assert (rule.at, rule.label) == (2.0, "lion")
    assert panel.x.scale == "log"
    crosses = [points for points in marks(panel, Points) if points.marker == "cross"]
    assert [points.x.tolist() for points in crosses] == [[], [1.0]]
    assert {points.label for points in crosses} == {"diverged"}
    assert {points.label for points in marks(panel, Points) if points.marker == "ring"} == {""}
    assert [readout.text for readout in panel.readouts] == ["0.0120 at lr 0.01", "1.00 at lr 0.01", "2.00"]


def test_a_story_of_several_curves_has_the_best_values_at_their_stars(tmp_path):
    grid = [Lane(0, {"lr": lr}) for lr in (0.001, 0.01, 0.1)]
    both = [recorded(tmp_path / rule, grid, rule=rule) for rule in ("adamw", "sgd")]
    film = plugins.load("views", "map").make(recordings=both)
    assert [len(film.scene(STEPS).panels[0].readouts), len(film.story().scene(STEPS).panels[0].readouts)] == [2, 0]
    (panel,) = film.story().scene(STEPS).panels
    assert [text.text for text in marks(panel, Text)] == ["adamw 0.01", "sgd 0.01"]
    assert plugins.load("views", "map").make(recordings=both[:1]).story is None


def test_parts_of_one_grid_are_joined(tmp_path):
    lanes = grid()
    whole = view(recorded(tmp_path / "whole", lanes)).scene(STEPS).panels
    parts = view(recorded(tmp_path / "one", lanes[:20]), recorded(tmp_path / "two", lanes[20:])).scene(STEPS).panels
    assert len(parts) == 1
    assert np.array_equal(parts[0].marks[0].values, whole[0].marks[0].values)


def test_options_of_the_scenario_are_numbers_too_and_linked_ones_count_once(tmp_path):
    lanes = [Lane(seed) for seed in range(2)]
    sizes = [
        recorded(tmp_path / str(size), lanes, scenario={"M": size, "N": size, "kind": "plain"}, loss=(size / 4,) * 2)
        for size in (8, 16, 64)
    ]
    (panel,) = view(*sizes).scene(STEPS).panels
    assert panel.x.label == "M"
    np.testing.assert_allclose(marks(panel, Line)[0].y, [2, 4, 16])
    words = recorded(tmp_path / "w", lanes, scenario={"M": 8, "N": 8, "kind": "scaled"}, loss=(3, 3))
    (panel,) = view(*sizes, words).scene(STEPS).panels
    assert [each.label for each in marks(panel, Line)] == ["adamw kind plain", "adamw kind scaled"]


def test_the_dimensions_can_be_chosen(tmp_path):
    recording = recorded(tmp_path / "a", grid(lrs=(0.01, 0.1)))
    (panel,) = view(recording, x="beta1").scene(STEPS).panels
    assert panel.x.label == "beta1"
    assert [line.label for line in marks(panel, Line)] == ["adamw lr 0.01", "adamw lr 0.1"]
    with pytest.raises(DynvizError, match="no option in which these lanes differ named 'eps'"):
        view(recording, x="eps")


def test_lanes_that_differ_in_nothing_are_refused_with_how_to_make_some(tmp_path):
    with pytest.raises(DynvizError, match=r"view map needs lanes that differ in an option.*dynviz sweep"):
        view(recorded(tmp_path / "a", [Lane(0), Lane(1)]))


def test_a_place_leads_to_the_lanes_of_its_cell(tmp_path):
    recording = recorded(tmp_path / "a", grid(lrs=(0.001, 0.01), betas=(0.0, 0.5), seeds=(3, 4)))
    film = view(recording)
    (source,) = film.pick(STEPS, 0, 0.012, 0.4)
    (picked,) = open_all([source])
    assert [dict(lane.hyperparameters) for lane in picked.metadata.lanes] == [{"lr": 0.01, "beta1": 0.5}] * 2
    assert picked.seeds == (3, 4)
    (again,) = view(Recording(tmp_path / "a", [2, 3, 6, 7])).pick(STEPS, 0, 0.01, 0.5)
    assert again == source


def test_of_several_curves_a_place_leads_to_the_nearest(tmp_path):
    low = recorded(tmp_path / "low", [Lane(0, {"lr": 0.01}), Lane(0, {"lr": 0.1})], loss=(1.0, 1.0))
    high = recorded(tmp_path / "high", [Lane(0, {"lr": 0.01}), Lane(0, {"lr": 0.1})], rule="sgd", loss=(9.0, 9.0))
    film = view(low, high)
    assert film.pick(STEPS, 0, 0.09, 8.0) == (f"{high.folder}@1",)
    assert film.pick(STEPS, 0, 0.012, 2.0) == (f"{low.folder}@0",)


@pytest.mark.parametrize(
    ("values", "scale", "edges"),
    [
        ((0.001, 0.01, 0.1), "log", (10**-3.5, 10**-0.5)),
        ((0.0, 0.5, 1.0), "linear", (-0.25, 1.25)),
        ((1.0, 2.0, 3.0), "linear", (0.5, 3.5)),
        ((0.5, 0.9), "linear", (0.3, 1.1)),
        ((0.001, 0.1), "log", (1e-4, 1.0)),
    ],
)
def test_axes_are_logarithmic_where_the_grid_is(values, scale, edges):
    dimension = Dimension("lr", values)
    assert dimension.logarithmic == (scale == "log")
    found = np.exp(dimension.edges) if dimension.logarithmic else dimension.edges
    assert (found[0], found[-1]) == pytest.approx(edges)
    assert [dimension.nearest(value) for value in values] == list(range(len(values)))


def test_an_image_on_a_logarithmic_axis_has_pixels_that_are_equal_as_drawn():
    axis = Axis((1, 1000), "log")
    assert nearest_pixels(axis, 1, 1000, 3, 6).tolist() == [0, 0, 1, 1, 2, 2]
    assert nearest_pixels(axis, 10, 1000, 2, 6).tolist() == [-1, -1, 0, 0, 1, 1]
    assert first_pixels(axis, 1, 1000, 3, 3).tolist() == [0, 1, 2, 3]


def test_lattices_name_every_lane_once(tmp_path):
    recording = recorded(tmp_path / "a", grid())
    (lattice,) = lattices([recording])
    assert sorted(member for cell in lattice.cells.values() for member in cell) == [(0, lane) for lane in range(36)]


def test_captions_say_over_which_values_lanes_go(tmp_path):
    lanes = [Lane(seed, {"lr": lr}) for lr in (1e-4, 1e-3, 1e-2, 0.1) for seed in range(3)]
    recording = recorded(tmp_path / "a", lanes)
    assert [each.text for each in caption.readouts([recording])] == ["adamw lr 1e-4 to 0.1 (4 values)", "seeds 0 to 2"]
    assert caption.lane(recording, 7) == "lr 0.01 seed 1"
    one, two = Recording(tmp_path / "a", [7]), Recording(tmp_path / "a", [8])
    assert [each.text for each in caption.readouts([one])] == ["adamw lr 0.01", "seed 1"]
    assert caption.names([one, two]) == ("adamw seed 1", "adamw seed 2")
    assert caption.names([one, Recording(tmp_path / "a", [1])]) == ("adamw lr 0.01", "adamw lr 1e-4")
    few = replace(recording.metadata, lanes=tuple(Lane(0, {"lr": lr}) for lr in (0.1, 0.2)))
    recording.metadata = few
    assert caption.readouts([recording])[0].text == "adamw lr 0.1 or 0.2"


def test_norms_are_one_for_all_panels(tmp_path):
    film = view(recorded(tmp_path / "a", grid()), recorded(tmp_path / "b", grid(), rule="sgd"))
    norms = {mark.norm for panel in film.scene(STEPS).panels for mark in marks(panel, Field)}
    assert len(norms) == 1
    (norm,) = norms
    assert isinstance(norm, Norm)
    labels = {mark.label for panel in film.scene(STEPS).panels for mark in marks(panel, Field)}
    assert labels == {f"{significant(norm.low, 2)} to {significant(norm.high, 2)}"}


def test_the_best_setting_is_said_and_cells_that_are_few_have_their_numbers(tmp_path):
    lanes = [Lane(0, {"lr": lr, "beta1": beta}) for lr in (1e-4, 1e-3) for beta in (0.0, 0.5)]
    scene = view(recorded(tmp_path / "a", lanes)).scene(STEPS)
    (panel,) = scene.panels
    (field,) = marks(panel, Field)
    assert scene.readouts[-1].text == f"The lowest loss is {significant(field.values.min())} at lr 0.001, beta1 0."
    written = {text.text.strip() for text in panel.marks if isinstance(text, Text)}
    assert written == {significant(value, 2) for value in field.values.ravel()}


def test_the_head_names_each_optimizer_in_the_colour_of_its_cells(tmp_path):
    lanes = [Lane(seed, {"beta1": beta}) for beta in (0.0, 0.5) for seed in (0, 1)]
    swept, alone = recorded(tmp_path / "a", lanes), recorded(tmp_path / "b", lanes, rule="sgd")
    more = recorded(tmp_path / "c", [Lane(seed, {"beta1": 0.9}) for seed in (0, 1)])
    scene = view(swept, more, alone).scene(STEPS)
    assert [(each.text, each.color) for each in scene.readouts] == [
        ("adamw lr 0.01", "lane0"),
        ("sgd lr 0.01", "lane1"),
        ("seeds 0, 1", "muted"),
        ("band: middle half of the seeds", "muted"),
        ("adamw has the lowest loss: 0.0105 at beta1 0.", "text"),
    ]
    assert [line.color for line in marks(scene.panels[0], Line)] == ["lane0", "lane1"]


def test_of_an_accuracy_the_highest_is_the_best_and_the_good_ones_are_told_apart(tmp_path):
    lanes = grid(lrs=(0.01, 0.1), betas=(0.0, 0.5), seeds=(0,))
    shares = (0.984, 0.95, 0.7, 0.186)
    recording = recorded(tmp_path / "a", lanes, loss=shares, better="higher")
    (panel,) = view(recording).scene(STEPS).panels
    (field,) = marks(panel, Field)
    np.testing.assert_allclose(sorted(field.values.ravel()), sorted(shares))
    star = marks(panel, Points)[-1]
    assert (star.x.tolist(), star.y.tolist()) == ([0.01], [0.0])
    assert panel.readouts[0].text.startswith("0.984 at")
    (curve,) = view(recording, x="lr").scene(STEPS).panels[:1]
    assert [one.text for one in curve.readouts if "0.984" in one.text]


def test_of_a_channel_that_says_neither_no_cell_is_the_best(tmp_path):
    lanes = grid(lrs=(0.01, 0.1), betas=(0.0, 0.5), seeds=(0,))
    (panel,) = view(recorded(tmp_path / "a", lanes, loss=(1.0, 2.0, 3.0, 4.0), better="neither")).scene(STEPS).panels
    assert not len(marks(panel, Points)[-1].x)
    assert panel.readouts[0].text == "1.00 to 4.00"


def test_a_diverged_seed_is_worst_where_more_is_better(tmp_path):
    lanes = grid(lrs=(0.01, 0.1), betas=(0.0, 0.5), seeds=(0, 1, 2))
    shares = np.where(np.arange(12) < 3, 0.99, 0.6)
    losts = [(2, 0), (2, 1)]
    (panel,) = view(recorded(tmp_path / "a", lanes, loss=shares, better="higher", events=losts)).scene(STEPS).panels
    star = marks(panel, Points)[-1]
    assert (star.x.tolist(), star.y.tolist()) != ([0.01], [0.0])


def test_a_noisy_loss_is_the_mean_of_its_last_steps_and_says_so(tmp_path):
    rng, lanes = np.random.default_rng(0), [Lane(0, {"lr": lr}) for lr in (0.01, 0.1)]
    means = np.array([0.5, 0.6])
    samples = means + 0.3 * rng.standard_normal((61, 2))
    # The last batch of the worse one happens to be easy.
    samples[-1] = (0.9, 0.1)
    named = Named("bowl"), Named("adamw"), "adamw", 0, {"lr": Hyperparameter(0.01, "given")}, (), tuple(lanes), 60
    with Writer.create(tmp_path / "a", Metadata(*named, {"loss": ChannelInfo(1, "<f8", better="lower")})) as writer:
        writer.write("loss", 0, samples)
        writer.status("finished")
    (panel,) = view(Recording(tmp_path / "a")).scene(60).panels
    assert panel.title == "loss, mean of 20 steps"
    (line,) = marks(panel, Line)
    np.testing.assert_allclose(line.y, samples[-20:].mean(axis=0))
    assert marks(panel, Points)[-1].x.tolist() == [0.01]


def test_the_scale_of_a_loss_does_not_run_to_rounding(tmp_path):
    lanes = grid(lrs=(0.01, 0.1), betas=(0.0, 0.5), seeds=(0,))
    scene = view(recorded(tmp_path / "a", lanes, loss=(1e-12, 0.5, 0.2, 0.1))).scene(STEPS)
    (field,) = marks(scene.panels[0], Field)
    assert field.norm.low > 1e-6
    assert field.label.startswith("≤ ")
