"""Recordings that are damaged in any way: a clear error or a working picture, and nothing is lost by looking."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dynviz
from dynviz import DynvizError
from dynviz.cli import commands

BOWL = str(Path(__file__).parent / "files" / "bowl.py")
GARBAGE = [
    b"",
    b"\0",
    b"null",
    b"[]",
    b"{}",
    b"3",
    b'"x"',
    b"[1, 2]",
    b'{"format": 1}',
    b"\xff\xfe",
    b"NaN",
    b"{" * 5000,
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run whose recording has everything: channels, events, checkpoints."""
    folder = tmp_path_factory.mktemp("damage") / "run"
    dynviz.run(BOWL, "sgd:lr=10", seeds="0:2", steps=120, record="parameters", out=folder)
    assert dynviz.open(folder)["sgd"].events()
    return folder


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def everything(folder):
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files(folder)}


@st.composite
def damages(draw):
    """Which file, by a share of their list, and what becomes of its bytes."""
    kind = draw(st.sampled_from(["cut", "flip", "garbage", "remove", "grow", "folder"]))
    return draw(st.floats(0, 1, exclude_max=True)), kind, draw(st.integers(0, 1 << 20)), draw(st.integers(1, 255))


def damage(folder, place, kind, where, by):
    names = files(folder)
    path = folder / names[int(place * len(names))]
    data = bytearray(path.read_bytes())
    if kind == "cut":
        data = data[: where % (len(data) + 1)]
    elif kind == "flip" and data:
        # Half of them in the head, where the meaning is.
        data[where % (min(len(data), 300) if where % 2 else len(data))] ^= by
    elif kind == "garbage":
        data = bytearray(GARBAGE[where % len(GARBAGE)])
    elif kind == "grow":
        data += bytes([by]) * (where % 5000)
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind != "remove":
        path.write_bytes(data)


def look(*arguments):
    """A command ends well, or by an error in words of one line; anything else is raised here."""
    result, words = None, "in words"
    try:
        result = CliRunner().invoke(commands, [*map(str, arguments)], catch_exceptions=False)
    except DynvizError as error:
        words = str(error).strip()
    assert words
    assert "\n" not in words
    assert result is None or result.exit_code == 0, result.output


@pytest.mark.slow
@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(st.lists(damages(), min_size=1, max_size=2))
def test_a_damaged_recording_is_an_error_in_words_or_is_shown_and_is_left_as_it_is(whole, harm):
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "run")
        shutil.copytree(whole, folder)
        for each in harm:
            damage(folder, *each)
        before = everything(folder)
        look("show", folder)
        look("show", folder, "--view", "curves", "--at", "end")
        look("show", folder, "--view", "weights", "--at", "60", "--svg")
        look("export", folder, Path(place, "a.png"), "--view", "curves", "--size", "200x150")
        here = Path.cwd()
        os.chdir(place)
        try:
            Path("runs").mkdir()
            folder.rename("runs/run")
            look("list", "runs")
        finally:
            Path("runs/run").rename(folder)
            os.chdir(here)
        assert everything(folder) == before


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(damages())
def test_a_damaged_recording_goes_on_or_says_why_not(whole, harm):
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "run")
        shutil.copytree(whole, folder)
        damage(folder, *harm)
        why = ""
        try:
            dynviz.resume(folder, steps=130, trust="/")
        except DynvizError as error:
            why = str(error).strip()
        assert "\n" not in why
        if not why:
            assert dynviz.open(folder)["sgd"].status == "finished"
            assert len(dynviz.open(folder)["sgd"]["loss"]) == 131
