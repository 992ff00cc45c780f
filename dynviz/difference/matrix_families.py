"""Shampoo, written once with a switch for every point in which published implementations differ."""

import numpy as np

from dynviz.difference.families import (
    AFTER,
    BEFORE,
    COUPLED,
    NO_DECAY,
    SIGN,
    Array,
    Choice,
    Family,
    Trace,
    decayed,
    signed,
)

EXPONENT = ("1/(2k) for a tensor of k axes", "1/k for a tensor of k axes", "1/4 for all tensors", "1/2 for all tensors")
EPSILON = ("where statistics begin", "added at each use")
STATISTICS = ("summed", "discounted and summed", "averaged")
VECTORS = ("whitened like matrices", "divided by AdaGrad's root", "left as they are")
GRAFT = (
    "none",
    "onto the length of the gradient",
    "onto the length of AdaGrad's step",
    "onto the length of Adam's step",
)
ADAM, ADAGRAD = (0.9, 0.999, 1e-8), 1e-10
"""Hyperparameters of the steps that others are grafted onto: betas and epsilon."""
ROOTS = ("made at the first step, then each interval", "made at multiples of the interval, zero before")
AVERAGE = (
    "of the gradient and the last whitened step",
    "none",
    "the velocity takes whitened steps",
)
AXES = ("all of the gradient", "each of what the axes before it made of the gradient")
LONGEST = 512
"""An axis that is longer would take minutes."""


def _power(matrix: Array, exponent: float, eps: float) -> Array:
    """A statistics matrix plus eps to the power of minus the exponent; zero where it is zero up to rounding."""
    values, vectors = np.linalg.eigh(matrix)
    values = np.maximum(values, 0) + eps
    floor = len(values) * np.finfo(np.float64).eps * values.max(initial=0.0)
    there = values > floor
    root: Array = (vectors * np.where(there, np.where(there, values, 1.0) ** -exponent, 0.0)) @ vectors.T
    return root


class _Whitening:
    """The statistics and roots of one parameter."""

    def __init__(self, trace: Trace, choice: Choice, shape: tuple[int, ...]) -> None:
        self._choice, self._shape = choice, shape or (1,)
        self._eps = trace.value("eps")
        self._interval = int(trace.value("interval")) or 1
        self._keep = 1.0 if choice["statistics"] == STATISTICS[0] else trace.values.get("beta2", 1.0)
        self._fresh = 1 - self._keep if choice["statistics"] == STATISTICS[2] else 1.0
        begin = self._eps if choice["epsilon"] == EPSILON[0] else 0.0
        self._statistics = [begin * np.eye(size) for size in self._shape]
        self._roots = [np.zeros((size, size)) for size in self._shape]
        self._squares, self._m, self._v = (np.zeros(self._shape) for _ in range(3))

    def step(self, gradient: Array, t: int) -> Array:
        """The direction of step t (from 1), of the parameter's shape flat."""
        whole = gradient.reshape(self._shape)
        self._squares += whole**2
        if len(self._shape) == 1 and self._choice["vectors"] != VECTORS[0]:
            return self._adagrad(whole, self._eps) if self._choice["vectors"] == VECTORS[1] else whole
        direction = self._whitened(whole, t)
        aim = dict(zip(GRAFT, (direction, whole, self._adagrad(whole, ADAGRAD), self._adam(whole, t)), strict=True))[
            self._choice["graft"]
        ]
        length = float(np.linalg.norm(direction))
        if self._choice["graft"] != GRAFT[0] and length:
            direction = direction * (float(np.linalg.norm(aim)) / length)
        return direction.reshape(-1)

    def _adagrad(self, whole: Array, eps: float) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(whole == 0, 0.0, whole / (np.sqrt(self._squares) + eps))

    def _adam(self, whole: Array, t: int) -> Array:
        beta1, beta2, eps = ADAM
        self._m = beta1 * self._m + (1 - beta1) * whole
        self._v = beta2 * self._v + (1 - beta2) * whole**2
        step: Array = self._m / (1 - beta1**t) / (np.sqrt(self._v / (1 - beta2**t)) + eps)
        return step

    def _whitened(self, whole: Array, t: int) -> Array:
        order = len(self._shape)
        exponent = dict(zip(EXPONENT, (0.5 / order, 1 / order, 0.25, 0.5), strict=True))[self._choice["exponent"]]
        early = self._choice["roots"] == ROOTS[0]
        direction = whole
        for axis, size in enumerate(self._shape):
            seen = whole if self._choice["axes"] == AXES[0] else direction
            rows = np.moveaxis(seen, axis, 0).reshape(size, -1)
            self._statistics[axis] = self._keep * self._statistics[axis] + self._fresh * (rows @ rows.T)
            if (t - 1 if early else t) % self._interval == 0:
                eps = self._eps if self._choice["epsilon"] == EPSILON[1] else 0.0
                self._roots[axis] = _power(self._statistics[axis], exponent, eps)
            moved = np.moveaxis(direction, axis, 0)
            direction = np.moveaxis((self._roots[axis] @ moved.reshape(size, -1)).reshape(moved.shape), 0, axis)
        return direction


def _shampoo(trace: Trace, choice: Choice) -> Array:
    lr, momentum, decay = (trace.value(name) for name in ("lr", "momentum", "weight_decay"))
    theta = trace.theta[0]
    if max((size for shape in trace.shapes.values() for size in shape), default=0) > LONGEST:
        return np.full_like(trace.theta, np.nan)
    ends = np.cumsum([0, *(int(np.prod(shape)) for shape in trace.shapes.values())])
    parts = [
        (slice(start, end), _Whitening(trace, choice, shape))
        for start, end, shape in zip(ends, ends[1:], trace.shapes.values(), strict=False)
    ]
    rows, kept = [theta], np.zeros_like(theta)
    for t, gradient in enumerate(signed(trace, choice), 1):
        g = gradient
        if momentum and choice["average"] == AVERAGE[0] and t > 1:
            g = (1 - momentum) * g + momentum * kept
        g = g + decay * theta if choice["decay"] == COUPLED else g
        step = np.concatenate([whitening.step(g[part], t).reshape(-1) for part, whitening in parts])
        kept = momentum * kept + step if momentum and choice["average"] == AVERAGE[2] else step
        move = -lr * kept
        theta = decayed(theta, lambda _, move=move: move, choice, lr, decay)  # type: ignore[misc]
        rows.append(theta)
    return np.array(rows)


SHAMPOO = Family(
    name="Shampoo",
    needs=("lr", "eps"),
    switches={
        "exponent": EXPONENT,
        "epsilon": EPSILON,
        "statistics": STATISTICS,
        "axes": AXES,
        "vectors": VECTORS,
        "graft": GRAFT,
        "roots": ROOTS,
        "average": AVERAGE,
        "decay": (COUPLED, BEFORE, AFTER, NO_DECAY),
        "sign": SIGN,
    },
    simulate=_shampoo,
    close=1e-6,
    most=2,
)
