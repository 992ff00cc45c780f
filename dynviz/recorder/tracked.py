"""One optimizer of a script, seen through the hooks around its steps."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from dynviz.frozen import frozen
from dynviz.recorder.coordinates import Coordinates
from dynviz.recorder.singular_values import LargestSingularValues, channel
from dynviz.recorder.torch_terms import KNOWN, TakenStep
from dynviz.recorder.values import StepReports

MATRICES = 16
"""Singular values are followed of so many matrices, the largest."""
ROUNDING = 1e-3
"""Terms that leave less than this share of a step out add up to it but for rounding."""
COUNTERS = ("step", "mu_product")
"""Numbers in the state of torch.optim's classes; all else has the shape of the parameter."""
OTHER = "other"
STEP = "step"


@frozen(kw_only=True)
class BeforeStep:
    """What is kept from before a step in order to tell its terms."""

    theta: list[Tensor]
    gradient: list[Tensor | None]
    known: list[bool]


class TrackedOptimizer:
    """Samples the parameters of one optimizer around its steps.

    Attributes:
        optimizer: The script's.
        label: What its recording is called.
        parameters: The recorded parameters, by name.
        coordinates: Which of their numbers are recorded.
        steps: How many steps were made.
        terms: The names of the terms of its steps; told by the first step.
        reports: What the script says of the steps.
        diverged: Whether a loss was not finite.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, label: str, parameters: Mapping[str, Tensor], *, whole: bool
    ) -> None:
        self.optimizer, self.label = optimizer, label
        self.parameters = dict(parameters)
        self.coordinates = Coordinates(parameters, whole=whole)
        self.steps = 0
        self.terms: tuple[str, ...] = ()
        self.reports = StepReports()
        self.diverged = False
        self._terms_of = KNOWN.get(type(optimizer))
        self._groups = len(optimizer.param_groups)
        self._before: BeforeStep | None = None
        self._sample: dict[str, Any] = {}
        self._own_loss: Any = None
        self._evaluated = False
        matrices = {name: one for name, one in self.parameters.items() if one.ndim > 1 and one.numel()}
        largest = sorted(matrices, key=lambda name: -matrices[name].numel())[:MATRICES]
        self.spectra = {name: LargestSingularValues(one) for name, one in matrices.items() if name in largest}

    @property
    def tensors(self) -> list[Tensor]:
        """The parameters in order."""
        return list(self.parameters.values())

    def groups(self) -> dict[int, Mapping[str, Any]]:
        """The group of each parameter, by its id."""
        return {id(one): group for group in self.optimizer.param_groups for one in group["params"]}

    @property
    def expected_terms(self) -> tuple[str, ...]:
        """As many terms as steps are likely to have."""
        return ("gradient", "momentum", "decay", OTHER) if self._terms_of else (STEP,)

    def begin_step(self, *, sampled: bool, terms: bool) -> None:
        """A step is about to be made: take what is recorded before it.

        Args:
            sampled: Whether the state before it is recorded.
            terms: Whether its terms are.
        """
        self.reports.begin_step()
        self._own_loss = self._before = None
        self._evaluated = False
        self._sample = {"lr": self.learning_rates()}
        if sampled:
            self._sample |= {**self.state_sample(), **self.gradient_sample()}
        if terms or not self.terms:
            states = self.optimizer.state
            self._before = BeforeStep(
                theta=[self.coordinates.pick(place, one) for place, one in enumerate(self.tensors)],
                gradient=self._picked([one.grad for one in self.tensors]),
                known=[bool(states.get(one)) for one in self.tensors],
            )

    def end_step(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """A step was made: the samples of the state before it by channel, and its terms, where they were wanted."""
        self.reports.end_step()
        return self._sample, self._terms()

    def state_sample(self) -> dict[str, Tensor]:
        """Samples of the parameters as they are now, by channel."""
        spectra = {channel(name): follow.of(self.parameters[name]) for name, follow in self.spectra.items()}
        return {"parameters": self.coordinates.row(self.tensors), "weight_size": _lengths(self.tensors), **spectra}

    def gradient_sample(self) -> dict[str, Tensor]:
        """Samples of the gradient, by channel; NaN where a parameter has none."""
        gradients = [one.grad for one in self.tensors]
        lengths = torch.full((len(gradients),), math.nan)
        there = [(place, one) for place, one in enumerate(gradients) if one is not None]
        if there:
            lengths[[place for place, _ in there]] = _lengths([gradient for _, gradient in there])
        scale = self._scale()
        return {"gradient": self.coordinates.row(gradients) / scale, "gradient_size": lengths / scale}

    def _terms(self) -> dict[str, Tensor]:
        """The terms of the step that was made, in rows like the recorded parameters."""
        self.steps += 1
        if self._before is None:
            return {}
        before, self._before = self._before, None
        moved = [self.coordinates.pick(place, one) - before.theta[place] for place, one in enumerate(self.tensors)]
        whole = self._joined(moved)
        parts = self._parts(before) if self._terms_of else None
        if not self.terms:
            self.terms = (STEP,)
            told = [sum(part.values(), torch.zeros_like(move)) for part, move in zip(parts or (), moved, strict=False)]
            if parts is not None and not self._counts(whole - self._joined(told), whole, before):
                self.terms = (*dict.fromkeys(name for part in parts for name in part), OTHER)
        if self.terms == (STEP,):
            return {STEP: whole}
        nothing = [torch.zeros_like(move) for move in moved]
        # Where a step cannot be told apart, all of it is something else.
        parts = parts or [{} for _ in moved]
        rows = {
            name: self._joined([part.get(name, zeros) for part, zeros in zip(parts, nothing, strict=True)])
            for name in self.terms
        }
        rest = whole - sum(rows.values(), torch.zeros_like(whole))
        rows[OTHER] = rest if self._counts(rest, whole, before) else torch.zeros_like(rest)
        return rows

    def report(self) -> dict[str, float]:
        """The values of the step that was made last, see `StepReports`."""
        return self.reports.take(self._own_loss)

    def is_skipped(self) -> bool:
        """Whether the step that is about to be made will change nothing, as a GradScaler tells fused optimizers."""
        overflow = getattr(self.optimizer, "found_inf", None)
        return overflow is not None and bool(overflow)

    def see_pass(self) -> None:
        """A backward pass arrives at a parameter, whose gradient is still that of the passes before."""
        if self.reports.watchful:
            self.reports.watchful = False
            self.reports.see_pass(anew=self.reports.waiting and not any(map(_is_anywhere, self.tensors)))

    def learning_rates(self) -> list[float]:
        """The learning rate of each group that there was in the beginning."""
        return [float(group.get("lr", math.nan)) for group in self.optimizer.param_groups[: self._groups]]

    def _scale(self) -> float:
        """What a GradScaler multiplied gradients with that a fused step divides by again."""
        scale = getattr(self.optimizer, "grad_scale", None)
        return 1.0 if scale is None else float(scale)

    def _picked(self, gradients: list[Tensor | None]) -> list[Tensor | None]:
        scale = self._scale()
        return [
            None if gradient is None else self.coordinates.pick(place, gradient) / scale
            for place, gradient in enumerate(gradients)
        ]

    def watched(self, closure: Callable[[], Any]) -> Callable[[], Any]:
        """The closure; its first call in a step tells the loss and the gradient at the parameters before the step."""

        def evaluate() -> Any:
            loss = closure()
            if not self._evaluated:
                self._evaluated = True
                self._see_evaluated(loss)
            return loss

        return evaluate

    @torch.no_grad()
    def _see_evaluated(self, loss: Any) -> None:
        """A closure made the loss and the gradient after the step had begun."""
        if isinstance(loss, Tensor) and loss.numel() == 1:
            self._own_loss = loss.detach().clone()
        elif isinstance(loss, int | float):
            self._own_loss = loss
        if "gradient" in self._sample:
            self._sample |= self.gradient_sample()
        if self._before is not None:
            self._before = replace(self._before, gradient=self._picked([one.grad for one in self.tensors]))

    def _parts(self, before: BeforeStep) -> list[dict[str, Tensor]] | None:
        """The terms of each parameter's step."""
        assert self._terms_of is not None
        groups = self.groups()
        parts: list[dict[str, Tensor]] = []
        for place, parameter in enumerate(self.tensors):
            gradient, group = before.gradient[place], groups.get(id(parameter))
            state = self.optimizer.state.get(parameter, {})
            if gradient is None or group is None:
                parts.append({})
                continue
            like = {
                name: self.coordinates.pick(place, value)
                for name, value in state.items()
                if name not in COUNTERS and isinstance(value, Tensor) and value.shape == parameter.shape
            }
            numbers = {name: float(state[name]) for name in COUNTERS if name in state}
            step = TakenStep(
                theta=before.theta[place],
                gradient=-gradient if group.get("maximize") else gradient,
                group=group,
                state=like,
                numbers=numbers,
                first=not before.known[place],
            )
            try:
                parts.append(self._terms_of(step))
            except (KeyError, ValueError, ZeroDivisionError, OverflowError):
                return None
        return parts

    def _counts(self, rest: Tensor, whole: Tensor, before: BeforeStep) -> bool:
        """Whether what terms leave out of a step is more than rounding, of the terms or of the parameters."""
        eps = max((torch.finfo(one.dtype).eps for one in self.tensors), default=0.0)
        return bool(rest.norm() > ROUNDING * whole.norm() + eps * self._joined(before.theta).norm())

    def _joined(self, parts: list[Tensor]) -> Tensor:
        return torch.cat([part.to("cpu") for part in parts]) if parts else torch.empty(0)


def _is_anywhere(parameter: Tensor) -> bool:
    """Whether a parameter has a gradient that is not zero."""
    gradient = parameter.grad
    if gradient is None:
        return False
    return bool((gradient.coalesce().values() if gradient.is_sparse else gradient).any())


def _lengths(tensors: list[Tensor]) -> Tensor:
    values = [one.detach().coalesce().values() if one.is_sparse else one.detach() for one in tensors]
    if not values:
        return torch.empty(0)
    return torch.stack([length.to("cpu", torch.float32) for length in torch._foreach_norm(values)])
