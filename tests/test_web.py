"""A page of numbers as somebody uses it in Chromium, and its bytes."""

import asyncio
import base64
import json
import re
import types
import zlib

import numpy as np
import pytest

from dynviz.animation.drawing import open_film
from dynviz.animation.export import animate
from dynviz.errors import DynvizError
from dynviz.exporters.html import DETAILS
from dynviz.frame import View
from dynviz.remaking.likeness import difference
from dynviz.scene.marks import Axis, Field, Line, Panel, Scene
from dynviz.scene.norm import Norm
from dynviz.scene.theme import dark, light
from dynviz.web.document import WebPage, document
from tests.chromium import browsing, needs_chromium
from tests.recorded import surface, voronoi

WATCH = """
globalThis.wrong = [];
addEventListener("error", event => wrong.push(event.message));
addEventListener("unhandledrejection", event => wrong.push(String(event.reason)));
console.error = console.warn = (...words) => wrong.push(words.join(" "));
"""
SIZE = (1100, 760)
COLORS = """(() => {
  const canvas = byId("picture"), {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const wanted = COLOR;
  let count = 0;
  for (let at = 0; at < data.length; at += 4) count += wanted.every((part, index) => data[at + index] === part);
  return count;
})()"""
PLACE = """(() => {
  const box = byId("picture").getBoundingClientRect(), [left, top, width, height] = dynviz.page.panels[PANEL].plot;
  return [box.left + dynviz.scale * (left + ACROSS * width), box.top + dynviz.scale * (top + UP * height)];
})()"""
BENCHMARK, SCALARS = 0, 1


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [voronoi(folder / label, label=label, steps=600) for label in ("adamw", "adamw-l1")]


@pytest.fixture(scope="module")
def file(recordings, tmp_path_factory):
    return animate(recordings, tmp_path_factory.mktemp("page") / "page.html", frames=20)


def unpacked(page):
    """The tree that a page holds, and its bytes."""
    data = zlib.decompress(base64.b64decode(re.search(r'const DATA = "([^"]*)"', page.read_text()).group(1)))
    length = int.from_bytes(data[:4], "little")
    return json.loads(data[4 : 4 + length]), data[4 + length :]


async def pixels_of(page, rgb):
    """How many pixels of the picture have this colour."""
    return await page.value(COLORS.replace("COLOR", json.dumps(rgb)))


async def hover(page, panel, across, up=0.5):
    script = PLACE.replace("PANEL", str(panel)).replace("ACROSS", str(across)).replace("UP", str(up))
    x, y = await page.value(script)
    await page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    return await page.value("dynviz.pointer && {...dynviz.pointer, ...dynviz.reading(dynviz.pointer)}")


async def opened(page, address, *, still):
    await page.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    motion = {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"}
    scheme = {"name": "prefers-color-scheme", "value": "light"}
    await page.call("Emulation.setEmulatedMedia", features=[motion, scheme])
    await page.call("Page.navigate", url=address)
    await page.wait_for("!!globalThis.dynviz")


async def used(file, profile):
    """What is seen while somebody uses a page: opened, played, scrubbed, hovered, lanes and looks switched."""
    seen = types.SimpleNamespace()
    async with browsing("about:blank", profile, SIZE) as page:
        await opened(page, file.as_uri(), still=False)
        seen.plays = await page.value("dynviz.player.playing")
        await page.wait_for("dynviz.player.frame > 1")
        await page.press(" ")
        seen.paused = await page.value("dynviz.player.playing")
        seen.steps = []
        for key, modifiers in (("Home", 0), ("ArrowRight", 0), ("ArrowRight", 8), ("End", 0), ("ArrowLeft", 0)):
            await page.press(key, modifiers)
            seen.steps.append(await page.value("[dynviz.player.frame, byId('step').textContent]"))
        seen.slider = await page.value("byId('at').getAttribute('aria-valuetext')")
        seen.hovered = [await hover(page, panel, across) for panel, across in ((3, 0.31), (5, 0.77))]
        seen.card = await page.value("[byId('card').hidden, byId('card').textContent]")
        seen.field = await hover(page, 0, 0.52, 0.53)
        await page.press("Escape")
        blue = light.color("lane0")
        seen.lanes = [await pixels_of(page, blue)]
        await page.value("byId('lanes').querySelector('button').click()")
        seen.pressed = await page.value("byId('lanes').querySelector('button').getAttribute('aria-pressed')")
        seen.lanes.append(await pixels_of(page, blue))
        seen.rest = [one["color"] for one in (await hover(page, 3, 0.31))["rows"]]
        await page.value("byId('lanes').querySelector('button').click()")
        await page.press("Escape")
        seen.lanes.append(await pixels_of(page, blue))
        await page.press("t")
        seen.dark = await page.value("getComputedStyle(document.body).backgroundColor")
        seen.grounds = [await pixels_of(page, one.color("ground")) for one in (light, dark)]
        await page.press("t")
        seen.views = []
        for key in ("2", "3", "1"):
            await page.press(key)
            pressed = "byId('views').querySelector('[aria-pressed=true]').textContent"
            seen.views.append(await page.value(f"[{pressed}, byId('picture').getAttribute('aria-label')]"))
        await page.press("?")
        seen.help = await page.value("byId('help').open")
        await page.press("?")
        seen.help_closed = await page.value("byId('help').open")
        seen.unnamed = await page.value(
            "[...document.querySelectorAll('button, input, canvas, select')].filter(one => !(one.textContent.trim()"
            " || one.getAttribute('aria-label') || one.closest('label'))).length"
        )
        seen.wide = await page.value("document.documentElement.scrollWidth > innerWidth")
        await page.call("Emulation.setDeviceMetricsOverride", width=400, height=800, deviceScaleFactor=2, mobile=True)
        await page.wait_for("dynviz.page === dynviz.view.pages[0]")
        seen.narrow = await page.value("[document.documentElement.scrollWidth, dynviz.page.panels.length]")
        seen.wrong = await page.value("wrong")
        seen.requested = list(page.requested)
        await opened(page, file.as_uri(), still=True)
        seen.still = await page.value("[dynviz.player.playing, dynviz.player.frame]")
    return seen


@pytest.fixture(scope="module")
def seen(file, tmp_path_factory):
    return asyncio.run(used(file, tmp_path_factory.mktemp("profile")))


@needs_chromium
def test_a_page_opens_without_an_error_or_a_request(seen, file):
    assert seen.wrong == []
    # The browser's own first page loads parts of the browser.
    assert {address for address in seen.requested if not address.startswith(("chrome", "about"))} == {file.as_uri()}


@needs_chromium
def test_it_plays_unless_motion_is_reduced(seen, file):
    tree, _ = unpacked(file)
    assert (seen.plays, seen.paused) == (True, False)
    assert seen.still == [False, len(tree["steps"]) - 1]


@needs_chromium
def test_keys_scrub_and_the_slider_says_the_step_and_its_values(seen, file, recordings):
    tree, _ = unpacked(file)
    last = len(tree["steps"]) - 1
    assert [frame for frame, _ in seen.steps] == [0, 1, 11, last, last - 1]
    for frame, words in seen.steps:
        assert words == f"step {tree['steps'][frame]} of 600"
    film = open_film(recordings, "benchmark")
    panel = film.scene(tree["steps"][last - 1]).panels[2]
    assert seen.slider.startswith(f"step {tree['steps'][last - 1]} of 600. ")
    assert f"validation loss: adamw {panel.readouts[0].text}, adamw-l1 {panel.readouts[1].text}" in seen.slider


@needs_chromium
def test_the_mouse_reads_the_recorded_values_of_all_lanes(seen, recordings):
    scene = open_film(recordings, "benchmark").scene(300)
    for own in seen.hovered:
        lines = [mark for mark in scene.panels[own["index"]].marks if isinstance(mark, Line)]
        assert [row["color"] for row in own["rows"]] == [line.color for line in lines]
        assert own["heading"] == f"step {round(own['x'])}"
        for row, line in zip(own["rows"], lines, strict=True):
            value = float(line.y[np.searchsorted(line.x, own["x"], side="right") - 1])
            assert abs(row["number"] - value) <= 0.51 * np.ptp(line.y) / 65_534
    hidden, words = seen.card
    assert not hidden
    assert "adamw-l1 high" in words


@needs_chromium
def test_the_mouse_reads_a_map_to_a_level_of_its_colours(seen, recordings, file):
    tree, _ = unpacked(file)
    frame = len(tree["steps"]) - 2
    field = open_film(recordings, "benchmark").scene(tree["steps"][frame]).panels[0].marks[0]
    own, (rows, columns) = seen.field, field.values.shape
    left, right, bottom, top = field.extent
    column, row = int((own["x"] - left) / (right - left) * columns), int((own["y"] - bottom) / (top - bottom) * rows)
    assert float(own["rows"][0]["value"]) == pytest.approx(float(field.values[row, column]), abs=0.6 / 64)


@needs_chromium
def test_a_lane_that_is_switched_off_is_gone_until_it_is_switched_on(seen):
    before, without, after = seen.lanes
    assert before == after > 100
    assert without == 0
    assert seen.pressed == "false"
    assert seen.rest == ["lane1"]


@needs_chromium
def test_a_key_switches_between_light_and_dark(seen):
    assert seen.dark == "rgb({}, {}, {})".format(*dark.color("ground"))
    in_light, in_dark = seen.grounds
    assert in_light == 0
    assert in_dark > 100_000


@needs_chromium
def test_digits_switch_views_and_each_is_described(seen):
    names = [name for name, _ in seen.views]
    assert names == ["scalars", "logits", "benchmark"]
    assert all("Animation of voronoi" in words for _, words in seen.views)
    assert len({words for _, words in seen.views}) == 3


@needs_chromium
def test_everything_on_a_page_has_a_name_and_keys_are_explained(seen):
    assert seen.unnamed == 0
    assert (seen.help, seen.help_closed) == (True, False)


@needs_chromium
def test_a_page_fits_a_telephone(seen, file):
    tree, _ = unpacked(file)
    assert not seen.wide
    assert seen.narrow == [400, len(tree["views"][0]["panels"])]


def test_a_page_needs_nothing_else_and_says_what_it_shows(tmp_path):
    recording = surface(tmp_path / "adamw", steps=20, given={"f": '</script><b>&"quoted"'})
    target = animate([recording], tmp_path / "a.html", frames=4)
    text = target.read_text(encoding="utf-8")
    assert not re.search(r"https?://|<link|\ssrc=|@import|url\(", text)
    assert "<b>" not in text
    assert "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'" in text
    assert text.count("</script>") == 2
    tree, _ = unpacked(target)
    assert tree["views"][0]["alt"].startswith("Animation of surface")
    assert [view["name"] for view in tree["views"]] == ["path", "cloud", "surface3d", "curves"]


def test_a_page_is_the_same_bytes_each_time_and_with_any_number_of_processes(tmp_path):
    recording = voronoi(tmp_path / "adamw", steps=40, every=10)
    pages = [
        animate([recording], tmp_path / f"{workers}.html", frames=4, workers=workers).read_bytes()
        for workers in (1, 1, 2)
    ]
    assert pages[0] == pages[1] == pages[2]


def test_one_view_alone_and_a_story_have_no_others(tmp_path):
    recording = voronoi(tmp_path / "adamw", steps=40, every=10)
    for options in ({"exporter": "html:content=view"}, {"story": True, "view": "scalars"}, {"panel": "2"}):
        tree, _ = unpacked(animate([recording], tmp_path / "a.html", frames=3, **options))
        assert len(tree["views"]) == 1


def test_a_view_that_is_asked_for_comes_first(tmp_path):
    recording = voronoi(tmp_path / "adamw", steps=40, every=10)
    tree, _ = unpacked(animate([recording], tmp_path / "a.html", frames=3, view="scalars"))
    assert [view["name"] for view in tree["views"]][:3] == ["scalars", "benchmark", "logits"]


def test_names_cannot_reverse_or_end_what_a_page_shows(tmp_path):
    recording = voronoi(tmp_path / "adamw", steps=40, every=10, label="</script>\u202eadam\x1b[2J")
    tree, _ = unpacked(animate([recording], tmp_path / "a.html", frames=3))
    words = json.dumps(tree, ensure_ascii=False)
    assert "adam" in words
    assert not re.search("[\u202e\x1b]", words)


def test_a_page_is_as_fine_as_fits_into_a_megabyte(tmp_path):
    rng, plane = np.random.default_rng(0), Axis((0.0, 1.0))

    def noise(step):
        field = Field(rng.uniform(size=(256, 256)), (0.0, 1.0, 0.0, 1.0), Norm(0, 1))
        return Scene("noise", (Panel("noise", plane, plane, (field,), square=True),), step, 30)

    held = WebPage(title="noise", alt="", comment="", recipe="{}", theme=light)
    sides = []
    for frames in (2, 60):
        page = tmp_path / f"{frames}.html"
        slots = [(step, 0.1) for step in range(frames)]
        page.write_text(document(held, [View("noise", noise)], slots, DETAILS["balanced"]))
        assert page.stat().st_size < 1_000_000
        record = unpacked(page)[0]["views"][0]["panels"][0]["marks"][0][0][0]
        sides.append((record["rows"], record["columns"]))
    assert sides[1] < sides[0] == (128, 128)


def test_pages_of_other_numbers_are_told_apart(tmp_path):
    pages = []
    for label in ("adamw", "adam"):
        recording = voronoi(tmp_path / label, steps=40, every=10, label="adamw")
        pages.append(animate([recording], tmp_path / f"{label}.html", frames=4))
    assert difference(*pages).words == "what is drawn differs"


def test_what_a_page_says_and_how_it_is_packed_are_no_difference(tmp_path):
    recording = voronoi(tmp_path / "adamw", steps=40, every=10)
    one, other = animate([recording], tmp_path / "one.html", frames=4), tmp_path / "other.html"
    text = one.read_text()
    packed = re.search(r'const DATA = "([^"]*)"', text).group(1)
    repacked = base64.b64encode(zlib.compress(zlib.decompress(base64.b64decode(packed)), 1)).decode()
    details = re.search(r"<details.*?</details>", text, re.DOTALL).group()
    assert repacked != packed
    assert details.count("</") > 2
    told = text.replace(packed, repacked).replace(details, "<details><p>made</p> <b>elsewhere</b></details>")
    other.write_text(told)
    assert difference(one, other).words == ""
    other.write_text(told.replace(repacked, repacked[:-40]))
    assert difference(one, other).words == "what is drawn differs"


def test_a_view_that_fails_at_a_frame_is_left_out_unless_it_is_asked_for():
    def scene(step):
        line = Line(np.arange(5.0), np.arange(5.0), "lane0", now=float(step))
        return Scene("s", (Panel("p", Axis((0.0, 4.0)), Axis((0.0, 4.0)), (line,)),), step, 4)

    def broken(step):
        if step == 2:
            raise DynvizError("no such step")
        return scene(step)

    held = WebPage(title="", alt="", comment="", recipe="{}", theme=light)
    slots = [(step, 0.1) for step in range(4)]
    views = [View("whole", scene), View("broken", broken), View("last", scene)]
    shown = document(held, views, slots, DETAILS["small"])
    assert shown == document(held, [views[0], views[2]], slots, DETAILS["small"])
    with pytest.raises(DynvizError, match="no such step"):
        document(held, views[1:], slots, DETAILS["small"])


def test_an_export_that_is_stopped_heeds_it_between_two_frames(tmp_path):
    recording = voronoi(tmp_path / "adamw", steps=40, every=10)
    calls = []

    def stop(done, count):
        calls.append((done, count))
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        animate([recording], tmp_path / "a.html", frames=4, progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["adamw"]
    calls = [(0, 0)] * 9
    animate([recording], tmp_path / "a.html", frames=4, progress=stop)
    assert calls[-1] == (4, 4)
    assert calls[9:] == sorted(calls[9:])


@needs_chromium
def test_a_click_on_curves_goes_to_that_step_in_any_language(tmp_path):
    recording = voronoi(tmp_path / "adamw", steps=200, every=10)
    file = animate([recording], tmp_path / "a.html", frames=21, view="curves", language={"step": "Schritt"})

    async def clicked():
        async with browsing("about:blank", tmp_path / "profile", SIZE) as page:
            await opened(page, file.as_uri(), still=True)
            own = await hover(page, 0, 0.5)
            x, y = own["clientX"], own["clientY"]
            for kind in ("mousePressed", "mouseReleased"):
                await page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
            return await page.value("[byId('step').textContent, byId('card').textContent]")

    words, card = asyncio.run(clicked())
    assert words == "Schritt 100 of 200"
    assert card.startswith("Schritt 100")
