"""Chromium without a window: what a page holds once its scripts have run."""

import os
import shutil
import subprocess

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

# Where everything is checked, a missing browser is a failure.
needs_chromium = pytest.mark.skipif(BROWSER is None and "CI" not in os.environ, reason="no chromium is installed")


def dumped(page, profile, *options, milliseconds):
    """The page's document after so many milliseconds of its own time, which pass as fast as they can."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    command = [BROWSER, *flags, *options, f"--virtual-time-budget={milliseconds}", "--dump-dom", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
