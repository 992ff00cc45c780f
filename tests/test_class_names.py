"""One noun, one meaning: in the rooms of pictures no class has the name of another class of the package."""

import ast
from collections import defaultdict
from pathlib import Path

import dynviz

PACKAGE = Path(dynviz.__file__).parent
ROOMS = ("scene", "layout", "charts", "cells", "pixels")


def test_no_class_of_a_picture_shares_its_name_with_another_class():
    files = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                files[node.name].append(path.relative_to(PACKAGE))
    shared = {name: paths for name, paths in files.items() if len(paths) > 1}
    assert not [name for name, paths in shared.items() if {path.parts[0] for path in paths} & {*ROOMS}]
