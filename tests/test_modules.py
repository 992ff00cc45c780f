"""The house: modules that are read in one sitting."""

import doctest
import importlib

import pytest

from tests.test_names import PACKAGE, SCENARIOS

LINES = 300
"""Of a module at most."""


def test_no_module_is_long():
    lengths = {path: len(path.read_text().splitlines()) for path in [*PACKAGE.rglob("*.py"), *SCENARIOS.glob("*.py")]}
    assert {str(path): length for path, length in lengths.items() if length > LINES} == {}


@pytest.mark.parametrize(
    "path",
    [path for path in PACKAGE.rglob("*.py") if ">>> " in path.read_text()],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_the_examples_in_docstrings_hold(path):
    name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    found = doctest.testmod(importlib.import_module(name))
    assert found.failed == 0
