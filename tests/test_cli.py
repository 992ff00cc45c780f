"""The command line as a user types it: what it prints, where, and how it exits."""

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import dynviz
from dynviz import plugins
from dynviz.cli import progress

FILES = Path(__file__).parent / "files"
BOWL = str(FILES / "bowl.py")


def dynviz_command(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "dynviz", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "100"},
    )


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "run"
    dynviz.run(BOWL, ["adamw", "sgd"], steps=40, out=folder)
    return folder


def test_run_prints_the_folder_on_stdout_and_talks_on_stderr(tmp_path):
    done = dynviz_command("run", BOWL, "--optimizer", "adamw:lr=0.1", "-o", "sgd", "--steps", "20", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = done.stdout.strip()
    assert folder == "runs/bowl-adamw-sgd-1"
    assert list(dynviz.open(tmp_path / folder)) == ["adamw", "sgd"]
    assert "adamw: given: lr 0.1; default: beta1 0.9, beta2 0.999" in done.stderr
    assert "sgd: set by scenario: lr 0.05; default: momentum 0.0" in done.stderr
    assert "20 steps, seed 42, on cpu" in done.stderr
    assert "adamw: step 20 of 20" in done.stderr
    assert done.stderr.rstrip().endswith(f"see it with: dynviz export {folder} bowl-adamw-sgd-1.gif")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["run"], 2, "name a scenario"),
        (["run", BOWL], 2, "name an optimizer with -o"),
        (["run", BOWL, "-o", "adamw", "--steps", "ten"], 2, "not a valid integer"),
        (["run", BOWL, "-o", "adamw", "--nonsense"], 2, "No such option"),
        (["run", "--resume", "x", "--seeds", "3"], 2, "it takes only --steps and --trust"),
        (["frobnicate"], 2, "No such command"),
        (["export", "only.gif"], 2, "name one or more runs, then the file to write"),
        (["run", "vorono", "-o", "adamw"], 1, "no scenario named 'vorono'; did you mean 'voronoi'?"),
        (["run", "vorono"], 1, "no scenario named 'vorono'; did you mean 'voronoi'?"),
        (["run", BOWL, "-o", "adamww"], 1, "no optimizer named 'adamww'; did you mean 'adamw'?"),
        (["run", BOWL, "-o", "adamw:rate=1"], 1, "no option of optimizer adamw named 'rate'"),
        (["run", BOWL, "-o", "adamw:lr=fast"], 1, "lr takes float"),
        (["run", f"{BOWL}:size=big", "-o", "adamw"], 1, "size takes int"),
        (["run", BOWL, "-o", "adamw", "--steps", "0"], 1, "0 steps cannot be trained"),
        (["run", BOWL, "-o", "adamw", "--device", "cuda:99"], 1, "no CUDA device for --device cuda:99"),
        (["run", BOWL, "-o", "adamw", "--out", "/proc/run"], 1, "/proc/run"),
        (["run", "--resume", "nowhere"], 1, "nowhere"),
        (["list", "runs", "one"], 2, "takes no name"),
        (["list", "optimizer"], 1, "did you mean 'optimizers'"),
        (["list", "optimizers", "adamww"], 1, "did you mean 'adamw'"),
    ],
)
def test_a_mistake_is_one_clear_line(arguments, code, says, tmp_path):
    done = dynviz_command(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert done.stdout == ""
    if code == 1:
        assert done.stderr.startswith("dynviz: ")
        assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("source", ["def broken(:\n", "x = 1\n", "raise RuntimeError('no')\n", ""])
def test_an_optimizer_file_that_is_none_is_one_clear_line(source, tmp_path):
    (tmp_path / "mine.py").write_text(source)
    done = dynviz_command("run", BOWL, "-o", "./mine.py", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("dynviz: ")
    assert "mine.py" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_users_optimizer_runs_under_its_stem(tmp_path):
    ours = Path(dynviz.__file__).parent / "optimizers" / "sgd.py"
    (tmp_path / "my_rule.py").write_text(ours.read_text())
    done = dynviz_command("run", BOWL, "-o", "./my_rule.py:lr=0.1", "--steps", 5, "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(dynviz.open(tmp_path / "run")) == ["my-rule"]


def test_a_users_class_of_torch_runs(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import torch\n\n\nclass Mine(torch.optim.Adam):\n    pass\n\n\noptimizer = Mine\n"
    )
    done = dynviz_command(
        "run", BOWL, "-o", "./mine.py:lr=0.1,betas=(0.5,0.9)", "--steps", 5, "--out", "r", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert dynviz.open(tmp_path / "r")["mine"].metadata.hyperparameters["betas"].value == (0.5, 0.9)


def test_list_shows_every_kind_and_its_names():
    done = dynviz_command("list")
    assert done.returncode == 0
    for word in ("scenarios", "optimizers", "views", "exporters", "runs", "adamw-l1", "voronoi", "benchmark", "gif"):
        assert word in done.stdout


def test_list_kind_is_a_table_for_scripts():
    lines = dynviz_command("list", "optimizers").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(plugins.files("optimizers"))


def test_list_kind_name_shows_type_default_and_a_line_each():
    done = dynviz_command("list", "optimizers", "sgd").stdout
    assert "Stochastic gradient descent" in done
    assert [line.split()[:3] for line in done.splitlines() if line.startswith("nesterov")] == [
        ["nesterov", "bool", "false"]
    ]
    assert "0 to 1" in done


def test_list_of_a_rule_with_modifiers_says_what_each_part_is():
    done = dynviz_command("list", "optimizers", "adam+l2+sam").stdout
    assert done.splitlines()[:3] == [
        plugins.summary(plugins.files(kind)[name])
        for kind, name in (("optimizers", "adam"), ("modifiers", "l2"), ("modifiers", "sam"))
    ]
    assert "rho" in done


def test_list_runs_looks_into_the_folder_of_a_comparison(tmp_path):
    command = ("compare", "surface", "-o", "sgd:lr=1e-3", "-o", "adam", "--seeds", "1", "--steps", "3")
    dynviz_command(*command, cwd=tmp_path)
    lines = dynviz_command("list", "runs", cwd=tmp_path).stdout.splitlines()
    assert [line.split()[1:] for line in lines] == [["sgd", "finished"], ["adam", "finished"]]


def test_list_runs_says_how_far_a_sweep_is(tmp_path):
    command = ("sweep", "surface:grid=[8,9]", "-o", "sgd:lr=[1e-3,1e-2]", "--steps", "3", "--out", "runs/grid")
    dynviz_command(*command, cwd=tmp_path)
    found = dynviz_command("list", "runs", cwd=tmp_path).stdout
    assert " ".join(found.split()) == "runs/grid sweep of 2 jobs, finished"
    shutil.rmtree(next((tmp_path / "runs" / "grid").glob("002-*")))
    found = dynviz_command("list", "runs", cwd=tmp_path).stdout
    assert " ".join(found.split()) == "runs/grid sweep of 2 jobs, 1 finished"


def test_list_options_of_a_class_of_torch():
    done = dynviz_command("list", "optimizers", "torch.optim.NAdam").stdout
    assert "momentum_decay" in done


def test_list_runs_says_how_each_stands(run_folder):
    done = dynviz_command("list", "runs", cwd=run_folder.parent)
    assert done.returncode == 0
    (run_folder.parent / "runs").mkdir()
    (run_folder.parent / "runs" / "broken").mkdir()
    (run_folder.parent / "runs" / "one").symlink_to(run_folder)
    done = dynviz_command("list", "runs", cwd=run_folder.parent)
    assert "adamw finished, sgd finished" in done.stdout
    assert "cannot be read" in done.stdout


def damaged(run_folder, tmp_path, change):
    import shutil

    folder = tmp_path / "damaged"
    shutil.copytree(run_folder, folder)
    change(folder / "adamw")
    return folder


def truncate(folder):
    with (folder / "channels" / "loss.npy").open("r+b") as file:
        file.truncate(200)


@pytest.mark.parametrize(
    ("text", "says"), [("{not json", "run.json: it is not JSON"), ('{"format": 99}', "run.json: it is of format 99")]
)
def test_a_recording_that_cannot_be_read_is_left_out_and_said_in_one_line(text, says, run_folder, tmp_path):
    folder = damaged(run_folder, tmp_path, lambda recording: (recording / "run.json").write_text(text))
    done = dynviz_command("export", folder, "out.png", "--view", "curves", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1
    assert "left out" in done.stderr
    assert says in done.stderr
    assert (tmp_path / "out.png").exists()


def test_a_damaged_channel_is_one_clear_line(run_folder, tmp_path):
    folder = damaged(run_folder, tmp_path, truncate)
    done = dynviz_command("export", folder, "out.gif", "--view", "curves", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "loss.npy is damaged" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out.gif").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["out.gif", "--view", "centers"], "centers"),
        (["out.gif", "--view", "centres"], "did you mean 'centers'"),
        (["out.bmp"], "bmp"),
        (["out.gif", "--size", "big"], "WIDTHxHEIGHT"),
        (["out.gif", "--steps", "9:1"], "steps '9:1'"),
        (["missing/out.gif"], "missing"),
    ],
)
def test_an_export_that_cannot_be_is_one_clear_line(arguments, says, run_folder, tmp_path):
    done = dynviz_command("export", run_folder, *arguments, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.gif", "out.png"])
def test_export_prints_what_it_wrote(name, run_folder, tmp_path):
    done = dynviz_command("export", run_folder, name, "--view", "curves", "--size", "400x300", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{name}\n"
    assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.parametrize(
    "words",
    [["list"], ["show", "RUN"], ["show", "RUN", "--view", "curves"], ["export", "RUN", "a.png", "--force"], ["--help"]],
)
def test_where_nothing_can_be_printed_there_is_one_clear_line_or_none(words, run_folder, tmp_path):
    arguments = [str(run_folder) if word == "RUN" else word for word in words]
    command = shlex.join([sys.executable, "-m", "dynviz", *arguments])
    options = {"shell": True, "capture_output": True, "text": True, "cwd": tmp_path}
    closed = subprocess.run(f"{command} >&-", check=False, **options)
    assert (closed.returncode, closed.stderr) == (0, "")
    closed = subprocess.run(f"{command} >&- 2>&- <&-", check=False, **options)
    assert closed.returncode == 0
    if Path("/dev/full").exists():
        full = subprocess.run(f"{command} >/dev/full", check=False, **options)
        said = "dynviz: cannot write to stdout: No space left on device\n"
        assert (full.returncode, full.stderr) == (1, said)


def test_what_is_said_can_be_typed_where_a_folder_has_spaces(tmp_path):
    done = dynviz_command("run", BOWL, "-o", "sgd", "--steps", 2, "--out", "my run", cwd=tmp_path)
    assert done.stdout == "my run\n"
    assert done.stderr.endswith("see it with: dynviz export 'my run' 'my run'.gif\n")


def test_bars_leave_room_for_what_a_terminal_echoes(run_folder, monkeypatch):
    shown = io.StringIO()
    terminal = Console(file=shown, force_terminal=True, width=80, highlight=False)
    monkeypatch.setattr(progress, "console", lambda: terminal)
    bars = progress.TrainingProgress()
    recordings = [recording.metadata for recording in dynviz.open(run_folder).values()]
    bars.begin(run_folder, recordings, [0, 0])
    bars.move("adamw", 20, 0.25, 40)
    bars.end()
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).strip("\r") for line in shown.getvalue().splitlines()]
    assert any("20/40" in line and "loss 0.25" in line for line in lines)
    assert max(map(len, lines)) <= 75


def test_list_of_a_scenario_shows_its_functions_channels_and_views():
    shown = " ".join(dynviz_command("list", "scenarios", "surface").stdout.split())
    for words in ("himmelblau", "(float, ...) | none", "position 1 yes x and y", "term.* 1 --record", "views path "):
        assert words in shown


def test_list_takes_several_names():
    shown = dynviz_command("list", "optimizers", "adamw", "lion").stdout
    assert shown.count("weight_decay  float") == 2


def test_schedules_and_modifiers_can_be_listed():
    assert "cosine(start,steps,end=0)" in dynviz_command("list", "schedules").stdout
    assert "proximal-l1" in dynviz_command("list", "modifiers").stdout


def test_an_exporter_is_called_so(run_folder):
    done = dynviz_command("export", run_folder, "a.gif", "--exporter", "gift")
    assert done.stderr.startswith("dynviz: no exporter named 'gift'; did you mean 'gif'?")


def test_a_start_outside_the_picture_names_the_option_that_helps():
    done = dynviz_command("run", "surface:start=(9,9)", "-o", "sgd")
    assert "domain=" in done.stderr


RULE = """
class Bad:
    def init(self, theta):
        return {{}}

    def update(self, theta, gradient, state, t):
        if int(t) > 20:
            raise {error}
        return {{"gradient": -self.lr * gradient}}, state
"""


@pytest.mark.parametrize("error", ["ValueError('too late')", "OSError(5, 'broken')", "KeyError('x')"])
def test_a_fault_in_a_users_rule_is_one_line_with_its_place_and_what_was_recorded_stays(error, tmp_path):
    source = RULE.format(error=error).replace("class Bad:", "@dataclass(frozen=True)\nclass Bad:\n    lr: float = 0.01")
    source = f"from dataclasses import dataclass\n{source}\nBad.coordinatewise = False\noptimizer = Bad\n"
    (tmp_path / "bad.py").write_text(source)
    done = dynviz_command("run", BOWL, "-o", "./bad.py", "--steps", 40, "--out", "run", cwd=tmp_path)
    line = source[: source.index("raise")].count("\n") + 1
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    place = f"({tmp_path / 'bad.py'}, line {line}); its traceback is in run/error.txt"
    assert done.stderr.rstrip().endswith(place)
    assert len(dynviz.open(tmp_path / "run")["bad"]["loss"]) > 0


def test_a_fault_in_a_users_scenario_is_one_line_with_its_place(tmp_path):
    (tmp_path / "bad.py").write_text("class S:\n    def build(self, seed):\n        return {}['x']\n\n\nscenario = S\n")
    for words in (["run", "./bad.py", "-o", "sgd"], ["list", "scenarios", "./bad.py"]):
        done = dynviz_command(*words, cwd=tmp_path)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith("dynviz: ")


def test_a_file_whose_name_is_not_utf_8_is_refused(tmp_path):
    name = os.fsdecode(b"m\xe9.py")
    (tmp_path / name).write_text("optimizer = dict\n")
    done = dynviz_command("run", BOWL, "-o", f"./{name}", cwd=tmp_path)
    assert done.returncode == 1
    assert "is not valid UTF-8" in done.stderr


def test_where_a_stream_takes_ascii_alone_a_comparison_is_printed(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = dynviz_command("compare", "surface", "-o", "sgd", "--steps", 3, "--seeds", 1, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "optimizer" in done.stdout


def test_a_learning_rate_of_none_is_that_of_the_class(tmp_path):
    done = dynviz_command("run", BOWL, "-o", "zoo.AdaFactor:lr=none", "--steps", 3, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
