"""Speed of training and of recording, each beside the plain way in the same run."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dynviz import plugins
from dynviz.recording.metadata import Lane
from dynviz.training import launch, plan
from dynviz.training.crew import build, describe
from tests.benchmarks.pairs import ratio

pytestmark = pytest.mark.benchmark
STEPS = 500
SCENARIO = "voronoi:hidden=50"
STATE = ("centers", "head", "offset", "scale", "plus_minus")


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def prepare(record, seeds=(42,), steps=100_000):
    task, rule = plugins.load("scenarios", SCENARIO), plugins.load("optimizers", "adamw")
    tasks = tuple(task.make().build(seed) for seed in seeds)
    lanes = tuple(Lane(seed) for seed in seeds)
    values = plan.hyperparameters(rule, tasks[0].hyperparameters)
    planned = plan.Plan(task, rule, "adamw", 0, values, lanes, steps, plan.requests(record), "", tasks)
    crew = build(planned, torch.device("cpu"))
    return crew, describe(planned, crew, "")


def bare(crew):
    """The loop that trains and records nothing."""
    (stack,), (stepper,) = crew.stacks, crew.steppers
    steps = itertools.count()

    def train():
        start = next(steps) * STEPS
        for step, batch in enumerate(stack.batches(start, STEPS), start):
            _, gradient = stack.gradient(batch)
            stack.theta, _ = stepper.step(stack.theta, gradient, step + 1)

    return train


def recording(record, folder, seeds=(42,)):
    crew, metadata = prepare(record, seeds)
    (trainer,) = launch.write(folder, [launch.Prepared(crew, metadata)])
    return trainer


def advance(trainer, count=STEPS):
    def train():
        until = trainer.step + count
        while trainer.step < until:
            trainer.advance(until - trainer.step)

    return train


class Plain(nn.Module):
    """The model as one would write it."""

    def __init__(self, hidden=50):
        super().__init__()
        self.centers = nn.Parameter(100 * torch.randn(hidden, 2))
        self.offset = nn.Parameter(torch.rand(1))
        self.scale = nn.Parameter(torch.ones(1))
        self.plus_minus = nn.Parameter(torch.tensor([-0.4, 0.4]))
        self.head = nn.Linear(hidden, 2, bias=False)

    def forward(self, x):
        tangents = self.centers / torch.linalg.norm(self.centers, dim=1, keepdim=True) ** 2
        away = x @ tangents.T - self.offset
        distance = F.relu(away * self.plus_minus[0]) + F.relu(away * self.plus_minus[1])
        return self.head(F.softmax(-self.scale * distance, dim=1))


def plain_loop(count=STEPS):
    """The eager loop that copies each parameter to NumPy at each step, with torch's own AdamW."""
    task = plugins.load("scenarios", SCENARIO).make().build(42)
    model = Plain()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=1e-2)
    steps = itertools.count()
    kept = []

    def train():
        kept.clear()
        x, y = task.batches(next(steps) * count, count)
        for step in range(count):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[step]), y[step])
            loss.backward()
            optimizer.step()
            kept.append((loss.item(), [value.detach().numpy().copy() for value in model.parameters()]))

    return train


def test_recording_ten_channels_every_step_costs_at_most_a_tenth(tmp_path):
    off = ["prediction:every=100000", "val_*:every=100000", "*_gap:every=100000"]
    record = [*off, *(f"{name}:every=1" for name in STATE), "parameters:every=1", "gradient:every=1"]
    trainer = recording([*record, "term.gradient:every=1", "term.decay:every=1"], tmp_path / "run")
    every_step = [name for name, info in trainer.writer.metadata.channels.items() if info.every == 1]
    assert len(every_step) == 10
    crew, _ = prepare([])
    cost = 1 / ratio(advance(trainer), bare(crew), pairs=9)
    print(f"\nrecording ten channels every step takes {cost:.3f} x the time of the loop without")
    assert cost < 1 + 0.10 / 0.7


def test_one_lane_beside_the_plain_loop(tmp_path):
    record = [
        "prediction:every=100000",
        "val_*:every=100000",
        "*_gap:every=100000",
        *(f"{name}:every=1" for name in STATE),
    ]
    faster = ratio(advance(recording(record, tmp_path / "run")), plain_loop())
    print(f"\none lane, recorded: {faster:.2f} x as fast as the plain loop")
    assert faster > 0.7 * 1.1


def test_256_stacked_lanes_beside_the_plain_loop(tmp_path):
    record = ["prediction:every=100000", "val_*:every=100000", "*_gap:every=100000"]
    trainer = recording(record, tmp_path / "run", seeds=range(256))
    faster = 256 * ratio(advance(trainer, 100), plain_loop(100))
    print(f"\n256 stacked lanes: {faster:.1f} x as fast per lane and step as the plain loop")
    assert faster > 0.7 * 15
