"""Scenes drawn by the script of a page in Chromium, read back as pixels."""

import base64
import io
import json
import re

import numpy as np
from PIL import Image

from dynviz.frame import View
from dynviz.layout.arrange import Rect
from dynviz.pixels.easel import PixelEasel
from dynviz.pixels.layers import blank
from dynviz.pixels.panel import PixelPanelPainter
from dynviz.scene.theme import light, theme
from dynviz.web.document import WebPage, document
from dynviz.web.layouts import SCREENS, web_page
from tests.chromium import dumped

SHOWN = 2
"""Which page of several is read: that of 1080 x 560 pixels, the second for windows that are wider than high."""
READ = """<script>
(async () => {
  while (!globalThis.dynviz) await new Promise(done => setTimeout(done, 1));
  const {dynviz} = globalThis, shown = [];
  dynviz.player.pause();
  for (const view of dynviz.film.views) {
    for (const look of dynviz.film.looks.filter(one => LOOKS.includes(one.name))) {
      for (let frame = 0; frame <= dynviz.player.last; frame += 1) {
        Object.assign(dynviz, {view, look, page: view.pages[PAGE], scale: 1});
        dynviz.player.seek(frame);
        shown.push([view.name, look.name, frame, byId("picture").toDataURL(), dynviz.page.panels.map(one => one.plot)]);
      }
    }
  }
  document.body.outerHTML = `<body><pre id="shown">${JSON.stringify(shown)}</pre></body>`;
})();
</script>
"""


def page_of(views, slots):
    """A page of scenes."""
    held = WebPage(title="scenes", alt="scenes", comment="", recipe="{}", theme=light)
    return document(held, views, slots, [(1600, 512)])


def drawn(scenes, folder, looks=("light", "dark")):
    """What a browser shows of scenes by their names: pixels and plots by name and theme."""
    views = [View(name, lambda _, scene=scene: scene) for name, scene in scenes.items()]
    file = folder / "scenes.html"
    script = READ.replace("PAGE", str(SHOWN)).replace("LOOKS", json.dumps(looks))
    file.write_text(page_of(views, [(0, 1.0)]).replace("</body>", script + "</body>"), encoding="utf-8")
    document_shown = dumped(file, folder / "profile", "--window-size=1200,800", milliseconds=100_000)
    found = {}
    for name, look, _, picture, plots in json.loads(re.search(r'<pre id="shown">(.*?)</pre>', document_shown).group(1)):
        pixels = Image.open(io.BytesIO(base64.b64decode(picture.partition(",")[2]))).convert("RGB")
        found[name, look] = np.asarray(pixels), [Rect(*plot) for plot in plots]
    return found


def in_pixels(scene, look):
    """The same scene on the same page, drawn by the pixels backend."""
    colors, size = theme(look), SCREENS[SHOWN - 1]
    page = web_page(scene, size)
    picture = blank(Rect(0, 0, *size), colors.color("ground"))
    for place, panel in zip(page.places, scene.panels, strict=False):
        easel = PixelEasel(page.metrics, colors, place.plot, panel.x, panel.y)
        PixelPanelPainter(place, easel).draw(picture, panel)
    return picture
