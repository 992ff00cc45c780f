"""run.json: what goes in comes back, and what is not a recording's is refused in one line."""

import json
import math
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynviz.errors import DynvizError
from dynviz.recording import Recording, Writer, runjson, values
from dynviz.recording.disk import Folder
from dynviz.recording.metadata import (
    FORMAT,
    ChannelInfo,
    Hyperparameter,
    Lane,
    Metadata,
    Named,
    Part,
)

FULL = Metadata(
    scenario=Named("./bowl.py", {"radius": math.inf}, {"radius": math.inf, "sizes": (2, 3)}, "/tmp/bowl.py", "ab12"),
    optimizer=Named("adamw", {"lr": 0.1}),
    label="adamw",
    order=2,
    hyperparameters={"lr": Hyperparameter(0.1, "given"), "betas": Hyperparameter((0.9, 0.999), "protocol")},
    terms=("gradient", "decay"),
    lanes=(Lane(3, {"lr": -math.inf}), Lane(4)),
    steps=250,
    channels={
        "loss": ChannelInfo(1, "<f4", help="Of the batch"),
        "gradient": ChannelInfo(100, "<f8", (7,), ("parameter",), "", ((7,), (5,)), {"w": Part(0, (2, 3))}),
        "mask": ChannelInfo(0, "|b1", (2, 2), ("row", "column")),
    },
    views=("centers",),
    facts={"title": "bowl", "levels": [0.5, None, True], "text": "NaN"},
    parameters={"w": (2, 3), "b": ()},
    versions={"numpy": "2.0"},
    threads=1,
    checkpoint_every=100,
    created="2026-01-01T00:00:00Z",
)

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
PLAIN |= st.sampled_from(["NaN", "Infinity", "-Infinity", "\\NaN", "\\\\-Infinity", "\\n"])
TREES = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)


def test_run_json_gives_back_what_was_written(tmp_path):
    runjson.save(Folder(tmp_path), FULL)
    assert runjson.load(tmp_path) == FULL
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@given(TREES)
def test_any_facts_come_back_as_they_were(tree):
    text = json.dumps(replace(FULL, facts={"it": tree}).to_json(), allow_nan=False)
    assert Metadata.from_json(json.loads(text)).facts == {"it": tree}


def test_infinity_and_nan_are_written_as_words_of_standard_json(tmp_path):
    runjson.save(Folder(tmp_path), replace(FULL, facts={"no": math.nan, "much": math.inf, "less": -math.inf}))

    def refuse(word):
        raise AssertionError(f"{word} is not standard JSON")

    tree = json.loads((tmp_path / "run.json").read_text(), parse_constant=refuse)
    assert tree["facts"] == {"no": "NaN", "much": "Infinity", "less": "-Infinity"}
    facts = runjson.load(tmp_path).facts
    assert math.isnan(facts["no"])
    assert (facts["much"], facts["less"]) == (math.inf, -math.inf)


def test_numbers_of_numpy_and_paths_are_written_as_plain_values():
    value = {"a": np.int64(3), "b": np.float32(np.inf), "c": PurePosixPath("data/x"), "d": np.bool_(1)}
    assert values.encode(value, "facts") == {"a": 3, "b": "Infinity", "c": "data/x", "d": True}


def test_a_fact_that_json_cannot_hold_is_named(tmp_path):
    with pytest.raises(DynvizError, match=r"facts\.grid\[1\] is a ndarray"):
        runjson.save(Folder(tmp_path), replace(FULL, facts={"grid": [0, np.zeros(3)]}))
    with pytest.raises(DynvizError, match=r"facts is a dict, which run\.json cannot hold.*texts as keys"):
        runjson.save(Folder(tmp_path), replace(FULL, facts={1: 2}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", "W", "a/b", "../x", ".hidden", "-x", "a b", "é", "x" * 101, "a\n"])
def test_a_channel_whose_name_is_no_safe_file_name_is_refused(name):
    with pytest.raises(DynvizError, match="a channel cannot be named"):
        replace(FULL, channels={name: ChannelInfo(1, "<f4")})


@pytest.mark.parametrize("dtype", ["|O", "<U3", "<M8[s]", "f4,f4", "|S2", "nonsense", "{"])
def test_a_channel_of_something_else_than_numbers_is_refused(dtype):
    with pytest.raises(DynvizError, match="channel 'loss' cannot hold"):
        replace(FULL, channels={"loss": ChannelInfo(1, dtype)})


def test_a_newer_format_is_refused_by_its_number(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"format": FORMAT + 1, "from": "the future"}))
    with pytest.raises(DynvizError, match=f"run.json: it is of format {FORMAT + 1}; this dynviz reads up to {FORMAT}"):
        Recording(tmp_path)


def damaged(change):
    tree = FULL.to_json()
    change(tree)
    return json.dumps(tree).encode()


GARBAGE = {
    "an empty file": b"",
    "half of it": json.dumps(FULL.to_json()).encode()[:200],
    "no text": b"\xff\xfe\x00",
    "another JSON": b"[1, 2]",
    "no format": b"{}",
    "nesting without end": b"[" * 100_000,
    "a format that is no number": b'{"format": true}',
    "only a format": b'{"format": 1}',
    "an unknown status": damaged(lambda tree: tree.update(status="sleeping")),
    "a field too many": damaged(lambda tree: tree.update(colour="blue")),
    "a field missing": damaged(lambda tree: tree.pop("lanes")),
    "steps in words": damaged(lambda tree: tree.update(steps="many")),
    "negative steps": damaged(lambda tree: tree.update(steps=-1)),
    "a label that is a list": damaged(lambda tree: tree.update(label=[])),
    "lanes that are a number": damaged(lambda tree: tree.update(lanes=3)),
    "a lane without a seed": damaged(lambda tree: tree["lanes"][0].pop("seed")),
    "facts that are a list": damaged(lambda tree: tree.update(facts=[1])),
    "a shape of words": damaged(lambda tree: tree["channels"]["mask"].update(shape=["a", "b"])),
    "a negative shape": damaged(lambda tree: tree["channels"]["mask"].update(shape=[-2, 2])),
    "a negative every": damaged(lambda tree: tree["channels"]["loss"].update(every=-1)),
    "an object channel": damaged(lambda tree: tree["channels"]["loss"].update(dtype="|O")),
    "a channel outside": damaged(lambda tree: tree["channels"].update({"../x": tree["channels"]["loss"]})),
}


@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
def test_a_damaged_run_json_is_an_error_of_one_line_that_names_it(tmp_path, content):
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(DynvizError) as caught:
        Recording(tmp_path)
    assert str(tmp_path / "run.json") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_prefix_of_run_json_is_refused(tmp_path):
    text = json.dumps(FULL.to_json()).encode()
    for length in range(0, len(text), 97):
        (tmp_path / "run.json").write_bytes(text[:length])
        with pytest.raises(DynvizError, match="not JSON"):
            Recording(tmp_path)


def test_a_folder_without_run_json_and_no_folder_at_all_are_told_apart(tmp_path):
    with pytest.raises(DynvizError, match=r"is not a recording: it has no run\.json"):
        Recording(tmp_path)
    with pytest.raises(DynvizError, match="there is no folder"):
        Recording(tmp_path / "nothing")


def test_status_and_error_are_rewritten_and_nothing_else(tmp_path):
    with Writer.create(tmp_path / "r", FULL) as writer:
        writer.status("failed", "out of memory:\nline two")
        assert writer.metadata == FULL.with_status("failed", "out of memory:\nline two")
    assert Recording(tmp_path / "r").metadata == FULL.with_status("failed", "out of memory:\nline two")
    assert not list(Path(tmp_path / "r").glob("*.new"))


@pytest.mark.parametrize(("every", "steps", "count"), [(1, 0, 1), (1, 5, 6), (2, 5, 4), (2, 4, 3), (0, 9, 1)])
def test_the_number_of_samples_counts_the_state_before_training_and_the_last(every, steps, count):
    assert ChannelInfo(every, "<f4").samples(steps) == count
