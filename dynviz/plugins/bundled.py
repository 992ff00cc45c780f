"""What a command that a picture carries may name: no files, and no code but that of dynviz and of its collections."""

import re
from collections.abc import Iterable

from dynviz.errors import DynvizError
from dynviz.plugins.spec import Spec
from dynviz.plugins.trust import foreign

FILES = ("/", "\\", ".py", ".toml")
FILE_NAME = re.compile(r"\.[A-Za-z]")
"""Within the value of an option: the name of a file."""


def check_words(arguments: Iterable[str]) -> None:
    """See that none of a command's arguments names a file.

    Raises:
        DynvizError: One does.
    """
    if any(not argument or any(mark in argument for mark in FILES) for argument in arguments):
        raise DynvizError("its command reads files of your own")


def check_bundled(kind: str, spec: Spec) -> None:
    """See that a plug-in is no code of the user's own, and reads no file.

    Args:
        kind: The kind: `scenarios`, `optimizers`.
        spec: The plug-in with its options.

    Raises:
        DynvizError: It is, or does.
    """
    parts = (spec, *spec.modifiers)
    if any(FILE_NAME.search(str(value)) for part in parts for value in part.options.values()):
        raise DynvizError("its command reads files of your own")
    if codes := foreign(kind, spec):
        raise DynvizError(f"its command runs code that is not part of dynviz, {codes[0].name}")
