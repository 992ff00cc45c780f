"""`dynviz play --svg`: the player's screen as a picture."""

import re

from click.testing import CliRunner

from dynviz.cli import commands
from tests import recorded


def picture(*arguments):
    done = CliRunner().invoke(commands, ["play", *map(str, arguments), "--svg"], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def words(svg):
    return " ".join(re.findall(r">([^<>]+)</(?:tspan|text)>", svg))


def test_the_picture_is_the_same_each_time_and_shows_what_the_player_does(tmp_path):
    recording = recorded.voronoi(tmp_path / "adamw", lanes=2)
    one = picture(recording.folder, "--at", 200, "--size", "100x30")
    assert one == picture(recording.folder, "--at", 200, "--size", "100x30")
    said = words(one)
    for word in ("voronoi", "adamw", "benchmark", "prediction", "200 of 400", "play", "quit"):
        assert word in said, word


def test_the_picture_has_the_size_and_the_ground_that_were_asked_for(tmp_path):
    recording = recorded.surface(tmp_path / "sgd")
    light = picture(recording.folder, "--theme", "light", "--view", "path", "--size", "80x24")
    assert 'width="820" height="500"' in light
    assert "#ffffff" in light
    assert picture(recording.folder, "--size", "80x24") != light
