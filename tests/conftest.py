"""How tests run everywhere; and snapshots: what the program prints, kept in files that a person has looked at."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A machine that does other things too may be slow at any moment. Where `CI` is set each run draws the same examples.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("patient")

# A file that a test writes twice within a second would be taken for what was compiled of it first.
sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

# What the user of the tests has set must not change what they see, nor may they change it.
os.environ["DYNVIZ_SETTINGS"] = str(Path(__file__).parent / "files" / "settings.toml")
CACHE = tempfile.mkdtemp(prefix="dynviz-cache-")
os.environ["DYNVIZ_CACHE"] = CACHE
OWNER = os.getpid()


@atexit.register
def _remove_cache():
    # Processes that tests fork end here, too.
    if os.getpid() == OWNER:
        shutil.rmtree(CACHE, ignore_errors=True)


FOLDER = Path(__file__).parent / "snapshots"


def pytest_addoption(parser):
    parser.addoption("--update-snapshots", action="store_true", help="Keep what is printed now; see the diff.")


@pytest.fixture(autouse=True)
def _same_place():
    """A test that leaves the working directory would break those that start programs after it."""
    before = os.getcwd()  # noqa: PTH109 - no object for each of many thousand tests
    yield
    assert os.getcwd() == before  # noqa: PTH109


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
