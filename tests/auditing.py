"""Reads mutated recordings with every command that reads, and hears what the interpreter is asked to do meanwhile.

python -m tests.auditing FOLDER COUNT SEED prints as JSON what should not have happened.
"""

import json
import os
import random
import resource
import shutil
import sys
import time
import warnings
from pathlib import Path

from tests.mutations import CODE, harm, share

SLOW, LARGE = 20.0, 1 << 20
"""Seconds, and kibibytes of memory, that nothing may take."""
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


def commands(run, target, rng):
    """Some of the commands that read, with something to call for each."""
    from rich.console import Console

    import dynviz
    from dynviz import plugins
    from dynviz.animation.drawing import open_film, suggested
    from dynviz.animation.export import animate
    from dynviz.cli.listing import _runs
    from dynviz.cli.paint import painter
    from dynviz.cli.summary import summary
    from dynviz.recording import open_all

    def summarise():
        with Console(file=Path(os.devnull).open("w")) as console:
            console.print(summary(open_all([run]), painter("dark", "none")))

    def show(view=None):
        from dynviz.cells.canvas import CellCanvas

        recordings = open_all([run])
        film = open_film(recordings, view or suggested(recordings)[0])
        for step in {int(film.steps[0]), int(film.steps[-1])}:
            CellCanvas(80, 24, "dark").draw(film.scene(step))

    def export():
        suffix = rng.choice(["png", "gif", "svg", "html"])
        animate(
            open_all([run]), target / f"out.{suffix}", size=(240, 180), frames=1 if suffix == "svg" else 2, alt=True
        )

    def events():
        for recording in open_all([run]):
            recording.events()
            for name in recording:
                recording[name], recording.steps(name)
            for step in recording.checkpoints():
                recording.checkpoint(step)

    def player():
        from dynviz.player.screenshot import screen_svg

        screen_svg([str(run)], view=None, theme="dark", step=None, size=(80, 24))

    def notebook():
        dynviz.open(run)._repr_mimebundle_()

    def listed():
        os.chdir(run.parents[1])
        _runs()

    view = rng.choice(list(plugins.files("views")))
    every = [listed, summarise, events, show, lambda: show(view)]
    rare = [export, export, player, notebook]
    return [*rng.sample(every, 3), *([rng.choice(rare)] if rng.random() < 0.12 else [])]


def main(folder, count, seed):
    from dynviz.errors import DynvizError

    warnings.simplefilter("ignore")
    from matplotlib import font_manager  # noqa: F401 - it looks for fonts with programs when it is first used

    inside, target = folder / "inside", folder / "target"
    target.mkdir()
    # What matplotlib and temporary files write is no recording's doing.
    os.environ |= {"TMPDIR": str(target), "MPLCONFIGDIR": str(target), "XDG_CACHE_HOME": str(target)}
    mark = folder / "canary"
    ear = Ear(inside, target)
    sources = sorted(path for path in (folder / "sources").iterdir())
    found = []
    for number in range(count):
        rng = random.Random(f"{seed} {number}")
        run = inside / "runs" / "run"
        source = rng.choice(sources)
        share(source, run)
        code = run / "got.py"
        code.write_text(CODE.format(mark=str(mark)))
        what = f"{seed} {number} {source.name}: {harm(run, rng.randrange(2**32), str(code))}"
        for command in commands(run, target, rng):
            name = f"{what}: {command.__name__}"
            begun = time.perf_counter()
            ear.listens = True
            try:
                command()
            except DynvizError:
                # A refusal; the command line makes one line of any, see `dynviz.text.one_line`.
                pass
            except BaseException as error:
                trace = error.__traceback__
                while trace.tb_next:
                    trace = trace.tb_next
                where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
                found.append(f"{name}: {type(error).__name__}: {str(error)[:200]} at {where}")
            ear.listens = False
            if (seconds := time.perf_counter() - begun) > SLOW:
                found.append(f"{name}: {seconds:.0f} s")
            found += [f"{name}: {heard}" for heard in ear.heard]
            ear.heard.clear()
            if mark.exists():
                found.append(f"{name}: what the recording names was run")
                mark.unlink()
        if (memory := resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) > LARGE:
            found.append(f"{what}: {memory >> 10} MiB")
            break
        os.chdir("/")
        shutil.rmtree(inside)
        if number % 50 == 49:
            print(number + 1, "read,", len(found), "wrong", file=sys.stderr, flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
