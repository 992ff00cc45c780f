"""Forks: runs that continue from any step of another one, unchanged or with something changed."""

import datetime
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins import objects
from dynviz.plugins.objects import Given
from dynviz.plugins.trust import Trusted
from dynviz.recording import Recording, Run, Writer, staging
from dynviz.recording import open as open_recording
from dynviz.recording.changes import Change
from dynviz.recording.metadata import Origin
from dynviz.training import devices, session
from dynviz.training.fork_plan import Clock, ForkRequest, State, planned_fork
from dynviz.training.inheritance import Inheritance
from dynviz.training.launch import check_out, claim
from dynviz.training.plan import check_optimizer
from dynviz.training.preparation import PreparedRecording, changed, check_size, compile_steps, planned
from dynviz.training.replay import Replay, replay
from dynviz.training.session import Progress, train
from dynviz.training.trainer import Trainer
from dynviz.training.trees import to_arrays

PORTION = 1 << 26
"""Bytes of samples that are copied at once."""


def fork(
    source: str | Path,
    *,
    at: int,
    optimizer: Given | None = None,
    state: State = "keep",
    schedule: Clock = "continue",
    steps: int | None = None,
    out: str | Path | None = None,
    trust: Trusted = (),
    inexact: bool = False,
    yes: bool = False,
    progress: Progress | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - as on the command line
    **values: Any,
) -> Run:
    """Continue from a step of a run, in a run of its own, unchanged or with something changed.

    The state after that step is replayed from the newest checkpoint before it, and every sample up to the step is
    compared with the recording. A fork in which nothing is changed has its parent's samples, byte for byte.

    Args:
        source: A run, a recording, or some lanes of one, `runs/voronoi-adamw-1@0:2`. It may still be training.
        at: The step; in compiled runs, the last boundary of a block up to it.
        optimizer: Another optimizer; its state takes over tensors of the same name and shape.
        state: Whether the optimizer's state is kept (`keep`) or started anew (`reset`).
        schedule: Whether schedules continue from the step (`continue`) or begin there (`restart`).
        steps: The total number of steps; None for the parent's.
        out: The folder to create; None for the first unused `runs/<run>-at-<step>-<n>`.
        trust: As for `resume`.
        inexact: Whether to continue even if the replay differs from the recording; the fork's recording says so.
        yes: Whether it may write over 4 GB.
        progress: Receives progress; None shows a bar in a notebook and nothing elsewhere.
        set: Changed hyperparameters by name: `{"lr": 3e-3}`; of several values, given as a list or as text
            `log(1e-4,1e-1,12)`, each makes a lane.
        **values: More changed hyperparameters, whose names are none of the above: `lr=3e-3`.

    Raises:
        DynvizError: It cannot be forked there; nothing was written.
        KeyboardInterrupt: Ctrl-C; the run ended cleanly and can be continued with `resume`.
    """
    check_out(out)
    plugin = None if optimizer is None else objects.plugin("optimizers", optimizer)
    if plugin is not None:
        check_optimizer(plugin)
    request = ForkRequest(
        optimizer=plugin, values={**(set or {}), **values}, state=state, schedule=schedule, steps=steps
    )
    opened = open_recording(source)
    if isinstance(opened, Run) and opened.problems:
        raise DynvizError(f"{opened.problems[0]}; the others can be forked one by one")
    recordings = list(opened.values()) if isinstance(opened, Run) else [opened]
    progress = progress or session.default_progress()
    with devices.reproducible():
        forks = [_Fork.of(recording, at, request, trust, inexact=inexact) for recording in recordings]
    for branch in forks:
        if branch.replay.step != at:
            label = branch.prepared.metadata.label
            progress.does(
                f"{label} is forked at step {branch.replay.step}: its steps up to {at} were taken in one block"
            )
    check_size([branch.prepared for branch in forks], large=yes)
    compile_steps([branch.prepared for branch in forks], progress.does)
    folder = _lay_out(_places(out, recordings[0], forks[0].replay.step, is_run=isinstance(opened, Run)), forks)
    folders = [folder / branch.prepared.metadata.label for branch in forks]
    train(folder, claim(folders, [branch.prepared for branch in forks]), progress)
    return Run(folder)


@frozen(kw_only=True)
class _Fork:
    """A recording that could go on from its parent."""

    replay: Replay
    prepared: PreparedRecording
    tree: dict[str, Any]
    origins: tuple[int, ...]

    @classmethod
    def of(cls, recording: Recording, at: int, request: ForkRequest, trusted: Trusted, *, inexact: bool) -> "_Fork":
        _check_divergence(recording, at)
        replayed = replay(recording.folder, at, trusted, inexact=inexact)
        before = planned(replayed.recording, None, trusted)
        plan, origins = planned_fork(before, recording.chosen, request, replayed.step)
        keep = request.state == "keep"
        fixed = {name: value.value for name, value in plan.hyperparameters.items() if name in request.values}
        inheritance = Inheritance(replayed.prepared.lanes, replayed.state["crew"], keep=keep, changed=fixed)
        origin = Origin(
            folder=str(recording.folder.absolute()),
            sha256=replayed.sha256,
            step=replayed.step,
            lanes=origins,
            changes=request.described(),
            inexact=replayed.difference,
        )
        prepared = changed(plan, recording.metadata, origin=origin)
        crew = inheritance.state(prepared.lanes, origins)
        prepared = replace(
            prepared, metadata=replace(prepared.metadata, origin=replace(origin, state=inheritance.report))
        )
        lanes = torch.tensor(origins)
        tree = {
            "crew": crew,
            "reference": replayed.state["reference"][lanes],
            "diverged": replayed.state["diverged"][lanes],
        }
        return cls(replay=replayed, prepared=prepared, tree=tree, origins=origins)

    def write(self, folder: Path) -> None:
        """Create the recording: the samples up to the fork, and a checkpoint there."""
        created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        metadata = replace(self.prepared.metadata, created=created)
        step, parent = self.replay.step, self.replay.recording
        with Writer.create(folder, metadata) as writer:
            trainer = Trainer(self.prepared.lanes, writer, self.prepared.blocks)
            trainer.step = step
            covered = trainer.covered()
            for name, count in covered.items():
                self._copy(writer, name, count)
            places = {lane: [place for place, of in enumerate(self.origins) if of == lane] for lane in self.origins}
            for event in parent.events():
                if event.step < step:
                    for place in places.get(event.lane, ()):
                        writer.event(event.step, place, event.kind, event.value)
            for change in self._changes(places):
                writer.change(change)
            writer.checkpoint(step, to_arrays(self.tree), covered)

    def _changes(self, places: Mapping[int, Sequence[int]]) -> Iterator[Change]:
        """What was changed while the parent trained, up to the fork, unless the fork sets it itself."""
        if self.replay.recording.metadata.optimizer != self.prepared.metadata.optimizer:
            return
        origin = self.prepared.metadata.origin
        for change in self.replay.recording.changes():
            if change.step > self.replay.step or (origin is not None and change.name in origin.changes):
                continue
            lanes: Sequence[int | None] = [None] if change.lane is None else places.get(change.lane, ())
            yield from (replace(change, lane=lane, request=-1) for lane in lanes)

    def _copy(self, writer: Writer, name: str, count: int) -> None:
        """The samples of a channel from before the fork; NaN, or 0, where the parent did not record it so."""
        info, parent = writer.metadata.channels[name], self.replay.recording
        lanes = list(self.origins)
        there = parent.metadata.channels.get(name)
        same = there is not None and (there.every, there.dtype, there.shape) == (info.every, info.dtype, info.shape)
        size = max(1, PORTION // max(info.bytes_per_sample(len(lanes)), 1))
        for first in range(0, count, size):
            last = min(first + size, count)
            if same:
                block = np.ascontiguousarray(parent[name][first:last, lanes])
            else:
                fill = np.nan if np.dtype(info.dtype).kind == "f" else 0
                block = np.full((last - first, len(lanes), *info.shape), fill, info.dtype)
            writer.write(name, first, block)


def _check_divergence(recording: Recording, at: int) -> None:
    lost = min((event.step for event in recording.events() if event.kind == "diverged"), default=None)
    if lost is not None and lost <= at:
        raise DynvizError(
            f"{recording.source} diverged at step {lost}; fork it before that, or name the lanes that did not"
        )


def _places(out: str | Path | None, recording: Recording, step: int, *, is_run: bool) -> Iterator[Path]:
    """Where the fork's folder may stand."""
    if out is not None:
        yield Path(out)
        return
    name = recording.folder.parent.name if is_run else f"{recording.folder.parent.name}-{recording.folder.name}"
    yield from (Path("runs") / f"{name}-at-{step}-{number}" for number in itertools.count(1))


def _lay_out(places: Iterator[Path], forks: Sequence[_Fork]) -> Path:
    """Make the fork's folder at the first place that is free; it comes to be at once."""
    first = next(places)
    with staging.beside(first) as whole:
        for branch in forks:
            branch.write(whole / branch.prepared.metadata.label)
        return staging.move(whole, itertools.chain([first], places))
