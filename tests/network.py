"""A small network with matrices and vectors, whose gradients the oracles of optimizers follow."""

import torch
from torch import Tensor


def parameters(seed: int = 0, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    """Two layers: [3, 5] and [5] to [5, 2] and [2]."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=dtype)

    return {"W1": draw(3, 5), "b1": draw(5), "W2": draw(5, 2), "b2": draw(2)}


def batch(step: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """The data of a step: 16 points of a curve."""
    generator = torch.Generator().manual_seed(1000 + step)
    x = torch.randn(16, 3, generator=generator, dtype=dtype)
    return x, torch.stack([x[:, 0] * x[:, 1], x[:, 2].sin()], dim=1)


def loss(values: dict[str, Tensor], data: tuple[Tensor, Tensor]) -> Tensor:
    """Mean squared error."""
    x, y = data
    hidden = torch.tanh(x @ values["W1"] + values["b1"])
    return (hidden @ values["W2"] + values["b2"] - y).square().mean()
