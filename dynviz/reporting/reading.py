"""Reading claims files: TOML that is data alone, checked field by field."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from dynviz.errors import DynvizError, unknown
from dynviz.plugins.trust import bundled_view
from dynviz.recording import schema
from dynviz.recording.schema import Misfit, list_of, mapping_of, number, one_of, plain, record, whole
from dynviz.reporting.commands import TrainingCommand, read_command
from dynviz.reporting.components import COMPONENTS
from dynviz.reporting.courses import COURSES, MOVED, NEED_STEP, NEED_THRESHOLD, OVERLAP
from dynviz.reporting.document import ChannelValue, Claim, Claims, Compare, Expectation, Quantity, Runs
from dynviz.reporting.measurements import CALCULATIONS, MEASUREMENTS
from dynviz.reporting.planes import SHAPES, ProjectionCommand, read_projection
from dynviz.text import clean, quoted

FORMAT = 1
LARGEST = 1 << 20
"""Bytes of a claims file at most."""
MOST_CLAIMS, MOST_RUNS, MOST_SEEDS = 500, 100, 2**16
LONGEST = 2000
"""Characters of a sentence at most."""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def read_claims(path: Path) -> Claims:
    """Read and check a claims file.

    Raises:
        DynvizError: It cannot be read, or something in it does not fit; the message names the place.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise DynvizError(f"{path} is larger than a claims file may be, which is {LARGEST >> 20} MiB")
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DynvizError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DynvizError(f"cannot read {path}: it is not UTF-8 text") from error
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise DynvizError(f"cannot read {path}: it is not TOML: {error or 'it is nested too deeply'}") from error
    try:
        return claims_in(tree)
    except DynvizError as error:
        raise DynvizError(f"{path}: {error}") from error


def claims_in(tree: dict[str, Any]) -> Claims:
    """The claims in the tree of a claims file.

    Raises:
        DynvizError: Something in it does not fit.
    """
    claims = schema.check(_CLAIMS, _with_inherited(tree), "claims")
    _check(claims)
    return claims


def _sentence(value: Any) -> str:
    text = schema.text(value).strip()
    if not text or len(text) > LONGEST:
        raise Misfit(f"has {len(text)} characters, not 1 to {LONGEST}")
    return clean(text)


def _name(value: Any) -> str:
    text = schema.text(value)
    if not _NAME.fullmatch(text) or len(text) > 60:
        raise Misfit(f"is {quoted(text)}, not lower-case words joined by hyphens")
    return text


def _format(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise schema.unlike(value, "a whole number from 1")
    if value > FORMAT:
        raise Misfit(f"is {value}; this dynviz reads up to {FORMAT}")
    return value


def _command(value: Any) -> TrainingCommand:
    try:
        return read_command(schema.text(value))
    except DynvizError as error:
        raise Misfit(f"is refused: {error}") from error


def _projection(value: Any) -> ProjectionCommand:
    try:
        return read_projection(schema.text(value))
    except DynvizError as error:
        raise Misfit(f"is refused: {error}") from error


def _view(value: Any) -> str:
    text = schema.text(value)
    # A path would be a program that is run.
    if not bundled_view(text):
        raise Misfit(f"is {quoted(text)}, which is not a bundled view; `dynviz list views` prints them")
    return text


def _finite(value: Any) -> float:
    read = number(value)
    if not abs(read) < float("inf"):
        raise schema.unlike(value, "a finite number")
    return read


def _part(value: Any) -> tuple[float, float]:
    part = list_of(number, 2, 2)(value)
    if not 0 <= part[0] < part[1] <= 1:
        raise Misfit("is not two fractions of the run, the smaller one first, such as [0.9, 1]")
    return part[0], part[1]


_ENTRY = list_of(whole(-(2**31), 2**31), most=8)
_COMPONENT = one_of(*COMPONENTS)
_CHANNEL = record(ChannelValue, channel=schema.text, of=_COMPONENT, entry=_ENTRY)
_QUANTITY = record(
    Quantity,
    run=_name,
    optimizer=schema.text,
    where=mapping_of(plain),
    choose=one_of("lowest", "highest"),
    channel=schema.text,
    of=_COMPONENT,
    entry=_ENTRY,
    times=_CHANNEL,
    minus=_CHANNEL,
    per=_CHANNEL,
    over=one_of(*COURSES, MOVED, OVERLAP),
    part=_part,
    step=whole(0, schema.STEPS),
    threshold=_finite,
    measure=one_of(*MEASUREMENTS, *SHAPES),
    calculate=one_of(*CALCULATIONS),
    arguments=mapping_of(_finite),
)
_EXPECT = record(Expectation, above=_finite, below=_finite, equals=_finite, tolerance=_finite)
_CLAIM = record(
    Claim,
    id=_name,
    says=_sentence,
    where=_sentence,
    value=_QUANTITY,
    against=_QUANTITY,
    compare=one_of(*get_args(Compare)),
    expect=_EXPECT,
    unit=_sentence,
    single=schema.flag,
    view=_view,
    reduced=_sentence,
    out_of_reach=_sentence,
)
_RUNS = record(
    Runs,
    command=_command,
    project=_projection,
    quick=whole(1, schema.STEPS),
    most_seeds=whole(1, MOST_SEEDS),
    reduced=_sentence,
)


def _make(format: int, **fields: Any) -> Claims:  # noqa: A002, ARG001 - the name in the file
    return Claims(**fields)


def _runs(value: Any) -> dict[str, Runs]:
    runs = mapping_of(_RUNS)(value)
    for name in runs:
        _name(name)
    if len(runs) > MOST_RUNS:
        raise Misfit(f"has {len(runs)} entries, more than {MOST_RUNS}")
    return runs


_CLAIMS = record(
    _make,
    format=_format,
    title=_sentence,
    source=_sentence,
    about=_sentence,
    runs=_runs,
    claims=list_of(_CLAIM, 1, MOST_CLAIMS),
)


def _with_inherited(tree: dict[str, Any]) -> dict[str, Any]:
    """The tree in which what a value is compared with has all fields: those that are not written are the value's."""
    tree = {"runs": {}, **tree}
    claims = tree.get("claims")
    if not isinstance(claims, list):
        return tree
    return tree | {"claims": [_completed(claim) if isinstance(claim, dict) else claim for claim in claims]}


def _completed(claim: dict[str, Any]) -> dict[str, Any]:
    value, against = claim.get("value"), claim.get("against")
    if not isinstance(value, dict) or not isinstance(against, dict):
        return claim
    return claim | {"against": {**value, **against}}


def _check(claims: Claims) -> None:
    """See that all parts of a file fit together.

    Raises:
        DynvizError: They do not.
    """
    ids = [claim.id for claim in claims.claims]
    for claim in claims.claims:
        if ids.count(claim.id) > 1:
            raise DynvizError(f"two claims have the id {claim.id!r}; give each its own")
        try:
            _check_claim(claim, claims.runs)
        except DynvizError as error:
            raise DynvizError(f"claim {claim.id}: {error}") from error


def _check_claim(claim: Claim, runs: Mapping[str, Runs]) -> None:
    if claim.out_of_reach:
        if claim.value or claim.expect:
            raise DynvizError("it is out_of_reach, so it takes neither value nor expect")
        return
    if claim.value is None or claim.expect is None:
        raise DynvizError("it needs value and expect, or out_of_reach with the reason")
    expect = claim.expect
    if (expect.equals is None) == (expect.above is None and expect.below is None):
        raise DynvizError("expect needs either equals with a tolerance, or above, below or both")
    if expect.equals is not None and expect.tolerance < 0:
        raise DynvizError("the tolerance of expect cannot be negative")
    if expect.limits[0] >= expect.limits[1] and expect.equals is None:
        raise DynvizError("no number is both above and below these levels")
    if claim.compare == "distance" and claim.against is None:
        raise DynvizError("a distance needs against")
    for quantity in claim.quantities:
        _check_quantity(quantity, runs)
        if claim.compare == "distance" and (quantity.of or quantity.measure or quantity.calculate):
            raise DynvizError("a distance is between arrays: its values take neither of, measure nor calculate")


def _check_quantity(quantity: Quantity, runs: Mapping[str, Runs]) -> None:
    kinds = [name for name in ("channel", "measure", "calculate") if getattr(quantity, name)]
    if len(kinds) != 1:
        raise DynvizError("a value has one of channel, measure and calculate")
    if quantity.calculate:
        return
    if quantity.run not in runs:
        raise unknown("run", quantity.run, runs)
    if quantity.measure in SHAPES and runs[quantity.run].project is None:
        raise DynvizError(f"{quantity.measure} needs a line or plane; add project = 'project --grid 21' to its run")
    optimizer_of(quantity, runs[quantity.run].command)
    if (quantity.step is None) == (quantity.over in NEED_STEP):
        raise DynvizError("step goes with over = 'at', and over = 'at' with step")
    if (quantity.threshold is None) == (quantity.over in NEED_THRESHOLD):
        raise DynvizError("threshold goes with over = 'falls-to' or 'rises-to', and they with threshold")


def optimizer_of(quantity: Quantity, command: TrainingCommand) -> tuple[str, ...]:
    """The optimizers that are measured: the one that is named, or all where a value chooses among settings.

    Raises:
        DynvizError: None of that name is trained, or it is not said which.
    """
    texts = command.optimizers
    named = [text for text in texts if quantity.optimizer in (text, text.partition(":")[0])]
    if quantity.optimizer in texts:
        named = [quantity.optimizer]
    if not quantity.optimizer:
        named = list(texts)
    if not named:
        raise unknown("optimizer", quantity.optimizer, texts)
    if len(named) > 1 and not quantity.choose:
        raise DynvizError(f"run {quantity.run!r} has several optimizers; write optimizer = '...' or choose = 'lowest'")
    return tuple(named)


def only(claims: Claims, ids: tuple[str, ...]) -> Claims:
    """The same file with some of its claims alone, and the runs that they need.

    Raises:
        DynvizError: There is no claim of that name.
    """
    known = {claim.id for claim in claims.claims}
    for name in ids:
        if name not in known:
            raise unknown("claim", name, known)
    chosen = tuple(claim for claim in claims.claims if claim.id in ids) if ids else claims.claims
    used = {quantity.run for claim in chosen for quantity in claim.quantities}
    return replace(claims, claims=chosen, runs={name: runs for name, runs in claims.runs.items() if name in used})
