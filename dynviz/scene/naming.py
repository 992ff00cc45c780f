"""A name and the value that belongs to it, in one line."""

import re

_NUMBER = re.compile(r"[-+]?[\d.]+(e[-+]?\d+)?")


def named(name: str, value: str) -> str:
    """The value after the name, and a colon between them where they could be read as one.

    >>> named("adamw", "0.371"), named("sgd lr 0.1", "0.371"), named("AdamW, L2", "0.371"), named("16", "0.371")
    ('adamw 0.371', 'sgd lr 0.1: 0.371', 'AdamW, L2: 0.371', '16: 0.371')
    >>> named("", "0.371"), named("sgd lr 0.1", "")
    ('0.371', 'sgd lr 0.1')
    """
    mark = ":" if value and (" " in name or _NUMBER.fullmatch(name)) else ""
    return f"{name}{mark} {value}".strip()
