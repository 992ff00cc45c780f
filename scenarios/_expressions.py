"""Expressions in x and y: read by Python's parser, checked against a closed list, never evaluated as Python."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from dynviz.errors import DynvizError, unknown

Value: TypeAlias = Tensor | float
Evaluate: TypeAlias = Callable[[Mapping[str, Value]], Value]

FUNCTIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "sin": torch.sin,
    "cos": torch.cos,
    "tan": torch.tan,
    "arctan": torch.arctan,
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "tanh": torch.tanh,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "abs": torch.abs,
}
CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e}
OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
VARIABLES = ("x", "y")
LONGEST, DEEPEST = 1000, 200
"""Characters of an expression, and brackets and signs inside each other, at most."""
WRITTEN = f"write numbers, {', '.join([*VARIABLES, *CONSTANTS])}, + - * / ** and {', '.join(FUNCTIONS)}"


@dataclass(frozen=True)
class Expression:
    """A function of x and y, elementwise, that torch can differentiate.

    Attributes:
        text: As it was written.
        variables: Those of x and y that it mentions.
    """

    text: str
    variables: frozenset[str]
    _evaluate: Evaluate

    def __call__(self, x: Tensor, y: Tensor | None = None, /, **constants: float) -> Tensor:
        """The values at places x and y, in their shape and dtype."""
        value = self._evaluate({"x": x, **({} if y is None else {"y": y}), **constants})
        return value if isinstance(value, Tensor) and value.shape == x.shape else torch.zeros_like(x) + value


def expression(text: str, constants: tuple[str, ...] = ()) -> Expression:
    """Read an expression.

    >>> f = expression("(1 - x)**2 + 100*(y - x**2)**2")
    >>> f(torch.tensor(0.0), torch.tensor(2.0)).item()
    401.0

    Args:
        text: Python's notation for numbers, x, y, pi, e, + - * / ** and the functions of `FUNCTIONS`.
        constants: Names of further numbers, which are given with x and y.

    Raises:
        DynvizError: It holds something else; the text names what.
    """
    if len(text) > LONGEST:
        raise DynvizError(f"an expression has at most {LONGEST} characters; this one has {len(text)}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise DynvizError(f"the expression {text!r} is not understood ({reason}); {WRITTEN}") from None
    reader = _Reader(text, {*VARIABLES, *constants})
    evaluate = reader.read(tree)
    return Expression(text, frozenset(reader.seen & set(VARIABLES)), evaluate)


class _Reader:
    """Turns a tree into functions, node by node."""

    def __init__(self, text: str, names: set[str]) -> None:
        self._text = text
        self._names = names
        self.seen: set[str] = set()

    def read(self, node: ast.expr, depth: int = 0) -> Evaluate:
        """The function of a node.

        Raises:
            DynvizError: The node is not of the closed list.
        """
        if depth > DEEPEST:
            raise DynvizError(f"the expression {self._text!r} is nested more than {DEEPEST} deep; write a shorter one")
        if isinstance(node, ast.Constant):
            return self._number(node)
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            return self._binary(node, depth)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            of = self.read(node.operand, depth + 1)
            return (lambda values: -of(values)) if isinstance(node.op, ast.USub) else of
        if isinstance(node, ast.Call):
            return self._call(node, depth)
        raise self._refused(node)

    def _number(self, node: ast.Constant) -> Evaluate:
        if type(node.value) not in (int, float):
            raise self._refused(node)
        try:
            number = float(node.value)  # type: ignore[arg-type]
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise DynvizError(f"{self._source(node)} in {self._text!r} is too large for a number")
        return lambda values: number  # noqa: ARG005

    def _name(self, node: ast.Name) -> Evaluate:
        name = node.id
        if name in CONSTANTS:
            constant = CONSTANTS[name]
            return lambda values: constant  # noqa: ARG005
        if name not in self._names:
            raise unknown("variable or constant", name, [*self._names, *CONSTANTS])
        self.seen.add(name)
        return lambda values: values[name]

    def _binary(self, node: ast.BinOp, depth: int) -> Evaluate:
        left, right = self.read(node.left, depth + 1), self.read(node.right, depth + 1)
        operate = OPERATORS[type(node.op)]

        def evaluate(values: Mapping[str, Value]) -> Value:
            one, other = left(values), right(values)
            if isinstance(one, Tensor) or isinstance(other, Tensor):
                result: Value = operate(one, other)
                return result
            # Python raises where a power is too large and makes complex numbers of roots; torch has inf and NaN.
            return float(operate(torch.tensor(one, dtype=torch.float64), torch.tensor(other, dtype=torch.float64)))

        return evaluate

    def _call(self, node: ast.Call, depth: int) -> Evaluate:
        if not isinstance(node.func, ast.Name):
            raise self._refused(node.func)
        name = node.func.id
        if name not in FUNCTIONS:
            raise unknown("function", name, FUNCTIONS)
        if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
            raise DynvizError(f"{self._source(node)} in {self._text!r}: {name} takes one value")
        function, argument = FUNCTIONS[name], self.read(node.args[0], depth + 1)

        def evaluate(values: Mapping[str, Value]) -> Value:
            value = argument(values)
            if isinstance(value, Tensor):
                return function(value)
            return float(function(torch.tensor(value, dtype=torch.float64)))

        return evaluate

    def _source(self, node: ast.AST) -> str:
        return repr(ast.get_source_segment(self._text.strip(), node) or self._text)

    def _refused(self, node: ast.AST) -> DynvizError:
        power = isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor)
        hint = "write powers with **" if power else WRITTEN
        return DynvizError(f"{self._source(node)} in {self._text!r} is not understood; {hint}")
