"""Four panels over ten thousand steps, for measuring how exports do."""

import numpy as np

from dynviz.film import Film
from tests.benchmarks.test_export_speed import STEPS, scene


def view(recordings):
    """Open it; the recordings only say what made the picture."""
    return Film(np.arange(STEPS), scene)
