"""Pictures that commands and tapes make: what they carry is run again, and nothing else is."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import dynviz
from dynviz.animation.recipe import KEY, CommandRecipe, TapeRequest
from dynviz.cli import commands, repeating
from dynviz.errors import DynvizError
from dynviz.remaking.found import find
from tests.test_replay import replay

BOTH = "the results are the same numbers\nthe picture shows the same\n"
COMMANDS = {
    "memory.svg": "memory surface:f=booth -o adam -o shampoo",
    "scores.png": "score surface:f=booth,spread=0.2 -o adamw -o lion:beta1=0.8 --target loss=0.01 --steps 60"
    " --studies 2 --trials 2 --size 400x300 --theme dark",
    "published.pdf": "score --published --unit steps --tau 3",
    "ladder.png": "ladder surface:f=rosenbrock -o adam:lr=0.01 --change lr=0.05 --change +sam:rho=0.01 --change"
    " scenario.noise=1 --at spread=0.1 --target loss=1 --steps 60 --seeds 3,5",
    "gap.png": "diff adam torch.optim.Adam:amsgrad=true --steps 30 --rtol 1e-9",
}


def call(words, *more, code=0):
    done = CliRunner().invoke(commands, [*words.split(), *map(str, more)])
    assert done.exit_code == code, done.output
    return done


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_draws_is_run_again(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call(COMMANDS[name], "--picture", name, code=name == "gap.png")
    recipe = find(Path(name))
    # The arguments mean what was written; where it writes is not among them.
    command = commands.get_command(None, recipe.command)
    asked, written = (
        command.make_context(recipe.command, list(words)).params
        for words in (recipe.arguments, COMMANDS[name].split()[1:])
    )
    assert asked == written
    code, words, _ = replay(name, "--check")
    assert (code, words[-len(BOTH) :]) == (0, BOTH)
    assert replay(name)[0] == 0
    assert find(Path(f"{Path(name).stem}-replay", name)) == recipe
    assert find(Path(name)) == recipe


def test_a_resumed_command_has_the_recipe_of_the_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call(COMMANDS["scores.png"], "--picture", "a.png", "--out", "scores")
    call("score --resume scores --size 400x300 --theme dark", "--picture", "b.png")
    assert find(Path("a.png")) == find(Path("b.png"))


def test_measured_times_are_measured_anew_and_not_compared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call("bench surface:f=booth,spread=[0.1,0.2] -o sgd", "--picture", "a.png")
    assert find(Path("a.png")).crc is None
    code, _, problem = replay("a.png", "--check")
    assert (code, "leave out --check" in problem) == (1, True)
    code, words, _ = replay("a.png")
    assert (code, "are not compared" in words) == (0, True)


def test_code_and_files_of_ones_own_are_in_no_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(Path(__file__).parent.joinpath("files", "bowl.py").read_text())
    call("memory ./mine.py -o adam", "--picture", "a.png")
    with pytest.raises(DynvizError, match="cannot be made again: its command reads files of your own"):
        find(Path("a.png"))


def test_several_pictures_are_checked_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call("memory surface -o adam", "--picture", "a.png")
    call("memory surface -o sgd", "--picture", "b.svg")
    (tmp_path / "c.svg").write_text("<svg/>")
    code, words, _ = replay("a.png", "b.svg", "--check")
    assert (code, words.splitlines()[-1]) == (0, "2 of 2 pictures come out the same")
    code, words, _ = replay("a.png", "c.svg", "b.svg", "--check")
    assert (code, words.splitlines()[-2:]) == (1, ["2 of 3 pictures come out the same", "these do not: c.svg"])
    assert "c.svg does not say how it was made" in words
    assert replay("a.png", "b.svg")[0] == 2
    assert replay("a.png", "b.svg", "--check", "--out", "both")[0] == 2


TOUCH = "touch pwned"


def hostile(file, command, *arguments, crc=0):
    info = PngInfo()
    info.add_itxt("Comment", CommandRecipe(command=command, arguments=arguments, suffix=".png", crc=crc).line())
    Image.new("RGB", (4, 4)).save(file, pnginfo=info)
    return file


@pytest.mark.parametrize(
    ("command", "arguments", "why"),
    [
        ("run", ("surface", "-o", "adamw"), "names the command 'run'"),
        ("memory", ("-o", "adam", "--picture=kept.png"), "gives 'picture' to memory"),
        ("score", ("surface", "-o", "adam", "--target=loss=1", "--csv=kept.csv"), "gives 'csv' to score"),
        ("score", ("--resume=runs",), "gives 'resume' to score"),
        ("memory", ("--nonsense",), "has no command that dynviz memory understands"),
        ("memory", ("--help",), "has no command that dynviz memory understands"),
        ("memory", ("-o", "./mine.py"), "reads files of your own"),
        ("memory", ("-o", "mine.Rule"), "runs code that is not part of dynviz, mine.Rule"),
        ("memory", ("mine", "-o", "adam+mine.Modifier"), "runs code that is not part of dynviz, mine"),
        ("ladder", ("surface", "-o", "sgd", "--change=+mine.M", "--target=loss=1"), "not part of dynviz, mine.M"),
        ("ladder", ("surface", "-o", "sgd", "--change=mine.R:lr=1", "--target=loss=1"), "not part of dynviz, mine.R"),
        ("ladder", (), "names no scenario, or no optimizer"),
        ("diff", ("mine@HEAD", "adam"), "not part of dynviz, mine@HEAD"),
        ("diff", ("", "adam"), "reads files of your own"),
        ("diff", ("folder", "adam"), "compares recordings"),
        ("diff", ("adam", "sgd", "--theme=mine.toml"), "reads files of your own"),
        ("memory", ("icon:picture=kept.png", "-o", "adam"), "reads files of your own"),
        ("score", ("surface", "-o", "adam", "--target=loss=1", "--size", "--published"), "size '--published'"),
        ("diff", (f"optax._src.base.jax._src.config.os.system:command={TOUCH}", "adam"), "without a picture"),
        ("diff", ("optax.projections.jax.numpy.sin", "adam"), "without a picture"),
        ("diff", ("optax.contrib._muon.muon", "adam"), "without a picture"),
        ("diff", ("torch.optim.optimizer.defaultdict", "adam"), "without a picture"),
    ],
)
def test_no_other_command_and_no_other_option_is_taken_from_a_picture(command, arguments, why, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("raise SystemExit('it ran')")
    (tmp_path / "kept.png").write_text("kept")
    (tmp_path / "folder").mkdir()
    code, words, problem = replay(hostile(tmp_path / "a.png", command, *arguments))
    assert (code, words) == (1, "")
    assert why in problem
    left = {"a.png", "folder", "kept.png", "mine.py"}
    assert {path.name for path in tmp_path.iterdir()} - {"a-replay"} == left
    assert not any(path.is_file() for path in tmp_path.glob("a-replay/*"))


def test_every_command_that_draws_results_can_be_repeated():
    drawing = {
        name
        for name in commands.list_commands(None)
        if any("--picture" in option.opts for option in commands.get_command(None, name).params)
    }
    # Of a comparison the recordings are drawn, which have recipes of their own.
    assert drawing - {"compare"} == set(repeating.REPEATED)
    for name, known in repeating.REPEATED.items():
        assert known <= {option.name for option in commands.get_command(None, name).params}


TAPE = """
Play "runs/rose" runs/rose/sgd@0
Output all.gif
Output all.svg
Set Columns 80
Set Rows 20
Set Framerate 4
Screenshot first.png
Type "[["
Sleep 1s
Wait /step \\d+/
Type "v"
Screenshot second.svg
"""


@pytest.fixture(scope="module")
def taped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("taped")
    dynviz.run("surface:f=rosenbrock", ["adamw", "sgd:lr=1e-3"], steps=40, seeds="0:2", out=folder / "runs/rose")
    (folder / "a.tape").write_text(TAPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        call("tape a.tape")
        (folder / "still.svg").write_text(call("play runs/rose --at 30 --size 80x20 --svg").output)
    return folder


@pytest.mark.parametrize("name", ["all.gif", "all.svg", "first.png", "second.svg", "still.svg"])
def test_a_tape_is_played_again_on_what_is_trained_again(taped, name, tmp_path):
    recipe = find(taped / name)
    assert isinstance(recipe.picture, TapeRequest)
    assert recipe.picture.sources == (("rose",) if name == "still.svg" else ("rose", "rose/sgd@0"))
    assert replay(taped / name, "--check")[:2] == (
        0,
        f"all {6 if name == 'still.svg' else 9} channels and measurements hold the same numbers\n"
        "the picture shows the same\n",
    )


def changed(taped, file, **fields):
    tree = json.loads(find(taped / "all.gif").line())
    tree["picture"] |= fields
    file.write_text(json.dumps(tree))
    return file


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"sources": ["../rose"]}, "sources"),
        ({"sources": ["/tmp"]}, "sources"),
        ({"sources": ["a/b/c"]}, "sources"),
        ({"sources": []}, "sources"),
        ({"shot": 7}, "no screenshot 8"),
        ({"text": "Play a\nWait /(a+)+b/\n"}, "may take forever to find"),
        ({"text": "Play a\nWait /.*.*b/\n"}, "may take forever to find"),
        ({"text": "Play a\nWait /\\\\*\\\\*x/\n"}, "may take forever to find"),
        ({"text": "Play a\n" + "Left@0 1000\n" * 30}, "over 20000 keys"),
        ({"text": "Play a\nSet Theme 'mine.toml'\n"}, "theme of its author's own"),
        ({"suffix": ".exe"}, "animations"),
        ({"text": "Play a\nSet View ./mine.py\n"}, "line 2"),
        ({"text": "Nonsense"}, "line 1"),
        ({"text": 'Play a\nType "e"\n'}, "a tape cannot do"),
    ],
)
def test_a_tape_from_elsewhere_does_no_harm(taped, fields, why, tmp_path):
    code, _, problem = replay(changed(taped, tmp_path / "a.svg", **fields), "--out", tmp_path / "out")
    assert code == 1
    assert why in problem


def test_a_sweep_is_in_no_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call("sweep surface:f=[booth,beale] -o sgd --steps 5 --out runs/sweep")
    (tmp_path / "a.svg").write_text(call("play runs/sweep --svg").output)
    with pytest.raises(DynvizError, match="cannot be made again: it shows a sweep"):
        find(tmp_path / "a.svg")


def test_the_line_of_a_command_is_one_of_ascii_without_markup():
    line = CommandRecipe(command="score", arguments=("<ä>&",), suffix=".png", crc=None).line()
    assert line.isascii()
    assert not set("<>&") & set(line)
    assert json.loads(line)[KEY] == 1
