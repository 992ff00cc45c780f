"""How training stands, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynviz.player.step_rate import StepRate
from dynviz.player.words import Word, duration, rounded
from dynviz.recording import Recording

if TYPE_CHECKING:
    from dynviz.process.background import BackgroundRun

LIVE, OVER, BAD = "lane2", "muted", "lane3"
KILLED = 128
"""The exit status of a process that a signal ended is larger."""
SIGNS = {"running": "●", "finished": "✓", "killed": "✕", "failed": "✕", "interrupted": "■"}
SAID = {"running": "live", "interrupted": "stopped"}


@dataclass(frozen=True)
class TrainingStatus:
    """A state and what belongs to it.

    Attributes:
        status: Of the recordings: `running` while one grows, else the worst of theirs.
        rate: Steps a second.
        left: Seconds to go.
    """

    status: str
    rate: float | None = None
    left: float | None = None

    @property
    def words(self) -> tuple[Word, ...]:
        """For the right end of the header."""
        role = LIVE if self.status == "running" else BAD if self.status in {"killed", "failed"} else OVER
        found = [Word(f"{SIGNS.get(self.status, '')} {SAID.get(self.status, self.status)}".strip(), role, rank=2)]
        if self.status == "running" and self.rate:
            found.append(Word(f"{rounded(self.rate)} steps/s", "muted", rank=6))
        if self.status == "running" and self.left is not None:
            found.append(Word(f"{duration(self.left)} left", "muted", rank=4))
        return tuple(found)


def training_status(
    statuses: Sequence[str], step_rate: StepRate, total: int, trainer: "BackgroundRun | None" = None
) -> TrainingStatus:
    """What is to be said of recordings that stand like this."""
    if trainer is not None and trainer.state == "failed" and (trainer.exit_code or 0) < KILLED:
        # On a full disk it could not write that it failed.
        statuses = ["failed" if status == "killed" else status for status in statuses]
    for status in ("running", "failed", "killed", "interrupted"):
        if status in statuses:
            live = status == "running"
            return TrainingStatus(status, step_rate.rate if live else None, step_rate.left(total) if live else None)
    return TrainingStatus("finished" if statuses else "")


def waiting(trainer: "BackgroundRun | None", seconds: float, *, growing: bool) -> str:
    """What is awaited before anything can be shown; empty where nothing will come.

    Args:
        trainer: Who trains for us.
        seconds: For how long it has been waited.
        growing: Whether somebody writes a recording that is shown.
    """
    training = trainer is not None and trainer.exit_code is None
    if trainer is not None and training and trainer.folder is None and not growing:
        return f"waiting for the trainer: {trainer.doing}, {seconds:.1f} s"
    return f"waiting for the first sample, {seconds:.1f} s" if growing or training else ""


def trouble(trainer: "BackgroundRun | None", recordings: Sequence[Recording]) -> str:
    """Why training failed, in words; empty where it did not."""
    if trainer is not None and trainer.state == "failed":
        return f"Training failed: {trainer.message or 'it said nothing'}"
    for recording in recordings:
        if recording.metadata.status == "failed":
            return f"Training failed: {recording.metadata.error or 'it said nothing'}"
    return ""
