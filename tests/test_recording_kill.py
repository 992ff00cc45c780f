"""A writer that is killed at any moment, one that lives, and two at once."""

import fcntl
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dynviz.errors import DynvizError
from dynviz.recording import Recording, Writer, lock
from dynviz.recording.metadata import ChannelInfo, Lane, Metadata, Named

CHANNELS = {"small": ChannelInfo(1, "<f4"), "large": ChannelInfo(1, "<f8", (700,))}
DESCRIPTION = Metadata(Named("bowl"), Named("sgd"), "sgd", 0, {}, (), (Lane(0), Lane(1)), 10**6, CHANNELS)

WRITER = textwrap.dedent("""
    import random, sys
    import numpy as np
    from dynviz.recording import Writer
    from test_recording_kill import DESCRIPTION

    writer, draw, index = Writer.create(sys.argv[1], DESCRIPTION), random.Random(sys.argv[2]), 0
    while True:
        count = draw.choice((1, 1, 2, 7, 40))
        ramp = np.arange(index, index + count).reshape(-1, 1, 1)
        writer.write("large", index, np.repeat(np.repeat(ramp, 2, 1), 700, 2).astype(float))
        writer.write("small", index, np.repeat(ramp[..., 0], 2, 1).astype(np.float32))
        index += count
        writer.event(index, 0, "wrote", float(count))
        if draw.random() < 0.1:
            writer.checkpoint(index, {"theta": np.full(5000, index)})
            writer.status("running", f"at {index}")
        print(index, flush=True)
        if index > 20_000:
            sys.stdin.read()
""")


def start(*arguments):
    """Python with this folder's modules, and with dynviz as it is here."""
    path = os.pathsep.join((str(Path(__file__).parent), str(Path(__file__).parents[1])))
    return subprocess.Popen(
        [sys.executable, "-c", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def assert_whole(samples, first=0):
    """Every number of a sample is the sample's index."""
    flat = samples[first:].reshape(len(samples) - first, -1)
    assert (flat == np.arange(first, len(samples)).reshape(-1, 1)).all()


def look(recording, folder):
    """Read everything as a player and as plain NumPy would, while it grows."""
    for name in CHANNELS:
        plain = np.load(folder / f"channels/{name}.npy", mmap_mode="r", allow_pickle=False)
        samples = recording[name]
        assert len(samples) >= len(plain)
        assert_whole(samples, max(0, len(samples) - 30))
        assert_whole(plain, max(0, len(plain) - 30))
    recording.refresh()
    assert all(event.kind == "wrote" for event in recording.events())
    if steps := recording.checkpoints():
        assert (recording.checkpoint(steps[-1])["theta"] == steps[-1]).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_writer_killed_at_a_random_moment_leaves_every_flushed_sample(tmp_path, seed):
    folder = tmp_path / "sgd"
    with start(WRITER, folder, seed) as writer:
        assert writer.stdout is not None
        flushed = int(writer.stdout.readline())
        recording = Recording(folder)
        assert (recording.live, recording.status) == (True, "running")
        looks = 0
        end = time.monotonic() + random.Random(seed).uniform(0.02, 0.4)
        while time.monotonic() < end or not looks:
            look(recording, folder)
            looks += 1
        writer.send_signal(signal.SIGKILL)
        flushed = max([flushed, *(int(line) for line in writer.stdout.read().split("\n")[:-1])])
    assert (recording.live, recording.status) == (False, "killed")
    look(recording, folder)
    for name in CHANNELS:
        assert len(recording[name]) >= flushed
        assert_whole(recording[name])
        assert len(np.load(folder / f"channels/{name}.npy")) >= flushed
    assert {1, flushed} - {event.step for event in recording.events()} <= {1}
    with Writer.resume(folder) as again:
        assert again.samples("small") == len(recording["small"])
        again.event(10**6, 1, "went on")
        assert recording.status == "running"
        again.status("finished")
    assert recording.events()[-1].kind == "went on"
    assert recording.status == "finished"


def test_a_second_writer_is_refused_in_the_same_process(tmp_path):
    with Writer.create(tmp_path / "sgd", DESCRIPTION) as writer:
        with pytest.raises(DynvizError, match="sgd is being written by another run: wait until it ends"):
            Writer.resume(tmp_path / "sgd")
        assert Recording(tmp_path / "sgd").live
        writer.write("small", 0, np.zeros((1, 2), np.float32))
    Writer.resume(tmp_path / "sgd").close()


def test_a_second_writer_is_refused_in_another_process(tmp_path):
    hold = (
        "import sys; from dynviz.recording import *; w = Writer.resume(sys.argv[1]); print('held', flush=True); input()"
    )
    Writer.create(tmp_path / "sgd", DESCRIPTION).close()
    with start(hold, tmp_path / "sgd") as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(DynvizError, match="is being written by another run"):
            Writer.resume(tmp_path / "sgd")
        assert Recording(tmp_path / "sgd").status == "running"
        other.kill()
    assert Recording(tmp_path / "sgd").status == "killed"
    Writer.resume(tmp_path / "sgd").close()


def test_readers_that_ask_whether_a_writer_lives_do_not_keep_one_out(tmp_path):
    Writer.create(tmp_path / "sgd", DESCRIPTION).close()
    fd = os.open(tmp_path / "sgd/lock", os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_SH)
    threading.Timer(0.05, os.close, [fd]).start()
    Writer.resume(tmp_path / "sgd").close()


def test_a_reader_that_gets_no_time_while_it_asks_keeps_no_writer_out(tmp_path, monkeypatch):
    Writer.create(tmp_path / "sgd", DESCRIPTION).close()
    fd = os.open(tmp_path / "sgd/lock", os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_SH)
    monkeypatch.setattr(lock, "PATIENCE", 0.0)
    # Of this module alone: other threads sleep too.
    monkeypatch.setattr(lock, "time", SimpleNamespace(sleep=lambda _: os.close(fd), monotonic=time.monotonic))
    Writer.resume(tmp_path / "sgd").close()


def test_a_lock_that_no_writer_holds_and_nobody_lets_go_of_is_an_error_in_the_end(tmp_path, monkeypatch):
    Writer.create(tmp_path / "sgd", DESCRIPTION).close()
    monkeypatch.setattr(lock, "READER_PATIENCE", 0.0)
    with (tmp_path / "sgd/lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        with pytest.raises(DynvizError, match="is being written by another run"):
            Writer.resume(tmp_path / "sgd")


def test_a_recording_is_live_as_long_as_its_writer_and_no_longer(tmp_path):
    writer = Writer.create(tmp_path / "sgd", DESCRIPTION)
    recording = Recording(tmp_path / "sgd")
    assert (recording.live, recording.status) == (True, "running")
    writer.status("interrupted")
    assert recording.status == "interrupted"
    writer.close()
    writer.close()
    assert (recording.live, recording.status) == (False, "interrupted")
    (tmp_path / "sgd/lock").unlink()
    assert not recording.live


def test_a_writer_that_ends_well_while_it_is_asked_for_is_not_called_killed(tmp_path, monkeypatch):
    writer = Writer.create(tmp_path / "sgd", DESCRIPTION)
    recording = Recording(tmp_path / "sgd")

    def ends_now(folder):
        writer.status("finished")
        writer.close()
        return False

    monkeypatch.setattr(lock, "held", ends_now)
    assert recording.status == "finished"


def test_a_failing_block_lets_go_of_the_lock_and_counts_as_killed(tmp_path):
    with pytest.raises(ZeroDivisionError), Writer.create(tmp_path / "sgd", DESCRIPTION):
        _ = 1 / 0
    assert Recording(tmp_path / "sgd").status == "killed"


def test_a_file_system_without_flock_is_an_error_for_a_writer_and_not_live_for_a_reader(tmp_path, monkeypatch):
    Writer.create(tmp_path / "sgd", DESCRIPTION).close()

    def no_locks(fd, operation):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(
        DynvizError, match=r"cannot lock .*: No locks available; record on a file system that supports flock"
    ):
        Writer.create(tmp_path / "adam", DESCRIPTION)
    assert not (tmp_path / "adam").exists()
    assert not Recording(tmp_path / "sgd").live
