"""Reads mutated recordings with every command that reads, and hears what the interpreter is asked to do meanwhile.

python -m tests.auditing FOLDER COUNT prints as JSON how many were read, and what should not have happened.
"""

import io
import json
import os
import resource
import shutil
import sys
import time
import unicodedata
import warnings
from pathlib import Path

from hypothesis import HealthCheck, Phase, configuration, given, settings
from hypothesis import strategies as st
from hypothesis.errors import StopTest

from dynviz.errors import DynvizError
from tests.mutations import CODE, Change, harm, one_in, share

SLOW, LARGE = 20.0, 1 << 20
"""Seconds, and kibibytes of memory, that nothing may take."""
LONG = 1000
"""Characters of an error."""
MUTATING = {
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.truncate", "os.utime",
    "shutil.rmtree", "shutil.move", "shutil.copyfile",
}  # fmt: skip
STARTING = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect", "socket.bind"}


class Ear:
    """An audit hook; it cannot be taken off, but need not listen."""

    def __init__(self, inside, target):
        self.inside, self.target = str(inside), str(target)
        self.listens = False
        self.heard = []
        sys.addaudithook(self)

    def __call__(self, event, arguments):
        if not self.listens:
            return
        if event in STARTING:
            self.heard.append(f"{event} {arguments!r:.200}")
        elif event in ("exec", "compile"):
            file = arguments[0].co_filename if event == "exec" else arguments[1]
            source = arguments[0] if event == "compile" else ""
            if self.inside in str(file) or "canary" in str(source) or "__import__('os')" in str(source):
                self.heard.append(f"{event} {file}")
        elif event == "open" and isinstance(arguments[0], str | bytes | Path):
            mode, flags = arguments[1], arguments[2]
            writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (flags or 0) & (
                os.O_WRONLY | os.O_RDWR | os.O_CREAT
            )
            self.write(event, os.fsdecode(arguments[0])) if writes else None
        elif event in MUTATING:
            # A path may be inside an open folder, whose descriptor comes last.
            inside = arguments[-1]
            above = f"/proc/self/fd/{inside}" if type(inside) is int and inside >= 0 else ""
            paths = (os.fsdecode(each) for each in arguments if isinstance(each, str | bytes | Path))
            self.write(event, *(os.path.join(os.path.realpath(above), path) if above else path for path in paths))  # noqa: PTH118

    def write(self, event, *paths):
        for path in paths:
            if path != os.devnull and not os.path.abspath(path).startswith(self.target):  # noqa: PTH100
                self.heard.append(f"{event} {path}")


def controls(line):
    """Whether a character of a line is one that a terminal obeys; a space of another width is none."""
    return any(unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in line)


def readable(printed):
    """See that what is printed controls no terminal."""
    for line in printed.split("\n"):
        assert not controls(line), ascii(line)[:LONG]


def commands(run, target, rng):
    """Some of the commands that read, with something to call for each."""
    from click.testing import CliRunner
    from rich.console import Console

    import dynviz
    from dynviz import plugins
    from dynviz.animation.drawing import open_film, suggested
    from dynviz.animation.export import animate
    from dynviz.cli.check import check
    from dynviz.cli.events import events
    from dynviz.cli.listing import _runs
    from dynviz.cli.paint import painter
    from dynviz.cli.summary import summary
    from dynviz.recording import open_all

    def summarise():
        page = io.StringIO()
        Console(file=page, width=200).print(summary(open_all([run]), painter("dark", "none")))
        readable(page.getvalue())

    def show(view=None):
        from dynviz.cells.canvas import CellCanvas

        recordings = open_all([run])
        film = open_film(recordings, view or suggested(recordings)[0])
        for step in {int(film.steps[0]), int(film.steps[-1])}:
            CellCanvas(80, 24, "dark").draw(film.scene(step))

    # All is drawn before anything is run: hypothesis takes the same draws to go on the same way.
    suffix, noted = rng.choice(["png", "gif", "svg", "html"]), rng.choice([False, True])
    wishes = rng.choice([[], ["--json"], ["--kind", "spike"], ["--forbid", "forked"]])

    def export():
        frames = 1 if suffix == "svg" else 2
        animate(open_all([run]), target / f"out.{suffix}", size=(240, 180), frames=frames, alt=True, notes=noted)

    def spoken(command, *words):
        """What a command prints: lines that control no terminal."""
        readable(CliRunner().invoke(command, list(map(str, words)), catch_exceptions=False).output)

    def happened():
        spoken(events, run, *wishes)

    def checked():
        spoken(check, run)

    def values():
        for recording in open_all([run]):
            recording.events()
            recording.changes()
            for name in recording:
                recording[name], recording.steps(name)
            for step in recording.checkpoints():
                recording.checkpoint(step)

    def player():
        from dynviz.tapes.still import screen_svg

        screen_svg([str(run)], view=None, theme="dark", step=None, size=(80, 24))

    def notebook():
        opened = dynviz.open(run)
        getattr(opened, "_repr_mimebundle_", opened.__repr__)()

    def listed():
        os.chdir(run.parents[1])
        _runs()

    view = rng.choice(list(plugins.files("views")))
    every = [listed, summarise, values, happened, checked, show, lambda: show(view)]
    rare = [export, export, player, notebook]
    return [*rng.sample(every, 3), *([rng.choice(rare)] if one_in(rng, 8) else [])]


def main(folder, count):
    warnings.simplefilter("ignore")
    from matplotlib import font_manager  # noqa: F401 - it looks for fonts with programs when it is first used

    inside, target = folder / "inside", folder / "target"
    target.mkdir()
    # What hypothesis, matplotlib and temporary files write is no recording's doing.
    configuration.set_hypothesis_home_dir(target)
    os.environ |= {"TMPDIR": str(target), "MPLCONFIGDIR": str(target), "XDG_CACHE_HOME": str(target)}
    audit = Audit(inside, target, folder / "canary")
    sources = sorted(path for path in (folder / "sources").iterdir())

    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=bool(os.environ.get("CI")),
        # What is wrong is kept and not raised: nothing is made smaller, which takes a while.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data(), st.randoms(use_true_random=False))
    def read(data, rng):
        run = inside / "runs" / "run"
        shutil.rmtree(inside, ignore_errors=True)
        source = rng.choice(sources)
        share(source, run)
        code = run / "got.py"
        code.write_text(CODE.format(mark=str(audit.mark)))
        what = f"{audit.read + 1} {source.name}: {harm(run, Change(data, rng, str(code)))}"
        chosen = commands(run, target, rng)
        for command in [] if audit.large() else chosen:
            audit.run(f"{what}: {command.__name__}", command)
        os.chdir("/")
        # Hypothesis gives up some that are too large, before they come here.
        audit.read += 1

    read()
    print(json.dumps({"read": audit.read, "found": audit.found}))


class Audit:
    """Runs commands, and keeps what should not have happened."""

    def __init__(self, inside, target, mark):
        self.mark, self.read, self.found = mark, 0, []
        self._ear = Ear(inside, target)

    def large(self):
        """Whether so much memory was taken that nothing more should be read."""
        memory = _peak()
        if memory > LARGE and not any("MiB" in problem for problem in self.found):
            self.found.append(f"{self.read}: {memory >> 10} MiB")
        return memory > LARGE

    def run(self, name, command):
        begun = time.perf_counter()
        self._ear.listens = True
        try:
            command()
        except DynvizError as error:
            words = str(error)
            if not words or controls(words) or len(words) > LONG:
                self.found.append(f"{name}: not one readable line: {words[: LONG + 100]!r}")
        except StopTest:
            raise
        except BaseException as error:
            trace = error.__traceback__
            while trace.tb_next:
                trace = trace.tb_next
            where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
            self.found.append(f"{name}: {type(error).__name__}: {str(error)[:200]} at {where}")
        finally:
            self._ear.listens = False
        if (seconds := time.perf_counter() - begun) > SLOW:
            self.found.append(f"{name}: {seconds:.0f} s")
        self.found += [f"{name}: {heard}" for heard in self._ear.heard]
        self._ear.heard.clear()
        if self.mark.exists():
            self.found.append(f"{name}: what the recording names was run")
            self.mark.unlink()


def _peak() -> int:
    """Kibibytes of memory that this program had at most; `ru_maxrss` would count the process that started it too."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
