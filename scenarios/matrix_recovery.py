"""Recover a matrix from pairs of vectors, of any size, rank and spectrum."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from torch import Generator, Tensor

from dynviz.errors import DynvizError
from dynviz.scenarios._recovery import RATES, Shape, Truth, Vectors, control, published_start, truth
from dynviz.scenarios._spectra import CORNER, alignment, corner, of_product, singular_values, subspaces
from dynviz.task import Batch, Channel, Measure, Probe, Task, Tensors

Definition: TypeAlias = Literal["plain", "published"]

STEPS = 500
LARGEST = 4096
LAST = 4
"""So many test losses are averaged at the end of a ratio."""
CORE = 64
"""Singular directions that are recorded one by one, the first of the truth's."""


@dataclass(frozen=True)
class MatrixRecovery:
    """A linear layer learns y = x Phi from 32 fresh pairs per step; Phi is cropped from a random orthogonal matrix.

    x is uniform in a cube, then scaled to length 1. y has length 1 on average, except where Phi is square and of full
    rank, which is not scaled. The loss is the squared error summed over batch and outputs; the test loss is the squared
    error per vector on 32 vectors never seen. Each seed has a matrix of its own, the same for all optimizers; the
    published runs average eight.

    The signal-to-noise ratio of a lane is its test loss after the first step over the mean of its last four, in dB.
    With `snr=published` its numerator is that of the published figures: the mean over thirteen algorithms, in which the
    entry of the least-squares solution grows with M, so that large sizes come out about 7 dB too high. AdaGrad, which
    at M = 64 reaches the rounding error of float32, ends 2.4 dB above the published value. Adamax ends between 77 and
    84 dB, depending on which eight seeds are averaged; the published value is 84.3. As a control, least squares by
    singular value decomposition from 2M pairs in float32 is drawn as well.

    The published runs take 500 and 2 000 steps (`--steps 2000`) with square matrices (M = N), fat ones (N = 1024, cut
    out of one of full rank, so that their singular values are equal, too), skinny ones (M = 1024) and ones of low rank
    (both 1024).

    Attributes:
        M: Length of x.
        N: Length of y; none: M.
        rank: Rank of the matrix before it is cropped; none: N.
        scaled: Whether singular values run from 1 to 5 before they are normalised, instead of being equal.
        bias: Whether the layer has a bias, which it does not need.
        snr: The numerator of the ratio: each lane's own first test loss, or that of the published figures.
    """

    M: int = 64
    N: int | None = None
    rank: int | None = None
    scaled: bool = False
    bias: bool = True
    snr: Definition = "plain"

    def __post_init__(self) -> None:
        for name, value in (("M", self.M), ("N", self.shape.N)):
            if not 2 <= value <= LARGEST:
                raise DynvizError(f"{name}={value} is no length to learn; write a whole number from 2 to {LARGEST}")
        most = max(self.M, self.shape.N)
        if not 1 <= self.shape.rank <= most:
            raise DynvizError(
                f"a matrix of {self.M} x {self.shape.N} has no rank {self.rank}; write a whole number from 1 to {most}"
            )
        if self.snr not in get_args(Definition):
            raise DynvizError(f"matrix-recovery has no snr={self.snr}; it is {' or '.join(get_args(Definition))}")

    @property
    def shape(self) -> Shape:
        """What matrices are drawn."""
        N = self.M if self.N is None else self.N
        return Shape(self.M, N, N if self.rank is None else self.rank, self.scaled)

    def build(self, seed: int) -> Task:
        shape, known = self.shape, truth(self.shape, seed)
        parameters = self._initial(seed)
        data = Vectors(seed, self.M)
        every = self._every(min(shape.M, shape.N))
        k = min(len(known.values), CORE)
        constants = {
            "target": known.target,
            "true_left": known.left,
            "true_values": known.values,
            "true_right": known.right,
            "ratios": self._ratios(seed, parameters, data, known),
        }
        return Task(
            parameters=parameters,
            loss=_loss,
            batches=data.batches,
            steps=STEPS,
            constants=constants,
            # The ratio needs the first test loss and the last ones; the update needs the weight before it.
            buffers={
                "first": torch.zeros(()),
                "recent": torch.zeros(LAST - 1),
                "count": torch.zeros(()),
                "before": parameters["weight"].clone(),
            },
            probes=_probes(every, k),
            every=every,
            hyperparameters={**RATES, "*": {"lr": 0.01}},
            views=("spectrum", "heatmap", "alignment", "snr", "curves"),
            facts={"M": shape.M, "N": shape.N, "rank": len(known.values), "scaled": self.scaled, "snr": self.snr},
        )

    def _initial(self, seed: int) -> dict[str, Tensor]:
        """The parameters of `nn.Linear(M, N)` as it draws them; the generator goes on from another seed than Phi's."""
        generator = Generator().manual_seed(seed + 2**32)
        bound = 1 / math.sqrt(self.M)
        layer = {"weight": torch.empty(self.shape.N, self.M).uniform_(-bound, bound, generator=generator)}
        if self.bias:
            layer["bias"] = torch.empty(self.shape.N).uniform_(-bound, bound, generator=generator)
        return layer

    def _ratios(self, seed: int, parameters: Tensors, data: Vectors, known: Truth) -> Tensor:
        """Above the line of the ratio, NaN where it is the lane's own first test loss; and the control's ratio."""
        nothing, error = control(self.shape, seed)
        start = math.nan
        constants = {"target": known.target}
        if self.snr == "published":
            x, fresh = (part[:2] for part in data.batches(0, 2))
            leaves = {name: value.clone().requires_grad_() for name, value in parameters.items()}
            gradients = torch.autograd.grad(_errors(leaves, constants, x[0]).square().sum(), list(leaves.values()))
            start = published_start(
                parameters,
                dict(zip(leaves, gradients, strict=True)),
                lambda after: _test_loss(after, constants, fresh[1]).item(),
                nothing,
            )
            # The published error of the control is a sum over 2M vectors, divided by 32.
            above, below = start, error * 2 * self.M / data.size
        else:
            above, below = nothing, error
        return torch.tensor([start, 10 * math.log10(above / below)])

    @staticmethod
    def _every(size: int) -> int:
        """Steps between samples of what takes a factorisation, whose time grows with the cube of the size."""
        return 10 if size <= 64 else 20 if size <= 256 else 100


def _errors(parameters: Tensors, constants: Tensors, x: Tensor) -> Tensor:
    """What the layer answers less what is true [rows, N]."""
    output = x @ parameters["weight"].T
    if "bias" in parameters:
        output = output + parameters["bias"]
    errors: Tensor = output - x @ constants["target"]
    return errors


def _test_loss(parameters: Tensors, constants: Tensors, fresh: Tensor) -> Tensor:
    return _errors(parameters, constants, fresh).square().sum(dim=1).mean()


def _loss(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, Tensors]:
    x, fresh = batch
    loss = _errors(parameters, constants, x).square().sum()
    fixed = {name: value.detach() for name, value in parameters.items()}
    now = _test_loss(fixed, constants, fresh)
    buffers = {
        "first": torch.where(constants["count"] == 0, now, constants["first"]),
        "recent": torch.cat([now[None], constants["recent"][:-1]]),
        "count": constants["count"] + 1,
        "before": fixed["weight"],
    }
    return loss, buffers


def _measured_loss(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, Tensor]:
    """The test loss, and the ratio of that before training to the mean of those after steps, at most the last four."""
    now = _test_loss(parameters, constants, batch[1])
    count, given = constants["count"], constants["ratios"][0]
    own = torch.where(count >= 1, constants["first"], now)
    start = torch.where(given.isnan(), own, given)
    # The test loss before the first step is none that the optimizer came to.
    there = torch.arange(LAST - 1, device=now.device) < count - 1
    recent = torch.where(there, constants["recent"], 0.0)
    final = (now + recent.sum()) / (1 + there.sum())
    return now, 10 * (start.log10() - final.log10())


def _relative_error(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
    target = constants["target"]
    error: Tensor = (parameters["weight"].T - target).norm() / target.norm()
    return error


def _spectra(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:
    weight = parameters["weight"]
    rank = constants["true_values"].shape[-1]
    left, right, values = subspaces(weight.T, rank)
    errors = _errors(parameters, constants, batch[0])
    both = alignment(left, constants["true_left"]), alignment(right, constants["true_right"])
    return (
        values,
        of_product(batch[0], 2 * errors),
        singular_values(weight - constants["before"]),
        torch.stack(both),
    )


def _core(k: int) -> Measure:
    """The matrix in the truth's own directions, as shares: the unit matrix once it is learned."""

    def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
        left, right, values = (constants[name][..., :k] for name in ("true_left", "true_right", "true_values"))
        core: Tensor = left.T @ parameters["weight"].T @ right
        return core / values.sqrt()[:, None] / values.sqrt()

    return measure


def _truth(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
    return constants["true_values"], corner(constants["target"]), constants["ratios"][0], constants["ratios"][1]


def _probes(every: int, k: int) -> tuple[Probe, ...]:
    index, corners = ("index",), f"the first {CORNER} rows and columns at most"
    return (
        Probe(
            (
                Channel("test_loss", 1, (), "squared error of a vector never seen, mean of 32", better="lower"),
                Channel("snr", 1, (), "test loss before training over the mean of the last four, dB", better="higher"),
            ),
            _measured_loss,
        ),
        Probe(
            (Channel("relative_error", 10, (), "|W - Phi| / |Phi|, Frobenius norms", better="lower"),), _relative_error
        ),
        Probe(
            (
                Channel("singular_values", every, index, "of W"),
                Channel("gradient_singular_values", every, index, "of the gradient on the batch of the step"),
                Channel("update_singular_values", every, index, "of the change of W by the step that led here"),
                Channel("alignment", every, ("input or output",), "mean squared cosine with the true subspace"),
            ),
            _spectra,
        ),
        Probe((Channel("core", every, ("row", "column"), "W in the true singular directions, 1: learned"),), _core(k)),
        Probe(
            (Channel("matrix", every, ("row", "column"), f"W, {corners}"),),
            lambda parameters, constants, batch: corner(parameters["weight"].T),  # noqa: ARG005
        ),
        Probe(
            (
                Channel("true_singular_values", 0, index, "of Phi"),
                Channel("true_matrix", 0, ("row", "column"), f"Phi, {corners}"),
                Channel("snr_start", 0, (), "above the line of snr; NaN: the lane's own test loss before training"),
                Channel("svd_snr", 0, (), "of the least-squares solution from 2M pairs, dB"),
            ),
            _truth,
        ),
    )


scenario = MatrixRecovery
