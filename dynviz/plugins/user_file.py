"""Running a user's file as a module that can import its sibling files."""

import contextlib
import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from dynviz.errors import DynvizError


def run_file(path: Path) -> ModuleType:
    """Run a file as a module.

    Raises:
        DynvizError: It cannot be read, or raises an error.
    """
    # The module name is derived from the whole path, so that files of the same name do not collide; dataclasses need
    # it in sys.modules to resolve their annotations.
    name = f"dynviz_file_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise DynvizError(f"{path} cannot be read as a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _neighbours(path.parent):
            spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, SyntaxError):
            raise DynvizError(f"{path.name}, line {error.lineno}: {error.msg}") from error
        if isinstance(error, Exception | SystemExit) and not isinstance(error, DynvizError):
            raise DynvizError(f"{path.name}{_line_in(path, error)}: {in_words(error)}") from error
        raise
    return module


@contextlib.contextmanager
def _neighbours(folder: Path) -> Iterator[None]:
    """Let a user's file import its siblings, searched after everything else."""
    names = {file.stem for file in folder.glob("*.py")} | {file.parent.name for file in folder.glob("*/__init__.py")}
    for name in names & sys.modules.keys():
        file = Path(getattr(sys.modules[name], "__file__", None) or folder / name)
        home = file.parent.parent if file.name == "__init__.py" else file.parent
        # Forget a module or package of the same name that was imported as another file's neighbour.
        if home != folder and not any(finder.find_spec(name, None) for finder in sys.meta_path):
            for module in [module for module in sys.modules if module.partition(".")[0] == name]:
                del sys.modules[module]
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def in_words(error: BaseException) -> str:
    """The type and message of an error, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _line_in(path: Path, error: BaseException) -> str:
    numbers = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f", line {numbers[-1]}" if numbers else ""
