"""Recipes of pictures of very many recordings and lanes: packed, found in every format, and never trusted."""

import base64
import json
import zlib
from dataclasses import replace

import pytest

import dynviz
from dynviz import plugins
from dynviz.animation import recipe as recipes
from dynviz.animation.export import animate
from dynviz.animation.recipe import KEY, LONGEST, PACKED, PLAIN, UNPACKED, line_of
from dynviz.animation.recipe_writer import MANY
from dynviz.errors import DynvizError
from dynviz.recording import open_all
from dynviz.remaking.crew import train_together
from dynviz.remaking.found import find
from dynviz.training.session import SilentProgress
from tests.test_replay import replay

FORMATS = sorted(plugins.files("exporters"))


@pytest.fixture(scope="module")
def lanes(tmp_path_factory):
    out = tmp_path_factory.mktemp("lanes") / "run"
    return dynviz.run("surface:f=booth", "sgd:lr=0.01", steps=3, seeds="0:4000", out=out)["sgd"]


def exported(recording, file):
    motion = {} if file.suffix in (".png", ".svg", ".pdf") else {"frames": 2}
    return animate([recording], file, view="curves", size=(320, 240), **motion)


def unpacked(line):
    """The line that is packed in another one."""
    return zlib.decompress(base64.b64decode(json.loads(line)[PACKED])).decode()


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_long_recipe_is_packed_in_every_format(lanes, tmp_path, suffix):
    recipe = find(exported(lanes, tmp_path / f"a.{suffix}"))
    line = recipe.line()
    whole = unpacked(line)
    assert json.loads(line)[KEY] == 2
    assert len(line) < len(whole) / 5
    assert len(recipe.recordings[0].metadata.lanes) == 4000
    # Older pictures carry it as it is.
    (tmp_path / "older.svg").write_text(f"<svg><metadata>{whole}</metadata></svg>")
    assert find(tmp_path / "older.svg") == recipe


def test_a_short_recipe_is_one_of_the_first_version(tmp_path):
    line = line_of({"none": "a" * 100})
    assert json.loads(line) == {KEY: 1, "none": "a" * 100}
    assert json.loads(line_of({"none": "a" * PLAIN}))[KEY] == 2


def test_a_video_takes_words_of_any_length(lanes, tmp_path, monkeypatch):
    """An argument of a command has at most 128 KiB."""
    monkeypatch.setattr(recipes, "PLAIN", LONGEST)
    title = "a=b;#c\\d"  # signs that mean something else to ffmpeg
    file = animate([lanes], tmp_path / "a.mp4", view="curves", frames=2, title=title, size=(320, 240))
    line = find(file).line()
    assert (json.loads(line)[KEY], len(line) > 1 << 17) == (1, True)
    assert find(file).picture.title == title
    assert line.encode() in file.read_bytes()


BOMB = zlib.compress(b'{"a":"' + b"a" * UNPACKED + b'"}')


@pytest.mark.parametrize(
    "packed",
    [
        None,
        7,
        ["a"],
        "",
        "ä",
        "no base64!",
        base64.b64encode(b"not packed").decode(),
        base64.b64encode(BOMB).decode(),
        base64.b64encode(BOMB[:-9]).decode(),
        base64.b64encode(zlib.compress(b"[1]")).decode(),
        base64.b64encode(zlib.compress(b"\xff")).decode(),
        base64.b64encode(zlib.compress(b'{"a":NaN}')).decode(),
        base64.b64encode(zlib.compress(b"[" * 100_000)).decode(),
        base64.b64encode(zlib.compress(json.dumps({KEY: 2, PACKED: "eJw="}).encode())).decode(),
    ],
)
def test_what_is_packed_badly_is_refused_in_one_line(packed, tmp_path):
    file = tmp_path / "a.svg"
    file.write_text(json.dumps({KEY: 2, PACKED: packed}))
    with pytest.raises(DynvizError, match="its recipe is damaged"):
        find(file)


def test_what_is_packed_is_read_as_strictly(lanes, tmp_path):
    tree = json.loads(unpacked(find(exported(lanes, tmp_path / "a.svg")).line()))
    tree["recordings"][0]["folder"] = "../out"
    (tmp_path / "b.svg").write_text(line_of({name: part for name, part in tree.items() if name != KEY}))
    with pytest.raises(DynvizError, match="does not describe a picture"):
        find(tmp_path / "b.svg")


@pytest.mark.slow
def test_a_picture_of_over_a_hundred_runs_is_made_again(tmp_path):
    grid = "surface:f=booth,spread=[0.1,0.2,0.3,0.4],noise=[0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8]"
    rules = ["sgd:lr=0.001", "adam", "lion"]
    sweep = dynviz.sweep(grid, rules, steps=4, seeds="0:2", out=tmp_path / "sweep")
    recordings = open_all([sweep.folder])
    assert len(recordings) == 108 > MANY
    for suffix in ("gif", "svg", "png"):
        file = animate(recordings, tmp_path / f"a.{suffix}", view="curves:channels=loss", frames=1, size=(320, 240))
        recipe = find(file)
        assert len(recipe.recordings) == 108
        # One size for each channel keeps them small.
        assert {len(held.sizes) for one in recipe.recordings for held in one.sums.values()} <= {0, 1}
    code, words, problem = replay(file, "--check")
    channels = sum(len(one.sums) for one in recipe.recordings)
    same = f"all {channels} channels and measurements hold the same numbers\nthe picture shows the same\n"
    assert (code, words) == (0, same), problem
    assert "training 108 runs" in problem


def test_a_run_of_many_that_cannot_be_trained_is_named(lanes, tmp_path):
    (one,) = find(exported(lanes, tmp_path / "a.svg")).recordings
    gone = replace(one.metadata, optimizer=replace(one.metadata.optimizer, name="nonsense"))
    with pytest.raises(DynvizError, match="run cannot be trained: no optimizer named 'nonsense'"):
        train_together(tmp_path, [replace(one, metadata=gone)], (), SilentProgress())
