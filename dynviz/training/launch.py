"""Begin or resume a run: everything is checked before anything is written."""

import datetime
import itertools
import operator
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, SupportsIndex, TypeAlias

from dynviz.errors import DynvizError
from dynviz.plugins import Plugin, objects
from dynviz.plugins.grammar import seeds as read_seeds
from dynviz.plugins.objects import Given
from dynviz.plugins.trust import Trusted
from dynviz.recording import Recording, Run, Writer, staging
from dynviz.recording import open as open_recording
from dynviz.recording.changes import Change, effective
from dynviz.recording.changes import read as read_changes
from dynviz.recording.metadata import Lane
from dynviz.recording.schema import STEPS
from dynviz.rule import Rule
from dynviz.task import Scenario
from dynviz.training import devices, session
from dynviz.training.plan import check_optimizer, labels, requests
from dynviz.training.preparation import (
    PreparedRecording,
    RunRequest,
    check_own,
    check_size,
    compile_steps,
    prepare,
    rebuild,
)
from dynviz.training.session import Progress, train
from dynviz.training.trainer import Trainer

DTYPES = ("", "float32", "float64")
Compile: TypeAlias = bool | Literal["auto", "on", "off"]
COMPILE: Mapping[Compile, bool | None] = {"auto": None, "on": True, "off": False, True: True, False: False}
"""What can be asked, and what it means; None leaves it to the size of the run."""


def run(
    scenario: Given | Scenario,
    optimizers: Given | Rule | Sequence[Given | Rule],
    *,
    seeds: int | str | Sequence[int] = 42,
    lanes: Sequence[Lane] = (),
    steps: int | None = None,
    device: str = "auto",
    dtype: str = "",
    record: str | Sequence[str] = (),
    out: str | Path | None = None,
    compile: Compile = "auto",  # noqa: A002 - as on the command line
    changes: str | Path | None = None,
    yes: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Train one scenario with one or more optimizers, and record what they do.

    Args:
        scenario: `voronoi`, `surface:f=rosenbrock`, `./mine.py`; or a scenario class, or an instance of one.
        optimizers: One or several of `adamw`, `adamw-l1:lr=3e-3`, `torch.optim.NAdam`, `./mine.py`; or a PyTorch
            optimizer class, a rule's class or an instance of one, or `functools.partial(torch.optim.SGD, lr=0.1)`.
        seeds: One seed, several, or a range as text, `0:8`; each trains as a lane.
        lanes: Instead of seeds: trajectories that may also differ in hyperparameters.
        steps: Number of training steps; None for the scenario's default.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        dtype: `float32` or `float64`; empty for the scenario's default.
        record: Channels to record in addition to the default ones: `term.*`, `val_loss:every=1`.
        out: The folder to create; None for the first unused `runs/<scenario>-<optimizers>-<n>`.
        compile: Whether to compile blocks of steps first. This takes a while, or seconds if the result is cached; each
            step then takes a fraction of its time, and results differ only by rounding. `auto` goes by the size of the
            run alone, so that the same run gives the same bytes; see `dynviz.training.compilation.pays`.
        changes: The changes.jsonl of another recording, whose changes of hyperparameters are repeated at the same
            steps.
        yes: Whether the run may write over 4 GB.
        progress: Receives progress; None shows a bar in a notebook and nothing elsewhere.

    Returns:
        The finished run.

    Raises:
        DynvizError: An argument is invalid or the run is impossible; nothing was written.
        KeyboardInterrupt: Ctrl-C; the run ended cleanly and can be continued with `resume`.
    """
    lanes = tuple(lanes) or tuple(Lane(seed) for seed in read_seeds(seeds))
    rules = list(optimizers) if isinstance(optimizers, list | tuple) else [optimizers]
    if not rules:
        raise DynvizError("a run needs an optimizer: adamw, or several of them")
    if steps is not None and not (isinstance(steps, SupportsIndex) and 1 <= operator.index(steps) <= STEPS):
        raise DynvizError(f"{steps} steps cannot be trained; steps is a whole number from 1 to {STEPS}")
    if dtype not in DTYPES:
        raise DynvizError(f"no dtype named {dtype!r}; there are float32 and float64")
    if compile not in COMPILE:
        raise DynvizError(f"compile={compile!r} is unknown; choose auto, on or off")
    where = devices.find(device)
    with devices.reproducible():
        task_plugin = objects.plugin("scenarios", scenario)
        plugins = [objects.plugin("optimizers", rule) for rule in rules]
    for plugin in plugins:
        check_optimizer(plugin)
    wanted = requests([record] if isinstance(record, str) else record)
    names = labels(plugins)
    check_out(out)
    length = None if steps is None else operator.index(steps)
    progress = progress or session.default_progress()
    request = RunRequest(steps=length, channels=wanted, device=where, dtype=dtype, compiled=COMPILE[compile])
    prepared = prepare(task_plugin, plugins, lanes, request)
    check_size(prepared, large=yes)
    known = () if changes is None else _known(Path(changes), prepared)
    if not lanes[0].hyperparameters and all(recording.lanes.alike for recording in prepared):
        progress.does(f"{len(lanes)} lanes are alike: nothing here depends on the seed")
    compile_steps(prepared, progress.does)
    folder = lay_out(places(out, task_plugin, names), prepared, known)
    train(folder, begin(folder, prepared), progress)
    return Run(folder)


def resume(
    folder: str | Path, *, steps: int | None = None, trust: Trusted = (), progress: Progress | None = None
) -> Run | Recording:
    """Continue a run that was stopped or killed, or make a finished one longer.

    The channels end up the same, byte for byte, as those of a run that was never stopped.

    Args:
        folder: The folder of a run or of a single recording.
        steps: The new total number of steps; None for the original one.
        trust: The files, classes or import paths of your own code that the run was begun with. A recording is data:
            code that it names runs only if it is bundled or listed here.
        progress: Receives progress.

    Raises:
        DynvizError: It cannot be continued; nothing was changed.
        KeyboardInterrupt: Ctrl-C; as for `run`.
    """
    opened = open_recording(folder)
    if isinstance(opened, Run) and opened.problems:
        raise DynvizError(opened.problems[0])
    if not Path(folder).exists():
        raise DynvizError(
            f"{folder} selects some lanes of a run, but all of them are resumed together: give the folder alone"
        )
    recordings = list(opened.values()) if isinstance(opened, Run) else [opened]
    for recording in recordings:
        check_own(recording)
        if isinstance(opened, Run) and recording.folder.is_symlink():
            raise DynvizError(
                f"{recording.folder} is a link, which is not followed; resume the folder that it points to"
            )
    if steps is None and any(recording.status != "finished" for recording in recordings):
        # A process that is killed while it makes a run longer may leave some of its recordings as they were.
        steps = max(recording.total for recording in recordings)
    todo = [recording for recording in recordings if _unfinished(recording, steps)]
    if not todo:
        length = max(recording.total for recording in recordings)
        raise DynvizError(f"{folder} is finished at step {length}; --steps N with a larger N makes it longer")
    progress = progress or session.default_progress()
    prepared = [rebuild(recording, steps, trust) for recording in todo]
    compile_steps(prepared, progress.does)
    train(Path(folder), claim([recording.folder for recording in todo], prepared, steps), progress)
    return open_recording(folder)


def claim(folders: Sequence[Path], prepared: Sequence[PreparedRecording], steps: int | None = None) -> list[Trainer]:
    """The trainers of recordings to be continued from their last checkpoints.

    Raises:
        DynvizError: One cannot be continued; nothing was changed.
    """
    trainers: list[Trainer] = []
    try:
        for folder, again in zip(folders, prepared, strict=True):
            writer = Writer.claim(folder, steps=steps)
            trainers.append(Trainer(again.lanes, writer, again.blocks))
            trainers[-1].rewind()
        # Everything is checked: nothing was written so far.
        for trainer in trainers:
            trainer.resume()
    except BaseException:
        for trainer in trainers:
            trainer.close()
        raise
    return trainers


def _known(path: Path, prepared: Sequence[PreparedRecording]) -> tuple[Change, ...]:
    """The changes in a file, as those of a run that knows them from its start.

    Raises:
        DynvizError: The run could not make one of them.
    """
    known = tuple(replace(change, request=-1) for change in effective(read_changes(path)))
    for recording in prepared:
        recording.lanes.check(known, path, steps=recording.metadata.steps)
    return known


def check_out(out: str | Path | None) -> None:
    """Check that the requested folder does not exist yet, before any work is done.

    Raises:
        DynvizError: It exists.
    """
    if out is not None and os.path.lexists(Path(out)):
        raise DynvizError(f"{Path(out)} exists; a run is never overwritten: name another folder, or remove it first")


def places(out: str | Path | None, scenario: Plugin, labels: Sequence[str]) -> Iterator[Path]:
    """Candidate folders for the run: `out`, else `runs/<scenario>-<optimizers>-<n>` for each number."""
    if out is not None:
        yield Path(out)
        return
    name = re.sub(r"[^\w.-]+", "-", "-".join([scenario.stem, *labels]))[:100]
    yield from (Path("runs") / f"{name}-{number}" for number in itertools.count(1))


def lay_out(places: Iterable[Path], prepared: Sequence[PreparedRecording], changes: Sequence[Change] = ()) -> Path:
    """Create the run's folder at the first free candidate, with an empty recording for each of `prepared`.

    It appears atomically: a process that is killed meanwhile leaves no run that lacks some of its recordings.

    Raises:
        DynvizError: It cannot be created, or no candidate is free; nothing is left behind.
    """
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    places = iter(places)
    first = next(places)
    with staging.beside(first) as whole:
        for recording in prepared:
            metadata = replace(recording.metadata, created=created)
            with Writer.create(whole / metadata.label, metadata) as writer:
                for change in changes:
                    writer.change(change)
        return staging.move(whole, itertools.chain([first], places))


def begin(folder: Path, prepared: Sequence[PreparedRecording]) -> list[Trainer]:
    """The trainers of a run whose folder has been created."""
    trainers: list[Trainer] = []
    try:
        for recording in prepared:
            writer = Writer.resume(folder / recording.metadata.label)
            trainers.append(Trainer(recording.lanes, writer, recording.blocks))
    except BaseException:
        for trainer in trainers:
            trainer.close()
        raise
    return trainers


def _unfinished(recording: Recording, steps: int | None) -> bool:
    if steps is not None and steps < recording.total:
        raise DynvizError(
            f"{recording.folder} is {recording.total} steps long; --steps can make it longer, not shorter ({steps})"
        )
    if recording.live:
        raise DynvizError(f"{recording.folder} is being written by another process")
    return recording.status != "finished" or (steps is not None and steps > recording.total)
