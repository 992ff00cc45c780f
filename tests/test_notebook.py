"""What a notebook shows of recordings, and one that is executed."""

import base64
import io
import subprocess
import sys
from html.parser import HTMLParser

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

import dynviz
from dynviz.animation import methods, notebook
from tests.recorded import KINDS, record, surface, voronoi


class Element(HTMLParser):
    """The one element of a piece of HTML."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)
        ((self.tag, self.attributes),) = self.found

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def shown(bundle):
    """The frames that it moves through, and its alt text."""
    element = Element(bundle["text/html"])
    assert element.tag == "img"
    kind, _, data = element.attributes["src"].partition(";base64,")
    assert kind == "data:image/gif"
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert (str(picture.width), str(picture.height)) == (element.attributes["width"], element.attributes["height"])
        return picture.n_frames, element.attributes["alt"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_recording_shows_itself_as_a_small_animation_and_in_words(kind, tmp_path):
    recording = KINDS[kind](tmp_path / "adamw", lanes=3)
    bundle = methods.mimebundle(recording)
    frames, alt = shown(bundle)
    assert 20 <= frames <= 40
    assert alt.startswith(f"Animation of {recording.metadata.scenario.name}")
    assert bundle["text/plain"] == repr(recording)
    assert len(bundle["text/html"]) < 410_000


def test_a_run_shows_all_of_its_recordings(tmp_path):
    for label in ("adamw", "sgd"):
        surface(tmp_path / label, label=label, steps=40)
    run = dynviz.open(tmp_path)
    bundle = methods.mimebundle(run)
    _, alt = shown(bundle)
    assert "adamw" in alt
    assert "sgd" in alt
    assert bundle["text/plain"] == repr(run)


def test_an_animation_that_would_be_large_is_made_smaller(tmp_path, monkeypatch):
    recording = surface(tmp_path / "adamw", steps=100)
    monkeypatch.setattr(notebook, "MOST", 1)
    frames, _ = shown(methods.mimebundle(recording))
    assert frames <= 16


def test_words_in_an_alt_text_are_no_markup(tmp_path):
    recording = surface(tmp_path / "adamw", steps=20, given={"f": '<b>&"quoted"'})
    _, alt = shown(methods.mimebundle(recording))
    assert '<b>&"quoted"' in alt


def test_what_has_nothing_to_show_yet_says_so_in_words(tmp_path):
    recording = voronoi(tmp_path / "adamw", samples=0)
    bundle = methods.mimebundle(recording)
    assert list(bundle) == ["text/plain"]
    first, second = bundle["text/plain"].split("\n")
    assert first == repr(recording)
    assert second == "No picture: view benchmark needs the channel 'loss', of which recording 'adamw' has no sample yet"


def test_a_scenario_that_suggests_no_view_is_shown_by_its_curves(tmp_path):
    loss = {"loss": (1, np.linspace(1, 0, 11)[:, None])}
    recording = record(tmp_path / "sgd", loss, scenario="bowl", steps=10, views=())
    assert "Loss" in shown(methods.mimebundle(recording))[1]


def test_a_view_that_does_not_suit_gives_way_to_the_next(tmp_path):
    loss = {"loss": (1, np.linspace(1, 0, 11)[:, None])}
    recording = record(tmp_path / "sgd", loss, scenario="bowl", steps=10, views=("spectrum", "curves"))
    assert "Loss" in shown(methods.mimebundle(recording))[1]


def test_reading_a_recording_does_not_import_what_draws_it():
    code = "import dynviz.recording, sys; sys.exit(bool({'dynviz.animation', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture
def execute(tmp_path, monkeypatch):
    """Execute the cells of a notebook."""
    (tmp_path / "jupyter").mkdir()
    for name in ("JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "jupyter"))

    def run(*cells):
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        NotebookClient(book, timeout=300, kernel_name="python3").execute()
        nbformat.validate(book)
        return book

    return run


def test_a_notebook_that_is_executed_holds_the_animation(tmp_path, execute):
    surface(tmp_path / "run" / "adamw", steps=60)
    book = execute("import dynviz", f"run = dynviz.open({str(tmp_path / 'run')!r})\nrun", "run['adamw']")
    for cell, words in zip(book.cells[1:], ("<Run run: adamw>", "<Recording adamw: "), strict=True):
        (output,) = cell.outputs
        frames, alt = shown(output.data)
        assert frames > 10
        assert "Rosenbrock" in alt or "rosenbrock" in alt
        assert output.data["text/plain"].startswith(words)


LOOP = """
import time, torch, dynviz
from IPython.display import DisplayHandle

texts, update = [], DisplayHandle.update
def noted(self, table, **more):
    texts.append(table._repr_mimebundle_()["text/plain"])
    update(self, table, **more)
DisplayHandle.update = noted

net = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
with dynviz.record(net, optimizer, out={out!r}, steps=40) as rec:
    for step in range(40):
        loss = net(torch.ones(1, 3)).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        rec(loss)
        time.sleep(0.02)
"""


@pytest.mark.slow
def test_a_loop_that_is_recorded_shows_how_far_it_is(tmp_path, execute):
    book = execute(LOOP.format(out=str(tmp_path / "mine")), "print(*texts, sep='\\n')")
    # The one output of the cell is drawn again while the loop runs.
    (shown_at_last,) = book.cells[0].outputs
    assert shown_at_last.data["text/plain"].startswith("sgd: 40 of 40 steps, ")
    assert "<progress value='40' max='40'>" in shown_at_last.data["text/html"]
    (printed,) = book.cells[1].outputs
    steps = [int(line.split()[1]) for line in printed.text.splitlines()]
    assert len(steps) >= 3
    assert steps == sorted(steps)
    assert 0 < steps[0] < 40
