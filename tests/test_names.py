"""Names of classes: one noun, one meaning."""

import ast
from collections import defaultdict
from pathlib import Path

import dynviz

PACKAGE = Path(dynviz.__file__).parent
OPEN = {"cells", "charts", "exporters", "pixels", "scene", "sweeps", "templates"}
"""Rooms in which a class may still have the name of another one."""


def test_no_two_classes_share_a_name():
    places = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE)
        if place.parts[0] not in OPEN:
            classes = (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef))
            for definition in classes:
                places[definition.name].append(str(place))
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}
