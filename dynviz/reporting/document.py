"""A document's claims: sentences, the commands that decide them, what is measured, and what is expected of it."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal, TypeAlias

from dynviz.frozen import frozen
from dynviz.reporting.commands import TrainingCommand
from dynviz.reporting.planes import ProjectionCommand

Compare: TypeAlias = Literal["difference", "ratio", "distance"]


@frozen
class ChannelValue:
    """A number for each sample of a channel.

    Attributes:
        channel: The channel.
        of: How the components of a sample become one number, see `components`; empty for channels with one number.
        entry: The indices of one component, or of a part of them, before that; negative ones count from the end.
    """

    channel: str
    of: str = ""
    entry: tuple[int, ...] = ()


@frozen
class Quantity:
    """A number for each seed.

    Attributes:
        run: The name of a run in the claims file.
        optimizer: One of the run's optimizers, as written there, or its name alone if that is unique.
        where: Options or hyperparameters that the recording or lane must have: picks from a sweep.
        choose: Which of several settings counts: that with the lowest or the highest median over the seeds.
        channel: The channel that is measured.
        of: As in `ChannelValue`.
        entry: As in `ChannelValue`.
        times: What each sample is multiplied by.
        minus: What is subtracted from each sample.
        per: What each sample is divided by.
        over: How the samples of a run become one number, see `courses`.
        part: The part of the run that counts, as two fractions of its steps.
        step: The step of `over = "at"`.
        threshold: The level of `over = "falls-to"` and `over = "rises-to"`.
        measure: Instead of a channel: a named measurement of the whole recording, see `measurements`, or of the line or
            plane that was evaluated on it, see `planes`.
        calculate: Instead of a run: a named calculation, see `calculations`.
        arguments: The numbers that the calculation takes.
    """

    run: str = ""
    optimizer: str = ""
    where: Mapping[str, Any] = field(default_factory=dict)
    choose: Literal["", "lowest", "highest"] = ""
    channel: str = ""
    of: str = ""
    entry: tuple[int, ...] = ()
    times: ChannelValue | None = None
    minus: ChannelValue | None = None
    per: ChannelValue | None = None
    over: str = "last"
    part: tuple[float, float] = (0.0, 1.0)
    step: int | None = None
    threshold: float | None = None
    measure: str = ""
    calculate: str = ""
    arguments: Mapping[str, float] = field(default_factory=dict)


@frozen
class Expectation:
    """The numbers that agree with a claim.

    Attributes:
        above: Those greater than this.
        below: Those less than this.
        equals: Those at most `tolerance` away from this.
        tolerance: See `equals`.

    >>> Expectation(below=0).includes(-1.0), Expectation(equals=1, tolerance=0.1).includes(1.05)
    (True, True)
    """

    above: float | None = None
    below: float | None = None
    equals: float | None = None
    tolerance: float = 0.0

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest of these numbers; infinite where there is none."""
        if self.equals is not None:
            return self.equals - self.tolerance, self.equals + self.tolerance
        low = float("-inf") if self.above is None else self.above
        high = float("inf") if self.below is None else self.below
        return low, high

    def includes(self, value: float) -> bool:
        """Whether a number agrees with the claim."""
        if self.equals is not None:
            return abs(value - self.equals) <= self.tolerance
        low, high = self.limits
        # Ends are excluded: equal losses are not lower ones. Infinity is above every level.
        return (self.above is None or value > low) and (self.below is None or value < high)


@frozen
class Claim:
    """A sentence that can be true or false.

    Attributes:
        id: A short name: lower-case words joined by hyphens.
        says: What the document says, paraphrased.
        where: Where in the document.
        value: What is measured; None for a claim that is out of reach.
        against: What it is compared with.
        compare: How: their difference, their ratio, or the distance between arrays, relative to the second.
        expect: The numbers that agree with it.
        unit: The unit of the number, for readers.
        single: Whether it is about one instance rather than all seeds, so that one lane decides.
        view: The view of the picture; empty for the curves of the channel.
        reduced: How the runs differ from the document's.
        out_of_reach: Why it is not decided here.
    """

    id: str
    says: str
    where: str = ""
    value: Quantity | None = None
    against: Quantity | None = None
    compare: Compare = "difference"
    expect: Expectation | None = None
    unit: str = ""
    single: bool = False
    view: str = ""
    reduced: str = ""
    out_of_reach: str = ""

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What is measured, and what it is compared with."""
        return tuple(quantity for quantity in (self.value, self.against) if quantity is not None)


@frozen
class Runs:
    """What is trained.

    Attributes:
        command: The command, without the seeds that the report chooses.
        project: The line or plane on which a loss is evaluated after training; None for none.
        quick: The number of steps of a quick look.
        most_seeds: The number of seeds at most.
        reduced: How it differs from the document's runs.
    """

    command: TrainingCommand
    project: ProjectionCommand | None = None
    quick: int = 50
    most_seeds: int | None = None
    reduced: str = ""


@frozen
class Claims:
    """The contents of a claims file.

    Attributes:
        title: The name of the document.
        source: Who wrote it, and where it can be read.
        about: What it is about, in a few sentences.
        runs: What is trained, by name.
        claims: The claims, in the order of the document.
    """

    title: str
    source: str
    about: str
    runs: Mapping[str, Runs]
    claims: tuple[Claim, ...]
