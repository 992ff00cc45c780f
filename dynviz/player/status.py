"""The state of training, in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dynviz.frozen import frozen
from dynviz.player.step_rate import StepRate
from dynviz.player.words import Word, duration, grouped, rounded

if TYPE_CHECKING:
    from dynviz.process.background import BackgroundRun

LIVE, PAUSED, OVER, BAD = "lane2", "lane1", "muted", "lane3"
KILLED = 128
"""Processes killed by a signal have a larger exit status."""
SIGNS = {"running": "●", "finished": "✓", "killed": "✕", "failed": "✕", "interrupted": "■"}
WORDS = {"running": "live", "interrupted": "stopped"}
"""Descriptions of statuses whose names are not self-explanatory."""


@frozen
class TrainingStatus:
    """A status, and the pace of training.

    Attributes:
        status: The status of the recordings: `running` while one grows, else the worst.
        rate: Steps per second.
        left: Seconds remaining.
        paused: Whether training is paused on request.
        runs: Of a sweep that is not complete: how many of its runs have begun, and how many it is made of.
    """

    status: str
    rate: float | None = None
    left: float | None = None
    paused: bool = False
    runs: tuple[int, int] | None = None

    @property
    def words(self) -> tuple[Word, ...]:
        """The words for the right end of the header."""
        if self.paused:
            return (Word("‖ paused", PAUSED, rank=2),)
        role = LIVE if self.status == "running" else BAD if self.status in {"killed", "failed"} else OVER
        words = [Word(f"{SIGNS.get(self.status, '')} {WORDS.get(self.status, self.status)}".strip(), role, rank=2)]
        if self.runs is not None:
            words.append(Word(f"{grouped(self.runs[0])} of {grouped(self.runs[1])} runs", "muted", rank=2))
        if self.rate:
            words.append(Word(f"{rounded(self.rate)} steps/s", "muted", rank=6))
        if self.left is not None:
            words.append(Word(f"{duration(self.left)} left", "muted", rank=4))
        return tuple(words)


def training_status(
    statuses: Sequence[str], step_rate: StepRate, total: int, trainer: "BackgroundRun | None" = None
) -> TrainingStatus:
    """The overall state of training, given the statuses of its recordings."""
    if trainer is not None and trainer.state == "failed" and (trainer.exit_code or 0) < KILLED:
        # With a full disk, the trainer could not record its failure.
        statuses = ["failed" if status == "killed" else status for status in statuses]
    if "running" in statuses:
        return TrainingStatus("running", step_rate.rate, step_rate.left(total))
    worst = (status for status in ("failed", "killed", "interrupted") if status in statuses)
    return TrainingStatus(next(worst, "finished" if statuses else ""))
