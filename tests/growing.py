"""A recording that grows when a test says so, and a trainer that does what a test says."""

from pathlib import Path

import numpy as np

from dynviz.recording import Writer
from dynviz.recording.metadata import ChannelInfo, Hyperparameter, Lane, Metadata, Named


class Growing:
    """A recording whose loss halves every ten steps; `validation` has a sample every ten."""

    def __init__(
        self, folder: Path, *, steps: int = 100, lanes: int = 1, label: str = "sgd", views=("curves",)
    ) -> None:
        channels = {"loss": ChannelInfo(1, "<f4"), "val_loss": ChannelInfo(10, "<f4")}
        rules = {"lr": Hyperparameter(0.1, "given")}
        metadata = Metadata(
            Named("bowl", {"depth": 3}, {"depth": 3}),
            Named(label),
            label,
            0,
            rules,
            (),
            tuple(map(Lane, range(lanes))),
            steps,
            channels,
            views=views,
            created="2026-01-02T03:04:05+00:00",
        )
        self.folder, self.steps, self.lanes = folder, steps, lanes
        self.writer = Writer.create(folder, metadata)

    def grow(self, step: int, *, height: float = 1.0) -> None:
        """Record up to a step."""
        for name, every in (("loss", 1), ("val_loss", 10)):
            first, last = self.writer.samples(name), min(step, self.steps) // every + 1
            values = height * 0.5 ** (np.arange(first, last) * every / 10)
            block = np.repeat(values[:, None], self.lanes, axis=1).astype("<f4")
            if len(block):
                self.writer.write(name, first, np.ascontiguousarray(block))

    def finish(self, status: str = "finished", error: str = "") -> None:
        """Record the rest, and say how it ended."""
        if status == "finished":
            self.grow(self.steps)
        self.writer.status(status, error)
        self.writer.close()


class Trainer:
    """What the player asks of a run in the background."""

    def __init__(self, folder: Path | None = None, arguments: tuple[str, ...] = ()) -> None:
        self.command, self.arguments = "run", arguments
        self.folder, self.state, self.message, self.exit_code = folder, "starting", "", None
        self.doing, self.what = "importing torch", ""
        self.stopped = 0

    def poll(self) -> None:
        """Nothing is new."""

    def stop(self) -> None:
        self.stopped += 1

    def end(self, state: str, code: int, message: str = "") -> None:
        self.state, self.exit_code, self.message = state, code, message
