"""What is read is checked: one line names the file and the field, and one bad folder hides no other."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import dynviz
from dynviz.animation.export import animate
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.player.run_lines import progress
from dynviz.player.runs import find
from dynviz.plugins import grammar, spec
from dynviz.recording import Recording, channel_reader, checkpoint, layout, open_all
from dynviz.recording import projections as stored
from dynviz.recording.events import parse
from dynviz.sweeps import grid
from dynviz.sweeps.jobs import SweepPlan
from tests import recorded
from tests.waiting import wait_for


def change(folder, path, value):
    file = folder / "run.json"
    tree = json.loads(file.read_text())
    *above, key = path
    holder = tree
    for part in above:
        holder = holder[part]
    holder[key] = value
    file.write_text(json.dumps(tree))


def run(*words):
    done = CliRunner().invoke(commands, list(map(str, words)))
    return done.output + (str(done.exception) if isinstance(done.exception, DynvizError) else "")


@pytest.fixture
def run_of_two(tmp_path):
    folder = tmp_path / "runs" / "two"
    for order, name in enumerate(("good", "bad")):
        recorded.voronoi(folder / name, label=name)
        change(folder / name, ["order"], order)
    return folder


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["views"], [1], r"views\[0\] is 1, not a text"),
        (["steps"], 2**63, r"steps is 9223372036854775808, not a whole number from 0 to"),
        (["steps"], 10**400, "steps is a number of over 300 digits"),
        (["steps"], True, "steps is True"),
        (["channels", "loss", "shape"], [10**30], r"channels\.loss\.shape\[0\] is 1000"),
        (["channels", "loss", "shape"], [2**40, 2**40], r"channels\.loss is larger than any file"),
        (["channels", "loss", "parts"], {"w": {"start": 5, "shape": [9]}}, r"channels\.loss\.parts\.w does not fit"),
        (["channels", "loss", "dims"], ["a", "b"], r"channels\.loss\.dims names 2 dimensions, not 0"),
        (["lanes"], [], "lanes has 0 entries, not 1 to"),
        (["lanes", 0, "seed"], "0", r"lanes\[0\]\.seed is '0'"),
        (["hyperparameters", "lr", "source"], "guessed", r"hyperparameters\.lr\.source is 'guessed', not one of given"),
        (["created"], "yesterday", "created is 'yesterday', not a time like"),
        (["label"], "\ud800", "label is .*not a text of whole characters"),
        (["facts"], {"a": json.loads("[" * 60 + "]" * 60)}, r"facts\.a.* is nested over 50 deep"),
        (["status"], None, "status is None, not one of running"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(tmp_path, path, value, words):
    recording = recorded.voronoi(tmp_path / "r")
    change(recording.folder, path, value)
    with pytest.raises(DynvizError, match=words) as caught:
        Recording(recording.folder)
    assert str(recording.folder / "run.json") in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "line",
    [
        b'{"step": 1, "lane": 0, "kind": "died", "value": %d}' % 10**400,
        b'{"step": 1, "lane": 0, "kind": "died", "value": ' + b"9" * 5000 + b"}",
        b'{"step": -1, "lane": 0, "kind": "died", "value": null}',
        b'{"step": 1, "lane": 70000, "kind": "died", "value": null}',
        b'{"step": 1, "lane": 0, "kind": ["died"], "value": null}',
        b"[" * 100_000,
        b"null",
    ],
)
def test_an_event_of_the_wrong_kind_is_named_by_its_line(line):
    with pytest.raises(DynvizError, match=r"events.jsonl is damaged: line 1 is not an event"):
        parse(line + b"\n", Path("events.jsonl"))


def test_an_event_of_a_lane_that_there_is_not_is_damage(tmp_path):
    recording = recorded.voronoi(tmp_path / "r")
    (recording.folder / "events.jsonl").write_text('{"step": 1, "lane": 7, "kind": "died", "value": null}\n')
    with pytest.raises(DynvizError, match="an event of lane 7, and the recording has lanes 0 to 0"):
        recording.events()


@pytest.mark.parametrize("name", ["../victim", ".", "", "a/b", "001-..", "001-a/../b", 1])
def test_a_job_is_named_as_a_sweep_names_it(tmp_path, name):
    job = {"name": name, "scenario": "surface", "optimizer": "sgd", "lanes": [{"seed": 0, "hyperparameters": {}}]}
    settings = {"steps": None, "device": "auto", "dtype": "", "record": [], "compiled": False}
    tree = {"format": 1, "settings": settings, "files": {}, "jobs": [job]}
    (tmp_path / "sweep.json").write_text(json.dumps(tree))
    if name == "001-..":
        assert SweepPlan.load(tmp_path).jobs[0].name == name
        return
    with pytest.raises(DynvizError, match=r"sweep\.json.* (jobs\[0\]\.name is|job 1 is named)"):
        SweepPlan.load(tmp_path)


def test_a_bad_recording_hides_no_good_one(run_of_two):
    (run_of_two / "bad" / "run.json").write_text('{"format": 1}')
    opened = dynviz.open(run_of_two)
    assert list(opened) == ["good"]
    assert len(opened.problems) == 1
    assert "bad/run.json" in opened.problems[0]
    told = []
    assert [each.label for each in open_all([run_of_two], told.append)] == ["good"]
    assert len(told) == 1
    listed = find(run_of_two.parent)
    assert listed[0].optimizers == ("good",)
    assert "unreadable" in progress(listed[0])
    assert "left out: cannot read" in run("show", run_of_two)
    assert "cannot read" in run("run", "--resume", run_of_two, "--headless")


def test_a_run_of_bad_recordings_alone_is_refused(run_of_two):
    for name in ("good", "bad"):
        (run_of_two / name / "run.json").write_text("")
    with pytest.raises(DynvizError, match=r"run\.json"):
        dynviz.open(run_of_two)


@pytest.mark.parametrize("name", ["run.json", "events.jsonl", "channels/loss.npy", "checkpoints/3.npz"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path, name):
    recording = recorded.voronoi(tmp_path / "r")
    file = recording.folder / name
    file.unlink(missing_ok=True)
    os.mkfifo(file)
    reads = {
        "run.json": lambda: Recording(recording.folder),
        "events.jsonl": recording.events,
        "loss.npy": lambda: recording["loss"],
        "3.npz": lambda: recording.checkpoint(3),
    }
    with pytest.raises(DynvizError, match=f"{file.name}.*not a regular file"):
        reads[file.name]()


def archive(file, method, **members):
    file.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(file, "w", method) as target:
        for name, content in members.items():
            target.writestr(f"{name}.npy", content)


def header(shape):
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def array(values):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(values))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "method", "words"),
    [
        (header("(10**12,)"), zipfile.ZIP_STORED, "malformed"),
        (header("(1000000000000,)"), zipfile.ZIP_STORED, "announces 8000000000000 bytes, and 0 are there"),
        (array(np.zeros(10**6)), zipfile.ZIP_DEFLATED, "compressed"),
        (header("(-1,)"), zipfile.ZIP_STORED, "is not read"),
        (b"nonsense", zipfile.ZIP_STORED, "magic"),
    ],
)
def test_an_archive_is_compared_with_what_it_promises_before_it_is_read(tmp_path, content, method, words):
    archive(tmp_path / "checkpoints" / "3.npz", method, tree=content)
    with pytest.raises(DynvizError, match=f"3.npz is not a checkpoint: .*{words}"):
        checkpoint.load(tmp_path, 3)


def test_a_projection_whose_arrays_do_not_go_together_is_refused(tmp_path):
    about = {"directions": "pca", "at": 1, "seed": 0, "lane": 0, "losses": ["loss"], "paths": ["sgd"]}
    about |= {"lengths": [1.0], "cosine": 0.0, "explained": [1.0], "format": 1}
    path = {f"path0.{name}": array(np.zeros(3)) for name in ("off", "far")}
    path |= {"path0.steps": array(np.arange(3)), "path0.place": array(np.zeros((3, 1)))}
    path |= {f"path0.{name}": array(np.zeros((1, 3))) for name in ("loss", "shadow")}
    text = array(np.frombuffer(json.dumps(about).encode(), np.uint8))
    file = tmp_path / "projections" / "x.npz"
    archive(file, zipfile.ZIP_STORED, about=text, axis0=array(np.zeros(5)), values=array(np.zeros((1, 5))), **path)
    assert stored.load(tmp_path, "x").values.shape == (1, 5)
    archive(file, zipfile.ZIP_STORED, about=text, axis0=array(np.zeros(5)), values=array(np.zeros((1, 4))), **path)
    with pytest.raises(DynvizError, match="its array values has the shape"):
        stored.load(tmp_path, "x")


def test_a_short_channel_that_is_cut_under_a_reader_is_shorter_and_no_signal(tmp_path):
    recording = recorded.voronoi(tmp_path / "r")
    file = recording.folder / "channels" / "loss.npy"
    before = recording["loss"]
    kept = before.copy()
    os.truncate(file, 300)
    np.testing.assert_array_equal(before, kept)
    assert len(recording["loss"]) < len(kept)


CUT = """
import os, sys, threading
from dynviz.animation.drawing import open_film
from dynviz.cells.canvas import CellCanvas
from dynviz.errors import DynvizError
from dynviz.recording import open_all
from pathlib import Path

files = [path for path in Path(sys.argv[1]).glob("*/channels/*.npy") if path.stat().st_size > 1 << 20]
datas = [path.read_bytes() for path in files]
assert len(files) == 2, files
over = False
def cut():
    while not over:
        for file, data in zip(files, datas):
            os.truncate(file, 300)
            with open(file, "r+b") as target:
                target.write(data)
threading.Thread(target=cut).start()
drawn = refused = 0
try:
    while drawn < 200:
        try:
            film = open_film(open_all([sys.argv[1]]), "centers")
            for step in film.steps[::15]:
                CellCanvas(40, 12, "dark").draw(film.scene(int(step)))
                drawn += 1
        except DynvizError as error:
            assert "\\n" not in str(error)
            refused += 1
finally:
    over = True
print(drawn, refused)
"""


def test_channels_that_are_cut_all_the_time_while_they_are_drawn_are_errors_and_no_signal(tmp_path):
    recorded.voronoi(tmp_path / "run/adamw", steps=2000, centers=2048)
    done = subprocess.run([sys.executable, "-c", CUT, tmp_path / "run"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) >= 200


def test_a_long_channel_that_grows_keeps_what_was_read_and_sees_what_is_overwritten(tmp_path, monkeypatch):
    monkeypatch.setattr(channel_reader, "_AGAIN_BYTES", 100)
    file, shape = tmp_path / "x.npy", (2, 5)
    numbers = np.arange(1000.0, dtype="<f4").reshape(100, *shape)

    def write(count):
        with file.open("r+b" if file.exists() else "wb") as target:
            target.write(layout.header("<f4", shape, count) + numbers[:count].tobytes())

    channel = channel_reader.ChannelReader(file, "<f4", shape)
    write(10)
    first = channel.array()
    assert channel.array() is first
    for count in (11, 40, 100):
        write(count)
        array = channel.array()
        np.testing.assert_array_equal(array, numbers[:count])
        assert not array.flags.writeable
    np.testing.assert_array_equal(first, numbers[:10])
    kept = numbers.copy()
    numbers[3] = -1
    write(100)
    np.testing.assert_array_equal(channel.array(), numbers)
    np.testing.assert_array_equal(array, kept)


def test_a_sample_that_is_overwritten_is_seen_in_a_copy_too(tmp_path):
    recording = recorded.voronoi(tmp_path / "r")
    file = recording.folder / "channels" / "loss.npy"
    channel = channel_reader.ChannelReader(file, "<f4", (1,))
    assert channel.array()[0] != 7
    with file.open("r+b") as target:
        target.seek(256)
        target.write(np.float32(7).tobytes())
    os.utime(file, ns=(time.time_ns(), time.time_ns() + 10**9))
    assert channel.array()[0] == 7


@pytest.mark.parametrize(
    "asked",
    [
        {"hold": 1e300},
        {"frames": 10**9},
        {"frames": 10**30},
        {"fps": 1e-300},
        {"size": (10**6, 10**6)},
        {"workers": 10**9},
    ],
)
def test_what_no_machine_can_draw_is_refused_in_words(tmp_path, asked):
    recording = recorded.voronoi(tmp_path / "r")
    with pytest.raises(DynvizError, match=r"cannot be (drawn|held|shown|used)") as caught:
        animate([recording], tmp_path / "x.gif", view="curves", **asked)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text", ["0:10000000000000", "9" * 5000, "0:" + "9" * 5000, "1," * 4])
def test_seeds_are_counted_before_they_are_made(text):
    with pytest.raises(DynvizError, match=r"seeds .* (are more than|are not understood)"):
        grammar.seeds(text)


def test_combinations_are_counted_before_they_are_made():
    each = "linear(0,1,60000)"
    with pytest.raises(DynvizError, match="3,600,000,000 combinations, more than 65,536"):
        grid.choices("optimizers", spec.parse(f"sgd:lr={each},momentum={each}"))
    with pytest.raises(DynvizError, match="from two to 65536 values"):
        grid.choices("optimizers", spec.parse(f"sgd:lr=linear(0,1,{10**9})"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_export_that_is_ended_leaves_nothing_half_written(tmp_path, number):
    recorded.voronoi(tmp_path / "r")
    words = ["export", "r", "out.gif", "--view", "curves", "--frames", "400", "--size", "2800x2000"]
    # Who runs the tests may ignore the signal, as under nohup; then an export would, too.
    begin = f"import signal; signal.signal({number}, signal.SIG_DFL); from dynviz.cli import main; main()"
    process = subprocess.Popen([sys.executable, "-c", begin, *words], cwd=tmp_path, stderr=subprocess.DEVNULL)
    wait_for(lambda: list(tmp_path.glob(".*.part*")) or process.poll() is not None)
    assert process.poll() is None
    process.send_signal(number)
    process.wait(60)
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
