"""The attributes of a PyTorch optimizer, as a tree that a checkpoint stores without pickle."""

import random
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from dynviz.training.chained import parts

Node: TypeAlias = list[Any]
"""A kind, and what is kept of a value of it."""
KNOWN = frozenset({"state", "param_groups", "defaults"})
"""What `state_dict` holds."""


class Attributes:
    """The attributes of an optimizer besides its `state_dict`.

    Attributes:
        kept: For each attribute, a tree that `restore` accepts.
        opaque: Descriptions of the parts that cannot be saved, to detect whether they change.
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.opaque: list[str] = []
        # Objects of the optimizer's own package are gone into, those of others may hang together with anything.
        self._packages = {_package(part) for part in parts(optimizer)}
        self._inside = {id(optimizer)}
        self.kept = {name: self._node(value) for name, value in vars(optimizer).items() if name not in KNOWN}

    def _node(self, value: Any) -> Node:
        if isinstance(value, nn.Parameter | nn.Module | type) or id(value) in self._inside:
            return ["left", None]
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, bool | int | float | str):
            return ["value", value]
        if isinstance(value, Tensor):
            return ["tensor", value.detach().clone()]
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            return ["array", torch.from_numpy(value.copy())]
        if isinstance(value, torch.Generator):
            return ["generator", value.get_state()]
        if isinstance(value, random.Random):
            return ["random", self._node(value.getstate())]
        if isinstance(value, np.random.Generator | np.random.RandomState):
            return ["numpy", self._node(_bits(value).state)]
        self._inside.add(id(value))
        try:
            return self._container(value)
        finally:
            self._inside.discard(id(value))

    def _container(self, value: Any) -> Node:
        if isinstance(value, dict) and all(isinstance(key, str | int | float) for key in value):
            return ["dict", [[key, self._node(part)] for key, part in value.items()]]
        if isinstance(value, list | tuple | deque):
            return ["tuple" if isinstance(value, tuple) else "list", [self._node(part) for part in value]]
        if isinstance(value, set):
            return ["set", [self._node(part) for part in sorted(value, key=repr)]]
        if _package(value) in self._packages and hasattr(value, "__dict__"):
            known = KNOWN if isinstance(value, torch.optim.Optimizer) else ()
            return ["object", [[name, self._node(part)] for name, part in vars(value).items() if name not in known]]
        # Where an iterator stands cannot be seen: it counts as changed.
        self.opaque.append(f"an iterator, {id(self)}" if isinstance(value, Iterator) else repr(value))
        return ["left", None]


def _package(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


def restore(optimizer: torch.optim.Optimizer, kept: Mapping[str, Node]) -> None:
    """Set the attributes of an optimizer to saved ones."""
    for name, node in kept.items():
        vars(optimizer)[name] = _restored(vars(optimizer).get(name), node)


def _restored(value: Any, node: Node) -> Any:
    """A value that is like the one that was kept: the present one, changed in place, where that is possible."""
    kind, kept = node
    if kind == "left":
        return value
    if kind == "tensor":
        if isinstance(value, Tensor) and (value.shape, value.dtype) == (kept.shape, kept.dtype):
            value.detach().copy_(kept)
            return value
        return kept
    if kind == "array":
        return kept.cpu().numpy()
    if kind == "generator":
        value.set_state(kept.cpu())
    elif kind == "random":
        value.setstate(_restored(None, kept))
    elif kind == "numpy":
        _bits(value).state = _restored(None, kept)
    elif kind == "object":
        vars(value).update({name: _restored(vars(value).get(name), part) for name, part in kept})
    elif kind in {"dict", "list", "set", "tuple"}:
        return _filled(value, kind, kept)
    else:
        return kept
    return value


def _filled(value: Any, kind: str, kept: list[Any]) -> Any:
    """A container with what was kept in it."""
    if kind == "dict":
        present = value if isinstance(value, dict) else {}
        parts = {key: _restored(present.get(key), part) for key, part in kept}
        present.clear()
        present.update(parts)
        return present
    before = list(value) if isinstance(value, list | tuple | deque) else []
    restored = [_restored(before[place] if place < len(before) else None, part) for place, part in enumerate(kept)]
    if kind == "tuple":
        return type(value)(*restored) if hasattr(value, "_fields") else tuple(restored)
    if not isinstance(value, list | deque | set):
        return set(restored) if kind == "set" else restored
    value.clear()
    (value.update if isinstance(value, set) else value.extend)(restored)
    return value


def _bits(generator: Any) -> Any:
    """What holds the state of one of NumPy's generators."""
    return generator.bit_generator if isinstance(generator, np.random.Generator) else generator._bit_generator
