"""Reading the line of JSON that says how a picture was made: whatever it holds, a recipe or an error."""

import re
from typing import Any

from dynviz.animation.recipe import (
    KEPT,
    KEY,
    VERSION,
    ChannelSum,
    PictureRequest,
    Recipe,
    RecordedFork,
    RecordedMeasurement,
    RecordedRun,
)
from dynviz.errors import DynvizError
from dynviz.plugins.spec import parse
from dynviz.plugins.trust import foreign
from dynviz.recording import schema
from dynviz.recording.metadata import Metadata
from dynviz.recording.schema import Misfit, list_of, mapping_of, typed, whole

MOST = 100
"""Recordings of a picture at most."""
DEEPEST = 8
"""Forks of forks at most."""
FILE_NAME = re.compile(r"(?!\.)[^/\\\0-\x1f\x7f]{1,100}")
SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,16}|")


def read_line(tree: Any) -> Recipe:
    """The recipe in the JSON tree of a line.

    Raises:
        DynvizError: It is of a newer version, does not describe a picture, or says why there is no recipe.
    """
    version = tree.get(KEY) if isinstance(tree, dict) else None
    if type(version) is not int or version > VERSION:
        raise DynvizError(f"its recipe is of version {version!r:.20}; this dynviz reads {VERSION}: install a newer one")
    if isinstance(tree.get("none"), str):
        raise DynvizError(f"it cannot be made again: {tree['none']}")
    return schema.check(_RECIPE, {name: entry for name, entry in tree.items() if name != KEY}, "a picture")


def _metadata(tree: Any) -> Metadata:
    """The metadata of a recording that is to be trained again."""
    if not isinstance(tree, dict):
        raise Misfit("is not a mapping")
    try:
        metadata = Metadata.from_json({name: entry for name, entry in tree.items() if name in (*KEPT, "channels")})
    except DynvizError as error:
        raise Misfit(str(error)) from error
    _file_name(metadata.label)
    return metadata


def _suffix(value: Any) -> str:
    """The suffix of a file's name."""
    suffix = schema.text(value)
    if not SUFFIX.fullmatch(suffix):
        raise schema.unlike(suffix, "a suffix like .gif")
    return suffix


def _file_name(value: Any) -> str:
    """A name that leads nowhere else."""
    name = schema.text(value)
    if not FILE_NAME.fullmatch(name):
        raise schema.unlike(name, "the name of a folder")
    return name


def _recorded(deep: int) -> schema.Reader[RecordedRun]:
    """A recording that is trained again; where it is a fork, after its parent."""
    forked = typed(
        RecordedFork,
        parent=_recorded(deep - 1) if deep else _too_deep,
        step=whole(0, schema.STEPS),
        lanes=_LANES,
        optimizer=_rule,
        changes=_changes,
    )
    return typed(
        RecordedRun,
        folder=_file_name,
        chosen=schema.optional(_LANES),
        metadata=_metadata,
        sums=mapping_of(typed(ChannelSum, samples=whole(0, schema.STEPS), crc=_CRC)),
        measured=list_of(
            typed(RecordedMeasurement, name=_file_name, goals=list_of(whole(0, MOST), most=2), crc=_CRC), most=MOST
        ),
        fork=schema.optional(forked),
    )


def _rule(value: Any) -> str:
    """The optimizer of a fork, which is never the user's own: nobody would be asked before it runs."""
    name = schema.text(value)
    try:
        own = bool(name) and foreign("optimizers", parse(name))
    except DynvizError as error:
        raise Misfit(str(error)) from error
    if own:
        raise schema.unlike(name, "an optimizer of dynviz, of torch or of the zoo")
    return name


def _changes(value: Any) -> dict[str, Any]:
    """What a fork changes: hyperparameters are text, as on the command line."""
    if not isinstance(value, dict):
        raise schema.unlike(value, "a mapping")
    known: dict[str, schema.Reader[Any]] = {
        "state": schema.one_of("keep", "reset"),
        "schedule": schema.one_of("continue", "restart"),
        "steps": whole(1, schema.STEPS),
    }
    return {
        schema.text(name): known[name](entry) if name in known else schema.text(entry) for name, entry in value.items()
    }


def _too_deep(value: Any) -> Any:  # noqa: ARG001
    """Refuse what goes on without end."""
    raise Misfit(f"is a fork of over {DEEPEST} forks")


_CRC = whole(0, 0xFFFFFFFF)
_LANES = list_of(whole(0, schema.LANES), most=schema.LANES)
_PAIR = list_of(schema.text, 2, 2)
_RECIPE = typed(
    Recipe,
    recordings=list_of(_recorded(DEEPEST), least=1, most=MOST),
    others=list_of(_recorded(DEEPEST), most=MOST),
    picture=typed(
        PictureRequest,
        suffix=_suffix,
        size=list_of(whole(1, 1 << 15), 2, 2),
        frames=schema.optional(whole(1)),
        steps=schema.optional(list_of(schema.optional(whole(0, schema.STEPS)), 2, 2)),
        labels=list_of(_PAIR),
        language=list_of(_PAIR),
    ),
)
