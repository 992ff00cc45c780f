"""Expressions in x and y: what they mean, what is refused, and that nothing is evaluated as Python."""

import ast
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import dynviz
from dynviz import DynvizError, plugins
from dynviz.scenarios import _expressions
from dynviz.scenarios._expressions import FUNCTIONS, expression

X, Y = torch.tensor([0.3, -1.2, 2.0], dtype=torch.float64), torch.tensor([1.5, 0.4, -0.7], dtype=torch.float64)
PLAIN = {name: getattr(math, name.replace("arctan", "atan"), None) or abs for name in FUNCTIONS}

leaves = st.sampled_from(["x", "y", "pi", "e", "2", "0.5", "3e-1"])
trees = st.recursive(
    leaves,
    lambda part: st.one_of(
        st.tuples(part, st.sampled_from("+-*/"), part).map(lambda three: f"({three[0]} {three[1]} {three[2]})"),
        st.tuples(st.sampled_from(["sin", "cos", "tanh", "exp", "abs", "arctan"]), part).map(
            lambda two: f"{two[0]}({two[1]})"
        ),
        part.map(lambda one: f"-{one}"),
        part.map(lambda one: f"({one})**2"),
    ),
    max_leaves=8,
)


@given(trees)
def test_an_expression_means_what_it_means_in_python(text):
    f = expression(text)
    for x, y, value in zip(X.tolist(), Y.tolist(), f(X, Y).tolist(), strict=True):
        try:
            expected = eval(text, {"__builtins__": {}}, {**PLAIN, "x": x, "y": y, "pi": math.pi, "e": math.e})
        except (ZeroDivisionError, OverflowError):
            continue
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_precedence_is_pythons():
    assert expression("-x**2")(X).tolist() == pytest.approx((-(X**2)).tolist())
    assert expression("2**-x")(X).tolist() == pytest.approx((2**-X).tolist())
    assert expression("x/y/2")(X, Y).tolist() == pytest.approx((X / Y / 2).tolist())


def test_a_constant_has_the_shape_of_x_and_a_gradient_of_zero():
    assert expression("sin(pi/2)")(X, Y).tolist() == [1.0, 1.0, 1.0]
    assert torch.func.grad(expression("3"))(torch.tensor(1.0)).item() == 0


def test_values_that_are_no_numbers_are_nan_and_infinity_as_in_torch():
    assert expression("(0-1)**0.5")(X).isnan().all()
    assert (expression("9**9**9 * x**0")(X) == math.inf).all()
    assert (expression("1/(x - x)")(X) == math.inf).all()


def test_an_expression_works_under_vmap_and_keeps_the_dtype():
    f = expression("2*x**2 + log(y**2) - pi")
    stacked = torch.func.vmap(f)(X.float(), Y.float())
    assert stacked.dtype == torch.float32
    torch.testing.assert_close(stacked, f(X.float(), Y.float()))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("__import__('os').system('true')", "os.* is not understood"),
        ("__import__('os')", "no function named '__import__'"),
        ("x.real", "'x.real' in"),
        ("x^2", r"write powers with \*\*"),
        ("x[0]", r"'x\[0\]' in"),
        ("[x]", r"'\[x\]' in"),
        ("x if y else 1", "'x if y else 1' in"),
        ("lambda: 1", "'lambda: 1' in"),
        ("(x := 3)", "'x := 3' in"),
        ("f'{x}'", "is not understood"),
        ("'a' + x", "\"'a'\" in"),
        ("True + x", "'True' in"),
        ("1j * x", "'1j' in"),
        ("x < y", "'x < y' in"),
        ("x % 2", "'x % 2' in"),
        ("x // 2", "'x // 2' in"),
        ("~x", "'~x' in"),
        ("not x", "'not x' in"),
        ("z + 1", "no variable or constant named 'z'"),
        ("sinn(x)", "no function named 'sinn'; did you mean 'sin'"),
        ("sin(x, y)", "sin takes one value"),
        ("sin()", "sin takes one value"),
        ("sin(*x)", "sin takes one value"),
        ("sin(x=1)", "sin takes one value"),
        ("1e999", "too large"),
        ("(x", "never closed"),
        ("", "is not understood"),
        ("x; y", "is not understood"),
        ("x\0", "is not understood"),
        ("-" * 500 + "x", "nested more than"),
        ("x" + "+x" * 2000, "at most 1000 characters"),
        ("(" * 400 + "x" + ")" * 400, "is not understood|nested"),
    ],
)
def test_what_is_not_of_the_closed_list_is_refused_by_its_name(text, says):
    with pytest.raises(DynvizError, match=says):
        expression(text)


def test_the_module_has_no_eval():
    tree = ast.parse(Path(_expressions.__file__).read_text(encoding="utf-8"))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec", "compile", "getattr", "__import__"}


def test_an_expression_on_the_command_line_is_the_function_of_that_name(tmp_path):
    own = "surface:f=(1-x)**2+100*(y-x**2)**2,start=(0.1,3),domain=(-2,2,-0.5,3.5)"
    named = dynviz.run("surface", "adam:lr=0.02", steps=50, dtype="float64", out=tmp_path / "named")["adam"]
    written = dynviz.run(own, "adam:lr=0.02", steps=50, dtype="float64", out=tmp_path / "own")["adam"]
    np.testing.assert_allclose(written["position"], named["position"], rtol=1e-12)
    np.testing.assert_array_equal(written["landscape"], named["landscape"])


def test_an_expression_in_x_alone_is_a_curve(tmp_path):
    recording = dynviz.run("surface:f=x**4 - 2*x**2,start=(1.5)", "sgd:lr=0.02", out=tmp_path / "run")["sgd"]
    assert recording.metadata.views[0] == "profile"
    assert recording["position"][-1, 0, 0] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("text", ["(x-1)*(y-2)", "'(x-1)*(y-2)'", "((x-1)*(y-2))"])
def test_brackets_that_stand_apart_stay(text):
    assert plugins.load("scenarios", f"surface:f={text}").given["f"] == "(x-1)*(y-2)"
