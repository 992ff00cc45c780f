"""Blocks of steps compiled by torch's Inductor to machine code, instead of running one operator after another."""

import collections
import hashlib
import importlib.util
import os
import shutil
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import TreeSpec, tree_flatten, tree_leaves, tree_unflatten

from dynviz.errors import DynvizError
from dynviz.training.block import BlockInputs, BlockOutputs, TensorFunction

COMPILERS = ("g++", "clang++", "c++")
KEPT = 64
"""Compiled functions that are kept: a fork and its parent, or the trials of a sweep, often take the same steps."""

Compiled: TypeAlias = Callable[..., list[Tensor]]


class CompiledFunction:
    """A function of tensors, compiled at its first call.

    It is first traced, through autograd, vmap and all Python code, into a flat list of operators. Results agree with
    those of the function up to rounding. The compiler caches its output in a folder of its own.
    """

    def __init__(self, function: TensorFunction, name: str) -> None:
        """Prepare a function, without compiling it yet.

        Args:
            function: The function to compile.
            name: The name of the optimizer, for errors.
        """
        self._function = function
        self._name = name
        self._call: Compiled | None = None
        self._outputs: TreeSpec | None = None

    def __call__(self, inputs: BlockInputs) -> BlockOutputs:
        if self._call is None:
            self._call = self._compile(inputs)
        assert self._outputs is not None
        with torch.no_grad():
            outputs: BlockOutputs = tree_unflatten(self._call(*tree_leaves(inputs)), self._outputs)
            return outputs

    def _compile(self, inputs: BlockInputs) -> Compiled:
        flat, form = tree_flatten(inputs)

        def function(*tensors: Tensor) -> list[Tensor]:
            outputs, self._outputs = tree_flatten(self._function(tree_unflatten(tensors, form)))
            # What goes through as it came, such as a state that does not change, must not be handed out twice.
            return [value.clone() if any(value is tensor for tensor in tensors) else value for value in outputs]

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return _compiled(make_fx(function)(*flat), flat)
        except Exception as error:
            first = str(error).strip().splitlines() or [type(error).__name__]
            raise DynvizError(
                f"the steps of {self._name} cannot be compiled: {first[0]}; leave out --compile"
            ) from error


_kept: collections.OrderedDict[bytes, Compiled] = collections.OrderedDict()


def _compiled(traced: torch.fx.GraphModule, inputs: Sequence[Tensor]) -> Compiled:
    """The compiled function of a traced one, the same object where the same operators were compiled before."""
    key = _key(traced, inputs)
    if key is not None and key in _kept:
        _kept.move_to_end(key)
        return _kept[key]
    compiled: Any = torch.compile(traced, fullgraph=True, dynamic=False)
    with torch.no_grad():
        compiled(*inputs)
    if key is not None:
        _kept[key] = compiled
        if len(_kept) > KEPT:
            _kept.popitem(last=False)
    return compiled  # type: ignore[no-any-return]


def _key(traced: torch.fx.GraphModule, inputs: Sequence[Tensor]) -> bytes | None:
    """What the compiled function depends on: operators, constants, the forms of inputs; None if it cannot be told."""
    about = hashlib.sha256(f"{torch.get_num_threads()}\n{traced.code}".encode())
    for tensor in inputs:
        about.update(f"{tensor.shape} {tensor.stride()} {tensor.dtype} {tensor.device}\n".encode())
    for node in traced.graph.nodes:
        if node.op == "get_attr":
            constant = getattr(traced, node.target, None)
            if not isinstance(constant, Tensor):
                return None
            about.update(f"{node.target} {constant.dtype} {constant.shape}\n".encode())
            about.update(constant.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return about.digest()


def has_compiler() -> bool:
    """Whether there is a compiler for C++: the one that CXX names, else a common one."""
    chosen = os.environ.get("CXX")
    return any(shutil.which(name) for name in ((chosen,) if chosen else COMPILERS))


def check_compiler(device: torch.device) -> None:
    """Check that the tools needed for compiling are available.

    Raises:
        DynvizError: They are not.
    """
    if device.type == "cuda":
        if importlib.util.find_spec("triton") is None:
            raise DynvizError(
                "--compile on a GPU needs triton, which pip installs with torch for CUDA; there is none here"
            )
        return
    if not has_compiler():
        chosen = os.environ.get("CXX")
        wanted = f"CXX={chosen} is no command here" if chosen else f"there is no {', '.join(COMPILERS)} here"
        raise DynvizError(f"--compile needs a compiler for C++, and {wanted}; install one, or leave out --compile")
