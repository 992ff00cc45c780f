"""A stream of items as basis vectors: a sketch of it counts the frequent ones."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from dynviz.errors import DynvizError
from dynviz.plugins.ranges import Size
from dynviz.scenarios._draws import Draws
from dynviz.scenarios._zipf import frequencies
from dynviz.task import Batch, Channel, Probe, Task, Tensors

MOST = 512
"""Of longer axes optimizers record no directions."""


@dataclass(frozen=True)
class FrequentItems:
    """Items come one by one, as rare as words; the gradient of a step is the basis vector of its item, negated.

    Of such a stream the Frequent Directions sketch that `sketchy` keeps is the algorithm of Misra and Gries: with
    beta2=1 and `rank` rows it keeps rank - 1 counters, and each is too low by a share 1 / rank of the stream at most.
    Record the statistics with `--record 'state.*:every=1'` for the view `counters`.

    The loss is linear: minus the weight of the item that comes.

    Source: Misra and Gries 1982, Finding repeated elements; Liberty 2013, Simple and deterministic matrix sketching.

    Attributes:
        items: How many different items there are; item 0 is the most frequent.
        zipf: Their frequencies fall as k^-zipf; 0 makes all equal.
    """

    items: int = 32
    zipf: Size = 1.0

    def __post_init__(self) -> None:
        if not 2 <= self.items <= MOST:
            raise DynvizError(f"items={self.items} is not a number of items; write one from 2 to {MOST}")

    def build(self, seed: int) -> Task:
        shares = frequencies(self.items, self.zipf)
        drawn = Draws(seed, lambda generator, count: generator.choice(self.items, count, p=shares))

        def batches(start: int, count: int) -> Batch:
            return (functional.one_hot(drawn.rows(start, count), self.items).float(),)

        def loss(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            (item,) = batch
            return -(parameters["weight"] * item).sum()

        def item(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            return batch[0].argmax()

        return Task(
            parameters={"weight": torch.zeros(self.items)},
            loss=loss,
            batches=batches,
            steps=400,
            probes=(Probe((Channel("item", 1, (), "the item of the step, from 0 for the most frequent"),), item),),
            every=1,
            hyperparameters={"sketchy": {"lr": 0.1, "rank": 8, "beta2": 1.0}, "*": {"lr": 0.1}},
            views=("curves", "counters"),
            title="Counting the frequent items of a stream",
            what={
                "items": f"{self.items} items",
                "zipf": f"frequencies k^-{self.zipf:g}" if self.zipf else "all alike",
            },
        )


scenario = FrequentItems
