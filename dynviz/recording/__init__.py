"""Recordings: folders of numbers that any NumPy can read."""

from dynviz.recording.events import Event
from dynviz.recording.reader import Recording
from dynviz.recording.run import Run, open, open_all
from dynviz.recording.snapshot import Snapshot
from dynviz.recording.writer import Writer

__all__ = ["Event", "Recording", "Run", "Snapshot", "Writer", "open", "open_all"]
