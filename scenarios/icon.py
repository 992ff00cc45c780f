"""A plane in weight space, deformed until the loss on it shows a small picture."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Generator, Tensor
from torch.func import vmap
from torch.nn import functional

from dynviz.errors import DynvizError, unknown
from dynviz.scenarios._data import Data, images
from dynviz.scenarios._networks import Network, cnn, he, mlp
from dynviz.scenarios._pictures import PICTURES
from dynviz.scenarios.landscape import ImageBatches
from dynviz.task import Batch, Channel, Probe, Task, Tensors

SIDES = (2, 64)
BATCH = 128
CELLS = 64
"""Cells of the picture, and so networks, in a step."""
CONVOLUTIONS = 16
"""Convolutional networks that are evaluated together."""
SEEN = 256
"""Images that the loss of every cell is measured on."""


@dataclass(frozen=True)
class Icon:
    """An origin and two directions, which span a plane in the weight space of a perceptron, are trained together.

    Each cell of a picture is a network of that plane. Networks inside the picture should classify images of ten classes
    well, and those around it should not: each step moves the plane so that the logarithms of their losses approach two
    levels.

    The published pictures are of convolutional networks: `model=cnn`, with 105 866 weights in each of the three
    networks, wants a GPU.

    Source: Skorokhodov and Burtsev 2019, Loss landscape sightseeing with multi-point optimization.

    Attributes:
        picture: The picture: heart, smile, spiral, star, cat or tree, or a file: an image, dark on bright, or text in
            rows of # and dots.
        low: Target loss inside the picture.
        high: Target loss around the picture.
        model: A perceptron, or the small convolutional network on images of 28 x 28.
        width: Units of the perceptron's two hidden layers.
        data: Handwritten digits (from scikit-learn), or shapes drawn in noise.
    """

    picture: Literal["heart", "smile", "spiral", "star", "cat", "tree"] | Path = "heart"
    low: float = 0.1
    high: float = 2.0
    model: Literal["mlp", "cnn"] = "mlp"
    width: int = 32
    data: Data = "digits"

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high < math.inf:
            raise DynvizError(f"low={self.low},high={self.high} are not two losses in order; write 0 < low < high")
        if not 1 <= self.width <= 4096:
            raise DynvizError(f"width={self.width} is not a number of units; write one from 1 to 4096")
        if self.model not in ("mlp", "cnn"):
            raise DynvizError(f"icon has no model {self.model!r}; choose mlp or cnn")
        if self.model != "mlp" and self.width != 32:
            raise DynvizError(f"width belongs to model=mlp; {self.model} has no such option")
        picture(self.picture)

    def build(self, seed: int) -> Task:
        wanted = picture(self.picture)
        rows, columns = wanted.shape
        generator = Generator().manual_seed(seed)
        network = cnn(generator) if self.model == "cnn" else mlp(generator, (self.width, self.width))
        data = images(self.data, network.side)
        plane = Plane(network, (rows, columns))
        seen = ImageBatches(seed, len(data.train), BATCH, (0, 0.0))
        cells = ImageBatches(seed + 1, rows * columns, min(CELLS, rows * columns), (0, 0.0))
        dims = ("row", "column")
        return Task(
            parameters=plane.parameters(generator),
            loss=plane.loss,
            batches=lambda start, count: (*seen.batches(start, count), *cells.batches(start, count)),
            steps=2000,
            constants={
                "places": torch.cartesian_prod(torch.linspace(-1, 1, rows), torch.linspace(-1, 1, columns)),
                # Logarithms of the losses that shall be.
                "target": torch.where(wanted.flatten(), math.log(self.low), math.log(self.high)),
                "train": data.train,
                "train_label": data.train_label,
            },
            probes=(
                Probe(
                    (Channel("plane_loss", 20, dims, "loss of each network of the plane", better="lower"),),
                    plane.seen,
                    stacked=False,
                ),
                Probe((Channel("picture", 0, dims, "target loss of each network"),), plane.picture),
            ),
            hyperparameters={"*": {"lr": 3e-3}},
            views=("icon", "curves"),
            title="A loss landscape with a picture in it",
            what={"picture": Path(self.picture).stem, "data": "", "model": ""},
            facts={"low": self.low, "high": self.high},
        )


@dataclass(frozen=True)
class Plane:
    """Networks origin + a right + b up.

    Attributes:
        network: Of each of them.
        shape: Rows and columns of the picture.
    """

    network: Network
    shape: tuple[int, int]

    def parameters(self, generator: Generator) -> dict[str, Tensor]:
        """Three networks' numbers: those of the directions are as large as weights, so that the corners are others."""
        constants = {f"origin.{name}": value for name, value in self.network.parameters.items()}
        for way in ("right", "up"):
            for name, value in self.network.parameters.items():
                flat = value.ndim < 2
                drawn = 0.1 * torch.randn(value.shape, generator=generator) if flat else he(generator, *value.shape)
                constants[f"{way}.{name}"] = drawn
        return constants

    def losses(self, parameters: Tensors, places: Tensor, images: Tensor, label: Tensor) -> Tensor:
        """The loss of the networks at places [cells, 2], up and right."""

        def one(place: Tensor) -> Tensor:
            up, right = place.unbind()
            values = {
                name: parameters[f"origin.{name}"] + up * parameters[f"up.{name}"] + right * parameters[f"right.{name}"]
                for name in self.network.parameters
            }
            logits, _ = self.network.forward(values, images, None, None)
            return functional.cross_entropy(logits, label)

        # The values of many convolutions at once would fill a GPU.
        together = CONVOLUTIONS if any(value.ndim > 2 for value in self.network.parameters.values()) else None
        losses: Tensor = vmap(one, chunk_size=together)(places)
        return losses

    def loss(self, parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:
        index, cell = batch
        images, label = constants["train"][index], constants["train_label"][index]
        loss = self.losses(parameters, constants["places"][cell], images, label)
        return (loss.log() - constants["target"][cell]).square().mean()

    def seen(self, parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG002
        images, label = constants["train"][:SEEN], constants["train_label"][:SEEN]
        return self.losses(parameters, constants["places"], images, label).reshape(self.shape)

    def picture(self, parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG002
        return constants["target"].exp().reshape(self.shape)


def picture(name: str | Path) -> Tensor:
    """Which cells are of the picture [rows, columns], the first row at the bottom.

    Raises:
        DynvizError: There is no such picture or file, or it is too large, or all of one colour.
    """
    cells = _text(PICTURES[name]) if isinstance(name, str) and name in PICTURES else _file(Path(name))
    if not all(SIDES[0] <= side <= SIDES[1] for side in cells.shape) or cells.all() or not cells.any():
        raise DynvizError(
            f"picture {name} has {cells.shape[0]} x {cells.shape[1]} cells, {int(cells.sum())} of them dark; "
            f"a picture has {SIDES[0]} to {SIDES[1]} rows and columns, some cells dark and some bright"
        )
    return cells.flip(0)


def _file(path: Path) -> Tensor:
    if not path.is_file():
        raise unknown("picture", str(path), [*PICTURES, "a file: heart.txt, heart.png"])
    if path.suffix.lower() == ".txt":
        return _text(path.read_text())
    from PIL import Image

    try:
        with Image.open(path) as image:
            # The first frame of an animation; what is transparent shows white paper.
            colours = np.asarray(image.convert("RGBA"), np.float64)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DynvizError(f"{path} cannot be read as a picture: {' '.join(str(error).split())}") from error
    opaque = colours[..., 3:] / 255
    grey = torch.from_numpy((colours[..., :3] * opaque + 255 * (1 - opaque)).mean(axis=-1))
    return grey < (grey.min() + grey.max()) / 2


def _text(text: str) -> Tensor:
    lines = [line.strip() for line in text.split() if line.strip()]
    if len({len(line) for line in lines}) != 1 or set("".join(lines)) - set("#."):
        raise DynvizError("a picture as text has rows of # and . of one length")
    return torch.tensor([[cell == "#" for cell in line] for line in lines])


scenario = Icon
