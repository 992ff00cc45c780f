"""Blocks of steps as CUDA graphs: the device is told once what to do, and then only to do it again."""

import torch
from torch import Tensor

from dynviz.training.program import Found, Function, Given

WARM = 3
"""Times that a block runs before it is captured, so that libraries have what they allocate at first use."""


class Captured:
    """A function of tensors as a CUDA graph, captured at its first call.

    The graph reads and writes tensors of its own. What is given is copied in, where it is another tensor than the last
    time, and what is found is copied out, so that samples and states stay as they are when the graph runs again.
    """

    def __init__(self, function: Function) -> None:
        self._function = function
        self._graph: torch.cuda.CUDAGraph | None = None
        self._refused = False
        self._last: list[Tensor] = []
        self._inputs: list[Tensor] = []
        self._outputs: list[Tensor] = []
        self._found: Found | None = None

    def __call__(self, given: Given) -> Found:
        flat = given.flat()
        if self._graph is None and not self._refused:
            self._begin(given, flat)
        if self._graph is None or self._found is None:
            return self._function(given)
        changed = [(old, new) for old, new, last in zip(self._inputs, flat, self._last, strict=True) if new is not last]
        if changed:
            torch._foreach_copy_([old for old, _ in changed], [new for _, new in changed])
        self._last = flat
        self._graph.replay()
        copies = [torch.empty_like(value) for value in self._outputs]
        torch._foreach_copy_(copies, self._outputs)
        return self._found.like(copies)

    def _begin(self, given: Given, flat: list[Tensor]) -> None:
        self._inputs, self._last = [value.clone() for value in flat], flat
        try:
            self._graph, self._found = self._capture(given.like(self._inputs))
        except RuntimeError:
            # It holds an operator that no graph can, and that we do not know of: then steps are taken one by one.
            self._refused = True
            return
        self._outputs = self._found.flat()

    def _capture(self, given: Given) -> "tuple[torch.cuda.CUDAGraph, Found]":
        with torch.cuda.device(given.theta.device):
            present = torch.cuda.current_stream()
            aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            aside.wait_stream(present)
            with torch.cuda.stream(aside):
                for _ in range(WARM):
                    self._function(given)
            present.wait_stream(aside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                found = self._function(given)
        return graph, found
