"""A file that exists is replaced only by `--force`, or after a question in a terminal."""

import pytest
from click.testing import CliRunner

import dynviz
from dynviz.cli import commands, replacing
from dynviz.errors import DynvizError


def invoke(*words, answer=None):
    return CliRunner().invoke(commands, list(map(str, words)), input=answer)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    dynviz.run("landscape:model=mlp,data=shapes", "sgd", steps=2, record="parameters", out=folder)
    return folder


def commands_that_write(run, folder):
    """Commands that write a file of their own, and that file."""
    return {
        "export": (("export", run, folder / "a.png", "--view", "curves", "--size", "200x150"), folder / "a.png"),
        "alt": (
            ("export", run, folder / "b.png", "--view", "curves", "--alt"),
            folder / "b.alt.txt",
        ),
        "project": (("project", run, "--line", "--grid", 2), run / "sgd/projections/filter-line-grid-2.npz"),
        "sharpness": (
            ("sharpness", run, "--samples", 1, "--ways", 1, "--radii", 2, "--eigenvalues", 1),
            run / "sgd/projections/sharpness.npz",
        ),
        "new": (("new", "optimizer", folder / "mine"), folder / "mine.py"),
    }


@pytest.mark.parametrize("name", ["export", "alt", "project", "sharpness", "new"])
def test_a_file_that_exists_stays_without_force(run, tmp_path, name):
    command, file = commands_that_write(run, tmp_path)[name]
    file.parent.mkdir(exist_ok=True)
    file.write_text("precious")
    refused = invoke(*command)
    assert isinstance(refused.exception, DynvizError), refused.output
    assert str(file) in str(refused.exception)
    assert "--force" in str(refused.exception)
    assert file.read_text() == "precious"
    done = invoke(*command, "--force")
    assert done.exit_code == 0, (done.output, done.exception)
    assert file.read_bytes() != b"precious"


@pytest.mark.parametrize(("answer", "kept"), [("n\n", True), ("y\n", False)])
def test_in_a_terminal_its_user_is_asked(run, tmp_path, monkeypatch, answer, kept):
    monkeypatch.setattr(replacing, "can_ask", lambda: True)
    command, file = commands_that_write(run, tmp_path)["new"]
    file.write_text("precious")
    done = invoke(*command, answer=answer)
    assert "exists already. Replace it?" in done.stderr
    assert (done.exit_code == 1, file.read_text() == "precious") == (kept, kept)


@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_kept_and_what_it_leads_to_is_replaced(run, tmp_path, there):
    (tmp_path / "elsewhere").mkdir()
    link, real = tmp_path / "a.png", tmp_path / "elsewhere" / "real.png"
    link.symlink_to(real)
    if there:
        real.write_text("old")
    done = invoke("export", run, link, "--view", "curves", "--size", "200x150", "--force")
    assert done.exit_code == 0, (done.output, done.exception)
    assert link.readlink() == real
    assert real.read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in real.parent.iterdir()] == ["real.png"]
