"""Open a folder of any kind: a sweep's, a run's or a recording's."""

from pathlib import Path
from typing import TYPE_CHECKING

from dynviz.recording import Recording, Run
from dynviz.recording import open as open_recording
from dynviz.recording.run import is_sweep

if TYPE_CHECKING:
    from dynviz.sweeps.progress import Sweep


def open(source: Path | str) -> "Sweep | Run | Recording":
    """Open a folder: that of a sweep gives a Sweep, that of a run a Run, that of a recording a Recording.

    Args:
        source: The folder, or `FOLDER@LANES` for some lanes only, written like seeds: `runs/bowl-sgd-1@0:4`.

    Raises:
        DynvizError: The folder is none of these, its contents cannot be read, or a lane does not exist.
    """
    if not is_sweep(source):
        return open_recording(source)
    # Jobs are known to the sweeps alone, which need torch.
    from dynviz.sweeps.progress import Sweep

    return Sweep.load(Path(source))
