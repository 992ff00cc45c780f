"""Code of others: what it writes into, draws at random and keeps to itself."""

import numpy as np
import pytest
import torch

import dynviz

RANDOM = """
import random
import numpy as np
import torch

class optimizer(torch.optim.Optimizer):
    def __init__(self, parameters, source: str = "torch"):
        super().__init__(parameters, {})
        self.source = source

    def step(self, closure=None):
        draw = {"torch": lambda: torch.randn(()), "numpy": np.random.randn, "python": random.random}[self.source]
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    parameter -= 1e-3 * float(draw())
"""


def test_a_gradient_is_recorded_as_it_was_before_a_step_writes_into_it(tmp_path):
    options = {"steps": 5, "record": ["gradient:every=1", "parameters:every=1"], "out": tmp_path / "run"}
    recording = dynviz.run("surface:f='x**2+y**2'", "zoo.LARS", **options)["zoo.LARS"]
    np.testing.assert_allclose(recording["gradient"], 2 * recording["parameters"], rtol=1e-6)


@pytest.mark.parametrize("source", ["torch", "numpy", "python"])
def test_what_a_step_draws_depends_on_seed_and_step_alone(source, tmp_path):
    file = tmp_path / "noisy.py"
    file.write_text(RANDOM)
    options = {"steps": 6, "record": "parameters:every=1"}

    def train(name, seeds):
        np.random.seed(None)  # noqa: NPY002
        torch.seed()
        run = dynviz.run(
            "surface:f='x**2+y**2'", f"{file}:source={source}", seeds=seeds, out=tmp_path / name, **options
        )
        return run["noisy"]["parameters"]

    together, again, alone = train("a", [0, 1, 7]), train("b", [0, 1, 7]), train("c", 7)
    assert np.array_equal(together, again)
    assert np.array_equal(together[:, 2:], alone)
    steps = np.diff(together, axis=0)
    assert len(np.unique(steps[:, :, 0])) == steps[:, :, 0].size
