"""`dynviz check`: what is not as it was written is found, mended, and made again to the same bytes."""

import json
import shutil
from pathlib import Path
from random import Random

import numpy as np
import pytest
from click.testing import CliRunner

import dynviz
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.plugins.spec import Spec
from dynviz.recording import projections
from dynviz.recording.metadata import FORMAT, Lane
from dynviz.sweeps import launch
from dynviz.sweeps.jobs import Job, Settings, SweepPlan
from tests.test_power import content

BOWL = str(Path(__file__).parent / "files" / "bowl.py")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished run with events and a projection."""
    run = tmp_path_factory.mktemp("check") / "run"
    dynviz.run(BOWL, "sgd:lr=10", seeds="0:2", steps=60, record="parameters", out=run)
    assert dynviz.open(run)["sgd"].events()
    projections.write(run / "sgd", "line", {"lane": 0}, {"loss": np.arange(9.0)})
    return run


@pytest.fixture
def run(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "run"))


def check(run, *options):
    result = CliRunner().invoke(commands, ["check", str(run), *options], catch_exceptions=False)
    return result.exit_code, result.stdout.replace(str(run), "RUN")


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place // 8 % len(data)] ^= 1 << place % 8
    path.write_bytes(data)


def test_a_run_that_nothing_happened_to_is_whole(run):
    assert check(run) == (0, "1 recording: no damage found\n")


def test_a_flipped_bit_is_named_by_channel_sample_and_step(run):
    flip(run / "sgd/channels/loss.npy", 8 * (256 + 60 * 8))
    status, words = check(run)
    assert status == 1
    assert words == "RUN/sgd: loss: sample 60 (step 60) is not what was written\n1 recording: 1 problem\n"


def test_checking_changes_nothing(run):
    flip(run / "sgd/channels/loss.npy", 8 * 300)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    check(run)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_channel_that_lost_its_file_or_its_header_is_made_again(run, whole):
    (run / "sgd/channels/x.npy").unlink()
    flip(run / "sgd/channels/y.npy", 100)
    assert check(run, "--mend")[0] == 1
    dynviz.resume(run, trust="/")
    assert content(run) == content(whole)
    assert check(run)[0] == 0


def test_a_damaged_checkpoint_is_moved_aside(run):
    flip(run / "sgd/checkpoints/60.npz", 8 * 400)
    status, words = check(run, "--mend")
    assert status == 1
    assert "60.npz is not a checkpoint" in words
    assert (run / "sgd/damaged/60.npz").exists()
    assert check(run)[0] == 0


def test_an_old_recording_has_no_checksums(run):
    shutil.rmtree(run / "sgd/checkpoints")
    assert check(run) == (
        0,
        "RUN/sgd: not checked: it has no checksums yet, or was made by a dynviz that stored none\n"
        "1 recording: no damage found\n",
    )


def test_what_cannot_be_opened_is_a_problem_and_hides_no_other(run):
    shutil.copytree(run / "sgd", run / "adam")
    (run / "adam/run.json").write_text("{}")
    flip(run / "sgd/channels/loss.npy", 8 * 300)
    status, words = check(run)
    assert status == 1
    assert words.endswith("2 recordings: 2 problems\n")


def bits(file, count):
    return Random(file.name).sample(range(8 * file.stat().st_size), count)


def test_every_flipped_bit_of_run_json_is_found_and_nothing_is_built_on_it(run):
    file = run / "sgd/run.json"
    good = file.read_bytes()
    for place in bits(file, 60):
        file.write_bytes(good)
        flip(file, place)
        bad = file.read_bytes()
        assert check(run, "--mend")[0] == 1, place
        with pytest.raises(DynvizError):
            dynviz.resume(run, steps=90, trust="/")
        assert file.read_bytes() == bad
    file.write_bytes(good)
    assert check(run)[0] == 0


def test_every_flipped_bit_of_a_projection_is_found_and_it_is_moved_aside(run):
    file = run / "sgd/projections/line.npz"
    good = file.read_bytes()
    for place in bits(file, 60):
        file.write_bytes(good)
        flip(file, place)
        assert check(run, "--mend")[0] == 1, place
        assert not file.exists()


def test_every_flipped_bit_of_a_sweep_s_jobs_is_found(run):
    job = Job("001-sgd", Spec("surface"), Spec("sgd"), (Lane(42),))
    SweepPlan((job,), Settings(steps=9)).save(run)
    file = run / "sweep.json"
    good = file.read_bytes()
    assert check(run)[0] == 0
    for place in bits(file, 60):
        file.write_bytes(good)
        flip(file, place)
        assert check(run)[0] == 1, place
        with pytest.raises(DynvizError):
            launch.resume(run)


def test_what_older_versions_wrote_is_read_and_gone_on_with(run, whole):
    """Before format 2 run.json had no checksum."""
    file = run / "sgd/run.json"
    tree = json.loads(file.read_text())
    del tree["checksum"]
    file.write_text(json.dumps(tree | {"format": 1}, indent=1))
    assert check(run)[0] == 0
    dynviz.resume(run, steps=70, trust="/")
    assert json.loads(file.read_text())["format"] == FORMAT
    assert check(run)[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_every_flipped_bit_of_samples_checkpoints_and_events_is_found_and_mended(whole, tmp_path, seed):
    random = Random(seed)
    files = [path for path in sorted(whole.rglob("*")) if path.suffix in {".npy", ".npz", ".jsonl"}]
    files = [path for path in files if path.parent.name != "projections"]
    for number in range(25):
        run = Path(shutil.copytree(whole, tmp_path / str(number)))
        file = random.choice(files)
        place = random.randrange(8 * file.stat().st_size)
        flip(run / file.relative_to(whole), place)
        status, words = check(run, "--mend")
        assert status == 1, (file, place, words)
        if dynviz.open(run)["sgd"].status != "finished":
            dynviz.resume(run, trust="/")
        assert content(run) == content(whole), (file, place, words)
        assert check(run)[0] == 0, (file, place, check(run))
