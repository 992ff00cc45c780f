"""The registry: what it finds, what it refuses, and what it does not import."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dynviz import plugins
from dynviz.errors import DynvizError
from dynviz.plugins import early
from dynviz.plugins.options import MISSING

ROOT = Path(__file__).parent.parent
FOUND = [(plural, name) for plural in plugins.KINDS for name in plugins.files(plural)]


@pytest.mark.parametrize(("plural", "name"), FOUND)
def test_a_plugin_says_what_it_is_in_one_sentence(plural, name):
    line = plugins.summary(plugins.files(plural)[name])
    assert 10 < len(line) <= 80
    assert line.endswith(".")


@pytest.mark.parametrize(("plural", "name"), FOUND)
def test_every_option_has_a_type_and_an_explanation(plural, name):
    for option in plugins.load(plural, name).options.values():
        assert option.help, option.name
        assert option.type_name


@pytest.mark.parametrize(("plural", "name"), FOUND)
def test_every_bundled_file_is_a_valid_users_file(plural, name, tmp_path):
    copy = tmp_path / "my_copy.py"
    shutil.copy(plugins.files(plural)[name], copy)
    mine, ours = plugins.load(plural, str(copy)), plugins.load(plural, name)
    assert mine.stem == "my-copy"
    assert mine.options == ours.options
    assert mine.file == str(copy)


def test_the_packages_are_the_folders():
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "dynviz").rglob("*.py")}
    expected = {".".join(folder.parts) for folder in folders} | {"dynviz.scenarios"}
    assert set(tables["packages"]) == expected
    assert tables["package-dir"] == {"dynviz": "dynviz", "dynviz.scenarios": "scenarios"}


LIGHT = """
import sys
from click.testing import CliRunner
from dynviz.cli import commands
for arguments in {arguments}:
    result = CliRunner().invoke(commands, arguments)
    assert result.exit_code == 0, (arguments, result.output, result.exception)
print(sorted({heavy} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        ([["--help"], ["run", "--help"], ["export", "--help"]], ["torch", "numpy", "matplotlib", "textual", "rich"]),
        ([["list"], ["list", "optimizers"], ["list", "scenarios"]], ["torch", "matplotlib", "textual", "rich"]),
        ([["list", "views", "curves"], ["list", "exporters", "gif"]], ["torch", "textual"]),
    ],
)
def test_what_needs_no_training_imports_nothing_heavy(arguments, heavy, tmp_path):
    code = LIGHT.format(arguments=arguments, heavy=set(heavy))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


@pytest.mark.parametrize(
    ("plural", "text", "says"),
    [
        ("optimizers", "adamww", "no optimizer named 'adamww'; did you mean 'adamw'"),
        ("scenarios", "vorono", "did you mean 'voronoi'"),
        ("optimizers", "./none.py", "there is no file ./none.py"),
        ("optimizers", "torch.optim.AdamWW", "did you mean 'AdamW'"),
        ("optimizers", "tortch.optim.Adam", "no optimizer at import path"),
        ("optimizers", "torch.optim", "no optimizer in torch named 'optim'"),
        ("optimizers", ".", "'.' is neither an import path"),
        ("optimizers", "..adam", "'..adam' is neither an import path"),
        ("optimizers", "rules/mine.txt", "nor a file, whose path ends at .py"),
        ("optimizers", "collections.OrderedDict", "does not say what it takes"),
        ("scenarios", "voronoi:hidden=inf", "hidden takes int"),
        ("optimizers", "adamw:rate=1", "no option of optimizer adamw named 'rate'"),
        ("optimizers", "adamw:lr=big", "lr takes float"),
        ("optimizer", "adamw", "no kind of plug-in named 'optimizer'; did you mean 'optimizers'"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(plural, text, says):
    with pytest.raises(DynvizError) as caught:
        plugins.load(plural, text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def broken(:\n", "mine.py, line 1: "),
        ("x = 1\nraise ValueError('no')\n", "mine.py, line 2: ValueError: no"),
        ("import no_such_module\n", "mine.py, line 1: ModuleNotFoundError"),
        ("x = 1\n", "does not bind 'optimizer'"),
        ("optimizer = 3\n", "binds 'optimizer' to an object of type int, not to a class or function"),
        ("raise ValueError('two\\nlines')\n", "mine.py, line 1: ValueError: two lines"),
        ("import sys\nsys.exit(3)\n", "mine.py, line 2: SystemExit: 3"),
    ],
)
def test_a_users_file_that_is_none_is_refused_in_one_line(source, says, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(source)
    with pytest.raises(DynvizError) as caught:
        plugins.load("optimizers", str(path))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


TORCH_CLASSES = """
import torch


class Needs(torch.optim.Optimizer):
    def __init__(self, params, lr: float, *, beta: float = 0.9):
        super().__init__(params, {"lr": lr, "beta": beta})


class HandsOn(torch.optim.Adam):
    def __init__(self, params, twist: int = 3, **others):
        super().__init__(params, **others)


optimizer = NAME
"""


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Needs", {"lr": ("float", MISSING), "beta": ("float", 0.9)}),
        ("HandsOn", {"twist": ("int", 3), "lr": ("float | tensor", 1e-3), "amsgrad": ("bool", False)}),
    ],
)
def test_a_class_of_torch_has_all_its_parameters_as_options(name, options, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(TORCH_CLASSES.replace("NAME", name))
    found = plugins.load("optimizers", f"{path}:lr=0.1").options
    assert {key: (found[key].type_name, found[key].default) for key in options} == options
    assert "params" not in found


def test_the_name_is_checked_without_an_import():
    code = (
        "import sys; from dynviz import plugins; plugins.check('optimizers', 'torch.optim.Adam'); "
        "plugins.check('scenarios', 'surface'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_users_file_has_a_fingerprint(tmp_path):
    path = tmp_path / "mine.py"
    shutil.copy(plugins.files("optimizers")["sgd"], path)
    first = plugins.load("optimizers", str(path)).sha256()
    path.write_text(path.read_text() + "\n# changed\n")
    assert first != plugins.load("optimizers", str(path)).sha256()
    assert plugins.load("optimizers", "sgd").sha256() == ""


@pytest.mark.parametrize("plural", ["scenarios", "optimizers"])
def test_options_are_those_that_the_source_tells(plural):
    told = 0
    for name, file in plugins.files(plural).items():
        known = early.options_of(file, plugins.kind(plural))
        loaded = plugins.load(plural, name).options
        if known is not None:
            told += 1
            assert [(one.name, one.type, one.range) for one in known.values()] == [
                (one.name, one.type, one.range) for one in loaded.values()
            ], name
    assert told > 0.8 * len(plugins.files(plural))


def test_mistakes_in_options_are_found_without_torch():
    texts = ["voronoi:model=foo", "voronoi:rate=1", "adamw-l1:lr=-1", "adamw:lr=cosine(-1)", "adam+l2:x=1", "adam:lr=1"]
    code = f"""
import sys
from dynviz.errors import DynvizError
from dynviz.plugins.early import check_options
for text in {texts}:
    try:
        check_options("scenarios" if "voronoi" in text else "optimizers", text)
        print("taken")
    except DynvizError as error:
        print(error)
assert "torch" not in sys.modules
"""
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert [line.partition(" of ")[0] for line in printed.splitlines()] == [
        "model=foo",
        "no option",
        "lr=-1",
        "lr=cosine(-1)",
        "taken",
        "taken",
    ]
