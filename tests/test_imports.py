"""Logs of other programs, written by those, and logs that are torn, damaged or hostile.

tests/files/logs was written by torch.utils.tensorboard, by tensorboard.summary.Writer and by wandb 0.31.0 without a
network; their values are those of the formulas below.
"""

import contextlib
import math
import random
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import dynviz
from dynviz.animation.drawing import open_film
from dynviz.animation.export import animate
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.imports import tensorboard, wandb
from dynviz.imports.foreign import ForeignRun
from dynviz.imports.launch import import_runs, read
from dynviz.imports.regular import RegularSamples
from dynviz.recording.checking import check
from dynviz.scene.marks import Line
from dynviz.tapes.still import screen_svg

LOGS = Path(__file__).parent / "files" / "logs"
EVENTS = LOGS / "tensorboard/events.out.tfevents.1.host.0"
HISTORY = LOGS / "wandb/run-toy.wandb"


def varint(value):
    data = b""
    while True:
        value, low = value >> 7, value & 0x7F
        data += bytes([low | (0x80 if value else 0)])
        if not value:
            return data


def message(*fields):
    """A message of (number, value), with whole numbers, floats, text, or messages as values."""
    data = b""
    for number, value in fields:
        if isinstance(value, int):
            data += varint(number << 3) + varint(value & (1 << 64) - 1)
        elif isinstance(value, float):
            data += varint(number << 3 | 1) + struct.pack("<d", value)
        else:
            content = value.encode() if isinstance(value, str) else value
            data += varint(number << 3 | 2) + varint(len(content)) + content
    return data


def checksum(data):
    """CRC-32C bit by bit, masked as TensorFlow does."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def event_file(*events):
    data = b""
    for event in events:
        length = struct.pack("<Q", len(event))
        data += length + struct.pack("<I", checksum(length)) + event + struct.pack("<I", checksum(event))
    return data


def scalar(tag, step, value):
    return message((1, 1.0), (2, step), (5, message((1, message((1, tag), (2, struct_float(value)))))))


class struct_float(bytes):
    """Four bytes of a float."""

    def __new__(cls, value):
        return super().__new__(cls, struct.pack("<f", value))


def wandb_file(*records):
    """The log of some records, written as LevelDB's documentation says."""
    data = bytearray(b":W&B\xe1\xbe\x00")
    for record in records:
        first, rest = True, record
        while first or rest:
            left = 32768 - len(data) % 32768
            if left < 7:
                data += bytes(left)
                left = 32768
            part, rest = rest[: left - 7], rest[left - 7 :]
            kind = (1 if not rest else 2) if first else (4 if not rest else 3)
            data += struct.pack("<IHB", zlib.crc32(bytes([kind]) + part), len(part), kind) + part
            first = False
    return bytes(data)


def row(step, **values):
    items = [(1, message((1, name), (16, value))) for name, value in values.items()]
    return message((1, step), (2, message(*items, (2, message((1, step))))))


def test_event_files_of_tensorboard(tmp_path):
    run = import_runs([LOGS / "tensorboard"], tmp_path / "run")
    assert list(run) == ["tensorboard", "hp", "v2"]
    recording = run["tensorboard"]
    # Accuracy is logged every 10 steps, at 9, 19, ...; one value has steps of its own, and the last is 2402.
    expected = np.array([2.0 * 0.9**step if step != 20 else math.nan for step in range(50)])
    assert np.allclose(recording["loss"][:50, 0], expected, rtol=1e-6, equal_nan=True)
    assert recording.metadata.channels["loss"].title == "Loss/train"
    assert recording.metadata.channels["accuracy.val"].better == "higher"
    assert recording.steps("accuracy.val")[:6].tolist() == [0, 10, 20, 30, 40, 50]
    assert np.allclose(recording["accuracy.val"][1:6, 0], [0.18, 0.38, 0.58, 0.78, 0.98])
    assert recording["irregular"][[761, 1200, 1201], 0].tolist() == [1521.0, 1521.0, 2401.0]
    assert {name: one.value for name, one in run["hp"].metadata.hyperparameters.items()} == {
        "lr": 0.1,
        "name": "adam",
        "nesterov": 1.0,
    }
    assert np.allclose(run["v2"]["loss"][:, 0], 1 / np.arange(1, 6))
    assert run["v2"].total == 5
    assert not check(recording).problems


def test_an_offline_run_of_weights_and_biases(tmp_path):
    (recording,) = import_runs([HISTORY], tmp_path / "run").values()
    assert recording.label == "first-run"
    expected = [3 * 0.99**step if step != 7 else math.nan for step in range(60)]
    assert np.array_equal(recording["loss"][:, 0], expected, equal_nan=True)
    assert recording["val.acc"][:, 0].tolist() == [0, 25 / 300, 50 / 300]
    assert recording.steps("val.acc").tolist() == [0, 25, 50]
    settings = {name: one.value for name, one in recording.metadata.hyperparameters.items()}
    assert settings == {"lr": 0.1, "optimizer": "adam", "nested.decay": 0.5, "nested.names": ("a", "b")}
    assert not check(recording).problems


def test_tables(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/metrics.csv").write_text(
        "epoch,step,train_loss,val_loss,name\n0,49,0.5,,x\n0,49,,0.6,x\n1,99,0.25,,x\n1,99,,inf,x\n"
    )
    (tmp_path / "logs/plain.csv").write_text("\ufeffloss\n3\n2\n1\n")
    (tmp_path / "logs/Loss_train.csv").write_text("Wall time,Step,Value\n1.5,10,4\n2.5,20,2\n")
    run = import_runs([tmp_path / "logs"], tmp_path / "run")
    assert list(run) == ["loss_train", "metrics", "plain"]
    assert run["metrics"]["loss"][:, 0].tolist()[1:] == [0.5, 0.25]
    assert run["metrics"]["val_loss"][:, 0].tolist()[1:] == [0.6, math.inf]
    assert run["metrics"].steps("loss").tolist() == [0, 50, 100]
    assert run["metrics"]["epoch"][:, 0].tolist()[1:] == [0, 1]
    assert run["plain"]["loss"][:, 0].tolist() == [3, 2, 1]
    assert run["loss_train"]["loss"][:, 0].tolist()[1:] == [4, 2]


def test_what_is_imported_is_played_compared_and_exported_again(tmp_path):
    run = import_runs([LOGS / "wandb", LOGS / "tensorboard/v2"], tmp_path / "run")
    assert "first-run" in screen_svg([str(run.folder)], view=None, theme="dark", step=3, size=(100, 30))
    assert animate(list(run.values()), tmp_path / "both.gif", frames=3, size=(320, 240)).stat().st_size > 1000
    done = CliRunner().invoke(commands, ["show", str(run.folder)])
    assert "imported   from Weights & Biases" in done.output
    assert "trained" not in done.output
    table = tmp_path / "all.csv"
    assert CliRunner().invoke(commands, ["export", str(run.folder), str(table)]).exit_code == 0
    again = import_runs([table], tmp_path / "again")
    assert list(again) == ["first-run-lane0", "v2-lane0"]
    assert np.array_equal(again["first-run-lane0"]["loss"], run["first-run"]["loss"], equal_nan=True)
    for attempt in (lambda: dynviz.resume(run.folder, steps=1000), lambda: dynviz.fork(run.folder, at=2)):
        with pytest.raises(DynvizError, match="imported from Weights & Biases"):
            attempt()


@pytest.mark.parametrize(
    ("steps", "every", "samples"),
    [
        ([0, 1, 2], 1, [0, 1, 2]),
        ([1, 2, 3], 1, [math.nan, 1, 2, 3]),
        ([0, 10, 20], 10, [0, 10, 20]),
        ([9, 19, 29], 10, [math.nan, 9, 19, 29]),
        ([7], 7, [math.nan, 7]),
        ([0], 1, [0]),
        ([3, 6, 12], 3, [math.nan, 3, 6, 6, 12]),
        ([2, 2**52], 2**32, [math.nan] + [2] * (2**20 - 1) + [2**52]),
    ],
)
def test_values_at_any_steps_as_regular_samples(steps, every, samples):
    regular = RegularSamples.of({step: float(step) for step in steps})
    assert regular.every == every
    assert np.array_equal(regular.samples(regular.end + (steps == [0, 1, 2])), samples, equal_nan=True)


def test_a_value_that_is_no_longer_logged_ends(tmp_path):
    rows = [f"{step},{1 / (step + 1)},{step / 10 if step <= 10 else ''}" for step in range(101)]
    (tmp_path / "log.csv").write_text("\n".join(["step,loss,warmup", *rows]) + "\n")
    (recording,) = import_runs([tmp_path / "log.csv"], tmp_path / "run").recordings
    assert (len(recording["loss"]), len(recording["warmup"]), recording.recorded) == (101, 11, 101)
    assert not check(recording).problems
    table = recording.to_pandas()
    assert table["warmup"].dropna().tolist() == [step / 10 for step in range(11)]
    (panel,) = (one for one in open_film([recording], "scalars").scene(101).panels if one.title == "warmup")
    curves = [mark for mark in panel.marks if isinstance(mark, Line)]
    assert curves
    assert all(np.max(curve.x) <= 10 for curve in curves)


def test_a_run_that_was_interrupted_has_several_files(tmp_path):
    for name, steps in (("events.out.tfevents.1", range(6)), ("events.out.tfevents.2", range(4, 9))):
        data = event_file(*(scalar("loss", step, float(step + 100 * ("2" in name))) for step in steps))
        (tmp_path / name).write_bytes(data)
    (run,) = read(tmp_path)
    assert list(run.values["loss"].values()) == [0, 1, 2, 3, 104, 105, 106, 107, 108]


def test_what_is_still_written_is_read_up_to_its_end(tmp_path):
    whole = EVENTS.read_bytes()
    (tmp_path / "tfevents").write_bytes(whole[:-3])
    (run,) = read(tmp_path)
    assert len(run.values["Loss/train"]) == 50
    (tmp_path / "tfevents").unlink()
    (tmp_path / "run.wandb").write_bytes(HISTORY.read_bytes()[:15_000])
    (run,) = read(tmp_path)
    assert 30 < len(run.values["train/loss"]) < 60


def test_records_lie_across_blocks_in_every_way(tmp_path):
    draw = random.Random(0)
    for start in (32768 - 7 - size for size in range(40)):
        lengths = [start, *(draw.choice((0, 1, 30, 32_760, 70_000)) for _ in range(6))]
        records = [row(step, loss=str(step), note='"' + "x" * length + '"') for step, length in enumerate(lengths)]
        (tmp_path / "run.wandb").write_bytes(wandb_file(*records))
        (run,) = read(tmp_path)
        assert list(run.values["loss"].items()) == [(step, step) for step in range(7)]


HOSTILE = {
    "events.tfevents": [
        EVENTS.read_bytes()[:200] + b"\x55" + EVENTS.read_bytes()[201:],
        event_file(message((2, 3)), b"\xff\xff\xff"),
        event_file(scalar("loss", -1, 1.0)),
        event_file(scalar("loss", 1 << 60, 1.0)),
        event_file(message((2, 1), (5, message((1, message((1, 3), (2, 4))))))),
        b"\0" * 5000,
        b"x" * 5000,
    ],
    "run.wandb": [
        b"",
        b"x" * 100,
        HISTORY.read_bytes()[:100] + b"\x55" + HISTORY.read_bytes()[101:],
        wandb_file(row(1, loss="1"), b"\xff\xff"),
        wandb_file(row(-5, loss="1")),
        wandb_file()[:7] + struct.pack("<IHB", zlib.crc32(b"\x04"), 0, 4),
        wandb_file(row(1, loss="[" * 100_000)),
    ],
    "table.csv": [
        b"",
        b"step,loss\nx,1\n",
        b"step,loss\n-3,1\n",
        b"step,loss\n0.5,1\n",
        b"step,loss\n1,2,3\n",
        b"step,loss\n1,\xff\xfe\n",
        b"step,name\n1,adam\n",
        b'loss\n"' + b"1" * 2_000_000 + b'"\n',
        b"step,loss\n1,1\0\n",
    ],
    "notes.txt": [b"hello"],
}


@pytest.mark.parametrize(("name", "data"), [(name, data) for name, every in HOSTILE.items() for data in every])
def test_what_cannot_be_read_is_refused_in_one_line(name, data, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DynvizError) as raised:
        import_runs([tmp_path / name], tmp_path / "run")
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_folders_without_logs_and_folders_that_exist(tmp_path):
    (tmp_path / "there").mkdir()
    for source, words in ((tmp_path / "there", "holds no event file"), (tmp_path / "none", "there is no file")):
        with pytest.raises(DynvizError, match=words):
            import_runs([source], tmp_path / "run")
    with pytest.raises(DynvizError, match="exists"):
        import_runs([LOGS], tmp_path / "there")
    # The latest run of wandb is linked a second time.
    shutil.copytree(LOGS / "wandb", tmp_path / "wandb/run-1")
    (tmp_path / "wandb/latest-run").symlink_to("run-1")
    assert len(read(tmp_path / "wandb")) == 1


@given(st.binary(max_size=60), st.integers(0, 20_000), st.sampled_from(["wandb", "tensorboard"]))
def test_bytes_of_any_kind_end_in_values_or_in_one_line(tmp_path_factory, noise, place, program):
    known = HISTORY.read_bytes() if program == "wandb" else EVENTS.read_bytes()
    file = tmp_path_factory.mktemp("noise") / "log"
    file.write_bytes(known[:place] + noise + known[place + len(noise) :])
    reader = wandb if program == "wandb" else tensorboard
    with contextlib.suppress(DynvizError):
        reader.read(file, ForeignRun("run", program))


def test_the_command_says_what_it_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(commands, ["import", str(LOGS / "wandb")])
    assert done.exit_code == 0, done.output
    assert done.stdout == "runs/wandb-1\n"
    assert "first-run: 60 steps of loss, val.acc" in done.stderr
