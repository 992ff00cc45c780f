"""The grammar that names things, and the options that it carries."""

import contextlib
import dataclasses
import re
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynviz.errors import DynvizError, unknown
from dynviz.plugins import grammar, option_values, options
from dynviz.plugins.spec import Spec, parse

names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
keys = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
values = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers().map(str),
    st.tuples(st.integers(), st.floats(allow_nan=False)).map(lambda pair: f"({pair[0]},{pair[1]})"),
    st.lists(st.integers(), min_size=1, max_size=3).map(lambda many: "[" + ",".join(map(str, many)) + "]"),
    st.sampled_from(["log(1e-4,1,25)", "warmup(1e-2,500)", "'(1-x)**2, 3:4'", "a:b"]),
)


@given(names, st.dictionaries(keys, values, max_size=4))
def test_what_is_written_is_read_back(name, given_options):
    text = str(Spec(name, given_options))
    assert parse(text) == Spec(name, given_options)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    for read in (parse, grammar.seeds, grammar.step_range, grammar.size):
        with contextlib.suppress(DynvizError):
            read(text)


@pytest.mark.parametrize("text", ["", ":lr=1", "adam:lr", "adam:=3", "adam:lr=", "adam:lr=1,lr=2", "a:b=(1", "a:b=1)"])
def test_what_breaks_the_grammar_is_refused(text):
    with pytest.raises(DynvizError):
        parse(text)


@pytest.mark.parametrize("text", ["", "a", "3:1", "1,1", "-1", "0:0", "1:2:3", "1.5", "5000000000"])
def test_seeds_that_are_none_are_refused(text):
    with pytest.raises(DynvizError, match="seed"):
        grammar.seeds(text)


@pytest.mark.parametrize(
    ("seeds", "says"),
    [
        ("1,1", "seed 1 is given twice"),
        (2**32, "4294967296 is not a seed; seeds are whole numbers from 0 to 4294967295"),
        ("-1,2", "-1 is not a seed"),
        ([0.5], "not understood"),
    ],
)
def test_what_is_wrong_with_seeds_is_said(seeds, says):
    with pytest.raises(DynvizError, match=re.escape(says)):
        grammar.seeds(seeds)


def test_seeds_may_be_numbers_of_any_integer_type():
    assert grammar.seeds(np.int64(3)) == (3,)
    assert grammar.seeds(np.arange(3)) == grammar.seeds(range(3)) == (0, 1, 2)


def test_a_paths_name_ends_at_py():
    spec = parse("./my:rules/lion2.py:beta=0.95,start=(1,2)")
    assert spec == Spec("./my:rules/lion2.py", {"beta": "0.95", "start": "(1,2)"})


@dataclasses.dataclass(frozen=True)
class Kitchen:
    """A plug-in with an option of every type.

    Attributes:
        rate: A number,
            told in two lines.
        count: A whole number.
        open: A flag.
        name: A word.
        model: A choice.
        start: A pair, or nothing.
        many: Any number of numbers.
    """

    rate: float = 0.5
    count: int = 3
    open: bool = False
    name: str = "x"
    model: Literal["a", "b"] = "a"
    start: tuple[float, float] | None = None
    many: tuple[int, ...] = ()


KNOWN = options.options(Kitchen)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("rate=1e-3", 1e-3),
        ("rate=2", 2.0),
        ("rate=inf", float("inf")),
        ("count=1e4", 10_000),
        ("count=10_000", 10_000),
        ("count=-2", -2),
        ("open=true", True),
        ("open=off", False),
        ("name='a,b'", "a,b"),
        ("model=b", "b"),
        ("start=(0.1,3)", (0.1, 3.0)),
        ("start=none", None),
        ("many=(1,2,3)", (1, 2, 3)),
    ],
)
def test_values_are_read_by_the_type_of_the_option(text, value):
    (name, found), *_ = option_values.read(KNOWN, parse(f"k:{text}").options, "kitchen k").items()
    assert found == value
    assert type(found) is type(value)
    assert name == text.split("=")[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rate=fast", "rate takes float"),
        ("count=1.5", "count takes int"),
        ("count=true", "count takes int"),
        ("open=maybe", "open takes bool"),
        ("model=c", "model takes a | b"),
        ("start=(1,2,3)", r"start takes \(float, float\) | none"),
        ("start=7", "start takes"),
        ("rat=1", "did you mean 'rate'"),
        ("rate=log(1e-4,1,25)", "grid"),
        ("rate=[1,2]", "grid"),
    ],
)
def test_bad_values_are_refused_with_what_would_be_accepted(text, says):
    with pytest.raises(DynvizError, match=says):
        option_values.read(KNOWN, parse(f"k:{text}").options, "kitchen k")


def test_values_that_are_no_text_are_checked_too():
    assert option_values.read(KNOWN, {"rate": 1, "start": (1, 2)}, "k") == {"rate": 1.0, "start": (1.0, 2.0)}
    with pytest.raises(DynvizError, match="count takes int"):
        option_values.read(KNOWN, {"count": 1.5}, "k")


def test_explanations_come_from_the_docstring():
    assert KNOWN["rate"].help == "A number, told in two lines."
    assert KNOWN["many"].help == "Any number of numbers."


def test_options_of_a_function_are_its_keyword_only_parameters():
    def view(recordings, *, lane: int = 0, channels: str = ""): ...

    assert list(options.options(view)) == ["lane", "channels"]


def test_an_unknown_name_comes_with_a_suggestion():
    assert str(unknown("optimizer", "muonn", ["muon", "adam"])) == (
        "no optimizer named 'muonn'; did you mean 'muon'? There are: adam, muon"
    )
