"""Training and drawing once more what a picture shows."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from dynviz.animation.export import animate
from dynviz.animation.recipe import ChannelSum, PictureRequest, Recipe, RecordedMeasurement
from dynviz.animation.recipe_sums import channel_sum, crc_of, measurement_arrays, near, sizes_of
from dynviz.errors import DynvizError
from dynviz.frame import Progress as Drawn
from dynviz.frozen import frozen
from dynviz.plugins.spec import parse
from dynviz.plugins.trust import Code, Trusted, foreign
from dynviz.recording import Recording
from dynviz.remaking.needed import needed
from dynviz.remaking.shared import SharedRecordings
from dynviz.remaking.training import TrainingAgain, measure_again
from dynviz.training.preparation import check_size, compile_steps
from dynviz.training.session import Progress


@frozen(kw_only=True)
class Remade:
    """What came of it.

    Attributes:
        picture: The file of the picture.
        channels: The number of channels and measurements that were compared.
        near: Those that differ as little as on another processor, which rounds in other ways: `adamw: loss`.
        differing: Those that differ more.
    """

    picture: Path
    channels: int
    near: tuple[str, ...]
    differing: tuple[str, ...]


def codes(recipe: Recipe) -> tuple[Code, ...]:
    """The code of the user's own that making it again runs."""
    named: list[Code] = []
    for recorded in needed((*recipe.recordings, *recipe.others)):
        scenario, rule = recorded.metadata.scenario, recorded.metadata.optimizer
        named += foreign("scenarios", scenario.spec, scenario.fingerprints)
        named += foreign("optimizers", rule.spec, rule.fingerprints)
    drawn = recipe.picture
    return (*named, *(code for _, code in _drawing_codes(drawn))) if isinstance(drawn, PictureRequest) else tuple(named)


def remake(
    recipe: Recipe,
    name: str,
    out: Path,
    *,
    trust: Trusted = (),
    yes: bool = False,
    progress: Progress,
    draw: Callable[[Sequence[Recording], Path], object],
    shared: SharedRecordings | None = None,
) -> Remade:
    """Train and draw it.

    Args:
        recipe: How it was made.
        name: The name of the picture's file, without suffix.
        out: The folder for it and for the recordings, to be created.
        trust: Code that may run besides bundled code, see `dynviz.plugins.trust`.
        yes: Whether recordings may have over 4 GB.
        progress: Receives the progress of training.
        draw: Draws recordings into a file; see `drawing`.
        shared: Keeps what is trained for further pictures.

    Raises:
        DynvizError: Code is not trusted or has changed, there is no such device, or a file cannot be written.
        KeyboardInterrupt: Ctrl-C.
    """
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
    plan.train(out, progress, yes=yes, shared=shared)
    recordings, others = (
        [Recording(out / one.folder / one.metadata.label, one.chosen) for one in runs]
        for runs in (recipe.recordings, recipe.others)
    )
    measure_again(recipe.recordings, recordings, others, trust, progress)
    target = out / f"{name}{recipe.picture.suffix}"
    draw(recordings, target)
    likenesses: list[tuple[str, Likeness]] = []
    for recorded, recording in zip(recipe.recordings, recordings, strict=True):
        label = recorded.metadata.label
        likenesses += [(f"{label}: {name}", _channel(recording, name, known)) for name, known in recorded.sums.items()]
        likenesses += [(f"{label}: {one.name}", _measurement(recording, one)) for one in recorded.measured]
    alike, apart = (tuple(one for one, how in likenesses if how == kind) for kind in ("near", "different"))
    return Remade(picture=target, channels=len(likenesses), near=alike, differing=apart)


def drawing(
    request: PictureRequest, trust: Trusted = (), progress: Drawn | None = None
) -> Callable[[Sequence[Recording], Path], object]:
    """What draws recordings into a file as it was asked for before.

    Args:
        request: How they were drawn.
        trust: Code that may run besides bundled code.
        progress: Called with the number of frames drawn and the total.

    Raises:
        DynvizError: Code is not trusted, or has changed.
    """
    request = _trusted(request, trust)
    parts: dict[str, Any] = {name: getattr(request, name) for name in SAME}
    parts |= {"labels": dict(request.labels), "language": dict(request.language)}
    return partial(animate, **parts, **request.options, progress=progress)


OWN = ("suffix", "labels", "language", "options", "view_sha256", "exporter_sha256")
SAME = tuple(field.name for field in fields(PictureRequest) if field.name not in OWN)
"""What `animate` is asked as it was asked before."""


Likeness: TypeAlias = Literal["same", "near", "different"]


def _channel(recording: Recording, channel: str, known: ChannelSum) -> Likeness:
    """How alike a channel is to what it held; what was not recorded to its end has fewer samples."""
    if channel not in recording.channels:
        return "different"
    # A picture of many recordings keeps one size of each channel, and older ones keep none.
    made = channel_sum(Recording(recording.folder)[channel][: known.samples], max(len(known.sizes), 1))
    if made.samples != known.samples:
        return "different"
    return _likeness((known.crc, known.sizes), (made.crc, made.sizes))


def _measurement(recording: Recording, known: RecordedMeasurement) -> Likeness:
    """How alike a measurement is to what it was."""
    arrays = measurement_arrays(recording.folder, known.name)
    return _likeness((known.crc, known.sizes), (crc_of(arrays), sizes_of(arrays)))


def _likeness(known: tuple[int, tuple[float, ...]], made: tuple[int, tuple[float, ...]]) -> Likeness:
    if known[0] == made[0]:
        return "same"
    return "near" if near(known[1], made[1]) else "different"


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
