"""How much optimizers keep: bars for a whole network, and curves against the size of one matrix."""

from collections.abc import Sequence

import numpy as np

from dynviz.charts import caption
from dynviz.charts.channels import written
from dynviz.charts.numbers import significant
from dynviz.frozen import frozen
from dynviz.scene.marks import Axis, Bars, Dash, Line, Panel, Points, Readout, ReferenceLine, Scene, Text

MODEL = "the parameters"
BYTES = 4
"""Of a number in float32, in which the parameters are."""
DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted")


@frozen
class KeptState:
    """What one optimizer keeps.

    Attributes:
        name: Of the optimizer.
        title: With its hyperparameters.
        numbers: For all parameters, in copies of them.
        held: The bytes, in bytes of the parameters.
        curve: Numbers for a matrix [a, 4 a], for each a of `sides`.
    """

    name: str
    title: str
    numbers: float
    held: float
    curve: Sequence[float]


def scene(title: str, memories: Sequence[KeptState]) -> Scene:
    """The picture; of several optimizers its title says what the most and the least is that one keeps."""
    readouts = tuple(Readout(written(memory.title), caption.color(place)) for place, memory in enumerate(memories))
    most, least = (choose(memories, key=lambda memory: memory.numbers) for choose in (max, min))
    if len(memories) > 1:
        readouts = (Readout(f"{title}.", "text"), *readouts)
        title = f"From {_copies(least)} copies of the parameters ({least.name}) to {_copies(most)} ({most.name})"
    return Scene(title, (_network(memories), _matrix(memories)), 0, -1, readouts)


def sides() -> list[int]:
    """Rows of the matrices of the curves."""
    return [2**power for power in range(7, 13)]


def _copies(memory: KeptState) -> str:
    return significant(memory.numbers, 2 if memory.numbers >= 0.01 else 1)


def _network(memories: Sequence[KeptState]) -> Panel:
    """A bar for each optimizer, named above it; a ring where the bytes that it holds are not those of float32."""
    top = max(max(memory.numbers, memory.held, 1.0) for memory in memories)
    # Between whole numbers there are no ticks.
    x = Axis((0.01, 0.99), label="bars: numbers in float32; rings: the bytes that are held", whole=True)
    y = Axis((0.0, 1.2 * top), label="copies of the parameters")
    room = 0.06 * y.limits[1]
    marks: list[Bars | Text | Points | ReferenceLine] = [ReferenceLine(1.0)]
    for place, memory in enumerate(memories):
        color, at = caption.color(place), (place + 0.5) / len(memories)
        marks.append(Bars(np.array([at]), np.array([memory.numbers]), color, 0.7 / len(memories)))
        if abs(memory.held - memory.numbers) > 1e-3 * memory.held:
            marks.append(Points(np.array([at]), np.array([memory.held]), color, 6.0, "ring"))
        height = memory.numbers + room
        height = 1.0 + room if abs(height - 1.0) < room else height
        marks.append(Text(at, height, f"{memory.name} {_copies(memory)}", color, "center"))
    return Panel("what is kept beside the parameters", x, y, tuple(marks))


def _matrix(memories: Sequence[KeptState]) -> Panel:
    """Numbers for a matrix [a, 4 a] against a."""
    rows = np.array(sides(), dtype=np.float64)
    values = [np.asarray(memory.curve, dtype=np.float64) for memory in memories]
    own = 4 * rows**2
    every = np.concatenate([*(part[part > 0] for part in values), own])
    x = Axis((float(rows[0]), float(rows[-1])), "log", "rows a of the matrix", whole=True)
    y = Axis((float(every.min()) / 2, 2 * float(every.max())), "log")
    lines = [Line(rows, own, "muted", MODEL, dash="dashed", width=1.0)]
    for place, (memory, numbers) in enumerate(zip(memories, values, strict=True)):
        drawn = np.where(numbers > 0, numbers, np.nan)
        dash = DASHES[place // caption.COLORS % 3]
        lines.append(Line(rows, drawn, caption.color(place), memory.name, dash=dash, width=1.5))
    return Panel("numbers kept for a matrix [a, 4a]", x, y, tuple(lines))
