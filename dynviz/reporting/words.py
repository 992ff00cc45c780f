"""What was measured, expected and observed, in words."""

from collections.abc import Sequence

from dynviz.charts.numbers import significant
from dynviz.reporting.courses import MOVED, OVERLAP
from dynviz.reporting.document import ChannelValue, Claim, Expectation, Quantity
from dynviz.reporting.verdicts import Finding
from dynviz.scene.ticks import THIN

OVER = {
    "last": "the last",
    "first": "the first",
    "mean": "the mean",
    "median": "the median",
    "min": "the lowest",
    "max": "the highest",
    "std": "the standard deviation over the steps of",
    "gain": "the gain of",
    "falls-to": "the first step at or below {threshold} of",
    "rises-to": "the first step at or above {threshold} of",
    "step-of-min": "the step of the lowest",
    "step-of-max": "the step of the highest",
    "change": "the relative change of",
    "roughness": "the mean difference between successive samples of",
    "setback": "the largest rise above the lowest so far of",
    "order": "the slope over the steps, on log axes, of",
    "at": "at step {step}:",
    MOVED: "the relative distance between the first and the last",
    OVERLAP: "the mean squared cosine between the first and the last space of",
}
COMPONENTS = {
    "std": "standard deviation of ",
    "norm": "length of ",
    "min": "smallest component of ",
    "max": "largest component of ",
    "mean": "mean of ",
    "sum": "sum of ",
    "top-quarter": "share of the top quarter of ",
    "eigen-top-quarter": "share of the top quarter of the eigenvalues of ",
    "hill": "Hill's tail index of ",
    "participation": "participation ratio of ",
    "evenness": "smallest over largest component of ",
}
JOINED = {"times": " times ", "minus": " minus ", "per": " over "}


def quantity_in_words(quantity: Quantity, *, arrays: bool = False) -> str:
    """What is measured.

    >>> quantity_in_words(Quantity(run="r", optimizer="adam", channel="loss", over="mean", part=(0.9, 1.0)))
    'the mean loss of adam in r, from 90 to 100 % of the steps'
    """
    if quantity.calculate:
        numbers = ", ".join(f"{name} {significant(value)}" for name, value in quantity.arguments.items())
        return f"{quantity.calculate.replace('-', ' ')} ({numbers})"
    options = [f"{name}={value}" for name, value in quantity.where.items()]
    options += [f"the {quantity.choose} median of all settings"] if quantity.choose else []
    of = f" of {quantity.optimizer}" if quantity.optimizer else ""
    run = f"{of} in {quantity.run}" + (f" ({', '.join(options)})" if options else "")
    if quantity.measure:
        return f"{quantity.measure.replace('-', ' ')}{run}"
    core = _component(ChannelValue(quantity.channel, quantity.of, quantity.entry))
    for name, between in JOINED.items():
        part = getattr(quantity, name)
        core += f"{between}{_component(part)}" if part else ""
    if arrays:
        return f"all components of the last {core}{run}"
    over = OVER[quantity.over].format(step=quantity.step, threshold=quantity.threshold)
    low, high = (significant(100 * share) for share in quantity.part)
    part = f", from {low} to {high} % of the steps" if quantity.part != (0.0, 1.0) else ""
    return f"{over} {core}{run}{part}"


def _component(value: ChannelValue) -> str:
    entry = f"[{', '.join(map(str, value.entry))}]" if value.entry else ""
    return f"{COMPONENTS[value.of] if value.of else ''}{value.channel.replace('_', ' ')}{entry}"


def measured_in_words(claim: Claim) -> str:
    """What a claim is about: one number, or how two compare."""
    assert claim.value is not None
    arrays = claim.compare == "distance"
    value = quantity_in_words(claim.value, arrays=arrays)
    if claim.against is None:
        return value
    against = quantity_in_words(claim.against, arrays=arrays)
    return {
        "difference": f"{value}, minus {against}",
        "ratio": f"{value}, over {against}",
        "distance": f"relative distance between {value}, and {against}",
    }[claim.compare]


def expectation_in_words(expect: Expectation, unit: str = "") -> str:
    """The numbers that agree with a claim.

    >>> expectation_in_words(Expectation(above=1, below=2)), expectation_in_words(Expectation(equals=3, tolerance=1))
    ('above 1 and below 2', '3 ± 1')
    """
    after = f" {unit}" if unit else ""
    if expect.equals is not None:
        around = f" ± {significant(expect.tolerance)}" if expect.tolerance else ""
        return f"{significant(expect.equals)}{around}{after}"
    levels = (("above", expect.above), ("below", expect.below))
    return " and ".join(f"{word} {significant(level)}" for word, level in levels if level is not None) + after


def effect_in_words(finding: Finding) -> str:
    """The measured number with its interval; empty if there is none."""
    effect = finding.effect
    if effect is None:
        return ""
    unit = f" {finding.claim.unit}" if finding.claim.unit else ""
    if effect.low == effect.high:
        return f"{significant(effect.value)}{unit}"
    return f"{significant(effect.value)}{unit} ({significant(effect.low)} to {significant(effect.high)})"


def seeds_in_words(seeds: Sequence[int]) -> str:
    """Seeds as people list them.

    >>> seeds_in_words([0, 1, 2, 3]), seeds_in_words([42]), seeds_in_words([1, 5])
    ('0 to 3', '42', '1, 5')
    """
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))


def plain_spaces(text: str) -> str:
    """The text with the thin spaces of numbers as plain ones, for files that are searched."""
    return text.replace(THIN, " ")
