"""Messages by which widgets and screens report user actions to their parents."""

from dataclasses import dataclass
from pathlib import Path

from textual.message import Message

from dynviz.cells.canvas import Hit
from dynviz.player.exporting import ExportJob


@dataclass
class PlotHovered(Message):
    """The mouse moved to another place of the plot; None if it left the plot."""

    hit: Hit | None


@dataclass
class PlotClicked(Message):
    """A place of the plot was clicked."""

    hit: Hit | None


@dataclass
class PlotBrushed(Message):
    """The mouse was dragged from one place of a panel to another."""

    begun: Hit
    ended: Hit


@dataclass
class RowClicked(Message):
    """A row of a list was clicked."""

    index: int


class PanelsChanged(Message):
    """The number of panels that fit into the plot has changed."""


@dataclass
class ViewChosen(Message):
    """The tab of a view was clicked."""

    view: str


@dataclass
class StepChosen(Message):
    """The timeline was clicked, or dragged to this step."""

    step: int


@dataclass
class RunChosen(Message):
    """Runs were chosen from the list."""

    folders: tuple[Path, ...]


@dataclass
class LanesChosen(Message):
    """Lanes were chosen in a picture of many, by their sources."""

    sources: tuple[str, ...]


@dataclass
class ExportChosen(Message):
    """The export dialog was confirmed."""

    job: ExportJob


@dataclass
class TrainingEnded(Message):
    """Training ended or diverged."""

    words: str


class ScreenLeft(Message):
    """The user wants to leave the screen."""
