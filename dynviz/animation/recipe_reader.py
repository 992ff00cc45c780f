"""Reading the line of JSON that says how a picture was made: whatever it holds, a recipe or an error."""

import base64
import json
import math
import re
import zlib
from typing import Any, TypeAlias

from dynviz.animation.recipe import (
    FILE_NAME,
    KEPT,
    KEY,
    PACKED,
    UNPACKED,
    VERSION,
    ChannelSum,
    ClaimRecipe,
    CommandRecipe,
    PictureRequest,
    Recipe,
    RecordedFork,
    RecordedMeasurement,
    RecordedRun,
    TapeRequest,
)
from dynviz.errors import DynvizError
from dynviz.plugins import spec
from dynviz.plugins.trust import foreign
from dynviz.recording import schema
from dynviz.recording.metadata import Metadata
from dynviz.recording.schema import Misfit, list_of, mapping_of, typed, whole

MOST = 1000
"""Recordings of a picture at most."""
MEASURED = 100
"""Measurements of a recording at most."""
MOST_SEEDS = 1 << 16
"""Seeds of a claim at most."""
DEEPEST = 8
"""Forks of forks at most."""
SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,16}|")
LANES = re.compile(r"@[0-9]+(,[0-9]+)*\Z")


AnyRecipe: TypeAlias = Recipe | CommandRecipe | ClaimRecipe


def read_line(tree: Any) -> AnyRecipe:
    """The recipe in the JSON tree of a line.

    Raises:
        DynvizError: It is of a newer version, does not describe a picture, or says why there is no recipe.
    """
    version = tree.get(KEY) if isinstance(tree, dict) else None
    if type(version) is not int or version > VERSION:
        raise DynvizError(f"its recipe is of version {version!r:.20}; this dynviz reads {VERSION}: install a newer one")
    if PACKED in tree:
        return read_line(_unpacked(tree[PACKED]))
    if isinstance(tree.get("none"), str):
        raise DynvizError(f"it cannot be made again: {tree['none']}")
    reader: schema.Reader[AnyRecipe] = _COMMAND if "command" in tree else _CLAIM if "claims" in tree else _RECIPE
    return schema.check(reader, {name: entry for name, entry in tree.items() if name != KEY}, "a picture")


def parse(text: str) -> tuple[Any, int]:
    """The JSON tree that a text begins with, and where it ends.

    Raises:
        ValueError: It begins with none, or with one that is nested too deeply.
    """
    try:
        return json.JSONDecoder(parse_constant=_refuse).raw_decode(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _unpacked(packed: Any) -> Any:
    """The tree of a line that is packed.

    Raises:
        DynvizError: It is damaged, larger than any line, or packed once more.
    """
    stream = zlib.decompressobj()
    try:
        line = stream.decompress(base64.b64decode(packed, validate=True), UNPACKED)
        tree, _ = parse(line.decode("ascii"))
    except (TypeError, ValueError, zlib.error) as error:
        raise DynvizError("its recipe is damaged") from error
    if not stream.eof or not isinstance(tree, dict) or PACKED in tree:
        raise DynvizError("its recipe is damaged")
    return tree


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
        sums=mapping_of(typed(ChannelSum, samples=whole(1, schema.STEPS), crc=_CRC, sizes=_SIZES)),
        measured=list_of(
            typed(RecordedMeasurement, name=_file_name, goals=list_of(whole(0, MOST), most=2), crc=_CRC, sizes=_SIZES),
            most=MEASURED,
        ),
        fork=schema.optional(forked),
    )


def _rule(value: Any) -> str:
    """The optimizer of a fork, which is never the user's own: nobody would be asked before it runs."""
    name = schema.text(value)
    try:
        own = bool(name) and foreign("optimizers", spec.parse(name))
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


def _picture(value: Any) -> PictureRequest | TapeRequest:
    """How recordings were drawn, or played."""
    reader: schema.Reader[PictureRequest | TapeRequest] = (
        _TAPE if isinstance(value, dict) and "text" in value else _DRAWN
    )
    return reader(value)


def _played(value: Any) -> str:
    """A run or a recording, with lanes or without, in the folders of the recipe."""
    source = schema.text(value)
    names = LANES.sub("", source).split("/")
    if len(names) > 2 or not all(map(FILE_NAME.fullmatch, names)):
        raise schema.unlike(source, "a run such as voronoi/adamw@0")
    return source


def _too_deep(value: Any) -> Any:  # noqa: ARG001
    """Refuse what goes on without end."""
    raise Misfit(f"is a fork of over {DEEPEST} forks")


def _size(value: Any) -> float:
    """A mean of absolute values."""
    size = schema.number(value)
    if not 0 <= size < math.inf:
        raise schema.unlike(size, "a number above zero")
    return size


_CRC = whole(0, 0xFFFFFFFF)
_SIZES = list_of(_size, most=64)
_LANES = list_of(whole(0, schema.LANES), most=schema.LANES)
_PAIR = list_of(schema.text, 2, 2)
_DRAWN = typed(
    PictureRequest,
    suffix=_suffix,
    size=list_of(whole(1, 1 << 15), 2, 2),
    frames=schema.optional(whole(1)),
    steps=schema.optional(list_of(schema.optional(whole(0, schema.STEPS)), 2, 2)),
    labels=list_of(_PAIR),
    language=list_of(_PAIR),
)
_TAPE = typed(
    TapeRequest, suffix=_suffix, sources=list_of(_played, least=1, most=MOST), shot=schema.optional(whole(0, 1000))
)
_RECIPE = typed(
    Recipe,
    recordings=list_of(_recorded(DEEPEST), least=1, most=MOST),
    others=list_of(_recorded(DEEPEST), most=MOST),
    picture=_picture,
)
_COMMAND = typed(CommandRecipe, arguments=list_of(schema.text, most=1000), suffix=_suffix, crc=schema.optional(_CRC))
_CLAIM = typed(
    ClaimRecipe, claims=mapping_of(schema.plain), values=list_of(schema.number, 1, MOST_SEEDS), suffix=_suffix
)
