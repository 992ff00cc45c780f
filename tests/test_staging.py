"""Folders that are made beside their place and moved there whole."""

import contextlib
import fcntl
import os

import pytest

from dynviz.errors import DynvizError
from dynviz.recording import staging


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_comes_to_be_with_all_that_is_in_it(tmp_path):
    with staging.beside(tmp_path / "runs/one") as whole:
        (whole / "file").write_text("all of it")
        assert names(tmp_path) == [whole.parents[1].name]
        assert whole.parents[1].name.startswith(".runs.new-")
        assert staging.move(whole, [tmp_path / "runs/one"]) == tmp_path / "runs/one"
    assert names(tmp_path / "runs") == ["one"]
    assert (tmp_path / "runs/one/file").read_text() == "all of it"


def test_what_fails_leaves_nothing(tmp_path):
    with contextlib.suppress(ZeroDivisionError), staging.beside(tmp_path / "one") as whole:
        (whole / "file").write_text("half of it")
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_the_first_free_place_is_taken_and_nothing_is_replaced(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    places = [tmp_path / name for name in ("file", "full", "link", "free")]
    with staging.beside(places[0]) as whole:
        assert staging.move(whole, places).name == "free"
    with (
        staging.beside(places[0]) as whole,
        pytest.raises(DynvizError, match="exists already and is never overwritten"),
    ):
        staging.move(whole, places)
    assert names(tmp_path) == ["file", "free", "full", "link"]


def test_a_place_that_is_taken_at_the_last_moment_is_passed_over(tmp_path, monkeypatch):
    (tmp_path / "one/file").mkdir(parents=True)
    monkeypatch.setattr(staging.os.path, "lexists", lambda place: False)
    with staging.beside(tmp_path / "one") as whole:
        assert staging.move(whole, [tmp_path / "one", tmp_path / "two"]).name == "two"
    assert names(tmp_path / "one") == ["file"]


def test_a_folder_that_cannot_be_moved_is_an_error(tmp_path):
    with staging.beside(tmp_path / "one") as whole, pytest.raises(DynvizError, match=r"cannot write .*missing/one"):
        staging.move(whole, [tmp_path / "missing/one"])


@pytest.mark.parametrize(("parent", "says"), [("file", "is not a folder"), ("file/below", "cannot write|cannot make")])
def test_a_parent_that_is_no_folder_is_an_error(tmp_path, parent, says):
    (tmp_path / "file").write_text("")
    with pytest.raises(DynvizError, match=says), staging.beside(tmp_path / parent / "one"):
        pass


def abandoned(parent, name=".run.new-aaaaaaaa"):
    """What a process leaves that was killed."""
    outer = parent / name
    (outer / staging.WHOLE / "adam").mkdir(parents=True)
    (outer / "lock").touch()
    os.utime(outer, (0, 0))
    return outer


def test_what_a_killed_process_left_is_removed_by_the_next_one(tmp_path):
    abandoned(tmp_path)
    with staging.beside(tmp_path / "other") as whole:
        staging.move(whole, [tmp_path / "other"])
    assert names(tmp_path) == ["other"]


def test_nothing_is_removed_that_lives_or_is_young_or_is_not_ours(tmp_path):
    living, young, unlocked, foreign = (abandoned(tmp_path, f".{name}.new-a") for name in ("a", "b", "c", "d"))
    os.utime(young)
    (unlocked / "lock").unlink()
    (foreign / "letter").write_text("mine")
    link = tmp_path / ".e.new-a"
    (tmp_path / "target").mkdir()
    for outer in (unlocked, foreign):
        os.utime(outer, (0, 0))
    link.symlink_to(abandoned(tmp_path / "target"))
    with (living / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = names(tmp_path)
        with staging.beside(tmp_path / "other"):
            pass
    assert names(tmp_path) == before
    assert names(link) == ["lock", "whole"]


def test_missing_parents_appear_with_what_is_in_them(tmp_path):
    place = tmp_path / "a/b/one"
    with staging.beside(place) as whole:
        (whole / "file").write_text("all of it")
        assert names(tmp_path) == [whole.parents[2].name]
        staging.move(whole, [place])
    assert names(tmp_path) == ["a"]
    assert (place / "file").read_text() == "all of it"


def test_parents_that_somebody_makes_meanwhile_are_shared(tmp_path):
    places = [tmp_path / "a/one", tmp_path / "a/two"]
    with staging.beside(places[0]) as whole:
        (whole / "file").write_text("all of it")
        (tmp_path / "a/one").mkdir(parents=True)
        assert staging.move(whole, places) == places[1]
    assert names(tmp_path / "a") == ["one", "two"]
