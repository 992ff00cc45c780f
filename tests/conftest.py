"""How tests run everywhere; and snapshots: what the program prints, kept in files that a person has looked at."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A machine that does other things too may be slow at any moment. Where `CI` is set each run draws the same examples.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("patient")

FOLDER = Path(__file__).parent / "snapshots"


def pytest_addoption(parser):
    parser.addoption("--update-snapshots", action="store_true", help="Keep what is printed now; see the diff.")


@pytest.fixture
def snapshot(request):
    """Compare a text with the one that is kept under a name; its suffix says what it is."""

    def compare(text, name):
        file = FOLDER / name
        if request.config.getoption("--update-snapshots"):
            FOLDER.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.exists(), f"there is no {file}; pytest --update-snapshots makes it"
        kept = file.read_text(encoding="utf-8")
        assert text == kept, f"what is printed is not {file} any more; pytest --update-snapshots keeps the new one"

    return compare
