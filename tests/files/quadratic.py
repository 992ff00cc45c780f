"""A linear model with a quadratic loss, whose landscape is known in closed form."""

from dataclasses import dataclass

import torch

from dynviz.task import Channel, Probe, Task, no_batches


@dataclass(frozen=True)
class Quadratic:
    """Least squares |A w - y|^2 / 2 in the tensors W [2, 3] and b [2]; lanes begin at different places."""

    steps: int = 40

    def build(self, seed):
        generator = torch.Generator().manual_seed(7)
        matrix = torch.randn(12, 8, generator=generator, dtype=torch.float64)
        target = torch.randn(12, generator=generator, dtype=torch.float64)
        start = torch.randn(8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)

        def loss(parameters, constants, batch):
            w = torch.cat([parameters["W"].flatten(), parameters["b"]])
            return (constants["matrix"] @ w - constants["target"]).square().sum() / 2

        def doubled(parameters, constants, batch):
            return 2 * loss(parameters, constants, batch)

        return Task(
            parameters={"W": start[:6].reshape(2, 3), "b": start[6:]},
            loss=loss,
            batches=no_batches,
            steps=self.steps,
            constants={"matrix": matrix, "target": target},
            probes=(Probe((Channel("val_loss", 5),), doubled),),
            every=1,
            hyperparameters={"*": {"lr": 0.01}},
        )


scenario = Quadratic
