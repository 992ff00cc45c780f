"""The words that users read: whole sentences, and none that only their author understands."""

import ast
import re
from pathlib import Path

import click
import pytest

import dynviz.scenarios
from dynviz import plugins
from dynviz.cli import commands

ROOT = Path(__file__).parent.parent
PACKAGE = Path(dynviz.__file__).parent
SCENARIOS = Path(dynviz.scenarios.__path__[0])
FILES = sorted([*PACKAGE.rglob("*.py"), *SCENARIOS.glob("*.py")])
PLUGINS = [(plural, name) for plural in plugins.KINDS for name in plugins.files(plural)]
DEFAULT = re.compile(r" \[default: .+\]$")

STILTED = {
    r"\bshall\b": "should, or will",
    r"\boftener\b": "more often",
    r"\btold right\b": "classified correctly",
    r"\bunasked\b": "without consent",
    r"\bgo(es)? on (with|there|alone)\b|\bgone on with\b": "continue, resume",
    r"\bfor (its|it|they) \w+ ": "because",
    r"\bis (none;|none by|no (number|depth|scale|share|size|seed|line|plane|table|length)\b)": "is not a ...",
    r"\b[Ss]o many\b": "a number of, at most",
    r"\b(or|and|;|:) say (--|0|1|yes|\{)": "or add, choose",
    r"\bof the way\b|\bthe way on it\b": "of the trajectory, of the path",
    r"\bmoving pictures\b": "animations",
    r"\bfor ever\b": "forever",
    r"\bbeside the plain way\b": "compared with a straightforward implementation",
    r"\bas (it is|they are) seen\b": "preconditioned, displayed",
    r"\blook again\b": "refresh",
    r"\b(what|which) (is|are) asked for\b": "the request",
    r"(?<![\w.])\.\d": "a leading zero, as in 0.5",
}
"""Patterns of a private language, and what a native speaker would write."""


def _literals(path):
    """The string literals of more than one word that are not documentation, with their lines; values as `{}`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            silent.add(node.value)
        if isinstance(node, ast.JoinedStr):
            silent.update(node.values)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in silent:
            yield node.lineno, node.value


def _is_prose(text):
    """Whether it is words for people, and no markup, code or format."""
    return len(re.findall(r"[A-Za-z]{2,}", text)) >= 3 and not re.search(r"[<>{};]\n|</|[{}]\n|^\s*\n", text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.name))
def test_messages_are_in_plain_english(path):
    found = [
        f"line {line}: {text!r}: write {better}"
        for line, text in _literals(path)
        if _is_prose(text)
        for pattern, better in STILTED.items()
        if re.search(pattern, text)
    ]
    assert not found


def _commands(command, name="dynviz"):
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for sub in command.list_commands(context):
            yield from _commands(command.get_command(context, sub), f"{name} {sub}")


COMMANDS = dict(_commands(commands))
OPTIONS = {
    f"{name} {option.opts[0]}": option.help
    for name, command in COMMANDS.items()
    for option in command.params
    if isinstance(option, click.Option) and not option.hidden
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_explained_in_a_sentence(name):
    first = COMMANDS[name].help.split("\n\n")[0]
    assert first[0].isupper()
    assert first.endswith(".")
    assert len(first.split()) >= 4


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_of_a_command_is_explained_in_a_sentence(option):
    help_text = DEFAULT.sub("", OPTIONS[option] or "")
    assert help_text[:1].isupper()
    assert help_text.endswith(".")
    assert len(help_text.split()) >= 3


@pytest.mark.parametrize(("plural", "name"), PLUGINS)
def test_options_of_a_plugin_are_explained_in_plain_english(plural, name):
    found = {}
    for option in plugins.load(plural, name).options.values():
        text = option.help
        whole = text.endswith(".") and (text[0].isupper() or text[0] == "`") and len(text.split()) > 1
        if not whole or any(re.search(pattern, text) for pattern in STILTED):
            found[option.name] = text
    assert not found
