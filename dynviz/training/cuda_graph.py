"""Blocks of steps as CUDA graphs: operations are recorded once and then replayed."""

import torch
from torch import Tensor
from torch.utils._pytree import TreeSpec, tree_flatten, tree_leaves, tree_unflatten

from dynviz.training.block import BlockInputs, BlockOutputs, TensorFunction

WARM = 3
"""Times that a block runs before it is captured, so that libraries have what they allocate at first use."""


class CapturedFunction:
    """A function of tensors as a CUDA graph, captured at its first call.

    The graph reads and writes its own tensors. Inputs that are not the same tensors as last time are copied in, and
    outputs are copied out, so that samples and states stay intact when the graph runs again.
    """

    def __init__(self, function: TensorFunction) -> None:
        self._function = function
        self._graph: torch.cuda.CUDAGraph | None = None
        self._refused = False
        self._last: list[Tensor] = []
        self._inputs: list[Tensor] = []
        self._outputs: list[Tensor] = []
        self._form: TreeSpec | None = None

    def __call__(self, inputs: BlockInputs) -> BlockOutputs:
        flat = tree_leaves(inputs)
        if self._graph is None and not self._refused:
            self._begin(inputs)
        if self._graph is None or self._form is None:
            return self._function(inputs)
        changed = [(old, new) for old, new, last in zip(self._inputs, flat, self._last, strict=True) if new is not last]
        if changed:
            torch._foreach_copy_([old for old, _ in changed], [new for _, new in changed])
        self._last = flat
        self._graph.replay()
        copies = [torch.empty_like(value) for value in self._outputs]
        torch._foreach_copy_(copies, self._outputs)
        outputs: BlockOutputs = tree_unflatten(copies, self._form)
        return outputs

    def _begin(self, inputs: BlockInputs) -> None:
        self._last, form = tree_flatten(inputs)
        self._inputs = [value.clone() for value in self._last]
        try:
            self._graph, outputs = self._capture(tree_unflatten(self._inputs, form))
        except RuntimeError:
            # It holds an operator that no graph can, and that we do not know of: then steps are taken one by one.
            self._refused = True
            return
        self._outputs, self._form = tree_flatten(outputs)

    def _capture(self, inputs: BlockInputs) -> "tuple[torch.cuda.CUDAGraph, BlockOutputs]":
        with torch.cuda.device(inputs.theta.device):
            present = torch.cuda.current_stream()
            aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            aside.wait_stream(present)
            with torch.cuda.stream(aside):
                for _ in range(WARM):
                    self._function(inputs)
            present.wait_stream(aside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                outputs = self._function(inputs)
        return graph, outputs
