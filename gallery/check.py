"""Makes every picture of the gallery anew and compares it, which takes hours; exits with 1 if one differs.

With words, those alone whose path in the gallery holds one of them: `check.py hero.gif reports/recovery`.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LEFT_OUT = {"batch.png", "iterated-time.png", "contact.png", "index.html", "report.html"}
"""Measured times, which never come again; and a sheet, a list and reports of the others."""
KINDS = {".gif", ".png", ".svg", ".webp", ".html"}


def pictures() -> list[Path]:
    """All pictures and pages, which carry how they were made."""
    return sorted(file for file in HERE.rglob("*") if file.suffix in KINDS and file.name not in LEFT_OUT)


if __name__ == "__main__":
    words = sys.argv[1:]
    chosen = [
        str(file) for file in pictures() if not words or any(word in str(file.relative_to(HERE)) for word in words)
    ]
    command = [sys.executable, "-m", "dynviz", "replay", "--check", "--alike", *chosen]
    sys.exit(subprocess.run(command, check=False).returncode)
