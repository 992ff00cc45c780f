"""Claims files: bundled ones are read, and what does not fit is refused in one line that names the place."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import dynviz
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.recording.projections import load
from dynviz.reporting.commands import read_command
from dynviz.reporting.planes import local_minima, rise, roughness
from dynviz.reporting.reading import only, read_claims

FOLDER = Path(__file__).parent.parent / "claims"
FILES = sorted(FOLDER.glob("*.toml"))
HEAD = 'format = 1\ntitle = "t"\nsource = "s"\nabout = "a"\n'
RUN = '[runs.bowl]\ncommand = "run surface:f=booth -o adam -o sgd --steps 8"\n'
CLAIM = """
[[claims]]
id = "falls"
says = "The loss falls."
value = { run = "bowl", optimizer = "adam", channel = "loss", over = "change" }
expect = { below = 0 }
"""
GOOD = HEAD + RUN + CLAIM


def read(tmp_path, text):
    path = tmp_path / "c.toml"
    path.write_text(text)
    return read_claims(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_bundled_claims_are_valid(path):
    claims = read_claims(path)
    for claim in claims.claims:
        assert claim.says.endswith((".", "!"))
        assert claim.out_of_reach.endswith((".", "")) or not claim.out_of_reach
    used = {quantity.run for claim in claims.claims for quantity in claim.quantities}
    assert set(claims.runs) <= used
    assert used - {""} <= set(claims.runs)


def test_there_are_many_claims_of_all_five_documents():
    assert len(FILES) == 5
    assert sum(len(read_claims(path).claims) for path in FILES) >= 60


def test_a_claim_is_read(tmp_path):
    claims = read(tmp_path, GOOD)
    assert claims.runs["bowl"].command.optimizers == ("adam", "sgd")
    (claim,) = claims.claims
    assert claim.value.over == "change"
    assert claim.expect.includes(-1)
    assert not claim.expect.includes(0)


def test_what_a_value_is_compared_with_takes_over_what_is_not_written(tmp_path):
    text = GOOD.replace("expect =", 'against = { optimizer = "sgd" }\nexpect =')
    (claim,) = read(tmp_path, text).claims
    assert (claim.against.optimizer, claim.against.channel, claim.against.over) == ("sgd", "loss", "change")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1", "format = 2", "format is 2; this dynviz reads up to 1"),
        ("format = 1", "form = 1", "form is not a known field"),
        ('title = "t"', "title = 3", "title is 3, not a text"),
        ('title = "t"', 'title = ""', "title has 0 characters"),
        ('id = "falls"', 'id = "../falls"', r"claims\[0\].id is '../falls', not lower-case words"),
        ('id = "falls"', 'id = "<b>"', "not lower-case words"),
        ('"loss", over', '"loss", eval = "1", over', r"claims\[0\].value.eval is not a known field"),
        ('over = "change"', 'over = "__import__"', r"value.over is '__import__', not one of last, first, mean"),
        ('over = "change"', 'of = "lambda"', "value.of is 'lambda', not one of mean, sum"),
        ('over = "change"', 'over = "at"', "step goes with over = 'at'"),
        ('over = "change"', 'over = "falls-to"', "threshold goes with"),
        ('over = "change"', "part = [0.5, 0.1]", "value.part is not two fractions"),
        ('over = "change"', 'part = ["a", 1]', r"value.part\[0\] is 'a', not a number"),
        ('channel = "loss"', 'measure = "diverged", channel = "loss"', "one of channel, measure and calculate"),
        ('run = "bowl"', 'run = "bow"', "no run named 'bow'; did you mean 'bowl'"),
        ('optimizer = "adam", ', "", "run 'bowl' has several optimizers"),
        ('optimizer = "adam"', 'optimizer = "adamw"', "no optimizer named 'adamw'"),
        ("{ below = 0 }", "{}", "expect needs either equals"),
        ("{ below = 0 }", "{ below = nan }", "below is nan, not a finite number"),
        ("{ below = 0 }", "{ above = 1, below = 0 }", "no number is both"),
        ("{ below = 0 }", "{ equals = 0, tolerance = -1 }", "the tolerance of expect cannot be negative"),
        ("expect = { below = 0 }", "", "it needs value and expect, or out_of_reach"),
        (
            "expect = { below = 0 }",
            'expect = { below = 0 }\nout_of_reach = "no"',
            "it takes neither|takes neither value",
        ),
        ("expect = { below = 0 }", 'expect = { below = 0 }\nview = "./mine.py"', "is not a bundled view"),
        ("expect = { below = 0 }", 'expect = { below = 0 }\ncompare = "distance"', "a distance needs against"),
        ("run surface", "fork surface", "is neither 'run' nor 'sweep'"),
        ("run surface", "run; rm -rf surface", "is neither 'run' nor 'sweep'"),
        ("--steps 8", "--steps 0", "0 steps; write 1 or more"),
        ("--steps 8", "--out /etc/passwd", "unrecognized arguments: --out /etc/passwd"),
        ("--steps 8", "--trust evil.py", "unrecognized arguments: --trust evil.py"),
        ("--steps 8", "--seeds 3:1", "3:1"),
        ("-o sgd", "-o sgd:lr=[1,2]", "has a grid, which only 'sweep' takes"),
        ("-o adam -o sgd", "", "names no optimizer"),
        ("f=booth", "f=booth'", "cannot be read: No closing quotation"),
        ("surface:", "surfaces:", "no scenario named 'surfaces'; did you mean 'surface'"),
        ("[runs.bowl]", '[runs."../bowl"]', "not lower-case words"),
        ("format = 1", "format = ", "it is not TOML"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(tmp_path, old, new, message):
    assert old in GOOD
    path = tmp_path / "c.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(DynvizError, match=message) as caught:
        read_claims(path)
    assert "\n" not in str(caught.value)
    assert "c.toml" in str(caught.value)


def test_hostile_files_are_refused(tmp_path):
    path = tmp_path / "c.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DynvizError, match="not UTF-8"):
        read_claims(path)
    path.write_text("a = " + "[" * 100_000)
    with pytest.raises(DynvizError, match="not TOML"):
        read_claims(path)
    path.write_text(GOOD + "#" * (1 << 20))
    with pytest.raises(DynvizError, match="larger than a claims file may be"):
        read_claims(path)
    with pytest.raises(DynvizError, match="cannot read"):
        read_claims(tmp_path / "none.toml")
    with pytest.raises(DynvizError, match="cannot read"):
        read_claims(tmp_path)
    with pytest.raises(DynvizError, match="501 entries, not 1 to 500"):
        read(tmp_path, HEAD + RUN + "".join(CLAIM.replace("falls", f"falls-{number}") for number in range(501)))
    with pytest.raises(DynvizError, match="two claims have the id 'falls'"):
        read(tmp_path, GOOD + CLAIM)


def test_control_characters_do_not_reach_a_terminal(tmp_path):
    (claim,) = read(tmp_path, GOOD.replace("The loss falls.", "The loss\\u001b[2J falls.")).claims
    assert "\x1b" not in claim.says


def test_a_command_is_written_as_a_shell_takes_it():
    text = "run surface:f='(1-x)**2' -o 'sgd:lr=cosine(0.1)' --steps 5 --record 'term.*' --dtype float64"
    command = read_command(text)
    words = command.words("0:8", "runs/a b")
    assert read_command(words.replace(" --out 'runs/a b'", "").replace(" --seeds 0:8", "")) == command
    assert "--seeds 0:8 " in words
    assert words.endswith("--out 'runs/a b'")


def test_one_claim_can_be_chosen(tmp_path):
    claims = read(tmp_path, GOOD + '[[claims]]\nid = "far"\nsays = "No."\nout_of_reach = "Far."\n')
    assert [claim.id for claim in only(claims, ("far",)).claims] == ["far"]
    assert only(claims, ("far",)).runs == {}
    with pytest.raises(DynvizError, match="no claim named 'fa'"):
        only(claims, ("fa",))


def test_the_command_line_says_what_is_wrong_in_one_line(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(GOOD.replace("below", "beneath"))
    done = CliRunner().invoke(commands, ["report", str(path)])
    assert isinstance(done.exception, DynvizError)
    assert "expect.beneath is not a known field" in str(done.exception)


PLANE = """
format = 1
title = "t"
source = "s"
about = "a"
[runs.digits]
command = "run landscape:width=4 -o sgd --steps 4 --record parameters:every=4 --seeds 0,1"
project = "project --grid 5 --extent 0.5 --of train_loss"
quick = 4
[[claims]]
id = "rises"
says = "The loss rises around what was trained."
value = { run = "digits", measure = "surface-rise" }
expect = { above = 0 }
"""


def test_a_plane_is_a_source_of_claims(tmp_path):
    (tmp_path / "planes.toml").write_text(PLANE)
    words = [tmp_path / "planes.toml", "--out", tmp_path / "out", "--recordings", tmp_path / "cache", "--no-pictures"]
    done = CliRunner().invoke(commands, ["report", *map(str, words)])
    assert done.exit_code == 0, done.output
    (claim,) = json.loads((tmp_path / "out" / "report.json").read_text())["claims"]
    assert len(claim["values"]) == 2
    training, evaluating = claim["commands"]
    recording = dynviz.open(training.rpartition(" --out ")[2])["sgd"]
    for lane, name in enumerate(("claim", "claim-lane-1")):
        losses = load(recording.folder, name).values[0]
        assert losses.shape == (5, 5)
        assert claim["values"][lane] == pytest.approx(losses.max() - losses[2, 2], rel=1e-5)
    # What is shown is what the command line makes of the same words.
    done = CliRunner().invoke(commands, [*shlex.split(evaluating)[1:], "--name", "same"])
    assert done.exit_code == 0, done.output
    assert (load(recording.folder, "same").values == load(recording.folder, "claim").values).all()
    # All is there already, and an update keeps the verdict.
    again = CliRunner().invoke(commands, ["report", *map(str, words), "--update"])
    assert again.exit_code == 0, again.output
    assert "run 1 of" not in again.output


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("project --grid 5", "run --grid 5", "is not 'project'"),
        ("--grid 5", "--grid 1000", "a grid of 1000 points; write 3 to 101"),
        ("--extent 0.5", "--to /etc", "unrecognized arguments: --to /etc"),
        ('project = "project --grid 5 --extent 0.5 --of train_loss"', "", "surface-rise needs a line or plane"),
    ],
)
def test_a_plane_that_does_not_fit_is_refused(tmp_path, old, new, message):
    with pytest.raises(DynvizError, match=message):
        read(tmp_path, PLANE.replace(old, new))


def test_shapes_of_surfaces_are_those_of_known_functions():
    x, y = np.meshgrid(np.linspace(-1, 1, 21), np.linspace(-1, 1, 21))
    bowl, waves = x**2 + y**2, np.cos(2.5 * np.pi * x) * np.cos(2.5 * np.pi * y)
    assert local_minima(bowl) == 1
    # Five half waves in each direction: 25 peaks and dips inside in a checkerboard, with a peak in the middle.
    assert local_minima(waves) == 12
    assert roughness(bowl) == pytest.approx(2 * 0.1**2 / 2)
    assert roughness(waves) > 10 * roughness(bowl)
    assert (rise(bowl), rise(-bowl), roughness(0 * x)) == (2.0, 0.0, 0.0)
