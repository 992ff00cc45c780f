"""How often Chromium plays an animation, and how long it shows each frame, as its own decoder says."""

import base64
import json
import math
import re

import pytest

from dynviz.frame import Frame
from tests.chromium import dumped, needs_chromium
from tests.test_exporters_time import FORMATS, dots, written

TYPES = {"gif": "image/gif", "apng": "image/png", "webp": "image/webp"}
LOOPS = (0, 1, 2, 3, 65_535)
HOLDS = {
    "30 frames per second": [1 / 30] * 30,
    "a long hold": [0.5, 700.0],
    "longer than a frame of any format": [0.5, 20_000.0, 0.5],
}
"""Seconds of each frame; GIF and APNG hold a frame for 655 and 65 seconds at most, WebP for 16 777."""
PAGE = """<!doctype html><meta charset="utf-8"><body><script>
async function read({data, type}) {
  const bytes = Uint8Array.from(atob(data), sign => sign.charCodeAt(0));
  const decoder = new ImageDecoder({data: bytes, type, preferAnimation: true});
  await Promise.all([decoder.tracks.ready, decoder.completed]);
  const {repetitionCount, frameCount} = decoder.tracks.selectedTrack;
  const seconds = [];
  for (let frameIndex = 0; frameIndex < frameCount; frameIndex += 1) {
    const {image} = await decoder.decode({frameIndex});
    seconds.push(image.duration / 1e6);
    image.close();
  }
  return {repeats: String(repetitionCount), seconds};
}
let results = null;
Promise.all(FILES.map(read)).catch(error => String(error)).then(all => { results = all; });
// Time stands still for no decoder: it is filled with timers until all have answered.
(async () => {
  while (results === null) await new Promise(done => setTimeout(done, 1));
  document.body.textContent = JSON.stringify(results);
})();
</script>"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What Chromium reads in each file, by format and loop or hold."""
    folder = tmp_path_factory.mktemp("chromium")
    files = {}
    for name in FORMATS:
        for loop in LOOPS:
            files[name, loop] = written(
                name, folder, [Frame(pixels, 0.1) for pixels in dots(2)], loop=loop
            ).read_bytes()
        for hold, seconds in HOLDS.items():
            frames = [Frame(pixels, time) for pixels, time in zip(dots(len(seconds)), seconds, strict=True)]
            files[name, hold] = written(name, folder, frames).read_bytes()
    sources = [{"data": base64.b64encode(data).decode(), "type": TYPES[name]} for (name, _), data in files.items()]
    page = folder / "page.html"
    page.write_text(PAGE.replace("FILES", json.dumps(sources), 1), encoding="utf-8")
    document = dumped(page, folder / "profile", milliseconds=1_000_000)
    read = json.loads(re.search(r"<body>(.*?)</body>", document, re.DOTALL).group(1))
    assert isinstance(read, list), read
    return dict(zip(files, read, strict=True))


@needs_chromium
@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("name", FORMATS)
def test_chromium_plays_an_animation_as_often_as_asked(name, loop, seen):
    # It counts repetitions after the first time.
    assert float(seen[name, loop]["repeats"]) == (loop - 1 if loop else math.inf)


@needs_chromium
@pytest.mark.parametrize("name", FORMATS)
def test_chromium_shows_30_frames_per_second(name, seen):
    seconds, unit = seen[name, "30 frames per second"]["seconds"], FORMATS[name][1]
    assert len(seconds) == 30
    assert sum(seconds) == pytest.approx(1, abs=1e-6)
    assert all(abs(time - 1 / 30) < unit for time in seconds)


@needs_chromium
@pytest.mark.parametrize("hold", [hold for hold in HOLDS if "long" in hold])
@pytest.mark.parametrize("name", FORMATS)
def test_chromium_holds_a_frame_for_as_long_as_asked(name, hold, seen):
    seconds, asked = seen[name, hold]["seconds"], HOLDS[hold]
    assert seconds[0] == asked[0]
    assert sum(seconds) == pytest.approx(sum(asked), abs=1e-6)
    if len(asked) == 3:
        assert seconds[-1] == asked[-1]
