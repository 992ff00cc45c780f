"""Channels that are too long for memory: read as they are indexed, and cut by others at any moment."""

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dynviz.charts import samples
from dynviz.errors import DynvizError
from dynviz.recording import Recording, Writer, channel_reader, layout, long_array
from dynviz.recording.long_array import LongArray
from dynviz.recording.metadata import ChannelInfo, Lane, Metadata, Named
from tests import recorded
from tests.recorded import record

KEYS = [
    0,
    -1,
    np.int64(7),
    slice(None),
    slice(3, 90, 7),
    slice(None, None, -1),
    slice(5, 5),
    Ellipsis,
    [4, 2, 2, -1],
    np.arange(0, 100, 9),
    np.array([], dtype=int),
    np.arange(100) % 3 == 0,
    (3, 1),
    (slice(None), 1),
    (slice(None), 1, slice(2)),
    (slice(2, 50), [2, 0]),
    (slice(None), slice(None), [1, 0, 1]),
    (slice(None), 0, [1, 0]),
    (slice(None), None),
    (slice(None), ..., 0),
    (..., slice(1, 3)),
    (..., 0),
    ([5, 1], 1),
    ([5, 1], slice(1, 3), 0),
    ([5, 1], [0, 2]),
    ([5, 1], ..., 0),
    (-2, slice(None), 1),
    None,
    (),
]


@pytest.fixture(params=[1 << 22, 100, 1], ids=lambda portion: f"portions of {portion} bytes")
def long(request, monkeypatch, tmp_path):
    """A channel that is read as it is indexed, and the same in memory."""
    for name in ("PORTION_BYTES", "NEAR_BYTES"):
        monkeypatch.setattr(long_array, name, request.param)
    monkeypatch.setattr(channel_reader, "COPIED_BYTES", 0)
    values = np.random.default_rng(0).standard_normal((100, 3, 4)).astype(np.float32)
    recording = record(tmp_path / "r", {"x": (1, values)}, scenario="bowl", steps=99)
    assert isinstance(recording["x"], LongArray)
    return recording["x"], values


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_what_is_indexed_is_what_numpy_gives(long, key):
    array, values = long
    expected = values[key]
    assert array[key].shape == expected.shape
    np.testing.assert_array_equal(np.asarray(array[key]), expected)


def test_parts_of_parts_are_what_numpy_gives(long):
    array, values = long
    for keys in itertools.product([slice(10, 90, 2), (slice(None), 1), (slice(None), [2, 0])], [3, slice(4), [1, 5]]):
        parts = array, values
        for key in keys:
            parts = tuple(part[key] for part in parts)
        np.testing.assert_array_equal(*map(np.asarray, parts))
    np.testing.assert_array_equal(array.reshape(100, -1)[7:9, 5], values.reshape(100, -1)[7:9, 5])
    np.testing.assert_array_equal(array.reshape(-1), values.reshape(-1))
    assert isinstance(array[5:50, 1].reshape(45, 2, 2)[::3], LongArray)


def test_it_is_used_like_an_array(long):
    array, values = long
    assert (len(array), array.ndim, array.size, array.nbytes) == (100, 3, 1200, 4800)
    assert array.dtype == values.dtype
    np.testing.assert_array_equal(array + values, values + values)
    np.testing.assert_array_equal(values * array, values * values)
    np.testing.assert_array_equal(np.abs(array), np.abs(values))
    np.testing.assert_array_equal(array == values, np.ones(values.shape, bool))
    np.testing.assert_array_equal(np.concatenate([array, array]), np.concatenate([values, values]))
    np.testing.assert_array_equal(array.mean(axis=0), values.mean(axis=0))
    np.testing.assert_array_equal(array.T, values.T)
    np.testing.assert_array_equal(np.stack(list(array)), values)
    with pytest.raises(IndexError):
        array[100]
    with pytest.raises(IndexError):
        array[[0, 100]]
    with pytest.raises(IndexError):
        array[:, 3]
    with pytest.raises(AttributeError):
        array.nothing  # noqa: B018


def test_a_cut_is_said_wherever_it_is_read_and_the_next_look_finds_what_is_left(long):
    array, values = long
    file = array._file.form.path
    os.truncate(file, layout.HEADER_BYTES + 48 * 50)
    np.testing.assert_array_equal(array[:50], values[:50])
    for read in (lambda: array[50], lambda: array[[1, 99]], lambda: np.asarray(array), lambda: np.mean(array[:, 1])):
        with pytest.raises(DynvizError, match=r"x.npy is truncated: it became shorter while it was read"):
            read()


def test_a_file_that_another_replaces_stays_readable_and_one_that_grows_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(channel_reader, "COPIED_BYTES", 1000)
    recording = recorded.voronoi(tmp_path / "r")
    file = recording.folder / "channels/loss.npy"
    data, before = file.read_bytes(), recording["loss"]
    kept = np.asarray(before)
    assert recording["loss"] is before
    file.with_suffix(".new").write_bytes(data[:1280])
    file.with_suffix(".new").rename(file)
    np.testing.assert_array_equal(before[-5:], kept[-5:])
    assert len(recording["loss"]) == 256
    assert isinstance(recording["loss"], LongArray)
    file.write_bytes(data)
    np.testing.assert_array_equal(recording["loss"], kept)
    os.truncate(file, 300)
    assert isinstance(recording["loss"], np.ndarray)
    np.testing.assert_array_equal(recording["loss"], kept[:11])


def test_open_files_are_closed_with_the_last_array_that_reads_them(tmp_path, monkeypatch):
    monkeypatch.setattr(channel_reader, "COPIED_BYTES", 0)
    recording = recorded.voronoi(tmp_path / "r")
    before = len(list(Path("/dev/fd").iterdir()))
    part = recording["loss"][3:, 0]
    assert len(list(Path("/dev/fd").iterdir())) == before + 1
    del recording
    assert np.isfinite(part[0])
    del part
    assert len(list(Path("/dev/fd").iterdir())) == before


def sparse(folder, steps, **channels):
    """A recording of channels [lanes, ...] of zeros, whose files take no room on the disk."""
    lanes = next(iter(channels.values()))[0]
    infos = {name: ChannelInfo(every=1, dtype="<f4", shape=tuple(shape)) for name, (_, *shape) in channels.items()}
    seeds = tuple(map(Lane, range(lanes)))
    facts = {"domain": [-1.0, 1.0, -1.0, 1.0], "extent": [0.0, 1.0, 0.0, 1.0]}
    infos["landscape"] = ChannelInfo(every=0, dtype="<f4", shape=(8, 8))
    metadata = Metadata(Named("surface"), Named("sgd"), "sgd", 0, {}, (), seeds, steps, infos, facts=facts)
    with Writer.create(folder, metadata) as writer:
        writer.write("landscape", 0, np.random.default_rng(0).random((1, lanes, 8, 8)).astype(np.float32))
        writer.status("finished")
    for name, info in infos.items():
        if info.every:
            file = folder / layout.channel_file(name)
            file.write_bytes(layout.header(info.dtype, (lanes, *info.shape), steps + 1))
            os.truncate(file, layout.HEADER_BYTES + (steps + 1) * 4 * lanes * int(np.prod(info.shape)))
    return Recording(folder)


def test_lines_read_a_bounded_part_of_a_channel_and_all_of_a_short_one(tmp_path, monkeypatch):
    recording = sparse(tmp_path / "r", 2_000_000, position=(256, 2))
    assert recording["position"].nbytes > 4e9
    read = []
    rows = long_array.OpenFile.rows
    monkeypatch.setattr(
        long_array.OpenFile, "rows", lambda file, first, count: read.append(count * 2048) or rows(file, first, count)
    )
    steps, values = samples.lined(recording, "position", 3)
    assert values.shape == (len(steps), 2)
    assert (steps[0], steps[-1]) == (0, 2_000_000)
    assert 30_000 < len(steps) < 35_000
    samples.thinned(recording["position"])
    samples.thinned(recording["position"][:, 5])
    assert sum(read) <= 3 * samples.READ_BYTES
    short = sparse(tmp_path / "short", 1000, position=(4, 2))
    assert len(samples.lined(short, "position")[0]) == 1001


DRAW = """
import resource, sys
from dynviz.animation.drawing import open_film
from dynviz.cells.canvas import CellCanvas
from dynviz.errors import DynvizError
from dynviz.recording import open_all

if len(sys.argv) > 3:
    from dynviz.recording import channel_reader
    channel_reader.COPIED_BYTES = int(sys.argv[3])
drawn = refused = 0
for _ in range(int(sys.argv[2])):
    for view in ("path", "curves", "cloud", "update"):
        try:
            film = open_film(open_all([sys.argv[1]]), view)
            for step in film.steps[:: max(1, len(film.steps) // 5)]:
                CellCanvas(40, 12, "dark").draw(film.scene(int(step)))
                drawn += 1
        except DynvizError as error:
            assert "\\n" not in str(error)
            refused += 1
            print(error)
# ru_maxrss would count the process that started this one too.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print("drawn", drawn, "refused", refused, "of", int(peak.split()[1]) >> 10, "MB")
"""


def draw(folder, *more):
    return subprocess.Popen(
        [sys.executable, "-c", DRAW, folder, *map(str, more)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(
    ("steps", "lanes", "rounds", "limit"),
    [
        pytest.param(300_000, 64, 3, (), id="150 MB"),
        pytest.param(20_000, 8, 12, (1000,), id="1 MB, as if it were long"),
    ],
)
def test_long_channels_that_another_process_cuts_at_any_moment_are_pictures_or_lines(
    tmp_path, steps, lanes, rounds, limit
):
    run = tmp_path / "r"
    channels = dict.fromkeys(("position", "term.gradient", "term.decay"), (lanes, 2))
    sparse(run, steps, **channels, loss=(lanes,))
    files = [run / layout.channel_file(name) for name in (*channels, "loss")]
    sizes = [file.stat().st_size for file in files]
    process = draw(run, rounds, *limit)
    rng = np.random.default_rng(0)
    try:
        while process.poll() is None:
            for file, size in zip(files, sizes, strict=True):
                os.truncate(file, int(rng.integers(layout.HEADER_BYTES, size)))
                time.sleep(rng.random() * 0.02)
                os.truncate(file, size)
            time.sleep(rng.random() * 0.1)
    finally:
        process.kill()
    out, error = process.communicate()
    assert process.returncode not in (-signal.SIGBUS, -signal.SIGSEGV)
    assert process.returncode == 0, error
    *lines, last = out.splitlines()
    assert int(last.split()[1]) > 0, out
    assert all("truncated" in line or "recorded" in line for line in lines), out


def test_pictures_of_channels_of_gigabytes_take_little_memory(tmp_path):
    run = tmp_path / "r"
    sparse(run, 1_000_000, position=(256, 2), loss=(256,), **{"term.gradient": (256, 2)})
    process = draw(run, 1)
    out, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    _, drawn, _, refused, _, memory, _ = out.split()
    assert int(drawn) > 15, out
    assert int(refused) == 0, out
    assert int(memory) < 800, out
