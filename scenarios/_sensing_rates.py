"""Matrix sensing: the published learning rates, carried over to other sizes, scales and rules."""

import math
from typing import Any

from dynviz.scenarios._sensing_measures import Learner
from dynviz.scenarios._sensing_models import LINEAR, Setting

STABLE = 1.1
"""SGD's rate times the steepness of a sample's loss, at most: from 1.5 on some lanes diverge, from 2.2 on all."""
WARM = 4
"""How many times as much SGD's rate may be once it was warmed up."""


def protocol(learner: Learner, setting: Setting, steps: int, *, init: float, warmup: bool) -> dict[str, dict[str, Any]]:
    """What each family of rules gets: nothing diverges, and T is learned at least in part, of transformers not by SGD.

    Args:
        learner: What learns, and from what.
        setting: Its sizes.
        steps: Of the run.
        init: Scale of the initial weights.
        warmup: Whether rates begin at a tenth and rise over 0.45 of the steps, SGD's to four times as much, of products
            to no more than is stable.
    """
    products = learner.model in LINEAR
    # A gradient of the cross-entropy is about one over the unit, where that of a square is about the unit.
    flat = learner.unit**2 if learner.kind == "classification" else 1.0
    limit = flat * STABLE / _steepness(setting, init) if products else math.inf
    rates = _products(setting, steps, limit, flat) if products else _nets(learner.model, setting, steps, flat)
    if not warmup:
        return rates
    peak = {"growing": min(WARM * rates["growing"]["lr"], limit)}
    rise = f"ramp(0.1,1,{max(1, round(0.45 * steps))})"
    return {family: {**given, "lr": f"{peak.get(family, given['lr'])}*{rise}"} for family, given in rates.items()}


def _steepness(setting: Setting, init: float) -> float:
    """The squared gradient of a^T W1 W2 ... b that a step of SGD meets in the end, once W1 W2 ... is T.

    Of layer l it is |W1 ... a|^2 |... b|^2 of the layers before and behind. Each of them is what it was drawn as, and
    beside that the root of T of its depth, in as many directions as T has. Of more samples a step goes along their
    common direction, too, in which the product is as steep as T is large.
    """
    d, rank, depth = setting.d, setting.rank, setting.depth
    size = setting.gamma * d

    def square(layers: int) -> float:
        drawn: float = d * math.pow(init, 2 * layers)
        learned: float = rank * math.pow(size, 2 * layers / depth) if layers else 0.0
        return drawn + learned

    one = sum(square(layer) * square(depth - 1 - layer) for layer in range(depth))
    together = depth * math.pow(size, 2 - 2 / depth) if depth > 1 else 1.0
    # Squares of normal numbers are correlated with themselves: (d + 2)^2 in place of d^2.
    steepness: float = one * math.pow(1 + 2 / d, 2) + (setting.batch - 1) * together
    return steepness


def _careful(descent: float, stride: float, steps: int) -> dict[str, Any]:
    """The first steps of a rectified rule grow with the gradient, later ones are Adam's: its rate rises to Adam's."""
    return {"lr": f"exponential({descent!r},{stride!r},{max(20, steps // 20)})"}


def _rectified(step: int) -> float:
    """By what RAdam multiplies Adam's step at a step of a run, with the usual mean square; see that rule."""
    keep, limit = math.pow(0.999, step), 1999.0
    length = max(6.0, limit - 2 * step * keep / (1 - keep))
    return math.sqrt((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length))


def _products(setting: Setting, steps: int, limit: float, flat: float) -> dict[str, dict[str, Any]]:
    """Rates of products of matrices; `flat` says how many times as long a step may be as for half a square.

    Curvature grows with gamma, so SGD's rate falls with it; Adam does not see how large the gradient is, and has to
    go as far as the weights, whose scale is the root of gamma. The powers of d were found by trial from 64 to 256,
    the factors of other rules at 64.
    """
    d, gamma, batch = setting.d, setting.gamma, setting.batch
    stride = 2e-3 * math.pow(256 / d, 2) * math.pow(gamma / 100, 0.5)
    if setting.depth == 1:
        # That of the bound: |x1 - x*| / (B sqrt(K)).
        descent = flat / math.sqrt((batch * (d + 2) ** 2 + batch * (batch - 1)) * steps)
    else:
        descent = min(flat * 2e-8 * math.pow(256 / d, 2.5) * (100 / gamma), limit)
    return {
        "growing": {"lr": descent},
        "rectified": _careful(descent, stride, steps),
        # A step of its velocity is twice as long as one of SGD.
        "stiff": {"lr": 0.1, "mu": 0.05 / descent, "gamma": 0.05 / descent},
        "signed-momentum": {"lr": 0.1 * stride},
        "orthogonal": {"lr": 3 * stride},
        "*": {"lr": stride},
    }


def _nets(model: str, setting: Setting, steps: int, flat: float) -> dict[str, dict[str, Any]]:
    """Rates of nets, published at d = 1024 for one rule each; the others', and those of other sizes, are derived.

    SGD's go by the curvature of the summed loss, of small batches by that of a sample: fewer of them allow no larger
    steps. Adam's go by the size of the weights.
    """
    d, gamma = setting.d, setting.gamma
    descent = flat * 2.5e-8 * math.pow(1024 / d, 2.5) * (0.04 / gamma) * min(1.0, 256 / setting.batch)
    stride = 6e-4 * math.sqrt(1024 / d)
    momentum = {"momentum": 0.9} if model == "cnn" else {}
    if model == "transformer":
        # Nothing divides the gradient of its first layers before the normalisation that follows.
        descent *= 0.01
    # Nets are trained for so few steps that RAdam, which trusts its mean square by and by, would hardly move.
    return {
        "growing": {"lr": descent, **momentum},
        "rectified": _careful(descent, stride / _rectified(max(6, steps // 2)), steps),
        "signed-momentum": {"lr": 0.1 * stride},
        "*": {"lr": stride},
    }
