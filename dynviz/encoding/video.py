"""Videos: frames are piped to the ffmpeg of imageio's plugin.

The plugin's own writer is as fast, but ignores ffmpeg's exit status: on a full disk it silently leaves a file with only
some of the frames.
"""

import errno
import importlib
import itertools
import math
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np

from dynviz.errors import DynvizError
from dynviz.frame import Frame, Frames, Pixels, Sheet

FULL = "No space left on device"
SIGNS = re.compile(r"[=;#\\\n]")
"""What is escaped in ffmpeg's files of words."""
LEAST, MOST = 5, 50
"""Frames a second."""


def encode(frames: Frames, target: Path, sheet: Sheet, coder: Sequence[str]) -> None:
    """Write a video; durations are rounded to whole frames, so that their sum stays exact.

    Args:
        frames: At least one, all of one size.
        target: The file.
        sheet: What made the video; stored in the file.
        coder: Arguments for ffmpeg that choose the encoder.

    Raises:
        DynvizError: There is no ffmpeg, or it failed.
        OSError: The file cannot be written.
    """
    program = _ffmpeg(target.suffix)
    first = next(frames)
    # The first and the last one stand longer than all others.
    begin = [first, *itertools.islice(frames, 1)]
    seconds = min(frame.seconds for frame in begin)
    # Slow animations show each picture several times: few players like less than five frames a second.
    rate = min(max(1, math.ceil(LEAST * seconds - 1e-6)) / seconds, MOST)
    # Colours of half the resolution, which all players show, want even sides.
    height, width = (side + side % 2 for side in first.pixels.shape[:2])
    command = [program, "-loglevel", "error", "-nostdin", "-y"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{rate:.6g}", "-i", "pipe:0"]
    # Among the arguments words would be limited: the recipe of very many recordings is longer.
    words = tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt")  # noqa: SIM115 - closed below
    command += ["-f", "ffmetadata", "-i", words.name, "-map", "0:v"]
    command += ["-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", *_bt709(), *coder]
    # No versions and no dates: the same frames are the same bytes.
    command += ["-map_metadata", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact", str(target)]
    with words, tempfile.TemporaryFile() as messages:
        words.write(_metadata({"comment": sheet.remarks, "title": sheet.alt}))
        words.flush()
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=messages)
        try:
            # Where ffmpeg ended before its time, its own words say why.
            with suppress(BrokenPipeError):
                _feed(process, itertools.chain(begin, frames), rate)
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.wait():
            raise _failure(messages, target)


def _metadata(words: Mapping[str, str]) -> str:
    """A file of words about a video, as ffmpeg reads it."""
    lines = [f"{name}=" + SIGNS.sub(r"\\\g<0>", text) for name, text in words.items() if text]
    return "\n".join([";FFMETADATA1", *lines, ""])


def _feed(process: "subprocess.Popen[bytes]", frames: Iterable[Frame], rate: float) -> None:
    pipe = process.stdin
    assert pipe is not None
    owed = 0.0
    shown = 0
    try:
        for frame in frames:
            owed += frame.seconds * rate
            data = _even(frame.pixels).tobytes()
            while shown < max(1, round(owed)):
                pipe.write(data)
                shown += 1
    finally:
        with suppress(BrokenPipeError):
            pipe.close()


def _even(pixels: Pixels) -> Pixels:
    """The same picture; an odd side has its last pixels twice."""
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return pixels


def _bt709() -> list[str]:
    return ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]


def _ffmpeg(suffix: str) -> str:
    try:
        plugin = importlib.import_module("imageio_ffmpeg")
        return str(plugin.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise DynvizError(
            f"writing {suffix} needs imageio's ffmpeg plugin; install it with: pip install 'dynviz[video]'"
        ) from error


def _failure(messages: IO[bytes], target: Path) -> Exception:
    messages.seek(0)
    text = messages.read().decode(errors="replace")
    if FULL in text:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    last = text.strip().splitlines()[-1:] or ["no reason was given"]
    return DynvizError(f"ffmpeg could not write {target.suffix}: {last[0]}")
