"""Every exporter that is found, over every view that is found, read back by a decoder of its own."""

import base64
import io
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zlib
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import imageio_ffmpeg
import matplotlib
import numpy as np
import pytest
from PIL import Image

from dynviz import plugins
from dynviz.animation.export import POSTER, animate
from dynviz.errors import DynvizError
from dynviz.frame import format_of
from tests.recorded import KINDS, surface, voronoi
from tests.shown import as_shown, time_of, without_repeats

EXPORTERS = sorted(plugins.files("exporters"))
SIZE = (241, 181)
FRAMES = {"html": "html:content=frames"}
"""How formats are asked for pixels that can also hold numbers; those are read in `test_web.py`."""
LINK = "{http://www.w3.org/1999/xlink}href"
SVG = "{http://www.w3.org/2000/svg}"


class Page(HTMLParser):
    """What a page holds: its elements with attributes, and the text of each kind."""

    def __init__(self, file):
        super().__init__()
        self.elements, self.texts, self._open = [], {}, []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._open.append(tag)

    def handle_data(self, data):
        for tag in self._open[-1:]:
            self.texts[tag] = self.texts.get(tag, "") + data


def of_pillow(file):
    with Image.open(file) as image:
        pictures, seconds = [], []
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            pictures.append(np.asarray(image.convert("RGB")))
            seconds.append(image.info.get("duration", 0) / 1000)
        return pictures, seconds


def of_video(file):
    # imageio's own reader leaves its pipes open, which is a warning, which is an error here.
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", file, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    width, height, fps = re.search(rb"Video: .*?, (\d+)x(\d+).*?, ([\d.]+) fps", done.stderr).groups()
    assert int(width) % 2 == int(height) % 2 == 0
    assert b"yuv420p" in done.stderr
    pictures = np.frombuffer(done.stdout, np.uint8).reshape(-1, int(height), int(width), 3)
    return list(pictures), [1 / float(fps)] * len(pictures)


def of_page(file):
    """Frames laid over each other as the page's script does."""
    paper, pictures, seconds = None, [], []
    for call in re.findall(r"^F\((.*)\);$", Page(file).texts["script"], re.MULTILINE):
        _, time, left, top, data = call.split(",")
        if data != '""':
            patch = Image.open(io.BytesIO(base64.b64decode(data.strip('"')))).convert("RGBA")
            paper = patch.copy() if paper is None else paper
            paper.alpha_composite(patch, (int(left), int(top)))
        pictures.append(np.asarray(paper.convert("RGB")))
        seconds.append(float(time))
    return pictures, seconds


def of_shapes(file):
    root = ElementTree.parse(file).getroot()
    assert root.tag == f"{SVG}svg"
    assert (root.get("width"), root.get("height")) == tuple(map(str, SIZE))
    numbers = re.findall(r"nan|inf", file.read_text())
    assert numbers == []
    for picture in root.iter(f"{SVG}image"):
        Image.open(io.BytesIO(base64.b64decode(picture.get(LINK).partition(",")[2]))).verify()
    return None, None


def of_paper(file):
    data = file.read_bytes()
    assert data.startswith(b"%PDF-")
    assert re.search(rb"/MediaBox \[ 0 0 (\d+) (\d+) \]", data).groups() == tuple(str(side).encode() for side in SIZE)
    assert not re.search(rb"\b(nan|inf)\b", drawn_on(file))
    return None, None


def drawn_on(file):
    """What the streams of a PDF hold, those of pictures and fonts among them."""
    return b"".join(
        unpacked(stream) for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", file.read_bytes(), re.S)
    )


def unpacked(stream):
    try:
        return zlib.decompressobj().decompress(stream)
    except zlib.error:
        return b""


READ = {"pdf": of_paper, "html": of_page, "mp4": of_video, "svg": of_shapes, "webm": of_video}


def read_back(file):
    return READ.get(file.suffix[1:], of_pillow)(file)


def moves(name):
    return format_of(plugins.load("exporters", name).target).motion


def noise_ratio(pictures, expected):
    error = np.mean([(one.astype(float) - other) ** 2 for one, other in zip(pictures, expected, strict=True)])
    return 10 * np.log10(255**2 / max(error, 1e-9))


@pytest.fixture(scope="module", params=sorted(KINDS))
def recording(request, tmp_path_factory):
    return KINDS[request.param](tmp_path_factory.mktemp("runs") / "adamw", steps=60, lanes=2)


@pytest.fixture(params=EXPORTERS)
def exporter(request):
    return request.param


def merged(pictures):
    """How many there are without those that look like the one before."""
    return 1 + sum(not np.array_equal(one, other) for one, other in pairwise(pictures))


def test_every_exporter_writes_every_view_and_it_is_read_back(exporter, recording, tmp_path):
    for view in recording.metadata.views:
        frames = 3 if moves(exporter) else 1
        options = {"view": view, "frames": frames, "size": SIZE, "exporter": FRAMES.get(exporter)}
        target = animate([recording], tmp_path / f"{view}.{exporter}", **options)
        expected = as_shown([recording], view, frames, SIZE)
        pictures, seconds = read_back(target)
        if pictures is None:
            continue
        if moves(exporter):
            assert sum(seconds) == pytest.approx(time_of(len(expected)), abs=0.011)
        if exporter in {"mp4", "webm"}:
            # The first one and the last one are held by being there many times.
            shown = [picture[: SIZE[1], : SIZE[0]] for picture in without_repeats(pictures, len(expected))]
            assert noise_ratio(shown, expected) >= 26
            continue
        assert len(pictures) == (len(expected) if exporter == "html" else merged(expected))
        assert noise_ratio([pictures[0], pictures[-1]], [expected[0], expected[-1]]) >= 36


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_transparent_ground_is_transparent(exporter, tmp_path, theme):
    recording = voronoi(tmp_path / "adamw", steps=40, every=10)
    options = {"size": SIZE, "theme": theme, "background": "transparent", "view": "curves"}
    target = tmp_path / f"a.{exporter}"
    if "background" not in plugins.load("exporters", exporter).options:
        able = "apng, pdf, png, svg, webp"
        with pytest.raises(DynvizError, match=f"^{exporter} has no option background; formats that have it: {able}$"):
            animate([recording], target, **options)
        return
    animate([recording], target, **options, frames=4 if moves(exporter) else 1)
    if exporter in {"pdf", "svg"}:
        whole = {"pdf": b"0 181 m\n241 181 l", "svg": b"M 0 0 \nL 241 0"}[exporter]
        read = drawn_on if exporter == "pdf" else Path.read_bytes
        assert whole not in read(target)
        assert whole in read(animate([recording], target, **{**options, "background": "theme"}))
        return
    with Image.open(target) as image:
        shares = []
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            shares.append(np.asarray(image.convert("RGBA"))[..., 3])
    for share in shares:
        assert (share == 0).mean() > 0.5
        assert (share == 255).mean() > 0.01
    # What a frame no longer shows is gone.
    last = animate([recording], tmp_path / "last.png", **options)
    with Image.open(last) as image:
        assert np.array_equal(shares[-1], np.asarray(image)[..., 3])


def test_a_small_png_has_the_colors_that_the_picture_needs(tmp_path):
    recording = voronoi(tmp_path / "adamw", steps=200, every=10)
    (expected,) = as_shown([recording], "benchmark", 1, (400, 300))
    sizes = {}
    for quality in ("small", "balanced", "best"):
        target = animate([recording], tmp_path / f"{quality}.png", view="benchmark", size=(400, 300), quality=quality)
        sizes[quality] = target.stat().st_size
        with Image.open(target) as image:
            pixels = np.asarray(image.convert("RGB"))
            assert quality != "small" or len(image.getcolors(1 << 20)) <= 255
        assert noise_ratio([pixels], [expected]) >= (33 if quality == "small" else 100)
    assert sizes["small"] < 0.6 * sizes["balanced"]


@pytest.mark.parametrize(
    "name",
    [name for name in EXPORTERS if name != "png" and "quality" in plugins.load("exporters", name).options],
)
def test_quality_trades_size_for_exactness(name, tmp_path):
    recording = voronoi(tmp_path / "adamw", steps=200, every=10)
    expected = as_shown([recording], "benchmark", 6, (400, 300))
    sizes, ratios = [], []
    for quality in ("small", "balanced", "best"):
        options = {"frames": 6, "size": (400, 300), "quality": quality, "exporter": FRAMES.get(name)}
        target = animate([recording], tmp_path / f"{quality}.{name}", **options)
        sizes.append(target.stat().st_size)
        pictures = read_back(target)[0]
        shown = without_repeats(pictures, 6) if name in {"mp4", "webm"} else pictures
        ratios.append(noise_ratio(shown, expected))
    assert sizes[0] < 0.95 * sizes[1]
    assert sizes[1] <= 1.02 * sizes[2]
    assert ratios[0] + 0.5 < ratios[1] < ratios[2] - 0.2
    assert ratios[0] >= (28 if name in {"mp4", "webm"} else 33)


@pytest.mark.parametrize("name", ["gif", "webp", "apng", "html"])
def test_identical_frames_take_no_room_and_their_time_is_kept(name, tmp_path):
    recording = voronoi(tmp_path / "adamw", steps=40, every=40)
    sizes = []
    for frames in (2, 30):
        options = {"view": "logits", "frames": frames, "steps": (1, 39), "size": SIZE, "exporter": FRAMES.get(name)}
        target = animate([recording], tmp_path / f"a.{name}", **options)
        sizes.append(target.stat().st_size)
        assert len(read_back(target)[0]) in {1, frames, 2}
    assert sizes[1] < sizes[0] + 30 * 60


@pytest.mark.parametrize(("loop", "held"), [(0, 0), (1, 1), (4, 4)])
@pytest.mark.parametrize("name", ["webp", "apng"])
def test_an_animation_is_played_as_often_as_asked_for(name, loop, held, tmp_path):
    recording = surface(tmp_path / "adamw", steps=20)
    target = animate([recording], tmp_path / f"a.{name}", frames=3, size=SIZE, loop=loop)
    with Image.open(target) as image:
        assert image.info["loop"] == held


@pytest.mark.parametrize("name", [name for name in EXPORTERS if moves(name)])
def test_a_long_hold_is_held(name, tmp_path):
    recording = surface(tmp_path / "adamw", steps=20)
    options = {"frames": 2, "size": SIZE, "hold": 70, "fps": 2, "view": "curves", "exporter": FRAMES.get(name)}
    target = animate([recording], tmp_path / f"a.{name}", **options)
    _, seconds = read_back(target)
    assert sum(seconds) == pytest.approx(POSTER + 70, abs=0.11)


def test_a_drawing_of_shapes_has_its_words_as_text_and_is_the_same_each_time(tmp_path):
    recording = voronoi(tmp_path / "adamw", steps=40, every=10)
    for name in ("one.svg", "other.svg"):
        animate([recording], tmp_path / name, view="benchmark")
    root = ElementTree.parse(tmp_path / "one.svg").getroot()
    words = {element.text for element in root.iter(f"{SVG}text")}
    assert {"prediction", "validation loss", "adamw lr 0.01", "step 40 of 40"} <= words
    assert all(float(element.get("textLength")) > 0 for element in root.iter(f"{SVG}text"))
    assert "Prediction: " in root.find(f"{SVG}desc").text
    assert root.find(f"{SVG}title").text.startswith("voronoi")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()


def test_a_paper_has_its_words_as_text_its_fonts_and_no_date(tmp_path):
    recording = voronoi(tmp_path / "adamw", steps=40, every=10)
    for name in ("one.pdf", "other.pdf"):
        animate([recording], tmp_path / name, view="benchmark")
    data, drawn = (tmp_path / "one.pdf").read_bytes(), drawn_on(tmp_path / "one.pdf")
    # Letters are written one by one for their kerning, and each font says which letters its codes are.
    assert drawn.count(b"BT") == drawn.count(b"ET") > 20
    letters = {
        int(code, 16) for codes in re.findall(rb"> \[(<.*>)\]", drawn) for code in re.findall(rb"<(.{4})>", codes)
    }
    assert set(map(ord, "predictionvalidationlossadamw")) <= letters
    assert set(re.findall(rb"/BaseFont /[A-Z]+\+([\w-]+)", data)) == {b"DejaVuSans", b"DejaVuSans-Bold"}
    assert b"/FontFile2" in data
    assert not re.search(rb"/(CreationDate|ModDate|Producer|Subtype /Type3)", data)
    assert data == (tmp_path / "other.pdf").read_bytes()


@pytest.mark.parametrize("name", ["pdf", "svg"])
def test_shapes_are_the_same_whatever_settings_the_user_of_matplotlib_has(name, tmp_path):
    recording = surface(tmp_path / "adamw", steps=20)
    plain = animate([recording], tmp_path / f"plain.{name}")
    settings = {"savefig.bbox": "tight", "figure.constrained_layout.use": True, "figure.dpi": 300, "pdf.fonttype": 3}
    settings |= {"svg.fonttype": "path", "svg.hashsalt": "salt", "path.simplify": True, "font.sans-serif": ["Arial"]}
    with matplotlib.rc_context(settings):
        again = animate([recording], tmp_path / f"again.{name}")
    assert again.read_bytes() == plain.read_bytes()


@pytest.mark.parametrize("name", ["pdf", "svg"])
def test_several_steps_of_shapes_are_refused(name, tmp_path):
    recording = surface(tmp_path / "adamw", steps=20)
    with pytest.raises(DynvizError, match=rf"^{name} shows one step, not 3; for a contact sheet of several use png$"):
        animate([recording], tmp_path / f"a.{name}", frames=3)


def test_more_frames_than_a_sheet_holds_are_refused(tmp_path):
    recording = surface(tmp_path / "adamw", steps=120)
    with pytest.raises(DynvizError, match=r"^a contact sheet holds at most 100 frames, not 101$"):
        animate([recording], tmp_path / "a.png", frames=101, size=SIZE)


def test_a_page_needs_nothing_else_and_says_what_it_shows(tmp_path):
    recording = surface(tmp_path / "adamw", steps=20, given={"f": '<b>&"quoted"'})
    target = animate([recording], tmp_path / "a.html", frames=4, size=SIZE, pace="steps", exporter=FRAMES["html"])
    text = target.read_text(encoding="utf-8")
    page = Page(target)
    assert not re.search(r"https?://|<link|\ssrc=|@import|url\(", text)
    assert "<b>" not in text
    elements = {attributes.get("id"): (tag, attributes) for tag, attributes in page.elements}
    tag, picture = elements["picture"]
    assert (tag, picture["role"]) == ("canvas", "img")
    assert picture["aria-label"].startswith("Animation of surface")
    assert elements["at"][1]["max"] == "3"
    for name in ("play", "back", "on", "at"):
        assert elements[name][1]["aria-label"]
    assert [call.split(",")[0] for call in re.findall(r"^F\((.*)\);$", text, re.MULTILINE)] == ["0", "7", "13", "20"]


@pytest.mark.parametrize("name", ["mp4", "webm"])
def test_a_missing_plugin_is_named_with_the_command_that_installs_it(name, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    recording = surface(tmp_path / "adamw", steps=20)
    with pytest.raises(DynvizError, match=rf"^writing \.{name} needs .*: pip install 'dynviz\[video\]'$"):
        animate([recording], tmp_path / f"a.{name}", frames=2, size=SIZE)
    assert not (tmp_path / f"a.{name}").exists()


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_the_script_of_a_page_plays_steps_and_seeks(tmp_path):
    recording = surface(tmp_path / "adamw", steps=20)
    target = animate([recording], tmp_path / "a.html", frames=4, size=SIZE, pace="steps", exporter=FRAMES["html"])
    program = Path(__file__).parent / "files" / "page.mjs"
    done = subprocess.run(["node", program, target], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["wait"] == 1000 * POSTER
    assert [tuple(each.values()) for each in found["report"]] == [
        ("open", "step 0", "Pause", [0]),
        ("tick", "step 7", "Pause", [1]),
        ("pause", "step 7", "Play", []),
        ("end", "step 20", "Play", [2, 3]),
        ("back", "step 13", "Play", [0, 1, 2]),
        ("home", "step 0", "Play", [0]),
        ("ten on", "step 20", "Play", [1, 2, 3]),
        ("play again", "step 0", "Pause", [0]),
        ("slider", "step 7", "Play", [1]),
    ]
