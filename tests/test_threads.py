"""Processes that end while threads of theirs compute."""

import subprocess
import sys

import pytest

CODE = """
import sys, time
import numpy as np
from dynviz.process import threads

def sort():
    while True:
        np.sort(np.random.default_rng(0).random(200_000))

for _ in range(4):
    threads.start(sort if {forever} else int)
if not {forever}:
    while threads._running:
        time.sleep(0.001)
time.sleep(0.05)
print("the end")
threads.leave({code})
print("left")
"""


@pytest.mark.parametrize(("code", "status"), [("0", 0), ("None", 0), ("3", 3)])
def test_a_process_whose_threads_still_compute_ends_with_its_status(code, status):
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(forever=True, code=code)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, "the end\n", "")


def test_without_such_threads_python_ends_it():
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(forever=False, code="3")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "the end\nleft\n", "")
