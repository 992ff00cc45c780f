"""Ways of training voronoi: ours, recorded or not, and the plain loop."""

import itertools

import torch
from torch import nn
from torch.nn.functional import cross_entropy, relu, softmax

from dynviz import plugins
from dynviz.recording.metadata import Lane
from dynviz.training import launch, plan, preparation, session

STEPS = 500
STATE = ("centers", "head", "offset", "scale", "plus_minus")
"""What the plain loop keeps of each step."""
SELDOM = ("prediction:every=100000", "val_*:every=100000", "*_gap:every=100000")
"""Measurements that the plain loop does not make."""
EVERY_STEP = (*SELDOM, *(f"{name}:every=1" for name in STATE))
TEN = (*EVERY_STEP, "parameters:every=1", "gradient:every=1", "term.gradient:every=1", "term.decay:every=1")
"""Ten channels at each step, the loss among them."""


def scenario(centers=50):
    """The task that is timed."""
    return f"voronoi:hidden={centers}"


def prepare(
    record,
    seeds=(42,),
    *,
    steps=1_000_000,
    centers=50,
    on="cpu",
    compiled=False,
):
    """AdamW on the task, ready to be recorded."""
    task, rule = plugins.load("scenarios", scenario(centers)), plugins.load("optimizers", "adamw")
    request = preparation.RunRequest(
        steps=steps, channels=plan.requests(record), device=torch.device(on), compiled=compiled
    )
    return preparation.prepare(task, [rule], tuple(Lane(seed) for seed in seeds), request)[0]


def recording(record, folder, seeds=(42,), **more):
    """The trainer of a new recording."""
    prepared = prepare(record, seeds, **more)
    preparation.compile_steps([prepared], session.SilentProgress().does)
    (trainer,) = launch.begin(launch.lay_out([folder], [prepared]), [prepared])
    return trainer


def advance(trainer, count=STEPS):
    """Train and record so many steps more, each time it is called."""

    def train():
        until = trainer.step + count
        while trainer.step < until:
            trainer.advance(until - trainer.step)

    return train


def bare(prepared, count=STEPS):
    """The loop that trains and records nothing."""
    (stack,), (stepper,) = prepared.lanes.stacks, prepared.lanes.steppers
    steps = itertools.count()

    def train():
        start = next(steps) * count
        for step, batch in enumerate(stack.batches(start, count), start):
            _, gradient = stack.gradient(batch)
            stack.theta, _ = stepper.step(stack.theta, gradient, step + 1)

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
        """Logits [points, 2]."""
        tangents = self.centers / torch.linalg.norm(self.centers, dim=1, keepdim=True) ** 2
        away = x @ tangents.T - self.offset
        distance = relu(away * self.plus_minus[0]) + relu(away * self.plus_minus[1])
        return self.head(softmax(-self.scale * distance, dim=1))


def plain_loop(count=STEPS, *, centers=50, on="cpu", evaluated=False):
    """The eager loop that copies each parameter to NumPy at each step, with torch's own AdamW.

    With `evaluated` it copies scalars alone, and every 100 steps evaluates the validation points and the map.
    """
    task = plugins.load("scenarios", scenario(centers)).make().build(42)
    model = Plain(centers).to(on)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=1e-2)
    steps = itertools.count()
    kept = []

    def train():
        kept.clear()
        x, y = (part.to(on) for part in task.batches(next(steps) * count, count))
        for step in range(count):
            if evaluated and step % 100 == 0:
                kept.append(_evaluated(model, task.constants))
            optimizer.zero_grad()
            loss = cross_entropy(model(x[step]), y[step])
            loss.backward()
            optimizer.step()
            values = [value for value in model.parameters() if not evaluated or value.numel() < 3]
            kept.append((loss.item(), [value.detach().cpu().numpy().copy() for value in values]))

    return train


@torch.no_grad()
def _evaluated(model, constants):
    logits = model(constants["val"])
    shares = softmax(model(constants["grid"]), dim=1)
    right = (logits.argmax(dim=1) == constants["val_label"]).float().mean()
    centers = [value.numpy().copy() for value in model.parameters()]
    return cross_entropy(logits, constants["val_label"]).item(), right.item(), shares.half().numpy(), centers
