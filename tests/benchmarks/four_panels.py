"""Four panels over ten thousand steps, for measuring how exports do."""

import functools

import numpy as np

from dynviz.film import Film
from dynviz.scene.marks import Axis, Field, Line, Panel, Points, Readout, Scene
from dynviz.scene.norm import Norm

STEPS, FRAMES = 10_000, 200
TIME = np.arange(STEPS, dtype=np.float64)
_NOISE = np.random.default_rng(0).normal(size=(2, 4, STEPS))
LOSSES = 0.3 + 0.5 * np.exp(-TIME / (1500 + 400 * np.arange(4)[:, None])) + 0.01 * _NOISE[0]
NORMS = np.exp(-TIME / (2000 + 500 * np.arange(4)[:, None])) + 0.005 * np.abs(_NOISE[1]) + 1e-3
CENTERS = np.random.default_rng(1).uniform(-2, 2, (2, 50))
DRIFT = np.random.default_rng(2).normal(size=(2, 50)) / 3
SQUARE = (-2.5, 2.5)


def centers(step):
    """Where the centers are [2, centers]."""
    return CENTERS + DRIFT * step / STEPS


def _prediction(step):
    """Like the voronoi scenario's: which class the nearest center has, soft at the borders of cells."""
    grid = np.linspace(*SQUARE, 100, dtype=np.float32)
    x, y = centers(step).astype(np.float32)
    far = np.hypot(grid[None, :, None] - x, grid[:, None, None] - y)
    return np.asarray(np.tanh(5 * (far[..., 25:].min(axis=-1) - far[..., :25].min(axis=-1))))


@functools.cache
def recorded():
    """[frames, rows, columns], as a recording holds them."""
    return np.stack([_prediction(int(step)) for step in np.linspace(0, STEPS - 1, FRAMES)])


def heat(step):
    """The map at a step."""
    return np.asarray(recorded()[round(step * (FRAMES - 1) / (STEPS - 1))])


def scene(step):
    """A map with points, points alone, and two panels of curves."""
    x, y = centers(step)
    curves = [
        tuple(Line(TIME, values, f"lane{lane}", f"lane {lane}", now=step) for lane, values in enumerate(block))
        for block in (LOSSES, NORMS)
    ]
    steps, plane = Axis((0, STEPS), label="step", whole=True), Axis(SQUARE)
    field = Field(heat(step), (*SQUARE, *SQUARE), Norm(-1, 1), "signed")
    panels = (
        Panel("prediction", plane, plane, (field, Points(x[:25], y[:25], "lane3")), square=True),
        Panel("centers", plane, plane, (Points(x, y, "lane0", 5.0), Points(x[:9], y[:9], "lane1", 5.0)), square=True),
        Panel("loss", steps, Axis((0.2, 0.9)), curves[0], (Readout(f"{LOSSES[0, step]:.3f}", "lane0"),)),
        Panel("norm", steps, Axis((1e-3, 2), "log"), curves[1]),
    )
    return Scene("a film of four panels", panels, step, STEPS)


def steps(count):
    """The steps of so many frames."""
    return [int(step) for step in np.linspace(0, STEPS - 1, count).round()]


def plain(count, target):
    """The plain way: clear, redraw, savefig, imageio.mimsave."""
    import io

    import imageio.v2 as imageio
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((8, 6), dpi=100)
    FigureCanvasAgg(figure)
    pictures = []
    for step in steps(count):
        figure.clear()
        axes = figure.subplots(2, 2)
        axes[0, 0].imshow(heat(step), cmap="RdBu", vmin=-1, vmax=1, extent=(*SQUARE, *SQUARE), origin="lower")
        x, y = centers(step)
        axes[0, 0].scatter(x[:25], y[:25], s=6)
        axes[0, 1].scatter(x, y, s=15)
        axes[0, 1].set(xlim=SQUARE, ylim=SQUARE, title="centers")
        for place, block, limits in ((axes[1, 0], LOSSES, (0.2, 0.9)), (axes[1, 1], NORMS, (1e-3, 2))):
            for lane, values in enumerate(block):
                place.plot(TIME[: step + 1], values[: step + 1], label=f"lane {lane}")
            place.set(xlim=(0, STEPS), ylim=limits, xlabel="step")
            place.legend(loc="upper right")
        axes[1, 1].set_yscale("log")
        figure.suptitle(f"a film of four panels, step {step} of {STEPS}")
        figure.tight_layout()
        file = io.BytesIO()
        figure.savefig(file, format="png")
        # Without the fourth channel, for which Pillow would fall back on a coarse palette that shows bands.
        pictures.append(imageio.imread(file.getvalue())[..., :3])
    imageio.mimsave(target, pictures, duration=100)


def view(recordings):
    """Open it; the recordings only say what made the picture."""
    return Film(np.arange(STEPS), scene)
