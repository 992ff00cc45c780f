"""`dynviz diff`: where two optimizers, or two recordings, first differ."""

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dynviz.cli import options, repeating
from dynviz.cli.replacing import may_draw
from dynviz.cli.say import say
from dynviz.errors import DynvizError
from dynviz.text import clean

if TYPE_CHECKING:
    from dynviz.difference.candidates import Steps
    from dynviz.difference.gradients import Gradients
    from dynviz.difference.side_by_side import Allowance, SideBySide
    from dynviz.recording import Recording

NOT_COMPARABLE = 2
OF_STEPS = {"scenario": "--on", "source": "--gradients", "steps": "--steps", "free": "--free", "dtype": "--dtype"}
"""Options that have no effect on two recordings."""


@click.command(short_help="Where two optimizers, or two recordings, first differ, and why.")
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
@click.option(
    "--on", "scenario", metavar="SCENARIO", help="Use gradients of this scenario. [default: a noisy quadratic]"
)
@click.option("--gradients", "source", metavar="RECORDING", help="Use the gradients that a recording holds.")
@click.option(
    "--steps", type=click.IntRange(1, 10**7), default=200, show_default=True, help="Number of steps to compare."
)
@click.option("--free", is_flag=True, help="Let each side go its own way instead of giving both the same gradients.")
@click.option("--ulps", type=click.IntRange(0), default=0, help="Count numbers as equal that are this many ulps apart.")
@click.option("--rtol", type=click.FloatRange(0), default=0.0, help="Count numbers as equal within this share.")
@options.shown("--dtype", click.Choice(["float32", "float64"]), "float64", "Type of parameters and gradients.")
@click.option(
    "--picture",
    metavar="FILE",
    help="Draw, as a png, svg or pdf, how the gap grows, and the number that differs first.",
)
@click.option("--theme", type=options.THEME, default="light", help="Colours of the picture.")
@options.force
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def diff(
    *,
    one: str,
    other: str,
    scenario: str | None,
    source: str | None,
    steps: int,
    free: bool,
    ulps: int,
    rtol: float,
    dtype: str,
    picture: str | None,
    theme: str,
    force: bool,
    as_json: bool,
) -> None:
    """Say where A and B first differ, how far they come apart, and which known convention makes the difference.

    A and B are optimizers: rules, classes of torch.optim, zoo.NAME, files, files at a git revision (./mine.py@HEAD~1),
    or optax transformations (optax.adamw:learning_rate=1e-3). Both make their steps with the same gradients: of a
    noisy quadratic of a matrix and a vector, or of the matrix alone where one of them takes no vectors, as
    torch.optim.Muon. Or both are recordings, whose channels are compared.

    The exit status is 0 where they are equal, 1 where they differ, and 2 where they cannot be compared.

    \b
    dynviz diff adamw torch.optim.AdamW --rtol 1e-9
    dynviz diff ./mine.py@HEAD~1 ./mine.py
    dynviz diff runs/a/adamw runs/b/adamw
    """  # noqa: D301 - click wants the sign itself, which keeps lines as they are
    from dynviz.difference import verdict
    from dynviz.difference.side_by_side import Allowance

    allowed = Allowance(ulps, rtol)
    written = options.written(click.get_current_context())
    try:
        may_draw(picture, force=force)
        comparison, explained = _compared(one, other, allowed, written) or _stepped(
            one, other, allowed, gradients=_gradients(scenario, source, dtype, written), steps=steps, free=free
        )
        if picture is not None:
            from dynviz.difference.picture import scene
            from dynviz.pixels import saving

            drawn = scene(comparison, (one, other))
            made = repeating.recipe({}, Path(picture).suffix.lower(), verdict.tree(comparison, explained))
            saving.save(drawn, Path(picture), saving.SIZE, theme, recipe=made)
    except DynvizError as error:
        say(f"dynviz: {error}")
        sys.exit(NOT_COMPARABLE)
    if as_json:
        say(json.dumps(_finite(verdict.tree(comparison, explained)), allow_nan=False), err=False)
    else:
        for line in verdict.lines(comparison, ("A", "B"), free=free):
            say(clean(line), err=False)
        for line in explained:
            say(clean(f"convention: {line}"), err=False)
    sys.exit(1 if comparison.first is not None else 0)


def _compared(one: str, other: str, allowed: "Allowance", written: set[str]) -> "tuple[SideBySide, list[str]] | None":
    """Compare two recordings; None where optimizers are named.

    Raises:
        DynvizError: One is a recording, the other an optimizer, or an option was written that is for optimizers.
    """
    from dynviz.difference.recordings import of_recordings

    recordings = [_recording(text) for text in (one, other)]
    first, second = recordings
    if first is not None and second is not None:
        idle = [option for name, option in OF_STEPS.items() if name in written]
        if idle:
            raise DynvizError(f"{' and '.join(idle)} is for optimizers, and has no effect on two recordings")
        return of_recordings((first, second), allowed), []
    if first is not None or second is not None:
        raise DynvizError(f"of {one} and {other} only one is a recording; compare two of a kind")
    return None


def _stepped(
    one: str, other: str, allowed: "Allowance", *, gradients: "Gradients", steps: int, free: bool
) -> "tuple[SideBySide, list[str]]":
    """Let two optimizers make their steps, and explain what differs."""
    from dynviz.difference.candidates import candidate
    from dynviz.difference.gradients import MadeGradients
    from dynviz.difference.lockstep import in_lockstep
    from dynviz.difference.verdict import reasons

    def made(gradients: "Gradients") -> "tuple[Steps, Steps]":
        return candidate(one, gradients.layout, gradients.start), candidate(other, gradients.layout, gradients.start)

    notes = []
    try:
        sides = made(gradients)
    except DynvizError as error:
        if not isinstance(gradients, MadeGradients):
            raise
        gradients = gradients.without_vector()
        try:
            sides = made(gradients)
        except DynvizError:
            raise error from None
        notes = ["not both of them take vectors: they are compared on a matrix alone"]
    comparison = in_lockstep(sides, gradients, steps, allowed, free=free)
    comparison.notes[:0] = notes
    return comparison, reasons((one, other), gradients) if comparison.first is not None else []


def _recording(text: str) -> "Recording | None":
    """The recording that a text names; None where it names an optimizer.

    Raises:
        DynvizError: It is a run of several recordings.
    """
    from dynviz.recording import open_all

    if not Path(text.partition("@")[0]).is_dir():
        return None
    recordings = open_all([text])
    if len(recordings) > 1:
        names = ", ".join(recording.label for recording in recordings)
        raise DynvizError(f"{text} holds several recordings ({names}); name one of their folders")
    return recordings[0]


def _gradients(scenario: str | None, source: str | None, dtype: str, written: set[str]) -> "Gradients":
    import torch

    from dynviz import plugins
    from dynviz.difference import gradients

    if scenario is not None and source is not None:
        raise DynvizError("--on and --gradients both say where gradients come from; give one of them")
    if source is not None and written & {"free", "dtype"}:
        raise DynvizError("recorded gradients are what they are; leave out --free and --dtype")
    if source is not None:
        recording = _recording(source)
        if recording is None:
            raise DynvizError(f"there is no recording {source}")
        return gradients.RecordedGradients(recording)
    if scenario is not None:
        return gradients.TaskGradients(plugins.load("scenarios", scenario), dtype)
    return gradients.MadeGradients(getattr(torch, dtype))


def _finite(value: object) -> object:
    """The tree with text in place of numbers that JSON has not."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value
