"""Recordings that several pictures show, each of which is trained once."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dynviz.animation.recipe import RecordedRun
from dynviz.recording.values import encode

MOST = 1 << 33
"""Bytes that are kept."""


@dataclass
class SharedRecordings:
    """A folder that keeps recordings as they were trained, under what they depend on.

    Attributes:
        folder: The folder.
        size: The bytes that it holds.
    """

    folder: Path
    size: int = 0

    def take(self, runs: Sequence[RecordedRun], out: Path) -> list[RecordedRun]:
        """Put those that are there into their folders; gives those that are not, of whole folders."""
        apart = {run.folder for run in runs if run.fork is not None or not self._place(run).exists()}
        for run in runs:
            if run.folder not in apart:
                (out / run.folder).mkdir(exist_ok=True)
                _link(self._place(run), out / run.folder / run.metadata.label)
        return [run for run in runs if run.folder in apart]

    def keep(self, runs: Sequence[RecordedRun], out: Path) -> None:
        """Keep what was trained, before anything is measured around its parameters."""
        for run in runs:
            recording, place = out / run.folder / run.metadata.label, self._place(run)
            size = sum(file.stat().st_size for file in recording.rglob("*"))
            if run.fork is None and not place.exists() and self.size + size <= MOST:
                self.size += size
                _link(recording, place)

    def _place(self, run: RecordedRun) -> Path:
        tree = [encode(part, "recipe") for part in (run.metadata, run.changes, run.files)]
        return self.folder / hashlib.sha256(json.dumps(tree).encode()).hexdigest()


def _link(recording: Path, place: Path) -> None:
    # Files of a finished recording do not change; what is added to one folder is not in the other.
    shutil.copytree(recording, place, copy_function=os.link)
