"""Processes that are killed at random moments: what they leave opens, and comes to the bytes of one that was not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = {
    "layout": 105,
    "resume": 105,
    "fork": 40,
    "changed": 50,
    "projection": 140,
    "export": 140,
    "script": 100,
    "sweep": 10,
}


@pytest.mark.slow
@pytest.mark.parametrize("victim", KILLS)
def test_whoever_is_killed_leaves_what_can_be_gone_on_with(tmp_path, victim):
    words = [sys.executable, "-m", "tests.killed", victim, str(tmp_path / "here"), str(KILLS[victim])]
    given = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    ran = subprocess.run(words, env=given, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) == KILLS[victim]
