"""What pyproject.toml cannot express: the description on PyPI, where relative links lead nowhere."""

import re
import tomllib
from pathlib import Path

from setuptools import setup

RELATIVE = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)\s]+)\)")


def description(readme: str, repository: str) -> str:
    """The README with absolute links; without a repository links become their text, and images their alt text."""

    def absolute(link: re.Match[str]) -> str:
        image, text, path = link.groups()
        if repository:
            return f"{image}[{text}]({repository.rstrip('/')}/{'raw' if image else 'blob'}/HEAD/{path})"
        return f"*{text}*" if image else text

    return RELATIVE.sub(absolute, readme)


if __name__ == "__main__":
    folder = Path(__file__).parent
    urls = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"].get("urls", {})
    setup(
        long_description=description((folder / "README.md").read_text(encoding="utf-8"), urls.get("Repository", "")),
        long_description_content_type="text/markdown",
    )
