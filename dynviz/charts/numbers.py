"""Numbers as text, with the significant digits."""

import math

from dynviz.scene.ticks import THIN

DIVERGED = "diverged"
"""Shown in place of a value that is no longer finite."""


def significant(value: float, digits: int = 3, *, padded: bool = False) -> str:
    """Format a number with a given number of significant digits.

    >>> [significant(value).replace(THIN, " ") for value in (0.37105, 1234.5, 0.01, 0.0000316, -0.5)]
    ['0.371', '1 234', '0.01', '3.16e-5', '-0.5']
    >>> significant(0.5, padded=True)
    '0.500'

    Args:
        value: The number.
        digits: The number of digits.
        padded: Whether to keep trailing zeros, so that a changing value keeps its width.
    """
    if not math.isfinite(value):
        return _not_finite(value)
    if value == 0:
        return "0"
    if not 1e-3 <= abs(value) < 1e6:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{mantissa if padded else _trimmed(mantissa)}e{int(exponent)}"
    text = f"{value:.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"
    return _grouped(text if padded else _trimmed(text))


def resolved(value: float, limits: tuple[float, float], scale: str = "linear") -> str:
    """Format a number with as many decimals as the axis resolves, the same for all values.

    >>> [resolved(value, (0.2, 0.7)) for value in (0.37105, 1.0)], resolved(51.54, (0, 60))
    (['0.371', '1.000'], '51.5')
    """
    if not math.isfinite(value):
        return _not_finite(value)
    span = limits[1] - limits[0]
    decimals = math.floor(2.9 - math.log10(span)) if span > 0 else 3
    small = decimals > 5 and max(map(abs, limits)) < 1e-2
    if scale == "log" or small or abs(value) >= 1e6:
        return significant(value, padded=True)
    text = f"{value:.{min(max(0, decimals), 9)}f}"
    return _grouped(text.replace("-", "", 1) if float(text) == 0 else text)


def percent(share: float) -> str:
    """Format a fraction as a percentage, which is 100 for nothing less than all.

    >>> percent(0.8412), percent(0.9998), percent(1 - 1e-9), percent(1.0)
    ('84.1 %', '99.98 %', '99.99 %', '100.0 %')
    """
    if not math.isfinite(share):
        return _not_finite(share)
    if 0.9995 <= share < 1:
        return f"{min(100 * share, 99.99):.2f} %"
    return f"{100 * share:.1f} %"


def _not_finite(value: float) -> str:
    return DIVERGED if math.isnan(value) else "∞" if value > 0 else "-∞"


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _grouped(text: str) -> str:
    """A number formatted as ticks are: thousands set apart."""
    sign = "-" if text.startswith("-") else ""
    whole, point, rest = text.removeprefix("-").partition(".")
    if len(whole) > 3:
        whole = f"{int(whole):,}".replace(",", THIN)
    return f"{sign}{whole}{point}{rest}"
