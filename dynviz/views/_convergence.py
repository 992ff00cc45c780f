"""What is found of the convergence of runs, in words."""

from collections.abc import Iterator, Sequence

from dynviz.charts.numbers import percent, significant
from dynviz.detection.convergence import Convergence, Level, LossConvergence
from dynviz.detection.falling import Falling
from dynviz.detection.stationarity import AGREE, Stationarity
from dynviz.text import clean


def sentences(label: str, convergence: Convergence) -> list[str]:
    """Answers: whether loss and parameters have converged, how fast they do, whether seeds agree, how good it is.

    Args:
        label: Of the recording.
        convergence: What is found of it.
    """
    lanes, lost = len(convergence.lanes), convergence.lost
    if not lanes:
        return [clean(f"{label}: diverged")]
    unsettled = (f"the {_words(name)} has not ({_change(one)})" for name, one in convergence.unsettled.items())
    clauses = [_loss(convergence.loss), *unsettled, *_parameters(convergence)]
    seeds = f" ({lanes} seeds)" if lanes > 1 else ""
    lines = [f"{label}{seeds}: {'; '.join(clauses)}", *map(_memory, convergence.parameters)]
    if convergence.levels:
        levels = ", ".join(_level(level, lanes) for level in convergence.levels)
        lines.append(f"from step {significant(convergence.levels[0].since, 9)} on: {levels}")
    if lost:
        lines.append(f"{lost} of {lanes + lost} seeds diverged and {'is' if lost == 1 else 'are'} left out")
    return [clean(line) for line in lines]


def _loss(loss: LossConvergence | None) -> str:
    if loss is None:
        return "there are too few samples to tell whether the loss has converged"
    if loss.since is not None:
        return f"the loss has converged{_since(loss.since)}"
    return f"the loss has not converged ({_change(loss)})"


def _change(loss: LossConvergence) -> str:
    if loss.gap <= loss.chance or abs(loss.change) >= 0.01:
        return f"it {'falls' if loss.change < 0 else 'rises'} by {_rate(loss.change)}"
    return f"means of blocks differ by {significant(loss.gap, 2)}; noise explains {significant(loss.chance, 2)}"


def brief(loss: LossConvergence) -> str:
    """Whether a loss has converged, in a few words."""
    if loss.since is not None:
        return f"converged{_since(loss.since)}"
    return f"{'falls' if loss.change < 0 else 'rises'} by {_rate(loss.change)}"


def brief_of(part: Stationarity, *, numbers: bool) -> str:
    """Whether parameters have converged in distribution, in a few words, and their half-life and R-hat."""
    s = "" if _plural(part.name) else "s"
    if part.falling is not None and not (part.since is not None and part.enough):
        found = f"converge{s} as lr falls"
    elif part.since is None:
        found = _motion(part).partition(" ")[2] if part.growth else _motion(part)
    else:
        found = f"converged{_since(part.since)}" if part.enough else "too short to judge"
    return f"{found}, half-life {significant(part.half_life)}, R-hat {part.rhat:.2f}" if numbers else found


def _since(step: int) -> str:
    return f" since step {significant(step, 9)}" if step else " from the start"


def _parameters(convergence: Convergence) -> Iterator[str]:
    settled = convergence.loss is not None and convergence.loss.since is not None
    for part in convergence.parameters:
        name, has = f"the {_words(part.name)}", "have" if _plural(part.name) else "has"
        if part.falling is not None and not (part.since is not None and part.enough):
            yield f"{name} {_falling(part.falling, _plural(part.name))}"
        elif part.since is None:
            yield f"{name} {has} not{'' if settled else ' either'} ({_motion(part)})"
        elif part.enough:
            yield f"{name} {has} converged in distribution{_since(part.since)}"
        else:
            times = f"{significant(part.times, 2)} of {'their' if _plural(part.name) else 'its'} autocorrelation times"
            yield f"{name} cannot be judged: the run is only {times} long"


def _falling(part: Falling, plural: bool) -> str:  # noqa: FBT001
    """How parameters converge while the rate falls; with a spread of the root of the rate they keep up with it."""
    s, its = ("", "their") if plural else ("s", "its")
    power = f"lr^{part.exponent:.2f}, {part.low:.2f} to {part.high:.2f}"
    if part.follows:
        return f"converge{s} as lr falls ({its} spread as the root of lr: {power})"
    how = "more slowly" if part.exponent < 0.5 else "faster"
    return f"converge{s} as lr falls ({its} spread {how} than the root of lr: {power})"


def _motion(part: Stationarity) -> str:
    it = "they" if _plural(part.name) else "it"
    s = "" if _plural(part.name) else "s"
    if part.growth:
        return f"{it} {'shrink' if part.growth < 0 else 'grow'}{s} by {_rate(part.growth)}"
    if part.spread:
        its = "their" if _plural(part.name) else "its"
        return f"{its} spread {'falls' if part.spread < 0 else 'grows'} by {_rate(part.spread)}"
    size = "their size" if _plural(part.name) else "its size"
    return f"{it} move{s} by {percent_of(part.motion)} of {size} per 100 steps"


def _memory(part: Stationarity) -> str:
    time, half = (significant(steps, 2) for steps in (part.time, part.half_life))
    words = f"{_words(part.name)}: autocorrelation time {time} steps, half-life {half}"
    if part.rhat <= AGREE:
        agree = ", seeds agree" if part.rhat != part.rhat_alone else ""
        return f"{words}; R-hat {part.rhat:.2f}{agree}"
    if part.rhat_alone <= AGREE:
        alone = f"{part.rhat_alone:.2f} in each seed alone"
        return f"{words}; R-hat {part.rhat:.2f}, {alone}: seeds differ, or the run is too short"
    return f"{words}; R-hat {part.rhat:.2f}"


def _level(level: Level, lanes: int) -> str:
    spread = f" ({significant(level.low)} to {significant(level.high)} over seeds)" if lanes > 1 else ""
    return f"{level.channel} {significant(level.mean)} ± {significant(level.error, 2)}{spread}"


def _rate(change: float) -> str:
    return f"{percent_of(change)} per 100 steps"


def percent_of(share: float) -> str:
    """A share without its sign, in percent, small ones with the digits that they need."""
    return percent(abs(share)) if abs(share) >= 1e-3 else f"{significant(100 * abs(share), 1)} %"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _plural(name: str) -> bool:
    return name.endswith("s") and not name.endswith(("as", "is", "ss", "us"))


def answers(labels: Sequence[str], results: Sequence[Convergence]) -> list[str]:
    """The sentences of several recordings, the further ones of each indented."""
    return [
        line if not place else f"  {line}"
        for label, convergence in zip(labels, results, strict=True)
        for place, line in enumerate(sentences(label, convergence))
    ]
