"""Where the gradients come from that two optimizers are given."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from dynviz.errors import DynvizError
from dynviz.plugins import Plugin
from dynviz.recording import Recording
from dynviz.recording.metadata import Lane
from dynviz.training.lane_stack import LaneStack
from dynviz.training.parameter_layout import ParameterLayout
from dynviz.training.preparation import tasks

MATRIX: Mapping[str, tuple[int, ...]] = {"weight": (16, 8)}
VECTOR: Mapping[str, tuple[int, ...]] = {"bias": (8,)}
NOISE = 0.3
"""Of the made gradients, the share of noise."""


class Gradients(Protocol):
    """A stream of gradients.

    Attributes:
        title: What they are of.
        layout: The parameters.
        start: Before the first step, in a row.
        steps: How many there are at most.
    """

    title: str
    layout: ParameterLayout
    start: Tensor
    steps: int

    def at(self, step: int, theta: Tensor) -> Tensor:
        """The gradient of a step (from 1), in a row, at a row of parameters."""
        ...


class MadeGradients:
    """Gradients of a noisy quadratic of a matrix and a vector, whose curvatures span six decades; two are zero.

    Steps that treat small gradients, signs, zeros or matrices otherwise are told apart by them.
    """

    def __init__(self, dtype: torch.dtype, seed: int = 0, *, vector: bool = True) -> None:
        """Choose the quadratic.

        Args:
            dtype: Of parameters and gradients.
            seed: Of the start, the minimum and the noise.
            vector: Whether there is a vector beside the matrix.
        """
        generator = torch.Generator().manual_seed(seed)
        self.title = "a noisy quadratic"
        self.layout = ParameterLayout({**MATRIX, **VECTOR} if vector else MATRIX)
        size = sum(self.layout.sizes)
        self.start = torch.randn(size, generator=generator, dtype=torch.float64).to(dtype)
        self._target = torch.randn(size, generator=generator, dtype=torch.float64).to(dtype)
        self._curvature = torch.logspace(-5, 1, size, dtype=torch.float64)[torch.randperm(size, generator=generator)]
        self._curvature[:2] = 0.0
        self._curvature = self._curvature.to(dtype)
        self._seed = seed
        self.steps = 2**31

    def without_vector(self) -> "MadeGradients":
        """Those of a matrix alone."""
        return MadeGradients(self.start.dtype, self._seed, vector=False)

    def at(self, step: int, theta: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(self._seed + step)
        noise = torch.randn(len(theta), generator=generator, dtype=torch.float64).to(theta.dtype)
        return self._curvature * (theta - self._target + NOISE * noise)


class TaskGradients:
    """Gradients of a scenario's loss on the batches of its steps."""

    def __init__(self, scenario: Plugin, dtype: str, seed: int = 0) -> None:
        (task,) = tasks(scenario, [Lane(seed)], dtype)
        self.title = scenario.name
        self._stack = LaneStack([0], [task], torch.device("cpu"), seeds=[seed])
        self.layout = self._stack.layout
        self.start = self._stack.theta
        self.steps = 2**31

    def at(self, step: int, theta: Tensor) -> Tensor:
        self._stack.theta, self._stack.step = theta, step - 1
        return self._stack.gradient(self._stack.batches(step - 1, 1)[0])[1]


class RecordedGradients:
    """Gradients that a recording holds, one for each step."""

    def __init__(self, recording: Recording) -> None:
        """Open the gradients of the first lane.

        Raises:
            DynvizError: They are not recorded at each step, or where they start is not.
        """
        infos = recording.metadata.channels
        lacking = [name for name in ("gradient", "parameters") if name not in infos or not infos[name].parts]
        if lacking:
            raise DynvizError(f"{recording.folder} has no channel {lacking[0]}; record it with --record {lacking[0]}")
        if infos["gradient"].every != 1:
            raise DynvizError(f"{recording.folder} has gradients of every {infos['gradient'].every} steps, not of each")
        self.title = str(recording.folder)
        self.layout = ParameterLayout(recording.metadata.parameters)
        self._rows = recording["gradient"]
        self.start = torch.from_numpy(np.array(recording["parameters"][0, 0]))
        # That at the end belongs to a step that was not made.
        self.steps = min(len(self._rows), recording.total)

    def at(self, step: int, theta: Tensor) -> Tensor:  # noqa: ARG002
        return torch.from_numpy(np.array(self._rows[step - 1, 0]))
