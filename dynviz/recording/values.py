"""Values in run.json: standard JSON that is read back as it was.

JSON has no infinity and no NaN. They are written as the words "Infinity", "-Infinity" and "NaN"; a text that is one of
these words gets a backslash in front.
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
"""Nearly every text ends otherwise, which is told faster than whether it is a word."""


def encode(value: Any, where: str) -> Any:
    r"""A tree of JSON values for dataclasses, mappings, sequences, numbers, texts and paths.

    Args:
        value: What to write.
        where: Its name, for errors: `facts`.

    Raises:
        DynvizError: It holds something else.

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
        return [encode(each, f"{where}[{index}]") for index, each in enumerate(value)]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: encode(each, f"{where}.{key}") for key, each in value.items()}
    if is_dataclass(value):
        return {each.name: encode(getattr(value, each.name), f"{where}.{each.name}") for each in fields(value)}
    raise DynvizError(
        f"{where} is a {type(value).__name__}, which run.json cannot hold: numbers, texts, None, lists of them, and "
        "mappings with texts as keys"
    )


def _word(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def decode(tree: Any) -> Any:
    """The tree that `encode` was given, sequences as lists.

    >>> decode(encode({"clip": -math.inf}, "options"))
    {'clip': -inf}
    """
    if isinstance(tree, str):
        if not tree.endswith(WORD_ENDS) or not _WORD.fullmatch(tree):
            return tree
        return tree[1:] if tree.startswith("\\") else float(tree)
    if isinstance(tree, list):
        return [decode(each) for each in tree]
    if isinstance(tree, dict):
        return {key: decode(each) for key, each in tree.items()}
    return tree
