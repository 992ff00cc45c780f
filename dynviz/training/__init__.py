"""Training: besides the optimizers and scenarios, the only part of dynviz that imports torch."""

from dynviz.training.forking import fork
from dynviz.training.launch import resume, run

__all__ = ["fork", "resume", "run"]
