"""Fingerprints of user files, including the sibling files that they import."""

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path


def fingerprint(path: Path) -> str:
    """SHA-256 of a file together with any files it imports from its own folder. Nothing is executed."""
    files = with_siblings(path)
    if len(files) == 1:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    hashes = [f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n" for file in files]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def with_siblings(path: Path) -> list[Path]:
    """The file, then the files in its folder that it imports, directly or indirectly, sorted by name."""
    siblings: set[Path] = set()
    waiting = [path]
    while waiting:
        for name in _imports(waiting.pop()):
            file = path.parent / f"{name}.py"
            if file != path and file not in siblings and file.is_file():
                siblings.add(file)
                waiting.append(file)
    return [path, *sorted(siblings)]


def _imports(path: Path) -> Iterator[str]:
    """The top-level names of all modules that a file imports, at any nesting level."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]
