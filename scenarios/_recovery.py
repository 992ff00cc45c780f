"""Random matrices of known spectrum, their data, and what is compared with learning them."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from dynviz import plugins
from dynviz.task import Batch, Tensors

BATCH = 32
LAST = 4
"""So many test losses are averaged at the end of a ratio."""
DIRECT = 4096
"""Up to this size a matrix is decomposed and compared with least squares; beyond, that would take hours on a CPU."""
BLOCK_NUMBERS = 2**22
"""Numbers that are drawn together, at most."""
KEPT = 2
"""Blocks that stay in memory."""
SCALES = 16
"""Matrices that the scale of the answers is estimated from."""
RATES = {
    "adadelta": {"lr": 0.5},
    "adagrad": {"lr": 0.1, "lr_decay": 0.001},
    "adam": {"lr": 0.01},
    "adamw": {"lr": 0.01, "weight_decay": 0.0},
    "adamax": {"lr": 0.01},
    "asgd": {"lr": 0.01},
    "nadam": {"lr": 0.01},
    "radam": {"lr": 0.01},
    "rmsprop": {"lr": 0.01, "alpha": 0.9},
    "rprop": {"lr": 0.01},
    "sgd": {"lr": 0.01},
    "lion": {"lr": 0.01},
}
"""The twelve rules of the published comparison with their learning rates; none decays weights."""


@dataclass(frozen=True)
class Shape:
    """What matrices are drawn: of so many rows and columns and such a rank, with equal singular values or not."""

    M: int
    N: int
    rank: int
    scaled: bool

    @property
    def square(self) -> bool:
        """Whether it is square and of full rank: then answers are not normalised."""
        return self.M == self.N == self.rank


@dataclass(frozen=True)
class Truth:
    """A matrix [M, N] with its singular value decomposition, the largest values first: target = left s right^T.

    Attributes:
        target: The matrix.
        left: [M, rank].
        values: [rank].
        right: [N, rank].
    """

    target: Tensor
    left: Tensor
    values: Tensor
    right: Tensor


def orthonormal(size: int, columns: int, generator: Generator) -> Tensor:
    """The first columns of a random orthogonal matrix, evenly distributed (Haar), in float64."""
    drawn = torch.randn(size, columns, generator=generator, dtype=torch.float64)
    if size > DIRECT and torch.cuda.is_available():
        drawn = drawn.cuda()
    q, r = torch.linalg.qr(drawn)
    # The decomposition is unique, and the distribution even, once the diagonal of R is positive.
    signs = torch.where(r.diagonal() < 0, -1.0, 1.0)
    orthogonal: Tensor = q * signs
    return orthogonal


def factors(shape: Shape, generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """O[:, :R], s and P[:, :R] of Phi = O[:, :R] diag(s) P[:, :R]^T, in float64; the last values are the largest."""
    size, rank = max(shape.M, shape.N), shape.rank
    if rank < size // 2:
        # P is O with its columns in reverse order. Its first columns are the last ones of O, and of a random
        # orthogonal matrix any others are as good.
        both = orthonormal(size, 2 * rank, generator)
        first, second = both[:, :rank], both[:, rank:]
    else:
        first, second = (orthonormal(size, rank, generator) for _ in range(2))
    steps = torch.arange(rank, dtype=torch.float64)
    return first, 1 + 4 * steps / rank if shape.scaled else torch.ones_like(steps), second


def matrix(shape: Shape, generator: Generator) -> Tensor:
    """Phi = O[:, :R] diag(s) P[:, :R]^T cropped to [M, N], in float64."""
    first, values, second = factors(shape, generator)
    matrix: Tensor = (first * values) @ second.T
    return matrix[: shape.M, : shape.N]


@functools.lru_cache(maxsize=64)
def scale(shape: Shape) -> float:
    """What answers are multiplied by, so that they are of length 1 in the mean; 1 for square ones of full rank."""
    if shape.square:
        return 1.0
    generator = Generator().manual_seed(0)
    lengths = []
    for _ in range(SCALES):
        phi = matrix(shape, generator)
        x = unit(torch.rand(BATCH, shape.M, generator=generator, dtype=torch.float64))
        lengths.append((x @ phi).norm(dim=1).mean().item())
    return SCALES / math.fsum(lengths)


@functools.lru_cache(maxsize=16)
def truth(shape: Shape, seed: int) -> Truth:
    """The matrix of a seed, scaled."""
    if max(shape.M, shape.N) > DIRECT:
        return large_truth(shape, seed)
    phi = matrix(shape, Generator().manual_seed(seed)) * scale(shape)
    u, s, vh = torch.linalg.svd(phi, full_matrices=False)
    rank = min(shape.rank, shape.M, shape.N)
    return Truth(phi.float(), u[:, :rank].float(), s[:rank].float(), vh[:rank].T.float())


def large_truth(shape: Shape, seed: int) -> Truth:
    """The matrix of a seed by way of its factors, of which at most one was cropped and has to be decomposed.

    Answers are scaled by the mean length of 512 of them, of this matrix alone.
    """
    generator = Generator().manual_seed(seed)
    first, values, second = factors(shape, generator)
    size, rank = max(shape.M, shape.N), min(shape.rank, shape.M, shape.N)
    if shape.M == shape.N:
        left, s, right = first.flip(1), values.to(first).flip(0), second.flip(1)
    elif size == shape.M:
        inner, s, vh = torch.linalg.svd(values.to(second)[:, None] * second[: shape.N].T, full_matrices=False)
        left, right = first @ inner, vh.T
    else:
        left, s, vh = torch.linalg.svd(first[: shape.M] * values.to(first), full_matrices=False)
        right = second @ vh.T
    left, s, right = left[:, :rank], s[:rank], right[:, :rank]
    target = (left * s) @ right.T
    if not shape.square:
        x = unit(torch.rand(SCALES * BATCH, shape.M, generator=generator, dtype=torch.float64)).to(target)
        factor = 1 / (x @ target).norm(dim=1).mean()
        target, s = target * factor, s * factor
    return Truth(*(part.float().cpu() for part in (target, left, s, right)))


def unit(numbers: Tensor) -> Tensor:
    """Vectors of length 1 [..., M] from numbers even between 0 and 1."""
    vectors: Tensor = torch.nn.functional.normalize(numbers - 0.5, dim=-1)
    return vectors


class Vectors:
    """The data of one lane: vectors to learn from and fresh ones to test with, for any steps in any order."""

    def __init__(self, seed: int, size: int) -> None:
        self._seed = seed
        self._size = size
        self.size = BATCH
        self._steps = max(1, min(256, BLOCK_NUMBERS // (2 * BATCH * size)))
        self._blocks: dict[int, NDArray[np.float32]] = {}

    def batches(self, start: int, count: int) -> Batch:
        """Vectors x of length 1 and those of the test after each step, both [count, 32, M]."""
        first, last = start // self._steps, (start + count - 1) // self._steps
        drawn = np.concatenate([self._block(number) for number in range(first, last + 1)])
        rows = unit(torch.from_numpy(drawn[start - first * self._steps :][:count]))
        return rows[:, 0], rows[:, 1]

    def _block(self, number: int) -> NDArray[np.float32]:
        if number not in self._blocks:
            generator = np.random.default_rng([self._seed, number])
            shape = (self._steps, 2, BATCH, self._size)
            self._blocks[number] = generator.random(shape, dtype=np.float32)
            while len(self._blocks) > KEPT:
                del self._blocks[next(iter(self._blocks))]
        return self._blocks[number]


@functools.lru_cache(maxsize=64)
def control(shape: Shape, seed: int) -> tuple[float, float, float]:
    """Mean squared length of the answers to 2M fresh vectors, and squared errors of two least-squares solutions.

    The first is by SVD and the second is `numpy.linalg.lstsq`; both are from 2M others, in float32. Answers are not
    scaled. All are NaN for matrices too large for it.
    """
    if max(shape.M, shape.N) > DIRECT:
        return math.nan, math.nan, math.nan
    generator = Generator().manual_seed(seed)
    phi = (truth(shape, seed).target.double() / scale(shape)).float()
    x, fresh = (part.numpy() for part in unit(torch.rand(2, 2 * shape.M, shape.M, generator=generator)))
    # NumPy's float32 decomposition is 10 dB better than torch's on a CPU, and is what was published; so is a solution
    # that is kept in float64, for NumPy widens what the cut of small values has touched.
    u, s, vh = (part.astype(np.float64) for part in np.linalg.svd(x, full_matrices=False))
    inverse = np.where(s < 1e-4, 0, 1 / np.maximum(s, 1e-30))
    solution = vh.T @ (inverse[:, None] * (u.T @ (x @ phi.numpy())))
    other = np.linalg.lstsq(x, x @ phi.numpy(), rcond=None)[0].astype(np.float64)
    answers = fresh @ phi.numpy()
    nothing, error, second = (
        float(np.square(part).sum(axis=1).mean())
        for part in (answers, answers - fresh @ solution, answers - fresh @ other)
    )
    return nothing, error, second


def published_start(parameters: Tensors, gradients: Tensors, test: Callable[[Tensors], float], nothing: float) -> float:
    """The mean over the thirteen algorithms of the test loss after the first step.

    It is what the published ratios have above the line. The entry of the SVD is what knowing nothing leaves of 2M
    answers, divided by 32 and not by their number, so that it grows with M.

    Args:
        parameters: Before the step.
        gradients: Of the step.
        test: The test loss of parameters.
        nothing: Mean squared length of the answers to the SVD's vectors.
    """
    t = torch.ones((), dtype=torch.float64)
    losses = [nothing * 2 * parameters["weight"].shape[1] / BATCH]
    for name, given in RATES.items():
        rule = plugins.load("optimizers", name).target(**given)
        after = {}
        for part, theta in parameters.items():
            terms, _ = rule.update(theta, gradients[part], rule.init(theta), t)
            after[part] = theta + sum(term.to(theta.dtype) for term in terms.values())
        losses.append(test(after))
    return math.fsum(losses) / len(losses)
