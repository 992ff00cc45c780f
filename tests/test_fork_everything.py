"""Forks in which nothing is changed: of every rule, modifier and scenario, at random steps.

Here blocks of steps are run as they are; `test_compiled_everything` and `test_scenario_contracts` compile them.
"""

import random

import pytest

import dynviz
from dynviz.training.forking import fork
from tests import trained
from tests.rules import MODIFIED, RULES
from tests.test_blocks import blocks
from tests.test_fork import WELL, same

pytestmark = pytest.mark.slow
RECORD = ["term.*", "gradient:every=3", "parameters:every=2", "lr:every=1"]
CASES = {
    **{rule: (WELL, [rule], {"seeds": "0:2", "record": RECORD}) for rule in (*RULES, *MODIFIED)},
    "a schedule": (WELL, ["adamw:lr=warmup(0.1,5) then cosine(0.1),weight_decay=ramp(0,0.1)"], {"record": RECORD}),
    "momentum and a seed for each lane": (f"{WELL},spread=0.5", ["sgd:momentum=0.9"], {"seeds": "0:3"}),
    "sam, scheduled": (WELL, ["sgd+sam:lr=cosine(0.01),rho=ramp(0,0.1)"], {"record": RECORD}),
    "a class of torch": (WELL, ["torch.optim.NAdam", "torch.optim.SGD:momentum=0.9,lr=0.01"], {"seeds": "0:2"}),
    "buffers": ("landscape:model=resnet,depth=8,data=shapes", ["sgd:momentum=0.9"], {}),
    **{name: (scenario, rules, options) for name, (scenario, rules, options) in trained.RUNS.items()},
}
LONG = ("landscape", "initialisation", "icon")
"""Scenarios whose steps take long."""
IN_BLOCKS = [case for case, (_, rules, _) in CASES.items() if not any(rule.startswith("torch.") for rule in rules)]
"""What can be compiled."""


@pytest.mark.parametrize("case", CASES)
def test_a_fork_with_nothing_changed_is_its_parent_at_three_random_steps(case, tmp_path):
    scenario, rules, options = CASES[case]
    steps, draw = 12 if scenario.startswith(LONG) else 41, random.Random(case)
    parent = dynviz.run(scenario, rules, **{**options, "steps": steps}, out=tmp_path / "parent")
    for at in draw.sample(range(1, steps), 3):
        child = fork(parent.folder, at=at, out=tmp_path / str(at))
        for label, recording in parent.items():
            assert child[label].metadata.origin.step == at
            same(child[label], recording)


@pytest.mark.parametrize("case", IN_BLOCKS)
def test_a_fork_of_steps_in_blocks_is_its_parent_from_the_edge_of_a_block_on(case, tmp_path, monkeypatch):
    scenario, rules, options = CASES[case]
    long = scenario.startswith(LONG)
    steps, most, at = (
        (9, 4, random.Random(case).randrange(4, 8)) if long else (33, 10, random.Random(case).randrange(33))
    )
    programs = blocks(monkeypatch, most=most)
    parent = dynviz.run(scenario, rules, **{**options, "steps": steps}, out=tmp_path / "parent")
    child = fork(parent.folder, at=at, out=tmp_path / "child")
    assert programs
    for label, recording in parent.items():
        assert child[label].metadata.origin.step in range(max(at - most, 0), at + 1)
        same(child[label], recording)
