"""Notes at steps: kept whatever happens, shown like events."""

import numpy as np
import pytest

from dynviz.errors import DynvizError
from dynviz.player.extremes import find_extreme
from dynviz.recording import Recording, layout, notes
from dynviz.recording.notes import LONGEST_TEXT, Note
from tests.growing import Growing
from tests.recorded import record


def test_the_last_note_of_a_step_counts_and_an_empty_one_takes_it_away(tmp_path):
    for step, text in ((5, "one"), (3, "two"), (5, "three"), (3, ""), (9, "four")):
        notes.write(tmp_path, Note(step=step, text=text))
    assert notes.load(tmp_path) == (Note(step=5, text="three"), Note(step=9, text="four"))


def test_what_a_crash_leaves_is_no_note_and_the_next_one_is_whole(tmp_path):
    notes.write(tmp_path, Note(step=5, text="one"))
    whole = (tmp_path / layout.NOTES).read_bytes()
    notes.write(tmp_path, Note(step=6, text="two"))
    both = (tmp_path / layout.NOTES).read_bytes()
    for end in range(len(whole), len(both)):
        for tail in (b"", b"\0\0\0"):
            (tmp_path / layout.NOTES).write_bytes(both[:end] + tail)
            assert [note.step for note in notes.load(tmp_path)] == [5]
            notes.write(tmp_path, Note(step=7, text="three"))
            assert [note.step for note in notes.load(tmp_path)] == [5, 7]


def test_lines_of_others_are_skipped_and_long_texts_are_refused(tmp_path):
    (tmp_path / layout.NOTES).write_text('{"step": -1, "text": "x"}\n[]\n{"step": 1}\nx\n')
    notes.write(tmp_path, Note(step=1, text="mine"))
    assert notes.load(tmp_path) == (Note(step=1, text="mine"),)
    with pytest.raises(DynvizError, match="at most 500"):
        notes.write(tmp_path, Note(step=1, text="x" * (LONGEST_TEXT + 1)))
    with pytest.raises(DynvizError):
        notes.write(tmp_path / "none", Note(step=1, text="x"))


def test_a_recording_with_notes_is_whole(tmp_path):
    growing = Growing(tmp_path / "run" / "sgd")
    notes.write(growing.folder, Note(step=1, text="while it trains"))
    growing.finish()
    assert not Recording(growing.folder).missing
    assert [note.text for note in notes.load(growing.folder)] == ["while it trains"]


def test_extremes_are_where_they_are(tmp_path):
    loss = np.full((101, 3), 8.0)
    loss[20:] = 4.0
    loss[60] = 1.0
    loss[61:] = 3.0
    loss[90, 0] = np.nan
    growing = Growing(tmp_path / "run" / "sgd", lanes=3)
    growing.writer.write("loss", 0, loss.astype("<f4"))
    growing.writer.write("val_loss", 0, np.ones((11, 3), "<f4"))
    growing.writer.status("finished")
    growing.writer.close()
    recordings = [Recording(growing.folder)]
    assert find_extreme(recordings, "minimum")[0] == 60
    assert find_extreme(recordings, "jump")[0] == 60
    assert "least loss 1 at step 60" in find_extreme(recordings, "minimum").words
    assert find_extreme(recordings, "best")[0] == 60


def test_an_extreme_of_the_last_sample_is_at_the_last_step(tmp_path):
    recording = record(tmp_path / "run" / "x", {"loss": (10, np.arange(4.0, 0, -1)[:, None])}, scenario="x", steps=25)
    assert find_extreme([recording], "minimum")[0] == 25


def test_without_a_loss_nothing_is_made_up(tmp_path):
    recording = record(tmp_path / "run" / "x", {"weights": (1, np.zeros((5, 1, 2)))}, scenario="x", steps=4)
    with pytest.raises(DynvizError, match="no least is known"):
        find_extreme([recording], "minimum")
