"""The outcomes of a sweep: a typed row for each lane."""

import ast
import dataclasses
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from dynviz.errors import DynvizError
from dynviz.sweeps.table import CLOSING, OPENING

if TYPE_CHECKING:
    import pandas as pd

RULE = "optimizer"
"""The column between the options of the scenario and the hyperparameters."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of one lane of a sweep.

    Attributes:
        job: The job's name.
        lane: The lane's number in the job's recording.
        status: `finished` or `failed`.
        scenario: The scenario's name.
        options: The scenario's options.
        optimizer: The optimizer's name.
        hyperparameters: The lane's hyperparameters.
        seed: The lane's seed.
        steps: The number of steps it trained; None if it failed.
        loss: The last loss; NaN if it failed.
        loss_mean: The mean of the last losses.
        validation: The last loss on unseen data; NaN if the scenario measures none.
        diverged_at: The step at which it diverged; None if it did not.
        recording: The source of its recording, relative to the sweep's folder, as `dynviz.open` takes it.
        error: Why it failed; empty if it finished.
    """

    job: str
    lane: int
    status: str
    scenario: str
    options: Mapping[str, Any]
    optimizer: str
    hyperparameters: Mapping[str, Any]
    seed: int
    steps: int | None
    loss: float
    loss_mean: float
    validation: float
    diverged_at: int | None
    recording: str
    error: str

    @property
    def diverged(self) -> bool:
        """Whether it diverged."""
        return self.diverged_at is not None

    @property
    def setting(self) -> str:
        """Everything but the seed in which it differs from others."""
        return repr((self.scenario, dict(self.options), self.optimizer, dict(self.hyperparameters)))

    @property
    def end(self) -> float:
        """The mean of the last losses; infinite if it failed or diverged."""
        return self.loss_mean if math.isfinite(self.loss_mean) and not self.diverged else math.inf

    @classmethod
    def of(cls, row: Mapping[str, str]) -> "Outcome":
        """A row of the table.

        Raises:
            DynvizError: It is no such row.
        """
        names = list(row)
        cut = names.index(RULE) if RULE in names else 0
        between = {name: value(row[name]) for name in names if name not in {*OPENING, *CLOSING, RULE} and row[name]}
        try:
            return cls(
                job=row["job"],
                lane=int(row["lane"]),
                status=row["status"],
                scenario=row["scenario"],
                options={name.removeprefix("scenario."): between[name] for name in names[:cut] if name in between},
                optimizer=row[RULE],
                hyperparameters={name: between[name] for name in names[cut:] if name in between},
                seed=int(row["seed"]),
                steps=_whole(row["steps"]),
                diverged_at=_whole(row["diverged_at"]),
                loss=_number(row["loss"]),
                loss_mean=_number(row["loss_mean"]),
                validation=_number(row["validation"]),
                recording=row["recording"] or "",
                error=row["error"] or "",
            )
        except (KeyError, ValueError, TypeError) as error:
            raise DynvizError(f"the table of outcomes is damaged: {type(error).__name__}: {error}") from error


class Outcomes(Sequence[Outcome]):
    """The rows of a sweep's table, in order.

    >>> row = dict.fromkeys((*OPENING, "d", RULE, "lr", *CLOSING), "")
    >>> row |= {"job": "001-sgd", "lane": "0", "status": "finished", "d": "8", RULE: "sgd", "lr": "0.1", "seed": "42"}
    >>> outcomes = Outcomes([row | {"loss_mean": "2.5"}, row | {"lr": "0.3", "loss_mean": "nan", "diverged_at": "7"}])
    >>> outcomes.best
    Outcome(job='001-sgd', lane=0, status='finished', scenario='', options={'d': 8}, optimizer='sgd', \
hyperparameters={'lr': 0.1}, seed=42, steps=None, loss=nan, loss_mean=2.5, validation=nan, diverged_at=None, \
recording='', error='')
    """

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        self._rows = tuple(map(Outcome.of, rows))

    @overload
    def __getitem__(self, place: int) -> Outcome: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Outcome, ...]: ...
    def __getitem__(self, place: int | slice) -> Outcome | tuple[Outcome, ...]:
        return self._rows[place]

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        """The number of lanes and how many failed or diverged, in one line."""
        lost = sum(outcome.diverged for outcome in self)
        failed = sum(outcome.status == "failed" for outcome in self)
        return f"<Outcomes: {len(self)} lanes, {lost} diverged, {failed} failed>"

    @property
    def best(self) -> Outcome:
        """The middle lane of the best setting.

        Settings are ranked by the median of `loss_mean` over their seeds, where a lane that failed or diverged counts
        as infinitely bad: no setting wins by one lucky seed. Of an even number of lanes, the lower of the middle two is
        returned.

        Raises:
            DynvizError: In every setting, at least half of the lanes failed or diverged.
        """
        settings: dict[str, list[Outcome]] = {}
        for outcome in self:
            settings.setdefault(outcome.setting, []).append(outcome)
        best = min(settings.values(), key=_median, default=[])
        if not best or math.isinf(_median(best)):
            raise DynvizError("no setting is the best: of each, at least half of the lanes failed or diverged")
        return sorted(best, key=lambda outcome: outcome.end)[(len(best) - 1) // 2]

    def to_pandas(self) -> "pd.DataFrame":
        """A data frame: a row for each lane, a column for each option and hyperparameter beside the others.

        A hyperparameter with the same name as an option of the scenario becomes `optimizer.NAME`.

        Raises:
            DynvizError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise DynvizError("a data frame needs pandas: pip install pandas") from error
        return pd.DataFrame([_flat(outcome) for outcome in self])


def value(text: str) -> Any:
    """Parse a value in the table: a number, true, false, none, or the text itself.

    >>> value("3"), value("1e-3"), value("true"), value("none"), value("(1, 2)"), value("cosine(1e-2)")
    (3, 0.001, True, None, (1, 2), 'cosine(1e-2)')
    """
    words: Mapping[str, Any] = {"true": True, "false": False, "none": None, "nan": math.nan, "inf": math.inf}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text


def _median(lanes: Iterable[Outcome]) -> float:
    return statistics.median(outcome.end for outcome in lanes)


def _flat(outcome: Outcome) -> dict[str, Any]:
    row = {field.name: getattr(outcome, field.name) for field in dataclasses.fields(outcome)}
    options, values = row.pop("options"), row.pop("hyperparameters")
    taken = {*row, *options}
    row |= {f"scenario.{name}" if name in row else name: option for name, option in options.items()}
    return row | {f"optimizer.{name}" if name in taken else name: number for name, number in values.items()}


def _whole(text: str) -> int | None:
    return int(text) if text else None


def _number(text: str) -> float:
    return float(text) if text else math.nan
