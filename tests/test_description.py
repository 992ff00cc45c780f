"""The description that goes to PyPI: no image or link in it leads nowhere, with a repository and without one."""

import email
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from readme_renderer import markdown

ROOT = Path(__file__).parent.parent
BUILD = "from setuptools import build_meta; print(build_meta.prepare_metadata_for_build_wheel('.'))"
URLS = '\n[project.urls]\nRepository = "https://example.org/someone/dynviz"\n'


def built(folder, more=""):
    """The metadata of the wheel, from the files that make it."""
    for name in ("README.md", "LICENSE", "setup.py"):
        shutil.copy(ROOT / name, folder)
    pyproject = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(pyproject)
    without_urls = re.sub(r"(?ms)^\[project\.urls\]\n.*?(?=^\[)", "", pyproject)
    (folder / "pyproject.toml").write_text(without_urls + more)
    for package in project["tool"]["setuptools"]["packages"]:
        place = "scenarios" if package == "dynviz.scenarios" else package.replace(".", "/")
        (folder / place).mkdir(parents=True)
    done = subprocess.run([sys.executable, "-c", BUILD], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = (folder / done.stdout.splitlines()[-1] / "METADATA").read_text()
    return email.message_from_string(text)


def links(metadata):
    """The targets of all images and of all links, as PyPI shows them."""
    assert metadata["Description-Content-Type"].startswith("text/markdown")
    html = markdown.render(metadata.get_payload())
    return re.findall(r'<img[^>]* src="([^"]*)"', html), re.findall(r'<a[^>]* href="([^"]*)"', html), html


README_IMAGES = re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", (ROOT / "README.md").read_text())


def test_without_a_repository_images_are_their_alt_texts(tmp_path):
    images, targets, html = links(built(tmp_path))
    assert images == []
    assert all(target.startswith(("https://", "#")) for target in targets)
    assert README_IMAGES
    for alt, _ in README_IMAGES:
        assert f"<em>{alt}</em>" in html.replace("&#39;", "'").replace("&quot;", '"')


def test_with_a_repository_images_are_found_there(tmp_path):
    images, targets, _ = links(built(tmp_path, URLS))
    assert images == [f"https://example.org/someone/dynviz/raw/HEAD/{path}" for _, path in README_IMAGES]
    assert "https://example.org/someone/dynviz/blob/HEAD/docs/promises.md" in targets
    assert all(target.startswith(("https://", "#")) for target in targets)


@pytest.mark.parametrize("path", dict.fromkeys(path for _, path in README_IMAGES))
def test_images_of_the_readme_are_in_the_repository(path):
    assert (ROOT / path).is_file()
