"""Small images of ten classes: scikit-learn's handwritten digits, and shapes that are drawn here."""

import functools
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Generator, Tensor, nn

from dynviz.errors import DynvizError

Data: TypeAlias = Literal["digits", "shapes"]

CLASSES = 10
TEST = 512
"""Images that are kept apart."""
SHAPES = 2048
"""Images of shapes that are drawn, those kept apart included."""
SPLIT = 20
"""The seed of the division into training and test."""


@dataclass(frozen=True)
class Images:
    """Grey images [rows, 1, side, side] of mean 0 and deviation 1, and their classes [rows]."""

    train: Tensor
    train_label: Tensor
    test: Tensor
    test_label: Tensor


@functools.cache
def images(data: Data, side: int) -> Images:
    """The images of a data set, the same at each call.

    Raises:
        DynvizError: scikit-learn, which carries the digits, is not installed.
    """
    generator = Generator().manual_seed(SPLIT)
    grey, label = _digits(side) if data == "digits" else _shapes(side, generator)
    order = torch.randperm(len(label), generator=generator)
    grey, label = grey[order], label[order]
    grey = (grey - grey[TEST:].mean()) / grey[TEST:].std()
    return Images(grey[TEST:, None], label[TEST:], grey[:TEST, None], label[:TEST])


def _digits(side: int) -> tuple[Tensor, Tensor]:
    """The 1 797 digits of 8 x 8 pixels, enlarged where more are asked for."""
    try:
        from sklearn.datasets import load_digits  # type: ignore[import-untyped]
    except ImportError as error:
        raise DynvizError(
            "data=digits needs scikit-learn, which carries the images: pip install 'dynviz[data]', or write data=shapes"
        ) from error
    digits = load_digits()
    grey = torch.from_numpy(digits.images).float()
    if side != grey.shape[1]:
        grey = nn.functional.interpolate(grey[:, None], size=(side, side), mode="bilinear")[:, 0]
    return grey, torch.from_numpy(digits.target).long()


def _shapes(side: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Ten shapes of any size and place, faint or strong, in noise; class i at rows i, i + 10, ..."""
    label = torch.arange(SHAPES) % CLASSES
    draw = torch.rand(4, SHAPES, generator=generator)
    ticks = (torch.arange(side) + 0.5) / side * 2 - 1
    centers, size = 0.5 * (draw[:2] - 0.5), 0.45 + 0.3 * draw[2]
    x = (ticks[None, None, :] - centers[0][:, None, None]) / size[:, None, None]
    y = (ticks[None, :, None] - centers[1][:, None, None]) / size[:, None, None]
    x, y = x.expand(-1, side, -1), y.expand(-1, -1, side)
    far, near = torch.maximum(x.abs(), y.abs()), torch.minimum(x.abs(), y.abs())
    radius = torch.hypot(x, y)
    waves = 9.0
    inside = torch.stack(
        [
            radius < 1,
            (radius - 0.75).abs() < 0.25,
            far < 0.9,
            (far - 0.7).abs() < 0.22,
            (near < 0.22) & (far < 1),
            ((x.abs() - y.abs()).abs() < 0.3) & (far < 1),
            (y.abs() < 0.8) & (x.abs() < (y + 0.8) / 1.6),
            (torch.sin(waves * x) > 0) & (far < 1),
            (torch.sin(waves * y) > 0) & (far < 1),
            (torch.sin(waves * x) * torch.sin(waves * y) > 0) & (far < 1),
        ]
    )
    own = inside[label, torch.arange(SHAPES)].float()
    strength = 0.5 + 0.5 * draw[3][:, None, None]
    return own * strength + 0.25 * torch.randn(own.shape, generator=generator), label
