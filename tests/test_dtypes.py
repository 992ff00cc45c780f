"""Numbers are as exact as the arithmetic that was asked for, and parameters of one row are of one dtype."""

import numpy as np
import pytest
import torch

import dynviz
from dynviz.errors import DynvizError

TASK = '''
"""Parameters of any kind."""
from dataclasses import dataclass
import torch
from dynviz.task import Task, no_batches

@dataclass(frozen=True)
class Kinds:
    def build(self, seed):
        parameters = {PARAMETERS}
        return Task(parameters, lambda p, c, b: sum(v.square().sum() for v in p.values()), no_batches, 5, every=1)

scenario = Kinds
'''


def trained(tmp_path, parameters, optimizer="adam", **options):
    file = tmp_path / "kinds.py"
    file.write_text(TASK.replace("{PARAMETERS}", parameters))
    run = dynviz.run(str(file), optimizer, record="parameters", out=tmp_path / "run", **options)
    return next(iter(run.values()))


def test_a_start_and_a_rate_are_float64_from_the_text_to_the_file(tmp_path):
    options = {"steps": 3, "dtype": "float64", "record": "lr", "out": tmp_path / "run"}
    recording = dynviz.run("surface:start=(0.1,0.2)", "sgd:lr=1e-3", **options)["sgd"]
    assert recording["position"][0].tolist() == [[0.1, 0.2]]
    assert recording["lr"].tolist() == [[1e-3]] * len(recording["lr"])


def test_in_float32_the_rate_is_float32_too(tmp_path):
    options = {"steps": 3, "dtype": "float32", "record": "lr", "out": tmp_path / "run"}
    recording = dynviz.run("surface:start=(0.1,0.2)", "sgd:lr=1e-3", **options)["sgd"]
    assert recording["position"].dtype == recording["lr"].dtype == np.float32
    assert recording["position"][0].tolist() == torch.tensor([[0.1, 0.2]]).tolist()


@pytest.mark.parametrize("optimizer", ["adam", "muon", "shampoo", "torch.optim.SGD:lr=0.1"])
@pytest.mark.parametrize("seeds", [0, (0, 1)])
def test_a_parameter_may_have_no_dimensions(tmp_path, optimizer, seeds):
    recording = trained(tmp_path, '{"a": torch.ones(())}', optimizer, seeds=seeds)
    assert recording["parameters"][0].tolist() == [[1.0]] * len(recording.seeds)
    assert recording["loss"][-1].max() < 1


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ('{"a": torch.ones(2), "b": torch.ones(2, dtype=torch.bfloat16)}', "of bfloat16 and float32; give all one"),
        ('{"a": torch.ones(2), "b": torch.ones(0, 3)}', r"'b' .* is empty: its shape is \(0, 3\)"),
        ('{"a": torch.ones(2, dtype=torch.int64)}', "'a' .* of torch.int64; only floats"),
    ],
)
def test_parameters_that_make_no_row_are_refused(tmp_path, parameters, says):
    with pytest.raises(DynvizError, match=says):
        trained(tmp_path, parameters)


def test_parameters_of_several_dtypes_train_in_the_one_that_is_asked_for(tmp_path):
    parameters = '{"a": torch.ones(2), "b": torch.ones(2, dtype=torch.bfloat16)}'
    assert trained(tmp_path, parameters, dtype="float64")["parameters"].dtype == np.float64
