"""A bowl with noise."""

from dataclasses import dataclass

import torch

from dynviz.task import Channel, Probe, Task, parameter


@dataclass(frozen=True)
class Bowl:
    """A bowl.

    Attributes:
        size: How many numbers.
        vary: Whether the size depends on the seed.
    """

    size: int = 3
    vary: bool = False

    def build(self, seed: int) -> Task:
        n = self.size + (seed % 3 if self.vary else 0)
        g = torch.Generator().manual_seed(seed)

        def batches(start, count):
            generators = [torch.Generator().manual_seed(seed * 100003 + t) for t in range(start, start + count)]
            return (torch.stack([torch.randn(n, generator=generator) for generator in generators]),)

        def loss(p, c, b):
            return ((p["x"] - c["target"] + 0.1 * b[0]) ** 2).sum() + p["y"].square().sum()

        return Task(
            {"x": torch.randn(n, generator=g), "y": torch.randn(2, 2, generator=g)},
            loss,
            batches,
            250,
            constants={"target": torch.arange(n) * 1.0},
            probes=(
                parameter("x", 1, ("number",), "x"),
                parameter("y", 10, ("a", "b"), "y"),
                Probe((Channel("truth", 0, ("number",)),), lambda p, c, b: c["target"]),
            ),
            every=10,
            hyperparameters={"*": {"lr": 0.05}},
            views=("curves",),
        )


scenario = Bowl
