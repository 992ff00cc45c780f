"""Pictures that carry how they were made: found in every format, made again, and never trusted."""

import contextlib
import json
import re
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import dynviz
from dynviz import plugins
from dynviz.animation.export import animate
from dynviz.animation.recipe import KEY, LONGEST
from dynviz.animation.recipe_sums import sizes_of
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.recording import Recording
from dynviz.remaking.found import find
from dynviz.remaking.likeness import PictureDifference, difference
from tests.growing import Growing

FORMATS = sorted(plugins.files("exporters"))
BOWL = Path(__file__).parent / "files" / "bowl.py"
STEPS = 40


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "two"
    return dynviz.run("surface:f=rosenbrock", ["adamw", "sgd:lr=1e-3"], steps=STEPS, seeds="0:2", out=out)


@pytest.fixture(scope="module")
def gif(run, tmp_path_factory):
    file = tmp_path_factory.mktemp("pictures") / "path.gif"
    return animate(list(run.values()), file, frames=4, size=(320, 240), title="Mine & <yours>", theme="dark")


def picture(run, file, **request):
    motion = {} if file.suffix in (".png", ".svg", ".pdf") else {"frames": 3}
    return animate(list(run.values()), file, size=(320, 240), **motion, **request)


def replay(*arguments):
    done = CliRunner().invoke(commands, ["replay", *map(str, arguments)])
    problem = f"{done.exception}\n" if isinstance(done.exception, DynvizError) else done.stderr
    return done.exit_code, done.stdout, problem


def with_line(tmp_path, change):
    """A file with the recipe of a small picture, after a change to its tree."""
    recording = dynviz.run("surface:f=booth", "sgd:lr=0.01", steps=5, out=tmp_path / "small")["sgd"]
    png = animate([recording], tmp_path / "small.png", size=(160, 120))
    with Image.open(png) as opened:
        tree = json.loads(opened.text["Comment"].splitlines()[-1])
    shutil.rmtree(tmp_path / "small")
    file = tmp_path / "changed.png"
    file.write_text("a comment\n" + json.dumps(change(tree) or tree))
    return file


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_picture_of_any_format_carries_its_recipe(run, tmp_path, suffix):
    labels = {"adamw": "ours (the \\ best) & <b>"}
    recipe = find(picture(run, tmp_path / f"a.{suffix}", labels=labels, caption="ä — ?>"))
    assert [one.metadata.label for one in recipe.recordings] == ["adamw", "sgd"]
    assert [lane.seed for lane in recipe.recordings[0].metadata.lanes] == [0, 1]
    assert (recipe.picture.size, recipe.picture.caption) == ((320, 240), "ä — ?>")
    assert dict(recipe.picture.labels) == labels


def test_a_recipe_in_a_png_is_compressed_and_found_before_it_was(run, tmp_path):
    file = picture(run, tmp_path / "a.png")
    line = find(file).line()
    assert line.encode() not in file.read_bytes()
    with Image.open(file) as opened:
        opened.load()
        assert opened.text["Comment"].endswith(line)
        info = PngInfo()
        info.add_itxt("Comment", opened.text["Comment"])
        opened.save(tmp_path / "older.png", pnginfo=info)
    assert find(tmp_path / "older.png").line() == line
    # A comment that is damaged, or that grows without end, is none.
    for text in (b"\0\1\2", zlib.compress(b"a" * (1 << 24))):
        chunk = b"iTXtComment\0\1\0\0\0" + text
        parts = (len(chunk) - 4).to_bytes(4, "big"), chunk, zlib.crc32(chunk).to_bytes(4, "big")
        (tmp_path / "hostile.png").write_bytes(file.read_bytes()[:8] + b"".join(parts))
        with pytest.raises(DynvizError, match="does not say how it was made"):
            find(tmp_path / "hostile.png")


def test_a_picture_is_made_again_and_compared(gif, run, tmp_path):
    code, words, _ = replay(gif, "--out", tmp_path / "again")
    assert (code, words.splitlines()) == (
        0,
        [
            "all 6 channels and measurements hold the same numbers",
            "the picture shows the same",
            str(tmp_path / "again"),
        ],
    )
    assert (tmp_path / "again/path.gif").read_bytes() == gif.read_bytes()
    for label, recording in run.items():
        again = Recording(tmp_path / "again/two" / label)
        assert all(np.array_equal(recording[name], again[name], equal_nan=True) for name in recording.channels)
    code, _, problem = replay(gif, "--out", tmp_path / "again")
    assert (code, "exists; name another folder" in problem) == (1, True)


def test_lanes_changes_and_options_come_again(tmp_path):
    changes = tmp_path / "changes.jsonl"
    changes.write_text('{"step": 10, "name": "lr", "new": 0.001}\n')
    known = {"steps": STEPS, "seeds": "0:3", "record": "lr:every=1", "changes": changes}
    run = dynviz.run("surface:f=rosenbrock", "adam+sam:lr=0.01", **known, out=tmp_path / "run")
    chosen = dynviz.open(f"{tmp_path}/run/adam+sam@2,0")
    request = {"view": "curves", "panel": "loss", "steps": (5, 30), "frames": 4, "pace": "steps", "fps": 5.0}
    file = animate([chosen], tmp_path / "a.png", **request | {"fps": None}, exporter="png:columns=2")
    assert list(run) == ["adam+sam"]
    assert replay(file, "--check")[:2] == (
        0,
        "all 4 channels and measurements hold the same numbers\nthe picture shows the same\n",
    )
    assert {path.name for path in tmp_path.iterdir()} == {"changes.jsonl", "run", "a.png"}


def test_other_numbers_and_other_pictures_are_told(gif, tmp_path):
    other = tmp_path / "path.gif"
    data = bytearray(gif.read_bytes())
    at = data.index(b'"crc":') + 6
    data[at] = ord("1") if data[at] != ord("1") else ord("2")
    other.write_bytes(bytes(data))
    code, words, _ = replay(other, "--check")
    assert code == 1
    assert words.startswith("1 of 6 channels hold numbers that differ by less than 1 %: adamw: ")
    assert words.endswith("the picture shows the same\n")


def test_frames_are_compared_as_they_are_decoded(run, tmp_path):
    first, second = (picture(run, tmp_path / f"{at}.gif", steps=(0, at)) for at in (STEPS, 30))
    assert difference(first, first) == PictureDifference()
    told = difference(first, second)
    assert told.words.startswith("3 of 3 frames differ, the first is frame 1; the most by ")
    assert not told.slight
    small = animate(list(run.values()), tmp_path / "small.gif", frames=3, size=(160, 120))
    assert difference(first, small).words == "their sizes differ"
    assert difference(
        picture(run, tmp_path / "two.gif"), animate(list(run.values()), tmp_path / "one.gif", frames=2)
    ).words in (
        "their sizes differ",
        "one ends after 2 frames",
    )
    one, other = (picture(run, tmp_path / f"{name}.svg", caption=name) for name in ("one", "other"))
    assert difference(one, other) == PictureDifference("what is drawn differs", slight=False)
    (tmp_path / "torn.gif").write_bytes(first.read_bytes()[:900])
    with pytest.raises(DynvizError, match="cannot be decoded"):
        difference(tmp_path / "torn.gif", second)


@pytest.mark.parametrize(("factor", "told"), [(1.001, "by less than 1 %"), (1.1, "other numbers")])
def test_rounding_of_another_processor_is_told_from_other_numbers(factor, told, tmp_path):
    def rounded(tree):
        held = tree["recordings"][0]["sums"]["loss"]
        held["crc"] ^= 1
        held["sizes"] = [factor * size for size in held["sizes"]]

    file = with_line(tmp_path, rounded)
    # The same picture, drawn with other letters at one place.
    pixels = np.asarray(Image.open(tmp_path / "small.png")).copy()
    pixels[10:12, 20:24] = 99
    info = PngInfo()
    info.add_itxt("Comment", file.read_text())
    Image.fromarray(pixels).save(file, pnginfo=info)
    code, words, _ = replay(file, "--check")
    assert code == 1
    numbers, frames = words.splitlines()
    assert re.fullmatch(rf"1 of 3 channels hold [\w %]*{told}: sgd: loss", numbers)
    assert re.fullmatch(r"1 of 1 frames differ, the first is frame 1; the most by \d+ dB", frames)
    assert replay(file, "--check", "--alike")[0] == (0 if factor < 1.01 else 1)
    assert replay(file, "--alike")[0] == 2


def test_means_of_what_diverges_are_finite():
    assert sizes_of([np.array([1.0, -3.0, np.nan, np.inf]), np.full(9, 1.7e308), np.array([True])]) == (2.0, 0.0)
    assert sizes_of([np.array([3, -5], "i4"), np.empty((0, 2))]) == (4.0,)
    signalling = np.array([0x7F800001, 0x40000000], "u4").view("f4")
    assert sizes_of([signalling]) == (2.0,)


def test_shapes_that_are_a_little_apart_look_alike(tmp_path):
    one, other, far = tmp_path / "a.svg", tmp_path / "b.svg", tmp_path / "c.svg"
    one.write_text('<svg><path d="M1 200.5L3.25 7"/></svg>')
    other.write_text('<svg><path d="M1 200.75L3.5 7"/></svg>')
    far.write_text('<svg><path d="M1 90.75L3.5 7"/></svg>')
    assert difference(one, other) == PictureDifference("what is drawn differs", slight=True)
    assert difference(one, far) == PictureDifference("what is drawn differs", slight=False)


def test_code_of_the_users_own_runs_only_if_it_is_trusted_and_unchanged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(BOWL, "bowl.py")
    run = dynviz.run("./bowl.py", "sgd:lr=0.01", steps=10, out="run")
    file = animate(list(run.values()), "a.png", view="curves", size=(320, 240))
    assert str(tmp_path) not in file.read_bytes().decode("latin-1")
    code, _, problem = replay(file, "--check")
    assert code == 1
    assert "is not part of dynviz and is not run again without your consent" in problem
    assert replay(file, "--check", "--trust", "bowl.py")[0] == 0
    (tmp_path / "bowl.py").write_text(BOWL.read_text() + "\n")
    code, _, problem = replay(file, "--check", "--trust", "bowl.py")
    assert (code, "has changed" in problem) == (1, True)
    assert {path.name for path in tmp_path.iterdir() if path.suffix != ".pyc"} >= {"a.png", "bowl.py", "run"}
    assert not Path("a-replay").exists()


def test_a_view_of_the_users_own_is_code_too(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(plugins.files("views")["curves"], "mine.py")
    file = picture(run, tmp_path / "a.png", view="./mine.py")
    assert replay(file, "--check")[0] == 1
    assert replay(file, "--check", "--trust", "mine.py")[:2] == (
        0,
        "all 6 channels and measurements hold the same numbers\nthe picture shows the same\n",
    )


def test_what_cannot_be_made_again_says_why(run, tmp_path):
    dynviz.run("surface:f=booth", "sgd:lr=0.01", steps=10, out=tmp_path / "parent")
    fork = dynviz.fork(tmp_path / "parent", at=5, lr=0.02, out=tmp_path / "fork")
    shutil.rmtree(tmp_path / "parent")
    file = animate(list(fork.values()), tmp_path / "fork.png", size=(320, 240))
    gone = replay(file)[2].strip()
    assert gone.startswith(f"{file}: it cannot be made again: it shows a fork whose parent cannot be read: ")
    with Image.open(file) as opened:
        opened.save(tmp_path / "bare.png")
    for name, content in (("bare.png", None), ("text.gif", b"GIF89a"), ("empty.mp4", b""), ("big.svg", b"{" * 99)):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        _, _, problem = replay(tmp_path / name)
        assert "does not say how it was made" in problem
        assert len(problem.splitlines()) == 1
    assert "no file" in replay(tmp_path / "none.gif")[2].lower() or "cannot read" in replay(tmp_path / "none.gif")[2]


def endless(deep):
    """A fork of a fork of a fork."""
    return {"step": 1, "lanes": [0], "parent": {"folder": "a", "fork": endless(deep - 1) if deep else None}}


def hostile(path, value):
    def change(tree):
        inside = tree
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("recordings", 0, "folder"), ".."),
        (("recordings", 0, "folder"), "../out"),
        (("recordings", 0, "folder"), "/tmp/out"),
        (("recordings", 0, "folder"), "a\x1b[2J"),
        (("recordings", 0, "measured"), [{"kind": "projection", "name": "../a", "asked": {}, "goals": [], "crc": 0}]),
        (("recordings", 0, "measured"), [{"kind": "guess", "name": "a", "asked": {}, "goals": [], "crc": 0}]),
        (("recordings", 0, "fork"), {"parent": {}, "step": 1, "lanes": [0]}),
        (("recordings", 0, "fork"), endless(9)),
        (("recordings", 0, "fork"), {"parent": {}, "step": 1, "lanes": [0], "changes": {"steps": "x"}}),
        (("others",), [{}]),
        (("recordings", 0, "metadata", "label"), "../../out"),
        (("recordings", 0, "metadata", "steps"), 10**400),
        (("recordings", 0, "metadata", "lanes"), []),
        (("recordings", 0, "chosen"), [-1]),
        (("recordings", 0, "sums"), {"loss": {"samples": -1, "crc": 0}}),
        (("recordings",), []),
        (("picture", "size"), [10**9, 10**9]),
        (("picture", "theme"), "/etc/passwd"),
        (("picture", "suffix"), "/../../a.png"),
        (("picture", "more"), 1),
        ((KEY,), 3),
        ((KEY,), "1"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(path, value, tmp_path):
    file = with_line(tmp_path, hostile(path, value))
    code, _, problem = replay(file, "--check")
    assert code == 1
    assert len(problem.splitlines()) == 1
    assert "\x1b" not in problem
    assert {one.name for one in tmp_path.iterdir()} == {"small.png", "changed.png"}


def test_what_is_nested_too_deeply_is_no_recipe(tmp_path):
    file = tmp_path / "a.png"
    for text in (f'{{"{KEY}":' + "[" * 100_000, f'{{"{KEY}":NaN}}', f'{{"{KEY}":1,"a":"{"a" * LONGEST}"}}'):
        file.write_text(text)
        with pytest.raises(DynvizError, match="does not say how it was made"):
            find(file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.data())
def test_damaged_pictures_are_read_or_refused(gif, tmp_path, data):
    whole = bytearray(gif.read_bytes()[:4000])
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=8)):
        whole[at] = data.draw(st.integers(0, 255))
    file = tmp_path / "damaged.gif"
    file.write_bytes(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    with contextlib.suppress(DynvizError):
        find(file)


# What was measured around parameters, and forks


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A run of two networks, with a plane through one that leads to others, one of random directions, and sharpness."""
    root = tmp_path_factory.mktemp("measured")
    known = {"steps": 6, "record": "parameters:every=2", "seeds": "0:2"}
    task = "matrix-sensing:d=6,batch=3"
    run = dynviz.run(task, "sgd:lr=1e-4", out=root / "one", **known)
    goals = dynviz.run(task, ["adam", "sgd:lr=1e-5"], out=root / "goals", **known)
    folder = str(run["sgd"].folder)
    asked = (
        ["project", folder, "--grid", "5", "--seed", "3", "--directions", "gaussian", "--at", "4", "--name", "plane"],
        ["project", folder, "--grid", "5", "--line", "--lane", "1"],
        ["project", folder, "--grid", "4", *(f"--to={one.folder}" for one in goals.values()), "--name", "between"],
        ["sharpness", folder, "--samples", "3", "--ways", "2", "--radii", "3"],
    )
    for one in asked:
        done = CliRunner().invoke(commands, one, catch_exceptions=False)
        assert done.exit_code == 0, done.stderr
    return root, run


def test_a_picture_of_a_projection_is_made_again(measured, tmp_path):
    root, run = measured
    folder = run["sgd"].folder
    for place, (view, lanes, count) in enumerate(
        (
            ("landscape:projection=plane", "", 0),
            ("landscape:projection=between", "", 2),
            ("line", "@1", 0),
            ("sharpness", "@0", 0),
        )
    ):
        file = animate([dynviz.open(f"{folder}{lanes}")], tmp_path / f"{place}.png", view=view, size=(320, 240))
        recipe = find(file)
        assert (len(recipe.recordings[0].measured), len(recipe.others)) == (1, count)
        assert str(root) not in recipe.line()
        channels = len(run["sgd"].channels) + 1
        code, words, problem = replay(file, "--check")
        same = f"all {channels} channels and measurements hold the same numbers\nthe picture shows the same\n"
        assert (code, words) == (0, same), problem


def test_a_page_names_what_its_other_views_show(measured, tmp_path, monkeypatch):
    _, run = measured
    suggestion = ["curves", "landscape:projection=plane", "landscape:projection=gone"]
    monkeypatch.setattr("dynviz.animation.page_views.suggested", lambda _: suggestion)
    for content, names in (("view", []), ("views", ["plane"])):
        file = animate(
            [run["sgd"]], tmp_path / f"{content}.html", view="curves", frames=2, exporter=f"html:content={content}"
        )
        assert [one.name for one in find(file).recordings[0].measured] == names


def test_a_measurement_that_does_not_say_how_it_was_made_is_named(measured, tmp_path):
    from dynviz.recording import projections

    _, run = measured
    folder = run["sgd"].folder
    about, arrays = projections.read(folder, projections.newest(folder, "plane"))
    projections.write(folder, "older", {**about, "asked": {}}, arrays)
    file = animate([run["sgd"]], tmp_path / "a.png", view="landscape:projection=older", size=(320, 240))
    (folder / "projections" / "older.npz").unlink()
    assert "it shows older, which does not say how it was measured" in replay(file)[2]


@pytest.mark.parametrize(
    ("lanes", "changes"),
    [
        ("", {}),
        ("@1", {"lr": "log(1e-4,1e-3,2)", "steps": 30, "state": "reset"}),
        ("", {"optimizer": "adam+sam:lr=0.002", "schedule": "restart"}),
    ],
)
def test_a_picture_of_a_fork_is_made_again(tmp_path, lanes, changes):
    parent = dynviz.run("surface:f=rosenbrock", "sgd:lr=1e-3", steps=20, seeds="0:2", out=tmp_path / "parent")["sgd"]
    child = dynviz.fork(f"{parent.folder}{lanes}", at=8, out=tmp_path / "child", **changes)
    shown = [parent, *child.values()]
    if not changes:
        shown += dynviz.fork(tmp_path / "child", at=12, momentum=0.5, out=tmp_path / "again").values()
    file = animate(shown, tmp_path / "a.png", view="curves", size=(480, 360))
    code, words, problem = replay(file, "--check")
    assert (code, words.splitlines()[-1:]) == (0, ["the picture shows the same"]), problem


def test_what_several_pictures_show_is_trained_once(measured, tmp_path):
    _, run = measured
    folder = run["sgd"].folder
    child = dynviz.fork(folder.parent, at=2, lr=2e-4, out=tmp_path / "child")
    shown = {
        "a.png": ("curves", [run["sgd"]]),
        "b.svg": ("line", [dynviz.open(f"{folder}@1")]),
        "c.png": ("landscape:projection=plane", [run["sgd"]]),
        "d.png": ("curves", [run["sgd"], *child.values()]),
    }
    for name, (view, recordings) in shown.items():
        animate(recordings, tmp_path / name, view=view, size=(320, 240))
    code, words, problem = replay("--check", *(tmp_path / name for name in shown))
    assert (code, words.splitlines()[-1]) == (0, "4 of 4 pictures come out the same"), words + problem
    # The run, and its fork.
    assert len(re.findall("writes up to", problem)) == 2


@pytest.mark.parametrize("rule", ["./evil.py", "{evil}", "evil.Rule", "adam+./evil.py"])
def test_a_recipe_runs_no_code_of_its_own_choice(rule, tmp_path):
    """A fork names its optimizer, which nobody is asked about."""
    evil = tmp_path / "evil.py"
    evil.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Rule: ...\n")
    dynviz.run("surface:f=booth", "sgd:lr=0.01", steps=10, out=tmp_path / "parent")
    child = dynviz.fork(tmp_path / "parent", at=5, out=tmp_path / "child", optimizer="adam:lr=0.01")
    file = animate(list(child.values()), tmp_path / "a.svg", size=(160, 120))
    text = file.read_text()
    assert '"optimizer":"adam:lr=0.01"' in text
    file.write_text(text.replace('"optimizer":"adam:lr=0.01"', json.dumps({"optimizer": rule.format(evil=evil)})[1:-1]))
    code, _, problem = replay(file, "--check")
    assert code == 1, problem
    assert not (tmp_path / "ran").exists()


def test_runs_whose_folders_share_a_name_are_told_apart(tmp_path):
    shown = []
    for folder, seeds in (("run", "0:2"), ("other/run", "7")):
        shown += dynviz.run("surface:f=booth", "sgd:lr=0.01", steps=8, seeds=seeds, out=tmp_path / folder).values()
    file = animate(shown, tmp_path / "a.png", view="curves", size=(320, 240))
    assert [one.folder for one in find(file).recordings] == ["run", "run-2"]
    code, words, problem = replay(file, "--check")
    assert (code, words.splitlines()[-1:]) == (0, ["the picture shows the same"]), problem


def test_a_run_that_had_not_finished_cannot_be_made_again(tmp_path):
    growing = Growing(tmp_path / "run" / "sgd")
    growing.grow(20)
    file = animate([Recording(growing.folder)], tmp_path / "a.png", view="curves", size=(160, 120))
    growing.finish()
    assert "it shows a run that had not finished, sgd" in replay(file)[2]


@pytest.mark.parametrize(
    "asked", [{"grid": "5"}, {"grid": -5}, {"extra": 1}, {"losses": [1]}, {"batches": 10**6}, {"lane": -1}]
)
def test_what_a_measurement_asks_for_is_checked_before_anything_is_trained(measured, asked, tmp_path):
    _, run = measured
    file = animate([run["sgd"]], tmp_path / "a.svg", view="landscape:projection=plane", size=(160, 120))
    line = file.read_text()
    begin = line.index('"asked":{')
    file.write_text(line[:begin] + json.dumps({"asked": asked})[1:-1] + line[line.index("}", begin) + 1 :])
    code, _, problem = replay(file, "--out", tmp_path / "out")
    assert (code, "what plane was asked for" in problem) == (1, True), problem
    assert not (tmp_path / "out").exists()


def test_convolutions_are_computed_again_with_as_many_threads(tmp_path):
    run = dynviz.run("landscape:model=cnn,data=shapes", "sgd", steps=1, out=tmp_path / "run")
    file = animate(list(run.values()), tmp_path / "a.png", view="curves", size=(320, 240))
    assert replay(file, "--check")[0] == 0
