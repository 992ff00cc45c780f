"""What a run begins with, shown while torch is imported: as the same command began last time, or as it is shipped.

A task begins the same way whatever the optimizer does then, so that one picture of each bundled task serves them all.
"""

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

import dynviz
from dynviz import plugins
from dynviz.animation.drawing import open_film
from dynviz.player.fitting import AxisChoice
from dynviz.player.live_film import Scenes
from dynviz.player.views import Views
from dynviz.player.work import Work
from dynviz.plugins import spec
from dynviz.process.background import BackgroundRun
from dynviz.recording import Recording, Snapshot
from dynviz.scene.marks import Scene

SHIPPED = Path(__file__).with_name("previews")
"""The first samples of bundled scenarios with their own options, by name."""
MOST = 50
"""Runs whose first samples are kept."""
ASIDE = ("--out=", "--view=", "--theme=")
"""Options that change nothing about how a run begins."""


VARIABLE = "DYNVIZ_CACHE"
"""The variable of the environment that names another folder for what is kept."""


def location(environ: Mapping[str, str] = os.environ) -> Path:
    """Where first samples are kept.

    >>> location({"XDG_CACHE_HOME": "/home/ada/.cache"}).as_posix()
    '/home/ada/.cache/dynviz/first-samples'
    """
    cache = environ.get(VARIABLE) or Path(environ.get("XDG_CACHE_HOME") or "~/.cache", "dynviz")
    return Path(cache).expanduser() / "first-samples"


def _deciding(arguments: Sequence[str]) -> list[str]:
    """The arguments that decide how a run begins."""
    return [word for word in arguments if not word.startswith(ASIDE)]


def kept(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> Path:
    """The file of the first samples of `dynviz run` with these arguments."""
    words = _deciding(arguments)
    name = spec.parse(arguments[-1]).name if arguments else ""
    source = plugins.files("scenarios").get(name)
    code = source.read_bytes() if source is not None else b""
    digest = hashlib.sha256("\0".join([dynviz.__version__, *words]).encode() + code)
    return location(environ) / f"{digest.hexdigest()[:32]}.zip"


def keep(arguments: Sequence[str], recordings: Sequence[Recording], environ: Mapping[str, str] = os.environ) -> None:
    """Keep the first samples of a run for the next time, in place of those that were not asked for longest."""
    file = kept(arguments, environ)
    words = _deciding(arguments)
    if words[-2:-1] != ["--"] or spec.parse(words[-1]).name not in plugins.files("scenarios"):
        # It goes on from a later step, or its task is the user's own code, which may be another one next time.
        return
    if any("/" in word or word.endswith(".py") for word in words):
        # So may a file.
        return
    from dynviz.recording import first_samples

    if not file.exists():
        first_samples.pack(recordings, file)
    files = sorted(file.parent.glob("*.zip"), key=lambda path: path.stat().st_mtime)
    for old in files[:-MOST]:
        old.unlink(missing_ok=True)


def recordings_of(
    arguments: Sequence[str], folder: Path, environ: Mapping[str, str] = os.environ
) -> list[Recording] | None:
    """Recordings of what a run begins with, made in an empty folder; None if that is not known."""
    # Only a run needs it, whose first picture waits for torch.
    from dynviz.recording import first_samples

    file = kept(arguments, environ)
    if file.exists():
        file.touch()
        return first_samples.unpack(file, folder)
    words = _deciding(arguments)
    if words[-2:-1] != ["--"]:
        return None
    options = dict.fromkeys(word.partition("=")[0] for word in words[:-2])
    shipped = SHIPPED / f"{words[-1]}.zip"
    labels = [title for word in words if word.startswith("--optimizer=") if (title := _bundled(word.partition("=")[2]))]
    optimizers = sum(word.startswith("--optimizer=") for word in words)
    known = words[-1] in plugins.files("scenarios") and set(options) <= {"--optimizer", "--steps"}
    if not known or not shipped.exists() or not labels or len(set(labels)) < optimizers:
        return None
    steps = [int(word.partition("=")[2]) for word in words if word.startswith("--steps=")]
    changed = {"steps": steps[-1]} if steps else {}
    return first_samples.unpack(
        shipped,
        folder,
        {label: {"label": label, "order": order, **changed} for order, label in enumerate(labels)},
    )


def _bundled(optimizer: str) -> str:
    """The label of bundled optimizers and modifiers; empty for others."""
    parts = spec.parse(optimizer).parts
    kinds = ("optimizers", *["modifiers"] * (len(parts) - 1))
    known = all(part.name in plugins.files(kind) for part, kind in zip(parts, kinds, strict=True))
    return "+".join(part.name for part in parts) if known else ""


class _Begun(Snapshot):
    """First samples, as of a run that goes on."""

    @property
    def live(self) -> bool:
        return True


def scene(arguments: Sequence[str], view: str | None) -> Scene | None:
    """The picture of what a run begins with; None if that is not known.

    Args:
        arguments: Those of `dynviz run`.
        view: The view; None for the one that the scenario suggests.
    """
    with tempfile.TemporaryDirectory(prefix="dynviz-first-") as made:
        recordings = recordings_of(arguments, Path(made))
        if recordings is None:
            return None
        views = Views(view)
        views.suggest(recordings)
        film = open_film([_Begun(recording) for recording in recordings], views.names[0])
        axes, total = AxisChoice(), max(recording.total for recording in recordings)
        return Scenes(film, None).at(0, axes, axes.steps(0, 0, total, live=True))


class Preview:
    """The picture of what a run begins with, until there is one of the run itself."""

    def __init__(self, trainer: BackgroundRun | None) -> None:
        known = trainer is not None and trainer.command == "run" and trainer.arguments
        self._trainer = trainer if known else None
        self._scene: Scene | None = None
        self._asked = False

    @property
    def scene(self) -> Scene | None:
        """The picture; None while there is none, or none any more."""
        waits = self._trainer is not None and self._trainer.state in ("starting", "training")
        return self._scene if waits else None

    def ask(self, view: str | None, work: Work) -> None:
        """Make it, the first time."""
        if self._trainer is None or self._asked:
            return
        self._asked = True
        arguments = self._trainer.arguments

        def take(outcome: Future[Scene | None]) -> None:
            # Without it there are words.
            self._scene = outcome.result() if outcome.exception() is None else None

        work("preview", lambda: scene(arguments, view), take)

    def drop(self, recordings: Sequence[Recording], work: Work) -> None:
        """Show it no more, and keep what the run began with for the next time."""
        trainer, self._trainer, self._scene = self._trainer, None, None
        if trainer is not None:
            work("keep", lambda: keep(trainer.arguments, recordings), lambda _: None)
