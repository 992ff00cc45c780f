"""Blocks of steps compiled by torch's Inductor: machine code for the whole, not one operator after the other."""

import importlib.util
import os
import shutil
import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import TreeSpec, tree_flatten, tree_leaves, tree_unflatten

from dynviz.errors import DynvizError
from dynviz.training.block import BlockInputs, BlockOutputs, TensorFunction

COMPILERS = ("g++", "clang++", "c++")


class CompiledFunction:
    """A function of tensors, compiled at its first call.

    It is traced first, through autograd, vmap and all that Python does, into a flat list of operators. Results agree
    with those of the function but for rounding; the compiler keeps what it made in a folder of its own, and finds it
    there the next time.
    """

    def __init__(self, function: TensorFunction, name: str) -> None:
        """A function that is not compiled yet.

        Args:
            function: What to compile.
            name: Of the optimizer, for an error.
        """
        self._function = function
        self._name = name
        self._call: Callable[..., list[Tensor]] | None = None
        self._outputs: TreeSpec | None = None

    def __call__(self, inputs: BlockInputs) -> BlockOutputs:
        if self._call is None:
            self._call = self._compile(inputs)
        assert self._outputs is not None
        with torch.no_grad():
            outputs: BlockOutputs = tree_unflatten(self._call(*tree_leaves(inputs)), self._outputs)
            return outputs

    def _compile(self, inputs: BlockInputs) -> Callable[..., list[Tensor]]:
        flat, form = tree_flatten(inputs)

        def function(*tensors: Tensor) -> list[Tensor]:
            outputs, self._outputs = tree_flatten(self._function(tree_unflatten(tensors, form)))
            # What goes through as it came, such as a state that does not change, must not be handed out twice.
            return [value.clone() if any(value is tensor for tensor in tensors) else value for value in outputs]

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                traced = make_fx(function)(*flat)
                compiled = torch.compile(traced, fullgraph=True, dynamic=False)
                with torch.no_grad():
                    compiled(*flat)
        except Exception as error:
            first = str(error).strip().splitlines() or [type(error).__name__]
            raise DynvizError(
                f"the steps of {self._name} cannot be compiled: {first[0]}; leave out --compile"
            ) from error
        return compiled


def check_compiler(device: torch.device) -> None:
    """See that there is what compiling needs.

    Raises:
        DynvizError: There is not.
    """
    if device.type == "cuda":
        if importlib.util.find_spec("triton") is None:
            raise DynvizError(
                "--compile on a GPU needs triton, which pip installs with torch for CUDA; there is none here"
            )
        return
    chosen = os.environ.get("CXX")
    if not any(shutil.which(name) for name in ((chosen,) if chosen else COMPILERS)):
        wanted = f"CXX={chosen} is no command here" if chosen else f"there is no {', '.join(COMPILERS)} here"
        raise DynvizError(f"--compile needs a compiler for C++, and {wanted}; install one, or leave out --compile")
