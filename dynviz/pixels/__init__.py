"""Scenes as pixels: matplotlib's Agg draws what is antialiased, NumPy puts it together.

>>> import numpy as np
>>> from dynviz.scene.marks import Axis, Line, Panel, Scene
>>> line = Line(np.arange(3), np.array([1.0, 4.0, 2.0]), "lane0")
>>> panel = Panel("loss", Axis((0, 2)), Axis((0, 5)), (line,))
>>> PixelCanvas(400, 300, "light").draw(Scene("a title", (panel,), step=2, steps=2)).shape
(300, 400, 3)
"""

from dynviz.pixels.canvas import PixelCanvas

__all__ = ["PixelCanvas"]
