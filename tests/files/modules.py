"""A small network as an nn.Module that notices two threads inside it at once."""

import time
from dataclasses import dataclass

import torch
from torch import nn

from dynviz.task import Channel, Probe, Task, no_batches


class Net(nn.Module):
    """Two layers, or a GRU, with dropout between them."""

    def __init__(self, kind: str, dropout: float) -> None:
        super().__init__()
        self.body = nn.GRU(1, 3, batch_first=True) if kind == "gru" else nn.Linear(1, 3)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(3, 1)
        self.inside = 0

    def forward(self, x):
        self.inside += 1
        assert self.inside == 1, "two threads are inside one module"
        # Long enough for another thread to come in.
        time.sleep(1e-4)
        try:
            hidden = self.body(x[:, None])[0][:, 0] if isinstance(self.body, nn.GRU) else self.body(x).tanh()
        finally:
            self.inside -= 1
        return self.head(self.dropout(hidden))


@dataclass(frozen=True)
class Modules:
    """A fit of a line.

    Attributes:
        kind: `linear` or `gru`.
        dropout: Share of the hidden units.
        spoil: Whether batches are drawn from the global generator.
    """

    kind: str = "linear"
    dropout: float = 0.0
    spoil: bool = False

    def build(self, seed: int) -> Task:
        net = Net(self.kind, self.dropout)
        x = torch.linspace(-1, 1, 5)[:, None]

        def loss(parameters, constants, batch):
            return (
                (torch.func.functional_call(net, dict(parameters), (constants["x"],)) - constants["x"]).square().mean()
            )

        def slope(parameters, constants, batch):
            return torch.func.functional_call(net, dict(parameters), (constants["x"],))[-1, 0]

        def spoilt(start, count):
            return (torch.rand(count, 1),)

        return Task(
            {name: value.detach().clone() for name, value in net.named_parameters()},
            loss,
            spoilt if self.spoil else no_batches,
            60,
            constants={"x": x},
            probes=(Probe((Channel("end", 1),), slope, stacked=False),),
            hyperparameters={"*": {"lr": 0.01}},
        )


scenario = Modules
