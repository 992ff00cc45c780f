"""Which cells of the plane a lane has seen a training point of, and how many of its errors lie in the others."""

from collections.abc import Callable

from torch import Tensor, nn

from dynviz.scenarios._environment import Environment, owner
from dynviz.scenarios._voronoi_measures import Logits
from dynviz.task import Batch, Channel, Gradient, Loss, Probe, Tensors

SEEN, CELL = "seen", "val_cell"
EVERY = 100
CHANNELS = (
    Channel("unseen_cells", EVERY, (), "number of centers of whose cell no training point has been seen"),
    Channel(
        "unseen_area",
        EVERY,
        (),
        "fraction of the validation points that lie in unseen cells",
        better="lower",
        bounds=(0.0, 1.0),
    ),
    Channel(
        "unseen_errors",
        EVERY,
        (),
        "fraction of the misclassified validation points that lie in unseen cells; NaN if there are none",
        title="share of errors in unseen cells",
        bounds=(0.0, 1.0),
    ),
)


def with_cells(truth: Environment, batches: Callable[[int, int], Batch]) -> Callable[[int, int], Batch]:
    """The same batches with the cell of each point: the index of its center."""

    def batched(start: int, count: int) -> Batch:
        x, y = batches(start, count)
        cells = owner(x.flatten(0, 1), truth.centers, truth.rule)
        return x, y, cells.reshape(y.shape)

    return batched


def counting(loss: Loss) -> Loss:
    """The same loss, which also counts the training points of each cell."""

    def counted(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, Tensors]:
        value = loss(parameters, constants, batch[:2])
        assert isinstance(value, Tensor)
        return value, _counted(constants, batch)

    return counted


def counting_gradient(gradient: Gradient | None) -> Gradient | None:
    """The same for a gradient that is written out."""
    if gradient is None:
        return None

    def counted(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[tuple[Tensor, Tensors], Tensors]:
        value, gradients = gradient(parameters, constants, batch[:2])
        assert isinstance(value, Tensor)
        return (value, _counted(constants, batch)), gradients

    return counted


def _counted(constants: Tensors, batch: Batch) -> dict[str, Tensor]:
    count = constants[SEEN].shape[-1]
    return {SEEN: constants[SEEN] + nn.functional.one_hot(batch[2], count).sum(dim=0).to(constants[SEEN].dtype)}


def probe(logits: Logits) -> Probe:
    """What is unseen, and its share of the errors."""

    def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
        unseen = constants[SEEN] == 0
        wrong = logits(parameters, constants, constants["val"]).argmax(dim=1) != constants["val_label"]
        dtype = constants[SEEN].dtype
        inside = unseen[constants[CELL]].to(dtype)
        return unseen.sum().to(dtype), inside.mean(), (inside * wrong).sum() / wrong.sum()

    return Probe(CHANNELS, measure, stacked=False)
