"""The jobs of a sweep: what one process trains as one recording, and the file that remembers all of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from dynviz.errors import DynvizError
from dynviz.plugins import grammar
from dynviz.plugins.trust import Code, foreign
from dynviz.recording import disk, files, inputs, schema, sealed
from dynviz.recording.inputs import Input
from dynviz.recording.metadata import Lane
from dynviz.recording.run import SWEEP
from dynviz.recording.schema import list_of, mapping_of, optional, record, whole
from dynviz.recording.values import encode
from dynviz.sweeps.grid import Combination

FORMAT = 2
"""Since 2 the file ends in a checksum of itself, see `dynviz.recording.sealed`."""
_UNNAMED = re.compile(r"[^\w.=+-]+")
_LONGEST = 80
"""What stands in no job's name, and how long its words are at most."""


@dataclass(frozen=True)
class Settings:
    """What all jobs share, see `dynviz.run`."""

    steps: int | None = None
    device: str = "auto"
    dtype: str = ""
    record: tuple[str, ...] = ()
    compiled: bool = False


@dataclass(frozen=True)
class Job:
    """A run of one scenario with one optimizer: lanes that train in one stack.

    Attributes:
        name: Of its folder in the sweep's.
        scenario: As text, with a value for each option that was written.
        optimizer: Likewise; of hyperparameters in which lanes differ it has the first lane's.
        lanes: The trajectories, hyperparameters outside, seeds inside.
    """

    name: str
    scenario: str
    optimizer: str
    lanes: tuple[Lane, ...]


@dataclass(frozen=True)
class SweepPlan:
    """A sweep as it was asked for.

    Attributes:
        jobs: In the order in which they begin.
        settings: What they share.
        files: Fingerprints of the users' files, and of those that options name, by path.
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
        """See that its file is as it was written.

        Raises:
            DynvizError: It is not.
        """
        sealed.check(folder / SWEEP)

    def check_data(self, folder: Path) -> None:
        """See that the files that options name are what they were.

        Raises:
            DynvizError: One has changed or is not there.
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
        try:
            known = schema.check(_PLAN, tree, "a sweep")
        except DynvizError as error:
            raise DynvizError(f"cannot read {path}: {error}") from error
        _check_names([job.name for job in known["jobs"]], path)
        return cls(known["jobs"], known["settings"], known["files"])


_JOBS = list_of(
    record(
        Job,
        name=schema.text,
        scenario=schema.text,
        optimizer=schema.text,
        lanes=list_of(record(Lane, seed=whole(0, 2**64), hyperparameters=mapping_of(schema.plain)), 1, schema.LANES),
    ),
    least=1,
)
_PLAN: schema.Reader[dict[str, Any]] = record(
    dict,
    format=whole(0, FORMAT),
    settings=record(
        Settings,
        steps=optional(whole(0, schema.STEPS)),
        device=schema.text,
        dtype=schema.text,
        record=list_of(schema.text),
        compiled=schema.flag,
    ),
    files=mapping_of(schema.text),
    jobs=_JOBS,
)


def foreign_code(plan: SweepPlan) -> tuple[Code, ...]:
    """The user's own code that a sweep's file names."""
    specs = {("scenarios", job.scenario) for job in plan.jobs} | {("optimizers", job.optimizer) for job in plan.jobs}
    codes = [code for kind, text in sorted(specs) for code in foreign(kind, grammar.parse(text).name)]
    return tuple(Code(name, plan.files.get(name, "")) for name in dict.fromkeys(code.name for code in codes))


def jobs(
    scenarios: Sequence[Combination], rules: Sequence[Sequence[Combination]], seeds: Sequence[int]
) -> tuple[Job, ...]:
    """A job for each combination of the scenario's options and of what lanes of an optimizer cannot differ in.

    Args:
        scenarios: Combinations of the scenario's options.
        rules: Of each optimizer that was asked for, combinations of its hyperparameters.
        seeds: A lane for each, of each combination.
    """
    return tuple(
        Job(_words(scenario, rule, many), str(scenario.spec), str(rule.spec), lanes)
        for scenario in scenarios
        for rule, lanes, many in (_stacked(group, seeds) for choices in rules for group in _groups(choices))
    )


def split(job: Job, most: int) -> tuple[Job, ...]:
    """The same lanes in jobs of so many at most, all of about the same size."""
    parts = -(-len(job.lanes) // max(1, most))
    ends = [round(part * len(job.lanes) / parts) for part in range(parts + 1)]
    return tuple(replace(job, lanes=job.lanes[first:last]) for first, last in pairwise(ends))


def numbered(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """The same with a number before each name, which makes it the only one of that name."""
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
        given = choice.plugin.given
        # One that the rule refuses stands alone, and takes no other with it.
        apart = _is_refused(choice)
        key = tuple((name, repr(value)) for name, value in given.items() if apart or not isinstance(value, float))
        groups.setdefault(key, []).append(choice)
    return list(groups.values())


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
    words = [*(f"{name}={value}" for name, value in scenario.spec.options.items()), rule.plugin.label]
    words += [f"{name}={value}" for name, value in rule.spec.options.items() if name not in varying]
    return _UNNAMED.sub("_", "-".join(words))[:_LONGEST].strip("_")
