"""Blocks of steps traced into a list of operators, which torch's interpreter runs without Python and autograd.

The operators are those of the steps, called with the same numbers, so that results are the same to the last bit.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import TreeSpec, tree_flatten, tree_leaves, tree_unflatten

from dynviz.frozen import frozen
from dynviz.rule import KnownNumber
from dynviz.training.block import BlockInputs, BlockOutputs, BlockProgram
from dynviz.training.operators import OperatorMode

CHECKED = 2
"""Blocks that are also computed step by step: what a trace does not hold shows as a difference in the second."""


class UntraceableError(Exception):
    """Steps call something that a trace cannot hold, such as an operator whose result Python looks at."""


class TracedFunction:
    """A block of steps, traced at its first call; where it cannot be traced, its steps are taken one by one."""

    def __init__(self, program: BlockProgram) -> None:
        """Prepare a block, without tracing it yet."""
        self._program = program
        self._trace: TracedSteps | None = None
        self._checks = CHECKED

    def __call__(self, inputs: BlockInputs) -> BlockOutputs:
        if not self._checks:
            return self._trace(inputs) if self._trace else self._stepwise(inputs)
        outputs = self._stepwise(inputs)
        self._checks -= 1
        try:
            self._trace = self._trace or _traced(self._program, inputs)
            same = _same_bytes(tree_leaves(self._trace(inputs)), tree_leaves(outputs))
        except Exception:  # whatever is wrong with the steps themselves shows where they are taken one by one
            same = False
        if not same:
            self._trace, self._checks = None, 0
        return outputs

    def _stepwise(self, inputs: BlockInputs) -> BlockOutputs:
        first = int(inputs.step_inputs.t[0])
        return self._program(inputs, lambda place: first + place)


@frozen
class TracedSteps:
    """The operators of a block as a function of its inputs.

    Attributes:
        function: Function of the numbers of the steps and the leaves of the inputs.
        numbers: For each number that follows from that of a step, the step's place and the function.
        form: The structure of the outputs.
    """

    function: Callable[..., tuple[Tensor, ...]]
    numbers: Sequence[tuple[int, Callable[[float], float]]]
    form: TreeSpec

    def __call__(self, inputs: BlockInputs) -> BlockOutputs:
        first = int(inputs.step_inputs.t[0])
        numbers = torch.tensor([of(first + place) for place, of in self.numbers], dtype=torch.float64)
        optimizes = torch._C._get_graph_executor_optimize()
        # Otherwise it puts other operators in their place, which round differently.
        torch._C._set_graph_executor_optimize(False)  # noqa: FBT003
        try:
            with torch.no_grad():
                leaves = self.function(numbers, *tree_leaves(inputs))
        finally:
            torch._C._set_graph_executor_optimize(optimizes)
        outputs: BlockOutputs = tree_unflatten(list(leaves), self.form)
        return outputs


def _traced(program: BlockProgram, inputs: BlockInputs) -> TracedSteps:
    leaves, form = tree_flatten(inputs)
    # Other tensors with the same contents, because the same tensor may stand for two inputs.
    leaves = [leaf.detach() for leaf in leaves]
    first = int(inputs.step_inputs.t[0])
    recorder = _GraphRecorder(leaves)

    def number(place: int) -> KnownNumber:
        def tensor(of: Callable[[float], float]) -> Tensor:
            return recorder.number(place, of, of(first + place))

        return KnownNumber(_itself, tensor)

    with recorder:
        outputs = program(tree_unflatten(leaves, form), number)
    results, structure = tree_flatten(outputs)
    return TracedSteps(recorder.function(results), tuple(recorder.numbers), structure)


def _itself(number: float) -> float:
    return number


class _GraphRecorder(OperatorMode):
    """Records the operators called inside the block in a graph of torch's interpreter.

    Attributes:
        numbers: See `TracedSteps`.
    """

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        super().__init__()
        self.numbers: list[tuple[int, Callable[[float], float]]] = []
        self._graph: Any = torch._C.Graph()
        self._constants: dict[tuple[type, str], Any] = {}
        self._known: set[Any] = set()
        unbind = self._graph.create("aten::unbind", [self._graph.addInput(), self._value(0, torch._C.IntType.get())], 1)
        unbind.output().setType(_TENSORS)
        self._graph.appendNode(unbind)
        self._unpack = self._graph.create("prim::ListUnpack", [unbind.output()], 0)
        self._graph.appendNode(self._unpack)
        # Tensors are kept, so that no other one gets the identity of one that is gone.
        self._values: dict[int, tuple[Any, Tensor]] = {}
        for tensor in inputs:
            self._values[id(tensor)] = self._graph.addInput(), tensor

    def number(self, place: int, of: Callable[[float], float], value: float) -> Tensor:
        """A number that follows from that of a step, as an input."""
        tensor = torch.tensor(value, dtype=torch.float64)
        self.numbers.append((place, of))
        self._values[id(tensor)] = self._unpack.addOutput(), tensor
        return tensor

    def function(self, results: Sequence[Tensor]) -> Callable[..., tuple[Tensor, ...]]:
        """The graph as a function of the numbers and the inputs to these results."""
        for tensor in results:
            self._graph.registerOutput(self._tensor(tensor))
        self._graph.makeMultiOutputIntoTuple()
        torch._C._jit_pass_dce(self._graph)
        self._graph.lint()
        function: Callable[..., tuple[Tensor, ...]] = torch._C._create_function_from_graph("steps", self._graph)
        return function

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if _UNTRACEABLE & set(func.tags) and not _picks(func, args):
            raise UntraceableError(str(func))
        results = func(*args, **kwargs)
        self._record(func, args, kwargs, results)
        return results

    def _record(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], results: Any) -> None:
        operator = _operator(func)
        inputs, plain = [], []
        for place, (name, kind, default) in enumerate(operator.arguments):
            value = args[place] if place < len(args) else kwargs.get(name, default)
            # A plain number in the place of a tensor makes it the operator's variant for numbers.
            if kind.kind() == "TensorType" and not isinstance(value, Tensor):
                plain.append(place)
            inputs.append(self._value(value, kind))
        node = self._graph.create(operator.name, inputs, len(operator.returns))
        self._graph.appendNode(node)
        outputs = list(node.outputs())
        for kind, output in zip(operator.returns, outputs, strict=True):
            output.setType(kind)
        if not (plain or func in self._known):
            if node.schema().partition("(")[0].partition(".")[2] != operator.overload:
                raise UntraceableError(f"{func} is taken for {node.schema()}")
            self._known.add(func)
        if len(outputs) == 1:
            results = (results,)
        for output, result in zip(outputs, results or (), strict=True):
            self._bind(output, result)

    def _bind(self, value: Any, result: Any) -> None:
        if isinstance(result, Tensor):
            self._values[id(result)] = value, result
            return
        if result is None:
            # A gradient that was not asked for.
            return
        if not isinstance(result, list | tuple):
            raise UntraceableError(f"a result is {type(result).__name__}")
        node = self._graph.create("prim::ListUnpack", [value], len(result))
        self._graph.appendNode(node)
        for output, part in zip(node.outputs(), result, strict=True):
            output.setType(_TENSOR)
            self._bind(output, part)

    def _value(self, value: Any, kind: Any) -> Any:
        """An argument of an operator in the graph."""
        if isinstance(value, Tensor):
            return self._tensor(value)
        if kind.kind() == "OptionalType" and value is not None:
            kind = kind.getElementType()
        if kind.kind() == "ListType" and isinstance(value, list | tuple):
            element = kind.getElementType()
            node = self._graph.create("prim::ListConstruct", [self._value(part, element) for part in value], 1)
            node.output().setType(kind)
            self._graph.appendNode(node)
            return node.output()
        if kind.kind() == "FloatType":
            value = float(value)
        if isinstance(value, torch.dtype | torch.layout | torch.memory_format):
            value = _NUMBERED[value]
        key = type(value), repr(value)
        if key not in self._constants:
            self._constants[key] = self._graph.insertConstant(value)
        return self._constants[key]

    def _tensor(self, tensor: Tensor) -> Any:
        if id(tensor) not in self._values:
            # One that the steps hold themselves: a constant.
            self._values[id(tensor)] = self._graph.insertConstant(tensor.detach()), tensor
        return self._values[id(tensor)][0]


@frozen
class _Operator:
    """What the graph needs to know of an operator: names, types and defaults of arguments, and types of results."""

    name: str
    overload: str
    arguments: tuple[tuple[str, Any, Any], ...]
    returns: tuple[Any, ...]


@functools.cache
def _operator(func: Any) -> _Operator:
    # torch makes these objects anew at each look.
    schema = func._schema
    return _Operator(
        schema.name,
        schema.overload_name,
        tuple((argument.name, argument.type, argument.default_value) for argument in schema.arguments),
        tuple(returned.type for returned in schema.returns),
    )


_NUMBERED: dict[Any, int] = {
    torch.int32: 3,
    torch.int64: 4,
    torch.float16: 5,
    torch.float32: 6,
    torch.float64: 7,
    torch.bool: 11,
    torch.bfloat16: 15,
    torch.strided: 0,
    torch.contiguous_format: 0,
    torch.preserve_format: 1,
}
"""What the interpreter writes as numbers."""
_TENSOR = torch._C.TensorType.get()
_TENSORS = torch._C.ListType(_TENSOR)
_UNTRACEABLE = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape, torch.Tag.nondeterministic_seeded}


def _picks(func: Any, args: Sequence[Any]) -> bool:
    """Whether an operator picks entries by number and not by a mask, so that the shape of its result is known."""
    return func is torch.ops.aten.index.Tensor and all(
        index is None or index.dtype in (torch.int32, torch.int64) for index in args[1]
    )


def _same_bytes(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> bool:
    return len(ours) == len(theirs) and all(map(_equal, ours, theirs))


def _equal(one: Tensor, other: Tensor) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    rows = (tensor.contiguous().reshape(1, -1).view(torch.uint8) for tensor in (one, other))
    return torch.equal(*rows)
