"""The user's settings: what is read, what is refused, and what stays when something is changed."""

import os
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from dynviz import settings
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.player.keys import ACTIONS
from dynviz.scene.theme import dark, light, theme
from dynviz.settings import DEFAULTS, UserSettings, load, location, save, template

THEME = """
base = "light"
[colors]
ground = "#102030"
lane0 = "#ff8800"
term.decay = "#abcdef"
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "set" / "settings.toml"
    monkeypatch.setenv("DYNVIZ_SETTINGS", str(path))
    return path


def dynviz(*words):
    return CliRunner().invoke(commands, words)


def test_without_a_file_all_is_as_it_is_documented(file):
    assert load(file) == DEFAULTS
    assert tomllib.loads(template()) == {
        **{name: getattr(DEFAULTS, name) for name in settings.values.NAMES},
        "keys": {},
    }
    assert "there is none yet" in dynviz("config").stdout


def test_values_are_set_one_by_one_and_remarks_stay(file):
    file.parent.mkdir()
    file.write_text('# mine\ntheme = "dark"   # at night\n\n[keys]\npause = "k"\n')
    printed = dynviz("config", "speed=2", "theme=light", "keys.move+1=l", "remember=false", "numbers=comma")
    assert printed.stdout.strip() == str(file)
    assert load(file) == UserSettings(
        theme="light", speed=2.0, remember=False, numbers="comma", keys={"pause": "k", "move+1": "l"}
    )
    text = file.read_text()
    assert text.startswith('# mine\ntheme = "light"   # at night\n')
    assert "speed = 2\n" in text.partition("[keys]")[0]
    assert 'theme = "light"' in dynviz("config").stdout
    assert not list(file.parent.glob(".settings*"))


@given(
    st.dictionaries(
        st.sampled_from(["theme", "numbers", "ends", "keys.pause", "keys.move+1", "keys.note"]),
        st.integers(0, 1),
        max_size=6,
    )
)
def test_what_is_saved_is_loaded(tmp_path_factory, chosen):
    words = {"theme": ("dark", "light"), "numbers": ("comma", "none"), "ends": ("bell", "notify")}
    values = {name: words.get(name, ("x", "ctrl+y"))[place] for name, place in chosen.items()}
    path = tmp_path_factory.mktemp("set") / "settings.toml"
    for name, value in values.items():
        save(path, {name: value})
    loaded = load(path)
    for name, value in values.items():
        table, _, key = name.rpartition(".")
        assert (loaded.keys[key] if table else getattr(loaded, key)) == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("theme = 'blue'", "theme = 'blue' in {} is not understood; write auto, dark, light"),
        ("speed = 3", "speed = 3 in {} is not understood"),
        ("remember = 1", "write true or false"),
        ("tehme = 'dark'", "no setting in {} named 'tehme'; did you mean 'theme'"),
        ("keys = 1", "keys in {} is not a table"),
        ("[keys]\npause = 1", "keys.pause in {} is not a key"),
        ("theme", "{} is not TOML"),
    ],
)
def test_what_is_not_understood_is_said_with_the_file(file, text, says):
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(DynvizError) as caught:
        load(file)
    assert says.format(file) in str(caught.value)


@pytest.mark.parametrize("word", ["speed=3", "keys.stop_everything=x", "theme=blue", "theme=none.toml", "x=1", "speed"])
def test_nothing_wrong_is_written(file, word):
    assert dynviz("config", word).exit_code != 0
    assert not file.exists()


def test_the_file_is_opened_in_the_editor_and_made_first(file, monkeypatch):
    monkeypatch.setenv("VISUAL", "true")
    assert dynviz("config", "--edit").exit_code == 0
    assert load(file) == DEFAULTS
    assert file.read_text() == template()


def test_where_it_is():
    assert location({}) == Path("~/.config/dynviz/settings.toml").expanduser()
    assert location({"DYNVIZ_SETTINGS": "/a/b.toml"}) == Path("/a/b.toml")
    assert os.environ["DYNVIZ_SETTINGS"].startswith(str(Path(__file__).parent))


def test_every_action_has_a_name_of_its_own():
    printed = dynviz("config", "--keys").stdout
    assert all(f"keys.{name} = " in printed for name in ACTIONS)
    assert {"pause", "move+1", "move-1", "view+9", "theme", "leave", "note", "save"} <= ACTIONS.keys()


def test_a_theme_is_a_file_with_some_colours(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(THEME)
    mine = theme(str(path))
    assert (mine.name, mine.color("ground"), mine.color("lane0")) == ("light", (16, 32, 48), (255, 136, 0))
    assert mine.color("term.decay") == (171, 205, 239)
    assert mine.color("lane1") == light.color("lane1")
    assert mine.color("class0") == light.color("class0") != dark.color("class0")
    assert tuple(mine.ramp("lane0")[0]) == (16, 32, 48)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("base = 'grey'", "base='grey'"),
        ("[colors]\nink = '#000000'", "no colour in theme"),
        ("[colors]\ntext = 'red'", "text = 'red' in theme"),
        ("colors = 1", "is not a table"),
        ("[colours]\ntext = '#000000'", "no entry of theme"),
        ("[", "is not TOML"),
    ],
)
def test_a_theme_that_is_not_understood_says_why(tmp_path, text, says):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(DynvizError, match=says):
        theme(str(path))
