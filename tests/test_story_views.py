"""Views that documents tell in other panels than the dashboard's, and what they say happened."""

import numpy as np
import pytest

import dynviz
from dynviz.animation.drawing import open_film
from dynviz.animation.story import told
from dynviz.charts.tails import hill
from dynviz.scene.marks import Band, Field, Line, ReferenceLine


def last(film):
    return told(film).scene(int(film.steps[-1]))


def titles(scene):
    return [panel.title for panel in scene.panels]


def test_the_tail_index_leads_on_an_axis_that_reaches_over_its_intervals(tmp_path):
    run = dynviz.run("gradient-noise:data=shapes,rows=64,noise_batch=1", ["sgd", "adam"], steps=60, out=tmp_path / "a")
    recordings = list(run.values())
    scene = last(open_film(recordings, "noise"))
    assert titles(scene)[0] == "tail index"
    lead = scene.panels[0]
    low, high = lead.y.limits
    bands = [mark for mark in lead.marks if isinstance(mark, Band)]
    assert len(bands) == 2
    assert all(np.nanmin(band.low) >= low and np.nanmax(band.high) <= high for band in bands)
    assert next(mark for mark in lead.marks if isinstance(mark, ReferenceLine)).at == 2
    ends = {one.label: hill(one["noise"][-1, 0]).estimate for one in recordings}
    heavy, light = sorted(ends, key=lambda name: ends[name])
    # The heaviest tail stands above the lightest one.
    assert titles(scene)[1:] == [f"{heavy}: noise", f"{light}: noise"]
    said = " ".join(readout.text for readout in scene.readouts)
    assert f"The tail index ends between {ends[heavy]:.2g} ({heavy}) and " in said


def test_a_product_leads_beside_what_it_approximates(tmp_path):
    run = dynviz.run("matrix-sensing:d=6", "shampoo", steps=20, record="gradient:every=1", out=tmp_path / "run")
    scene = last(open_film([run["shampoo"]], "kronecker"))
    assert scene.lead == 3
    assert titles(scene)[:3] == ["product √L ⊗ √R", "all second moments C", "product − C"]
    assert len(scene.panels) == 4
    fields = [mark for panel in scene.panels[:3] for mark in panel.marks if isinstance(mark, Field)]
    assert len({field.label for field in fields}) == 1
    largest = float(fields[0].label.rsplit(" ", 1)[1])
    product, moments, difference = (largest * np.sign(one.values) * one.values**2 for one in fields)
    assert np.linalg.norm(product) == pytest.approx(1) == np.linalg.norm(moments)
    np.testing.assert_allclose(difference, product - moments, atol=1e-12)


def test_matrices_and_the_cosine_of_a_product_are_of_one_step(tmp_path):
    run = dynviz.run("matrix-sensing:d=6", "shampoo", steps=150, record="gradient:every=1", out=tmp_path / "run")
    film = open_film([run["shampoo"]], "kronecker").story()
    # Before the first step there are no gradients.
    assert film.steps[0] == 1
    for step in map(int, film.steps):
        panels = film.scene(step).panels
        product, moments = (np.sign(one) * one**2 for one in (panel.marks[0].values for panel in panels[:2]))
        (line,) = (mark for mark in panels[3].marks if isinstance(mark, Line))
        assert line.now == step
        cosine = (product * moments).sum() / np.linalg.norm(product) / np.linalg.norm(moments)
        assert line.y[line.x == step] == pytest.approx(cosine)


def test_shares_of_several_recordings_stand_in_one_panel_and_vectors_are_not_spoken_of(tmp_path):
    rules = ["shampoo+graft:beta2=0.9", "sketchy+graft:beta2=0.9,rank=9"]
    run = dynviz.run("landscape:data=shapes", rules, steps=20, record="state.*:every=4", out=tmp_path / "run")
    recordings = list(run.values())
    film = open_film(recordings, "decay")
    assert any("full-matrix" in readout.text for readout in film.scene(20).readouts)
    scene = last(film)
    assert titles(scene) == ["share of the sum in the largest quarter of the eigenvalues"]
    assert not any("full-matrix" in readout.text for readout in scene.readouts)
    named = [mark.label for mark in scene.panels[0].marks if isinstance(mark, Line) and mark.label]
    assert {"shampoo+graft", "sketchy+graft", "random matrices"} <= set(named)
    assert open_film(recordings[:1], "decay").story is None


def test_the_rarest_classes_lead_under_all_optimizers(tmp_path):
    run = dynviz.run("imbalance:classes=60,samples=200", ["sgd", "adam"], steps=20, out=tmp_path / "run")
    recordings = list(run.values())
    scene = last(open_film(recordings, "groups"))
    assert titles(scene) == ["loss of the rarest classes", "loss of the most frequent", "training loss"]
    for panel, place in zip(scene.panels, (-1, 0), strict=False):
        lines = [mark for mark in panel.marks if isinstance(mark, Line)]
        assert [line.label for line in lines] == ["sgd", "adam"]
        for line, one in zip(lines, recordings, strict=True):
            assert line.y[-1] == pytest.approx(one["group_loss"][-1, 0, place])
    assert any("The loss of the rarest classes ends between" in readout.text for readout in scene.readouts)


def test_what_is_learned_leads_over_the_layers_that_explain_it(tmp_path):
    spec = "initialisation:layers=4,width=8,data=shapes"
    runs = [dynviz.run(f"{spec},init={init}", "sgd", steps=20, out=tmp_path / init)["sgd"] for init in ("he", "equal")]
    scene = last(open_film(runs, "layers"))
    assert titles(scene) == ["test accuracy", "signal after each layer", "gradient of each layer's weights"]


def test_a_lone_minimum_has_no_number_and_a_sentence_says_who_ends_there(tmp_path):
    rules = ["sgd:lr=0.1", "sgd:lr=0.01"]
    run = dynviz.run("surface:f=least-squares,grid=16", rules, seeds="0:4", steps=400, out=tmp_path / "run")
    scene = last(open_film(list(run.values()), "cloud"))
    assert titles(scene)[2:] == ["share of the runs at the minimum", "full loss"]
    x = scene.panels[2].x
    assert not any(x.limits[0] <= whole <= x.limits[1] for whole in range(-2, 3))
    said = next(readout.text for readout in scene.readouts if readout.text.startswith("Of the runs"))
    assert said.endswith("end at the minimum.")
