"""`dynviz export` as a user types it."""

import inspect

import pytest
from click.testing import CliRunner
from PIL import Image

from dynviz.animation.export import FPS, FRAMES, HOLD, animate
from dynviz.cli import commands
from dynviz.errors import DynvizError
from tests.recorded import surface, voronoi


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "voronoi-adamw-1"
    voronoi(folder / "adamw", steps=40, every=10, centers=10)
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def export(*arguments):
    return CliRunner().invoke(commands, ["export", *map(str, arguments), "--size", "240x180"])


def test_a_folder_gets_every_view_of_the_scenario(run, tmp_path):
    done = export(run, "pictures/", "--frames", 2)
    assert done.exit_code == 0, done.output
    views = ("benchmark", "scalars", "logits", "centers", "environment", "curves")
    assert done.stdout.splitlines() == [f"pictures/{view}.gif" for view in views]
    assert {file.name for file in (tmp_path / "pictures").iterdir()} == {f"{view}.gif" for view in views}
    refused = export(run, "pictures", "--frames", 2, "--alt", "--loop", 1)
    assert "pictures/benchmark.gif, pictures/scalars.gif" in str(refused.exception)
    again = export(run, "pictures", "--frames", 2, "--alt", "--loop", 1, "--force")
    assert again.exit_code == 0, again.output
    assert again.stdout.splitlines()[:2] == ["pictures/benchmark.gif", "pictures/benchmark.alt.txt"]


def test_views_of_all_recordings_go_to_the_folder(run, tmp_path):
    views = surface(tmp_path / "surface" / "adamw", steps=20).metadata.views
    done = export(tmp_path / "surface", "both/", "--frames", 2)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [f"both/{view}.gif" for view in views]


def test_fewer_frames_than_were_asked_for_are_said(run):
    done = export(run, "a.gif", "--view", "curves", "--frames", 500)
    with Image.open("a.gif") as image:
        assert f"a.gif has {image.n_frames} frames, not 500: there are no more recorded steps" in done.stderr
    assert "frames, not" not in export(run, "a.gif", "--view", "curves").stderr
    assert "frames, not" not in export(run, "b.gif", "--view", "curves", "--frames", 2).stderr


@pytest.mark.parametrize(("count", "columns", "rows"), [(4, 2, 2), (9, 3, 3), (30, 6, 5)])
def test_a_sheet_of_key_frames_has_as_many_as_were_asked_for_in_either_spelling(run, count, columns, rows):
    for name, option in (("contact.png", "--contact"), ("frames.png", "--frames")):
        done = export(run, name, option, count)
        assert done.exit_code == 0, done.output
    width, height = 240, 180
    with Image.open("contact.png") as one, Image.open("frames.png") as other:
        assert one.width == columns * (width + 8) - 8
        assert 10 < one.height - (rows * (height + 8) - 8) < 90
        assert one.tobytes() == other.tobytes()


def test_words_go_beside_the_file_and_both_names_to_stdout(run, tmp_path):
    done = export(run, "a.gif", "--frames", 2, "--alt", "--hold", 0.5, "--quality", "small", "--workers", 2)
    assert done.exit_code == 0, done.output
    assert done.stdout == "a.gif\na.alt.txt\n"
    assert "From step 0 to step 40 of 40. Prediction: at first " in (tmp_path / "a.alt.txt").read_text()
    with Image.open("a.gif") as image:
        image.seek(1)
        assert image.info["duration"] == 500


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a.gif", "--contact", 4], "--contact N draws a png and takes no --frames"),
        (["a.png", "--contact", 4, "--frames", 4], "--contact N draws a png and takes no --frames"),
        (
            ["pictures/", "--view", "curves"],
            "a folder, into which every view is drawn; for one view, name a file",
        ),
        (["a.gif", "--loop", -1], "-1 is not in the range"),
        (["a.gif", "--quality", "tiny"], "'tiny' is not one of"),
    ],
)
def test_a_mistake_of_usage_is_said(run, tmp_path, arguments, says):
    done = export(run, *arguments)
    assert done.exit_code == 2
    assert says in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a.png", "--fps", 5], "png is not animated"),
        (["a.png", "--hold", 5], "png is not animated"),
        (["a.png", "--loop", 5], "png has no option loop"),
        (["a.gif", "--background", "transparent"], "gif has no option background; formats that have it"),
        (["nowhere/pictures/"], "cannot make the folder nowhere/pictures: No such file or directory"),
        (["pictures/", "--background", "transparent"], "gif has no option background"),
    ],
)
def test_an_option_that_a_format_would_ignore_is_refused(run, tmp_path, arguments, says):
    done = export(run, *arguments)
    assert isinstance(done.exception, DynvizError)
    assert says in str(done.exception)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_the_examples_of_the_help_stand_on_lines_of_their_own():
    lines = CliRunner().invoke(commands, ["export", "--help"]).output.splitlines()
    assert sum(line.startswith("  dynviz export runs/") for line in lines) == 5


def test_the_help_states_the_defaults_that_are_used():
    shown = " ".join(CliRunner().invoke(commands, ["export", "--help"]).output.split())
    width, height = inspect.signature(animate).parameters["size"].default
    for default in (f"Frames per second of an animation. [default: {FPS:g}]", f"Number of frames. [default: {FRAMES};"):
        assert default in shown
    assert f"of an animation stays. [default: {HOLD:g}]" in shown
    assert f"[default: {width}x{height}]" in shown


@pytest.fixture
def mine(tmp_path):
    """A function that writes a user's exporter with or without motion."""

    def write(*, motion):
        file = tmp_path / "mine.py"
        file.write_text(f'''"""The steps as text."""
from dynviz.frame import exporter


@exporter(motion={motion}, largest=300)
def export(frames, target, sheet, *, word: str, indent: int = 1):
    target.write_text("".join(" " * indent + f"{{word}} {{frame.step}}\\n" for frame in frames))
''')
        return file

    return write


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exporter_of_ones_own_is_named_with_its_options(run, tmp_path, mine, workers):
    mine(motion=True)
    done = export(run, "a.txt", "--exporter", "./mine.py:word=step,indent=2", "--frames", 3, "--workers", workers)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "a.txt").read_text() == "  step 0\n  step 20\n  step 40\n"


def test_an_exporter_of_ones_own_without_motion_gets_the_last_step(run, tmp_path, mine):
    mine(motion=False)
    done = export(run, "a.txt", "--exporter", "./mine.py:word=step")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "a.txt").read_text() == " step 40\n"


def test_options_of_our_exporters_are_reached_by_name(run):
    done = export(run, "a.png", "--contact", 4, "--exporter", "png:columns=4,gap=0")
    assert done.exit_code == 0, done.output
    with Image.open("a.png") as image:
        assert image.width == 4 * 240
        assert 10 < image.height - 180 < 90


def test_a_folder_gets_files_of_the_exporter_that_is_named(run, tmp_path):
    done = export(run, "pictures/", "--exporter", "svg")
    assert done.exit_code == 0, done.output
    assert {file.suffix for file in (tmp_path / "pictures").iterdir()} == {".svg"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--exporter", "gif:loop=2", "--loop", 3], "loop is given twice"),
        (["--exporter", "gif:loop=70000"], "loop cannot be 70000"),
        (["--exporter", "gif:columns=2"], "no option of exporter gif named 'columns'"),
        (["--exporter", "gift"], "no exporter named 'gift'; did you mean 'gif'?"),
        (["--exporter", "./mine.py"], "needs word (text): write ./mine.py:word=..."),
        (
            ["--exporter", "./mine.py:word=a", "--size", "301x200"],
            "mine allows at most 300 pixels per side, not 301x200",
        ),
        (["--exporter", "./mine.py:word=a", "--fps", 3], "mine is not animated and has no frame rate"),
        (["--exporter", "./silent.py"], "write @exporter(motion=True) or @exporter(motion=False)"),
    ],
)
def test_a_mistake_about_an_exporter_is_one_line(run, tmp_path, mine, arguments, says):
    mine(motion=False)
    (tmp_path / "silent.py").write_text("def export(frames, target, sheet): ...\n")
    done = CliRunner().invoke(commands, ["export", str(run), "a.gif", "--size", "240x180", *map(str, arguments)])
    assert isinstance(done.exception, DynvizError)
    assert says in str(done.exception)
    assert "\n" not in str(done.exception)
    assert not (tmp_path / "a.gif").exists()


def test_what_an_exporter_shows_and_takes_is_listed(tmp_path, mine):
    mine(motion=True)
    said = {name: CliRunner().invoke(commands, ["list", "exporters", name]).stdout for name in ("svg", "./mine.py")}
    assert "It shows one step." in said["svg"]
    assert "It is animated." in said["./mine.py"]
    assert "word" in said["./mine.py"]
