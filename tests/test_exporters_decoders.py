"""A GIF as other programs read it: ffprobe and gifsicle, which are tools of the tests alone."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from dynviz.animation.export import animate
from tests.recorded import KINDS

SIZE = (400, 300)


@pytest.fixture(scope="module", params=sorted(KINDS))
def gif(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gifs")
    recording = KINDS[request.param](folder / "adamw", steps=60)
    options = {"frames": 8, "size": SIZE, "fps": 8, "hold": 1.5, "loop": 3, "view": "curves"}
    return animate([recording], folder / "a.gif", **options)


def tool(name):
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def of_pillow(file):
    """Frames, delays in hundredths of a second, how often it is played."""
    with Image.open(file) as image:
        frames, delays = [], []
        for index in range(image.n_frames):
            image.seek(index)
            frames.append(np.asarray(image.convert("RGB")))
            delays.append(round(image.info["duration"] / 10))
        return frames, delays, image.info["loop"]


def test_ffprobe_sees_the_same_frames_for_the_same_time(gif):
    frames, delays, _ = of_pillow(gif)
    asked = ["-show_entries", "stream=width,height:packet=duration_time", "-of", "json", "-ignore_loop", "1"]
    said = subprocess.run([tool("ffprobe"), "-v", "error", *asked, gif], capture_output=True, check=True)
    found = json.loads(said.stdout)
    assert (found["streams"][0]["width"], found["streams"][0]["height"]) == SIZE
    assert [round(100 * float(packet["duration_time"])) for packet in found["packets"]] == delays
    assert len(found["packets"]) == len(frames)


def test_ffmpeg_draws_the_same_pixels(gif):
    frames, _, _ = of_pillow(gif)
    command = [tool("ffmpeg"), "-v", "error", "-i", gif, "-fps_mode", "passthrough", "-f", "rawvideo"]
    raw = subprocess.run([*command, "-pix_fmt", "rgb24", "-"], capture_output=True, check=True).stdout
    found = np.frombuffer(raw, np.uint8).reshape(-1, SIZE[1], SIZE[0], 3)
    assert np.array_equal(found, frames)


def test_gifsicle_sees_the_same_frames_delays_loop_and_size(gif):
    _, delays, loop = of_pillow(gif)
    said = subprocess.run([tool("gifsicle"), "--info", gif], capture_output=True, text=True, check=True)
    assert f"logical screen {SIZE[0]}x{SIZE[1]}" in said.stdout
    assert f"loop count {loop}" in said.stdout
    assert [round(100 * float(each)) for each in re.findall(r"delay ([\d.]+)s", said.stdout)] == delays
    assert said.stderr == ""


def test_gifsicle_draws_the_same_pixels(gif, tmp_path):
    frames, _, _ = of_pillow(gif)
    plain = tmp_path / "plain.gif"
    subprocess.run([tool("gifsicle"), "--unoptimize", gif, "-o", plain], capture_output=True, check=True)
    assert np.array_equal(of_pillow(plain)[0], frames)
