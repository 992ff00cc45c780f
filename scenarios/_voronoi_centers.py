"""The model of learned centers, written for the machine: few passes over the numbers [rows, centers].

Scores are -scale (relu(f away) + relu(p away)), with away = x . c / |c|^2 - offset. For any slopes f and p the sum is
up * away where away is above 0 and down * away elsewhere, with up = relu(f) + relu(p) and down = min(f, 0) + min(p, 0).
Of two classes only the margin between their logits counts, which is a mean of head[1] - head[0].
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dynviz.task import Batch, Tensors

TINY = 1e-30
"""Added to a slope that is divided by and multiplied with, so that one of 0 stays finite."""


def scores(parameters: Tensors) -> Callable[[Tensor], Tensor]:
    """A function of points [rows, 2] to scores [rows, centers], for many points and one state of the parameters."""
    (across, upwards, fixed), _ = _lines(parameters)
    up, down = _sides(parameters["plus_minus"])
    ratio, sharp = (down / up).expand(1, 1), -parameters["scale"] * up

    def of(x: Tensor) -> Tensor:
        # A matrix product over three columns takes nearly twice as long.
        away = torch.addcmul(fixed, x[:, 1:], upwards).addcmul_(x[:, :1], across)
        return torch._prelu_kernel(away, ratio).mul_(sharp)

    return of


def gradient(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:  # noqa: ARG001
    """The cross-entropy of a batch, and the gradient of each parameter."""
    (x, y), head, slopes = batch, parameters["head"], parameters["plus_minus"]
    lines, square = _lines(parameters)
    up, down = _sides(slopes)
    back = -parameters["scale"]
    points = _with_ones(x)
    away = points @ lines
    shares = torch.softmax(torch._prelu_kernel(away, (down / up).expand(1, 1)).mul_(back * up), dim=1)
    between = head[1] - head[0]
    margin = shares @ between
    signs = 1 - 2 * y
    wrong = signs * margin
    loss = nn.functional.softplus(wrong).mean()
    rises = torch.sigmoid(wrong) * signs / len(y)
    # Of the scores, but for the factor of each row, which goes into the small matrix.
    of_scores = torch.sub(between, margin.unsqueeze(1)).mul_(shares)
    weighted = points.T * rises
    both = weighted @ of_scores
    above = weighted @ torch.ops.aten.threshold_backward(of_scores, away, 0)
    below = both - above
    of_up, of_down = (lines * above).sum(), (lines * below).sum()
    first, second, fixed = torch.addcmul(above * (back * up), below, back * down).unbind()
    towards, across = parameters["centers"].unbind(1)
    inward = torch.addcmul(towards * first, across, second)
    of_centers = [
        torch.addcmul(part, line, inward, value=-2) / square
        for part, line in zip((first, second), lines.unbind()[:2], strict=True)
    ]
    of_head = rises @ shares
    return loss, {
        "centers": torch.stack(of_centers, dim=1),
        "offset": -fixed.sum().unsqueeze(0),
        "scale": -(up * of_up + down * of_down).unsqueeze(0),
        "plus_minus": torch.where(slopes > 0, of_up, of_down) * back,
        "head": torch.stack([-of_head, of_head]),
    }


def _lines(parameters: Tensors) -> tuple[Tensor, Tensor]:
    """What points with a 1 in the end are multiplied with [3, centers], and |c|^2 [centers]."""
    first, second = parameters["centers"].unbind(1)
    square = torch.addcmul(first * first, second, second)
    return torch.stack([first / square, second / square, (-parameters["offset"]).expand(len(square))]), square


def _sides(slopes: Tensor) -> tuple[Tensor, Tensor]:
    return slopes.clamp(min=TINY).sum(), slopes.clamp(max=0).sum()


def _with_ones(x: Tensor) -> Tensor:
    return nn.functional.pad(x, (0, 1), value=1.0)
