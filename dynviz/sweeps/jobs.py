"""The jobs of a sweep, each of which one process trains as one recording, and the file that stores them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins.spec import Spec, parse
from dynviz.plugins.trust import Code, foreign
from dynviz.recording import disk, files, inputs, schema, sealed
from dynviz.recording.inputs import Input
from dynviz.recording.metadata import Lane
from dynviz.recording.run import SWEEP
from dynviz.recording.schema import list_of, mapping_of, optional, record, typed, whole
from dynviz.recording.upgrade import STRUCTURED
from dynviz.recording.values import encode
from dynviz.sweeps.grid import Combination

FORMAT = 3
"""Since 2 the file ends in a checksum of itself, see `dynviz.recording.sealed`; since 3 scenarios and optimizers are
structure, where older files have text."""
_UNNAMED = re.compile(r"[^\w.=+-]+")
_LONGEST = 80
"""What stands in no job's name, and how long its words are at most."""


@frozen
class Settings:
    """The settings that all jobs share; see `dynviz.run`."""

    steps: int | None = None
    device: str = "auto"
    dtype: str = ""
    record: tuple[str, ...] = ()
    compiled: bool = False


@frozen
class Job:
    """A run of one scenario with one optimizer, whose lanes train in one stack.

    Attributes:
        name: The name of its folder in the sweep's folder.
        scenario: With a value for each option that was written.
        optimizer: The optimizer, likewise; for hyperparameters in which lanes differ, with the first lane's values.
        lanes: The trajectories, ordered by hyperparameters, then by seed.
    """

    name: str
    scenario: Spec
    optimizer: Spec
    lanes: tuple[Lane, ...]


@frozen
class SweepPlan:
    """A sweep as requested.

    Attributes:
        jobs: In the order in which they begin.
        settings: The settings that they share.
        files: Fingerprints of the users' code, by path or import path; hashes of its neighbours and of the files that
            options name, by path.
    """

    jobs: tuple[Job, ...]
    settings: Settings
    files: Mapping[str, str] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write it into the sweep's folder."""
        tree = {"format": FORMAT, "settings": asdict(self.settings), "files": dict(self.files)}
        tree["jobs"] = [asdict(job) for job in self.jobs]
        with disk.replacing(folder / SWEEP) as file:
            file.write(sealed.seal(encode(tree, SWEEP)))

    @staticmethod
    def check_intact(folder: Path) -> None:
        """Check that its file is intact.

        Raises:
            DynvizError: It is not.
        """
        sealed.check(folder / SWEEP)

    def check_data(self, folder: Path) -> None:
        """See that the neighbours of users' code, and the files that options name, are what they were.

        Raises:
            DynvizError: One has changed or is missing.
        """
        code = {code_used.name for code_used in foreign_code(self)}
        data = [Input(path, sha256) for path, sha256 in self.files.items() if path not in code]
        inputs.check(folder, data)

    @classmethod
    def load(cls, folder: Path) -> "SweepPlan":
        """Read it.

        Raises:
            DynvizError: The folder is no sweep's, or the file is damaged or of the future.
        """
        path = folder / SWEEP
        try:
            tree = sealed.unseal(files.read(path))
        except FileNotFoundError as error:
            raise DynvizError(f"{folder} is not a sweep: it has no {SWEEP}") from error
        except OSError as error:
            raise disk.unreadable(path, error) from error
        except (ValueError, RecursionError) as error:
            raise DynvizError(f"cannot read {path}: it is not JSON: {error}") from error
        number = tree.get("format") if isinstance(tree, dict) else None
        if type(number) is int and number > FORMAT:
            raise DynvizError(f"{path} is of format {number}; this dynviz reads up to {FORMAT}")
        structured = type(number) is not int or number >= STRUCTURED
        try:
            known = schema.check(_plan(read_job if structured else _TEXT_JOB), tree, "a sweep")
        except DynvizError as error:
            raise DynvizError(f"cannot read {path}: {error}") from error
        _check_names([job.name for job in known["jobs"]], path)
        return cls(known["jobs"], known["settings"], known["files"])


_LANES = list_of(typed(Lane, seed=whole(0, 2**64)), 1, schema.LANES)
_SPEC = typed(Spec, modifiers=list_of(typed(Spec, modifiers=list_of(schema.text, most=0))))
read_job = typed(Job, scenario=_SPEC, optimizer=_SPEC, lanes=_LANES)
"""The reader of a job's tree."""


def _written(value: Any) -> Spec:
    """A scenario or an optimizer as older files have it."""
    try:
        return parse(schema.text(value))
    except DynvizError as error:
        raise schema.Misfit(f"is not understood: {error}") from error


_TEXT_JOB = typed(Job, scenario=_written, optimizer=_written, lanes=_LANES)


def _plan(job: schema.Reader[Job]) -> schema.Reader[dict[str, Any]]:
    return record(
        dict,
        format=whole(0, FORMAT),
        settings=typed(Settings, steps=optional(whole(0, schema.STEPS))),
        files=mapping_of(schema.text),
        jobs=list_of(job, least=1),
    )


def foreign_code(plan: SweepPlan) -> tuple[Code, ...]:
    """The user's own code that a sweep's file names."""
    return tuple(dict.fromkeys(code for job in plan.jobs for code in code_of(job, plan.files)))


def code_of(job: Job, files: Mapping[str, str]) -> tuple[Code, ...]:
    """The user's own code that one job names, with the fingerprints in `SweepPlan.files`."""
    codes = (*foreign("scenarios", job.scenario), *foreign("optimizers", job.optimizer))
    return tuple(Code(name, files.get(name, "")) for name in dict.fromkeys(code.name for code in codes))


def jobs(
    scenarios: Sequence[Combination], rules: Sequence[Sequence[Combination]], seeds: Sequence[int]
) -> tuple[Job, ...]:
    """A job for each combination of scenario options and of hyperparameters in which stacked lanes cannot differ.

    Args:
        scenarios: The combinations of the scenario's options.
        rules: For each optimizer, the combinations of its hyperparameters.
        seeds: The seeds, each of which makes a lane for each combination.
    """
    return tuple(
        Job(_words(scenario, rule, many), scenario.plugin.spec, rule.plugin.spec, lanes)
        for scenario in scenarios
        for rule, lanes, many in (_stacked(group, seeds) for choices in rules for group in _groups(choices))
    )


def jobs_of_lanes(scenario: Combination, lanes: Sequence[tuple[Combination, int]]) -> tuple[tuple[Job, ...], list[int]]:
    """Jobs for lanes that are no product of grids: those that differ in numbers alone train in one stack.

    Args:
        scenario: The scenario.
        lanes: The optimizer and the seed of each lane.

    Returns:
        The jobs, and for each of their lanes, in order, its index in `lanes`.
    """
    stacks: dict[tuple[str, ...], list[int]] = {}
    for index, (rule, _) in enumerate(lanes):
        stacks.setdefault((rule.plugin.name, repr(sorted(rule.plugin.given)), *map(repr, _key(rule))), []).append(index)
    jobs = []
    for indices in stacks.values():
        rules = [lanes[index][0] for index in indices]
        first, _, varying = _stacked(rules, ())
        made = tuple(
            Lane(lanes[index][1], {name: value for name, value in rule.plugin.given.items() if name in varying})
            for index, rule in zip(indices, rules, strict=True)
        )
        jobs.append(Job(_words(scenario, first, varying), scenario.plugin.spec, first.plugin.spec, made))
    return tuple(jobs), [index for indices in stacks.values() for index in indices]


def split(job: Job, most: int) -> tuple[Job, ...]:
    """Divide the lanes of jobs so that none has more than the maximum, in jobs of about equal size."""
    parts = -(-len(job.lanes) // max(1, most))
    ends = [round(part * len(job.lanes) / parts) for part in range(parts + 1)]
    return tuple(replace(job, lanes=job.lanes[first:last]) for first, last in pairwise(ends))


def numbered(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """Prefix each name with a number, which makes it unique."""
    return tuple(replace(job, name=f"{_number(place, len(jobs))}-{job.name}") for place, job in enumerate(jobs, 1))


def _number(place: int, count: int) -> str:
    return f"{place:0{max(3, len(str(count)))}}"


def _check_names(names: Sequence[str], path: Path) -> None:
    """See that a sweep's file names folders inside its own, as `numbered` names them.

    Raises:
        DynvizError: It names others: a path may lead anywhere.
    """
    for place, name in enumerate(names, 1):
        number = _number(place, len(names))
        words = name.removeprefix(f"{number}-")
        if words == name or len(words) > _LONGEST or _UNNAMED.search(words):
            raise DynvizError(f"{path} is damaged: job {place} is named {name!r}, not {number}-... as a sweep names it")


def _groups(choices: Sequence[Combination]) -> list[list[Combination]]:
    """Combinations that differ in numbers alone stand together: they become lanes of one stack."""
    groups: dict[tuple[tuple[str, str], ...], list[Combination]] = {}
    for choice in choices:
        groups.setdefault(_key(choice), []).append(choice)
    return list(groups.values())


def _key(choice: Combination) -> tuple[tuple[str, str], ...]:
    """What combinations of one stack have in common."""
    # One that the rule refuses stands alone, and takes no other with it.
    apart = _is_refused(choice)
    return tuple(
        (name, repr(value)) for name, value in choice.plugin.given.items() if apart or not isinstance(value, float)
    )


def _is_refused(choice: Combination) -> bool:
    try:
        choice.plugin.target(**choice.plugin.given)
    except DynvizError:
        return True
    except Exception:  # it may need more than what was written
        return False
    return False


def _stacked(group: Sequence[Combination], seeds: Sequence[int]) -> tuple[Combination, tuple[Lane, ...], set[str]]:
    first = group[0]
    varying = {
        name for name, value in first.plugin.given.items() if any(one.plugin.given[name] != value for one in group)
    }
    lanes = tuple(
        Lane(seed, {name: value for name, value in choice.plugin.given.items() if name in varying})
        for choice in group
        for seed in seeds
    )
    return first, lanes, varying


def _words(scenario: Combination, rule: Combination, varying: set[str]) -> str:
    """What tells a job from others in its folder's name."""
    words = [*(f"{name}={value}" for name, value in scenario.written.items()), rule.plugin.label]
    words += [f"{name}={value}" for name, value in rule.written.items() if name not in varying]
    return _UNNAMED.sub("_", "-".join(words))[:_LONGEST].strip("_")
