"""Fingerprints of user code: a file and those of its neighbours that it imports. Nothing is executed."""

import ast
import contextlib
import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from dynviz.frozen import frozen

INSTALLED = ("site-packages", "dist-packages")
"""Folders whose packages have nothing to do with each other."""


@frozen
class CodeFile:
    """A file of user code.

    Attributes:
        file: The absolute path.
        imported: Whether it is a module of an import path, and belongs to the package whose folder it is in, if any.
    """

    file: Path
    imported: bool = False

    def fingerprint(self, *, packages: bool = True) -> str:
        """SHA-256 of the file together with the neighbours that it imports.

        Args:
            packages: Whether packages beside a file count; format 2 of recordings did without.
        """
        files = self.files(packages=packages)
        if len(files) == 1:
            return _sha256(self.file)
        names = [Path(os.path.relpath(file, self.file.parent)).as_posix() for file in files]
        hashes = [f"{name} {_sha256(file)}\n" for name, file in zip(names, files, strict=True)]
        return hashlib.sha256("".join(hashes).encode(errors="surrogateescape")).hexdigest()

    def files(self, *, packages: bool = True) -> list[Path]:
        """The file, then the neighbours that it imports, directly or indirectly, sorted by path.

        Neighbours of a file are the modules and packages in its folder; those of a module the files of its package.
        Of an installed package only the module's own folder is searched.
        """
        root, top, within = self._surroundings()
        packages_around = [file for folder in self.file.parents for file in _existing(folder / "__init__.py")]
        neighbours = {file for file in packages_around if self.imported and file.is_relative_to(within)} - {self.file}
        waiting = [self.file, *neighbours]
        while waiting:
            for found in _imported_by(waiting.pop(), root, top):
                inside = found.is_relative_to(within) and (packages or found.parent == self.file.parent)
                if inside and found != self.file and found not in neighbours:
                    neighbours.add(found)
                    waiting.append(found)
        return [self.file, *sorted(neighbours)]

    def _surroundings(self) -> tuple[Path, str, Path]:
        """The folder that absolute imports start from, the package that they are limited to, and the folder searched.

        Without a package the second is empty, or a dot where only single files may be imported.
        """
        folder = self.file.parent
        root = folder
        while self.imported and (root / "__init__.py").is_file():
            root = root.parent
        if root == folder:
            return root, "." if folder.name in INSTALLED else "", folder
        top = root / folder.relative_to(root).parts[0]
        return root, top.name, folder if root.name in INSTALLED else top


def module_source(name: str) -> CodeFile | None:
    """The file of the module that holds an object, given by import path; None if it has none that can be read.

    Packages around the module are imported, the module itself is not.
    """
    module = name.rpartition(".")[0]
    while module:
        try:
            spec = importlib.util.find_spec(module) if module not in sys.modules else sys.modules[module].__spec__
        except Exception:  # importing a package runs arbitrary code
            spec = None
        origin = getattr(spec, "origin", None) or ""
        if spec is not None:
            return CodeFile(Path(origin).resolve(), imported=True) if origin.endswith(".py") else None
        module = module.rpartition(".")[0]
    return None


def definition(target: object) -> str:
    """SHA-256 of the source text of a class or function, or of its methods; empty if there is none to be read."""
    texts = []
    members = getattr(target, "__dict__", {}).values()
    for part in (target, *filter(inspect.isfunction, members)):
        with contextlib.suppress(OSError, TypeError):
            texts.append(inspect.getsource(part))  # type: ignore[arg-type]
    return hashlib.sha256("".join(texts).encode()).hexdigest() if texts else ""


def search_here() -> None:
    """Let modules in the working folder be imported, after all others; also by child processes."""
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
        importlib.invalidate_caches()


def _imported_by(path: Path, root: Path, top: str) -> Iterator[Path]:
    """The files among the neighbours of a file that it imports."""
    for level, module, names in _imports(path):
        parts = module.split(".") if module else []
        if level:
            base = path.parent
            for _ in range(level - 1):
                base = base.parent
            yield from _files(base, parts, names)
        elif parts[0] == "dynviz":
            continue  # known by its version
        elif top == ".":
            yield from _existing(root / f"{parts[0]}.py")
        elif not top or parts[0] == top:
            yield from _files(root, parts, names)


def _files(base: Path, parts: list[str], names: list[str]) -> Iterator[Path]:
    """The files of a module in a folder, of the packages on the way to it, and of the submodules that are named."""
    yield from _existing(base / "__init__.py") if not parts else ()
    for part in parts:
        yield from _existing(base / part / "__init__.py")
        if not (base / part / "__init__.py").is_file() and (base / f"{part}.py").is_file():
            yield base / f"{part}.py"
            return
        base /= part
    for name in names:
        yield from _existing(base / f"{name}.py")
        yield from _existing(base / name / "__init__.py")


def _existing(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path


def _imports(path: Path) -> Iterator[tuple[int, str, list[str]]]:
    """All imports of a file, at any nesting level: how many dots, the module, and the names that are taken from it."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or "", [alias.name for alias in node.names]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
