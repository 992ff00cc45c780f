"""Matrix sensing: the stream of data, and what a matrix of no known rank can be recovered to from it."""

import math

import torch
from torch import Generator, Tensor

from dynviz.task import Batch

BLOCK = 256
"""Steps whose data are drawn together, at most."""
NUMBERS = 2**22
"""Numbers that are drawn together, at most, where a step takes many samples."""
KEPT = 4
"""Blocks that stay in memory: several recordings of a run read almost the same steps."""
COMPUTED = 128
"""Largest matrix whose solution of least norm is computed without being asked for: a tenth of a second."""
ITERATIONS = 10
"""Of conjugate gradients: each halves the error of the norm."""


class Stream:
    """The data of one lane, a and b of each step one after the other out of one generator.

    A block can be drawn again from the generator's state at its beginning, so any step can be asked for at any time.
    Where d is a multiple of 16, blocks hold the numbers that drawing each vector by itself would give.
    """

    def __init__(self, generator: Generator, d: int, samples: int = 1) -> None:
        """Take a generator and go on with it; a step of several samples gets [samples, d], one of one gets [d]."""
        self._generator = generator
        self._shape = (d,) if samples == 1 else (samples, d)
        self._steps = max(1, min(BLOCK, NUMBERS // (2 * samples * d))) if samples > 1 else BLOCK
        self._states = [generator.get_state()]
        self._blocks: dict[int, Tensor] = {}

    def batches(self, start: int, count: int) -> Batch:
        """The vectors a and b of the steps start..start+count-1, each [count, d] or [count, samples, d]."""
        first, last = start // self._steps, (start + count - 1) // self._steps
        drawn = torch.cat([self._block(number) for number in range(first, last + 1)])
        rows = drawn[start - first * self._steps :][:count]
        return rows[:, 0], rows[:, 1]

    def _block(self, number: int) -> Tensor:
        if number in self._blocks:
            return self._blocks[number]
        for place in range(min(number, len(self._states) - 1), number + 1):
            self._generator.set_state(self._states[place])
            block = torch.randn(self._steps, 2, *self._shape, generator=self._generator)
            if place + 1 == len(self._states):
                self._states.append(self._generator.get_state())
        self._blocks[number] = block
        while len(self._blocks) > KEPT:
            del self._blocks[next(iter(self._blocks))]
        return block


def least_norm_error(target: Tensor, a: Tensor, b: Tensor) -> float:
    """The relative error of the matrix of least norm that gives the right answers a^T X b to all samples [samples, d].

    It is the projection of the target on the space that the samples span, found by conjugate gradients. The norm of
    the projection is all that is asked for, and converges twice as fast as the projection. With n samples of d x d
    unknowns theory expects sqrt(1 - n / d^2).
    """
    answers = (a @ target * b).sum(dim=1)
    # |P T|^2 = y^T K^-1 y.
    share = (answers @ _dual(a, b, answers)) / target.square().sum()
    return math.sqrt(max(0.0, 1 - share.item()))


def least_norm_label_error(target: Tensor, a: Tensor, b: Tensor) -> float:
    """The same of the matrix of least norm whose answers are the labels -1 and 1: sqrt(1 - cos^2) of it and the target.

    Its scale says nothing, as in classification only signs are known.
    """
    answers = (a @ target * b).sum(dim=1)
    labels = answers.sign()
    z = _dual(a, b, labels)
    share = (z @ answers) ** 2 / ((labels @ z) * target.square().sum())
    return math.sqrt(max(0.0, 1 - share.item()))


def theoretical_label_error(target: Tensor, a: Tensor, share: float) -> float:
    """What `least_norm_label_error` is for large d.

    A label is a linear function of the answer with correlation rho, and noise. Of the signal the samples leave the
    share n / d^2, and of the noise share / (1 - share), as in every least-norm fit of a Gaussian design.

    Args:
        target: The matrix.
        a: Vectors [rows, d] over which |T^T a| is averaged.
        share: n / d^2.
    """
    rho = math.sqrt(2 / math.pi) * ((a @ target).norm(dim=1).mean() / target.norm()).item()
    cosine = (rho * share) ** 2 / (rho**2 * share + (1 - rho**2) * share / (1 - share))
    return math.sqrt(1 - cosine)


def _dual(a: Tensor, b: Tensor, answers: Tensor) -> Tensor:
    """Of K z = y with K_ij = (a_i a_j) (b_i b_j), the z. K is applied by way of the matrix that it stands for."""
    z, residual = torch.zeros_like(answers), answers.clone()
    way, size = residual.clone(), residual @ residual
    for _ in range(ITERATIONS):
        spread = a.T @ (way[:, None] * b)
        applied = (a @ spread * b).sum(dim=1)
        along = size / (way @ applied)
        z, residual = z + along * way, residual - along * applied
        before, size = size, residual @ residual
        way = residual + size / before * way
    return z
