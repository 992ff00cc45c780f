"""What made an animation: stored in the exported file."""

from collections.abc import Sequence
from typing import Any

from dynviz.recording import Recording
from dynviz.recording.metadata import Metadata
from dynviz.text import clean


def comment(recordings: Sequence[Recording], view: str) -> str:
    """What made the animation, one line per item."""
    first = recordings[0].metadata
    lines = [
        f"dynviz {first.versions.get('dynviz', '')}".strip(),
        f"scenario {_written(first.scenario.name, first.scenario.options)}",
    ]
    for recording in recordings:
        metadata = recording.metadata
        values = {name: _of_lanes(metadata, name) for name in metadata.hyperparameters}
        seeds = ",".join(map(str, dict.fromkeys(metadata.seeds)))
        lines.append(f"optimizer {_written(metadata.optimizer.title, values)} seeds {seeds}")
    lines.append(f"view {view}")
    lines.append(" ".join(f"{name} {version}" for name, version in first.versions.items() if name != "dynviz"))
    return "\n".join(clean(line) for line in lines if line)


def facts(recordings: Sequence[Recording], view: str, steps: Sequence[int]) -> dict[str, Any]:
    """The same as a tree."""
    trees = [recording.metadata.to_json() for recording in recordings]
    return {"view": view, "steps": list(steps), "recordings": trees}


def _of_lanes(metadata: Metadata, name: str) -> Any:
    """A hyperparameter's value; those of the lanes as a grid, where they differ."""
    shared = metadata.hyperparameters[name].value
    values = dict.fromkeys(lane.hyperparameters.get(name, shared) for lane in metadata.lanes)
    return next(iter(values)) if len(values) == 1 else f"[{','.join(map(str, values))}]"


def _written(name: str, options: Any) -> str:
    given = ",".join(f"{key}={value}" for key, value in options.items())
    return f"{name}:{given}" if given else name
