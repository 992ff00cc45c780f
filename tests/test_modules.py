"""The house: modules that are read in one sitting."""

from tests.test_names import PACKAGE, SCENARIOS

LINES = 300
"""Of a module at most."""


def test_no_module_is_long():
    lengths = {path: len(path.read_text().splitlines()) for path in [*PACKAGE.rglob("*.py"), *SCENARIOS.glob("*.py")]}
    assert {str(path): length for path, length in lengths.items() if length > LINES} == {}
