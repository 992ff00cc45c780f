"""Named arrays in a file: as `zipfile` and `numpy.load` know them, the same bytes each time."""

import io
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dynviz.recording import arrays as ours
from dynviz.recording.arrays import check_intact, read_npz, write_npz


def by_zipfile(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in members.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
        archive.comment = b"%08x" % 0
    data = file.getvalue()[:-8]
    return data + b"%08x" % zlib.crc32(data)


MEMBERS = {
    "loss": np.arange(3.0),
    "étape": np.ones((2, 2), "i4"),
    "words": np.array(["a", "bc"]),
    "columns": np.asfortranarray(np.ones((3, 4))),
    "every other": np.ones((4, 4), "f4")[::2],
    "none": np.ones((0, 3)),
    "flag": np.array(True),
    "scalar": np.float32(3),
}


def test_the_bytes_are_those_of_zipfile(monkeypatch):
    for members in ({}, MEMBERS):
        written = write_npz(members)
        assert written == by_zipfile(members)
        # Where there is more, zipfile itself writes it.
        with monkeypatch.context() as patch:
            patch.setattr(ours, "_SMALL", 0)
            assert write_npz(members) == written


def test_what_is_written_is_read_by_numpy_and_by_us(tmp_path):
    file = tmp_path / "a.npz"
    file.write_bytes(write_npz(MEMBERS))
    check_intact(file)
    read = read_npz(file)
    with np.load(io.BytesIO(file.read_bytes()[:-8])) as known:
        assert list(read) == known.files == list(MEMBERS)
        for name, array in MEMBERS.items():
            np.testing.assert_array_equal(read[name], array)
            np.testing.assert_array_equal(known[name], array)


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="\0/\\"), min_size=1, max_size=9),
        arrays.arrays(st.sampled_from(["f4", "f8", "i8", "?", "u1"]), arrays.array_shapes(min_dims=0, min_side=0)),
        max_size=4,
    )
)
def test_any_arrays(members):
    assert write_npz(members) == by_zipfile(members)


def test_objects_are_refused():
    with pytest.raises(ValueError, match="Object arrays"):
        write_npz({"a": np.array([None])})
