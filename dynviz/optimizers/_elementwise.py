"""Quotients and signs of single numbers, with their edges: nothing over nothing, and what is not a number."""

import torch
from torch import Tensor


def over(value: Tensor | float, divisor: Tensor, eps: Tensor | float) -> Tensor:
    """The quotient; zero where the divisor is: no gradient was ever seen there, and eps, a part of it, is zero."""
    quotient = value / divisor
    # Where eps is above zero for all lanes and steps, nothing divides by zero.
    if isinstance(eps, int | float) and eps > 0:
        return quotient
    return torch.where(divisor == 0, torch.zeros_like(quotient), quotient)


def sign(value: Tensor) -> Tensor:
    """The sign of each number, and NaN of NaN: torch gives zero, and a lane that diverged would stand still."""
    return torch.where(value.isnan(), value, value.sign())
