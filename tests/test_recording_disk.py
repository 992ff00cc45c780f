"""Disks that are full, read-only or gone: a clear error, and what was written stays readable."""

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from dynviz.errors import DynvizError
from dynviz.recording import Recording, Writer
from dynviz.recording.metadata import ChannelInfo, Lane, Metadata, Named

NOBODY = 65534
CHANNELS = {"x": ChannelInfo(1, "<f4", (3,)), "y": ChannelInfo(1, "<f8")}
DESCRIPTION = Metadata(Named("bowl"), Named("sgd"), "sgd", 0, {}, (), (Lane(0),), 10**6, CHANNELS)


def block(name, index, count):
    shape = (count, 1, *CHANNELS[name].shape)
    ramp = np.arange(index, index + count).reshape(-1, *(1 for _ in shape[1:]))
    return np.ascontiguousarray(np.broadcast_to(ramp, shape), dtype=CHANNELS[name].dtype)


def assert_readable(folder, written):
    """Both readers see whole samples, and at least those whose writing ended well."""
    recording = Recording(folder)
    for name, count in written.items():
        plain = np.load(folder / f"channels/{name}.npy", allow_pickle=False)
        assert count <= len(plain) <= len(recording[name])
        for samples in (plain, recording[name]):
            assert np.array_equal(samples, block(name, 0, len(samples)))
    assert all(event.kind == "mark" for event in recording.events())
    assert not list(folder.rglob("*.new"))


def write_until_it_fails(writer, count):
    """Blocks of samples, an event after each; gives what was written, and the error."""
    written = dict.fromkeys(CHANNELS, 0)
    for index in range(0, 10**6, count):
        try:
            for name in CHANNELS:
                writer.write(name, index, block(name, index, count))
                written[name] = index + count
            writer.event(index, 0, "mark", 0.5)
        except DynvizError as error:
            return written, str(error)
    raise AssertionError("it never failed")


@pytest.fixture
def disk(tmp_path):
    """A real disk of 256 kB, where that is allowed."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if mounted.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_an_error_and_keeps_what_is_there(disk):
    folder = disk / "sgd"
    with Writer.create(folder, DESCRIPTION) as writer:
        writer.checkpoint(0, {"theta": np.arange(100)})
        written, said = write_until_it_fails(writer, 50)
        assert said.startswith(f"cannot write {folder}")
        assert "No space left on device; what was recorded before can be read" in said
        (disk / "filler").write_bytes(b"")
        writer.checkpoint(7, {"theta": np.arange(100_000)})
        with pytest.raises(DynvizError, match="No space left on device"):
            writer.checkpoints()
        assert_readable(folder, written)
        assert writer.checkpoints() == (0,)
    assert Recording(folder).status == "killed"


def test_a_status_that_does_not_fit_on_a_full_disk_leaves_the_former_one(disk):
    folder = disk / "sgd"
    with Writer.create(folder, DESCRIPTION) as writer:
        with pytest.raises(OSError, match="No space left"):
            (disk / "filler").write_bytes(b"0" * 10**6)
        with pytest.raises(DynvizError, match=r"cannot write .*run\.json: No space left on device"):
            writer.status("failed", "x" * 100_000)
        assert json.loads((folder / "run.json").read_text())["status"] == "running"
        assert_readable(folder, {})
        (disk / "filler").unlink()
        writer.status("finished")
    assert Recording(folder).status == "finished"


def test_a_recording_that_does_not_fit_leaves_nothing(disk):
    with pytest.raises(OSError, match="No space left"):
        (disk / "filler").write_bytes(b"0" * 10**6)
    with pytest.raises(DynvizError, match="No space left on device"):
        Writer.create(disk / "run/sgd", DESCRIPTION)
    assert not (disk / "run/sgd").exists()
    (disk / "filler").unlink()
    Writer.create(disk / "run/sgd", DESCRIPTION).close()


def test_a_run_gets_no_longer_when_the_copy_of_a_channel_does_not_fit(disk):
    folder = disk / "sgd"
    wide = Metadata(
        Named("bowl"), Named("sgd"), "sgd", 0, {}, (), (Lane(0),), 250, {"z": ChannelInfo(100, "<f8", (6000,))}
    )
    with Writer.create(folder, wide) as writer:
        writer.write("z", 0, np.ones((4, 1, 6000)))
    with pytest.raises(DynvizError, match=r"cannot write .*z\.npy: No space left on device"):
        Writer.resume(folder, steps=300)
    recording = Recording(folder)
    assert (recording.total, recording["z"].shape, recording.live) == (250, (4, 1, 6000), False)
    assert not list(folder.rglob("*.new"))


def test_a_read_only_disk_is_an_error_and_is_read(disk):
    folder = disk / "sgd"
    with Writer.create(folder, DESCRIPTION) as writer:
        writer.write("x", 0, block("x", 0, 3))
        writer.status("finished")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(DynvizError, match=r"cannot write .*: Read-only file system"):
        Writer.resume(folder)
    with pytest.raises(DynvizError, match=r"cannot write .*adam: Read-only file system"):
        Writer.create(disk / "adam", DESCRIPTION)
    assert_readable(folder, {"x": 3})
    assert Recording(folder).status == "finished"


def test_a_limit_on_the_size_of_files_is_an_error_and_keeps_what_is_there(tmp_path):
    code = (
        "import resource, sys; from test_recording_disk import *\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_001, 10_001))\n"
        "with Writer.create(Path(sys.argv[1]), DESCRIPTION) as writer:\n"
        "    print(json.dumps(write_until_it_fails(writer, 40)))\n"
    )
    path = os.pathsep.join((str(Path(__file__).parent), str(Path(__file__).parents[1])))
    command = [sys.executable, "-c", code, str(tmp_path / "sgd")]
    ran = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True)
    written, said = json.loads(ran.stdout)
    assert said.endswith("x.npy: File too large; what was recorded before can be read")
    assert written == {"x": 800, "y": 800}
    assert (tmp_path / "sgd/channels/x.npy").stat().st_size == 10_001
    assert_readable(tmp_path / "sgd", written)


def full_after(budget, code=errno.ENOSPC):
    """An `os.pwrite` for a disk that takes so many bytes more; a header's count it takes whole or not at all."""
    whole, left = os.pwrite, [budget]

    def pwrite(fd, data, offset):
        data = memoryview(data).cast("B")
        data = data[: left[0]] if offset != 72 else data[: len(data) * (left[0] >= len(data))]
        if not data:
            raise OSError(code, os.strerror(code))
        written = whole(fd, data, offset)
        left[0] -= written
        return written

    return pwrite


def test_a_disk_that_is_full_after_any_number_of_bytes_leaves_a_readable_recording(tmp_path, monkeypatch):
    for budget in range(0, 400, 3):
        folder = tmp_path / str(budget)
        with Writer.create(folder, DESCRIPTION) as writer:
            with monkeypatch.context() as patch:
                patch.setattr(os, "pwrite", full_after(budget))
                written, said = write_until_it_fails(writer, 2)
            assert said.startswith(f"cannot write {folder}")
            assert_readable(folder, written)
            # There is room again: the writer goes on where it was.
            for name, count in written.items():
                writer.write(name, count, block(name, count, 3))
            writer.event(9, 0, "mark")
            assert_readable(folder, {name: count + 3 for name, count in written.items()})
            assert Recording(folder).events()[-1].step == 9


@pytest.mark.parametrize("code", [errno.EDQUOT, errno.EIO, errno.EACCES])
def test_other_errors_of_the_disk_are_errors_in_words_too(tmp_path, monkeypatch, code):
    with Writer.create(tmp_path / "sgd", DESCRIPTION) as writer, monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full_after(100, code))
        _, said = write_until_it_fails(writer, 5)
    assert os.strerror(code) in said


def test_a_recording_that_cannot_be_begun_leaves_nothing_wherever_it_fails(tmp_path, monkeypatch):
    for budget in range(0, 2 * 256, 50):
        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", full_after(budget))
            with pytest.raises(DynvizError, match="No space left"):
                Writer.create(tmp_path / "sgd", DESCRIPTION)
        assert not (tmp_path / "sgd").exists()


def test_a_write_that_takes_nothing_is_an_error_and_not_a_loop(tmp_path, monkeypatch):
    with Writer.create(tmp_path / "sgd", DESCRIPTION) as writer, monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", lambda fd, data, offset: 0)
        with pytest.raises(DynvizError, match="nothing was written"):
            writer.write("x", 0, block("x", 0, 1))


def test_an_existing_folder_is_never_overwritten(tmp_path):
    (tmp_path / "empty").mkdir()
    with Writer.create(tmp_path / "sgd", DESCRIPTION) as writer:
        writer.write("x", 0, block("x", 0, 3))
    (tmp_path / "file").write_text("mine")
    for name in ("empty", "sgd", "file"):
        with pytest.raises(DynvizError, match=f"{name} exists already and is never overwritten"):
            Writer.create(tmp_path / name, DESCRIPTION)
    assert_readable(tmp_path / "sgd", {"x": 3})
    assert (tmp_path / "file").read_text() == "mine"
    assert not list((tmp_path / "empty").iterdir())


def test_a_folder_under_a_file_or_where_none_can_be_is_an_error_of_one_line(tmp_path):
    (tmp_path / "file").write_text("mine")
    places = [tmp_path / "file" / "sgd", tmp_path / "file/run/sgd", tmp_path / ("n" * 300), Path("/proc/dynviz/sgd")]
    for place in places:
        with pytest.raises(DynvizError, match=r"cannot (write|make) ") as caught:
            Writer.create(place, DESCRIPTION)
        assert str(place) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_resuming_what_is_no_recording_is_an_error_and_makes_no_lock(tmp_path):
    with pytest.raises(DynvizError, match="is not a recording"):
        Writer.resume(tmp_path)
    with pytest.raises(DynvizError, match="there is no folder"):
        Writer.resume(tmp_path / "nothing")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def bound():
    """A folder, where permissions bind us: they do not bind root."""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() != 0:
            yield Path(folder)
            return
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        yield Path(folder)
        os.seteuid(0)


def test_a_folder_without_permission_is_an_error(bound):
    Writer.create(bound / "sgd", DESCRIPTION).close()
    for path in [bound / "sgd", *(bound / "sgd").rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    with pytest.raises(DynvizError, match="Permission denied"):
        Writer.resume(bound / "sgd")


def test_a_writer_goes_on_in_a_folder_that_was_renamed_and_a_reader_says_that_it_is_gone(tmp_path):
    with Writer.create(tmp_path / "sgd", DESCRIPTION) as writer:
        writer.write("x", 0, block("x", 0, 3))
        recording = Recording(tmp_path / "sgd")
        samples = recording["x"]
        (tmp_path / "sgd").rename(tmp_path / "elsewhere")
        with pytest.raises(DynvizError, match="cannot read"):
            recording["x"]
        with pytest.raises(DynvizError, match="cannot read"):
            recording.events()
        with pytest.raises(DynvizError, match="there is no folder"):
            _ = recording.status
        writer.checkpoint(1, {})
        writer.status("finished")
        moved = Recording(tmp_path / "elsewhere")
        assert moved.status == "finished"
        assert moved.checkpoints() == (1,)
        assert np.array_equal(samples, block("x", 0, 3))


def test_a_folder_that_was_removed_is_an_error_for_its_writer(tmp_path):
    with Writer.create(tmp_path / "sgd", DESCRIPTION) as writer:
        shutil.rmtree(tmp_path / "sgd")
        with pytest.raises(DynvizError, match=r"cannot write .*run\.json\.new: No such file"):
            writer.status("finished")
        writer.checkpoint(1, {})
        with pytest.raises(DynvizError, match="cannot write"):
            writer.checkpoints()
