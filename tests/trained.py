"""Short real recordings, of every bundled scenario, with all that their views need."""

from pathlib import Path

from click.testing import CliRunner

import dynviz
from dynviz import plugins
from dynviz.animation.drawing import open_film
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.recording import Recording, open_all

ALL = ["term.*", "gradient", "parameters", "state.*"]
SMALL = {
    "voronoi": ("voronoi:hidden=24,grid=12", ["adamw", "sgd"], {"record": ["parameters"]}),
    "plane": ("surface:f=quadratic,grid=24", ["adam", "full-matrix-adagrad"], {"record": ALL, "seeds": "0:3"}),
    "long": ("surface:f=quadratic,noise=0.5,grid=8", ["sgd"], {"seeds": "0:2", "steps": 250}),
    "line": ("surface:f=two-wells", ["sgd"], {}),
    "rare": ("rare-gradient:rate=0.1", ["sgd", "signsgd"], {"seeds": "0:2"}),
    "sensing": ("matrix-sensing:d=12", ["sgd"], {}),
    "recovery": ("matrix-recovery:M=8", ["shampoo"], {"record": ["gradient", "state.*"]}),
    "landscape": ("landscape:model=mlp,data=shapes", ["sgd"], {"record": ["parameters:every=2"]}),
    "initialisation": ("initialisation:layers=4,width=8,data=shapes", ["sgd"], {}),
    "icon": ("icon:data=shapes", ["adam"], {}),
    "groups": ("imbalance:classes=40,samples=120", ["sgd", "adam"], {}),
    "noise": ("gradient-noise:data=shapes,rows=64,noise_batch=1", ["sgd", "adam"], {}),
    "items": ("frequent-items:items=24", ["sketchy:rank=4"], {"record": ["state.*"]}),
    "grokking": ("grokking:p=5,width=8", ["adamw"], {}),
    "undecayed": (
        "exponential-rate:data=shapes,width=8",
        ["sgd:weight_decay=0.005", "sgd:lr=undecayed(0.02,0.005,0.9)"],
        {},
    ),
    "descent": ("double-descent:degrees=40", ["sgd"], {}),
}
NAMED = {scenario.partition(":")[0] for scenario, _, _ in SMALL.values()}
RUNS = {**SMALL, **{name: (name, ["sgd"], {}) for name in plugins.files("scenarios") if name not in NAMED}}
"""Scenarios that are small anyway need no entry above."""
STEPS = 8


def train(folder: Path) -> dict[str, list[Recording]]:
    """A run of each scenario, and a sweep; of the landscape a plane, a line and its curvature too."""
    for name, (scenario, optimizers, options) in RUNS.items():
        dynviz.run(scenario, optimizers, **{"steps": STEPS, **options}, out=folder / name)
    again(
        "sweep", "surface:f=booth,grid=16", "-o", "adam:lr=log(1e-3,1,3)", "--steps", STEPS, "--out", folder / "sweep"
    )
    again("project", folder / "landscape", "--grid", 5)
    again("project", folder / "landscape", "--grid", 5, "--line")
    again("sharpness", folder / "landscape", "--samples", 2, "--eigenvalues", 2)
    return {name: open_all([folder / name]) for name in (*RUNS, "sweep")}


def again(*words: object) -> None:
    """Run a command."""
    done = CliRunner().invoke(commands, list(map(str, words)), catch_exceptions=False)
    assert done.exit_code == 0, (words, done.output)


def films(trained: dict[str, list[Recording]]) -> dict[tuple[str, str], Film]:
    """By view and run: every view that opens for a run."""
    found = {}
    for view in plugins.files("views"):
        for name, recordings in trained.items():
            try:
                found[view, name] = open_film(recordings, view)
            except DynvizError:
                continue
    return found
