"""Four panels into a GIF of 200 frames of 800 x 600, beside the plain way: clear, redraw, savefig, mimsave."""

import statistics
import subprocess
import sys
import time

import numpy as np

from dynviz.recording import Recording, Writer
from dynviz.recording.metadata import ChannelInfo, Lane, Metadata, Named
from tests.benchmarks import four_panels
from tests.benchmarks.four_panels import FRAMES, plain, recorded, scene, steps

PAIRS, PAIR_FRAMES = 5, 20
SIZE = (800, 600)


def recording(folder):
    """One that says who made the pictures; the view brings their numbers."""
    made = folder / "recording"
    if not made.exists():
        channels = {"loss": ChannelInfo(1, "<f4")}
        metadata = Metadata(Named("film"), Named("adamw"), "adamw", 0, {}, (), (Lane(42),), 10, channels)
        with Writer.create(made, metadata) as writer:
            writer.write("loss", 0, np.ones((11, 1), dtype="<f4"))
            writer.status("finished")
    return Recording(made)


def ours(count, target, **options):
    """Through the front door: what `dynviz export --view four_panels.py` does."""
    from dynviz.animation.export import animate

    animate([recording(target.parent)], target, view=str(four_panels.__file__), frames=count, size=SIZE, **options)


def two(count, target):
    """The same with two processes."""
    ours(count, target, workers=2)


def seconds(way, count, folder):
    """Of a frame."""
    start = time.perf_counter()
    way(count, folder / "timed.gif")
    return (time.perf_counter() - start) / count


def measure(folder, pairs=PAIRS):
    """Times a frame, their ratio, sizes, exactness, and our peak of memory in MB."""
    recorded()
    times = [(seconds(ours, FRAMES, folder), seconds(plain, PAIR_FRAMES, folder)) for _ in range(pairs)]
    found = {
        "ours_ms": 1e3 * statistics.median(mine for mine, _ in times),
        "plain_ms": 1e3 * statistics.median(theirs for _, theirs in times),
        "times_as_fast": statistics.median(theirs / mine for mine, theirs in times),
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
    times = [(seconds(two, 1000, folder), seconds(ours, 1000, folder)) for _ in range(3)]
    found["two_workers_times_as_fast_1000"] = statistics.median(one / other for other, one in times)
    return found


def decibels(file):
    """Of the decoded frames against the drawn ones: the ratio of the peak to the noise."""
    from PIL import Image

    from dynviz.pixels import PixelCanvas

    canvas, error = PixelCanvas(*SIZE), []
    with Image.open(file) as image:
        for index, step in enumerate(steps(FRAMES)):
            image.seek(index)
            error.append(np.mean((np.asarray(image.convert("RGB")).astype(float) - canvas.draw(scene(step))) ** 2))
    return float(10 * np.log10(255**2 / np.mean(error)))


def peak(folder, count):
    """Of a process of its own, in MB, as Linux counts it."""
    code = (
        "import sys; from pathlib import Path; from tests.benchmarks.exports import ours; "
        "ours(int(sys.argv[2]), Path(sys.argv[1])); "
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    command = [sys.executable, "-c", code, str(folder / "peak.gif"), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024
