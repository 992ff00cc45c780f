"""A disk that is full: one clear line, and what was there stays."""

import gc
import os
import subprocess

import pytest

from dynviz import plugins
from dynviz.animation.export import animate
from dynviz.errors import DynvizError
from tests.recorded import voronoi
from tests.test_exporters_formats import moves

ROOM = 64 * 1024


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("disk")
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "dynviz-test", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return voronoi(tmp_path_factory.mktemp("runs") / "adamw", steps=100, every=5)


# One picture is drawn by one process.
@pytest.mark.parametrize(
    ("name", "workers"),
    [(name, count) for name in plugins.files("exporters") for count in ((1, 2) if moves(name) else (1,))],
)
def test_a_full_disk_is_one_clear_line_and_what_was_there_stays(name, workers, recording, small_disk):
    target = small_disk / f"a.{name}"
    target.write_bytes(b"old" * 6000)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(ROOM - 4096 * 8))
    try:
        size = (800, 600) if name in {"pdf", "png", "svg"} else (480, 360)
        with pytest.raises(DynvizError, match=r"^cannot write .*: No space left on device$") as caught:
            animate([recording], target, size=size, workers=workers)
        assert "\n" not in str(caught.value)
        # What a file that was left open says when it is collected is a warning, and so an error here.
        gc.collect()
        assert target.read_bytes() == b"old" * 6000
        assert {file.name for file in small_disk.iterdir()} == {target.name, "filler"}
    finally:
        target.unlink()
        filler.unlink()
