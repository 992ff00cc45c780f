"""What the steps of torch.optim's classes add up from, told from their state after a step.

The equations are those that the documentation of each class prints; the names of terms are those of our own rules.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor

from dynviz.frozen import frozen
from dynviz.rule import Terms


@frozen(kw_only=True)
class TakenStep:
    """One step of one parameter, or of some of its numbers.

    Attributes:
        theta: Before the step.
        gradient: Of the step; turned where the class maximizes.
        group: The options of the parameter's group.
        state: Tensors of the optimizer's state after the step that have the parameter's shape, by name.
        numbers: Numbers of that state, such as `step`.
        first: Whether the parameter had no state before.
    """

    theta: Tensor
    gradient: Tensor
    group: Mapping[str, Any]
    state: Mapping[str, Tensor]
    numbers: Mapping[str, float]
    first: bool

    @property
    def t(self) -> float:
        """The number of the step, from 1."""
        return self.numbers["step"]

    def option(self, name: str) -> float:
        """A number of the group, 0 where it has none."""
        return float(self.group.get(name) or 0)


TermsOf: TypeAlias = Callable[[TakenStep], Terms]


def _pulled(step: TakenStep) -> Terms:
    """The parts of a gradient to which a coupled decay has been added."""
    decay = step.option("weight_decay")
    return {"gradient": step.gradient, **({"decay": decay * step.theta} if decay else {})}


def _smoothed(step: TakenStep, scale: Tensor | float, kept: Tensor, fresh: float, *, decoupled: bool) -> Terms:
    """The terms of `scale` times a running mean of gradients, of which `fresh` is the newest gradient's share."""
    parts = {"gradient": step.gradient} if decoupled else _pulled(step)
    newest = {name: fresh * part for name, part in parts.items()}
    terms = {name: scale * part for name, part in newest.items()}
    terms["momentum"] = scale * (kept - sum(newest.values(), torch.zeros_like(kept)))
    if decoupled and step.option("weight_decay"):
        terms["decay"] = -step.option("lr") * step.option("weight_decay") * step.theta
    return terms


def _adam(step: TakenStep) -> Terms:
    beta1, beta2 = map(float, step.group["betas"])
    second = step.state["max_exp_avg_sq" if step.group.get("amsgrad") else "exp_avg_sq"]
    root = second.sqrt() / math.sqrt(1 - beta2**step.t) + step.option("eps")
    scale = -step.option("lr") / (1 - beta1**step.t) / root
    decoupled = bool(step.group.get("decoupled_weight_decay"))
    return _smoothed(step, scale, step.state["exp_avg"], 1 - beta1, decoupled=decoupled)


def _adamax(step: TakenStep) -> Terms:
    beta1 = float(step.group["betas"][0])
    scale = -step.option("lr") / (1 - beta1**step.t) / step.state["exp_inf"]
    return _smoothed(step, scale, step.state["exp_avg"], 1 - beta1, decoupled=False)


def _nadam(step: TakenStep) -> Terms:
    beta1, beta2 = map(float, step.group["betas"])
    root = (step.state["exp_avg_sq"] / (1 - beta2**step.t)).sqrt() + step.option("eps")
    decay = step.option("momentum_decay")
    mean, ahead = (beta1 * (1 - 0.5 * 0.96 ** (at * decay)) for at in (step.t, step.t + 1))
    product = step.numbers["mu_product"]
    scale = -step.option("lr") / root
    decoupled = bool(step.group.get("decoupled_weight_decay"))
    terms = _smoothed(
        step, scale * (ahead / (1 - product * ahead)), step.state["exp_avg"], 1 - beta1, decoupled=decoupled
    )
    for name, part in ({"gradient": step.gradient} if decoupled else _pulled(step)).items():
        terms[name] = terms[name] + scale * ((1 - mean) / (1 - product)) * part
    return terms


def _radam(step: TakenStep) -> Terms:
    beta1, beta2 = map(float, step.group["betas"])
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * step.t * beta2**step.t / (1 - beta2**step.t)
    scale: Tensor | float = -step.option("lr") / (1 - beta1**step.t)
    if length > 5:
        rectified = math.sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
        root = step.state["exp_avg_sq"].sqrt() + step.option("eps")
        scale = scale * rectified * math.sqrt(1 - beta2**step.t) / root
    decoupled = bool(step.group.get("decoupled_weight_decay"))
    return _smoothed(step, scale, step.state["exp_avg"], 1 - beta1, decoupled=decoupled)


def _sgd(step: TakenStep) -> Terms:
    lr, momentum = step.option("lr"), step.option("momentum")
    parts = _pulled(step)
    if not momentum:
        return {name: -lr * part for name, part in parts.items()}
    fresh = 1.0 if step.first else 1 - step.option("dampening")
    pull = sum(parts.values(), torch.zeros_like(step.theta))
    kept = step.state["momentum_buffer"] - fresh * pull
    ahead = 1 + momentum * fresh if step.group.get("nesterov") else fresh
    terms = {name: -lr * ahead * part for name, part in parts.items()}
    return {**terms, "momentum": -lr * (momentum * kept if step.group.get("nesterov") else kept)}


def _rmsprop(step: TakenStep) -> Terms:
    square = step.state["square_avg"]
    if step.group.get("centered"):
        square = square - step.state["grad_avg"].square()
    root, lr = square.sqrt() + step.option("eps"), step.option("lr")
    scaled = {name: part / root for name, part in _pulled(step).items()}
    terms = {name: -lr * part for name, part in scaled.items()}
    if step.option("momentum"):
        pull = sum(scaled.values(), torch.zeros_like(root))
        terms["momentum"] = -lr * (step.state["momentum_buffer"] - pull)
    return terms


def _adagrad(step: TakenStep) -> Terms:
    lr = step.option("lr") / (1 + (step.t - 1) * step.option("lr_decay"))
    root = step.state["sum"].sqrt() + step.option("eps")
    return {name: -lr * part / root for name, part in _pulled(step).items()}


KNOWN: dict[type, TermsOf] = {
    torch.optim.Adam: _adam,
    torch.optim.AdamW: _adam,
    torch.optim.Adamax: _adamax,
    torch.optim.NAdam: _nadam,
    torch.optim.RAdam: _radam,
    torch.optim.SGD: _sgd,
    torch.optim.RMSprop: _rmsprop,
    torch.optim.Adagrad: _adagrad,
}
"""The classes whose terms are known; a subclass may do something else."""
