"""Optimizers of the `pytorch_optimizer` collection, by name: `zoo.Lion`."""

import functools
import importlib
import importlib.util
import inspect
import warnings
from typing import Any

from dynviz.errors import DynvizError, unknown
from dynviz.plugins.options import MISSING, Option

PREFIX = "zoo."
PACKAGE = "pytorch_optimizer"


def check(name: str) -> None:
    """Check that the collection is installed, without importing it.

    Raises:
        DynvizError: It is not installed.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        raise DynvizError(
            f"{name} is part of {PACKAGE}, which is not installed; install it with: pip install 'dynviz[zoo]'"
        )


@functools.cache
def names() -> dict[str, Any]:
    """Every optimizer of the collection by name, sorted.

    Raises:
        DynvizError: The collection is not installed.
    """
    check("zoo")
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = importlib.import_module(PACKAGE)
    return {
        name: value
        for name, value in sorted(vars(module).items(), key=lambda item: item[0].lower())
        if isinstance(value, type) and issubclass(value, torch.optim.Optimizer)
    }


def summaries() -> list[tuple[str, str]]:
    """The name of each optimizer with its summary, or why it is unsupported."""
    rows = []
    for name, target in names().items():
        reason = refusal(target)
        rows.append((PREFIX + name, f"({reason})" if reason else summary(target)))
    return rows


def summary(target: Any) -> str:
    """The first line of a class's docstring, plus a note on which sequence is recorded if there are two."""
    lines = (inspect.getdoc(target) or "").strip().split("\n", 1)
    line = lines[0]
    return f"{line} {SEQUENCE}".strip() if two_sequences(target) else line


SEQUENCE = "Recorded are the parameters at which gradients are taken (train mode), not their average (eval mode)."


def two_sequences(target: Any) -> bool:
    """Whether it trains one sequence of parameters but returns another, and so has `train()` and `eval()`."""
    return callable(getattr(target, "train", None)) and callable(getattr(target, "eval", None))


def find(name: str) -> tuple[str, Any]:
    """The proper name and the class of `zoo.NAME`, ignoring case.

    Raises:
        DynvizError: The collection is not installed, has no such optimizer, or the optimizer is unsupported.
    """
    there = names()
    short = name.removeprefix(PREFIX)
    proper = {candidate.lower().replace("-", ""): candidate for candidate in there}.get(
        short.lower().replace("-", "").replace("_", "")
    )
    if proper is None:
        raise _unknown(short, list(there))
    reason = refusal(there[proper])
    if reason:
        raise DynvizError(f"{PREFIX}{proper} {reason}")
    return PREFIX + proper, there[proper]


def settable(known: dict[str, Option]) -> dict[str, Option]:
    """The options whose values can be written and recorded; others, such as a dtype, keep their defaults."""
    return {name: option for name, option in known.items() if _plain(option.default)}


def refusal(target: Any) -> str:
    """Why an optimizer class is unsupported, judging by its signatures; empty if it is supported."""
    wanted = inspect.signature(target).parameters
    first = next(iter(wanted), "")
    if first == "optimizer" or "base_optimizer" in wanted:
        return "wraps another optimizer; dynviz runs optimizers that take only parameters"
    if first == "model":
        return "takes the whole model, as an nn.Module; dynviz runs optimizers that take only parameters"
    step = inspect.signature(target.step).parameters
    if "hessian" in step:
        return "needs second derivatives (it differentiates the gradients); dynviz gives it only gradients"
    more = [name for name in list(step)[1:] if name != "closure"]
    if more:
        return f"takes {', '.join(more)} at each step; dynviz gives it only gradients"
    return ""


def _plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(_plain(item) for item in value)
    return value is MISSING or value is None or isinstance(value, bool | int | float | str)


def _unknown(short: str, there: list[str]) -> DynvizError:
    # Listing every name would fill the screen; the suggestion ignores case.
    lower = {name.lower(): name for name in there}
    hint = str(unknown("optimizer", short.lower(), lower)).partition("did you mean '")[2].partition("'")[0]
    near = f"; did you mean '{PREFIX}{lower[hint]}'?" if hint else "."
    return DynvizError(
        f"no optimizer in {PACKAGE} named {short!r}{near} `dynviz list optimizers zoo` prints all {len(there)}"
    )
