"""Recover a low-rank matrix from products with random vectors, each seen once."""

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import torch
from torch import Generator, Tensor

from dynviz.errors import DynvizError
from dynviz.scenarios._sensing_data import COMPUTED, Stream, least_norm_error
from dynviz.scenarios._sensing_models import ANSWERS, SETTINGS, Model, Setting, initial, product
from dynviz.scenarios._sensing_rates import protocol
from dynviz.scenarios._spectra import CORNER, alignment, corner, effective_rank, subspaces
from dynviz.task import Batch, Channel, Loss, Measure, Probe, Task, Tensors

LeastNorm: TypeAlias = Literal["auto", "computed", "theory"]

LINEAR, NETS = ("linear", "deep"), ("cnn", "transformer")
LARGEST = 10
"""Singular values that are recorded."""
PROBED = 2
"""Vectors that a net is asked about for its errors, per row of the matrix."""
CONVEX_ROUNDS = 16
"""How many times as long as published a convex run is: the bound is below the start only after 8 times."""


@dataclass(frozen=True)
class MatrixSensing:
    """A model learns the matrix T of low rank from numbers a^T T b, each of which it sees once.

    T = gamma randn(d, rank) randn(rank, d); a and b are standard normal. There are d^2 / 2 samples, half as many as T
    has entries: the minimum-norm solution, which does not know that the rank is low, leaves a relative error of
    sqrt(1/2). Small initial weights find T nevertheless; gamma sets how small they are compared with T. It works better
    the larger d is: SGD with two matrices leaves an error of 0.004 at d = 256, 0.3 at d = 64.

    The models are a product of two matrices (linear) or more (deep) with Xavier-normal initial weights and the loss
    (a^T T b - a^T W b)^2 / 2 per sample; and stacks of 10 fully connected layers with ReLU and batch normalisation
    (published as a cnn) or layer normalisation (published as a transformer) that answer net(a)^T b, with the squared
    error as loss. Losses are summed over the batch. With `depth=1` the problem is convex: the run is 16 times as long,
    and the mean excess loss is drawn with its bound |x1 - x*| B / sqrt(K).

    Instance, initial weights and data come from the lane's seed, in the order of the published run, which has seed 0.

    Attributes:
        model: What learns.
        d: Rows and columns of the matrix; none: 256, or 1024 for cnn and transformer.
        rank: Rank of the matrix; none: 2, or 5 for cnn and transformer.
        gamma: Scale of the matrix; none: 100, or 1 for deep, 0.04 for cnn and transformer, as published.
        init: Scale of the initial weights; 1 as published.
        depth: Matrices or layers; none: 2, or 3 for deep, 10 for cnn and transformer.
        batch: Samples per step; none: 1, or 256 for cnn and transformer.
        warmup: Whether the learning rate starts at a tenth and rises for the first 45 % of the steps: for SGD to four
            times its usual value, for products to no more than is stable.
        least_norm: Whether the minimum-norm solution is computed from the lane's samples or its error taken from
            theory; auto: computed up to d = 128.
    """

    model: Model = "linear"
    d: int | None = None
    rank: int | None = None
    gamma: float | None = None
    init: float = 1.0
    depth: int | None = None
    batch: int | None = None
    warmup: bool = False
    least_norm: LeastNorm = "auto"

    def __post_init__(self) -> None:
        for name, kind in (("model", Model), ("least_norm", LeastNorm)):
            if getattr(self, name) not in get_args(kind):
                there = ", ".join(get_args(kind))
                raise DynvizError(f"matrix-sensing has no {name} {getattr(self, name)!r}; there is {there}")
        setting, nets = self.setting, self.model in NETS
        if not 2 <= setting.d <= 4096:
            raise DynvizError(f"d={setting.d} is no size to learn; write a whole number from 2 to 4096")
        if not 1 <= setting.rank <= setting.d:
            d = setting.d
            raise DynvizError(f"a matrix of size {d} has no rank {setting.rank}; write a whole number from 1 to {d}")
        for name, value in (("gamma", setting.gamma), ("init", self.init)):
            if not 0 < value < math.inf:
                raise DynvizError(f"{name}={value} is no scale; write a number above 0")
        if not (2 if nets else 1) <= setting.depth <= 64:
            raise DynvizError(f"depth={setting.depth} makes no {self.model} model; write 1 to 64, of nets from 2")
        most = setting.d * setting.d // 2
        if not (2 if self.model == "cnn" else 1) <= setting.batch <= most:
            least = "from 2 " if self.model == "cnn" else ""
            raise DynvizError(f"batch={setting.batch} makes no step; write a whole number {least}up to {most}")

    @property
    def setting(self) -> Setting:
        """What was written, else what the model was published with."""
        own = SETTINGS[self.model]
        given = {name: getattr(self, name) for name in vars(own)}
        return Setting(**{name: vars(own)[name] if value is None else value for name, value in given.items()})

    def build(self, seed: int) -> Task:
        setting, d = self.setting, self.setting.d
        generator = Generator().manual_seed(seed)
        target = torch.randn(d, setting.rank, generator=generator) @ torch.randn(setting.rank, d, generator=generator)
        target = target * setting.gamma
        if self.model in LINEAR:
            # The published run draws both matrices once in vain before it initialises them.
            torch.randn(2, d, d, generator=generator)
        parameters = initial(self.model, d, setting.depth, self.init, generator)
        data = Stream(generator, d, setting.batch)
        samples = d * d // 2
        steps = samples // setting.batch
        constants = {"target": target, **_known(target, setting.rank)}
        constants["least_norm"] = torch.tensor(self._least_norm(target, data, steps))
        facts: dict[str, Any] = {"d": d, "rank": setting.rank, "batch": setting.batch}
        if len(parameters) == 1:
            steps *= CONVEX_ROUNDS
            constants["bound"] = _bound(parameters["W1"] - target, setting.batch)
            facts["convex"] = True
        if self.model in NETS:
            constants |= _asked(d)
        return Task(
            parameters=parameters,
            loss=_loss(self.model),
            batches=data.batches,
            steps=steps,
            constants=constants,
            probes=_probes(self.model, setting, steps),
            hyperparameters=protocol(self.model, setting, steps, init=self.init, warmup=self.warmup),
            views=("spectrum", "heatmap", "alignment", "curves"),
            facts=facts,
        )

    def _least_norm(self, target: Tensor, data: Stream, steps: int) -> float:
        """The error that the solution of least norm leaves; where computing it takes long, that of theory."""
        if self.least_norm == "theory" or (self.least_norm == "auto" and len(target) > COMPUTED):
            return math.sqrt(0.5)
        a, b = (part.reshape(-1, len(target)) for part in data.batches(0, steps))
        error: float = least_norm_error(target, a, b)
        return error


def _known(target: Tensor, rank: int) -> dict[str, Tensor]:
    left, right, values = subspaces(target, rank)
    return {"true_left": left, "true_right": right, "true_values": values[:rank]}


def _asked(d: int) -> dict[str, Tensor]:
    """Vectors that nets are asked about, the same in all lanes, and what makes the matrix that fits the answers."""
    a = torch.randn(PROBED * d, d, generator=Generator().manual_seed(d))
    return {"asked": a, "inverse": torch.linalg.pinv(a)}


def _bound(distance: Tensor, batch: int) -> Tensor:
    """|x1 - x*|, and B with E |gradient|^2 <= B^2: of one sample it is (d + 2)^2 |x - x*|^2, most at the start."""
    d, away = len(distance), distance.norm()
    # The gradients of a batch are added up: their squares, and the products of their means.
    return torch.stack([away, away * math.sqrt(batch * (d + 2) ** 2 + batch * (batch - 1))])


def _loss(model: str) -> Loss:
    def loss(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:
        return _misses(model, parameters, constants["target"], batch)

    return loss


def _misses(model: str, parameters: Tensors, target: Tensor, batch: Batch) -> Tensor:
    """The loss of a batch: of one sample, vectors [d], or of several [samples, d]."""
    a, b = batch
    answer, half = ANSWERS[model], 0.5 if model in LINEAR else 1.0
    if a.ndim == 1:
        # In the published order: sums that are rounded otherwise lead to other runs.
        one: Tensor = half * (a @ target @ b - answer(parameters, a) @ b) ** 2
        return one
    away = (a @ target * b).sum(dim=1) - (answer(parameters, a) * b).sum(dim=1)
    loss: Tensor = half * away.square().sum()
    return loss


def _matrix(model: str, parameters: Tensors, constants: Tensors) -> Tensor:
    """The matrix that a model stands for: of a net the linear map that fits its answers best."""
    answers: Tensor = (
        product(parameters)
        if model in LINEAR
        else constants["inverse"] @ ANSWERS[model](parameters, constants["asked"])
    )
    return answers


def _errors(model: str) -> Measure:
    def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, Tensor]:
        target = constants["target"]
        if model in LINEAR:
            error = (product(parameters) - target).norm() / target.norm()
            return error, error.square()
        right = constants["asked"] @ target
        error = (ANSWERS[model](parameters, constants["asked"]) - right).norm() / right.norm()
        a, b = (part.reshape(-1, len(target)) for part in batch)
        return error, _misses(model, parameters, target, batch) / (a @ target * b).sum(dim=1).square().sum()

    return measure


def _spectrum(model: str, count: int) -> Measure:
    def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
        learned = _matrix(model, parameters, constants)
        true_left, true_right, scales = (constants[name] for name in ("true_left", "true_right", "true_values"))
        left, right, values = subspaces(learned, true_left.shape[-1])
        core = true_left.T @ learned @ true_right / scales.sqrt()[:, None] / scales.sqrt()
        both = torch.stack([alignment(left, true_left), alignment(right, true_right)])
        return values[:count], effective_rank(values), both, core, corner(learned)

    return measure


def _excess(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:
    rows = batch[0].shape[0] if batch[0].ndim == 2 else 1
    return 0.5 * rows * (parameters["W1"] - constants["target"]).square().sum()


def _truth(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
    return constants["true_values"], corner(constants["target"]), constants["least_norm"]


def _probes(model: str, setting: Setting, steps: int) -> tuple[Probe, ...]:
    linear, places = model in LINEAR, ("row", "column")
    every, seldom = (100, 200) if linear else (max(1, steps // 256), max(1, steps // 128))
    what = "W" if linear else "the linear map nearest to the net"
    squared = "its square: of any sample in the mean" if linear else "loss over the sum of y^2, of the batch"
    corners = f"the first {CORNER} rows and columns at most"
    probes = [
        Probe(
            (
                Channel(
                    "relative_error",
                    every,
                    (),
                    "|W - T| / |T|, Frobenius norms; of nets that of their answers",
                    better="lower",
                ),
                Channel("relative_squared_error", every, (), squared, better="lower"),
            ),
            _errors(model),
        ),
        Probe(
            (
                Channel("singular_values", seldom, ("index",), f"of {what}, the largest"),
                Channel("effective_rank", seldom, (), "exponential of the entropy of its singular values"),
                Channel("alignment", seldom, ("input or output",), "mean squared cosine with the true subspace"),
                Channel("core", seldom, places, f"{what} in the true singular directions, 1: learned"),
                Channel("matrix", seldom, places, f"{what}, {corners}"),
            ),
            _spectrum(model, min(LARGEST, setting.d)),
        ),
        Probe(
            (
                Channel("true_singular_values", 0, ("index",), "of T"),
                Channel("true_matrix", 0, places, f"T, {corners}"),
                Channel("least_norm_error", 0, (), "relative error of the solution of least norm from all samples"),
            ),
            _truth,
        ),
    ]
    if linear and setting.depth == 1:
        probes += [
            Probe((Channel("excess_loss", every, (), "mean loss of a step less the least", better="lower"),), _excess),
            Probe(
                (Channel("bound", 0, ("distance or gradient",), "|x1 - x*| and B of the bound of the excess loss"),),
                lambda parameters, constants, batch: constants["bound"],  # noqa: ARG005
            ),
        ]
    return tuple(probes)


scenario = MatrixSensing
