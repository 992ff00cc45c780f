"""The pytest plugin: the fixture `dynamics` and the option `--dynviz-update`."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dynviz.testing.dynamics import Dynamics

GOLDENS = "goldens"
"""The folder beside a test's module that holds its goldens."""


def pytest_addoption(parser: Any) -> None:
    """Add the option."""
    group = parser.getgroup("dynviz")
    group.addoption("--dynviz-update", action="store_true", help="Write the goldens of the fixture dynamics anew.")


@pytest.fixture
def dynamics(request: pytest.FixtureRequest, tmp_path: Path) -> "Dynamics":
    """Train, and compare what an optimizer does with a golden: see `dynviz.testing`."""
    # torch takes a second to import, which suites that do not use the fixture are spared.
    from dynviz.testing.dynamics import Dynamics, GoldenPlace

    cache = getattr(request.config, "cache", None)
    stem = re.sub(r"[^\w.-]+", "-", request.node.name).strip("-")[:150]
    return Dynamics(
        GoldenPlace(
            folder=request.path.parent / GOLDENS / request.path.stem,
            stem=stem,
            scratch=tmp_path,
            pages=Path(cache.mkdir("dynviz")) / request.path.stem if cache is not None else tmp_path,
            update=request.config.getoption("--dynviz-update"),
            ci=bool(os.environ.get("CI")),
        )
    )
