import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynviz.scene.marks import Axis
from dynviz.scene.ticks import THIN, ticks

RAISED = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"
PLAIN = str.maketrans(RAISED, "-0123456789")
ENDS = st.floats(-1e9, 1e9, allow_subnormal=False).map(lambda value: float(f"{value:.12g}"))


def read(label):
    """The number that a label says: `10⁻⁷`, `5·10⁶`, `1e-7`, `0.5`."""
    label = label.replace(THIN, "")
    power = label.lstrip("-.0123456789·")
    if not power or power[0] not in RAISED:
        return float(label)
    mantissa = label.removesuffix(power).removesuffix("10").removesuffix("·")
    return float(f"{mantissa or 1}e{power.translate(PLAIN)}")


def assert_round(value):
    mantissa = f"{abs(value):.15e}".partition("e")[0].rstrip("0").rstrip(".")
    assert mantissa in {"1", "2", "5"}


@given(ENDS, ENDS, st.integers(1, 12), st.booleans())
def test_linear_ticks_are_inside_in_order_and_say_where_they_are(low, high, most, whole):
    low, high = sorted((low, high))
    found = ticks(Axis((low, high), whole=whole), most)
    values = [tick.value for tick in found]
    assert len(found) <= most
    assert values == sorted(set(values))
    assert all(low <= value <= high for value in values)
    assert [read(tick.label) for tick in found] == values
    if whole:
        assert all(value == round(value) for value in values)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(5, 12))
def test_linear_ticks_are_multiples_of_1_2_or_5_and_at_least_two(low, span, most):
    found = [tick.value for tick in ticks(Axis((low, low + span)), most)]
    assert len(found) >= 2
    step = float(f"{(found[-1] - found[0]) / (len(found) - 1):.6g}")
    assert_round(step)
    assert found[0] / step == pytest.approx(round(found[0] / step), abs=1e-5)


@given(st.floats(-12, 12), st.floats(0.01, 20), st.integers(2, 12))
def test_logarithmic_ticks_are_inside_and_say_where_they_are(exponent, decades, most):
    low, high = 10.0**exponent, 10.0 ** (exponent + decades)
    found = ticks(Axis((low, high), "log"), most)
    assert len(found) <= most
    assert all(low <= tick.value <= high for tick in found)
    assert [read(tick.label) for tick in found] == [tick.value for tick in found]
    if decades >= 3:
        assert len(found) >= 2
        assert all(math.log10(tick.value) == pytest.approx(round(math.log10(tick.value))) for tick in found)


@pytest.mark.parametrize(
    ("axis", "most", "labels"),
    [
        (Axis((0.25, 0.72)), 5, ["0.3", "0.4", "0.5", "0.6", "0.7"]),
        (Axis((0.0, 0.7)), 8, ["0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7"]),
        (Axis((-1, 1)), 5, ["-1.0", "-0.5", "0", "0.5", "1.0"]),
        (Axis((0, 10_000), whole=True), 5, ["0", "5 000", "10 000"]),
        (Axis((0, 3), whole=True), 9, ["0", "1", "2", "3"]),
        (Axis((0, 2e7)), 3, ["0", "1e7", "2e7"]),
        (Axis((1e-5, 10), "log"), 4, ["10⁻⁴", "10⁻²", "1"]),
        (Axis((0.8, 30), "log"), 6, ["1", "2", "5", "10", "20"]),
        (Axis((5, 5)), 5, ["5"]),
        (Axis((1, -1)), 3, ["-1", "0", "1"]),
        (Axis((0, math.inf)), 5, []),
        (Axis((math.nan, 1)), 5, []),
        (Axis((-1, 10), "log"), 3, ["0", "5", "10"]),
    ],
)
def test_labels_read_as_they_should(axis, most, labels):
    assert [tick.label.replace(THIN, " ") for tick in ticks(axis, most)] == labels
