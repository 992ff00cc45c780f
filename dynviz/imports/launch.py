"""Finding the logs of other programs in folders, and writing them as recordings."""

import datetime
import itertools
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

import dynviz
from dynviz.errors import DynvizError, unknown
from dynviz.imports import csv_table, tensorboard, wandb
from dynviz.imports.foreign import ForeignRun
from dynviz.imports.regular import RegularSamples
from dynviz.recording import Run, Writer, disk, layout
from dynviz.recording.metadata import Hyperparameter, Lane, Metadata, Named
from dynviz.recording.named_values import value

VIEWS = ("curves", "scalars")
LOSS = "loss"
UNSEEN = ("val", "test", "eval", "dev")
"""What a loss on other data than the training data is called."""


def import_runs(sources: Iterable[str | Path], out: str | Path | None = None) -> Run:
    """Make a run of the scalars that other programs logged: a recording of each of theirs, with one lane.

    Read are event files of TensorBoard, `run-<id>.wandb` of offline runs of Weights & Biases, and CSV. A value that
    was logged at some of the steps stays what it was until the next one.

    Args:
        sources: Files, or folders that hold them at any depth.
        out: The folder to make; None for the first free `runs/<source>-<n>`.

    Raises:
        DynvizError: There is no log, one is damaged, or the folder exists.
    """
    places = [Path(source) for source in sources]
    runs = [run for place in places for run in read(place)]
    if not runs:
        raise DynvizError(f"there are no scalars in {', '.join(map(str, places))}")
    title = layout.channel_name(places[0].resolve().stem) or "imported"
    folder = _claimed(out, title)
    try:
        for order, (label, run) in enumerate(_labelled(runs).items()):
            _write(folder / label, run, describe(run, label, order, title))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Run(folder)


def read(source: Path) -> list[ForeignRun]:
    """The runs in a file or a folder; those without scalars are left out.

    Raises:
        DynvizError: It is not there, is no log, or is damaged.
    """
    if not source.exists():
        raise DynvizError(f"there is no file or folder {source}")
    home = source if source.is_dir() else source.parent
    files = sorted(_logs(source)) if source.is_dir() else [source]
    if not files:
        raise DynvizError(f"{source} holds no event file of TensorBoard, no .wandb file and no CSV")
    runs: dict[Path, ForeignRun] = {}
    tables: list[ForeignRun] = []
    for file in files:
        try:
            if tensorboard.is_log(file):
                # A run that was interrupted has several files in its folder.
                name = str(file.parent.relative_to(home))
                run = runs.setdefault(file.parent, ForeignRun(name if name != "." else home.name, tensorboard.PROGRAM))
                tensorboard.read(file, run)
            elif wandb.is_log(file):
                wandb.read(file, runs.setdefault(file, ForeignRun(file.stem, wandb.PROGRAM)))
            elif csv_table.is_log(file):
                tables += csv_table.read(file, str(file.relative_to(home).with_suffix("")))
            else:
                raise unknown("log format", file.suffix or file.name, [".csv", ".wandb", "events.out.tfevents.*"])
        except OSError as error:
            raise disk.unreadable(file, error) from error
    return [run for run in (*runs.values(), *tables) if run.values]


def _logs(folder: Path) -> Iterator[Path]:
    """The logs in a folder; what a link leads to is not looked at, such as the latest run a second time."""
    known = (tensorboard.is_log, wandb.is_log, csv_table.is_log)
    for path in folder.iterdir():
        if path.is_symlink():
            continue
        if path.is_dir():
            yield from _logs(path)
        elif path.is_file() and any(is_log(path) for is_log in known):
            yield path


def _claimed(out: str | Path | None, title: str) -> Path:
    if out is None:
        numbered = (Path("runs") / f"{title}-{number}" for number in itertools.count(1))
        folder = next(folder for folder in numbered if not folder.exists())
    else:
        folder = Path(out)
    disk.make_folder(folder)
    return folder


def _labelled(runs: Sequence[ForeignRun]) -> dict[str, ForeignRun]:
    """The runs by a label that can name a folder."""
    labelled: dict[str, ForeignRun] = {}
    for run in runs:
        label = layout.channel_name(run.name) or "run"
        names = (label if number == 1 else f"{label}-{number}" for number in itertools.count(1))
        labelled[next(name for name in names if name not in labelled)] = run
    return labelled


def channel_names(names: Sequence[str]) -> dict[str, str]:
    """The channel of each value; the training loss is called like that of every recording, so that it is compared.

    >>> channel_names(["Loss/train", "Loss/val", "lr"])
    {'Loss/train': 'loss', 'Loss/val': 'loss.val', 'lr': 'lr'}
    """
    channels: dict[str, str] = {}
    for name in names:
        words = layout.channel_name(name) or "value"
        numbered = (words if number == 1 else f"{words[:90]}-{number}" for number in itertools.count(1))
        channels[name] = next(channel for channel in numbered if channel not in channels.values())
    losses = [name for name, channel in channels.items() if LOSS in channel and not any(w in channel for w in UNSEEN)]
    if LOSS not in channels.values() and losses:
        channels[min(losses, key=lambda name: "train" not in channels[name])] = LOSS
    return channels


def describe(run: ForeignRun, label: str, order: int, title: str) -> Metadata:
    """The description of a recording of one run."""
    regular = {name: RegularSamples.of(values) for name, values in run.values.items()}
    total = max(samples.end for samples in regular.values())
    # A loss that is logged at step 0, 1, ... belongs to the step that follows.
    if any(samples.every == 1 and samples.end == total and samples.steps[0] == 0 for samples in regular.values()):
        total += 1
    channels = {
        channel: value(
            channel,
            name if name != channel else "",
            every=regular[name].every,
            of_steps=regular[name].of_steps(total),
            text=f"as {run.program} logged it; a value stays until the next one",
        )
        for name, channel in channel_names(list(run.values)).items()
    }
    return Metadata(
        scenario=Named(title),
        optimizer=Named(label),
        label=label,
        order=order,
        hyperparameters={name: Hyperparameter(value, "given") for name, value in run.settings.items()},
        terms=(),
        lanes=(Lane(_seed(run)),),
        steps=total,
        channels=channels,
        views=VIEWS,
        versions={"dynviz": dynviz.__version__},
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        own_loop=True,
        imported=run.program,
    )


def _seed(run: ForeignRun) -> int:
    seed = run.settings.get("seed")
    return int(seed) if isinstance(seed, int | float) and 0 <= seed < 2**63 and seed == int(seed) else 0


def _write(folder: Path, run: ForeignRun, metadata: Metadata) -> None:
    with Writer.create(folder, metadata) as writer:
        for name, channel in channel_names(list(run.values)).items():
            samples = RegularSamples.of(run.values[name]).samples(metadata.steps)
            writer.write(channel, 0, np.ascontiguousarray(samples[:, None], dtype="<f8"))
        writer.checkpoint(metadata.steps, {})
        writer.status("finished")
