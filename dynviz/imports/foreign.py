"""What another program logged of one run: values by name and step, and its settings."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dynviz.errors import DynvizError

MOST_STEPS = 2**53
"""Steps are below it."""


@dataclass
class ForeignRun:
    """One run of another program.

    Attributes:
        name: What it is called.
        program: The program that logged it.
        values: By name, the value at each step; of several at a step the last that was logged.
        settings: Its hyperparameters.
    """

    name: str
    program: str
    values: dict[str, dict[int, float]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, step: int, value: float, file: Path) -> None:
        """Take a value.

        Raises:
            DynvizError: The step is no step.
        """
        if not 0 <= step < MOST_STEPS:
            raise DynvizError(f"{file}: step {step} of {name[:60]!r} is not a number of steps")
        self.values.setdefault(name, {})[step] = value

    def set(self, name: str, value: Any) -> None:
        """Take a setting; of a nested one each part."""
        if isinstance(value, Mapping):
            for key, inner in value.items():
                self.set(f"{name}.{key}" if name else str(key), inner)
        elif isinstance(value, list):
            self.settings[name] = tuple(part if is_plain(part) else str(part) for part in value)
        else:
            self.settings[name] = value if is_plain(value) else str(value)


def is_plain(value: Any) -> bool:
    """Whether a value can stand in run.json."""
    return value is None or isinstance(value, bool | float | str) or (isinstance(value, int) and abs(value) < 2**63)


def scalars(name: str, value: Any) -> dict[str, float]:
    """The numbers in a value of JSON, by name: `acc` of `val` is `val.acc`; text, lists and pictures have none."""
    if isinstance(value, Mapping):
        # What has a type of its own is a picture or a table.
        parts = {} if "_type" in value else value
        return {
            key: number for inner, part in parts.items() for key, number in scalars(f"{name}.{inner}", part).items()
        }
    if isinstance(value, int | float):
        try:
            return {name: float(value)}
        except OverflowError:
            return {name: math.inf if value > 0 else -math.inf}
    return {name: float(value)} if value in ("NaN", "Infinity", "-Infinity") else {}


def parsed(text: str) -> Any:
    """JSON, or None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
