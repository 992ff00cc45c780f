"""Figures for papers, and contact sheets."""

import re

import numpy as np
import pytest
from matplotlib.font_manager import fontManager
from PIL import Image

from dynviz.animation.drawing import Drawing
from dynviz.animation.export import animate
from dynviz.errors import DynvizError
from tests.recorded import surface


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return [surface(tmp_path_factory.mktemp("runs") / "adamw", steps=60)]


@pytest.mark.parametrize(("publication", "width"), [("column", 234), ("page", 486)])
def test_a_pdf_is_as_wide_as_a_column_or_a_page_and_its_fonts_are_whole(recordings, tmp_path, publication, width):
    data = animate(recordings, tmp_path / "a.pdf", publication=publication, size=(600, 400)).read_bytes()
    assert f"/MediaBox [ 0 0 {width} {round(width * 2 / 3)} ]".encode() in data
    # Type 42 is TrueType in a PDF; journals refuse Type 3.
    assert b"/FontFile2" in data
    assert b"/Type3" not in data
    assert b"STIXGeneral" in data


def test_letters_have_the_sizes_of_print_in_a_column_and_in_a_page(recordings, tmp_path):
    for publication in ("column", "page"):
        text = animate(recordings, tmp_path / f"{publication}.svg", publication=publication).read_text()
        assert set(re.findall(r"font-size: (\d+)px", text)) == {"7", "8"}
        assert 'width="234pt"' in text or 'width="486pt"' in text


def test_a_figure_leaves_its_title_to_the_caption_unless_it_is_given(recordings, tmp_path):
    plain = animate(recordings, tmp_path / "a.svg", publication="page").read_text()
    titled = animate(recordings, tmp_path / "b.svg", publication="page", title="Ours").read_text()
    assert "step 30" not in plain.partition("</desc>")[2]
    assert ">Ours<" in titled.partition("</desc>")[2]
    assert "9px" in titled


def test_a_font_is_chosen(recordings, tmp_path):
    data = animate(recordings, tmp_path / "a.pdf", font="STIXGeneral").read_bytes()
    assert b"STIXGeneral" in data
    assert b"DejaVu" in animate(recordings, tmp_path / "b.pdf").read_bytes()
    assert {"STIXGeneral", "DejaVu Sans"} <= {face.name for face in fontManager.ttflist}
    with pytest.raises(DynvizError, match=r"^no font named 'STIXGenerall'; did you mean 'STIXGeneral'\?"):
        animate(recordings, tmp_path / "c.pdf", font="STIXGenerall")


def test_pixels_are_not_for_publication(recordings, tmp_path):
    with pytest.raises(DynvizError, match=r"^png has no option publication; formats that have it: pdf, svg$"):
        animate(recordings, tmp_path / "a.png", publication="page")


def test_a_contact_sheet_has_one_panel_under_one_header(recordings, tmp_path):
    view, size = "path", (360, 320)
    with Image.open(animate(recordings, tmp_path / "a.png", view=view, frames=3, size=size)) as picture:
        sheet = np.asarray(picture.convert("RGB"))
    header = sheet.shape[0] - 2 * size[1] - 8
    assert sheet.shape[1] == 2 * size[0] + 8
    assert 10 < header < 90
    assert (sheet[:header] < 128).any()
    drawing = Drawing((recordings[0].source,), view, size, "light", tiled=True)
    film = drawing.film()
    assert [panel.title for panel in film.scene(0).panels] == ["loss over x and y"]
    tile = drawing.painter(film)(int(film.steps[0]))
    assert np.array_equal(sheet[header : header + size[1], : size[0]], tile)


def test_frames_of_a_large_sheet_are_drawn_small_not_made_small(recordings, tmp_path):
    with Image.open(animate(recordings, tmp_path / "a.png", view="path", frames=6, size=(640, 480))) as picture:
        assert picture.width == 3 * 320 + 2 * 8


def test_a_small_png_has_the_colours_that_it_needs_and_looks_the_same(recordings, tmp_path):
    whole, small = (animate(recordings, tmp_path / f"{q}.png", view="path", quality=q) for q in ("best", "small"))
    assert small.stat().st_size < 0.6 * whole.stat().st_size
    with Image.open(whole) as one, Image.open(small) as other:
        assert other.mode == "P"
        apart = np.abs(np.asarray(one.convert("RGB")).astype(int) - np.asarray(other.convert("RGB")))
        comment = one.info["Comment"].replace('"quality":"best"', '"quality":"small"')
        assert comment == other.info["Comment"]
    assert apart.mean() < 1
    assert np.quantile(apart, 0.99) < 16
