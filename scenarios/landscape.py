"""A network learns small images; its loss is drawn on lines and planes."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from torch import Generator, Tensor
from torch.nn import functional

from dynviz.errors import DynvizError
from dynviz.scenarios._data import Data, Images, images
from dynviz.scenarios._networks import Network, cnn, mlp, resnet
from dynviz.task import Batch, Channel, Loss, Probe, Task, Tensors, chunked

Model: TypeAlias = Literal["mlp", "cnn", "resnet"]

BLOCK = 64
"""Steps whose batches are drawn together."""
SEEN = 512
"""Images that convolutional networks are measured on, of training and of those kept apart; the perceptron sees all."""
SLICE = 64
"""Images that go through a convolution together: what it makes of them stays in the cache."""
MOMENTUM = 0.1
"""How fast running statistics follow those of the batches."""
TITLES = {
    "mlp": "A perceptron learns digits",
    "cnn": "A convolutional network learns digits",
    "resnet": "A residual network learns digits",
}
STEPS = {"mlp": 1000, "cnn": 300, "resnet": 400}
OWN = {"width": ("mlp", 32), "skip": ("resnet", True), "depth": ("resnet", 20)}
"""Options that one model alone has, and their defaults."""
BATCH = {"mlp": 128, "cnn": 512, "resnet": 128}


@dataclass(frozen=True)
class Landscape:
    """A network learns to classify images of ten classes.

    With `--record parameters`, `dynviz project` then evaluates the loss on a line or a plane through its parameters.
    The perceptron and the residual network see 8 x 8 pixels, the convolutional network of 105 866 parameters sees 28 x
    28.

    The images are the same for all lanes; the lane's seed draws initial weights, batches and dropout.

    Attributes:
        model: A perceptron with two hidden layers, the small convolutional network, or a residual network.
        data: Handwritten digits (from scikit-learn), or shapes drawn in noise.
        dropout: Fraction of the last hidden layer that is dropped at each step.
        skip: Whether the residual network has its skip connections.
        depth: Number of layers of the residual network: 6n + 2.
        width: Units of the perceptron's hidden layers.
        batch: Images in a step; 0 for the model's own: 512 for the convolutional network, else 128.
    """

    model: Model = "mlp"
    data: Data = "digits"
    dropout: float = 0.0
    skip: bool = True
    depth: int = 20
    width: int = 32
    batch: int = 0

    def __post_init__(self) -> None:
        for name, value, known in (("model", self.model, get_args(Model)), ("data", self.data, get_args(Data))):
            if value not in known:
                raise DynvizError(f"landscape has no {name} {value!r}; choose one of {', '.join(known)}")
        for option, (model, default) in OWN.items():
            if self.model != model and getattr(self, option) != default:
                raise DynvizError(f"{option} belongs to model={model}; {self.model} has no such option")
        if not 0 <= self.dropout < 1:
            raise DynvizError(f"dropout={self.dropout} is not a fraction of a layer; write a number from 0 to below 1")
        if not (8 <= self.depth <= 110 and self.depth % 6 == 2):
            raise DynvizError(
                f"depth={self.depth} is not a depth that a residual network can have; write 8, 14, 20, ... 110"
            )
        if not 1 <= self.width <= 4096:
            raise DynvizError(f"width={self.width} is not a number of units; write one from 1 to 4096")
        if not 0 <= self.batch <= 4096:
            raise DynvizError(f"batch={self.batch} is not a number of images; write one from 1 to 4096, or 0")

    def build(self, seed: int) -> Task:
        network = self._network(Generator().manual_seed(seed))
        data = images(self.data, network.side)
        return Task(
            parameters=network.parameters,
            loss=_loss(network),
            batches=ImageBatches(seed, len(data.train), self.batch or BATCH[self.model], self._mask(network)).batches,
            steps=STEPS[self.model],
            constants={**vars(data)},
            buffers=network.statistics,
            probes=(_measured("train", network, data), _measured("test", network, data)),
            every=10,
            hyperparameters={
                "growing": {"lr": 0.1 if self.model == "resnet" else 0.01, "momentum": 0.9},
                "*": {"lr": 3e-3 if self.model == "resnet" else 1e-3},
            },
            views=("curves", "landscape", "line", "sharpness"),
            title=TITLES[self.model].replace("digits", self.data),
            what={
                "model": "",
                "data": "",
                "depth": f"{self.depth} layers" if self.model == "resnet" else "",
                "skip": ("with" if self.skip else "without") + " skip connections" if self.model == "resnet" else "",
                "dropout": f"dropout {self.dropout:g}" if self.dropout else "no dropout",
            },
            facts={"landscape": ["train_loss", "test_loss"], "model": self.model},
        )

    def _network(self, generator: Generator) -> Network:
        if self.model == "resnet":
            return resnet(generator, self.depth, skip=self.skip)
        return cnn(generator) if self.model == "cnn" else mlp(generator, (self.width, self.width))

    def _mask(self, network: Network) -> tuple[int, float]:
        return (network.hidden, self.dropout) if self.dropout else (0, 0.0)


class ImageBatches:
    """Which images a step sees, and which hidden units it silences: functions of the seed and the step."""

    def __init__(self, seed: int, images: int, batch: int, mask: tuple[int, float]) -> None:
        self._seed = seed
        self._images = images
        self._batch = batch
        self._hidden, self._dropout = mask
        self._blocks: dict[int, Batch] = {}

    def batches(self, start: int, count: int) -> Batch:
        """Indices [count, batch], and with dropout masks [count, batch, hidden] of 0 and 1 / (1 - dropout)."""
        first, last = start // BLOCK, (start + count - 1) // BLOCK
        columns = zip(*(self._block(number) for number in range(first, last + 1)), strict=True)
        return tuple(torch.cat(column)[start - first * BLOCK :][:count] for column in columns)

    def _block(self, number: int) -> Batch:
        if number not in self._blocks:
            # The last one alone is kept: those of dropout are large.
            self._blocks = {number: self._drawn(number)}
        return self._blocks[number]

    def _drawn(self, number: int) -> Batch:
        generator = Generator().manual_seed((self._seed * 1_000_003 + number + 1) % 2**63)
        if self._batch <= self._images:
            order = torch.rand(BLOCK, self._images, generator=generator).argsort(dim=1)
            index = order[:, : self._batch]
        else:
            index = torch.randint(self._images, (BLOCK, self._batch), generator=generator)
        if not self._hidden:
            return (index,)
        kept = torch.rand(BLOCK, self._batch, self._hidden, generator=generator) >= self._dropout
        return index, kept / (1 - self._dropout)


def _loss(network: Network) -> Loss:
    def loss(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor | tuple[Tensor, Tensors]:
        index, mask = batch if len(batch) == 2 else (batch[0], None)
        logits, moments = network.forward(parameters, constants["train"][index], mask, None)
        value = functional.cross_entropy(logits, constants["train_label"][index])
        if not network.statistics:
            return value
        # Detached: what is kept of a batch is no path for gradients.
        moved = {name: torch.lerp(constants[name], moments[name].detach(), MOMENTUM) for name in network.statistics}
        return value, moved

    return loss


def _measured(name: str, network: Network, data: Images) -> Probe:
    """Loss and accuracy of a set of images.

    Batch normalisation takes the set's own statistics for the loss, so that it is a function of the parameters alone
    and can be drawn as a landscape; for the accuracy it takes the running ones, as a network in use does.
    """

    def rows(parameters: Tensors, statistics: Tensors | None, images: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        logits, _ = network.forward(parameters, images, None, statistics)
        right = (logits.argmax(dim=1) == label).to(images.dtype)
        return functional.cross_entropy(logits, label, reduction="none"), right

    convolutional = any(value.ndim > 2 for value in network.parameters.values())
    size, there = SLICE if convolutional else SEEN, len(getattr(data, name))
    count = min(SEEN, there) if convolutional else there

    def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
        images, label = constants[name][:count], constants[f"{name}_label"][:count]
        if network.statistics:
            statistics = {kept: constants[kept] for kept in network.statistics}
            loss, _ = rows(parameters, None, images, label)
            _, right = rows(parameters, statistics, images, label)
            return loss.mean(), right.mean()
        columns = chunked(lambda x, y: rows(parameters, None, x, y), images, label, size=size)
        return tuple(column.mean() for column in columns)

    kind = "training" if name == "train" else "test"
    part = f", {count} of {there} images" if count < there else ""
    return Probe(
        (
            Channel(
                f"{name}_loss",
                10,
                (),
                f"mean cross-entropy of {count} {kind} images",
                title=f"{kind} loss{part}",
                better="lower",
            ),
            Channel(
                f"{name}_accuracy",
                10,
                (),
                f"fraction of {count} {kind} images that are classified correctly",
                title=f"{kind} accuracy{part}",
                better="higher",
                bounds=(0.0, 1.0),
            ),
        ),
        measure,
        stacked=False,
    )


scenario = Landscape
