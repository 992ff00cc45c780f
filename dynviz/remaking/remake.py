"""Training and drawing once more what a picture shows."""

import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from dynviz.animation.export import animate
from dynviz.animation.recipe import ChannelSum, PictureRequest, Recipe
from dynviz.animation.recipe_writer import measurement_sum
from dynviz.errors import DynvizError
from dynviz.frame import Progress as Drawn
from dynviz.plugins.spec import parse
from dynviz.plugins.trust import Code, Trusted, foreign
from dynviz.recording import Recording
from dynviz.remaking.needed import needed
from dynviz.remaking.training import TrainingAgain, measure_again
from dynviz.training.preparation import check_size, compile_steps
from dynviz.training.session import Progress


@dataclass(frozen=True, kw_only=True)
class Remade:
    """What came of it.

    Attributes:
        picture: The file of the picture.
        channels: The number of channels and measurements that were compared.
        differing: Those that differ: `adamw: loss`.
    """

    picture: Path
    channels: int
    differing: tuple[str, ...]


def codes(recipe: Recipe) -> tuple[Code, ...]:
    """The code of the user's own that making it again runs."""
    named: list[Code] = []
    for recorded in needed((*recipe.recordings, *recipe.others)):
        scenario, rule = recorded.metadata.scenario, recorded.metadata.optimizer
        named += foreign("scenarios", scenario.spec, scenario.fingerprints)
        named += foreign("optimizers", rule.spec, rule.fingerprints)
    return (*named, *(code for _, code in _drawing_codes(recipe.picture)))


def remake(
    recipe: Recipe,
    name: str,
    out: Path,
    *,
    trust: Trusted = (),
    yes: bool = False,
    progress: Progress,
    drawn: Drawn | None = None,
) -> Remade:
    """Train and draw it.

    Args:
        recipe: How it was made.
        name: The name of the picture's file, without suffix.
        out: The folder for it and for the recordings, to be created.
        trust: Code that may run besides bundled code, see `dynviz.plugins.trust`.
        yes: Whether recordings may have over 4 GB.
        progress: Receives the progress of training.
        drawn: Called with the number of frames drawn and the total.

    Raises:
        DynvizError: Code is not trusted or has changed, there is no such device, or a file cannot be written.
        KeyboardInterrupt: Ctrl-C.
    """
    request = _trusted(recipe.picture, trust)
    for recorded in recipe.recordings:
        names = [measured.name for measured in recorded.measured]
        if len(set(names)) < len(names) or any(
            place >= len(recipe.others) for measured in recorded.measured for place in measured.goals
        ):
            raise DynvizError(f"the measurements of {recorded.metadata.label} do not fit together")
    plan = TrainingAgain.of((*recipe.recordings, *recipe.others), trust)
    check_size(plan.prepared, large=yes)
    compile_steps(plan.prepared, progress.does)
    try:
        out.mkdir()
    except OSError as error:
        raise DynvizError(f"cannot make the folder {out}: {error.strerror or error}") from error
    plan.train(out, progress, yes=yes)
    recordings, others = (
        [Recording(out / one.folder / one.metadata.label, one.chosen) for one in runs]
        for runs in (recipe.recordings, recipe.others)
    )
    measure_again(recipe.recordings, recordings, others, trust, progress)
    target = out / f"{name}{request.suffix}"
    parts = {name: getattr(request, name) for name in SAME}
    words = {"labels": dict(request.labels), "language": dict(request.language)}
    animate(recordings, target, **parts, **words, **request.options, progress=drawn)  # type: ignore[arg-type]
    differing = []
    for recorded, recording in zip(recipe.recordings, recordings, strict=True):
        names = [channel for channel, known in recorded.sums.items() if not _agrees(recording, channel, known)]
        names += [one.name for one in recorded.measured if measurement_sum(recording.folder, one.name) != one.crc]
        differing += [f"{recorded.metadata.label}: {name}" for name in names]
    compared = sum(len(one.sums) + len(one.measured) for one in recipe.recordings)
    return Remade(picture=target, channels=compared, differing=tuple(differing))


OWN = ("suffix", "labels", "language", "options", "view_sha256", "exporter_sha256")
SAME = tuple(field.name for field in fields(PictureRequest) if field.name not in OWN)
"""What `animate` is asked as it was asked before."""


def _agrees(recording: Recording, channel: str, known: ChannelSum) -> bool:
    """Whether a channel holds what it held; what was not recorded to its end has fewer samples."""
    if channel not in recording.channels:
        return False
    samples = Recording(recording.folder)[channel][: known.samples]
    return len(samples) == known.samples and zlib.crc32(np.ascontiguousarray(samples).tobytes()) == known.crc


def _drawing_codes(request: PictureRequest) -> Iterator[tuple[str, Code]]:
    """A view and an exporter of the user's own, each with its field."""
    for part, text, sha256 in (
        ("view", request.view, request.view_sha256),
        ("exporter", request.exporter, request.exporter_sha256),
    ):
        if text is not None:
            yield from zip(itertools.repeat(part), foreign(f"{part}s", parse(text), (sha256,)))


def _trusted(request: PictureRequest, trust: Trusted) -> PictureRequest:
    """The request with the places of trusted code.

    Raises:
        DynvizError: Some is not trusted, or has changed.
    """
    for part, code in _drawing_codes(request):
        text = getattr(request, part)
        request = replace(request, **{part: code.located(trust) + text[len(code.name) :]})
    return request
