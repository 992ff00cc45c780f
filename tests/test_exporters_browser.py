"""A page of frames in a browser: what its canvas shows after some keys."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from dynviz.animation.drawing import open_film
from dynviz.animation.export import animate, spread
from dynviz.pixels import PixelCanvas
from tests.chromium import dumped, needs_chromium
from tests.recorded import surface

SIZE = (400, 300)
PRESS = """<script>
(async () => {
  const press = (key, shiftKey = false) =>
    document.body.dispatchEvent(new KeyboardEvent("keydown", {key, shiftKey, bubbles: true, cancelable: true}));
  const seen = [];
  // What is decoded is drawn at once; a busy machine takes a while to decode.
  await Promise.all(frames.map(frame => frame.ready));
  for (const [key, shift] of [["Home"], ["ArrowRight"], ["End"], ["ArrowLeft"], ["ArrowLeft", true]]) {
    press(key, shift);
    await new Promise(done => setTimeout(done, 300));
    seen.push([find("step").textContent, find("picture").toDataURL()].join(" "));
  }
  const wide = document.documentElement.scrollWidth > innerWidth;
  document.body.outerHTML = `<body><pre id="wide">${wide}</pre><pre id="shown">${seen.join("\\n")}</pre></body>`;
})();
</script>
"""


@needs_chromium
@pytest.mark.parametrize("width", [400, 800])
def test_a_browser_shows_the_frames_that_keys_ask_for(width, tmp_path):
    recording = surface(tmp_path / "adamw", steps=20)
    exporter = "html:content=frames"
    target = animate(
        [recording], tmp_path / "a.html", frames=6, size=SIZE, quality="best", pace="steps", exporter=exporter
    )
    target.write_text(target.read_text(encoding="utf-8").replace("</body>", PRESS + "</body>"), encoding="utf-8")
    for milliseconds in (60_000, 600_000, 6_000_000):
        # The page's own time may pass before a busy machine has decoded its frames.
        document = dumped(target, tmp_path / "profile", f"--window-size={width},700", milliseconds=milliseconds)
        if 'id="wide"' in document:
            break
    assert '<pre id="wide">false</pre>' in document
    shown = re.search(r'<pre id="shown">(.*?)</pre>', document, re.DOTALL).group(1).splitlines()
    film = open_film([recording], "path")
    steps = spread(film, 6, (None, None))
    canvas = PixelCanvas(*SIZE)
    for line, index in zip(shown, (0, 1, 5, 4, 0), strict=True):
        words, _, picture = line.rpartition(" ")
        assert words == f"step {steps[index]}"
        found = Image.open(io.BytesIO(base64.b64decode(picture.partition(",")[2]))).convert("RGB")
        scene = film.scene(steps[index])
        drawn = canvas.draw(scene) if index else canvas.poster(scene, film.scene(steps[-1]))
        assert np.array_equal(np.asarray(found), drawn)
