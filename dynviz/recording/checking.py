"""Checking a recording for damage, and removing damaged parts so that `resume` can reproduce them."""

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
"""The folder in a recording to which `mend` moves damaged files."""
SHOWN = 5
"""Maximum number of damaged places listed per channel."""


@dataclass
class DamageReport:
    """The damage found in a recording.

    Attributes:
        recording: The recording.
        problems: Descriptions, one line each.
        checked: The last step covered by checksums; None if there are none.
        kept: For each damaged channel, the number of intact samples before the first damaged one.
        events: The number of intact bytes of the events; None if all are.
        files: Files that are damaged and cannot be kept in part.
        lasting: The problem that prevents mending; empty if there is none.
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
    _check_events(report, [step_sums[layout.EVENTS] for step_sums in sums.values() if layout.EVENTS in step_sums])
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
    """Check that everything covered by a checkpoint is present and unaltered.

    Raises:
        DynvizError: Something is missing or altered.
    """
    sums = checkpoint.checksums(recording.folder, step)
    known = sums.pop(layout.CHANGES, None)
    if known is not None and changes_file.come_late(recording.folder, known, step):
        raise DynvizError(f"{recording.folder}: {layout.CHANGES} has gained changes from before step {step}")
    report = DamageReport(recording)
    _check_events(report, [sums.pop(layout.EVENTS)] if layout.EVENTS in sums else [])
    for name, checksum in sums.items():
        if name in recording:
            _check_channel(report, name, replace(checksum, held=checksum.covered))
    if report.problems:
        raise DynvizError(f"{recording.folder}: {report.problems[0]}")


def _checkpoints(report: DamageReport) -> dict[int, Mapping[str, Checksum]]:
    """The checksums of every checkpoint that has any."""
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
    """The number of samples of a channel, and whether some were lost."""
    form = _form(report.recording, name)
    try:
        promised, held = form.counts(fd)
    except DynvizError as error:
        report.problems.append(f"{name}: {error}")
        room = os.fstat(fd).st_size - layout.HEADER_BYTES
        return max(room // form.sample_bytes, 0) if form.sample_bytes else 0, True
    metadata = report.recording.metadata
    whole = metadata.channels[name].samples(report.recording.total)
    # What another program logged may end before the run does.
    ended = metadata.status == "finished" and (promised > whole or not metadata.imported)
    if held < promised:
        report.problems.append(f"{name}: only {held} of {promised} samples are there")
    elif promised != whole and ended:
        report.problems.append(f"{name}: the run is finished, but it has {promised} of {whole} samples")
        return min(promised, whole), True
    return min(promised, held), held < promised


def _damaged(fd: int, form: Form, known: Checksum, count: int) -> list[tuple[int, int]]:
    """The first and last sample of each block that is altered or missing."""
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
    """Describe a range of samples and their steps."""
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
        # A run resumed from an earlier checkpoint will reach the missing events again.
        known = [checksum for checksum in known if checksum.covered <= len(data)]
    good = [checksum.covered for checksum in known if zlib.crc32(data[: checksum.covered]) == checksum.blocks[0]]
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
        report.problems.append(f"{layout.EVENTS}: it ends in {len(data) - len(lines)} bytes that are not events")
        report.events = len(lines)


def mend(report: DamageReport) -> None:
    """Remove damaged parts, so that resuming reproduces them byte for byte.

    Channels are cut before their first damaged sample, events after the last one known to be intact; damaged
    checkpoints and projections are moved aside. A finished recording that lost samples becomes interrupted.

    Raises:
        DynvizError: The recording is being written, is not writable, or its metadata or changes are damaged.
    """
    recording = report.recording
    if report.lasting:
        # Rewriting the damaged file would give it a valid checksum.
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
    """Move a file into the folder of damaged files, without overwriting any."""
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
