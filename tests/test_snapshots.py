"""The screens of the player and of `dynviz show`, whole, as text and as pictures."""

import re

import pytest
from click.testing import CliRunner

from dynviz.cli import commands
from tests import recorded


def printed(*words):
    done = CliRunner().invoke(commands, list(map(str, words)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_players_screen(tmp_path, snapshot, theme):
    recording = recorded.surface(tmp_path / "adamw")
    words = ("play", recording.folder, "--view", "path", "--at", 120, "--size", "80x24", "--theme", theme, "--svg")
    # How it was made names folders, versions and sums.
    snapshot(re.sub("<metadata>.*?</metadata>", "", printed(*words)), f"player-{theme}.svg")


@pytest.mark.parametrize(("kind", "view"), [("voronoi", "benchmark"), ("sensing", "spectrum"), ("network", "ledger")])
def test_a_scene_as_text(tmp_path, snapshot, kind, view):
    recording = recorded.KINDS[kind](tmp_path / "adamw")
    words = ("show", recording.folder, "--view", view, "--at", 200, "--size", "100x30", "--text")
    snapshot(printed(*words), f"show-{view}.txt")


def test_a_snapshot_that_differs_fails(snapshot):
    with pytest.raises(AssertionError, match=r"not .*player-dark\.svg any more"):
        snapshot("something else", "player-dark.svg")
