"""What a run begins with, shown while torch is imported."""

import os
import zipfile

import numpy as np
import pytest

import dynviz
from dynviz import plugins
from dynviz.errors import DynvizError
from dynviz.player import previews
from dynviz.player.previews import SHIPPED, keep, kept, location, recordings_of, scene
from dynviz.recording import first_samples, open_all
from tests.growing import Growing, Trainer
from tests.watched import asynchronous, watching

SURFACE = ("--optimizer=sgd", "--out=somewhere", "--", "surface")
NAMES = sorted(path.stem for path in SHIPPED.glob("*.zip"))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(previews.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def run(tmp_path):
    """A run that has begun, and how its first samples are asked for."""
    for order, label in enumerate(("sgd", "adam")):
        growing = Growing(tmp_path / "run" / label, label=label)
        growing.grow(30, height=1.0 + order)
    return open_all([tmp_path / "run"])


def test_bundled_scenarios_are_shipped_with_their_first_samples():
    assert set(NAMES) <= set(plugins.files("scenarios"))
    assert {"voronoi", "surface", "matrix-sensing", "landscape"} <= set(NAMES)
    assert sum(path.stat().st_size for path in SHIPPED.glob("*.zip")) < 1_000_000


@pytest.mark.parametrize("name", NAMES)
def test_shipped_samples_are_those_that_a_run_begins_with(name, tmp_path):
    (shipped,) = first_samples.unpack(SHIPPED / f"{name}.zip", tmp_path)
    steps = shipped.metadata.steps
    run = dynviz.run(name, "sgd", steps=min(steps, 3), out=tmp_path / "run")
    (begun,) = run.recordings
    assert shipped.metadata.scenario == begun.metadata.scenario
    assert (shipped.metadata.views, shipped.metadata.facts) == (begun.metadata.views, begun.metadata.facts)
    titles, others = ({name: info.title for name, info in one.metadata.channels.items()} for one in (shipped, begun))
    assert titles == others
    for channel in shipped.metadata.channels:
        if len(shipped[channel]):
            first = [one[channel][0] for one in (shipped, begun)]
            if channel == "core":
                # Directions of equal singular values are any that a processor's library chooses.
                first = [np.linalg.svd(core, compute_uv=False) for core in first]
            # Another processor rounds in other ways.
            np.testing.assert_allclose(*first, rtol=2e-3, atol=1e-4, err_msg=channel)


def test_a_bundled_task_is_shown_with_the_optimizers_and_steps_that_were_asked_for(cache):
    shown = scene(("--optimizer=adamw-l1", "--optimizer=adam+sam:rho=0.1", "--steps=500", "--", "voronoi"), None)
    assert [panel.title for panel in shown.panels][:3] == ["prediction", "prediction", "validation loss"]
    assert [word.text for word in shown.readouts if word.text.startswith("adam")] == ["adamw-l1", "adam+sam"]
    assert (shown.step, shown.steps) == (0, 500)
    assert not cache.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--resume=runs/voronoi-1",),
        ("--optimizer=adamw", "--seeds=0:8", "--", "voronoi"),
        ("--optimizer=adamw", "--", "voronoi:model=labels"),
        ("--optimizer=adamw", "--optimizer=adamw:lr=0.1", "--", "voronoi"),
        ("--optimizer=torch.optim.Adam", "--", "voronoi"),
        ("--optimizer=adamw", "--", "./mine.py"),
        ("--optimizer=adamw", "--", "../voronoi"),
        ("--", "voronoi"),
    ],
)
def test_nothing_is_shown_of_what_may_begin_in_another_way(arguments, cache):
    assert scene(arguments, None) is None


def test_what_a_command_began_with_is_kept_for_the_next_time(run, cache, tmp_path):
    arguments = ("--optimizer=sgd", "--optimizer=adam", "--seeds=0:1", "--", "surface:f=bowl")
    keep(arguments, run)
    again = recordings_of((*arguments[:3], "--out=elsewhere", *arguments[3:]), tmp_path / "again")
    assert {recording.metadata.label: recording["loss"].tolist() for recording in again} == {
        "sgd": [[1.0]],
        "adam": [[2.0]],
    }
    assert [recording.total for recording in again] == [100, 100]
    assert recordings_of(("--optimizer=sgd", *arguments[2:]), tmp_path / "others") is None
    shown = scene(arguments, "curves")
    assert (shown.step, shown.steps) == (0, 100)
    # The same samples are the same bytes.
    before = kept(arguments).read_bytes()
    kept(arguments).unlink()
    keep(arguments, run)
    assert kept(arguments).read_bytes() == before


def test_only_so_many_are_kept_and_none_of_a_user_s_files(run, cache, monkeypatch):
    monkeypatch.setattr(previews, "MOST", 3)
    for seed in range(5):
        keep((f"--seeds={seed}", "--", "surface"), run)
        os.utime(kept((f"--seeds={seed}", "--", "surface")), (seed, seed))
    still = [kept((f"--seeds={seed}", "--", "surface")).exists() for seed in range(5)]
    assert still == [False, False, True, True, True]
    keep(("--", "./mine.py"), run)
    keep(("--optimizer=mine/lion.py", "--", "surface"), run)
    keep(("--", "package.Task"), run)
    keep(("--resume=surface-1", "--"), run)
    assert len(list(location().iterdir())) == 3


def test_large_first_samples_are_not_kept(run, cache, monkeypatch):
    monkeypatch.setattr(first_samples, "LARGEST", 10)
    with pytest.raises(DynvizError, match="too large"):
        keep(SURFACE, run)
    assert list(cache.rglob("*.zip")) == []


@pytest.mark.parametrize("harm", ["empty", "cut", "bomb", "elsewhere", "other"])
def test_a_damaged_file_is_an_error_and_writes_nothing_elsewhere(run, cache, harm, tmp_path, monkeypatch):
    keep(SURFACE, run)
    file = kept(SURFACE)
    whole = file.read_bytes()
    if harm == "empty":
        file.write_bytes(b"")
    elif harm == "cut":
        file.write_bytes(whole[: len(whole) // 2])
    elif harm == "bomb":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("sgd/run.json", b" " * (16 << 20))
    else:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("../../outside.json" if harm == "elsewhere" else "notes.txt", b"{}")
    folder = tmp_path / "made"
    folder.mkdir()
    with pytest.raises(DynvizError):
        recordings_of(SURFACE, folder)
    assert not list(tmp_path.rglob("outside.json")) or (folder / "outside.json").exists()


@asynchronous
async def test_the_task_is_shown_until_there_is_a_picture_of_the_run(tmp_path, cache):
    trainer = Trainer(arguments=("--optimizer=adamw-l1", "--", "voronoi"))
    async with watching(trainer=trainer, size=(120, 40)) as watched:
        await watched.wait(0.5)
        assert "Two classes by 138 true centers" in watched.lines[0]
        assert "step 0 of 10 000" in watched.lines[0]
        assert "undecided" in watched.text
        assert "waiting for the trainer: importing torch, 0.5 s" in watched.text
        growing = Growing(tmp_path / "run" / "sgd", steps=300)
        trainer.folder, trainer.state = tmp_path / "run", "training"
        await watched.wait(0.5)
        assert "Two classes" in watched.lines[0]
        assert "waiting for the first sample" in watched.text
        growing.grow(40)
        await watched.wait(0.5)
        await watched.wait(0.5)
        assert "bowl" in watched.lines[0]
        assert "of 300" in watched.lines[0]
        assert "waiting" not in watched.text
        assert kept(trainer.arguments).exists()


@asynchronous
async def test_a_trainer_that_fails_leaves_words_and_no_picture(cache):
    trainer = Trainer(arguments=SURFACE)
    async with watching(trainer=trainer) as watched:
        await watched.wait(0.5)
        assert "step 0 of" in watched.lines[0]
        trainer.end("failed", 1, "there is no memory")
        await watched.wait(0.5)
        assert "step 0 of" not in watched.text
        assert "Training failed: there is no memory" in watched.text
