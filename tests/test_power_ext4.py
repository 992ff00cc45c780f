"""A real file system in an image that is copied while a run writes to it: what power loss leaves."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import dynviz
from tests.test_power import content

BOWL = str(Path(__file__).parent / "files" / "bowl.py")
STEPS, COPIES = 1000, 3


def run_or_skip(*words):
    try:
        done = subprocess.run([*map(str, words)], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip(f"there is no {words[0]}")
    if done.returncode:
        pytest.skip(f"{words[0]}: {done.stderr.decode().strip()}")


@pytest.fixture
def mount(tmp_path):
    """Mounts an image; all are unmounted in the end."""
    places = []

    def call(image):
        place = tmp_path / f"at-{image.name}"
        place.mkdir()
        run_or_skip("mount", "-o", "loop", image, place)
        places.append(place)
        return place

    yield call
    for place in places:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.slow
def test_every_copy_of_a_disk_under_a_run_opens_and_comes_to_the_same_bytes(tmp_path, mount):
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(48 << 20)
    run_or_skip("mkfs.ext4", "-q", image)
    disk = mount(image)
    words = ["run", BOWL, "-o", "sgd:lr=10", "--seeds", "0:2", "--record", "parameters", "--steps", STEPS, "--headless"]
    words = [sys.executable, "-m", "dynviz", *map(str, words)]
    subprocess.run([*words, "--out", str(tmp_path / "straight")], check=True, capture_output=True)
    straight = content(tmp_path / "straight")
    process = subprocess.Popen([*words, "--out", str(disk / "run")], stderr=subprocess.DEVNULL)
    while not (disk / "run").exists():
        assert process.poll() is None
        time.sleep(0.01)
    copies = []
    while process.poll() is None and len(copies) < COPIES:
        copies.append(tmp_path / f"copy-{len(copies)}")
        process.send_signal(signal.SIGSTOP)
        copy_of_one_moment(image, copies[-1])
        process.send_signal(signal.SIGCONT)
        time.sleep(0.1)
    process.wait()
    assert copies
    came = [lost_power(mount(copy) / "run", straight) for copy in copies]
    assert any(came)


def copy_of_one_moment(image, to):
    """Copy until nothing changes while it is read: equal blocks, read twice, stood so between the two readings."""
    before = None
    while (now := image.read_bytes()) != before:
        before = now
    to.write_bytes(now)


def lost_power(run, straight):
    """Go on with what is there; whether there was anything."""
    if not run.exists():
        return False
    recording = dynviz.open(run)["sgd"]
    assert recording.missing is not None
    if recording.status != "finished":
        dynviz.resume(run, trust="/")
    assert content(run) == straight
    return True
