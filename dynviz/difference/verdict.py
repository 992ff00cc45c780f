"""What a comparison came to, in words and as a tree."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from dynviz.difference import conventions
from dynviz.difference.candidates import candidate
from dynviz.difference.families import Trace
from dynviz.difference.gradients import Gradients
from dynviz.difference.orthogonal import explained
from dynviz.difference.side_by_side import Difference, SideBySide, growth
from dynviz.difference.ulps import FAR

PLAIN, FAR_MORE = 8.0, 8.0
"""Roundings of a parameter that its own precision explains, and how many times as many tell two sides apart."""


def reasons(texts: tuple[str, str], gradients: Gradients) -> list[str]:
    """Known conventions by which two optimizers differ, a line each; empty where none of them explains it.

    Args:
        texts: As they were asked for.
        gradients: Where gradients come from.
    """
    traces = [_trace(text, gradients, gradients.start.dtype) for text in texts]
    lines = conventions.valued_apart([trace.values for trace in traces])
    apart = conventions.told_apart(traces)
    exact = traces
    if gradients.start.dtype != torch.float64:
        exact = [_trace(text, gradients, torch.float64) for text in texts]
        # Rounding may hide what a side is.
        apart = conventions.told_apart(exact) if apart is None else apart
    if apart is None:
        lines += explained(texts)
    else:
        lines += [f"{name}: {one} in A, {other} in B" for name, one, other in apart]
    if not apart:
        lines += _precision(traces, exact)
    if not lines and apart is not None:
        return [f"none in the first {conventions.STEPS} steps: both follow one rule, and round otherwise"]
    return lines


def _trace(text: str, gradients: Gradients, dtype: torch.dtype) -> Trace:
    theta = gradients.start.to(dtype)
    side = candidate(text, gradients.layout, theta)
    theta = theta.clone()
    rows, slopes = [theta.double().numpy()], []
    for step in range(1, min(conventions.STEPS, gradients.steps) + 1):
        # At the beginning, so that both sides get the same.
        slope = gradients.at(step, gradients.start)
        theta, _ = side.step(theta, slope.to(dtype, copy=True), step)
        rows.append(theta.double().numpy())
        slopes.append(slope.double().numpy())
    return Trace(
        theta=np.array(rows),
        gradients=np.array(slopes),
        values=conventions.hyperparameters(side.values),
        eps=torch.finfo(dtype).eps,
        shapes=dict(gradients.layout.shapes),
    )


def _precision(traces: Sequence[Trace], exact: Sequence[Trace]) -> Iterator[str]:
    """Whether one side alone computes its steps in more than the precision of the parameters."""
    errors = []
    for trace, same in zip(traces, exact, strict=True):
        size = np.abs(same.theta).max(axis=0) * trace.eps
        errors.append(float((np.abs(trace.theta - same.theta) / np.where(size == 0, 1, size)).max()))
    rounded = [error > PLAIN for error in errors]
    if rounded[0] != rounded[1] and max(errors) > FAR_MORE * min(errors):
        told = ["all of a step is rounded" if one else "parameters alone are rounded" for one in rounded]
        yield f"precision: {told[0]} in A, {told[1]} in B"


def lines(comparison: SideBySide, names: tuple[str, str], *, free: bool) -> Iterator[str]:
    """What is to be said, a line each."""
    yield from comparison.notes
    if comparison.first is None:
        yield f"equal over {comparison.steps} steps"
        return
    yield f"first difference: {_told(comparison.first, names)}"
    for what, differing in (("term", comparison.term), ("state tensor", comparison.state)):
        if differing:
            yield f"first {what} that differs: {differing[0]}, at step {differing[1]}"
    if comparison.largest is not None and comparison.largest != comparison.first:
        yield f"largest difference: {_told(comparison.largest, names)}"
    if free and comparison.gaps:
        shares = "  ".join(f"{step}: {gap:.1e}" for step, gap in growth(comparison.gaps))
        yield f"largest gap up to a step, as a share of the largest parameter: {shares}"


def _told(difference: Difference, names: tuple[str, str]) -> str:
    index = f"[{', '.join(map(str, difference.index))}]" if difference.index else ""
    sides = ", ".join(f"{name} {value!r} ({value.hex()})" for name, value in zip(names, difference.values, strict=True))
    far = (
        "one is NaN" if difference.ulps >= FAR else f"{difference.ulps} ulp{'s' if difference.ulps != 1 else ''} apart"
    )
    return f"step {difference.step}, {difference.what}{index}: {sides}; {far}, {difference.relative:.1e} of the value"


def tree(comparison: SideBySide, conventions_found: list[str]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "equal": comparison.first is None,
        "steps": comparison.steps,
        "first": _tree(comparison.first),
        "largest": _tree(comparison.largest),
        "term": comparison.term,
        "state": comparison.state,
        "conventions": conventions_found,
        "notes": comparison.notes,
        "gaps_of": comparison.gaps_of,
        "gap_steps": comparison.gap_steps,
        "gaps": comparison.gaps,
    }


def _tree(difference: Difference | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    return {**asdict(difference), "hex": [value.hex() for value in difference.values]}
