"""How the player's modules hang together: no circles, and Textual's private parts in one of them."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dynviz.player

FOLDER = Path(dynviz.player.__file__).parent
MODULES = {
    "dynviz.player." + ".".join(path.relative_to(FOLDER).with_suffix("").parts): ast.parse(path.read_text())
    for path in sorted(FOLDER.rglob("*.py"))
}
PUBLIC_USERS = sorted(set(MODULES) - {"dynviz.player._textual", "dynviz.player._textual_drivers"})

CLI_OF_PLAY = ("dynviz.cli.options", "dynviz.cli.say")
LATER = (
    "torch",
    "matplotlib",
    "PIL",
    "contourpy",
    "pygments",
    "markdown_it",
    "textual.widgets._markdown",
    "dynviz.detection",
    "dynviz.player.browser",
    "dynviz.player.dialogs",
    "dynviz.player.palette",
    "dynviz.player.saving",
    "dynviz.tapes",
    "dynviz.training",
    "dynviz.views",
    "dynviz.web",
)
"""What views need is imported with them, in a thread; what keys need, when they are pressed."""


def imported(tree):
    """The player's modules that a module imports anywhere, also inside functions and for types alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            yield from names & set(MODULES)


def test_no_module_of_the_player_imports_itself_through_others():
    left = {name: set(imported(tree)) for name, tree in MODULES.items()}
    while ends := {name for name, targets in left.items() if not targets & set(left)}:
        left = {name: targets for name, targets in left.items() if name not in ends}
    assert left == {}


def test_the_first_picture_waits_for_no_module_that_it_does_not_need():
    code = (
        "import sys; from dynviz.cli import commands; commands.get_command(None, 'play'); import dynviz.player.app; "
        "print(*sorted(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "dynviz.player.app" in loaded
    assert {name for name in loaded if name.startswith("dynviz.cli.")} == {"dynviz.cli.play", *CLI_OF_PLAY}
    assert [name for name in loaded if name.startswith(LATER) or name.endswith("_dialog")] == []


def private(names):
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


def textual_privates(module):
    """The private names of the classes of Textual from which a module's own classes are derived."""
    for _, own in inspect.getmembers(module, inspect.isclass):
        if own.__module__ == module.__name__:
            for base in own.__mro__[1:]:
                if base.__module__.startswith("textual"):
                    yield from private({*vars(base), *re.findall(r"self\.(\w+)", inspect.getsource(base))})


@pytest.mark.parametrize("name", PUBLIC_USERS)
def test_private_parts_of_textual_are_used_in_two_modules_alone(name):
    tree = MODULES[name]
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    own = {node.attr for node in attributes if isinstance(node.ctx, ast.Store)}
    own |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    own |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert private({node.attr for node in attributes}) <= own
    assert private(own) & set(textual_privates(importlib.import_module(name))) == set()
    assert not [
        node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and "textual._" in (node.module or "")
    ]
