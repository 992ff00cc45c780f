"""Channels: what is written is read, by dynviz and by plain NumPy, at every moment."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dynviz.animation.drawing import open_film
from dynviz.errors import DynvizError
from dynviz.recording import Recording, Writer, layout
from dynviz.recording.metadata import ChannelInfo, Lane, Metadata, Named, Part
from tests.recorded import record

DTYPES = ["|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u8", "<f2", "<f4", "<f8", ">f4", ">i8", "<c8", "<c16"]


def describe(channels, lanes=1, steps=100):
    seeds = tuple(Lane(seed) for seed in range(lanes))
    return Metadata(Named("bowl"), Named("sgd"), "sgd", 0, {}, (), seeds, steps, channels)


def ramp(first, count, shape=(1,), dtype=np.float32):
    """Samples whose every number is the sample's index."""
    values = np.arange(first, first + count, dtype=dtype).reshape(-1, *(1 for _ in shape))
    return np.ascontiguousarray(np.broadcast_to(values, (count, *shape)))


def open_files():
    return len(list(Path("/dev/fd").iterdir()))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run" / "sgd"


@st.composite
def written(draw):
    """A channel's whole content, and the places where it is cut into blocks."""
    lanes, shape = draw(st.integers(1, 3)), draw(hnp.array_shapes(min_dims=0, max_dims=3, max_side=4))
    count = draw(st.integers(0, 20))
    data = draw(hnp.arrays(draw(st.sampled_from(DTYPES)), (count, lanes, *shape)))
    return data, sorted(draw(st.lists(st.integers(0, count), max_size=5)))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(written())
def test_any_array_in_any_blocks_comes_back_bit_for_bit_at_every_moment(case):
    data, cuts = case
    info = ChannelInfo(1, data.dtype.str, data.shape[2:])
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "r")
        with Writer.create(folder, describe({"x": info}, lanes=data.shape[1])) as writer:
            recording = Recording(folder)
            for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
                writer.write("x", start, data[start:end])
                for found in (recording["x"], np.load(folder / "channels/x.npy", allow_pickle=False)):
                    assert found.dtype == data.dtype
                    assert found.shape == (end, *data.shape[1:])
                    assert found.tobytes() == data[:end].tobytes()
            assert writer.samples("x") == len(data)
        assert Recording(folder)["x"].tobytes() == data.tobytes()


@pytest.mark.parametrize("count", [0, 7, 99, 10**8 - 1, 10**8, 10**15])
def test_numpy_reads_the_header_for_any_count(count, tmp_path):
    head = layout.header("<f4", (3, 50, 2), 12)
    data, offset = layout.count_change(count)
    head = head[:offset] + data + head[offset + len(data) :]
    path = tmp_path / "x.npy"
    path.write_bytes(head)
    with path.open("rb") as file:
        assert np.lib.format.read_magic(file) == (1, 0)
        assert np.lib.format.read_array_header_1_0(file) == ((count, 3, 50, 2), False, np.dtype("<f4"))
        assert file.tell() == layout.HEADER_BYTES == 256


def test_a_count_is_rewritten_by_eight_bytes_at_a_multiple_of_eight():
    for count in (0, 1, 99_999_999):
        data, offset = layout.count_change(count)
        assert (len(data), offset % 8) == (8, 0)


def test_a_shape_that_does_not_fit_the_header_is_refused(folder):
    with pytest.raises(DynvizError, match="dimensions"):
        Writer.create(folder, describe({"x": ChannelInfo(1, "<f4", (1,) * 60)}))
    assert not folder.exists()


def test_an_array_is_read_only_and_what_is_overwritten_is_seen_when_asked_again(folder):
    with Writer.create(folder, describe({"x": ChannelInfo(1, "<f4")})) as writer:
        writer.write("x", 0, ramp(0, 5))
        recording = Recording(folder)
        array = recording["x"]
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.setflags(write=True)
        writer.write("x", 2, ramp(7, 1))
        assert recording["x"][:, 0].tolist() == [0, 1, 7, 3, 4]


def test_a_growing_file_is_seen_longer_and_the_earlier_arrays_stay(folder):
    with Writer.create(folder, describe({"x": ChannelInfo(1, "<f4")})) as writer:
        recording = Recording(folder)
        assert recording["x"].shape == (0, 1)
        arrays = []
        for index in range(50):
            writer.write("x", index, ramp(index, 1))
            arrays.append(recording["x"])
        assert recording["x"] is recording["x"]
    assert all(array[:, 0].tolist() == list(range(index + 1)) for index, array in enumerate(arrays))


def test_mapping_again_and_again_keeps_no_files_open(folder):
    with Writer.create(folder, describe({"x": ChannelInfo(1, "<f4")})) as writer:
        recording = Recording(folder)
        before = open_files()
        for index in range(300):
            writer.write("x", index, ramp(index, 1))
            assert len(recording["x"]) == index + 1
            assert recording.live
        assert open_files() <= before + 1


def test_opening_and_closing_a_writer_keeps_no_files_open(folder):
    Writer.create(folder, describe({"x": ChannelInfo(1, "<f4")})).close()
    before = open_files()
    for _ in range(5):
        with Writer.resume(folder) as writer:
            writer.close()
        with pytest.raises(DynvizError, match="cannot be shortened"):
            Writer.resume(folder, steps=1)
    assert open_files() == before


@pytest.mark.parametrize(
    "block",
    [
        np.zeros((2, 1), np.float64),
        np.zeros((2, 2), np.float32),
        np.zeros((2, 1, 1), np.float32),
        np.zeros(2, np.float32),
    ],
)
def test_a_block_of_another_type_or_shape_is_a_mistake_of_the_caller(folder, block):
    with (
        Writer.create(folder, describe({"x": ChannelInfo(1, "<f4")})) as writer,
        pytest.raises(ValueError, match="the block is"),
    ):
        writer.write("x", 0, block)


def test_a_gap_is_refused_and_writes_nothing(folder):
    with Writer.create(folder, describe({"x": ChannelInfo(1, "<f4")})) as writer:
        writer.write("x", 0, ramp(0, 2))
        for index in (3, -1):
            with pytest.raises(ValueError, match="has 2 samples"):
                writer.write("x", index, ramp(0, 1))
        assert Recording(folder)["x"][:, 0].tolist() == [0, 1]


def test_a_short_write_is_continued_until_all_bytes_are_there(folder, monkeypatch):
    whole = os.pwrite

    def at_most_seven_bytes(fd, data, offset):
        return whole(fd, memoryview(data).cast("B")[:7], offset)

    with Writer.create(folder, describe({"x": ChannelInfo(1, "<f8", (5,))})) as writer:
        with monkeypatch.context() as patch:
            patch.setattr(
                os,
                "pwrite",
                lambda fd, data, offset: (whole if offset < 256 else at_most_seven_bytes)(fd, data, offset),
            )
            writer.write("x", 0, ramp(0, 9, (1, 5), np.float64))
            writer.write("x", 4, -ramp(4, 9, (1, 5), np.float64))
        assert np.load(folder / "channels/x.npy")[:, 0, 3].tolist() == [0, 1, 2, 3, *range(-4, -13, -1)]


def test_a_torn_last_sample_is_ignored_and_written_over(folder):
    info = ChannelInfo(1, "<f8", (3,))
    with Writer.create(folder, describe({"x": info}, lanes=2)) as writer:
        writer.write("x", 0, ramp(0, 3, (2, 3), np.float64))
    path = folder / "channels/x.npy"
    for torn in (1, 8, 47):
        with path.open("ab") as file:
            file.write(b"\xff" * torn)
        assert Recording(folder)["x"].shape == (3, 2, 3)
        assert np.load(path).shape == (3, 2, 3)
        with Writer.resume(folder) as writer:
            assert writer.samples("x") == 3
            writer.write("x", 2, ramp(2, 1, (2, 3), np.float64))
            os.truncate(path, 256 + 3 * 48)


def test_bytes_that_the_header_does_not_count_are_no_samples(folder):
    with Writer.create(folder, describe({"x": ChannelInfo(1, "<f4")})) as writer:
        writer.write("x", 0, ramp(0, 3))
    path = folder / "channels/x.npy"
    with path.open("ab") as file:
        file.write(ramp(3, 2).tobytes())
    assert Recording(folder)["x"][:, 0].tolist() == [0, 1, 2]
    with Writer.resume(folder) as writer:
        assert writer.samples("x") == 3
        writer.write("x", 3, ramp(5, 1))
    assert np.load(path)[:, 0].tolist() == [0, 1, 2, 5]


def test_of_a_truncated_channel_is_read_what_is_there(folder):
    with Writer.create(folder, describe({"x": ChannelInfo(1, "<f4"), "y": ChannelInfo(1, "<f4")})) as writer:
        writer.write("x", 0, ramp(0, 5))
        writer.write("y", 0, ramp(0, 5))
    os.truncate(folder / "channels/x.npy", 256 + 4 * 4 + 3)
    recording = Recording(folder)
    assert recording["x"][:, 0].tolist() == [0, 1, 2, 3]
    assert recording.missing == "x: only 4 of 5 samples are there"
    assert len(recording["y"]) == 5
    with Writer.resume(folder) as writer:
        assert writer.samples("x") == 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is damaged"),
        (b"hello", "is damaged"),
        (layout.header("<f4", (1,))[:200], "is damaged"),
        (layout.header("<f8", (1,)), "is damaged"),
        (layout.header("<f4", (2,)), "is damaged"),
        (layout.header("<f4", (1,)).replace(b"  0,", b" x0,"), "is damaged"),
        (layout.header("<f4", (1,)).replace(b"   0,", b"  -1,"), "is damaged"),
    ],
)
def test_a_file_with_another_header_is_an_error_for_reader_and_writer(folder, content, said):
    Writer.create(folder, describe({"x": ChannelInfo(1, "<f4")})).close()
    (folder / "channels/x.npy").write_bytes(content)
    with pytest.raises(DynvizError, match=said):
        Recording(folder)["x"]
    with pytest.raises(DynvizError, match=said):
        Writer.resume(folder)
    assert not Recording(folder).live


def test_a_missing_file_and_an_unknown_name_are_told_apart(folder):
    Writer.create(folder, describe({"loss": ChannelInfo(1, "<f4")})).close()
    recording = Recording(folder)
    (folder / "channels/loss.npy").unlink()
    with pytest.raises(DynvizError, match=r"cannot read .*loss\.npy: No such file"):
        recording["loss"]
    for ask in (recording.__getitem__, recording.steps, lambda name: recording.at(name, 0)):
        with pytest.raises(DynvizError, match="no channel named 'los'; did you mean 'loss'"):
            ask("los")
    assert "loss" in recording
    assert "los" not in recording
    assert list(recording) == ["loss"] == list(recording.channels)


def test_resuming_overwrites_in_place_and_goes_on(folder):
    with Writer.create(folder, describe({"x": ChannelInfo(1, "<f4")})) as writer:
        writer.write("x", 0, ramp(0, 10))
    before = (folder / "channels/x.npy").stat().st_ino
    with Writer.resume(folder) as writer:
        assert writer.metadata.status == "running"
        writer.write("x", 5, ramp(105, 8))
        assert writer.samples("x") == 13
        writer.write("x", 0, ramp(200, 1))
        assert writer.samples("x") == 13
    assert np.load(folder / "channels/x.npy")[:, 0].tolist() == [200, 1, 2, 3, 4, *range(105, 113)]
    assert (folder / "channels/x.npy").stat().st_ino == before


def test_the_irregular_last_sample_is_cut_when_the_run_gets_longer(folder):
    channels = {
        "irregular": ChannelInfo(100, "<f4"),
        "regular": ChannelInfo(50, "<f4"),
        "unfinished": ChannelInfo(100, "<f4"),
        "constant": ChannelInfo(0, "<f4"),
    }
    with Writer.create(folder, describe(channels, steps=250)) as writer:
        for name, count in (("irregular", 4), ("regular", 6), ("unfinished", 2), ("constant", 1)):
            writer.write(name, 0, ramp(0, count))
        writer.status("finished")
    recording = Recording(folder)
    former = recording["irregular"]
    assert recording.steps("irregular").tolist() == [0, 100, 200, 250]
    with Writer.resume(folder, steps=400) as writer:
        assert [writer.samples(name) for name in channels] == [3, 6, 2, 1]
        assert (writer.metadata.steps, recording.status) == (400, "running")
        assert len(np.load(folder / "channels/irregular.npy")) == len(recording["irregular"]) == 3
        assert former[:, 0].tolist() == [0, 1, 2, 3]
        writer.write("irregular", 3, ramp(33, 2))
    recording.refresh()
    assert recording.total == 400
    assert recording.steps("irregular").tolist() == [0, 100, 200, 300, 400]
    assert np.load(folder / "channels/irregular.npy")[:, 0].tolist() == [0, 1, 2, 33, 34]
    assert not list(folder.rglob("*.new"))


def test_a_reader_that_did_not_look_meanwhile_sees_the_new_sample_where_the_cut_one_was(folder):
    with Writer.create(folder, describe({"x": ChannelInfo(100, "<f4")}, steps=250)) as writer:
        writer.write("x", 0, ramp(0, 4))
    recording = Recording(folder)
    former = recording["x"]
    with Writer.resume(folder, steps=300) as writer:
        writer.write("x", 3, ramp(33, 1))
    assert recording["x"][:, 0].tolist() == [0, 1, 2, 33]
    assert former[:, 0].tolist() == [0, 1, 2, 3]


def test_a_large_channel_is_cut_in_pieces_and_stays_the_same(folder):
    data = np.random.default_rng(0).random((4, 1, 100_000))
    with Writer.create(folder, describe({"x": ChannelInfo(100, "<f8", (100_000,))}, steps=250)) as writer:
        writer.write("x", 0, data)
    with Writer.resume(folder, steps=300):
        assert np.array_equal(np.load(folder / "channels/x.npy"), data[:3])


def test_a_run_is_not_shortened_and_the_same_length_changes_nothing(folder):
    with Writer.create(folder, describe({"x": ChannelInfo(100, "<f4")}, steps=250)) as writer:
        writer.write("x", 0, ramp(0, 4))
    with pytest.raises(DynvizError, match="a run of 250 steps and cannot be shortened to 249: give 250 or more"):
        Writer.resume(folder, steps=249)
    with Writer.resume(folder, steps=250) as writer:
        assert writer.samples("x") == 4


def test_at_gives_the_sample_at_or_before_a_step_and_the_last_state_at_the_end(folder):
    channels = {"x": ChannelInfo(100, "<f4"), "fixed": ChannelInfo(0, "<f4")}
    with Writer.create(folder, describe(channels, steps=250)) as writer:
        recording = Recording(folder)
        with pytest.raises(DynvizError, match=r"channel 'x' in .* has no samples yet"):
            recording.at("x", 0)
        writer.write("fixed", 0, ramp(9, 1))
        writer.write("x", 0, ramp(0, 2))
        assert [float(recording.at("x", step)[0]) for step in (-5, 0, 99, 100, 199, 200, 250, 999)] == [
            0,
            0,
            0,
            1,
            1,
            1,
            1,
            1,
        ]
        writer.write("x", 2, ramp(2, 2))
        assert [float(recording.at("x", step)[0]) for step in (199, 200, 249, 250, 999)] == [1, 2, 2, 3, 3]
        assert [float(recording.at("fixed", step)[0]) for step in (0, 250)] == [9, 9]
        assert recording.steps("fixed").tolist() == [0]
        assert recording.steps("x").dtype == np.int64


def test_recorded_is_the_last_step_of_the_densest_channel(folder):
    channels = {"fixed": ChannelInfo(0, "<f4"), "rare": ChannelInfo(100, "<f4"), "loss": ChannelInfo(10, "<f4")}
    with Writer.create(folder, describe(channels, steps=45)) as writer:
        recording = Recording(folder)
        found = [recording.recorded]
        for index in range(6):
            writer.write("loss", index, ramp(index, 1))
            found.append(recording.recorded)
        assert found == [0, 0, 10, 20, 30, 40, 45]


def test_a_recording_of_constants_alone_has_recorded_step_zero(folder):
    Writer.create(folder, describe({"x": ChannelInfo(0, "<f4")})).close()
    assert Recording(folder).recorded == 0


def test_a_part_is_a_view_of_one_parameter(folder):
    parts = {"w": Part(0, (2, 3)), "scale": Part(6, ()), "b": Part(7, (3,))}
    info = ChannelInfo(1, "<f4", (10,), ("parameter",), parts=parts)
    data = np.arange(4 * 2 * 10, dtype=np.float32).reshape(4, 2, 10)
    with Writer.create(folder, describe({"all": info, "x": ChannelInfo(1, "<f4")}, lanes=2)) as writer:
        writer.write("all", 0, data)
    recording = Recording(folder)
    assert np.array_equal(recording.part("all", "w"), data[:, :, :6].reshape(4, 2, 2, 3))
    assert np.array_equal(recording.part("all", "scale"), data[:, :, 6])
    assert np.array_equal(recording.part("all", "b"), data[:, :, 7:])
    assert np.shares_memory(recording.part("all", "w"), recording["all"])
    with pytest.raises(DynvizError, match="no part of channel 'all' named 'v'"):
        recording.part("all", "v")
    with pytest.raises(DynvizError, match="no part of channel 'x' named 'w'"):
        recording.part("x", "w")


def test_lanes_of_different_shape_are_padded_and_their_true_shapes_kept(folder):
    info = ChannelInfo(1, "<f4", (3,), ("value",), shapes=((3,), (2,)))
    block = np.array([[[1, 2, 3], [4, 5, np.nan]]], np.float32)
    with Writer.create(folder, describe({"x": info}, lanes=2)) as writer:
        writer.write("x", 0, block)
    recording = Recording(folder)
    assert np.array_equal(recording["x"], block, equal_nan=True)
    assert recording.metadata.channels["x"].shapes == ((3,), (2,))


def test_a_channel_of_empty_samples_counts_them_by_its_header(folder):
    with Writer.create(folder, describe({"x": ChannelInfo(1, "<f4", (0,))})) as writer:
        writer.write("x", 0, np.zeros((3, 1, 0), np.float32))
        assert Recording(folder)["x"].shape == np.load(folder / "channels/x.npy").shape == (3, 1, 0)
    with Writer.resume(folder) as writer:
        assert writer.samples("x") == 3


def test_losses_that_are_not_finite_are_data(folder):
    with Writer.create(folder, describe({"loss": ChannelInfo(1, "<f4")})) as writer:
        writer.write("loss", 0, np.array([[1], [np.inf], [np.nan]], np.float32))
    assert np.array_equal(Recording(folder)["loss"][:, 0], [1, np.inf, np.nan], equal_nan=True)


def test_what_a_recording_says_of_itself_is_what_run_json_says(folder):
    metadata = replace(describe({"x": ChannelInfo(1, "<f4")}, lanes=3), facts={"radius": 2.0})
    Writer.create(str(folder), metadata).close()
    recording = Recording(str(folder))
    assert (recording.label, recording.seeds, recording.total) == ("sgd", (0, 1, 2), 100)
    assert recording.facts == {"radius": 2.0}
    assert repr(recording) == "<Recording sgd: 100 steps, seeds 0, 1, 2, channels x>"


def test_a_long_channel_that_is_cut_while_it_is_shown_keeps_its_picture(tmp_path):
    losses = np.ones((1 << 18, 1))
    recording = record(tmp_path / "run", {"loss": (1, losses)}, scenario="surface", steps=len(losses) - 1)
    film = open_film([recording], "curves")
    os.truncate(recording.folder / "channels" / "loss.npy", 4096)
    scene = film.scene(len(losses) - 1)
    assert max(np.max(mark.y) for mark in scene.panels[0].marks if hasattr(mark, "y")) == 1
    assert len(recording["loss"]) == (4096 - 256) // 4
