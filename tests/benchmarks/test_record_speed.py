"""What `dynviz.record` costs a script: time of a loop with a million parameters, memory of one with a hundred."""

import subprocess
import sys
import time

import pytest
import torch
from torch import nn

import dynviz
from tests.benchmarks.pairs import ratio

pytestmark = pytest.mark.benchmark

STEPS, PAIRS = 40, 15
MEMORY = """
import resource, sys, torch, dynviz
from torch import nn
torch.set_num_threads(1)
torch.manual_seed(0)
net = nn.Sequential(nn.Embedding(16_384, 2048), *(nn.Linear(4096, 4096, bias=False) for _ in range(4)))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
def loop():
    for _ in range(3):
        rows = net[0](torch.arange(8).reshape(4, 2)).reshape(4, 4096)
        loss = net[1:](rows).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        rec(loss)
if len(sys.argv) > 1:
    with dynviz.record(net, optimizer, out=sys.argv[1], every=1) as rec:
        loop()
else:
    rec = lambda loss: None
    loop()
assert sum(one.numel() for one in net.parameters()) > 100_000_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def loop(folder=None):
    """A loop over a model of a million parameters, recorded every 10 steps, and what it does for some of its steps."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(512, 1024), nn.GELU(), nn.Linear(1024, 512))
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    inputs = torch.randn(64, 512)
    rec = dynviz.record(net, optimizer, out=folder) if folder else None

    def run():
        for _ in range(STEPS):
            loss = (net(inputs) - inputs).square().mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            if rec:
                rec(loss)

    return run, rec


def test_a_million_parameters_take_at_most_a_tenth_more_time(tmp_path):
    torch.set_num_threads(1)
    (recorded, rec), (plain, _) = loop(tmp_path / "run"), loop()

    cost = 1 / ratio(recorded, plain, pairs=PAIRS, clock=time.process_time)
    rec.close()
    print(f"\nrecording every 10 steps of a model of a million parameters takes {cost:.3f} x the CPU time")
    assert cost < 1 + 0.10 / 0.7


def test_a_hundred_million_parameters_take_at_most_a_twentieth_more_memory(tmp_path):
    def peak(*arguments):
        script = [sys.executable, "-c", MEMORY, *map(str, arguments)]
        return float(subprocess.run(script, check=True, capture_output=True, text=True).stdout)

    plain, recorded = peak(), peak(tmp_path / "run")
    print(f"\na model of 100 million parameters: {plain:.0f} MB without, {recorded:.0f} MB recorded at every step")
    assert recorded < 1.05 * plain
