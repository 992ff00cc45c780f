"""An imported plug-in with its options."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins import zoo
from dynviz.plugins.fingerprints import CodeFile, definition, module_source
from dynviz.plugins.kinds import COLLECTIONS, MAIN, Kind
from dynviz.plugins.option_files import located, paths
from dynviz.plugins.options import MISSING, Option, options
from dynviz.plugins.schedules import Schedule
from dynviz.plugins.spec import Spec


@frozen
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
        if self.parts:
            return "+".join(part.label for part in self.parts)
        # A folder takes the label's name, and `..` is none for a folder.
        return (self.stem if self.stem.strip(".") else self.kind.noun) if self.file else self.name.removeprefix(MAIN)

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
    def spec(self) -> Spec:
        """The name, or the path of the user's file, with the given options, each at the part that takes it."""
        parts = self.parts or (self,)
        places = self.target.places if self.parts else [{name: name for name in self.given}]  # type: ignore[attr-defined]
        head, *modifiers = (
            Spec(part.file or part.name, _part_options(self.given, place), typed=True)
            for part, place in zip(parts, places, strict=True)
        )
        return replace(head, modifiers=tuple(modifiers))

    @property
    def source(self) -> CodeFile | None:
        """The file with the user's code; None if it is bundled, of a collection, or defined in a script or notebook."""
        if self.file:
            return CodeFile(Path(self.file))
        return module_source(self.name) if "." in self.name and not self.name.startswith((*COLLECTIONS, MAIN)) else None

    @property
    def code(self) -> tuple[Path, ...]:
        """The files with the user's code, each followed by the neighbours it imports."""
        sources = (part.source for part in self.parts or (self,))
        return tuple(file for source in sources if source for file in source.files())

    @property
    def data(self) -> tuple[Path, ...]:
        """The input files named by its options."""
        taking = [option for option in self.options.values() if option.takes_file]
        return tuple(file for option in taking for file in paths(self.given.get(option.name, option.default)))

    def sha256(self) -> str:
        """The fingerprint of the user's code and the neighbours it imports; empty without any, or if composed."""
        if self.name.startswith(MAIN):
            return definition(self.target)
        return self.source.fingerprint() if self.source else ""


def _part_options(given: Mapping[str, Any], place: Mapping[str, str]) -> dict[str, Any]:
    """The given options of one part under its own names, as values that can be stored."""
    return {
        key: str(given[name]) if isinstance(given[name], Schedule | Path) else given[name]
        for key, name in place.items()
        if name in given
    }
