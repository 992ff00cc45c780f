"""Training what is not there yet: each recording is kept in a folder that is named after everything it depends on."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import torch

from dynviz import __version__, plugins, training
from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins.fingerprints import CodeFile
from dynviz.plugins.grammar import is_grid
from dynviz.plugins.grammar import seeds as read_seeds
from dynviz.plugins.spec import Spec, parse
from dynviz.process.background import STOPPED
from dynviz.recording import Recording, inputs, open_all
from dynviz.recording.metadata import FORMAT
from dynviz.reporting.commands import TrainingCommand
from dynviz.reporting.document import Runs
from dynviz.reporting.planes import ProjectionCommand
from dynviz.sweeps import launch
from dynviz.sweeps.cluster import Cluster
from dynviz.sweeps.progress import Stopped, Sweep, SweepListener
from dynviz.sweeps.work import finished
from dynviz.training.session import Progress

__all__ = ["STOPPED", "CachedTraining", "Stopped", "TrainingListener", "trainings"]
QUICK_SEEDS = 2


class TrainingListener(Protocol):
    """Receives what is trained."""

    def begin(self, number: int, count: int, training: "CachedTraining") -> None:
        """This one of so many is trained now."""
        ...

    def progress(self) -> Progress:
        """What receives the progress of a run."""
        ...

    def sweep_progress(self) -> SweepListener | None:
        """What receives the progress of a sweep, and of runs on a cluster."""
        ...


@frozen
class CachedTraining:
    """One optimizer of a command, and the folder of its recordings.

    Attributes:
        command: The command with this optimizer alone, and all that it leaves open filled in.
        folder: The folder of the run or of the sweep.
        project: The line or plane on which a loss is evaluated then; None for none.
    """

    command: TrainingCommand
    folder: Path
    project: ProjectionCommand | None = None

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that are trained."""
        return read_seeds(self.command.seeds)

    @property
    def done(self) -> bool:
        """Whether it is finished."""
        return self.trained and not any(map(self.project.missing, self.recordings()) if self.project else ())

    @property
    def trained(self) -> bool:
        """Whether training is finished."""
        if not self.folder.exists():
            return False
        if self.command.sweeps:
            sweep = Sweep.load(self.folder)
            return len(sweep.finished) == len(sweep.jobs)
        return finished(self.folder)

    def recordings(self) -> list[Recording]:
        """The recordings: one, or those of a sweep."""
        return open_all([self.folder])

    def words(self) -> tuple[str, ...]:
        """The commands as they are written in a shell."""
        folder = str(self.folder)
        return self.command.words("", folder), *([self.project.words(folder)] if self.project else [])

    def train(self, listener: TrainingListener, trust: Sequence[str], cluster: Cluster | None = None) -> None:
        """Train what is missing, and evaluate a line or plane; what was stopped or killed is continued.

        Args:
            listener: Receives progress.
            trust: The user's own code that may run.
            cluster: Where the jobs of a sweep train; None for this machine, on which a run trains in any case.

        Raises:
            DynvizError: It cannot be trained.
            KeyboardInterrupt: It was stopped, and can be continued.
        """
        if not self.trained:
            self._train(listener, trust, cluster)
        for recording in self.recordings() if self.project else ():
            self.project.evaluate(recording, trust)  # type: ignore[union-attr]

    def _train(self, listener: TrainingListener, trust: Sequence[str], cluster: Cluster | None) -> None:
        command = self.command
        shared = {"seeds": command.seeds, "steps": command.steps, "record": command.record, "dtype": command.dtype}
        if command.sweeps:
            there: Mapping[str, Any] = {"progress": listener.sweep_progress(), "cluster": cluster or ""}
            sweep = (
                launch.resume(self.folder, trust=trust, **there)
                if self.folder.exists()
                else launch.sweep(command.scenario, command.optimizers, out=self.folder, **there, **shared)  # type: ignore[arg-type]
            )
            if sweep.failed:
                name, why = next(iter(sweep.failed.items()))
                raise DynvizError(f"{name} failed: {why}")
        elif self.folder.exists():
            training.resume(self.folder, trust=trust, progress=listener.progress())
        else:
            training.run(
                command.scenario,
                command.optimizers,
                out=self.folder,
                progress=listener.progress(),
                **shared,  # type: ignore[arg-type]
            )


def trainings(
    runs: Mapping[str, Runs], seeds: str, cache: Path, *, quick: bool = False
) -> dict[str, dict[str, CachedTraining]]:
    """What has to be there, by the name of the run and by optimizer.

    Args:
        runs: The runs of a claims file.
        seeds: The seeds of commands that name none.
        cache: The folder of the recordings.
        quick: Whether a few steps of a few seeds are enough.
    """
    return {name: dict(_split(run, seeds, cache, quick=quick)) for name, run in runs.items()}


def _split(run: Runs, seeds: str, cache: Path, *, quick: bool) -> Iterator[tuple[str, CachedTraining]]:
    command = run.command
    chosen = read_seeds(command.seeds or seeds)
    most = min(QUICK_SEEDS if quick else len(chosen), run.most_seeds or len(chosen))
    if not command.seeds:
        chosen = chosen[:most]
    steps = run.quick if quick else command.steps
    in_a_row = len(chosen) > 2 and chosen == tuple(range(chosen[0], chosen[-1] + 1))
    written = f"{chosen[0]}:{chosen[-1] + 1}" if in_a_row else ",".join(map(str, chosen))
    for optimizer in command.optimizers:
        alone = replace(command, optimizers=(optimizer,), seeds=written, steps=steps)
        yield optimizer, CachedTraining(alone, cache / _folder(alone, run.project), run.project)


def _folder(command: TrainingCommand, project: ProjectionCommand | None) -> str:
    """A name that is readable, and differs wherever the recording would.

    The code of the scenario and of the optimizer counts, with what it imports, and so do versions: nothing that was
    made by other code is taken for this command's.
    """
    scenario, optimizer = parse(command.scenario), parse(command.optimizers[0])
    parts = [("scenarios", scenario), ("optimizers", replace(optimizer, modifiers=()))]
    parts += [("modifiers", modifier) for modifier in optimizer.modifiers]
    tree = {
        "command": replace(command, seeds=",".join(map(str, read_seeds(command.seeds)))).words(""),
        "code": [_code(kind, spec.name) for kind, spec in parts],
        "data": [source.sha256 for source in _data(scenario)],
        "versions": [__version__, torch.__version__, FORMAT],
    }
    if project is not None:
        tree["project"] = project.words("")
    digest = hashlib.sha256(json.dumps(tree).encode()).hexdigest()[:12]
    stems = [Path(name).stem if name.endswith(".py") else name for name in (scenario.title, optimizer.title)]
    title = re.sub(r"[^\w.-]+", "-", "-".join(stems)).strip("-.")[:60]
    return f"{title}-{digest}"


def _code(kind: str, name: str) -> list[str]:
    if name.endswith(".py"):
        return [CodeFile(Path(name).expanduser().absolute()).fingerprint()]
    file = plugins.files(kind).get(name)
    return [hashlib.sha256(part.read_bytes()).hexdigest() for part in _with_shared(file)] if file else []


def _with_shared(file: Path) -> list[Path]:
    """A bundled plug-in, and the modules beside it that it names, or that those name."""
    shared = {path.stem: path for path in file.parent.glob("_*.py") if path.stem != "__init__"}
    files, waiting = [file], [file]
    while waiting:
        text = waiting.pop().read_text(encoding="utf-8")
        new = [path for stem, path in shared.items() if path not in files and re.search(rf"\b{stem}\b", text)]
        files += new
        waiting += new
    return sorted(files)


def _data(scenario: Spec) -> Sequence[inputs.Input]:
    """The files that options of a bundled scenario name; code of the user's own is not imported for that."""
    if scenario.name not in plugins.files("scenarios"):
        return ()
    plain = {key: value for key, value in scenario.options.items() if not is_grid(value)}
    return inputs.of([], plugins.load("scenarios", replace(scenario, options=plain)).data)
