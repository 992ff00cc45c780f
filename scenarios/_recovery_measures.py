"""Matrix recovery: what a layer loses, and what is measured of it."""

import torch
from torch import Tensor

from dynviz.scenarios._recovery import LAST
from dynviz.scenarios._spectra import CORNER, alignment, corner, of_product, singular_values, subspaces
from dynviz.task import Batch, Channel, Measure, Probe, Tensors


def errors(parameters: Tensors, constants: Tensors, x: Tensor) -> Tensor:
    """What the layer answers less what is true [rows, N]."""
    output = x @ parameters["weight"].T
    if "bias" in parameters:
        output = output + parameters["bias"]
    away: Tensor = output - x @ constants["target"]
    return away


def test_loss(parameters: Tensors, constants: Tensors, fresh: Tensor) -> Tensor:
    """The squared error per vector."""
    return errors(parameters, constants, fresh).square().sum(dim=1).mean()


def loss(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, Tensors]:
    """The squared error summed over batch and outputs, and the buffers after it."""
    value = errors(parameters, constants, batch[0]).square().sum()
    return value, _tested({name: value.detach() for name, value in parameters.items()}, constants, batch[1])


def gradient(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[tuple[Tensor, Tensors], dict[str, Tensor]]:
    """The same with the gradient of each parameter."""
    away = errors(parameters, constants, batch[0])
    twice = 2 * away
    gradients = {"weight": twice.T @ batch[0]}
    if "bias" in parameters:
        gradients["bias"] = twice.sum(dim=0)
    return (away.square().sum(), _tested(parameters, constants, batch[1])), gradients


def _tested(parameters: Tensors, constants: Tensors, fresh: Tensor) -> dict[str, Tensor]:
    """What is kept of the test loss of a step, and of the weight before it."""
    now = test_loss(parameters, constants, fresh)
    return {
        "first": torch.where(constants["count"] == 0, now, constants["first"]),
        # The test loss before the first step is none that the optimizer came to.
        "recent": torch.cat([torch.where(constants["count"] == 0, 0.0, now)[None], constants["recent"][:-1]]),
        "count": constants["count"] + 1,
        "before": parameters["weight"].clone(),
    }


def _measured_loss(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, Tensor]:
    """The test loss, and the ratio of that before training to the mean of those after steps, at most the last four."""
    now = test_loss(parameters, constants, batch[1])
    count, given = constants["count"], constants["ratios"][0]
    own = torch.where(count >= 1, constants["first"], now)
    start = torch.where(given.isnan(), own, given)
    final = (now + constants["recent"].sum()) / (1 + (count - 1).clamp(0, LAST - 1))
    return now, 10 * (start.log10() - final.log10())


def _relative_error(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
    target = constants["target"]
    error: Tensor = (parameters["weight"].T - target).norm() / target.norm()
    return error


def _spectra(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:
    weight = parameters["weight"]
    rank = constants["true_values"].shape[-1]
    left, right, values = subspaces(weight.T, rank)
    away = errors(parameters, constants, batch[0])
    both = alignment(left, constants["true_left"]), alignment(right, constants["true_right"])
    return (
        values,
        of_product(batch[0], 2 * away),
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
    return constants["true_values"], corner(constants["target"]), *constants["ratios"].unbind()


def probes(every: int, k: int) -> tuple[Probe, ...]:
    """All that is recorded beside the loss; spectra so many steps apart, k true directions one by one."""
    index, corners = ("index",), f"the first {CORNER} rows and columns at most"
    return (
        Probe(
            (
                Channel("test_loss", 1, (), "squared error per vector, on 32 unseen vectors", better="lower"),
                Channel(
                    "snr",
                    1,
                    (),
                    "test loss before training over the mean of the last four, in dB",
                    title="signal-to-noise ratio in dB",
                    better="higher",
                ),
            ),
            _measured_loss,
        ),
        Probe(
            (Channel("relative_error", 10, (), "|W - Phi| / |Phi|, Frobenius norms", better="lower"),), _relative_error
        ),
        Probe(
            (
                Channel("singular_values", every, index, "singular values of W"),
                Channel(
                    "gradient_singular_values", every, index, "singular values of the gradient on the batch of the step"
                ),
                Channel(
                    "update_singular_values", every, index, "singular values of the update that led to this sample"
                ),
                Channel("alignment", every, ("input or output",), "mean squared cosine with the true subspace"),
            ),
            _spectra,
            stacked=False,
        ),
        Probe(
            (Channel("core", every, ("row", "column"), "W in the true singular directions; 1 is learned"),), _core(k)
        ),
        Probe(
            (Channel("matrix", every, ("row", "column"), f"W, {corners}"),),
            lambda parameters, constants, batch: corner(parameters["weight"].T),  # noqa: ARG005
        ),
        Probe(
            (
                Channel("true_singular_values", 0, index, "singular values of Phi"),
                Channel("true_matrix", 0, ("row", "column"), f"Phi, {corners}"),
                Channel("snr_start", 0, (), "numerator of snr; NaN: the lane's own test loss before training"),
                Channel("svd_snr", 0, (), "signal-to-noise ratio of the least-squares solution from 2M pairs, in dB"),
                Channel("lstsq_snr", 0, (), "the same as numpy.linalg.lstsq solves it, in dB"),
            ),
            _truth,
        ),
    )
