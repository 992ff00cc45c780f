"""Encoding values as standard JSON without loss.

JSON has no infinity or NaN. They are written as the words "Infinity", "-Infinity" and "NaN"; a text that is one of
these words is escaped with a backslash.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from dynviz.errors import DynvizError

_WORD = re.compile(r"\\*(NaN|-?Infinity)")
WORD_ENDS = ("NaN", "Infinity")
"""A cheap test that rules out nearly every text before the regular expression is tried."""


def encode(value: Any, where: str) -> Any:
    r"""Convert dataclasses, mappings, sequences, numbers, texts and paths to a tree of JSON values.

    Args:
        value: The value to encode.
        where: The name of the value, for errors: `facts`.

    Raises:
        DynvizError: The value contains something else.

    >>> encode({"clip": math.inf, "betas": (0.9, 0.99), "norm": "Infinity"}, "options")
    {'clip': 'Infinity', 'betas': [0.9, 0.99], 'norm': '\\Infinity'}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _word(value)
    if isinstance(value, str | PurePath):
        text = str(value)
        return f"\\{text}" if _WORD.fullmatch(text) else text
    if isinstance(value, tuple | list):
        return [encode(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: encode(item, f"{where}.{key}") for key, item in value.items()}
    if is_dataclass(value):
        return {item.name: encode(getattr(value, item.name), f"{where}.{item.name}") for item in fields(value)}
    raise DynvizError(
        f"{where} is a {type(value).__name__}, which run.json cannot hold: numbers, texts, None, lists of them, and "
        "mappings with texts as keys"
    )


def _word(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def decode(tree: Any) -> Any:
    """Invert `encode`, with sequences as lists.

    >>> decode(encode({"clip": -math.inf}, "options"))
    {'clip': -inf}
    """
    if isinstance(tree, str):
        if not tree.endswith(WORD_ENDS) or not _WORD.fullmatch(tree):
            return tree
        return tree[1:] if tree.startswith("\\") else float(tree)
    if isinstance(tree, list):
        return [decode(item) for item in tree]
    if isinstance(tree, dict):
        return {key: decode(item) for key, item in tree.items()}
    return tree
