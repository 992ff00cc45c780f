"""Pictures of reports: the claim that they carry is decided again, and nothing else runs."""

import json
import re
import shutil
from pathlib import Path

import pytest

from dynviz.animation.recipe import KEY, ClaimRecipe, line_of
from dynviz.cli import repeating
from dynviz.errors import DynvizError
from dynviz.remaking.found import find
from dynviz.reporting.claim_recipe import claims_of
from dynviz.reporting.reading import only, read_claims
from tests.test_replay import replay
from tests.test_replay_commands import COMMANDS, call

ROOT = Path(__file__).parent.parent
TEXT = """
format = 1
title = "Bowls"
source = "Nobody"
about = "A bowl is descended."
[runs.bowl]
command = "run surface:f=booth,grid=8,spread=0.1 -o adam:lr=0.01 -o sgd -o lion --steps 40 --record gradient"
reduced = "It is smaller: 1/2, see ./notes.toml."
[runs.rates]
command = "sweep surface:f=booth,grid=8,spread=0.1 -o sgd:lr=[0.001,0.05] --steps 20"
[runs.plane]
command = "run landscape:width=4,batch=8 -o sgd --steps 4 --record parameters"
project = "project --line --grid 5"
most_seeds = 2
[[claims]]
id = "sgd-falls"
says = "SGD lowers the loss."
value = { run = "bowl", optimizer = "sgd", channel = "loss", over = "change", part = [0.1, 1] }
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
value = { run = "rates", where = { lr = 0.05 }, channel = "loss", over = "at", step = 3 }
against = { where = { lr = 0.001 } }
compare = "ratio"
expect = { below = 1 }
[[claims]]
id = "a-line-rises"
says = "The loss rises."
value = { run = "plane", measure = "surface-rise" }
expect = { above = 0 }
single = true
[[claims]]
id = "cosines-are-small"
says = "Vectors are orthogonal."
value = { calculate = "random-cosine", arguments = { dimensions = 10000 } }
expect = { equals = 0, tolerance = 0.1 }
[[claims]]
id = "far"
says = "It is far."
out_of_reach = "It is too far."
"""
NAMES = ("sgd-falls", "adam-is-faster", "large-rates-are-better", "a-line-rises", "cosines-are-small")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    (folder / "bowls.toml").write_text(TEXT)
    call(f"report {folder}/bowls.toml --seeds 0:6 --out {folder}/out --recordings {folder}/cache --no-pictures")
    return folder


def lines(name, verdict="holds", seeds=6):
    return [
        f"the numbers of its {seeds} seeds are the same",
        f"the verdict is the same: {verdict}",
        "the picture shows the same",
    ]


def test_a_picture_of_a_report_carries_its_claim(report):
    assert {file.stem for file in (report / "out").glob("*.svg")} == set(NAMES)
    whole = read_claims(report / "bowls.toml")
    for name in NAMES:
        recipe = find(report / "out" / f"{name}.svg")
        claims = claims_of(recipe)
        assert claims.claims == only(whole, (name,)).claims
        assert set(claims.runs) == set(only(whole, (name,)).runs)
        assert (recipe.seeds, recipe.quick, len(recipe.values)) == ("0:6", False, 2 if name == "a-line-rises" else 6)
    # Of a run that trains more, it holds what it measures.
    assert claims_of(find(report / "out" / "sgd-falls.svg")).runs["bowl"].command.optimizers == ("sgd",)


def test_the_claims_of_several_pictures_are_decided_with_what_is_trained_once(report):
    code, words, problem = replay("--check", *(report / "out" / f"{name}.svg" for name in NAMES))
    told = [line for line in words.splitlines() if not line.endswith(".svg")]
    expected = [
        *lines("sgd-falls"),
        *lines("adam-is-faster", "fails"),
        *lines("large-rates-are-better"),
        *lines("a-line-rises", seeds=2),
        *lines("cosines-are-small"),
        "5 of 5 pictures come out the same",
    ]
    assert (code, told) == (0, expected), problem
    # SGD in a bowl, Adam, a sweep, and a line.
    assert len(re.findall(r"^run \d+ of \d+:", problem, re.M)) == 4


def test_what_is_made_again_is_kept_without_check(report, tmp_path):
    code, _, problem = replay(report / "out" / "sgd-falls.svg", "--out", tmp_path / "again")
    assert code == 0, problem
    assert (tmp_path / "again/sgd-falls.svg").read_bytes() == (report / "out" / "sgd-falls.svg").read_bytes()
    (run,) = (tmp_path / "again/runs").iterdir()
    assert (run / "sgd").is_dir()


def test_an_update_gives_pictures_their_recipes_without_training(report, tmp_path):
    shutil.copytree(report / "out", tmp_path / "out")
    pictures = sorted((tmp_path / "out").glob("*.svg"))
    before = {picture: picture.read_text() for picture in pictures}
    for picture in pictures:
        # As reports were before.
        picture.write_text(re.sub("<metadata>.*</metadata>", "", before[picture]))
        with pytest.raises(DynvizError, match="does not say how it was made"):
            find(picture)
    call(f"report {report}/bowls.toml --seeds 0:6 --update --out {tmp_path}/out --recordings {tmp_path}/none")
    assert {picture: picture.read_text() for picture in pictures} == before
    assert not (tmp_path / "none").exists()


def changed(report, tmp_path, change):
    tree = json.loads(find(report / "out" / "sgd-falls.svg").line())
    del tree[KEY]
    change(tree)
    file = tmp_path / "sgd-falls.svg"
    text = (report / "out" / "sgd-falls.svg").read_text()
    file.write_text(re.sub("<metadata>.*</metadata>", lambda _: f"<metadata>{line_of(tree)}</metadata>", text))
    return file


@pytest.mark.parametrize(("factor", "told", "alike"), [(1.001, "within 1 %", 0), (1.1, "other ones", 1)])
def test_other_numbers_are_told(report, tmp_path, factor, told, alike):
    file = changed(report, tmp_path, lambda tree: tree.update(values=[factor * one for one in tree["values"]]))
    code, words, _ = replay("--check", file)
    assert (code, told in words.splitlines()[0]) == (1, True)
    assert replay("--check", "--alike", file)[0] == alike


def test_another_verdict_is_told(report, tmp_path):
    file = changed(report, tmp_path, lambda tree: tree.update(verdict="fails"))
    code, words, _ = replay("--check", "--alike", file)
    assert (code, words.splitlines()[1]) == (1, "holds; it was: fails")


def put(*path, value):
    def change(tree):
        for key in path[:-1]:
            tree = tree[key]
        tree[path[-1]] = value

    return change


COMMAND = ("claims", "runs", "bowl", "command")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (put(*COMMAND, value="run ./mine.py -o sgd"), "reads files of your own"),
        (put(*COMMAND, value="run mine -o sgd"), "mine"),
        (put(*COMMAND, value="run surface -o sgd -o mine.Rule"), "not part of dynviz, mine.Rule"),
        (put(*COMMAND, value="run surface -o sgd -o sgd+mine.M"), "mine.M"),
        (put(*COMMAND, value="run surface -o sgd --out kept"), "takes -o"),
        (put(*COMMAND, value="run icon:picture=kept.png -o sgd"), "reads files of your own"),
        (put(*COMMAND, value="run icon -o sgd -o sgd+l2:decay=kept.x"), "reads files of your own"),
        (put(*COMMAND, value="score surface -o sgd"), "neither 'run' nor 'sweep'"),
        (put(*COMMAND, value="run 'surface -o sgd"), "cannot be read"),
        (put(*COMMAND, value=7), "not a text"),
        (put("claims", "runs", "bowl", "project", value="project --to /tmp"), "reads files of your own"),
        (put("claims", "runs", value={}), "no run named 'bowl'"),
        (put("claims", "runs", value=[]), "not a mapping"),
        (put("claims", "claims", value=[]), "claims"),
        (put("claims", "claims", 0, "view", value="./mine.py"), "not a bundled view"),
        (put("claims", "claims", 0, "more", value=1), "not a known field"),
        (put("claims", "claims", 0, value={"id": "a", "says": "b", "out_of_reach": "c"}), "one claim with a number"),
        (put("claims", "format", value=2), "reads up to 1"),
        (put("seeds", value="a:b"), "seed"),
        (put("values", value=[]), "values"),
        (put("values", value=["a"]), "values"),
        (put("suffix", value="/../a.svg"), "suffix"),
        (put("more", value=1), "more"),
    ],
)
def test_no_other_code_and_no_file_is_taken_from_a_picture(report, tmp_path, monkeypatch, change, why):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("open('ran', 'w')")
    (tmp_path / "kept.png").write_text("kept")
    code, words, problem = replay("--check", changed(report, tmp_path, change))
    assert (code, words) == (1, "")
    assert why in problem
    assert len(problem.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"sgd-falls.svg", "mine.py", "kept.png"}


def test_a_claim_that_runs_code_of_ones_own_says_why_it_has_no_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(Path(__file__).parent / "files" / "bowl.py", "bowl.py")
    text = TEXT.partition("[runs.rates]")[0].replace("surface:f=booth,grid=8,spread=0.1", "./bowl.py")
    claim = TEXT.partition("[[claims]]")[2].partition("[[claims]]")[0]
    (tmp_path / "own.toml").write_text(f"{text.replace('--record gradient', '')}[[claims]]{claim}")
    call("report own.toml --seeds 0:6 --out out --recordings cache --no-pictures --trust bowl.py")
    with pytest.raises(DynvizError, match="cannot be made again: its command reads files of your own"):
        find(tmp_path / "out" / "sgd-falls.svg")


@pytest.mark.parametrize("name", ["sgd-falls.svg", "scores.png", "gap.png"])
def test_what_is_stopped_says_so_in_one_line(report, tmp_path, monkeypatch, name):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    if name in COMMANDS:
        call(COMMANDS[name], "--picture", name, code=name == "gap.png")
    else:
        shutil.copy(report / "out" / name, name)
    monkeypatch.setattr("dynviz.reporting.claim_recipe.decide", stop)
    monkeypatch.setattr("dynviz.sweeps.launch.complete", stop)
    monkeypatch.setattr("dynviz.cli.diff._compared", stop, raising=False)
    code, words, problem = replay("--check", name)
    assert (code, words) == (130, "")
    assert problem.strip().splitlines()[-1] == f"stopped before {name} was made"
    assert "--resume" not in problem


def test_pictures_of_results_and_of_claims_are_told_apart():
    assert "report" not in repeating.REPEATED
    assert {"claims", "values"} <= set(ClaimRecipe.__dataclass_fields__)
