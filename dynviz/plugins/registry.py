"""The registry: one file per plug-in, found by listing folders and imported on first use."""

import ast
import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from dynviz.errors import DynvizError, unknown
from dynviz.plugins import grammar, zoo
from dynviz.plugins.fingerprints import fingerprint, with_siblings
from dynviz.plugins.grammar import Spec, parse
from dynviz.plugins.kinds import Kind, kind
from dynviz.plugins.option_files import located, paths
from dynviz.plugins.options import MISSING, Option, options, read
from dynviz.plugins.user_file import in_words, run_file


@dataclass(frozen=True)
class Plugin:
    """An imported plug-in with its options.

    Attributes:
        kind: The kind of plug-in.
        name: The name as given; a path for a user's file.
        target: The class or function that its file binds.
        given: The options that were set explicitly, converted to their types.
        file: The absolute path of a user's file; empty for anything else.
        parts: The rule and its modifiers, in order; empty for a plug-in that is not composed.
    """

    kind: Kind
    name: str
    target: Callable[..., Any]
    given: Mapping[str, Any]
    file: str = ""
    parts: "tuple[Plugin, ...]" = ()

    @property
    def label(self) -> str:
        """The default label of a recording: `adamw`, `torch.optim.NAdam`, `mine` for `./mine.py`."""
        return "+".join(part.label for part in self.parts) or (
            self.stem if self.file else self.name.removeprefix("__main__.")
        )

    @property
    def stem(self) -> str:
        """The short name used by protocols: `my-rule` for `./my_rule.py` or `pkg.My_Rule`; for modifiers the rule's."""
        if self.parts:
            return self.parts[0].stem
        return (Path(self.name).stem if self.file else self.name.rsplit(".", 1)[-1]).replace("_", "-").lower()

    @property
    def options(self) -> dict[str, Option]:
        """The available options; default paths are resolved against the folder of the user's file."""
        known = options(self.target)
        if self.name.startswith(zoo.PREFIX):
            known = zoo.settable(known)
        return {
            name: replace(option, default=located(option.default, Path(self.file).parent))
            if option.takes_file
            else option
            for name, option in known.items()
            if name != self.kind.subject
        }

    def make(self, **others: Any) -> Any:
        """Call the target with `others` and the given options; given options take precedence.

        Raises:
            DynvizError: A required option is missing.
        """
        files = {option.name: option.default for option in self.options.values() if option.takes_file}
        values = {**files, **others, **self.given}
        for option in self.options.values():
            if option.default is MISSING and values.get(option.name, MISSING) is MISSING:
                raise DynvizError(
                    f"{self.kind.noun} {self.name} needs {option.name} ({option.type_name}): "
                    f"write {self.name}:{option.name}=..."
                )
        return self.target(**values)

    @property
    def code(self) -> tuple[Path, ...]:
        """The user's files, each followed by the sibling files it imports."""
        parts = self.parts or (self,)
        return tuple(file for part in parts if part.file for file in with_siblings(Path(part.file)))

    @property
    def data(self) -> tuple[Path, ...]:
        """The input files named by its options."""
        taking = [option for option in self.options.values() if option.takes_file]
        return tuple(file for option in taking for file in paths(self.given.get(option.name, option.default)))

    def sha256(self) -> str:
        """The fingerprint of the user's file and the siblings it imports; empty without a user's file."""
        if self.parts:
            return "+".join(part.sha256() for part in self.parts).strip("+")
        return fingerprint(Path(self.file)) if self.file else ""


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
    try:
        docstring = ast.get_docstring(ast.parse(file.read_bytes())) or ""
    except (SyntaxError, ValueError):
        docstring = ""
    return docstring.split("\n", 1)[0]


def check(plural: str, text: str) -> None:
    """Check that a plug-in exists, without importing it.

    Raises:
        DynvizError: The text does not follow the grammar, or there is no such name or file.
    """
    name = parse(text).name
    given = parts(plural, name)
    if given:
        for part_kind, part in given:
            check(part_kind, part)
    elif name.endswith(".py"):
        _existing(name, kind(plural))
    elif plural == "optimizers" and name.startswith(zoo.PREFIX):
        zoo.check(name)
    elif "." not in name and name not in files(plural):
        if plural == "optimizers" and name in files("modifiers"):
            raise DynvizError(f"{name} modifies a rule and is none by itself; write a rule before it, like adam+{name}")
        raise unknown(kind(plural).noun, name, files(plural))


def load(plural: str, text: str) -> Plugin:
    """Find and import a plug-in, and check its options.

    Args:
        plural: The kind: `scenarios`, `optimizers`, `views`, `exporters`.
        text: `NAME[:key=value,...]`; a bundled name, a path to a file (`./mine.py`), an import path
            (`torch.optim.NAdam`), or for an optimizer `zoo.NAME` of the `pytorch_optimizer` collection.

    Raises:
        DynvizError: It does not exist, cannot be imported, or has no such option.
    """
    spec, which, file = parse(text), kind(plural), ""
    loaded = tuple(load(part_kind, part) for part_kind, part in parts(plural, spec.name))
    if loaded:
        return _composed(loaded, spec)
    name = spec.name
    if spec.name.endswith(".py"):
        path = _existing(spec.name, which)
        file = str(path)
        target = _bound(run_file(path), which, spec.name)
    elif plural == "optimizers" and spec.name.startswith(zoo.PREFIX):
        name, target = zoo.find(spec.name)
    elif "." in spec.name:
        target = _imported(spec.name, which)
    else:
        check(plural, text)
        module = importlib.import_module(f"{which.package}.{spec.name.replace('-', '_')}")
        target = _bound(module, which, spec.name)
    plugin = Plugin(which, name, target, {}, file)
    given = read(plugin.options, spec.options, f"{which.noun} {name}", scheduled=plural == "optimizers")
    return replace(plugin, given=given)


def parts(plural: str, name: str) -> list[tuple[str, str]]:
    """The kind and name of each part of a rule with modifiers; empty for a name that is not composed."""
    first, *others = grammar.parts(name)
    if plural != "optimizers" or not others:
        return []
    if not first or not all(others):
        known = ", ".join(files("modifiers"))
        raise DynvizError(f"{name!r} is not a rule and its modifiers, like adam+proximal-l1; modifiers are: {known}")
    return [("optimizers", first), *(("modifiers", other) for other in others)]


def _composed(parts: tuple[Plugin, ...], spec: Spec) -> Plugin:
    from dynviz.plugins.composition import compose

    # Absolute paths, because the run may be resumed from another folder.
    name = "+".join(part.file or part.name for part in parts)
    target = compose([(part.label, part.target) for part in parts])  # type: ignore[misc]
    given = read(options(target), spec.options, f"optimizer {name}", scheduled=True)
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
    if not all(part.isidentifier() for part in name.split(".")):
        raise DynvizError(
            f"{name!r} is neither an import path, like package.module.Name, nor a file, whose path ends at .py"
        )
    if (here := str(Path.cwd())) not in sys.path:
        # Searched last; it stays on the path for later imports and for child processes.
        sys.path.append(here)
        importlib.invalidate_caches()
    try:
        target = getattr(importlib.import_module(module), attribute, None)
    except Exception as error:  # importing runs arbitrary code
        raise DynvizError(f"no {which.noun} at import path {name!r}: {in_words(error)}") from error
    if not callable(target):
        names = _public(module)
        if len(names) > 100:
            raise DynvizError(f"no {which.noun} in {module} named {attribute!r}")
        raise unknown(f"{which.noun} in {module}", attribute, names)
    return target  # type: ignore[no-any-return]


def _public(module: str) -> list[str]:
    return [name for name, value in vars(sys.modules[module]).items() if isinstance(value, type) and name[0].isupper()]
