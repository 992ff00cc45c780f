"""For test suites: goldens of what optimizers do, and the contract that an optimizer has to keep.

pytest finds the fixture `dynamics` by itself once dynviz is installed; see `dynviz.testing.dynamics.Dynamics`.

Example:
    def test_lion(dynamics):
        dynamics("surface:f=rosenbrock", "./lion.py:lr=1e-3", steps=200).check(rtol=1e-6, at=[1, 10, 200], view="path")

    def test_lion_is_an_optimizer():
        check_optimizer(Lion, lr=1e-3)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dynviz.testing.contract import check_optimizer
    from dynviz.testing.drawn import picture

__all__ = ["check_optimizer", "picture"]

# pytest imports the plugin beside this in every test run, which torch would make slower by seconds.
_HOMES = {"check_optimizer": "dynviz.testing.contract", "picture": "dynviz.testing.drawn"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'dynviz.testing' has no attribute {name!r}")
