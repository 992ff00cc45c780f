"""`dynviz report` from end to end: trained once, continued after a kill, and nobody's code without consent."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.recording import Run

SLOW = Path(__file__).parent / "files" / "slow_bowl.py"
TEXT = """
format = 1
title = "Bowls"
source = "Nobody"
about = "A bowl is descended."
[runs.bowl]
command = "run surface:f=booth,grid=8,spread=0.1 -o adam -o sgd --steps 40"
quick = 5
[runs.rates]
command = "sweep surface:f=booth,grid=8,spread=0.1 -o sgd:lr=[0.001,0.05] --steps 20"
[runs.broken]
command = "run surface:f=booth,grid=8,domain=(1,0,0,1) -o sgd --steps 20"
[[claims]]
id = "sgd-falls"
says = "SGD lowers the loss."
value = { run = "bowl", optimizer = "sgd", channel = "loss", over = "change" }
expect = { below = 0 }
[[claims]]
id = "adam-is-faster"
says = "Adam is lower than SGD."
value = { run = "bowl", optimizer = "adam", channel = "loss" }
against = { optimizer = "sgd" }
expect = { below = 0 }
[[claims]]
id = "large-rates-are-better"
says = "The larger rate ends lower."
value = { run = "rates", where = { lr = 0.05 }, channel = "loss" }
against = { where = { lr = 0.001 } }
compare = "ratio"
expect = { below = 1 }
[[claims]]
id = "broken-run"
says = "It runs."
value = { run = "broken", channel = "loss" }
expect = { below = 0 }
[[claims]]
id = "no-such-channel"
says = "There is one."
value = { run = "bowl", optimizer = "sgd", channel = "losses" }
expect = { below = 0 }
[[claims]]
id = "far"
says = "It is far."
out_of_reach = "It is too far."
"""


def invoke(*words):
    return CliRunner().invoke(commands, ["report", *map(str, words)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A claims file, and its report."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "bowls.toml").write_text(TEXT)
    done = invoke(folder / "bowls.toml", "--seeds", "0:6", "--out", folder / "out", "--recordings", folder / "cache")
    assert done.exit_code == 0, done.output
    return folder


def test_a_report_decides_what_can_be_decided(folder):
    tree = json.loads((folder / "out" / "report.json").read_text())
    verdicts = {claim["id"]: claim["verdict"] for claim in tree["claims"]}
    assert verdicts == {
        "sgd-falls": "holds",
        "adam-is-faster": "fails",
        "large-rates-are-better": "holds",
        "broken-run": "not decided here",
        "no-such-channel": "not decided here",
        "far": "not decided here",
    }
    reasons = {claim["id"]: claim["reason"] for claim in tree["claims"]}
    assert reasons["broken-run"].startswith("a run failed: ")
    assert "no channel named 'losses'; did you mean 'loss'" in reasons["no-such-channel"]
    assert reasons["far"] == "It is too far."
    assert (folder / "out" / "sgd-falls.webp").is_file()
    assert (folder / "out" / "sgd-falls.svg").read_text().startswith("<svg")
    text = (folder / "out" / "report.md").read_text()
    assert "![Course of what was measured](sgd-falls.webp)" in text
    assert "dynviz sweep surface:f=booth,grid=8,spread=0.1 -o 'sgd:lr=[0.001,0.05]' --seeds 0:6 --steps 20" in text
    assert 'src="sgd-falls.webp"' in (folder / "out" / "report.html").read_text()


def test_the_effect_is_that_of_the_recordings(folder):
    tree = json.loads((folder / "out" / "report.json").read_text())
    claim = next(claim for claim in tree["claims"] if claim["id"] == "adam-is-faster")
    adam, sgd = (Run(shlex.split(command)[-1]) for command in claim["commands"])
    difference = adam["adam"]["loss"][-1].astype(float) - sgd["sgd"]["loss"][-1]
    assert claim["values"] == pytest.approx(difference.tolist(), rel=1e-5)
    assert claim["effect"] == pytest.approx(np.median(difference), rel=1e-5)


def test_nothing_is_trained_twice(folder):
    before = {path: path.stat().st_mtime_ns for path in (folder / "cache").rglob("*.npy")}
    done = invoke(
        folder / "bowls.toml",
        *("--seeds", "0:6", "--out", folder / "again", "--recordings", folder / "cache", "--no-pictures"),
        *("--claim", "sgd-falls", "--claim", "large-rates-are-better"),
    )
    assert done.exit_code == 0, done.output
    assert "run 1 of" not in done.output
    assert {path: path.stat().st_mtime_ns for path in (folder / "cache").rglob("*.npy")} == before


def test_a_quick_look_never_says_that_a_claim_holds(folder):
    done = invoke(
        folder / "bowls.toml",
        *("--quick", "--out", folder / "quick", "--recordings", folder / "cache", "--no-pictures"),
    )
    assert done.exit_code == 0, done.output
    tree = json.loads((folder / "quick" / "report.json").read_text())
    assert {claim["verdict"] for claim in tree["claims"]} == {"not decided here"}
    assert "quick look, which points for it" in tree["claims"][0]["reason"]
    assert len(tree["claims"][0]["values"]) == 2


def test_a_report_is_not_replaced_unasked(folder):
    done = invoke(folder / "bowls.toml", "--claim", "far", "--out", folder / "out", "--recordings", folder / "cache")
    assert isinstance(done.exception, DynvizError)
    assert "exists already; add --force" in str(done.exception)


def own(tmp_path, code, steps):
    path = tmp_path / "own.toml"
    path.write_text(
        'format = 1\ntitle = "t"\nsource = "s"\nabout = "a"\n'
        f'[runs.own]\ncommand = "run {code} -o sgd --steps {steps}"\n'
        '[[claims]]\nid = "falls"\nsays = "It falls."\n'
        'value = { run = "own", channel = "loss", over = "change" }\nexpect = { below = 0 }\n'
    )
    return path


def test_code_of_its_own_runs_with_consent_alone(tmp_path):
    code = tmp_path / "evil.py"
    code.write_text(f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\n" + SLOW.read_text())
    where = ("--out", tmp_path / "out", "--recordings", tmp_path / "cache", "--no-pictures", "--seeds", "0:6")
    done = invoke(own(tmp_path, code, 3), *where)
    assert isinstance(done.exception, DynvizError)
    assert (
        f"which is not part of dynviz and is not run without your consent; if you trust it, add --trust {code}"
        in str(done.exception)
    )
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "cache").exists()
    done = invoke(own(tmp_path, code, 3), *where, "--trust", code)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "ran").exists()
    # What its code makes is not taken for what other code of the same name makes.
    code.write_text(code.read_text() + "\n")
    done = invoke(own(tmp_path, code, 3), *where, "--trust", code, "--force")
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "cache").iterdir())) == 2


@pytest.mark.slow
def test_a_killed_report_continues_where_it_was(tmp_path):
    path = own(tmp_path, SLOW, 400)
    words = [
        str(path),
        "--seeds",
        "0:1",
        "--recordings",
        str(tmp_path / "cache"),
        "--trust",
        str(SLOW),
        "--no-pictures",
    ]
    child = subprocess.Popen(
        [sys.executable, "-m", "dynviz", "report", *words, "--out", str(tmp_path / "out")], stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 60
    while not _recorded(tmp_path / "cache") and time.monotonic() < end:
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert 0 < _recorded(tmp_path / "cache") < 400
    assert not (tmp_path / "out" / "report.json").exists()
    done = invoke(*words, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    (killed,) = (tmp_path / "cache").iterdir()
    words[4] = str(tmp_path / "whole")
    assert invoke(*words, "--out", tmp_path / "other").exit_code == 0
    (whole,) = (tmp_path / "whole").iterdir()
    assert killed.name == whole.name
    assert Run(killed)["sgd"]["loss"].tobytes() == Run(whole)["sgd"]["loss"].tobytes()


def _recorded(cache):
    try:
        return next((Run(run)["sgd"].recorded for run in cache.glob("slow*")), 0)
    except (DynvizError, OSError):
        return 0


@pytest.fixture
def copied(folder, tmp_path):
    """A finished report, its claims and its recordings, to be changed."""
    shutil.copytree(folder / "out", tmp_path / "out")
    shutil.copy(folder / "bowls.toml", tmp_path / "bowls.toml")
    path = tmp_path / "out" / "report.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"day": "2001-02-03"}))
    return tmp_path


def updated(copied, folder, *words):
    shared = ("--seeds", "0:6", "--out", copied / "out", "--recordings", folder / "cache", "--update")
    return invoke(copied / "bowls.toml", *shared, *words)


def verdicts(copied):
    return {claim["id"]: claim for claim in json.loads((copied / "out" / "report.json").read_text())["claims"]}


def test_an_update_decides_what_is_new_or_has_changed_and_keeps_the_rest(copied, folder):
    before = verdicts(copied)
    text = (copied / "bowls.toml").read_text()
    changed = text.replace('says = "Adam is lower than SGD."', 'says = "Adam ends below SGD."')
    (copied / "bowls.toml").write_text(changed.replace('"It is too far."', '"It is out of sight."'))
    done = updated(copied, folder, "--no-pictures")
    assert done.exit_code == 0, done.output
    after = verdicts(copied)
    assert list(after) == list(before)
    assert after["far"]["reason"] == "It is out of sight."
    assert "day" not in after["adam-is-faster"]
    kept = after["sgd-falls"]
    assert kept.pop("day") == "2001-02-03"
    # Numbers are kept to six digits.
    assert {**kept, "words": ""} == {**before["sgd-falls"], "words": ""}
    report = (copied / "out" / "report.md").read_text()
    assert "holds** (decided on 2001-02-03)" in report
    assert "(sgd-falls.webp)" in report
    assert "(decided on 2001-02-03)" in (copied / "out" / "report.html").read_text()
    # And once more: the day is that on which it was decided.
    assert updated(copied, folder, "--no-pictures", "--claim", "adam-is-faster").exit_code == 0
    assert verdicts(copied)["sgd-falls"]["day"] == "2001-02-03"


def test_another_command_is_another_claim(copied, folder):
    text = (copied / "bowls.toml").read_text()
    (copied / "bowls.toml").write_text(text.replace("sgd:lr=[0.001,0.05] --steps 20", "sgd:lr=[0.001,0.05] --steps 21"))
    assert updated(copied, folder, "--no-pictures").exit_code == 0
    after = verdicts(copied)
    assert "day" not in after["large-rates-are-better"]
    assert "day" in after["sgd-falls"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": "0:9"}, "of seeds 0:9"),
        ({"quick": True}, "a quick look"),
        ({"format": 2}, "of format 2"),
        ({"claims": 3}, "without --update"),
        ({"claims": [{"id": "sgd-falls"}]}, ""),
    ],
)
def test_what_cannot_be_updated_is_refused(copied, folder, change, message):
    path = copied / "out" / "report.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    if message:
        assert message in str(updated(copied, folder).exception)
    else:
        assert updated(copied, folder, "--no-pictures").exit_code == 0


def test_an_update_needs_a_report(copied, folder):
    shutil.rmtree(copied / "out")
    assert "no report" in str(updated(copied, folder).exception)
    assert "take one of them" in updated(copied, folder, "--quick").output


def test_a_kept_picture_is_one_of_the_report(copied, folder):
    path = copied / "out" / "report.json"
    tree = json.loads(path.read_text())
    tree["claims"][0]["picture"] = "../elsewhere.png"
    path.write_text(json.dumps(tree))
    assert "not in the folder" in str(updated(copied, folder).exception)
