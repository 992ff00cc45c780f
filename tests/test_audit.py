"""Reading runs nothing that a recording names, writes nowhere but to the target, and ends in a picture or one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import trained
from tests.mutations import share

ROOT = Path(__file__).parents[1]
COUNT = 2000


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit") / "sources"
    trained.train(folder)
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
