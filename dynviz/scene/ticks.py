"""Ticks: round numbers on an axis, with exact labels."""

import math
from collections.abc import Iterator
from decimal import Decimal

from dynviz.frozen import frozen
from dynviz.scene.marks import Axis

THIN = "\u2009"
"""A thin space, which sets thousands apart."""
MANTISSAS = (1, 2, 5)
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SCIENTIFIC = 6
"""From so many digits before or after the point, labels are written with an exponent."""


@frozen
class Tick:
    """A position on an axis and its label."""

    value: float
    label: str


def ticks(axis: Axis, most: int = 6) -> tuple[Tick, ...]:
    """At most `most` ticks inside the limits, ascending, at multiples of 1, 2 or 5 times a power of ten.

    Of an axis that names the values of its ticks, those; where they are too many every second, third or so.

    >>> [tick.label for tick in ticks(Axis((0, 0.9)), 5)]
    ['0', '0.2', '0.4', '0.6', '0.8']
    >>> [tick.label for tick in ticks(Axis((0, 10_000), whole=True), 3)] == ["0", "5\u2009000", "10\u2009000"]
    True
    >>> [tick.label for tick in ticks(Axis((0.002, 30), "log"), 5)]
    ['0.01', '0.1', '1', '10']
    >>> [tick.label for tick in ticks(Axis((3, 60), "log", at=(4, 16, 48)), 2)]
    ['4', '48']

    Args:
        axis: The axis: limits, scale, and whether ticks are whole numbers or which they are.
        most: The maximum number of ticks.
    """
    low, high = sorted(axis.limits)
    if not (math.isfinite(low) and math.isfinite(high)) or most < 1:
        return ()
    if axis.at:
        inside = [Decimal(str(value)) for value in sorted(axis.at) if low <= value <= high]
        stride = -(-len(inside) // most)
        return _labelled(inside[(len(inside) - 1) % stride :: stride] if inside else [], together=False)
    if axis.scale == "log" and low > 0:
        places = _logarithmic(low, high, most)
        if len(places) >= min(2, most):
            return _labelled(places, together=False)
    return _labelled(_linear(low, high, most, whole=axis.whole), together=True)


def number(value: Decimal, decimals: int = 0) -> str:
    """Format a number with separated thousands.

    >>> number(Decimal("-0.5")), number(Decimal("0.25"), 3), number(Decimal(0), 2)
    ('-0.5', '0.250', '0')
    """
    if value == 0:
        return "0"
    return f"{value:,.{max(decimals, _decimals(value))}f}".replace(",", THIN)


def scientific(value: Decimal) -> str:
    """Format a number with an exponent.

    >>> scientific(Decimal("0.00002")), scientific(Decimal(1500000))
    ('2e-5', '1.5e6')
    """
    if value == 0:
        return "0"
    exponent = value.adjusted()
    mantissa = value.scaleb(-exponent)
    return f"{number(mantissa)}e{exponent}"


def power(value: Decimal) -> str:
    """Format a positive number as a power of ten, for logarithmic axes.

    >>> power(Decimal("1e-7")), power(Decimal(10)), power(Decimal("5e6"))
    ('10⁻⁷', '10', '5·10⁶')
    """
    mantissa, exponent = value.scaleb(-value.adjusted()), value.adjusted()
    if exponent in (0, 1):
        return number(value)
    ten = f"10{str(exponent).translate(SUPERSCRIPT)}"
    return ten if mantissa == 1 else f"{number(mantissa)}·{ten}"


def _decimals(value: Decimal) -> int:
    return max(0, -int(value.normalize().as_tuple().exponent))


def _linear(low: float, high: float, most: int, *, whole: bool) -> list[Decimal]:
    """Multiples of the smallest round step that gives no more than `most`."""
    multiples: list[Decimal] = []
    for step in _steps(low, high, most, whole=whole):
        multiples = _multiples(step, low, high, most)
        if multiples and len(multiples) <= most:
            break
        multiples = multiples if len(multiples) <= most else []
    return multiples


def _steps(low: float, high: float, most: int, *, whole: bool) -> Iterator[Decimal]:
    # Apart, since the span of the widest axes is no float. Beyond what floats tell apart there are no ticks.
    share = high / (most + 1) - low / (most + 1)
    finest = max(share, abs(low) * 1e-15, abs(high) * 1e-15, 5e-324)
    exponent = math.floor(math.log10(finest))
    if whole:
        exponent = max(exponent, 0)
    for power in range(exponent, exponent + 4):
        for mantissa in MANTISSAS:
            yield Decimal(mantissa).scaleb(power)


def _multiples(step: Decimal, low: float, high: float, most: int) -> list[Decimal]:
    first = math.floor(Decimal(low) / step) - 1
    last = math.ceil(Decimal(high) / step) + 1
    if last - first > most + 8:
        return [step] * (most + 1)
    # As floats: the tick .7 belongs to an axis that ends at the float 0.7, which is a little less.
    exact_values = {float(step * index): step * index for index in range(first, last + 1)}
    return [exact for value, exact in exact_values.items() if low <= value <= high]


def _logarithmic(low: float, high: float, most: int) -> list[Decimal]:
    """Powers of ten, every second or third where there are many; their 1-2-5 multiples where there are few."""
    first, last = math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1

    def inside(mantissas: tuple[int, ...], stride: int = 1, rest: int = 0) -> list[Decimal]:
        powers = [power for power in range(first, last + 1) if power % stride == rest]
        multiples = [Decimal(mantissa).scaleb(power) for power in powers for mantissa in mantissas]
        return [value for value in multiples if low <= float(value) <= high]

    decades = inside((1,))
    if len(decades) < 3:
        for mantissas in (MANTISSAS, (1, 3), (1,)):
            multiples = inside(mantissas)
            if 2 <= len(multiples) <= most:
                return multiples
    stride = 1
    while len(decades) > most:
        stride += 1
        # Those with 1 among them, or that would be, unless it is a lone one.
        decades = max((inside((1,), stride, rest) for rest in range(stride)), key=lambda chosen: min(len(chosen), 2))
    return decades


def _labelled(values: list[Decimal], *, together: bool) -> tuple[Tick, ...]:
    """Ticks of one axis: with equally many decimals where they are `together` on a linear scale."""
    sizes = [value.adjusted() for value in values if value != 0]
    decimals = max(map(_decimals, values), default=0)
    span = (min(decimals, 99), max(sizes, default=0))
    exponents = span[0] >= SCIENTIFIC or span[1] >= SCIENTIFIC + 1
    if together:
        labels = [scientific(value) if exponents else number(value, decimals) for value in values]
    elif all(-4 < value.adjusted() < SCIENTIFIC - 1 for value in values):
        labels = [number(value) for value in values]
    else:
        labels = [power(value) for value in values]
    return tuple(Tick(float(value), label) for value, label in zip(values, labels, strict=True))
