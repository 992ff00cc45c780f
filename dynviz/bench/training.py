"""Speed of training and of recording, each beside the plain way in the same run."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, relu, softmax

from dynviz import plugins
from dynviz.bench.figure import Figure, ratio
from dynviz.errors import DynvizError
from dynviz.recording.metadata import Lane
from dynviz.training import compilation, devices, launch, plan, preparation, session
from dynviz.training.trainer import Trainer

STEPS = 500
LANES = 256
COMPILED = ", compiled"
STATE = ("centers", "head", "offset", "scale", "plus_minus")
"""What the plain loop keeps of each step."""
SELDOM = ("prediction:every=100000", "val_*:every=100000", "*_gap:every=100000")
"""Measurements that the plain loop does not make."""
EVERY_STEP = (*SELDOM, *(f"{name}:every=1" for name in STATE))
TEN = (*EVERY_STEP, "parameters:every=1", "gradient:every=1", "term.gradient:every=1", "term.decay:every=1")
"""Ten channels at each step, the loss among them."""


def scenario(centers: int = 50) -> str:
    """The task that is timed."""
    return f"voronoi:hidden={centers}"


def prepare(
    record: Sequence[str],
    seeds: Sequence[int] = (42,),
    *,
    steps: int = 1_000_000,
    centers: int = 50,
    on: str = "cpu",
    compiled: bool = False,
) -> preparation.PreparedRecording:
    """AdamW on the task, ready to be recorded."""
    task, rule = plugins.load("scenarios", scenario(centers)), plugins.load("optimizers", "adamw")
    request = preparation.RunRequest(
        steps=steps, channels=plan.requests(record), device=torch.device(on), compiled=compiled
    )
    return preparation.prepare(task, [rule], tuple(Lane(seed) for seed in seeds), request)[0]


def recording(record: Sequence[str], folder: Path, seeds: Sequence[int] = (42,), **more: object) -> Trainer:
    """The trainer of a new recording."""
    prepared = prepare(record, seeds, **more)  # type: ignore[arg-type]
    preparation.compile_steps([prepared], session.SilentProgress().does)
    (trainer,) = launch.begin(launch.lay_out([folder], [prepared]), [prepared])
    return trainer


def advance(trainer: Trainer, count: int = STEPS) -> Callable[[], None]:
    """Train and record so many steps more, each time it is called."""

    def train() -> None:
        until = trainer.step + count
        while trainer.step < until:
            trainer.advance(until - trainer.step)

    return train


def bare(prepared: preparation.PreparedRecording, count: int = STEPS) -> Callable[[], None]:
    """The loop that trains and records nothing."""
    (stack,), (stepper,) = prepared.lanes.stacks, prepared.lanes.steppers
    steps = itertools.count()

    def train() -> None:
        start = next(steps) * count
        for step, batch in enumerate(stack.batches(start, count), start):
            _, gradient = stack.gradient(batch)
            stack.theta, _ = stepper.step(stack.theta, gradient, step + 1)

    return train


class Plain(nn.Module):
    """The model as one would write it."""

    def __init__(self, hidden: int = 50) -> None:
        super().__init__()
        self.centers = nn.Parameter(100 * torch.randn(hidden, 2))
        self.offset = nn.Parameter(torch.rand(1))
        self.scale = nn.Parameter(torch.ones(1))
        self.plus_minus = nn.Parameter(torch.tensor([-0.4, 0.4]))
        self.head = nn.Linear(hidden, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [points, 2]."""
        tangents = self.centers / torch.linalg.norm(self.centers, dim=1, keepdim=True) ** 2
        away = x @ tangents.T - self.offset
        distance = relu(away * self.plus_minus[0]) + relu(away * self.plus_minus[1])
        logits: Tensor = self.head(softmax(-self.scale * distance, dim=1))
        return logits


def plain_loop(count: int = STEPS, *, centers: int = 50, on: str = "cpu") -> Callable[[], None]:
    """The eager loop that copies each parameter to NumPy at each step, with torch's own AdamW."""
    task = plugins.load("scenarios", scenario(centers)).make().build(42)
    model = Plain(centers).to(on)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=1e-2)
    steps = itertools.count()
    kept: list[object] = []

    def train() -> None:
        kept.clear()
        x, y = (part.to(on) for part in task.batches(next(steps) * count, count))
        for step in range(count):
            optimizer.zero_grad()
            loss = cross_entropy(model(x[step]), y[step])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            kept.append((loss.item(), [value.detach().cpu().numpy().copy() for value in model.parameters()]))

    return train


@dataclass(frozen=True)
class Bench:
    """Where and how long training is measured.

    Attributes:
        folder: For what is recorded.
        pairs: Of our way and the plain one.
        count: Steps of each.
        on: The device.
    """

    folder: Path
    pairs: int
    count: int
    on: str = "cpu"

    @property
    def plain(self) -> str:
        """What ours is measured beside."""
        where = "" if self.on == "cpu" else " from the GPU"
        return f"the eager loop that copies each parameter to NumPy each step{where}"

    def recorded(self) -> Figure:
        """Recording beside not recording."""
        trainer = recording(TEN, self.folder / "ten")
        cost = 1 / ratio(advance(trainer, self.count), bare(prepare(()), self.count), self.pairs + 4)
        return Figure("recording ten channels each step", "the same loop without", cost, "x the time", 1.1, most=True)

    def one_lane(self, target: float, *, compiled: bool = False) -> Figure:
        """One lane, recorded, beside the plain loop."""
        name = "one lane" + (COMPILED if compiled else "")
        if compiled and (why := _missing(self.on)):
            return Figure(name, self.plain, target=target, device=self.on, skipped=why)
        trainer = recording(EVERY_STEP, self.folder / name, on=self.on, compiled=compiled)
        faster = ratio(advance(trainer, self.count), plain_loop(self.count, on=self.on), self.pairs)
        return Figure(name, self.plain, faster, "x as fast", target, device=self.on)

    def lanes(self, centers: int, target: float, *, compiled: bool = False) -> Figure:
        """A stack of lanes, a lane and step, beside the plain loop."""
        name = f"{LANES} lanes, {centers} centers, a lane and step" + (COMPILED if compiled else "")
        if compiled and (why := _missing(self.on)):
            return Figure(name, self.plain, target=target, device=self.on, skipped=why)
        count = min(self.count, 100 if centers < 1000 or self.on != "cpu" else 10)
        trainer = recording(SELDOM, self.folder / name, range(LANES), centers=centers, on=self.on, compiled=compiled)
        loop = plain_loop(count, centers=centers, on=self.on)
        faster = LANES * ratio(advance(trainer, count), loop, self.pairs)
        return Figure(name, self.plain, faster, "x as fast", target, device=self.on)


def _missing(on: str) -> str:
    """Why steps cannot be compiled here; empty where they can."""
    try:
        compilation.check_compiler(torch.device(on))
    except DynvizError as error:
        return str(error)
    return ""


def figures(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Those of training, on the CPU with one thread, and on a GPU where there is one."""
    size = (3, 200) if quick else (5, STEPS)
    here = Bench(folder, *size)
    with devices.one_thread():
        yield here.recorded()
        yield here.one_lane(1.1)
        yield here.one_lane(8, compiled=True)
        yield here.lanes(50, 15)
        yield here.lanes(50, float("nan"), compiled=True)
        yield here.lanes(138, float("nan"))
        if quick:
            yield Figure(f"{LANES} lanes, 2048 centers", here.plain, skipped="left out by --quick")
        else:
            yield here.lanes(2048, float("nan"))
        if not torch.cuda.is_available():
            for name, target in (("one lane", 20.0), (f"{LANES} lanes, 50 centers, a lane and step", 500.0)):
                yield Figure(name, target=target, device="cuda", skipped="there is no CUDA device here")
            return
        (folder / "gpu").mkdir()
        there = Bench(folder / "gpu", *size, on="cuda:0")
        yield there.one_lane(20)
        yield there.one_lane(float("nan"), compiled=True)
        yield there.lanes(50, 500)
        yield there.lanes(50, float("nan"), compiled=True)
