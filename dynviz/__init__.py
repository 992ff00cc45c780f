"""dynviz shows what an optimizer does: tasks are trained, every step is recorded, recordings become pictures.

Example:
    run = dynviz.run("voronoi", ["adamw", "adamw-l1"], seeds=42)
    run["adamw"]["centers"]  # [samples, lanes, 2048, 2]
    run.animate("adamw.gif")
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dynviz.errors import DynvizError

if TYPE_CHECKING:
    from dynviz.imports.launch import import_runs
    from dynviz.plugins.optax_optimizer import from_optax
    from dynviz.recorder import Recorder, record
    from dynviz.recording import Recording, Run
    from dynviz.sweeps.launch import sweep
    from dynviz.sweeps.opening import open
    from dynviz.sweeps.progress import Sweep
    from dynviz.training import fork, resume, run
    from dynviz.training.rule_optimizer import torch_optimizer

__version__ = "0.1.0"
__all__ = [
    "DynvizError",
    "Recorder",
    "Recording",
    "Run",
    "Sweep",
    "fork",
    "from_optax",
    "import_runs",
    "open",
    "record",
    "resume",
    "run",
    "sweep",
    "torch_optimizer",
]

# Torch takes over a second to import: what needs it, or NumPy, is imported when it is first used.
_HOMES = {
    "run": "dynviz.training",
    "resume": "dynviz.training",
    "fork": "dynviz.training",
    "sweep": "dynviz.sweeps.launch",
    "from_optax": "dynviz.plugins.optax_optimizer",
    "torch_optimizer": "dynviz.training.rule_optimizer",
    "import_runs": "dynviz.imports.launch",
    "open": "dynviz.sweeps.opening",
    "Sweep": "dynviz.sweeps.progress",
    "record": "dynviz.recorder",
    "Recorder": "dynviz.recorder",
    "Run": "dynviz.recording",
    "Recording": "dynviz.recording",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        # Recordings that are got from here can be drawn.
        import_module("dynviz.animation.methods")
        if "IPython" in sys.modules:
            import_module("dynviz.notebook")
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'dynviz' has no attribute {name!r}")
