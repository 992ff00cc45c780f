"""Views of matrices: spectra, heat maps, directions, ratios against the size."""

import numpy as np
import pytest

import dynviz
from dynviz import DynvizError
from dynviz.animation.drawing import open_film
from dynviz.animation.story import told
from dynviz.pixels.metrics import pixel_page
from dynviz.pixels.pen import Pen
from dynviz.scene.marks import Bars, Field, Line, Points, ReferenceLine
from dynviz.scene.ticks import ticks
from dynviz.views.snr import ratio
from tests.recorded import sensing, surface


def marks(panel, kind):
    return [mark for mark in panel.marks if isinstance(mark, kind)]


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """Recordings of four sizes in each of four families, some scaled."""
    folder = tmp_path_factory.mktemp("grid")
    found = []
    for place, options in enumerate(
        ("M=4", "M=8", "M=12", "M=8,scaled=true", "M=4,N=16", "M=8,N=16", "M=16,N=8", "M=16,rank=4", "M=16,rank=8")
    ):
        run = dynviz.run(
            f"matrix-recovery:{options}", ["sgd", "adagrad"], seeds="0:2", steps=12, out=folder / str(place)
        )
        found += [run["sgd"], run["adagrad"]]
    return found


@pytest.fixture(scope="module")
def low_rank(grid):
    return [each for each in grid if each.facts["M"] == 16 and each.facts["rank"] == 4]


def test_a_heat_map_shows_the_learned_matrix_the_true_one_and_their_difference(low_rank):
    scene = open_film(low_rank, "heatmap").scene(12)
    panels = scene.panels
    row = ["learned, seed 0", "true", "difference, seed 0"]
    assert [panel.title for panel in panels] == [*row, *row]
    maps = [marks(panel, Field)[0] for panel in panels]
    sgd = low_rank[0]
    assert np.array_equal(maps[0].values, sgd["matrix"][-1, 0])
    assert np.array_equal(maps[1].values, sgd["true_matrix"][0, 0])
    np.testing.assert_array_equal(maps[2].values, sgd["matrix"][-1, 0] - sgd["true_matrix"][0, 0])
    assert len({each.norm for each in maps}) == 1
    assert maps[0].norm.low == -maps[0].norm.high
    # The first row at the top: the axis runs down, and rows lie along it.
    assert panels[0].y.limits == (16, 0)
    assert maps[0].extent == (0, 16, 0, 16)
    # Matrices of this size differ little from picture to picture but in what is learned.
    assert panels[2].readouts[0].text.startswith("at most ")
    # Each optimizer has a row, and all cells are alike.
    assert [panels[index].readouts[0].name for index in (0, 2, 3, 5)] == ["sgd", "sgd", "adagrad", "adagrad"]
    cells = [place.cell for place in pixel_page(scene, Pen(720, 540)).places]
    assert all(abs(cell.width - cells[0].width) <= 1 and cell.height == cells[0].height for cell in cells)
    assert [cell.top for cell in cells] == [cells[0].top] * 3 + [cells[3].top] * 3
    assert {(panel.x.label, panel.y.label) for panel in panels} == {("column", "row")}


def test_a_heat_map_can_be_of_the_first_rows_and_columns(low_rank):
    panel = open_film(low_rank[:1], "heatmap:count=5,lane=1").scene(0).panels[0]
    assert marks(panel, Field)[0].values.shape == (5, 5)
    assert panel.title == "learned, seed 1, first 5 × 5 of 16 × 16"


def test_alignment_shows_the_truths_directions_their_shares_and_the_subspaces(low_rank):
    film = open_film(low_rank, "alignment")
    panels = film.scene(12).panels
    assert [panel.title for panel in panels] == [
        *("learned, seed 0", "true", "difference, seed 0") * 2,
        "diagonal, the largest bold",
        "alignment",
    ]
    core = low_rank[0]["core"][-1, 0]
    assert np.array_equal(marks(panels[0], Field)[0].values, core.T)
    assert np.array_equal(marks(panels[1], Field)[0].values, np.eye(4))
    assert np.array_equal(marks(panels[2], Field)[0].values, core.T - np.eye(4))
    lines = marks(panels[6], Line)
    assert len(lines) == 8
    np.testing.assert_array_equal(lines[0].y, low_rank[0]["core"][:, 0, 0, 0])
    assert panels[6].readouts[0].text.count("to") == 1
    assert [rule.at for rule in marks(panels[6], ReferenceLine)] == [1.0]


def test_subspaces_that_are_the_whole_space_are_left_out(grid):
    square = [each for each in grid if each.facts["M"] == each.facts["N"] == each.facts["rank"] == 8][:1]
    assert "alignment" not in [panel.title for panel in open_film(square, "alignment").scene(0).panels]


def test_ratios_stand_over_sizes_in_a_panel_for_each_optimizer_and_one_for_the_control(grid):
    panels = open_film(grid, "snr").scene(12).panels
    assert [panel.title for panel in panels] == ["sgd", "adagrad", "SVD", "lstsq"]
    assert len({(panel.x, panel.y) for panel in panels}) == 1
    lines = {(line.color, line.dash): line for line in marks(panels[0], Line)}
    assert set(lines) == {
        ("lane3", "solid"),
        ("lane3", "dashed"),
        ("lane2", "solid"),
        ("lane0", "solid"),
        ("lane5", "solid"),
    }
    square = lines["lane3", "solid"]
    assert square.x.tolist() == [4, 8, 12]
    recordings = [each for each in grid if each.label == "sgd"][:3]
    np.testing.assert_allclose(square.y, [ratio(each, 12) for each in recordings])
    losses = recordings[1]["test_loss"]
    lanes = 10 * np.log10(losses[0] / losses[-4:].mean(axis=0))
    assert square.y[1] == pytest.approx(np.median(lanes), abs=1e-4)
    assert lines["lane5", "solid"].x.tolist() == [4, 8]
    control = {(line.color, line.dash): line for line in marks(panels[2], Line)}
    assert control["lane3", "solid"].y[0] == pytest.approx(np.median(recordings[0]["svd_snr"][0]), abs=1e-3)


def test_optimizers_stand_from_the_best_to_the_worst_on_request(grid):
    panels = open_film(grid, "snr:control=false,ranked=true").scene(12).panels
    given = open_film(grid, "snr:control=false").scene(12).panels
    assert {panel.title for panel in panels} == {panel.title for panel in given}

    def middle(label):
        return np.median([ratio(one, int(one.steps("snr")[-1])) for one in grid if one.label == label])

    ends = [middle(panel.title) for panel in panels]
    assert ends == sorted(ends, reverse=True)


def test_ranked_optimizers_have_ticks_at_their_sizes_and_say_nothing_of_the_number_of_examples(grid):
    scene = open_film(grid, "snr:control=false,ranked=true").scene(12)
    sizes = sorted({each.facts["rank"] for each in grid})
    assert all([tick.value for tick in ticks(panel.x)] == sizes for panel in scene.panels)
    assert not any(rule.vertical for panel in scene.panels for rule in marks(panel, ReferenceLine))
    said = [each.text for each in scene.readouts]
    assert said[0] == "━ square"
    assert not any("examples" in text for text in said)


def test_ranked_optimizers_are_compared_with_their_medians_of_a_step_before(grid):
    scene = open_film(grid, "snr:control=false,ranked=true,before=6").scene(12)
    for panel in scene.panels:
        mine = [one for one in grid if one.label == panel.title]
        then, now = (float(np.median([ratio(one, step) for one in mine])) for step in (6, 12))
        assert [(rule.at, rule.dash) for rule in marks(panel, ReferenceLine)] == [(then, "dotted"), (now, "solid")]
        assert [readout.text for readout in panel.readouts] == [f"{then:.0f} → {now:.0f} dB"]
    assert "grey: median, dotted after 6 steps" in [each.text for each in scene.readouts]
    for options in ("before=6", "ranked=true,before=13", "ranked=true,before=-1"):
        with pytest.raises(DynvizError, match="ranked=true"):
            open_film(grid, f"snr:{options}")


def test_a_story_of_ranked_optimizers_has_all_of_them_and_no_counter(grid):
    film = open_film(grid, "snr:control=false,ranked=true")
    whole, story = film.scene(12), told(film).scene(12)
    assert [panel.title for panel in story.panels] == [panel.title for panel in whole.panels]
    assert (whole.steps, story.steps) == (12, -1)


def test_ratios_move_with_the_steps_and_begin_at_nothing(grid):
    film = open_film(grid, "snr:control=false")
    first = marks(film.scene(0).panels[0], Points)
    assert all(np.allclose(points.y, 0, atol=1e-5) for points in first)
    values = [marks(film.scene(step).panels[1], Line)[0].y[0] for step in (1, 6, 12)]
    assert len(set(values)) == 3


def test_the_line_of_twenty_examples_a_parameter_stands_where_sizes_are_inside_the_axis(grid):
    # 12 steps of 32 examples: 19.2 parameters, that is a square of 4.38, and 1.2 beside an input or output of 16.
    rules = [rule for rule in marks(open_film(grid, "snr").scene(0).panels[0], ReferenceLine) if rule.vertical]
    assert [(round(rule.at, 2), rule.color) for rule in rules] == [(4.38, "lane3")]
    said = [each.text for each in open_film(grid, "snr").scene(0).readouts]
    assert "dotted: 20 examples per parameter" in said
    larger = [each for each in grid if each.facts["rank"] > 4]
    assert not any("dotted" in each.text for each in open_film(larger, "snr").scene(0).readouts)
    # Beyond the largest size, in the margin of the axis, it is drawn and explained as well.
    margin = open_film([each for each in grid if each.facts["rank"] == 4], "snr").scene(0)
    assert any(rule.vertical for rule in marks(margin.panels[0], ReferenceLine))
    assert "dotted: 20 examples per parameter" in [each.text for each in margin.readouts]


def test_the_ratio_of_one_size_is_drawn_over_the_steps_with_the_control(grid):
    panels = open_film(grid[:2], "snr").scene(12).panels
    assert [panel.title for panel in panels] == ["signal-to-noise ratio", "test loss"]
    (rule,) = marks(panels[0], ReferenceLine)
    assert rule.at == pytest.approx(np.median([each["svd_snr"][0] for each in grid[:2]]))
    assert panels[0].y.limits[1] > rule.at


def test_a_recording_has_the_same_ratio_over_steps_and_against_the_size(grid):
    one, other = (next(each for each in grid if each.facts["rank"] == rank) for rank in (8, 12))
    (over_steps,) = open_film([one], "snr").scene(12).panels[0].readouts[:1]
    against_size = marks(open_film([one, other], "snr").scene(12).panels[0], Points)
    values = {float(x): y for points in against_size for x, y in zip(points.x, points.y, strict=True)}
    assert float(over_steps.text) == pytest.approx(values[8.0], abs=0.06)


def test_a_view_of_ratios_says_what_it_lacks(tmp_path):
    with pytest.raises(DynvizError, match="'snr'"):
        open_film([surface(tmp_path / "adamw")], "snr")


@pytest.mark.parametrize(
    ("of", "channel"), [("gradient", "gradient_singular_values"), ("update", "update_singular_values")]
)
def test_a_spectrum_can_be_of_the_gradient_and_of_the_update(grid, of, channel):
    panels = open_film(grid[:1], f"spectrum:of={of}").scene(12).panels
    assert panels[0].title == channel.replace("_", " ")
    assert panels[0].y.scale == "log"
    np.testing.assert_allclose(marks(panels[1], Bars)[0].heights, grid[0][channel][-1, 0])
    with pytest.raises(DynvizError, match="matrix"):
        open_film(grid[:1], "spectrum:of=noise")


def test_of_many_singular_values_some_have_a_line_and_all_stand_in_the_spectrum(tmp_path):
    run = dynviz.run("matrix-recovery:M=40", ["sgd", "adamw"], seeds=0, steps=10, out=tmp_path / "run")
    traces, now, _ = open_film([run["sgd"], run["adamw"]], "spectrum").scene(10).panels
    assert len(marks(traces, Line)) == 2 * 12
    assert [len(line.x) for line in marks(now, Line)] == [40, 40]
    (rings,) = marks(now, Points)
    assert len(rings.x) == 40


def test_one_recording_that_diverged_does_not_set_the_axis_of_the_spectrum(tmp_path):
    good, lost = sensing(tmp_path / "good", label="sgd"), sensing(tmp_path / "lost", label="adam", lost=0)
    alone = open_film([good], "spectrum").scene(0).panels[0].y
    both = open_film([good, lost], "spectrum").scene(0).panels[0].y
    assert both.limits[1] == pytest.approx(alone.limits[1], rel=0.1)
