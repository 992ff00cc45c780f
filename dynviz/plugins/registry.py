"""The registry: one file per plug-in, found by listing folders and imported on first use."""

import ast
import functools
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from dynviz.errors import DynvizError, unknown
from dynviz.plugins import optax_names, zoo
from dynviz.plugins.fingerprints import search_here
from dynviz.plugins.kinds import TORCH, Kind, kind
from dynviz.plugins.option_values import read
from dynviz.plugins.options import options
from dynviz.plugins.plugin import Plugin
from dynviz.plugins.spec import Spec, parse
from dynviz.plugins.user_file import in_words, run_file

DOCSTRING = re.compile(rb'""".*?(?<!\\)"""[ \t]*\r?\n', re.DOTALL)


@functools.cache
def files(plural: str) -> dict[str, Path]:
    """The bundled plug-ins of a kind by name, sorted; imports nothing but their empty package."""
    package = kind(plural).package
    spec = importlib.util.find_spec(package)
    folders = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []
    by_name = {
        file.stem.replace("_", "-"): file
        for folder in folders
        for file in folder.glob("*.py")
        if not file.stem.startswith("_")
    }
    return dict(sorted(by_name.items()))


def summary(file: Path) -> str:
    """The first line of a file's docstring, read without executing the file."""
    source = file.read_bytes()
    # Where a file begins with its docstring, all else need not be parsed.
    first = DOCSTRING.match(source)
    try:
        docstring = ast.get_docstring(ast.parse(first.group() if first else source)) or ""
    except (SyntaxError, ValueError):
        docstring = ""
    return docstring.split("\n", 1)[0]


def check(plural: str, text: str) -> None:
    """Check that a plug-in exists, without importing it.

    Raises:
        DynvizError: The text does not follow the grammar, or there is no such name or file.
    """
    for part_kind, part in _parts(plural, parse(text)):
        _check(part_kind, part.name)


def _check(plural: str, name: str) -> None:
    if name.endswith(".py"):
        _existing(name, kind(plural))
    elif plural == "optimizers" and name.startswith(zoo.PREFIX):
        zoo.check(name)
    elif plural == "optimizers" and name.startswith(optax_names.PREFIX):
        optax_names.check(name)
    elif "." not in name and name not in files(plural):
        if plural == "optimizers" and name in files("modifiers"):
            raise DynvizError(f"{name} modifies a rule and is not one itself; write a rule before it, like adam+{name}")
        raise unknown(kind(plural).noun, name, files(plural))


def load(plural: str, given: str | Spec) -> Plugin:
    """Find and import a plug-in, and check its options.

    Args:
        plural: The kind: `scenarios`, `optimizers`, `views`, `exporters`.
        given: A spec, or text, `NAME[:key=value,...]`; a bundled name, a path to a file (`./mine.py`), an import path
            (`torch.optim.NAdam`), or for an optimizer `zoo.NAME` of the `pytorch_optimizer` collection or `optax.NAME`.

    Raises:
        DynvizError: It does not exist, cannot be imported, or has no such option.
    """
    spec, which, file = parse(given) if isinstance(given, str) else given, kind(plural), ""
    parts = _parts(plural, spec)
    if len(parts) > 1:
        return _composed(tuple(load(part_kind, Spec(part.name)) for part_kind, part in parts), spec)
    name = spec.name
    if spec.name.endswith(".py"):
        path = _existing(spec.name, which)
        file = str(path)
        target = _bound(run_file(path), which, spec.name)
    elif plural == "optimizers" and spec.name.startswith(zoo.PREFIX):
        name, target = zoo.find(spec.name)
    elif plural == "optimizers" and spec.name.startswith(optax_names.PREFIX):
        target = optax_names.find(spec.name)
    elif "." in spec.name:
        target = _imported(spec.name, which)
    else:
        _check(plural, spec.name)
        module = importlib.import_module(f"{which.package}.{spec.name.replace('-', '_')}")
        target = _bound(module, which, spec.name)
    plugin = Plugin(which, name, target, {}, file)
    known, scheduled = plugin.options, plural == "optimizers"
    values = read(known, spec.options, f"{which.noun} {name}", scheduled=scheduled, typed=spec.typed)
    return replace(plugin, given=values)


def function(name: str, which: Kind) -> Callable[..., Any]:
    """A function of the user's that is no plug-in.

    Args:
        name: The path of a file that binds it (`./mine.py`), or its import path (`package.module.name`).
        which: What it is called in messages, and the name that a file binds.

    Raises:
        DynvizError: There is none, or it cannot be imported.
    """
    if name.endswith(".py"):
        return _bound(run_file(_existing(name, which)), which, name)
    return _imported(name, which)


def _parts(plural: str, spec: Spec) -> list[tuple[str, Spec]]:
    """The kind of each part of a spec: a rule and its modifiers, or any other plug-in alone.

    Raises:
        DynvizError: A part has no name, or modifiers follow something else than a rule.
    """
    if not spec.modifiers:
        return [(plural, spec)]
    if plural != "optimizers":
        raise DynvizError(f"{spec.title!r} is no {kind(plural).noun}: modifiers, after a +, belong to optimizers")
    if not all(part.name for part in spec.parts):
        known = ", ".join(files("modifiers"))
        raise DynvizError(
            f"{spec.title!r} is not a rule and its modifiers, like adam+proximal-l1; modifiers are: {known}"
        )
    head, *modifiers = spec.parts
    return [("optimizers", head), *(("modifiers", modifier) for modifier in modifiers)]


def _composed(parts: tuple[Plugin, ...], spec: Spec) -> Plugin:
    from dynviz.plugins.composition import compose

    name = "+".join(part.name for part in parts)
    target: Any = compose([(part.label, part.target) for part in parts])  # type: ignore[misc]
    values = dict(spec.options)
    for modifier, place in zip(spec.modifiers, target.places[1:], strict=True):
        if foreign := next((key for key in modifier.options if key not in place), None):
            raise unknown(f"option of modifier {modifier.name}", foreign, place)
        values |= {place[key]: value for key, value in modifier.options.items()}
    given = read(options(target), values, f"optimizer {name}", scheduled=True, typed=spec.typed)
    return Plugin(kind("optimizers"), name, target, given, "", parts)


def _existing(name: str, which: Kind) -> Path:
    path = Path(name).expanduser()
    if not path.is_file():
        raise DynvizError(f"there is no file {name}; a path names a file that binds {which.binds!r}")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise DynvizError(f"the name of {name} is not valid UTF-8, which recordings need; rename it") from None
    return path.resolve()


def _bound(module: ModuleType, which: Kind, name: str) -> Callable[..., Any]:
    target = getattr(module, which.binds, None) or _lone_optimizer(module, which)
    if target is None:
        raise DynvizError(f"{name} does not bind {which.binds!r}; its last line should be like {which.binds} = ...")
    if not callable(target):
        raise DynvizError(
            f"{name} binds {which.binds!r} to an object of type {type(target).__name__}, not to a class or function"
        )
    return target  # type: ignore[no-any-return]


def _lone_optimizer(module: ModuleType, which: Kind) -> Any:
    """The `torch.optim.Optimizer` subclass that a file defines, if there is exactly one."""
    if which.binds != "optimizer" or (torch := sys.modules.get("torch")) is None:
        return None
    own = [value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__]
    classes = [value for value in own if isinstance(value, type) and issubclass(value, torch.optim.Optimizer)]
    return classes[0] if len(classes) == 1 else None


def _imported(name: str, which: Kind) -> Callable[..., Any]:
    module, _, attribute = name.rpartition(".")
    if not module or not all(part.isidentifier() for part in name.split(".")):
        raise DynvizError(
            f"{name!r} is neither an import path, like package.module.Name, nor a file, whose path ends at .py"
        )
    search_here()
    try:
        target = getattr(importlib.import_module(module), attribute, None)
    except Exception as error:  # importing runs arbitrary code
        raise DynvizError(f"no {which.noun} at import path {name!r}: {in_words(error)}") from error
    # A name of torch's optimizers runs without asking: it leads to one of them and nowhere else.
    if not callable(target) or (name.startswith(TORCH) and not _is_optimizer(target)):
        names = _public(module)
        if len(names) > 100:
            raise DynvizError(f"no {which.noun} in {module} named {attribute!r}")
        raise unknown(f"{which.noun} in {module}", attribute, names)
    return target  # type: ignore[no-any-return]


def _is_optimizer(target: Any) -> bool:
    import torch

    return isinstance(target, type) and issubclass(target, torch.optim.Optimizer)


def _public(module: str) -> list[str]:
    return [name for name, value in vars(sys.modules[module]).items() if isinstance(value, type) and name[0].isupper()]
