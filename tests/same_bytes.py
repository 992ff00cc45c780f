"""A process that trains every bundled scenario under the threads and the environment that it was given.

It trains each one, goes on with what the process before it has left half done, leaves another one half done,
and prints the fingerprints of all that it wrote.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

from dynviz.recording import sealed

STEPS = 23
RECORD = ["parameters:every=4", "gradient:every=5", "term.*:every=6"]


def fingerprints(run: Path) -> dict[str, str]:
    """Of every file of a run's recordings whose bytes are numbers, by its path."""
    files = sorted(path for path in run.rglob("*") if path.suffix in {".npy", ".npz", ".jsonl"})
    found = {str(path.relative_to(run)): _sha256(path.read_bytes()) for path in files}
    for path in run.rglob("run.json"):
        data = path.read_bytes()
        # Its checksum is of the time at which it was created too, which is the run's own.
        assert sealed.is_intact(data), path
        found[str(path.relative_to(run))] = _sha256(json.dumps({**sealed.unseal(data), "created": ""}).encode())
    return found


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def main(threads: int, mine: Path, before: Path | None) -> None:
    """Train everything in the folder `mine`, and go on with what is in the folder `before`."""
    if threads == 1:
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    import threadpoolctl
    import torch

    torch.set_num_threads(threads)
    threadpoolctl.threadpool_limits(threads, user_api="blas")
    import dynviz
    from dynviz import plugins, training
    from dynviz.errors import DynvizError
    from dynviz.projection.curvature import Look, measure
    from dynviz.projection.project import Wish, project

    found = {}
    for number, scenario in enumerate(plugins.files("scenarios")):
        run = dynviz.run(scenario, "adam", steps=STEPS, record=RECORD, out=mine / scenario)
        for recording in run.values():
            try:
                project(recording, Wish("pca", grid=7)).save(recording.folder, "plane")
            except DynvizError as error:
                # One parameter spans no plane.
                found[f"{scenario}: refused"] = str(error).replace(str(mine), "")
            measure(recording, Look(samples=1, ways=2, radii=5))
        found[scenario] = fingerprints(mine / scenario)
        half = 1 + (5 * number + 3 * threads) % (STEPS - 1)
        dynviz.run(scenario, "adam", steps=half, record=RECORD, out=mine / f"{scenario}-half")
        if before is not None:
            training.resume(before / f"{scenario}-half", steps=STEPS)
            found[f"{scenario}: resumed"] = fingerprints(before / f"{scenario}-half")
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
