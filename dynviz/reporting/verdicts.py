"""Verdicts: whether the numbers of all seeds agree with a claim."""

import enum
import math
from collections.abc import Sequence
from dataclasses import field

import numpy as np
from numpy.typing import NDArray

from dynviz.comparison.statistics import Estimate, bootstrap_interval
from dynviz.frozen import frozen
from dynviz.reporting.document import Claim, Expectation

ONE_IN = 10
"""Of so many seeds one may disagree with a claim that holds, or agree with one that fails."""


class Ruling(enum.Enum):
    """The four verdicts."""

    HOLDS = "holds"
    FAILS = "fails"
    DEPENDS = "depends on the seed"
    UNDECIDED = "not decided here"


@frozen
class Finding:
    """What became of a claim.

    Attributes:
        claim: The claim.
        ruling: The verdict.
        reason: Why it is not decided; empty if it is.
        effect: The median over the seeds, with its 95 % bootstrap interval; None if nothing was measured.
        seeds: The seeds.
        values: The number of each seed.
        agreeing: How many of them agree with the claim.
        sides: The medians of the two numbers that are compared, if there are two.
        commands: The commands that train what it is measured on.
        sources: The recordings that it is measured on, as `dynviz.open` takes them.
        picture: The file name of the picture; empty if there is none.
        day: The day on which it was decided, if the report was only updated since; empty for the report's own day.
    """

    claim: Claim
    ruling: Ruling
    reason: str = ""
    effect: Estimate | None = None
    seeds: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    agreeing: int = 0
    sides: tuple[float, float] | None = None
    commands: tuple[str, ...] = ()
    sources: tuple[str, ...] = field(default=(), compare=False)
    picture: str = ""
    day: str = ""


def judge(claim: Claim, values: NDArray[np.float64], seeds: Sequence[int], *, quick: bool = False) -> Finding:
    """The verdict on a claim.

    It holds if the whole interval of the median agrees with it and nine of ten seeds do; it fails if nothing of the
    interval agrees with it, and at most one of ten seeds; else it depends on the seed. Fewer than six seeds decide
    nothing, as five of five would be equal by chance in one of sixteen cases. A claim about a single instance needs
    one.

    Args:
        claim: One that is not out of reach.
        values: The number of each seed; infinite where a lane diverged or never got there.
        seeds: The seeds.
        quick: Whether this was a quick look, which decides nothing.
    """
    expect = claim.expect
    assert expect is not None
    numbers = tuple(float(value) for value in values)
    if any(map(math.isnan, numbers)):
        lost = [seed for seed, number in zip(seeds, numbers, strict=True) if math.isnan(number)]
        reason = f"the number does not exist for {len(lost)} of {len(numbers)} seeds, such as seed {lost[0]}"
        return Finding(claim, Ruling.UNDECIDED, reason, seeds=tuple(seeds), values=numbers)
    effect = bootstrap_interval(values)
    agreeing = sum(map(expect.includes, numbers))
    ruling = _ruling(expect, effect, agreeing)
    reason = ""
    if quick:
        tendency = {Ruling.HOLDS: "for it", Ruling.FAILS: "against it"}.get(ruling, "both ways")
        ruling, reason = Ruling.UNDECIDED, f"a quick look, which points {tendency}"
    elif not claim.single and not effect.enough:
        ruling, reason = Ruling.UNDECIDED, f"{len(numbers)} seeds are too few; it takes six"
    return Finding(claim, ruling, reason, effect, tuple(seeds), numbers, agreeing)


def _ruling(expect: Expectation, effect: Estimate, agreeing: int) -> Ruling:
    low, high = expect.limits
    ends = [expect.includes(effect.low), expect.includes(effect.high)]
    if all(ends) and ONE_IN * (effect.n - agreeing) <= effect.n:
        return Ruling.HOLDS
    if not any(ends) and (effect.high <= low or effect.low >= high) and ONE_IN * agreeing <= effect.n:
        return Ruling.FAILS
    return Ruling.DEPENDS
