"""Short recordings, made up: the channels that each scenario records, with curves like theirs."""

import functools
import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dynviz import plugins
from dynviz.errors import DynvizError
from dynviz.recording import Recording, Writer
from dynviz.recording.metadata import ChannelInfo, Hyperparameter, Lane, Metadata, Named

LOSS = {"better": "lower"}
ACCURACY = {"better": "higher", "bounds": (0.0, 1.0)}
DECLARED: dict[str, dict[str, Any]] = {
    "loss": LOSS,
    "val_loss": LOSS | {"title": "validation loss"},
    "test_loss": LOSS,
    "relative_error": LOSS,
    "val_accuracy": ACCURACY | {"title": "validation accuracy"},
    "test_accuracy": ACCURACY,
    "plus_minus": {"title": "plus-minus"},
    "prob_gap": {"title": "probability gap", "bounds": (0.0, 1.0)},
}
"""What scenarios declare of channels of these names."""


def fingerprint(scenario: str) -> str:
    """Of a scenario that is a file."""
    return hashlib.sha256(Path(scenario).read_bytes()).hexdigest() if scenario.endswith(".py") else ""


def record(
    folder: Path,
    channels: Mapping[str, tuple[int, np.ndarray]],
    *,
    scenario: str,
    steps: int,
    label: str = "adamw",
    given: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    views: tuple[str, ...] = ("benchmark",),
    seeds: tuple[int, ...] | None = None,
    dims: Mapping[str, tuple[str, ...]] | None = None,
    lanes: tuple[Lane, ...] = (),
    rate: float = 0.01,
    parameters: Mapping[str, tuple[int, ...]] | None = None,
) -> Recording:
    """Write channels, each (every, [samples, lanes, ...]), and read them."""
    count = next(iter(channels.values()))[1].shape[1]
    metadata = Metadata(
        Named(scenario, given or {}, sha256=fingerprint(scenario)),
        Named(label),
        label,
        0,
        {"lr": Hyperparameter(rate, "given"), "eps": Hyperparameter(1e-8, "default")},
        ("gradient", "decay"),
        lanes or tuple(Lane(seed) for seed in seeds or range(42, 42 + count)),
        steps,
        {
            name: ChannelInfo(every, "<f4", values.shape[2:], (dims or {}).get(name, ()), **DECLARED.get(name, {}))
            for name, (every, values) in channels.items()
        },
        views=views,
        facts=facts or {},
        parameters=parameters or {},
    )
    with Writer.create(folder, metadata) as writer:
        for name, (_, values) in channels.items():
            writer.write(name, 0, np.ascontiguousarray(values, dtype="<f4"))
        writer.status("finished")
    return Recording(folder)


def count(steps: int, every: int) -> int:
    return ChannelInfo(every, "<f4").samples(steps)


def voronoi(
    folder: Path, *, steps: int = 400, lanes: int = 1, every: int = 20, centers: int = 40, **more: Any
) -> Recording:
    """The model with learned centers; rows 12, columns 16."""
    rng = np.random.default_rng(len(folder.name))
    n, m = count(steps, 1), count(steps, every)
    t, u = np.arange(n)[:, None] / max(1, steps), np.arange(m)[:, None] / max(1, m - 1)
    speed = rng.uniform(2, 4, lanes)
    share = np.linspace(0, 1, 12)[:, None] * np.linspace(0.5, 1, 16)
    sure = 0.5 + (share - 0.4)[None, None] * np.tanh(3 * u)[:, :, None, None] * np.ones((1, lanes, 1, 1))
    place = 100 * rng.standard_normal((1, lanes, centers, 2)) * (1 - 0.5 * u[:, :, None, None])
    head = np.repeat(rng.standard_normal((1, lanes, 2, centers)), m, axis=0)
    channels = {
        "loss": (1, 0.25 + 0.45 * np.exp(-speed * t) + 0.08 * rng.standard_normal((n, lanes))),
        "val_loss": (every, 0.25 + 0.45 * np.exp(-speed * u)),
        "val_accuracy": (every, 0.9 - 0.4 * np.exp(-speed * u)),
        "prediction": (every, np.stack([1 - sure, sure], axis=-1)),
        "centers": (every, place),
        "head": (every, head),
        "offset": (1, (1 + 0.2 * np.sin(6 * t) * np.exp(-speed * t))[..., None]),
        "scale": (1, (1 + 50 * np.tanh(t) * speed / 3)[..., None]),
        "plus_minus": (1, np.stack([-0.4 - 0.1 * t * speed, 0.4 + 0.2 * t * speed], axis=-1)),
        "class_weight": (every, np.stack([u * speed, -u * speed], axis=-1)),
        "logit_gap": (every, u * speed),
        "prob_gap": (every, np.tanh(u * speed)),
        "environment": (0, np.tile((share > 0.4).astype(float), (1, lanes, 1, 1))),
        "true_centers": (0, rng.uniform(-100, 100, (1, lanes, 9, 2))),
        "true_class": (0, rng.integers(0, 2, (1, lanes, 9)).astype(float)),
    }
    more = {"scenario": "voronoi", "given": {"model": "centers"}, "facts": {"extent": [-100, 100, -100, 100]}} | more
    more = {"dims": {"plus_minus": ("low or high",)}} | more
    views = ("benchmark", "scalars", "logits", "centers", "environment", "curves")
    parameters = {"offset": (1,), "scale": (1,), "plus_minus": (2,), "centers": (centers, 2), "head": (2, centers)}
    return record(folder, cut(channels, more), steps=steps, views=views, parameters=parameters, **more)


def surface(folder: Path, *, steps: int = 300, lanes: int = 1, lowest: float = 0.0, **more: Any) -> Recording:
    """A way down Rosenbrock's valley, whose floor is at the lowest value."""
    rng = np.random.default_rng(len(folder.name))
    t = np.linspace(0, 1, count(steps, 1))[:, None]
    a = 0.1 + 0.9 * t * rng.uniform(0.7, 1, lanes)
    b = a**2 + 2.9 * np.exp(-rng.uniform(5, 20, lanes) * t)
    x, y = np.meshgrid(np.linspace(-1.5, 1.5, 41), np.linspace(-0.5, 3.5, 31))
    channels = {
        "loss": (1, (1 - a) ** 2 + 100 * (b - a**2) ** 2),
        "position": (1, np.stack([a, b], axis=-1)),
        "landscape": (0, np.tile((1 - x) ** 2 + 100 * (y - x**2) ** 2 + lowest, (1, lanes, 1, 1))),
    }
    facts = {"domain": [-1.5, 1.5, -0.5, 3.5], "optimum": [[1.0, 1.0]]}
    more = {"scenario": "surface", "given": {"f": "rosenbrock"}, "facts": facts} | more
    return record(folder, cut(channels, more), steps=steps, views=("path", "cloud", "surface3d", "curves"), **more)


def sensing(folder: Path, *, steps: int = 600, lanes: int = 1, every: int = 10, **more: Any) -> Recording:
    """Two singular values that rise one after the other out of eight."""
    rng = np.random.default_rng(len(folder.name))
    n, m = count(steps, 1), count(steps, every)
    t, u = np.linspace(0, 1, n)[:, None], np.linspace(0, 1, m)[:, None]
    rise = [v / (1 + np.exp(-20 * (u - when))) for v, when in ((26000, 0.3), (24000, 0.6))]
    rest = [np.full_like(u, 16.0 / k) for k in range(1, 7)]
    values = np.stack([*rise, *rest], axis=-1) * rng.uniform(0.9, 1, (1, lanes, 1))
    channels = {
        "loss": (1, 1e9 * np.exp(-8 * t) * rng.chisquare(1, (n, lanes))),
        "relative_error": (every, np.exp(-4 * u) * np.ones(lanes)),
        "singular_values": (every, values),
        "true_singular_values": (0, np.tile([26000.0, 24000, 0, 0, 0, 0, 0, 0], (1, lanes, 1))),
    }
    more = {"scenario": "matrix-sensing"} | more
    return record(folder, cut(channels, more), steps=steps, views=("spectrum", "curves"), **more)


def network(folder: Path, *, steps: int = 200, lanes: int = 1, every: int = 5, **more: Any) -> Recording:
    """All that a step is made of, for forty weights."""
    rng = np.random.default_rng(len(folder.name))
    n, m = count(steps, 1), count(steps, every)
    t, u = np.linspace(0, 1, n)[:, None], np.linspace(0, 1, m)[:, None, None]
    weights = rng.standard_normal((1, lanes, 40)) * (1 - 0.5 * u)
    weights[..., :8] = np.where(u > 0.5, 0, weights[..., :8])
    slope = 0.2 * weights + 0.1 * rng.standard_normal((m, lanes, 40))
    fresh, kept, pull = -1e-3 * slope, -9e-3 * slope[::-1] * (1 - u), -1e-5 * weights
    for term in (fresh, kept, pull):
        term[0] = 0
    channels = {
        "loss": (1, np.exp(-3 * t) + 0.1 * rng.uniform(0, 1, (n, lanes))),
        "parameters": (every, weights),
        "gradient": (every, slope),
        "term.gradient": (every, fresh),
        "term.momentum": (every, kept),
        "term.decay": (every, pull),
    }
    more = {"scenario": "network"} | more
    return record(folder, cut(channels, more), steps=steps, views=("ledger", "update", "weights", "curves"), **more)


def cut(channels: Mapping[str, tuple[int, np.ndarray]], more: dict[str, Any]) -> dict[str, tuple[int, np.ndarray]]:
    """Apply what was asked for: `samples` at most of each channel, a `lost` lane, channels `without`."""
    samples, lost, without = more.pop("samples", None), more.pop("lost", None), more.pop("without", ())
    found = {}
    for name, (every, values) in channels.items():
        if name in without:
            continue
        kept = values[:samples].copy()
        if lost is not None and every:
            # It grows without bound for a while, then it is infinite, then not a number.
            third = max(1, len(kept) // 3)
            growth = np.geomspace(1, 1e28, third).reshape(-1, *[1] * (kept.ndim - 2))
            kept[third : 2 * third, lost] *= growth[: len(kept[third : 2 * third])]
            kept[2 * third :, lost] = np.nan
            kept[2 * third : 2 * third + 1, lost] = np.inf
        found[name] = every, kept
    return found


KINDS = {"voronoi": voronoi, "surface": surface, "sensing": sensing, "network": network}


@functools.cache
def wanting() -> dict[tuple[str, str], str]:
    """What each view that is found lacks in each kind of recording, in words; empty where it can show it."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in sorted(KINDS):
            recording = KINDS[kind](Path(folder, kind))
            for view in sorted(plugins.files("views")):
                found[view, kind] = ""
                try:
                    plugins.load("views", view).target([recording])
                except DynvizError as error:
                    found[view, kind] = str(error)
    return found


def two_of_voronoi(run: Path) -> Path:
    """A run of two recordings, one of them with two lanes."""
    voronoi(run / "adamw", lanes=2)
    voronoi(run / "adamw-l1", label="adamw-l1")
    return run


def suiting() -> list[tuple[str, str]]:
    """The views that are found, each with the kinds of recordings that it can show."""
    return [pair for pair, lacks in wanting().items() if not lacks]
