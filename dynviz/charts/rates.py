"""Learning rates that follow a schedule, in words."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dynviz.charts.numbers import significant

CALL = re.compile(r"(\w+)\((.*)\)")


def in_words(settings: Sequence[Mapping[str, Any]]) -> list[dict[str, str]] | None:
    """The learning rates of recordings that differ in nothing else, some of which follow a schedule; None for others.

    >>> in_words([{"lr": 0.1}, {"lr": "exponential(0.1,0.005)"}])
    [{'lr': 'constant 0.1'}, {'lr': '0.1 falling to 0.005'}]

    Args:
        settings: The hyperparameters of each recording that were given.
    """
    rest = [{key: value for key, value in one.items() if key != "lr"} for one in settings]
    rates = [one.get("lr") for one in settings]
    if any(one != rest[0] for one in rest) or not any(isinstance(rate, str) for rate in rates):
        return None
    words = [schedule(rate) for rate in rates]
    return [{"lr": text} for text in words if text] if all(words) else None


def schedule(rate: Any) -> str:
    """A learning rate in words; empty for a schedule that they are not made for.

    >>> schedule(0.1), schedule("cosine(0.01)"), schedule("warmup(0.01,50) then cosine(0.01)")
    ('constant 0.1', '0.01 falling to 0', '')
    >>> schedule("inverse(0.1,1000)")
    '0.1 falling as 1/step'
    """
    if isinstance(rate, int | float):
        return f"constant {significant(float(rate), 4)}"
    call = CALL.fullmatch(str(rate).replace(" ", ""))
    try:
        numbers = [float(number) for number in call[2].split(",")] if call else []
    except ValueError:
        return ""
    if call is not None and call[1] == "inverse":
        return f"{significant(numbers[0], 4)} falling as 1/step"
    if call is None or call[1] not in ("cosine", "exponential", "ramp"):
        return ""
    if call[1] != "cosine" and len(numbers) < 2:
        return ""
    end = 0.0 if call[1] == "cosine" else numbers[1]
    way = "falling" if end < numbers[0] else "rising"
    return f"{significant(numbers[0], 4)} {way} to {significant(end, 4)}"
