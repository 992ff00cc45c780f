"""Events, checkpoints, runs, and what importing costs."""

import io
import math
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dynviz.recording
from dynviz.animation import export
from dynviz.errors import DynvizError
from dynviz.recording import Event, Recording, Run, Writer
from dynviz.recording.events import parse
from dynviz.recording.metadata import ChannelInfo, Lane, Metadata, Named


def describe(label="sgd", order=0):
    channels = {"loss": ChannelInfo(1, "<f4")}
    return Metadata(Named("bowl"), Named(label), label, order, {}, (), (Lane(0),), 10, channels)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run" / "sgd"


def test_opening_a_recording_imports_nothing_heavy(folder):
    Writer.create(folder, describe()).close()
    code = (
        "import sys; from dynviz.recording import open; r = open(sys.argv[1]); r['loss'], r.status, r.events()\n"
        "print(*{'torch', 'matplotlib', 'rich', 'click', 'PIL', 'imageio', 'textual', 'zipfile'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(folder)]
    root = Path(__file__).parents[1]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert ran.stdout == "\n"


def test_events_come_back_in_order_and_are_seen_as_they_are_written(folder):
    events = [Event(3, 0, "died", 2.0), Event(1, 0, "grew", None), Event(10, 0, 'öl "\n', -0.5)]
    with Writer.create(folder, describe()) as writer:
        recording = Recording(folder)
        for count, event in enumerate(events):
            assert recording.events() == tuple(events[:count])
            writer.event(event.step, event.lane, event.kind, event.value)
        assert recording.events() == tuple(events)
        assert recording.events() is recording.events()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_event_with_a_value_that_is_not_finite_is_written_as_null(folder, value):
    with Writer.create(folder, describe()) as writer:
        writer.event(5, 0, "diverged", value)
    text = (folder / "events.jsonl").read_text()
    assert text == '{"step": 5, "lane": 0, "kind": "diverged", "value": null}\n'
    assert Recording(folder).events() == (Event(5, 0, "diverged", None),)


@given(st.integers(0, 200))
def test_a_torn_last_line_is_ignored_wherever_it_is_torn(length):
    lines = [Event(step, 0, "died", step / 3).line() for step in range(3)]
    data = b"".join(lines)[:length]
    whole = sum(length >= len(b"".join(lines[: count + 1])) for count in range(3))
    assert parse(data, Path("events.jsonl")) == tuple(Event(step, 0, "died", step / 3) for step in range(whole))


@pytest.mark.parametrize("torn", [b'{"st', b'{"step": 99, "lane": 0, "kind": "a long word that is torn", "va'])
def test_a_writer_goes_on_over_a_torn_last_line(folder, torn):
    with Writer.create(folder, describe()) as writer:
        writer.event(1, 0, "died")
    with (folder / "events.jsonl").open("ab") as file:
        file.write(torn)
    assert Recording(folder).events() == (Event(1, 0, "died"),)
    with Writer.resume(folder) as writer:
        writer.event(2, 0, "x")
        assert Recording(folder).events() == (Event(1, 0, "died"), Event(2, 0, "x"))
        writer.event(3, 0, "grew")
    assert Recording(folder).events() == (Event(1, 0, "died"), Event(2, 0, "x"), Event(3, 0, "grew"))


def test_dropping_events_keeps_those_up_to_a_step_and_new_ones_follow(folder):
    with Writer.create(folder, describe()) as writer:
        for step in (1, 5, 3, 6, 9):
            writer.event(step, 0, "died", step)
        recording = Recording(folder)
        assert len(recording.events()) == 5
        writer.drop_events(after=5)
        assert [event.step for event in recording.events()] == [1, 5, 3]
        writer.event(7, 0, "grew")
        assert [event.step for event in recording.events()] == [1, 5, 3, 7]
        writer.drop_events(after=-1)
        assert recording.events() == ()
    assert not list(folder.glob("*.new"))


@pytest.mark.parametrize(
    "line",
    [b"what?", b"[]", b"{}", b"3", b"", b"\xff", b'{"step": "3", "lane": 0, "kind": "x", "value": 1}', b"[" * 9999],
)
def test_a_line_that_is_no_event_is_an_error_that_names_it(folder, line):
    with Writer.create(folder, describe()) as writer:
        writer.event(1, 0, "died")
    with (folder / "events.jsonl").open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(DynvizError, match=r"events\.jsonl is damaged: line 2 is not an event"):
        Recording(folder).events()


ARRAYS = {
    "theta/w": np.arange(6.0).reshape(2, 3),
    "file": np.float64(3),
    "allow_pickle": np.zeros((0, 3), np.int64),
    "a.npy": np.asfortranarray(np.ones((3, 2))),
    "arr_0": np.array([True, False]),
}


def test_a_checkpoint_comes_back_with_any_names_and_types(folder):
    with Writer.create(folder, describe()) as writer:
        writer.checkpoint(100, ARRAYS)
        writer.checkpoint(0, {})
        writer.checkpoint(20, {"x": np.ones(3)})
        writer.checkpoint(20, {"x": np.zeros(3)})
        assert writer.checkpoints() == (0, 20, 100)
        found = writer.load_checkpoint(100)
        assert found.keys() == ARRAYS.keys()
        for name, array in ARRAYS.items():
            assert found[name].dtype == array.dtype
            assert np.array_equal(found[name], array)
        assert np.array_equal(writer.load_checkpoint(20)["x"], np.zeros(3))
    (folder / "checkpoints/7.npz.new").write_bytes(b"half of it")
    (folder / "checkpoints/notes.txt").write_text("mine")
    recording = Recording(folder)
    assert recording.checkpoints() == (0, 20, 100)
    assert np.array_equal(recording.checkpoint(100)["theta/w"], ARRAYS["theta/w"])
    with np.load(folder / "checkpoints/100.npz", allow_pickle=False) as plain:
        assert np.array_equal(plain["theta/w"], ARRAYS["theta/w"])


def test_the_same_arrays_make_the_same_bytes(folder):
    with Writer.create(folder, describe()) as writer:
        writer.checkpoint(1, ARRAYS)
        writer.checkpoint(2, ARRAYS)
    assert (folder / "checkpoints/1.npz").read_bytes() == (folder / "checkpoints/2.npz").read_bytes()


def test_a_checkpoint_that_is_not_there_is_an_error_that_says_which_are(folder):
    with Writer.create(folder, describe()) as writer:
        with pytest.raises(DynvizError, match=r"no checkpoint at step 5 in .*: there is none"):
            writer.load_checkpoint(5)
        writer.checkpoint(3, {})
    with pytest.raises(DynvizError, match=r"no checkpoint at step 5 in .*: there are checkpoints at 3"):
        Recording(folder).checkpoint(5)


class Trap:
    """Unpickling it runs code."""

    ran = False

    @staticmethod
    def spring():
        Trap.ran = True

    def __reduce__(self):
        return Trap.spring, ()


def archive(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


def object_array():
    out = io.BytesIO()
    np.save(out, np.array([Trap()], dtype=object), allow_pickle=True)
    return out.getvalue()


def test_loading_never_executes_code(folder):
    with Writer.create(folder, describe()) as writer:
        writer.checkpoint(1, {"x": np.arange(3)})
        assert writer.checkpoints() == (1,)
        whole = (folder / "checkpoints/1.npz").read_bytes()
        contents = {
            "an object array": archive({"x.npy": object_array()}),
            "a pickle in the archive": archive({"x.npy": pickle.dumps(Trap())}),
            "a pickle": pickle.dumps(Trap()),
            "an array": object_array(),
            "nothing": b"",
            "half of it": whole[: len(whole) // 2],
            "a flipped byte": whole[:150] + bytes([whole[150] ^ 255]) + whole[151:],
        }
        for name, content in contents.items():
            (folder / "checkpoints/1.npz").write_bytes(content)
            with pytest.raises(DynvizError, match=r"1\.npz is not a checkpoint") as caught:
                writer.load_checkpoint(1)
            assert "\n" not in str(caught.value), name
        with pytest.raises(ValueError, match="allow_pickle"):
            writer.checkpoint(2, {"x": np.array([Trap()], dtype=object)})
        assert writer.checkpoints() == (1,)
    (folder / "channels/loss.npy").write_bytes(object_array())
    with pytest.raises(DynvizError, match="is damaged"):
        Recording(folder)["loss"]
    assert not Trap.ran
    pickle.loads(pickle.dumps(Trap()))
    assert Trap.ran


def test_a_run_holds_its_recordings_in_order_by_label(tmp_path):
    for order, label in enumerate(("sgd", "adamw", "adam")):
        Writer.create(tmp_path / label, describe(label, order)).close()
    (tmp_path / "notes").mkdir()
    (tmp_path / "half-made/channels").mkdir(parents=True)
    run = dynviz.recording.open(tmp_path)
    assert isinstance(run, Run)
    assert list(run) == ["sgd", "adamw", "adam"]
    assert len(run) == 3
    assert run["adamw"] is run.recordings[1]
    assert run["adamw"].folder == tmp_path / "adamw"
    assert dict(run.items()) == dict(zip(run, run.recordings, strict=True))
    assert "adamw" in run
    assert "adamww" not in run
    assert run.get("nothing") is None
    with pytest.raises(DynvizError, match="no recording named 'adamww'; did you mean 'adamw'"):
        run["adamww"]
    assert repr(run) == f"<Run {tmp_path.name}: sgd, adamw, adam>"


def test_a_copy_of_a_recording_is_found_by_its_folder(tmp_path):
    Writer.create(tmp_path / "sgd", describe()).close()
    Writer.create(tmp_path / "sgd-before", describe()).close()
    run = Run(tmp_path)
    assert list(run) == ["sgd", "sgd-before"]
    assert run["sgd-before"].folder == tmp_path / "sgd-before"


def test_open_tells_a_run_from_a_recording_and_refuses_the_rest(tmp_path):
    Writer.create(tmp_path / "run/sgd", describe()).close()
    assert isinstance(dynviz.recording.open(str(tmp_path / "run")), Run)
    assert isinstance(dynviz.recording.open(str(tmp_path / "run/sgd")), Recording)
    with pytest.raises(DynvizError, match="is neither a run nor a recording"):
        dynviz.recording.open(tmp_path / "run/sgd/channels")
    with pytest.raises(DynvizError, match="there is no folder"):
        dynviz.recording.open(tmp_path / "nothing")
    with pytest.raises(DynvizError, match="is a file: give the folder"):
        dynviz.recording.open(tmp_path / "run/sgd/channels/loss.npy")
    (tmp_path / "run/sgd/run.json").write_text("?")
    for place in ("run", "run/sgd"):
        with pytest.raises(DynvizError, match=r"cannot read .*run\.json: it is not JSON"):
            dynviz.recording.open(tmp_path / place)


def test_animate_hands_recordings_and_options_on(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(
        export, "animate", lambda recordings, target, **options: calls.append((recordings, target, options))
    )
    Writer.create(tmp_path / "sgd", describe()).close()
    run = dynviz.open(tmp_path)
    run.animate("out.gif", fps=5)
    run["sgd"].animate("sgd.gif")
    handed = [(recordings, target, options["fps"]) for recordings, target, options in calls]
    assert handed == [([run["sgd"]], "out.gif", 5), ([run["sgd"]], "sgd.gif", None)]
