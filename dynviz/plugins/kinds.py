"""The kinds of plug-ins: their names, the packages of the bundled ones, and the name that each file binds."""

from collections.abc import Mapping

from dynviz.errors import unknown
from dynviz.frozen import frozen


@frozen
class Kind:
    """A kind of plug-in.

    Attributes:
        plural: The name on the command line.
        package: The package of the bundled plug-ins.
        binds: The module-level name that a plug-in file must bind.
        subject: The parameter that receives what the plug-in works on; users never set it.
    """

    plural: str
    package: str
    binds: str
    subject: str = ""

    @property
    def noun(self) -> str:
        """The singular, for messages: `optimizer`."""
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

MAIN = "__main__."
"""Prefix of names defined in a script or notebook, which no other process can import."""
TORCH = "torch.optim."
COLLECTIONS = (TORCH, "zoo.", "optax.")
"""Prefixes of optimizers of installed packages, which run without being asked for consent."""


def kind(name: str) -> Kind:
    """The kind with this plural.

    Raises:
        DynvizError: There is none.
    """
    if name not in KINDS:
        raise unknown("kind of plug-in", name, KINDS)
    return KINDS[name]
