"""How training goes, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynviz.player.step_rate import StepRate
from dynviz.player.words import Word, duration, rounded

if TYPE_CHECKING:
    from dynviz.process.background import BackgroundRun

LIVE, PAUSED, OVER, BAD = "lane2", "lane1", "muted", "lane3"
KILLED = 128
"""The exit status of a process that was ended by a signal is larger."""
SIGNS = {"running": "●", "finished": "✓", "killed": "✕", "failed": "✕", "interrupted": "■"}
WORDS = {"running": "live", "interrupted": "stopped"}
"""What statuses are called where their own name does not say it."""


@dataclass(frozen=True)
class TrainingStatus:
    """A status, and the pace of training.

    Attributes:
        status: Of the recordings: `running` while one grows, else the worst of theirs.
        rate: Steps a second.
        left: Seconds to go.
        paused: Whether training stands still because somebody asked for it.
    """

    status: str
    rate: float | None = None
    left: float | None = None
    paused: bool = False

    @property
    def words(self) -> tuple[Word, ...]:
        """For the right end of the header."""
        if self.paused:
            return (Word("‖ paused", PAUSED, rank=2),)
        role = LIVE if self.status == "running" else BAD if self.status in {"killed", "failed"} else OVER
        words = [Word(f"{SIGNS.get(self.status, '')} {WORDS.get(self.status, self.status)}".strip(), role, rank=2)]
        if self.rate:
            words.append(Word(f"{rounded(self.rate)} steps/s", "muted", rank=6))
        if self.left is not None:
            words.append(Word(f"{duration(self.left)} left", "muted", rank=4))
        return tuple(words)


def training_status(
    statuses: Sequence[str], step_rate: StepRate, total: int, trainer: "BackgroundRun | None" = None
) -> TrainingStatus:
    """The status of training whose recordings have these statuses."""
    if trainer is not None and trainer.state == "failed" and (trainer.exit_code or 0) < KILLED:
        # On a full disk it could not write that it failed.
        statuses = ["failed" if status == "killed" else status for status in statuses]
    if "running" in statuses:
        return TrainingStatus("running", step_rate.rate, step_rate.left(total))
    worst = (status for status in ("failed", "killed", "interrupted") if status in statuses)
    return TrainingStatus(next(worst, "finished" if statuses else ""))
