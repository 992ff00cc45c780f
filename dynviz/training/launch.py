"""Begin a run, or go on with one: everything is checked before anything is written."""

import datetime
import itertools
import operator
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import SupportsIndex

from dynviz.errors import DynvizError
from dynviz.grammar import seeds as read_seeds
from dynviz.plugins import Plugin, load
from dynviz.recording import Recording, Run, Writer, disk
from dynviz.recording import open as open_recording
from dynviz.recording.metadata import Lane
from dynviz.recording.schema import STEPS
from dynviz.training import devices
from dynviz.training.plan import check_optimizer, labels, requests
from dynviz.training.preparation import Asked, Prepared, check_size, compile_steps, prepare, rebuild
from dynviz.training.session import Progress, Silence, train
from dynviz.training.trainer import Trainer
from dynviz.trust import Trusted

DTYPES = ("", "float32", "float64")


def run(
    scenario: str | Plugin,
    optimizers: str | Sequence[str | Plugin],
    *,
    seeds: int | str | Sequence[int] = 42,
    lanes: Sequence[Lane] = (),
    steps: int | None = None,
    device: str = "auto",
    dtype: str = "",
    record: str | Sequence[str] = (),
    out: str | Path | None = None,
    compiled: bool = False,
    large: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Train one scenario with one or more optimizers, and record what they do.

    Args:
        scenario: `voronoi`, `surface:f=rosenbrock`, `./mine.py`.
        optimizers: One or several of `adamw`, `adamw-l1:lr=3e-3`, `torch.optim.NAdam`, `./mine.py`.
        seeds: One, several, or as text `0:8`; a lane for each.
        lanes: In place of seeds: trajectories that differ in hyperparameters too.
        steps: How many; None for the scenario's own.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        dtype: `float32` or `float64`; empty for the scenario's own.
        record: Channels to record beside the default: `term.*`, `val_loss:every=1`.
        out: The folder to make; None for the first free `runs/<scenario>-<optimizers>-<n>`.
        compiled: Whether blocks of steps are compiled first: that takes a while, seconds where it was done before, and
            then each step takes a fraction of its time. Results agree but for rounding.
        large: Whether the run may write over 4 GB.
        progress: Who hears how it goes.

    Returns:
        The finished run.

    Raises:
        DynvizError: Something asked for does not exist or cannot be done; nothing was written.
        KeyboardInterrupt: Ctrl-C; the run ended cleanly and `resume` goes on with it.
    """
    lanes = tuple(lanes) or tuple(Lane(seed) for seed in _seeds(seeds))
    rules = [optimizers] if isinstance(optimizers, str | Plugin) else list(optimizers)
    if not rules:
        raise DynvizError("a run needs an optimizer: adamw, or several of them")
    if steps is not None and not (isinstance(steps, SupportsIndex) and 1 <= operator.index(steps) <= STEPS):
        raise DynvizError(f"{steps} steps are no training; steps is a whole number from 1 to {STEPS}")
    if dtype not in DTYPES:
        raise DynvizError(f"no dtype named {dtype!r}; there are float32 and float64")
    where = devices.find(device)
    task_plugin = scenario if isinstance(scenario, Plugin) else load("scenarios", scenario)
    plugins = [each if isinstance(each, Plugin) else load("optimizers", each) for each in rules]
    for plugin in plugins:
        check_optimizer(plugin)
    wanted = requests([record] if isinstance(record, str) else record)
    names = labels(plugins)
    check_out(out)
    length = None if steps is None else operator.index(steps)
    progress = progress or Silence()
    asked = Asked(length, wanted, where, dtype, compiled)
    prepared = prepare(task_plugin, plugins, lanes, asked)
    check_size(prepared, large=large)
    compile_steps(prepared, progress.does)
    folder = make_folder(out, task_plugin, names)
    trainers = write(folder, prepared)
    train(folder, trainers, progress)
    return Run(folder)


def resume(
    folder: str | Path, *, steps: int | None = None, trust: Trusted = (), progress: Progress | None = None
) -> Run | Recording:
    """Go on with a run that was stopped or killed, or make a finished one longer.

    Channels end as those of a run that was never stopped, byte for byte.

    Args:
        folder: A run's, or one recording's.
        steps: How long it shall be in all; None for the length it was begun with.
        trust: Where a user's own files are that the run was begun with, or the import paths of its classes: a
            recording is data, and what it names is run only where it is bundled or named here.
        progress: Who hears how it goes.

    Raises:
        DynvizError: It cannot go on; nothing was changed.
        KeyboardInterrupt: Ctrl-C; as for `run`.
    """
    opened = open_recording(folder)
    if isinstance(opened, Run) and opened.problems:
        raise DynvizError(opened.problems[0])
    if not Path(folder).exists():
        raise DynvizError(f"{folder} names some lanes of a run; all of them go on together: give the folder alone")
    recordings = list(opened.values()) if isinstance(opened, Run) else [opened]
    for recording in recordings:
        if isinstance(opened, Run) and recording.folder.is_symlink():
            raise DynvizError(f"{recording.folder} is a link, which is not followed; resume what it leads to by itself")
    todo = [each for each in recordings if _unfinished(each, steps)]
    if not todo:
        length = max(each.total for each in recordings)
        raise DynvizError(f"{folder} is finished at step {length}; --steps N with a larger N makes it longer")
    progress = progress or Silence()
    with devices.one_thread():
        prepared = [rebuild(each.metadata, steps, trust) for each in todo]
    compile_steps(prepared, progress.does)
    trainers = []
    try:
        for recording, again in zip(todo, prepared, strict=True):
            writer = Writer.resume(recording.folder, steps=steps)
            trainers.append(Trainer(again.crew, writer, again.ways))
            trainers[-1].resume()
    except BaseException:
        for trainer in trainers:
            trainer.close()
        raise
    train(Path(folder), trainers, progress)
    return open_recording(folder)


def check_out(out: str | Path | None) -> None:
    """See that the folder that was asked for is free, before any work is done.

    Raises:
        DynvizError: It exists.
    """
    if out is not None and os.path.lexists(Path(out)):
        raise DynvizError(f"{Path(out)} exists; a run is never overwritten: name another folder, or remove it first")


def make_folder(out: str | Path | None, scenario: Plugin, labels: Sequence[str]) -> Path:
    """Make the run's folder: `out`, else the first free `runs/<scenario>-<optimizers>-<n>`.

    Raises:
        DynvizError: It cannot be made, or `out` exists.
    """
    if out is not None:
        disk.make_folder(Path(out))
        return Path(out)
    name = re.sub(r"[^\w.-]+", "-", "-".join([scenario.stem, *labels]))[:100]
    while True:
        folder = next(path for n in itertools.count(1) if not (path := Path("runs") / f"{name}-{n}").exists())
        try:
            disk.make_folder(folder)
        except DynvizError:
            if not folder.exists():
                raise
            # Another run that began at the same moment took this number.
            continue
        return folder


def write(folder: Path, prepared: Sequence[Prepared]) -> list[Trainer]:
    """Make a recording in the run's folder for each of `prepared`; when one cannot be made, the folder goes."""
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    trainers: list[Trainer] = []
    try:
        for each in prepared:
            writer = Writer.create(folder / each.metadata.label, replace(each.metadata, created=created))
            trainers.append(Trainer(each.crew, writer, each.ways))
    except BaseException:
        for trainer in trainers:
            trainer.close()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return trainers


def _seeds(seeds: int | str | Sequence[int]) -> tuple[int, ...]:
    if isinstance(seeds, str):
        return read_seeds(seeds)
    return read_seeds(",".join(str(seed) for seed in ([seeds] if isinstance(seeds, int) else seeds)))


def _unfinished(recording: Recording, steps: int | None) -> bool:
    if steps is not None and steps < recording.total:
        raise DynvizError(
            f"{recording.folder} is {recording.total} steps long; --steps can make it longer, not shorter ({steps})"
        )
    if recording.live:
        raise DynvizError(f"{recording.folder} is being written by another process")
    return recording.status != "finished" or (steps is not None and steps > recording.total)
