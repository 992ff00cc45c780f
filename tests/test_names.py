"""The house: one noun, one meaning; modules that are read in one sitting."""

import ast
from collections import defaultdict
from pathlib import Path

import dynviz.scenarios

PACKAGE = Path(dynviz.__file__).parent
SCENARIOS = Path(dynviz.scenarios.__path__[0])
COPIED = {"templates"}
"""What a user copies into a file: both are called after what the user makes."""
LINES = 300
"""Of a module at most."""


def test_no_two_classes_share_a_name():
    places = defaultdict(list)
    for path in sorted([*PACKAGE.rglob("*.py"), *SCENARIOS.glob("*.py")]):
        place = path.relative_to(SCENARIOS if path.parent == SCENARIOS else PACKAGE)
        if place.parts[0] not in COPIED:
            classes = (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef))
            for definition in classes:
                places[definition.name].append(str(place))
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def test_no_module_is_long():
    lengths = {path: len(path.read_text().splitlines()) for path in [*PACKAGE.rglob("*.py"), *SCENARIOS.glob("*.py")]}
    assert {str(path): length for path, length in lengths.items() if length > LINES} == {}
