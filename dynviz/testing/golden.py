"""Goldens: what a run did, as text that a person can read in a diff."""

import math
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from dynviz.errors import DynvizError
from dynviz.frozen import frozen

FORMAT = "dynviz golden 1"
STEP, EVENTS, PICTURE = "at step ", "events", "picture: "

Key: TypeAlias = tuple[int, str]
"""A step, and what is measured: `lion seed 42 position[0]`."""


@frozen(kw_only=True)
class Deviation:
    """Something that is not as the golden says.

    Attributes:
        step: When; -1 for what has no step.
        what: Which channel, or `events`, or `picture`.
        expected: By the golden.
        got: Now.
    """

    step: int
    what: str
    expected: str
    got: str

    def __str__(self) -> str:
        when = f"step {self.step}: " if self.step >= 0 else ""
        return f"{when}{self.what} was {self.expected}, is {self.got}"


@dataclass(kw_only=True)
class Golden:
    """What a run did.

    Attributes:
        made: The fingerprint of the machine that it was made on.
        facts: What was trained, by name.
        numbers: Measured values by step and channel, in the order of steps.
        events: One line each.
        view: The view and step of the picture.
        picture: In characters.
    """

    made: str
    facts: Mapping[str, str]
    numbers: dict[Key, float] = field(default_factory=dict)
    events: tuple[str, ...] | None = None
    view: str = ""
    picture: str = ""

    def to_text(self) -> str:
        """The file's text; numbers are written so that they are read back to the last bit."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield FORMAT
        yield f"made: {self.made}"
        yield from (f"{name}: {value}" for name, value in self.facts.items())
        last = None
        for (step, what), value in self.numbers.items():
            if step != last:
                yield ""
                yield f"{STEP}{step}"
                last = step
            yield f"{what}  {value!r}"
        if self.events is not None:
            yield ""
            yield EVENTS
            yield from self.events
        if self.picture:
            yield ""
            yield f"{PICTURE}{self.view}"
            yield from self.picture.split("\n")

    @classmethod
    def from_text(cls, text: str) -> "Golden":
        """Read what `to_text` gave.

        Raises:
            DynvizError: It is something else.
        """
        lines = text.split("\n")
        if lines[0] != FORMAT:
            raise DynvizError(f"it does not begin with {FORMAT!r}")
        lines.pop()
        head = lines.index("") if "" in lines else len(lines)
        facts = dict(line.split(": ", 1) for line in lines[1:head] if ": " in line)
        golden = cls(made=facts.pop("made", ""), facts=facts)
        step, place = -1, head
        events: list[str] | None = None
        while place < len(lines):
            line = lines[place]
            if line.startswith(PICTURE):
                golden.view, golden.picture = line.removeprefix(PICTURE), "\n".join(lines[place + 1 :])
                break
            if line == EVENTS:
                events = []
            elif line.startswith(STEP):
                step = int(line.removeprefix(STEP))
            elif line and events is not None:
                events.append(line)
            elif line:
                what, _, value = line.rpartition("  ")
                golden.numbers[step, what] = float(value)
            place += 1
        golden.events = None if events is None else tuple(events)
        return golden


def fingerprint() -> str:
    """What results depend on to the last bit, beside the program."""
    import torch

    processor = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return f"torch {torch.__version__}, {processor}, 1 thread"


def deviations(golden: Golden, now: Golden, rtol: float) -> list[Deviation]:
    """What is not as it was, in the order of steps.

    On the same kind of machine everything is the same to the last bit; elsewhere numbers agree to a tolerance, medians
    of seeds lie in the golden's band, events are of the same kinds, and pictures are not compared.
    """
    exact = golden.made == now.made
    apart = [
        Deviation(step=-1, what=name, expected=golden.facts.get(name, "not there"), got=value)
        for name, value in now.facts.items()
        if golden.facts.get(name) != value
    ]
    for step, what in sorted({**golden.numbers, **now.numbers}, key=lambda key: key[0]):
        one, other = golden.numbers.get((step, what)), now.numbers.get((step, what))
        there = one is not None and other is not None
        if not (there and (_same(one, other) if exact else _near(golden.numbers, (step, what), other, rtol))):
            apart.append(Deviation(step=step, what=what, expected=_shown(one), got=_shown(other)))
    if golden.events is not None and now.events is not None:
        lines = [known if exact else _kinds(known) for known in (golden.events, now.events)]
        lost = next((pair for pair in zip(*lines, strict=False) if pair[0] != pair[1]), None)
        if lost or len(lines[0]) != len(lines[1]):
            shortest = min(map(len, lines))
            pair = lost or tuple(known[shortest] if len(known) > shortest else "nothing more" for known in lines)
            apart.append(Deviation(step=-1, what=EVENTS, expected=repr(pair[0]), got=repr(pair[1])))
    if exact and golden.picture and now.picture and golden.picture != now.picture:
        apart.append(Deviation(step=-1, what=f"picture of {golden.view}", expected="as below", got="another"))
    return apart


MIDDLE = " 50 %"


def _near(numbers: Mapping[Key, float], key: Key, value: float | None, rtol: float) -> bool:
    step, what = key
    if value is None:
        return False
    if "quantile" in what:
        if not what.endswith(MIDDLE):
            return True
        bounds = [known for (at, other), known in numbers.items() if at == step and _channel(other) == _channel(what)]
        return min(bounds) <= value <= max(bounds) or all(map(math.isnan, (*bounds, value)))
    known = numbers[key]
    return _same(known, value) or abs(known - value) <= rtol * max(abs(known), abs(value))


def _channel(what: str) -> str:
    return what.partition(" quantile")[0]


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == other or (math.isnan(one) and math.isnan(other))


def _kinds(events: Sequence[str]) -> tuple[str, ...]:
    """Events without their steps and values."""
    return tuple(line.partition(": ")[2].split()[0] if ": " in line else line for line in events)


def _shown(value: float | None) -> str:
    return "not there" if value is None else repr(value)
