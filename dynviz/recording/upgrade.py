"""Reading older files: trees of earlier formats become trees of the present one."""

from typing import Any

from dynviz.errors import DynvizError
from dynviz.plugins.spec import parse

STRUCTURED = 3
"""The first format in which names are structure; before, a rule and its modifiers were one text."""


def of_recording(tree: dict[str, Any]) -> dict[str, Any]:
    """A tree of run.json; what does not fit is left for the schema to report."""
    named = tree.get("optimizer")
    if tree["format"] >= STRUCTURED or not isinstance(named, dict) or named.get("file"):
        return tree
    try:
        names = [part.name for part in parse(named["name"]).parts]
        fingerprints = iter(named.get("sha256", "").split("+"))
    except (KeyError, AttributeError, DynvizError):
        return tree
    if len(names) == 1:
        return tree
    # The path of each file was absolute.
    head, *modifiers = (
        {"name": name, "file": name, "sha256": next(fingerprints, "")} if name.endswith(".py") else {"name": name}
        for name in names
    )
    return {**tree, "optimizer": {**named, "sha256": "", **head, "modifiers": modifiers}}
