"""The first samples of bundled scenarios that the player shows while torch is imported.

`python -m tests.previews` makes them again: once a scenario begins differently, a test fails until that is done.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dynviz import plugins
from dynviz.player.previews import SHIPPED
from dynviz.recording import first_samples, open_all

PATIENCE = 120.0
"""Seconds for which the first samples of a run are awaited."""
SETTLED = 1.0
"""Seconds without another first sample after which there are all."""


def begun(name: str, folder: Path) -> list:
    """Recordings of a scenario with its own options, which has begun to train."""
    command = [sys.executable, "-m", "dynviz", "run", "--headless", f"--out={folder}", "--optimizer=sgd", name]
    trainer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        end, known, since = time.monotonic() + PATIENCE, 0, time.monotonic()
        while time.monotonic() - since < SETTLED or not known:
            assert time.monotonic() < end, f"{name} has no sample"
            time.sleep(0.05)
            if any(folder.glob("*/run.json")):
                count = sum(len(recording[key]) > 0 for recording in open_all([folder]) for key in recording)
                since = time.monotonic() if count > known else since
                known = count
    finally:
        trainer.terminate()
        trainer.communicate()
    return open_all([folder])


if __name__ == "__main__":
    for scenario in sys.argv[1:] or plugins.files("scenarios"):
        with tempfile.TemporaryDirectory() as made:
            first_samples.pack(begun(scenario, Path(made, "run")), SHIPPED / f"{scenario}.zip")
            print(scenario, (SHIPPED / f"{scenario}.zip").stat().st_size)
