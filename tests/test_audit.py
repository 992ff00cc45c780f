"""Reading runs nothing that a recording names, writes nowhere but to the target, and ends in a picture or one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import dynviz
from dynviz.recording import changes, notes
from dynviz.recording.changes import Change
from dynviz.recording.notes import Note
from tests import trained
from tests.mutations import share

ROOT = Path(__file__).parents[1]
COUNT = 2000
WHEN = [(2, None), (4, 1)]
"""After which steps, and of which lane, a hyperparameter changes."""


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit") / "sources"
    trained.train(folder)
    # A fork of a run whose hyperparameters changed while it trained.
    known = folder.with_name("changes.jsonl")
    known.write_bytes(b"".join(Change(step=step, name="lr", new=0.1, lane=lane).line() for step, lane in WHEN))
    run = dynviz.run(
        *trained.RUNS["plane"][:2], seeds="0:3", steps=trained.STEPS, changes=known, out=folder / "changed"
    )
    for recording in run.values():
        changes.ask(recording.folder, changes.Request(action="set", name="lr", value=0.2))
        notes.write(recording.folder, Note(step=3, text="it turns"))
    run.fork(5, eps=1e-6, out=folder / "forked")
    return folder


def audit(sources, place, count):
    """How many were read, and what should not have happened."""
    share(sources, place / "sources")
    done = subprocess.run(
        [sys.executable, "-m", "tests.auditing", place, str(count)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.slow
def test_mutated_recordings_are_read_without_harm(sources, tmp_path):
    assert audit(sources, tmp_path, COUNT) == {"read": COUNT, "found": []}
