"""Whether a recording is as it was written; what is not can be taken out, so that `resume` makes it again."""

import contextlib
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.recording import Recording, changes_file, checkpoint, disk, events, files, inputs, layout, lock, runjson
from dynviz.recording import projections as stored
from dynviz.recording.arrays import check_intact
from dynviz.recording.channel import Form
from dynviz.recording.checksums import BLOCK_BYTES, Checksum
from dynviz.recording.disk import Folder
from dynviz.recording.metadata import ChannelInfo

DAMAGED = "damaged"
"""The folder in a recording where damaged files are put when it is mended."""
SHOWN = 5
"""Damaged places of one channel that are named."""


@dataclass
class DamageReport:
    """What is wrong with a recording.

    Attributes:
        recording: The recording.
        problems: One line each.
        checked: The step up to which there are checksums, None where there are none.
        kept: How many samples of each damaged channel are as they were written, up to the first that is not.
        events: How many bytes of the events are, None where all are.
        files: Files that are damaged as a whole.
        lasting: The problem that keeps the recording from being mended, in words; empty without one.
    """

    recording: Recording
    problems: list[str] = field(default_factory=list)
    checked: int | None = None
    kept: dict[str, int] = field(default_factory=dict)
    events: int | None = None
    files: list[str] = field(default_factory=list)
    lasting: str = ""


def check(recording: Recording) -> DamageReport:
    """Compare a recording with its checksums. Nothing is written."""
    report = DamageReport(recording)
    for sealed_file in (runjson, changes_file):
        try:
            sealed_file.check_intact(recording.folder)
        except DynvizError as error:
            report.lasting = str(error)
            report.problems.append(report.lasting)
    sums = _checkpoints(report)
    newest = sums[report.checked] if report.checked is not None else {}
    for name in recording.metadata.channels:
        _check_channel(report, name, newest.get(name))
    _check_events(report, [each[layout.EVENTS] for each in sums.values() if layout.EVENTS in each])
    copies = inputs.damaged(recording.folder, recording.metadata.inputs)
    report.problems += copies.values()
    report.files += copies
    for name in stored.names(recording.folder):
        try:
            stored.read(recording.folder, name)
            check_intact(stored.file(recording.folder, name))
        except (DynvizError, OSError, ValueError) as error:
            file = f"{stored.FOLDER}/{name}{stored.SUFFIX}"
            report.problems.append(str(error) if isinstance(error, DynvizError) else f"{file}: {error}")
            report.files.append(file)
    return report


def check_checkpoint(recording: Recording, step: int) -> None:
    """See that all is there, as it was written, that a checkpoint stands on.

    Raises:
        DynvizError: Something is not.
    """
    sums = checkpoint.checksums(recording.folder, step)
    known = sums.pop(layout.CHANGES, None)
    if known is not None and changes_file.come_late(recording.folder, known, step):
        raise DynvizError(f"{recording.folder}: {layout.CHANGES} has got changes from before step {step}")
    report = DamageReport(recording)
    _check_events(report, [sums.pop(layout.EVENTS)] if layout.EVENTS in sums else [])
    for name, checksum in sums.items():
        if name in recording:
            _check_channel(report, name, replace(checksum, held=checksum.covered))
    if report.problems:
        raise DynvizError(f"{recording.folder}: {report.problems[0]}")


def _checkpoints(report: DamageReport) -> dict[int, Mapping[str, Checksum]]:
    """The checksums of every checkpoint that has them."""
    folder = report.recording.folder
    sums: dict[int, Mapping[str, Checksum]] = {}
    for step in checkpoint.steps(folder):
        try:
            known = checkpoint.checksums(folder, step)
        except DynvizError as error:
            report.problems.append(str(error))
            report.files.append(layout.checkpoint_file(step))
            continue
        if known:
            sums[step] = known
            report.checked = step
    return sums


def _check_channel(report: DamageReport, name: str, known: Checksum | None) -> None:
    recording = report.recording
    info = recording.metadata.channels[name]
    form = _form(recording, name)
    try:
        fd = files.open_regular(form.path)
    except OSError as error:
        report.problems.append(f"{name}: {disk.unreadable(form.path, error)}")
        report.kept[name] = 0
        return
    try:
        count, lost = _count(report, name, fd)
        bad = _damaged(fd, form, known, count) if known else []
    finally:
        os.close(fd)
    for first, last in bad[:SHOWN]:
        report.problems.append(f"{name}: {_samples(info, first, last, recording.total)} not what was written")
    if len(bad) > SHOWN:
        report.problems.append(f"{name}: {len(bad) - SHOWN} more places are not what was written")
    if bad or lost:
        report.kept[name] = min([count, *(first for first, _ in bad)])


def _count(report: DamageReport, name: str, fd: int) -> tuple[int, bool]:
    """How many samples a channel has, and whether the file says otherwise."""
    form = _form(report.recording, name)
    try:
        promised, held = form.counts(fd)
    except DynvizError as error:
        report.problems.append(f"{name}: {error}")
        room = os.fstat(fd).st_size - layout.HEADER_BYTES
        return max(room // form.sample_bytes, 0) if form.sample_bytes else 0, True
    whole = report.recording.metadata.channels[name].samples(report.recording.total)
    if held < promised:
        report.problems.append(f"{name}: {promised} samples promised, {held} there")
    elif promised != whole and report.recording.metadata.status == "finished":
        report.problems.append(f"{name}: it is finished with {promised} samples, and should have {whole}")
        return min(promised, whole), True
    return min(promised, held), held < promised


def _damaged(fd: int, form: Form, known: Checksum, count: int) -> list[tuple[int, int]]:
    """The first and the last sample of each block that is not what was written, or is not there."""
    size = form.sample_bytes
    spans = [
        (start, min(start + BLOCK_BYTES, known.covered * size), crc)
        for start, crc in zip(range(0, known.covered * size, BLOCK_BYTES), known.blocks, strict=False)
    ]
    if known.held > known.covered:
        spans.append((known.covered * size, known.held * size, known.rest))
    return [
        (start // size, (end - 1) // size)
        for start, end, crc in spans
        if end > count * size or zlib.crc32(os.pread(fd, end - start, layout.HEADER_BYTES + start)) != crc
    ]


def _samples(info: ChannelInfo, first: int, last: int, total: int) -> str:
    """Which samples, and of which steps."""
    begin, end = min(first * info.every, total), min(last * info.every, total)
    if first == last:
        return f"sample {first} (step {begin}) is"
    return f"samples {first} to {last} (steps {begin} to {end}) are"


def _check_events(report: DamageReport, known: list[Checksum]) -> None:
    path = report.recording.folder / layout.EVENTS
    try:
        data = files.read(path)
    except OSError as error:
        if known or not isinstance(error, FileNotFoundError):
            report.problems.append(str(disk.unreadable(path, error)))
            report.events = 0
        return
    if report.recording.metadata.status != "finished":
        # One that goes on from an earlier checkpoint comes to those events again.
        known = [each for each in known if each.covered <= len(data)]
    good = [each.covered for each in known if zlib.crc32(data[: each.covered]) == each.blocks[0]]
    good = [covered for covered in good if covered <= len(data)]
    if len(good) < len(known):
        report.problems.append(f"{layout.EVENTS}: it is not what was written")
        report.events = max(good, default=0)
        return
    lines = events.whole_lines(data)
    try:
        events.parse(data, path)
    except DynvizError as error:
        report.problems.append(str(error))
        report.events = max(good, default=0)
        return
    if len(lines) < len(data):
        report.problems.append(f"{layout.EVENTS}: it ends in {len(data) - len(lines)} bytes that are no events")
        report.events = len(lines)


def mend(report: DamageReport) -> None:
    """Take out what is damaged, so that resuming makes it again, to the same bytes.

    Channels end before their first damaged sample, the events after the last that is known to be right; damaged
    checkpoints and projections are moved aside. A finished recording that lost samples becomes an interrupted one.

    Raises:
        DynvizError: It is being written, or cannot be, or what it says of itself is damaged.
    """
    recording = report.recording
    if report.lasting:
        # Whatever is written now would be called right from now on.
        raise DynvizError(f"{recording.folder} cannot be mended: {report.lasting}")
    with contextlib.ExitStack() as stack:
        root = stack.enter_context(Folder(recording.folder))
        stack.callback(os.close, lock.acquire(root))
        metadata = runjson.load(recording.folder)
        if metadata.status == "finished" and (report.kept or report.events is not None):
            runjson.save(root, metadata.with_status("interrupted"))
        channels = stack.enter_context(root.folder(layout.CHANNELS))
        for name, count in report.kept.items():
            _shorten(channels, _form(recording, name), count)
        if report.events is not None:
            data = _events(recording.folder)[: report.events]
            with root.replacing(layout.EVENTS) as file:
                file.write(data)
        for name in report.files:
            _move_aside(root, name)


def _shorten(channels: Folder, form: Form, count: int) -> None:
    name = Path(form.path).name
    with channels.replacing(name) as file:
        if not count:
            file.write(form.header)
            return
        fd = files.open_regular(form.path)
        try:
            form.copy(fd, count, file)
        finally:
            os.close(fd)


def _events(folder: Path) -> bytes:
    try:
        return files.read(folder / layout.EVENTS)
    except OSError:
        return b""


def _move_aside(root: Folder, name: str) -> None:
    """Move a file into the folder of damaged ones; what is there already stays."""
    place, _, file = name.rpartition("/")
    with root.folder(place) as source, root.folder(DAMAGED, make=True) as aside:
        free = next(name for name in _numbered(file) if not os.path.lexists(aside.path / name))
        try:
            os.rename(file, free, src_dir_fd=source.fd, dst_dir_fd=aside.fd)
        except OSError as error:
            raise disk.unwritable(source.path / file, error) from error


def _numbered(file: str) -> Iterator[str]:
    yield file
    number = 2
    while True:
        yield f"{number}-{file}"
        number += 1


def _form(recording: Recording, name: str) -> Form:
    info = recording.metadata.channels[name]
    path = recording.folder / layout.channel_file(name)
    return Form(path, info.dtype, (len(recording.metadata.lanes), *info.shape))
