"""Four panels into a GIF of 200 frames of 800 x 600, beside the plain way: clear, redraw, savefig, imageio.mimsave.

`python -m tests.benchmarks.test_export_speed` prints speed, size and memory.
"""

import functools
import io
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dynviz.scene.marks import Axis, Field, Line, Panel, Points, Readout, Scene
from dynviz.scene.norm import Norm
from tests.recorded import surface

pytestmark = pytest.mark.benchmark

VIEW = Path(__file__).parents[1] / "files" / "four_panels.py"
STEPS, FRAMES, PAIRS, PAIR_FRAMES = 10_000, 200, 5, 20
TIME = np.arange(STEPS, dtype=np.float64)
_NOISE = np.random.default_rng(0).normal(size=(2, 4, STEPS))
LOSSES = 0.3 + 0.5 * np.exp(-TIME / (1500 + 400 * np.arange(4)[:, None])) + 0.01 * _NOISE[0]
NORMS = np.exp(-TIME / (2000 + 500 * np.arange(4)[:, None])) + 0.005 * np.abs(_NOISE[1]) + 1e-3
CENTERS = np.random.default_rng(1).uniform(-2, 2, (2, 50))
DRIFT = np.random.default_rng(2).normal(size=(2, 50)) / 3
SQUARE = (-2.5, 2.5)


def centers(step):
    return CENTERS + DRIFT * step / STEPS


def _prediction(step):
    """Like the voronoi scenario's: which class the nearest center has, soft at the borders of cells."""
    grid = np.linspace(*SQUARE, 100, dtype=np.float32)
    x, y = centers(step).astype(np.float32)
    far = np.hypot(grid[None, :, None] - x, grid[:, None, None] - y)
    return np.tanh(5 * (far[..., 25:].min(axis=-1) - far[..., :25].min(axis=-1)))


@functools.cache
def recorded():
    """[frames, rows, columns], as a recording holds them."""
    return np.stack([_prediction(step) for step in np.linspace(0, STEPS - 1, FRAMES)])


def heat(step):
    return recorded()[round(step * (FRAMES - 1) / (STEPS - 1))]


def scene(step):
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
    return np.linspace(0, STEPS - 1, count).round().astype(int).tolist()


def recording(folder):
    """One that says who made the pictures; the view brings their numbers."""
    from dynviz.recording import Recording

    made = folder / "recording"
    return Recording(made) if made.exists() else surface(made, steps=10)


def ours(count, target, **options):
    """Through the front door: what `dynviz export --view four_panels.py` does."""
    from dynviz.animation import animate

    animate([recording(target.parent)], target, view=str(VIEW), frames=count, **options)


def plain(count, target):
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


def seconds(way, count, folder):
    start = time.perf_counter()
    way(count, folder / "timed.gif")
    return (time.perf_counter() - start) / count


def measure(folder):
    """Times a frame, their ratio, sizes, exactness, and our peak of memory in MB."""
    recorded()
    pairs = [(seconds(ours, FRAMES, folder), seconds(plain, PAIR_FRAMES, folder)) for _ in range(PAIRS)]
    found = {
        "ours_ms": 1e3 * statistics.median(mine for mine, _ in pairs),
        "plain_ms": 1e3 * statistics.median(theirs for _, theirs in pairs),
        "times_as_fast": statistics.median(theirs / mine for mine, theirs in pairs),
    }
    for name, way in (("ours", ours), ("plain", plain)):
        target = folder / f"{name}.gif"
        way(FRAMES, target)
        found[f"{name}_megabytes"] = target.stat().st_size / 1e6
    found["size_ratio"] = found["ours_megabytes"] / found["plain_megabytes"]
    found["ours_decibels"] = decibels(folder / "ours.gif")
    found["peak_megabytes"] = peak(folder, FRAMES)
    found["peak_megabytes_of_1000"] = peak(folder, 1000)
    ours(FRAMES, folder / "two.gif", workers=2)
    found["same_with_two_workers"] = (folder / "ours.gif").read_bytes() == (folder / "two.gif").read_bytes()
    pairs = [(seconds(two, 1000, folder), seconds(ours, 1000, folder)) for _ in range(3)]
    found["two_workers_times_as_fast_1000"] = statistics.median(one / other for other, one in pairs)
    return found


def two(count, target):
    ours(count, target, workers=2)


def decibels(file):
    """Of the decoded frames against the drawn ones: the ratio of the peak to the noise."""
    from dynviz.pixels import Canvas

    canvas, error = Canvas(800, 600), []
    with Image.open(file) as image:
        assert image.n_frames == FRAMES
        for index, step in enumerate(steps(FRAMES)):
            image.seek(index)
            error.append(np.mean((np.asarray(image.convert("RGB")).astype(float) - canvas.draw(scene(step))) ** 2))
    return 10 * np.log10(255**2 / np.mean(error))


def peak(folder, count):
    """Of a process of its own, in MB, as Linux counts it."""
    code = (
        "import sys; from pathlib import Path; from tests.benchmarks.test_export_speed import ours; "
        "ours(int(sys.argv[2]), Path(sys.argv[1])); "
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    command = [sys.executable, "-c", code, str(folder / "peak.gif"), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def test_a_gif_is_drawn_many_times_as_fast_as_the_plain_way_a_third_as_large_and_in_little_memory(tmp_path):
    found = measure(tmp_path)
    print("\n" + "\n".join(f"{name:20} {value:8.2f}" for name, value in found.items()))
    assert found["times_as_fast"] >= 0.7 * 20
    assert found["size_ratio"] <= 1 / 3
    assert found["ours_decibels"] >= 40
    assert found["peak_megabytes"] < 120
    assert found["peak_megabytes_of_1000"] < 120
    assert found["same_with_two_workers"]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, value in measure(Path(folder)).items():
            print(f"{name:20} {value:8.2f}")
