"""Training: the only part of dynviz that imports torch beside the optimizers and scenarios."""

from dynviz.training.forking import fork
from dynviz.training.launch import resume, run

__all__ = ["fork", "resume", "run"]
