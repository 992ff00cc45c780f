"""The command palette of the player."""

import dynviz
from dynviz.player.info_dialog import InfoDialog
from dynviz.player.keys import KEYS
from dynviz.player.palette import PaletteDialog
from tests.watched import asynchronous, watching


@asynchronous
async def test_anything_is_found_by_its_words_and_done(tmp_path):
    dynviz.run("surface", ["sgd", "adam"], seeds="0:3", steps=20, out=tmp_path / "run")
    async with watching(tmp_path / "run") as watched:
        await watched.press("ctrl+p", *"newest", "enter")
        assert watched.state.step == 20
        await watched.press("ctrl+p", *"view", "space", *"curv")
        assert "view curves" in watched.text
        await watched.press("enter")
        assert watched.state.view == "curves"
        await watched.press("ctrl+p", *"adam", "space", *"seed 1".replace(" ", ""))
        await watched.press("escape")
        await watched.press("ctrl+p", *"seed", "space", "2", "down", "enter")
        assert [recording.source for recording in watched.state.session.recordings] == [
            f"{tmp_path / 'run' / 'adam'}@2"
        ]
        await watched.press("ctrl+p", *"hyperparameters", "space", *"channels", "enter")
        assert isinstance(watched.app.screen, InfoDialog)
        await watched.press("escape", "ctrl+p", *"nothing like it", "enter", "escape")
        assert not isinstance(watched.app.screen, PaletteDialog)


def test_of_keys_that_differ_each_has_words_of_its_own():
    for key in KEYS:
        assert len(key.each) in {0, len(key.keys)}
        assert len(key.keys) < 2 or key.each or key.keys[0][1].startswith("view")
