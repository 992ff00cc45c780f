"""The gallery's commands make the gallery's pictures."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from dynviz.cli import commands
from dynviz.reporting.reading import read_claims

GALLERY = Path(__file__).parent.parent / "gallery"
TEXT = (GALLERY / "README.md").read_text()
COMMANDS = [line for line in TEXT.splitlines() if line.startswith("dynviz ")]
BUDGETS = re.findall(r"^- `(dynviz sweep .+)`$", TEXT, re.MULTILINE)
"""Commands that want a GPU and are not run for the page."""
PICTURES = sorted(set(re.findall(r"!\[.*?\]\((.+?)\)", TEXT)))


PAGES = sorted(path.name for path in (GALLERY / "pages").iterdir())
REPORTS = sorted(path.name for path in (GALLERY / "reports").iterdir())
SHORT = {
    "adamw": "exact-is-always-right",
    "lecture": "descent-finds-smooth-minimum",
    "recovery": "adam-equals-adamw",
    "sensing": "convex-bound",
    "sketchy": "gaussian-null",
}
"""A claim of each document that is decided in seconds."""

MANY = 20
"""Words of a sweep with so many optimizers that two stand for all."""
FEW_LABELS = 6
"""More names than this are those of such a sweep."""
LONGER = {"runs/falling": "200"}
"""The steps of runs whose views need more than a few."""


def quick(command):
    """The arguments of a command, cut to a few steps, frames and points."""
    name, *arguments = shlex.split(command)[1:]
    if name == "report":
        # One claim that needs a short run, as the whole takes half an hour.
        claims = GALLERY.parent / arguments[0]
        seeds = ["--seeds", "0:2", "--quick", "--no-pictures"]
        return [name, str(claims), *arguments[1:], *seeds, "--claim", SHORT[claims.stem]]
    if name == "compare":
        arguments = _without(_without(arguments, "--tune"), "--seeds")
        arguments += ["--tune", "1", "--seeds", "0:2", "--jobs", "1"]
    if name == "sweep" and len(arguments) > MANY:
        # Two of many optimizers, and one size.
        places = [place for place, word in enumerate(arguments) if word == "-o"]
        arguments = [*arguments[: places[2]], *arguments[places[-1] + 2 :]]
        arguments[0] = re.sub(r"V=\[(\d+),.*?\]", r"V=[\1]", arguments[0])
    if name in ("run", "sweep"):
        # At each of the few steps: a plane through a way takes three places.
        arguments = [re.sub(r"^parameters(:.*)?$", "parameters:every=1", each) for each in arguments]
        # A file of changes is a recording's that was made elsewhere, and longer.
        steps = next((number for run, number in LONGER.items() if run in arguments), "4")
        return [name, *(_without(_without(arguments, "--steps"), "--changes")), "--steps", steps]
    if name in ("ladder", "score") and "--steps" in arguments:
        shorter = ["--steps", "4", "--jobs", "1", *(["--studies", "1"] if name == "score" else ["--seeds", "0:2"])]
        return [name, *_without(_without(arguments, "--steps"), "--seeds"), *shorter]
    if name == "tape":
        # As long, but of few frames.
        coarse = re.sub("Set Framerate .*", "Set Framerate 1", (GALLERY.parent / arguments[0]).read_text())
        Path("coarse.tape").write_text(coarse)
        return [name, "coarse.tape"]
    if name == "fork":
        return [name, *(_without(arguments, "--at")), "--at", "2"]
    if name == "project":
        return [name, *(_without(arguments, "--grid")), "--grid", "3"]
    if name == "sharpness":
        return [name, *arguments, "--samples", "1", "--ways", "2", "--radii", "3"]
    if "--steps" in arguments:
        place = arguments.index("--steps") + 1
        arguments[place] = "0:4" if ":" in arguments[place] else str(min(int(arguments[place]), 4))
    if name == "export" and arguments.count("--label") > FEW_LABELS:
        # The names of the two optimizers that are left of many.
        places = [place for place, word in enumerate(arguments) if word == "--label"]
        arguments = [*arguments[: places[2]], *arguments[places[-1] + 2 :]]
    arguments = [re.sub(r"before=\d+", "before=2", each) for each in arguments]
    for option, value in (("--frames", "3"), ("--at", "4")):
        if option in arguments:
            arguments[arguments.index(option) + 1] = value
    return [name, *arguments]


def _without(arguments, option):
    if option not in arguments:
        return arguments
    place = arguments.index(option)
    return [*arguments[:place], *arguments[place + 2 :]]


@pytest.mark.slow
def test_the_commands_make_the_pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gallery" / "pages").mkdir(parents=True)
    for command in COMMANDS:
        arguments, _, file = command.partition(" > ")
        done = CliRunner().invoke(commands, quick(arguments))
        assert done.exit_code == 0, (command, done.output, done.exception)
        if file:
            Path(file).write_text(done.stdout)
    made = sorted(path.name for path in (tmp_path / "gallery").iterdir() if path.is_file())
    assert made == [name for name in PICTURES if name != "contact.png"]
    assert sorted(path.name for path in (tmp_path / "gallery" / "reports").iterdir()) == REPORTS
    assert sorted(path.name for path in (tmp_path / "gallery" / "pages").iterdir()) == PAGES


@pytest.mark.slow
@pytest.mark.parametrize(("command", "budget"), [*zip(BUDGETS, ("500", "2000"), strict=True)])
def test_the_full_figures_of_recovery_are_one_command_each(tmp_path, monkeypatch, command, budget):
    monkeypatch.chdir(tmp_path)
    asked = shlex.split(command)[1:]
    assert asked[asked.index("--steps") + 1] == budget
    assert asked.count("-o") == 12
    smaller = asked[1].replace("V=log(4,1000,25)", "V=[4],long=16")
    rules = ["-o", asked[3], "-o", asked[asked.index("--seeds") - 1]]
    out = asked[asked.index("--out") + 1]
    words = ["sweep", smaller, *rules, "--seeds", "0", "--steps", "4", "--jobs", "1", "--out", out]
    for arguments in (words, ["sweep", "--resume", out], ["export", out, "recovery.png", "--view", "snr"]):
        done = CliRunner().invoke(commands, arguments)
        assert done.exit_code == 0, (done.output, done.exception)
    assert len(list(Path(out).glob("*-*"))) == 16
    assert Path("recovery.png").stat().st_size > 5000


def test_the_pictures_are_there_and_small():
    sizes = {
        path.name: path.stat().st_size
        for path in GALLERY.iterdir()
        if path.suffix not in {".md", ".py", ".html", ".tape", ""}
    }
    assert sorted(sizes) == PICTURES
    assert sizes.pop("contact.png") <= 1_500_000
    assert max(sizes.values()) <= 1_000_000, sizes
    assert sum(sizes.values()) <= 13_500_000


def test_the_sheet_has_the_last_frame_of_each_picture(tmp_path):
    for file in (GALLERY / "contact.py", GALLERY / "README.md", GALLERY / "rates.png", GALLERY / "smooth.gif"):
        shutil.copy(file, tmp_path)
    subprocess.run([sys.executable, tmp_path / "contact.py"], check=True)
    with Image.open(tmp_path / "contact.png") as sheet:
        assert sheet.width > 1000
        assert len(sheet.convert("RGB").getcolors(1 << 20)) <= 256


@pytest.mark.parametrize("name", [name for name in PICTURES if name.endswith(".gif")])
def test_a_picture_says_what_made_it(name):
    with Image.open(GALLERY / name) as picture:
        comment = picture.info["comment"].decode()
    assert "seed" in comment
    assert "torch" in comment


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_says_when_and_by_what_it_was_made(name):
    folder = GALLERY / "reports" / name
    tree = json.loads((folder / "report.json").read_text())
    claims = read_claims(GALLERY.parent / "claims" / f"{name}.toml").claims
    assert [claim["id"] for claim in tree["claims"]] == [claim.id for claim in claims]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", tree["day"])
    assert {"dynviz", "torch", "numpy", "python"} <= set(tree["versions"])
    assert tree["seeds"] == "0:8"
    assert not tree["quick"]
    # Of each claim that was measured there is a strip, and no picture is missing.
    text = (folder / "report.md").read_text()
    assert all((folder / file).is_file() for file in re.findall(r"!\[.*?\]\((.+?)\)", text))


def test_the_reports_are_small_and_counted():
    assert sum(path.stat().st_size for path in (GALLERY / "reports").rglob("*") if path.is_file()) <= 2_500_000
    for name in REPORTS:
        counts = json.loads((GALLERY / "reports" / name / "report.json").read_text())["counts"].values()
        cells = r" \| ".join(map(str, counts))
        assert re.search(rf"\(reports/{name}/report\.md\) \| \d+ \| {cells} \|", TEXT)


def test_reports_find_what_is_known_to_differ():
    verdicts = {
        claim["id"]: claim
        for name in REPORTS
        for claim in json.loads((GALLERY / "reports" / name / "report.json").read_text())["claims"]
    }
    assert verdicts["environment-is-voronoi"]["verdict"] == "fails"
    assert verdicts["environment-is-voronoi"]["effect"] == pytest.approx(0.625, abs=0.005)
    # The weights drift along a symmetry, and the function does not.
    assert verdicts["l2-weights-do-not-converge"]["verdict"] == "holds"
    assert verdicts["l2-drift-changes-the-function"]["verdict"] == "fails"
    assert verdicts["l1-lower-loss"]["verdict"] == "depends on the seed"
    low, high = verdicts["l1-lower-loss"]["interval"]
    assert low < 0 < high
    assert verdicts["snr-is-the-loss-ratio"]["verdict"] == "fails"
    assert verdicts["snr-is-the-loss-ratio-at-1024"]["verdict"] == "fails"
    assert 4 < verdicts["snr-is-the-loss-ratio-at-1024"]["effect"] < 9


def test_the_pages_are_small_and_the_index_shows_each(monkeypatch):
    sizes = [path.stat().st_size for path in (GALLERY / "pages").iterdir()]
    assert max(sizes) <= 1_000_000
    assert sum(sizes) <= 3_000_000
    monkeypatch.syspath_prepend(GALLERY)
    import index

    assert (GALLERY / "index.html").read_text() == index.index(GALLERY / "pages")
    assert len(PAGES) == len(sizes) >= 3
