"""Trees of tensors and plain values as named arrays, so that checkpoints need no pickle."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dynviz.errors import DynvizError

_TREE = "tree"


def to_arrays(tree: Any) -> dict[str, NDArray[Any]]:
    """Convert a tree to arrays by name, and under `tree` a JSON text that describes its structure.

    Raises:
        DynvizError: The tree holds something that is neither a tensor nor a plain value.
    """
    arrays: dict[str, NDArray[Any]] = {}
    shape = _shape(tree, arrays)
    arrays[_TREE] = np.array(json.dumps(shape))
    return arrays


def from_arrays(arrays: Mapping[str, NDArray[Any]], device: torch.device) -> Any:
    """Restore a tree from `to_arrays`, with its tensors on this device.

    Raises:
        DynvizError: The arrays are not such a tree, or one is missing.
    """
    try:
        return _build(json.loads(str(arrays[_TREE])), arrays, device)
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise DynvizError(f"a checkpoint does not hold the state of training: {error!r}") from error


def form(tree: Any) -> Any:
    """The same tree with each tensor replaced by its shape, and without other values."""
    if isinstance(tree, torch.Tensor):
        return tuple(tree.shape)
    if isinstance(tree, Mapping):
        return {key: form(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [form(value) for value in tree]
    return None


def _shape(node: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if isinstance(node, torch.Tensor):
        name = f"tensor{len(arrays)}"
        # NumPy has no bfloat16; float32 holds the same numbers.
        short = node.dtype == torch.bfloat16
        arrays[name] = (node.detach().float() if short else node.detach()).cpu().numpy()
        # The step counters of torch.optim stay on the CPU even where the parameters are not.
        return ["tensor", name, node.device.type == "cpu", short]
    if isinstance(node, Mapping):
        return ["dict", [[key, _shape(value, arrays)] for key, value in node.items()]]
    if isinstance(node, list | tuple):
        return ["list" if isinstance(node, list) else "tuple", [_shape(value, arrays) for value in node]]
    if node is None or isinstance(node, bool | int | float | str):
        return ["value", node]
    raise DynvizError(f"the optimizer's state holds a {type(node).__name__}, which a checkpoint cannot store")


def _build(shape: Any, arrays: Mapping[str, NDArray[Any]], device: torch.device) -> Any:
    kind, content = shape[0], shape[1]
    if kind == "tensor":
        tensor = torch.from_numpy(np.array(arrays[content]))
        if shape[3]:
            tensor = tensor.bfloat16()
        return tensor if shape[2] else tensor.to(device)
    if kind == "dict":
        return {key: _build(value, arrays, device) for key, value in content}
    if kind == "value":
        return content
    if kind in {"list", "tuple"}:
        values = [_build(value, arrays, device) for value in content]
        return values if kind == "list" else tuple(values)
    raise ValueError(f"there is no {kind!r}")
