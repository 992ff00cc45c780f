"""Trials: lanes with any hyperparameters and seeds, trained as a sweep that can be resumed."""

from collections.abc import Callable, Sequence
from dataclasses import field
from pathlib import Path

from dynviz.comparison.targets import LaneResult, Target, failed, lane_results
from dynviz.frozen import frozen
from dynviz.plugins.trust import Trusted
from dynviz.recording import open_all
from dynviz.recording.run import is_sweep
from dynviz.sweeps import launch
from dynviz.sweeps.budget import Resources
from dynviz.sweeps.grid import Combination
from dynviz.sweeps.jobs import Settings, jobs_of_lanes
from dynviz.sweeps.progress import Sweep, SweepListener


@frozen
class Trial:
    """A lane to train.

    Attributes:
        rule: The optimizer with its hyperparameters.
        seed: Its seed.
    """

    rule: Combination
    seed: int


@frozen
class TrialRunner:
    """What all trials of a comparison share.

    Attributes:
        settings: The settings of training.
        folder: The folder in which sweeps get folders.
        resources: What it may use.
        trust: The user's own code that may run when a comparison is resumed.
        listener: Makes the listener of each sweep.
        by: The channel that optimizers are ranked by; see `lane_results`.
    """

    settings: Settings
    folder: Path
    resources: Resources = field(default_factory=Resources)
    trust: Trusted = ()
    listener: Callable[[], SweepListener | None] = lambda: None
    by: str = ""

    def run(
        self, scenario: Combination, trials: Sequence[Trial], name: str, target: Target | None = None
    ) -> list[LaneResult]:
        """Train, or finish training, and give the result of each trial; one that fails counts as diverged.

        Args:
            scenario: The scenario.
            trials: The trials, which are the same when they are resumed.
            name: The name of the sweep's folder.
            target: The value to reach.

        Raises:
            DynvizError: Training is impossible.
            Stopped: Ctrl-C; the same call continues.
        """
        folder = self.folder / name
        jobs, order = jobs_of_lanes(scenario, [(trial.rule, trial.seed) for trial in trials])
        if is_sweep(folder):
            done = launch.resume(
                folder,
                jobs=self.resources.jobs,
                trust=self.trust,
                progress=self.listener(),
                cluster=self.resources.cluster or "",
            )
        else:
            rules = list({id(trial.rule): trial.rule for trial in trials}.values())
            done = launch.begin(
                jobs, [scenario], rules, self.settings, self.resources, out=folder, progress=self.listener()
            )
        results: list[LaneResult] = [failed(target)] * len(trials)
        for index, result in zip(order, _results(done, self.by, target), strict=True):
            results[index] = result
        return results


def _results(sweep: Sweep, by: str, target: Target | None) -> list[LaneResult]:
    """The results of all lanes, in the order of the jobs."""
    results: list[LaneResult] = []
    for job in sweep.jobs:
        if job.name in sweep.finished:
            (recording,) = open_all([sweep.folder / job.name])
            results += lane_results(recording, by, target)
        else:
            results += [failed(target)] * len(job.lanes)
    return results
