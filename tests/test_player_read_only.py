"""A player that is read only: nothing is written, and training is left alone."""

import pytest

from dynviz.player.browser import WRITES
from dynviz.player.keys import KEYS
from tests.growing import Growing
from tests.watched import asynchronous, watching

WRITING = [key for key in KEYS if key.writes and key.keys]


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def live(tmp_path):
    growing = Growing(tmp_path / "runs" / "one" / "sgd")
    growing.grow(30)
    yield growing
    growing.finish()


def test_the_keys_that_write_are_known():
    shown = {key.shown for key in KEYS if key.writes}
    assert shown == {"p", ".  >", "L", "S", "h", "F", "m", "e", "s", "o", "ctrl z"}


@pytest.mark.parametrize("key", [name for key in WRITING for names, _ in key.keys for name in names.split(",")])
@asynchronous
async def test_a_key_that_writes_does_nothing(key, live):
    async with watching(live.folder.parent, read_only=True) as watched:
        screens = len(watched.app.screen_stack)
        await watched.press("home")
        before = contents(live.folder)
        await watched.press(key, "x", "enter")
        assert len(watched.app.screen_stack) == screens
        assert contents(live.folder) == before


@asynchronous
async def test_help_footer_and_palette_leave_them_out(live):
    async with watching(live.folder.parent, size=(200, 60), read_only=True) as watched:
        for word in ("export", "fork", "change", "pause training"):
            assert word not in watched.lines[-1]
        await watched.press("question_mark")
        assert all(key.what not in watched.text for key in KEYS if key.writes)
        assert "follow training live" in watched.text
        await watched.press("escape", "ctrl+p", *"export")
        assert "export to a file" not in watched.text


@asynchronous
async def test_runs_in_the_list_are_neither_renamed_nor_deleted(live):
    root = live.folder.parent.parent
    async with watching(root=root, read_only=True) as watched:
        for key in ("R", "x", "delete"):
            await watched.press(key)
            assert len(watched.app.screen_stack) == 2
        await watched.press("question_mark")
        assert all(what not in watched.text for _, what in WRITES.values())
    assert (root / "one").exists()
