"""Recover a matrix from pairs of vectors, of any size, rank and spectrum."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from torch import Generator, Tensor

from dynviz.errors import DynvizError
from dynviz.scenarios._recovery import LAST, RATES, Shape, Truth, Vectors, control, published_start, truth
from dynviz.scenarios._recovery_measures import errors, gradient, loss, probes, test_loss
from dynviz.task import Task, Tensors

Definition: TypeAlias = Literal["plain", "published"]
Family: TypeAlias = Literal["square", "fat", "skinny", "low-rank"]

STEPS = 500
LARGEST = 12_288
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
    (both 1024). `family` names them, so that one sweep over `family` and `V` trains the whole figure.

    Matrices larger than 4096 take a GPU: their factors are known and not computed again, their scale is estimated from
    one matrix, singular values are recorded every 500 steps, and there is no least-squares control.

    Attributes:
        M: Length of x.
        N: Length of y; none: M.
        rank: Rank of the matrix before it is cropped; none: N.
        scaled: Whether singular values run from 1 to 5 before they are normalised, instead of being equal.
        family: What varies with V, in place of M, N and rank: both sizes (square), M beside a long N (fat), N and the
            rank beside a long M (skinny), or the rank of a long square matrix (low-rank).
        V: The size, or rank, of a family.
        long: The fixed size of a family.
        bias: Whether the layer has a bias, which it does not need.
        snr: The numerator of the ratio: each lane's own first test loss, or that of the published figures.
    """

    M: int = 64
    N: int | None = None
    rank: int | None = None
    scaled: bool = False
    family: Family | None = None
    V: int = 64
    long: int = 1024
    bias: bool = True
    snr: Definition = "plain"

    def __post_init__(self) -> None:
        self._check_family()
        for name, value in (("M", self.shape.M), ("N", self.shape.N)):
            if not 2 <= value <= LARGEST:
                raise DynvizError(
                    f"{name}={value} is not a length that can be learned; write a whole number from 2 to {LARGEST}"
                )
        most = max(self.shape.M, self.shape.N)
        if not 1 <= self.shape.rank <= most:
            raise DynvizError(f"a matrix of {self.M} x {self.shape.N} cannot have rank {self.rank}; write 1 to {most}")
        if self.snr not in get_args(Definition):
            raise DynvizError(f"matrix-recovery has no snr={self.snr}; choose {' or '.join(get_args(Definition))}")

    def _check_family(self) -> None:
        if self.family is None:
            if (self.V, self.long) != (64, 1024):
                raise DynvizError("V and long belong to a family; add family=square, fat, skinny or low-rank")
            return
        if self.family not in get_args(Family):
            raise DynvizError(
                f"matrix-recovery has no family {self.family!r}; choose one of {', '.join(get_args(Family))}"
            )
        if (self.M, self.N, self.rank) != (64, None, None):
            raise DynvizError("a family sets M, N and rank; write V and long instead")
        least = 1 if self.family == "low-rank" else 2
        most = LARGEST if self.family == "square" else self.long - 1
        if not least <= self.V <= most:
            raise DynvizError(f"V={self.V} is not possible for family={self.family}; write {least} to {most}")

    @property
    def shape(self) -> Shape:
        """What matrices are drawn."""
        V, long = self.V, self.long
        if self.family is not None:
            M, N = {"square": (V, V), "fat": (V, long), "skinny": (long, V), "low-rank": (long, long)}[self.family]
            return Shape(M, N, V if self.family == "low-rank" else N, self.scaled)
        N = self.M if self.N is None else self.N
        return Shape(self.M, N, N if self.rank is None else self.rank, self.scaled)

    def build(self, seed: int) -> Task:
        shape, known = self.shape, truth(self.shape, seed)
        parameters = self._initial(seed)
        data = Vectors(seed, shape.M)
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
            loss=loss,
            batches=data.batches,
            steps=STEPS,
            gradient=gradient,
            constants=constants,
            # The ratio needs the first test loss and the last ones; the update needs the weight before it.
            buffers={
                "first": torch.zeros(()),
                "recent": torch.zeros(LAST - 1),
                "count": torch.zeros(()),
                "before": parameters["weight"].clone(),
            },
            probes=probes(every, k),
            every=every,
            hyperparameters={**RATES, "*": {"lr": 0.01}},
            views=("spectrum", "heatmap", "alignment", "snr", "curves"),
            title="Recovering a matrix from pairs of vectors",
            what={
                "M": f"{shape.M} x {shape.N}",
                "family": f"{self.family}" if self.family else "",
                "V": f"rank {shape.rank}" if self.family == "low-rank" else "",
                "long": "",
                "N": "",
                "rank": f"rank {shape.rank}",
                "scaled": "singular values 1 to 5" if self.scaled else "",
                "snr": "",
            },
            facts={"M": shape.M, "N": shape.N, "rank": len(known.values), "scaled": self.scaled, "snr": self.snr},
        )

    def _initial(self, seed: int) -> dict[str, Tensor]:
        """The parameters of `nn.Linear(M, N)` as it draws them; the generator goes on from another seed than Phi's."""
        generator = Generator().manual_seed(seed + 2**32)
        M = self.shape.M
        bound = 1 / math.sqrt(M)
        layer = {"weight": torch.empty(self.shape.N, M).uniform_(-bound, bound, generator=generator)}
        if self.bias:
            layer["bias"] = torch.empty(self.shape.N).uniform_(-bound, bound, generator=generator)
        return layer

    def _ratios(self, seed: int, parameters: Tensors, data: Vectors, known: Truth) -> Tensor:
        """Above the line of the ratio, NaN where it is the lane's own first test loss; and the control's ratio."""
        nothing, *squares = control(self.shape, seed)
        start = math.nan
        constants = {"target": known.target}
        if self.snr == "published":
            x, fresh = (part[:2] for part in data.batches(0, 2))
            leaves = {name: value.clone().requires_grad_() for name, value in parameters.items()}
            gradients = torch.autograd.grad(errors(leaves, constants, x[0]).square().sum(), list(leaves.values()))
            start = published_start(
                parameters,
                dict(zip(leaves, gradients, strict=True)),
                lambda after: test_loss(after, constants, fresh[1]).item(),
                nothing,
            )
            # The published error of the control is a sum over 2M vectors, divided by 32.
            above, factor = start, 2 * self.shape.M / data.size
        else:
            above, factor = nothing, 1
        return torch.tensor([start, *(10 * math.log10(above / (error * factor)) for error in squares)])

    @staticmethod
    def _every(size: int) -> int:
        """Steps between samples of what takes a factorisation, whose time grows with the cube of the size."""
        return 10 if size <= 64 else 20 if size <= 256 else 100 if size <= 4096 else STEPS


scenario = MatrixRecovery
