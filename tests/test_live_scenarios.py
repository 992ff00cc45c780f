"""Every scenario while it trains: the views that it suggests open, draw, and go on as samples come."""

import pytest

import dynviz
from dynviz.animation.drawing import open_film
from dynviz.cells.canvas import CellCanvas
from dynviz.errors import DynvizError
from dynviz.recording import Recording
from dynviz.training.session import SilentProgress
from tests.trained import RUNS

STEPS = 20
"""More than are taken at a time."""


class Watching(SilentProgress):
    """Draws all views of a run each time that its training tells how far it is.

    Attributes:
        seen: For each view, the steps at which it was drawn while the run was live.
    """

    def __init__(self):
        self.seen = {}

    def begin(self, folder, recordings, steps_done):
        self._folder, self._labels = folder, [one.label for one in recordings]
        self._look()

    def move(self, label, step, loss, steps):
        self._look()

    def _look(self):
        recordings = [Recording(self._folder / label) for label in self._labels]
        assert any(recording.live for recording in recordings)
        for view in recordings[0].metadata.views:
            try:
                film = open_film(recordings, view)
            except DynvizError:
                # There is no sample yet, or nothing was measured.
                continue
            step = min(int(film.steps[-1]), recordings[0].recorded)
            CellCanvas(100, 30).draw(film.scene(step))
            self.seen.setdefault(view, []).append(step)


@pytest.mark.parametrize("name", RUNS)
def test_a_scenario_is_watched_while_it_trains(name, tmp_path):
    scenario, optimizers, options = RUNS[name]
    watching = Watching()
    run = dynviz.run(scenario, optimizers, **{"steps": STEPS, **options}, out=tmp_path / "run", progress=watching)
    first = next(iter(run.values())).metadata.views[0]
    assert len(watching.seen[first]) > 1
    for view, steps in watching.seen.items():
        assert steps == sorted(steps), view
        CellCanvas(100, 30).draw(open_film(list(run.values()), view).scene(run[next(iter(run))].recorded))
