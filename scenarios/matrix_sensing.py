"""Recover a low-rank matrix from products with random vectors, each seen once."""

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import torch
from torch import Generator, Tensor

from dynviz.errors import DynvizError
from dynviz.scenarios._sensing_data import (
    COMPUTED,
    Stream,
    least_norm_error,
    least_norm_label_error,
    theoretical_label_error,
)
from dynviz.scenarios._sensing_measures import Kind, Learner, probes
from dynviz.scenarios._sensing_models import (
    LINEAR,
    PUBLISHED_NORMS,
    SETTINGS,
    Model,
    Norm,
    Setting,
    initial,
    of_one_sample,
)
from dynviz.scenarios._sensing_rates import protocol
from dynviz.scenarios._spectra import subspaces
from dynviz.task import Task

LeastNorm: TypeAlias = Literal["auto", "computed", "theory"]
Normalisation: TypeAlias = Literal["published", "none", "batch", "layer"]

PROBED = 2
"""Vectors that a net is asked about for its errors, per row of the matrix."""
CONVEX_ROUNDS = 16
"""How many times as long as published a convex run is: the bound is below the start only after 8 times."""


@dataclass(frozen=True)
class MatrixSensing:
    """A model learns the low-rank matrix T from numbers a^T T b, each of which it sees once.

    T = gamma randn(d, rank) randn(rank, d); a and b are standard normal. There are d^2 / 2 samples, half as many as T
    has entries: the minimum-norm solution, which does not know that the rank is low, leaves a relative error of
    sqrt(1/2). Small initial weights find T nevertheless; gamma sets how small they are compared with T. It works better
    the larger d is: SGD with two matrices leaves an error of 0.004 at d = 256, 0.3 at d = 64.

    The models are a product of two matrices (linear) or more (deep) with Xavier-normal initial weights and the loss
    (a^T T b - a^T W b)^2 / 2 per sample; and stacks of 10 fully connected layers with ReLU and batch normalisation
    (published as a cnn) or layer normalisation (published as a transformer) that answer net(a)^T b, with the squared
    error as loss. Losses are summed over the batch. With `depth=1` the problem is convex: the run is 16 times as long,
    and the mean excess loss is drawn with its bound |x1 - x*| B / sqrt(K).

    With `task=classification` only the sign of a^T T b is known. The answer is divided by gamma d sqrt(rank), the
    deviation of a^T T b, to be a logit, so that gamma scales the targets as in regression, and the loss is the
    cross-entropy with label smoothing. The scale of T cannot be learned: errors are those of the best multiple.

    Instance, initial weights and data come from the lane's seed, in the order of the published run, which has seed 0.

    Attributes:
        model: Which model learns the matrix.
        d: Rows and columns of the matrix; none: 256, or 1024 for cnn and transformer.
        rank: Rank of the matrix; none: 2, or 5 for cnn and transformer.
        gamma: Scale of the matrix; none: 100, or 1 for deep, 0.04 for cnn and transformer, as published.
        init: Scale of the initial weights; 1 as published.
        depth: Matrices or layers; none: 2, or 3 for deep, 10 for cnn and transformer.
        batch: Samples per step; none: 1, or 256 for cnn and transformer.
        norm: Normalisation after each layer but the last; published: none for products, batch for cnn, layer for
            transformer.
        task: Whether the numbers are learned (regression) or only their signs (classification).
        smoothing: Label smoothing of classification.
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
    norm: Normalisation = "published"
    task: Kind = "regression"
    smoothing: float = 0.0
    warmup: bool = False
    least_norm: LeastNorm = "auto"

    def __post_init__(self) -> None:
        kinds = {"model": Model, "least_norm": LeastNorm, "norm": Normalisation, "task": Kind}
        for name, kind in kinds.items():
            if getattr(self, name) not in get_args(kind):
                there = ", ".join(get_args(kind))
                raise DynvizError(f"matrix-sensing has no {name} {getattr(self, name)!r}; choose one of {there}")
        setting, nets = self.setting, self.model not in LINEAR
        normalised = self._norm != "none"
        if not 2 <= setting.d <= 4096:
            raise DynvizError(f"d={setting.d} is not a size that can be learned; write a whole number from 2 to 4096")
        if not 1 <= setting.rank <= setting.d:
            d = setting.d
            raise DynvizError(
                f"a matrix of size {d} cannot have rank {setting.rank}; write a whole number from 1 to {d}"
            )
        for name, value in (("gamma", setting.gamma), ("init", self.init)):
            if not 0 < value < math.inf:
                raise DynvizError(f"{name}={value} is not a scale; write a number above 0")
        if not (2 if nets or normalised else 1) <= setting.depth <= 64:
            raise DynvizError(
                f"depth={setting.depth} is not possible for model={self.model}; write 1 to 64, or from 2 for networks "
                "and with normalisation"
            )
        if not 0 <= self.smoothing < 1 or (self.smoothing and self.task != "classification"):
            raise DynvizError(
                f"smoothing={self.smoothing} is not possible for task={self.task}; write a number from 0 to below 1, "
                "with task=classification"
            )
        most = setting.d * setting.d // 2
        if not (2 if self._norm == "batch" else 1) <= setting.batch <= most:
            least = "from 2 " if self._norm == "batch" else ""
            raise DynvizError(
                f"batch={setting.batch} is not a number of samples; write a whole number {least}up to {most}"
            )

    @property
    def setting(self) -> Setting:
        """What was written, else what the model was published with."""
        own = SETTINGS[self.model]
        given = {name: getattr(self, name) for name in vars(own)}
        return Setting(**{name: vars(own)[name] if value is None else value for name, value in given.items()})

    @property
    def _norm(self) -> Norm:
        return PUBLISHED_NORMS[self.model] if self.norm == "published" else self.norm

    def build(self, seed: int) -> Task:
        setting, d = self.setting, self.setting.d
        generator = Generator().manual_seed(seed)
        target = torch.randn(d, setting.rank, generator=generator) @ torch.randn(setting.rank, d, generator=generator)
        target = target * setting.gamma
        if self.model in LINEAR:
            # The published run draws both matrices once in vain before it initialises them.
            torch.randn(2, d, d, generator=generator)
        parameters = initial(self.model, self._norm, setting, self.init, generator)
        unit = setting.gamma * d * math.sqrt(setting.rank)
        learner = Learner(self.model, self._norm, self.task, unit, self.smoothing)
        regression = self.task == "regression"
        data = Stream(generator, d, setting.batch)
        samples = d * d // 2
        steps = samples // setting.batch
        constants = {"target": target, **_known(target, setting.rank)}
        constants["least_norm"] = torch.tensor(self._least_norm(target, data, steps))
        facts: dict[str, Any] = {"d": d, "rank": setting.rank, "batch": setting.batch}
        if len(parameters) == 1 and regression:
            steps *= CONVEX_ROUNDS
            constants["bound"] = _bound(parameters["W1"] - target, setting.batch)
            facts["convex"] = True
        if not (learner.is_product and regression):
            constants |= _asked(d)
        written_out = learner.is_product and regression and setting.batch == 1
        return Task(
            parameters=parameters,
            loss=learner.loss,
            batches=data.batches,
            steps=steps,
            gradient=of_one_sample if written_out else None,
            constants=constants,
            probes=probes(learner, setting, steps),
            hyperparameters=protocol(learner, setting, steps, init=self.init, warmup=self.warmup),
            views=("spectrum", "heatmap", "alignment", "curves"),
            title=f"Finding a matrix of rank {setting.rank} from half of what it takes",
            what={
                "d": f"{setting.d} x {setting.d}",
                "model": {"linear": "", "deep": f"{setting.depth} factors"}.get(self.model, f"model {self.model}"),
                "rank": "",
                "init": "" if self.init == 1 else f"initial weights {self.init:g} as large",
                "depth": "",
                "norm": f"{self.norm} normalisation" if self.norm in ("batch", "layer") else "",
                "task": "only signs known" if self.task == "classification" else "",
                "smoothing": f"labels smoothed by {self.smoothing:g}" if self.smoothing else "",
                "least_norm": "",
            },
            facts=facts,
        )

    def _least_norm(self, target: Tensor, data: Stream, steps: int) -> float:
        """The error that the solution of least norm leaves; where computing it takes long, that of theory."""
        regression = self.task == "regression"
        if self.least_norm == "theory" or (self.least_norm == "auto" and len(target) > COMPUTED):
            error: float = math.sqrt(0.5)
            if not regression:
                error = theoretical_label_error(target, _asked(len(target))["asked"], 0.5)
        else:
            a, b = (part.reshape(-1, len(target)) for part in data.batches(0, steps))
            error = (least_norm_error if regression else least_norm_label_error)(target, a, b)
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


scenario = MatrixSensing
