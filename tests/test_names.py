"""Names of classes: one noun, one meaning."""

import ast
from collections import defaultdict
from pathlib import Path

import dynviz.scenarios

PACKAGE = Path(dynviz.__file__).parent
SCENARIOS = Path(dynviz.scenarios.__path__[0])
COPIED = {"templates"}
"""What a user copies into a file: both are called after what the user makes."""


def test_no_two_classes_share_a_name():
    places = defaultdict(list)
    for path in sorted([*PACKAGE.rglob("*.py"), *SCENARIOS.glob("*.py")]):
        place = path.relative_to(SCENARIOS if path.parent == SCENARIOS else PACKAGE)
        if place.parts[0] not in COPIED:
            classes = (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef))
            for definition in classes:
                places[definition.name].append(str(place))
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}
