"""Open a folder of any kind: a sweep's, a run's or a recording's."""

from pathlib import Path
from typing import TYPE_CHECKING

from dynviz.recording import Recording, Run
from dynviz.recording import open as open_recording
from dynviz.recording.run import is_sweep

if TYPE_CHECKING:
    from dynviz.sweeps.progress import Sweep


def open(source: Path | str) -> "Sweep | Run | Recording":
    """Read a folder: a sweep's gives a Sweep, a run's a Run, a recording's a Recording.

    Args:
        source: The folder; `FOLDER@LANES` for some lanes only, `runs/bowl-sgd-1@0:4`, written like seeds.

    Raises:
        DynvizError: It is none of these, or what is in it cannot be read, or there are no such lanes.
    """
    if not is_sweep(source):
        return open_recording(source)
    # Jobs are known to the sweeps alone, which need torch.
    from dynviz.sweeps.progress import Sweep

    return Sweep.load(Path(source))
