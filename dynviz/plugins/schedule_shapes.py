"""The functions that schedules are built from: the value at step t, counted from 1."""

import math
from collections.abc import Callable
from decimal import Decimal, localcontext

DIGITS = 34
"""Of a growing rate: its error is raised to the number of the step, and in training that is unstable it grows on."""
GREATEST = 1e300
"""Above it a rate is no more: its product with anything would overflow."""
Shape = Callable[..., Callable[[int], float]]


def warmup(peak: float, steps: float) -> Callable[[int], float]:
    """Rises linearly from peak / steps at the first step to `peak` at step `steps`, then stays there."""
    return lambda t: peak * min(1.0, t / steps)


def constant(value: float, steps: float) -> Callable[[int], float]:  # noqa: ARG001
    """Stays at `value` for `steps` steps before another part follows, or forever as the last part."""
    return lambda _: value


def ramp(start: float, end: float, steps: float) -> Callable[[int], float]:
    """Changes linearly from `start` at the first step to `end` after `steps` steps, then stays there."""
    return lambda t: start + (end - start) * _done(t, steps)


def cosine(start: float, steps: float, end: float = 0.0) -> Callable[[int], float]:
    """Follows half a cosine from `start` at the first step to `end` after `steps` steps, then stays there.

    Source: Loshchilov and Hutter 2017, SGDR, equation 5, without restarts.
    """
    return lambda t: end + (start - end) * (1 + math.cos(math.pi * _done(t, steps))) / 2


def exponential(start: float, end: float, steps: float) -> Callable[[int], float]:
    """Changes by equal factors from `start` at the first step to `end` after `steps` steps, then stays there."""
    return lambda t: start * (end / start) ** _done(t, steps)


def inverse(start: float, half: float) -> Callable[[int], float]:
    """Falls as 1 / t does, from `start` at the first step to a half of it `half` steps later, and on.

    Stochastic gradients then lead to the minimum itself: the rates have an infinite sum, their squares have not.

    Source: Robbins and Monro 1951, A stochastic approximation method.
    """
    return lambda t: start / (1 + (t - 1) / half)


def stairs(start: float, every: float, factor: float = 0.1) -> Callable[[int], float]:
    """Begins at `start` and is multiplied by `factor` after every `every` steps."""
    return lambda t: start * factor ** ((t - 1) // every)


def onecycle(peak: float, steps: float, share: float = 0.3) -> Callable[[int], float]:
    """Rises along a cosine from peak / 25 to `peak` in a `share` of the steps, then falls to peak / 250 000.

    Source: Smith and Topin 2018, Super-convergence, with the numbers of `torch.optim.lr_scheduler.OneCycleLR`.
    """
    low, least = peak / 25, peak / 25 / 1e4
    # As in torch, the boundaries are counted from step 0: hence the subtracted 1.
    top, last = share * steps - 1, steps - 1

    def at(t: int) -> float:
        step = min(t - 1, last)
        if step <= top:
            return low + (peak - low) * (1 - math.cos(math.pi * step / top)) / 2
        return least + (peak - least) * (1 + math.cos(math.pi * (step - top) / (last - top))) / 2

    return at


def undecayed(rate: float, decay: float, momentum: float = 0.0) -> Callable[[int], float]:
    """The growing rate of SGD without decay that trains a scale-invariant network as `rate` and `decay` do.

    Weights are 1 / u_t times as large, with u_{t+1} = (1 + momentum - rate decay) u_t - momentum u_{t-1} from
    u_0 = u_{-1} = 1, and step t has the rate `rate` / (u_{t-1} u_t); zero once that is above 1e300.

    Source: Li and Arora 2020, An exponential learning rate schedule for deep learning, theorem 2.12.
    """
    with localcontext() as context:
        context.prec = DIGITS
        product, kept = Decimal(rate) * Decimal(decay), Decimal(momentum)
        half = (1 + kept - product) / 2
        root = (half * half - kept).sqrt()
        slow, fast = half + root, half - root
        share = (1 - product - fast) / (2 * root)

    def at(t: int) -> float:
        with localcontext() as context:
            context.prec = DIGITS
            grown, faded = share * slow ** (t - 1), (1 - share) * (fast ** (t - 1) if t > 1 else 1)
            inverse = (grown + faded) * (grown * slow + faded * fast)
            return float(Decimal(rate) / inverse) if inverse > rate / GREATEST else 0.0

    return at


SHAPES: dict[str, Shape] = {
    shape.__name__: shape
    for shape in (warmup, constant, ramp, cosine, exponential, inverse, stairs, onecycle, undecayed)
}
"""The functions that schedules are built from, by name."""


def _done(t: int, steps: float) -> float:
    """The fraction of `steps` that is completed before step t."""
    return min(t - 1, steps) / steps
