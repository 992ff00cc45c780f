"""Matrix sensing: the published learning rates, carried over to other sizes, scales and rules."""

import math
from typing import Any

from dynviz.scenarios._sensing_models import Setting


def protocol(model: str, setting: Setting, steps: int, *, warmup: bool) -> dict[str, dict[str, Any]]:
    """What each rule gets: with these T is learned at least in part, and nothing diverges.

    Args:
        model: What learns.
        setting: Its sizes.
        steps: Of the run.
        warmup: Whether rates begin at a tenth and rise over .45 of the steps, SGD's to four times as much.
    """
    found = _products(setting, steps) if model in ("linear", "deep") else _nets(model, setting, steps)
    if not warmup:
        return found
    return {name: _warm(given, steps, 4 if name in ("sgd", "asgd") else 1) for name, given in found.items()}


def _warm(given: dict[str, Any], steps: int, times: int) -> dict[str, Any]:
    rate = given["lr"] if times == 1 else times * given["lr"]
    return {**given, "lr": f"{rate}*ramp(0.1,1,{max(1, round(0.45 * steps))})"}


def _careful(descent: float, stride: float, steps: int) -> dict[str, Any]:
    """RAdam's first five steps grow with the gradient, later ones are Adam's: its rate goes from SGD's to Adam's."""
    return {"lr": f"exponential({descent!r},{stride!r},{max(100, steps // 20)})"}


def _products(setting: Setting, steps: int) -> dict[str, dict[str, Any]]:
    """Rates of products of matrices.

    Curvature grows with gamma, so SGD's rate falls with it; Adam does not see how large the gradient is, and has to
    go as far as the weights, whose scale is the root of gamma. The powers of d were found by trial from 64 to 256,
    the factors of other rules at 64.
    """
    d, gamma, batch = setting.d, setting.gamma, setting.batch
    stride = 2e-3 * math.pow(256 / d, 2) * math.pow(gamma / 100, 0.5)
    if setting.depth == 1:
        # That of the bound: |x1 - x*| / (B sqrt(K)).
        descent = 1 / math.sqrt((batch * (d + 2) ** 2 + batch * (batch - 1)) * steps)
    else:
        longer = 1.0 if setting.depth == 2 else 0.2
        descent = longer * 2e-8 * math.pow(256 / d, 2.5) * (100 / gamma)
    # NAG-GS divides by mu and gamma; a step of its velocity is twice as long as one of SGD.
    stiff = {"lr": 0.1, "mu": 0.05 / descent, "gamma": 0.05 / descent}
    growing = {name: {"lr": descent} for name in ("sgd", "asgd")} | {"radam": _careful(descent, stride, steps)}
    others = {"lion": 0.1, "signsgd": 1.5, "muon": 3.0, "*": 1.0}
    return {**growing, "nag-gs": stiff, **{name: {"lr": times * stride} for name, times in others.items()}}


def _nets(model: str, setting: Setting, steps: int) -> dict[str, dict[str, Any]]:
    """Rates of nets, published at d = 1024 for one rule each; the others', and those of other sizes, are derived.

    SGD's go by the curvature of the summed loss, Adam's by the size of the weights.
    """
    d, gamma, batch = setting.d, setting.gamma, setting.batch
    descent = 2.5e-8 * math.pow(1024 / d, 2.5) * (0.04 / gamma) * (256 / batch)
    stride = 6e-4 * math.sqrt(1024 / d)
    momentum = {"momentum": 0.9} if model == "cnn" else {}
    if model == "transformer":
        # Nothing divides the gradient of its first layers before the normalisation that follows.
        descent *= 0.01
    growing = {"asgd": {"lr": descent}, "radam": _careful(descent, stride, steps)}
    signs = {name: {"lr": 0.1 * stride} for name in ("lion", "signsgd")}
    return {"sgd": {"lr": descent, **momentum}, **growing, **signs, "*": {"lr": stride}}
