"""The kinds of plug-ins: what they are called, where ours lie, and what a file of each binds."""

from collections.abc import Mapping
from dataclasses import dataclass

from dynviz.errors import unknown


@dataclass(frozen=True)
class Kind:
    """A kind of plug-in.

    Attributes:
        plural: What it is called on the command line.
        package: What holds ours.
        binds: The name that a file binds.
        subject: The option that says what it works on, which nobody writes.
    """

    plural: str
    package: str
    binds: str
    subject: str = ""

    @property
    def noun(self) -> str:
        """One of them in a message: `optimizer`."""
        return self.plural.removesuffix("s")


KINDS: Mapping[str, Kind] = {
    kind.plural: kind
    for kind in (
        Kind("scenarios", "dynviz.scenarios", "scenario"),
        Kind("optimizers", "dynviz.optimizers", "optimizer"),
        Kind("modifiers", "dynviz.modifiers", "modifier", "rule"),
        Kind("views", "dynviz.views", "view"),
        Kind("exporters", "dynviz.exporters", "export"),
        Kind("detectors", "dynviz.detectors", "detector"),
    )
}


def kind(name: str) -> Kind:
    """The kind with this plural.

    Raises:
        DynvizError: There is none.
    """
    if name not in KINDS:
        raise unknown("kind of plug-in", name, KINDS)
    return KINDS[name]
