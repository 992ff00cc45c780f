"""A task whose steps change a running mean beside the parameters."""

from dataclasses import dataclass

import torch

from dynviz.task import Channel, Probe, Task


@dataclass(frozen=True)
class Running:
    """The loss is taken around the running mean of the batches."""

    def build(self, seed: int) -> Task:
        def batches(start, count):
            steps = torch.arange(start, start + count, dtype=torch.float32)
            return (torch.stack([steps.sin() + seed, steps.cos()], dim=1),)

        def loss(parameters, constants, batch):
            mean = 0.9 * constants["mean"] + 0.1 * batch[0]
            return (parameters["w"] - mean).square().sum(), {"mean": mean}

        return Task(
            {"w": torch.zeros(2)},
            loss,
            batches,
            60,
            buffers={"mean": torch.zeros(2)},
            probes=(Probe((Channel("mean", 1, ("number",), "running mean"),), lambda p, c, b: c["mean"]),),
            every=1,
        )


scenario = Running
