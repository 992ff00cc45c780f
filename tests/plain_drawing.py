"""The oracle of the pixels backend: a scene drawn whole, each time, with matplotlib's ordinary artists.

It takes the places of panels, words and their letters from the page, and nothing else from the backend.
"""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from scipy.ndimage import maximum_filter, minimum_filter

from dynviz.layout.counter import step_words
from dynviz.layout.plot_words import PlotWords
from dynviz.pixels.arrows import HEAD, LEAST, NECK, SLENDER
from dynviz.pixels.metrics import pixel_page, swatch_width
from dynviz.pixels.pen import DASHES, Pen, properties
from dynviz.pixels.still import CONTOUR, LINES
from dynviz.scene.marks import (
    Arrows,
    Band,
    Bars,
    Contours,
    Field,
    Line,
    Points,
    ReferenceLine,
    Regions,
)
from dynviz.scene.refining import refined
from dynviz.scene.scales import pixel_centers
from dynviz.scene.terrain import Terrain
from dynviz.scene.theme import theme

SHAPES = {"dot": "o", "ring": "o", "cross": "x", "star": "*"}


def plain(scene, width, height, look):
    """The picture [height, width, 3]."""
    colors = theme(look)
    page = pixel_page(scene, Pen(width, height))
    figure = Figure((width / 72, height / 72), dpi=72, facecolor=_unit(colors.color("ground")))
    canvas = FigureCanvasAgg(figure)
    size = page.metrics.sizes

    pen = page.metrics.pen

    def write(text, font, role, left, baseline, halo=0.0):
        # Matplotlib moves each letter of a text to whole pixels, which adds up: words begin where the page has them.
        for piece, place in pen.places(text, font)[0]:
            figure.text(
                round(left + place) / width,
                1 - baseline / height,
                piece,
                fontproperties=properties(font),
                color=_unit(colors.ink(role)),
                va="baseline",
                path_effects=[withStroke(linewidth=halo, foreground=_unit(colors.color("ground")))] if halo else None,
            )

    for placed in page.title.words:
        write(placed.words.text, placed.words.font, placed.words.color, placed.left, placed.baseline)
    for spot, readout in zip(page.title.spots, scene.readouts, strict=False):
        write(readout.text, size.words, readout.color, spot.left, spot.baseline)
    counter = page.title.counter
    left = counter.left - pen.measure(step_words(scene), size.words)
    write(step_words(scene), size.words, "muted", left, counter.baseline)
    for panel, place in zip(scene.panels, page.places, strict=True):
        for placed in place.words:
            shift = swatch_width(placed.words.swatch, placed.words.font) if placed.words.swatch else 0
            write(placed.words.text, placed.words.font, placed.words.color, placed.left + shift, placed.baseline)
        for placed in PlotWords(place, page.metrics).at(panel):
            words = placed.words
            write(words.text, words.font, words.color, placed.left, placed.baseline, halo=3.0)
        for spot, readout in zip(place.spots, place.readouts(panel), strict=False):
            write(readout.in_words(readout.text, named=spot.named), size.words, readout.color, spot.left, spot.baseline)
        _panel(figure, panel, place, size, colors)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def apart(one, other):
    """How far each pixel is from the range of the other picture's around it, both ways: edges may differ by a pixel."""

    def beyond(a, b):
        low, high = minimum_filter(b, (3, 3, 1)), maximum_filter(b, (3, 3, 1))
        return np.maximum(np.maximum(low - a, a - high), 0).max(axis=-1)

    return np.maximum(beyond(one, other), beyond(other, one))


def _unit(rgb):
    return tuple(value / 255 for value in rgb)


def _panel(figure, panel, place, size, colors):
    width, height = (figure.get_size_inches() * 72).round()
    plot = place.plot
    axes = figure.add_axes(
        (plot.left / width, 1 - plot.bottom / height, plot.width / width, plot.height / height), facecolor="none"
    )
    axes.set(xscale=panel.x.scale, yscale=panel.y.scale, xlim=panel.x.limits, ylim=panel.y.limits)
    muted, grid = _unit(colors.color("muted")), _unit(colors.color("grid"))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set(color=muted, linewidth=size.thin, visible=not panel.perspective)
    axes.set_xticks([tick.value for tick, _ in place.x], labels=[])
    axes.set_yticks([tick.value for tick, _ in place.y], labels=[])
    axes.tick_params(which="major", length=round(0.3 * size.ticks.size), width=size.thin, color=muted)
    axes.minorticks_off()
    axes.grid(color=grid, linewidth=size.thin, zorder=0.5)
    axes.set_axisbelow(True)
    for order, mark in enumerate(mark for mark in panel.marks if type(mark) in DRAW):
        DRAW[type(mark)](axes, mark, size, colors, 2 + order)


def _image(axes, pixels, extent, order):
    limits = axes.get_xlim(), axes.get_ylim()
    axes.imshow(pixels, extent=extent, origin="lower", interpolation="nearest", aspect="auto", zorder=order)
    axes.set(xlim=limits[0], ylim=limits[1])


def _field(axes, mark, size, colors, order):
    _image(axes, colors.ramp(mark.ramp)[mark.norm.levels(mark.values)], mark.extent, order)


def _regions(axes, mark, size, colors, order):
    _image(axes, np.array([colors.color(role) for role in mark.colors], np.uint8)[mark.classes], mark.extent, order)


def _contours(axes, mark, size, colors, order):
    if mark.ramp:
        # Ten times as fine as the page: edges of bands may differ by a pixel.
        rows, columns = mark.values.shape
        fine = [np.linspace(-0.5 + 0.5 / 40, count - 0.5 - 0.5 / 40, 40 * count) for count in (rows, columns)]
        bands = np.searchsorted(mark.levels, refined(mark.values, *fine))
        shades = np.linspace(0, 63, len(mark.levels) + 1).round().astype(int)
        _image(axes, colors.ramp(mark.ramp)[shades][bands], mark.extent, order - 0.5)
    x, y = pixel_centers(mark.extent, *mark.values.shape)
    color = [_unit(colors.color(mark.color))]
    width = max(0.7, 0.35 * size.line) if mark.ramp else max(1.0, 0.5 * size.line)
    axes.contour(x, y, mark.values, mark.levels, colors=color, alpha=CONTOUR, linewidths=width, zorder=order)


def _points(axes, mark, size, colors, order):
    scale = {"dot": 1.0, "ring": 1.2, "cross": 1.35, "star": 1.6}[mark.marker]
    diameter, rim = mark.size * scale * size.em / 10, 0.5 * size.line
    for color, wide in (("ground", diameter + 2 * rim), (mark.color, diameter)):
        axes.plot(
            mark.x,
            mark.y,
            SHAPES[mark.marker],
            color=_unit(colors.color(color)),
            markersize=wide,
            markeredgewidth=0,
            alpha=mark.alpha,
            zorder=order,
        )


def _line(axes, mark, size, colors, order):
    along = mark.x if mark.along is None else mark.along
    past = along <= (np.inf if mark.now is None else mark.now)
    end = [np.interp(mark.now, along, values) for values in (mark.x, mark.y)] if mark.now is not None else None
    color = _unit(colors.color(mark.color))
    pattern = DASHES[mark.dash]
    style = {"color": color, "linewidth": mark.width * size.line, "solid_joinstyle": "round", "dash_joinstyle": "round"}
    style |= {"solid_capstyle": "round", "linestyle": "-" if pattern is None else (0, pattern)}
    if mark.now is not None and mark.ghost:
        axes.plot(mark.x, mark.y, alpha=colors.future(mark.color), zorder=order - 0.5, **style)
    x, y = mark.x[past], mark.y[past]
    if end is not None:
        x, y = np.append(x, end[0]), np.append(y, end[1])
    axes.plot(x, y, zorder=order, alpha=mark.alpha, **style)
    if end is not None and mark.dot:
        for role, radius in (("ground", size.dot + 0.6 * size.line), (mark.color, size.dot)):
            axes.plot(*end, "o", color=_unit(colors.color(role)), ms=2 * radius, mew=0, zorder=50, clip_on=False)


def _band(axes, mark, size, colors, order):
    color = _unit(colors.color(mark.color))
    style = {"color": color, "alpha": colors.shade_ghost, "linewidth": 0}
    axes.fill_between(mark.x, mark.low, mark.high, zorder=order - 0.5, **style)
    past = mark.x <= (np.inf if mark.now is None else mark.now)
    share = (colors.shade - colors.shade_ghost) / (1 - colors.shade_ghost)
    low, high, x = mark.low[past], mark.high[past], mark.x[past]
    axes.fill_between(x, low, high, color=color, alpha=share, linewidth=0, zorder=order)


def _bars(axes, mark, size, colors, order):
    color = _unit(colors.color(mark.color))
    axes.bar(mark.x, mark.heights - mark.base, mark.width, mark.base, color=color, linewidth=0, zorder=order)


def _arrows(axes, mark, size, colors, order):
    width = mark.width * size.line
    head = HEAD * size.em / width
    ends = {"angles": "xy", "scale_units": "xy", "scale": 1, "units": "dots", "width": width, "minlength": LEAST * head}
    heads = {"headlength": head, "headwidth": 2 * SLENDER * head, "headaxislength": NECK * head, "minshaft": 1}
    color = _unit(colors.color(mark.color))
    axes.quiver(mark.x, mark.y, mark.dx, mark.dy, color=color, linewidth=0, zorder=order, **ends, **heads)


def _reference_line(axes, mark, size, colors, order):
    draw = axes.axvline if mark.vertical else axes.axhline
    pattern = DASHES[mark.dash]
    style = "-" if pattern is None else (0, pattern)
    draw(mark.at, color=_unit(colors.color(mark.color)), linewidth=size.thin, linestyle=style, zorder=order)


def _terrain(axes, mark, size, colors, order):
    shades = (
        colors.ramp("terrain")[np.nan_to_num(63 * mark.heights).round().astype(int).clip(0, 63)] * mark.light[..., None]
    )
    shades = np.where(mark.lines[..., None], shades + LINES * (255 - shades), shades)
    shades = np.where(mark.walls[..., None], colors.color("grid"), shades)
    shades[~np.isfinite(mark.heights)] = colors.color("ground")
    limits = axes.get_xlim(), axes.get_ylim()
    look = {"interpolation": "hanning", "aspect": "auto", "zorder": order}
    axes.imshow(shades.clip(0, 255).astype(np.uint8), extent=mark.extent, origin="lower", **look)
    axes.set(xlim=limits[0], ylim=limits[1])


DRAW = {
    Terrain: _terrain,
    Field: _field,
    Regions: _regions,
    Contours: _contours,
    Points: _points,
    Line: _line,
    Band: _band,
    Bars: _bars,
    Arrows: _arrows,
    ReferenceLine: _reference_line,
}
