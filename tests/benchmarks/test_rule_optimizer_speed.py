"""A rule as an optimizer of torch's kind beside torch's own."""

import time

import pytest
import torch
from torch import nn

import dynviz
from tests.benchmarks.pairs import ratio

pytestmark = pytest.mark.benchmark

MODELS = {
    "six small tensors": [(64, 10), (64,), (64, 64), (64,), (1, 64), (1,)],
    "a hundred small matrices": [(32, 32)] * 100,
    "a million parameters": [(1024, 512), (1024,), (512, 1024), (512,)],
    "a dozen matrices of 65 536": [(256, 256)] * 12 + [(256,)] * 24,
}


@pytest.mark.parametrize("model", MODELS)
def test_adamw_takes_at_most_1_3_times_the_time_of_torch(model):
    torch.set_num_threads(1)

    def steps(kind):
        torch.manual_seed(0)
        parameters = [nn.Parameter(torch.randn(shape)) for shape in MODELS[model]]
        for one in parameters:
            one.grad = torch.randn_like(one)
        optimizer = kind(parameters, lr=1e-3)

        def run():
            for _ in range(20):
                optimizer.step()

        return run

    slower = 1 / ratio(
        steps(dynviz.torch_optimizer("adamw")), steps(torch.optim.Adam), pairs=15, clock=time.process_time
    )
    print(f"\n{model}: AdamW takes {slower:.2f} x the time of torch.optim.Adam")
    assert slower < 1.3 / 0.85
