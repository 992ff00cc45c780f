"""The scenario icon: a plane of networks whose loss shows a picture."""

import numpy as np
import pytest
import torch
from PIL import Image

import dynviz
from dynviz.animation.drawing import open_film
from dynviz.errors import DynvizError
from dynviz.plugins import load
from dynviz.scenarios._networks import cnn, mlp
from dynviz.scenarios.icon import PICTURES, Icon, Plane, picture


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_every_picture_has_dark_and_bright_cells(name):
    cells = picture(name)
    assert cells.shape == (16, 16)
    assert 0.2 < float(cells.double().mean()) < 0.8


def test_a_picture_is_read_from_text_and_from_an_image_the_first_row_on_top(tmp_path):
    (tmp_path / "a.txt").write_text("#..\n...\n")
    import imageio.v3 as imageio

    imageio.imwrite(tmp_path / "a.png", np.array([[0, 255, 255], [250, 255, 240]], np.uint8))
    expected = [[False, False, False], [True, False, False]]
    assert picture(str(tmp_path / "a.txt")).tolist() == expected
    assert picture(str(tmp_path / "a.png")).tolist() == expected


@pytest.mark.parametrize(
    ("mode", "name"),
    [("L", "a.png"), ("RGB", "a.gif"), ("CMYK", "a.tif"), ("1", "a.png"), ("P", "a.png"), ("RGB", "a.bmp")],
)
def test_a_picture_of_any_format_is_dark_where_it_looks_dark(tmp_path, mode, name):
    image = Image.fromarray(np.array([[0, 255, 255], [255, 255, 0]], np.uint8)).convert("RGB").convert(mode)
    image.save(tmp_path / name)
    assert picture(str(tmp_path / name)).tolist() == [[False, False, True], [True, False, False]]


@pytest.mark.parametrize(("mode", "dark"), [("LA", (0, 255)), ("RGBA", (0, 0, 0, 255))])
def test_what_is_transparent_in_a_picture_is_white_paper(tmp_path, mode, dark):
    # Black, and transparent black.
    image = Image.new(mode, (3, 2), (0,) * len(dark))
    image.putpixel((1, 0), dark)
    image.save(tmp_path / "a.png")
    assert picture(str(tmp_path / "a.png")).tolist() == [[False, False, False], [False, True, False]]


@pytest.mark.parametrize(
    ("text", "words"), [("##\n#\n", "one length"), ("..\n..\n", "some cells dark"), ("x", "rows of #")]
)
def test_what_is_no_picture_is_refused(tmp_path, text, words):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(DynvizError, match=words):
        Icon(picture=str(tmp_path / "a.txt"))


def test_a_name_that_is_no_picture_is_refused_with_those_there_are():
    with pytest.raises(DynvizError, match="did you mean 'heart'"):
        Icon(picture="hart")


def test_the_plane_is_the_loss_of_the_networks_at_its_cells():
    task = Icon(picture="heart", data="shapes").build(0)
    probe = next(each for each in task.probes if each.channels[0].name == "plane_loss")
    with torch.no_grad():
        plane = probe.measure(task.parameters, task.constants, ())
    corner = {
        name.removeprefix("origin."): value
        + task.parameters[name.replace("origin", "right")]
        - task.parameters[name.replace("origin", "up")]
        for name, value in task.parameters.items()
        if name.startswith("origin.")
    }
    x = task.constants["train"][:256].flatten(1)
    for layer in (1, 2, 3):
        x = x @ corner[f"W{layer}"].T + corner[f"b{layer}"]
        x = torch.relu(x) if layer < 3 else x
    expected = torch.nn.functional.cross_entropy(x, task.constants["train_label"][:256])
    assert float(plane[0, -1]) == pytest.approx(float(expected), rel=1e-4)


def test_the_view_draws_the_plane_and_the_picture(tmp_path):
    run = dynviz.run("icon:data=shapes", "adam", steps=20, out=tmp_path / "run")
    film = load("views", "icon").make(recordings=run.recordings)
    titles = [panel.title for panel in film.scene(20).panels]
    assert titles[:2] == ["loss on the plane", "target"]


@pytest.mark.slow
def test_the_loss_shows_the_heart_after_a_thousand_steps(tmp_path):
    recording = dynviz.run("icon:data=shapes,low=0.5", "adam", steps=1000, out=tmp_path / "run")["adam"]
    plane, wanted = recording["plane_loss"][-1, 0], recording["picture"][0, 0]
    right = (plane < 1) == (wanted < 1)
    assert right.mean() > 0.9


@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_the_loss_at_a_place_is_that_of_the_network_there(model):
    network = cnn(torch.Generator().manual_seed(0)) if model == "cnn" else mlp(torch.Generator().manual_seed(0), (8, 8))
    plane = Plane(network, (2, 2))
    parameters = plane.parameters(torch.Generator().manual_seed(1))
    shown, label = torch.rand(3, 1, network.side, network.side), torch.tensor([1, 5, 9])
    places = torch.tensor([[0.0, 0.0], [-0.5, 1.0]])
    losses = plane.losses(parameters, places, shown, label)
    for (up, right), loss in zip(places, losses, strict=True):
        values = {
            name: parameters[f"origin.{name}"] + up * parameters[f"up.{name}"] + right * parameters[f"right.{name}"]
            for name in network.parameters
        }
        logits, _ = network.forward(values, shown, None, None)
        torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(logits, label))


def test_icons_have_a_panel_for_each_picture_on_one_scale(tmp_path):
    options = {"seeds": 0, "steps": 2}
    runs = [
        dynviz.run(f"icon:picture={name},data=shapes,width=4", "adam", out=tmp_path / name, **options)["adam"]
        for name in ("heart", "cat")
    ]
    panels = open_film(runs, "icons").scene(2).panels
    assert [panel.title for panel in panels] == ["heart", "cat"]
    assert len({panel.marks[0].norm for panel in panels}) == 1
    np.testing.assert_array_equal(panels[1].marks[0].values, runs[1]["plane_loss"][-1, 0])
