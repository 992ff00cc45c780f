"""Pages of the documentation that are made from the program: its plug-ins, commands and contracts, and the gallery.

A hook of MkDocs, see .mkdocs.yml.
"""

import html
import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.structure.files import File, Files

from dynviz import plugins
from dynviz.cli import commands
from dynviz.plugins.options import MISSING
from dynviz.plugins.schedule_shapes import SHAPES
from dynviz.plugins.schedules import usage

ROOT = Path(__file__).parent.parent
GALLERY = (ROOT / "gallery" / "README.md").read_text(encoding="utf-8")
LEADS = {
    "scenarios": "Small tasks to train, `dynviz run NAME`. Options follow a colon: `NAME:key=value,key=value`.",
    "optimizers": "Rules of a step: `dynviz run SCENARIO -o NAME:key=value`. Classes of PyTorch go by import path.",
    "modifiers": "What is added to a rule: `-o adam+proximal-l1:decay=0.1`.",
    "views": "Ways to look at recordings, `dynviz export RUN FILE --view NAME`, and in the player with `tab`.",
    "exporters": "Formats of files, chosen by the file's ending or with `--exporter NAME:key=value`.",
    "detectors": "Events that are looked for in recordings, `dynviz events RUN --kind NAME`.",
}
CONTRACTS = {
    "task": "A scenario",
    "rule": "An optimizer, and a modifier",
    "film": "A view",
    "frame": "An exporter",
    "detector": "A detector",
}
MOST_OPTIMIZERS = 3
"""A picture of more shows none of them well."""
SHOWN = ("gif", "png", "svg")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages and pictures."""
    pages = {f"reference/{plural}.md": _plugins(plural) for plural in plugins.KINDS}
    pages |= {
        "reference/schedules.md": _schedules(),
        "reference/commands.md": _commands(),
        "reference/contracts.md": _contracts(),
        "gallery/README.md": _without_reports(GALLERY),
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    for file in sorted((ROOT / "gallery").iterdir()):
        if file.suffix.removeprefix(".") in SHOWN:
            files.append(File.generated(config, f"gallery/{file.name}", abs_src_path=str(file)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:  # noqa: ARG001
    """Links of pages to files of the repository that are no pages become their text."""
    return re.sub(r"(?<!!)\[([^\]]*)\]\(\.\./[^)]*\)", r"\1", markdown) if "/" not in page.file.src_uri else markdown


def _plugins(plural: str) -> str:
    lines = [f"# {plural.capitalize()}", "", LEADS[plural], ""]
    pictures = dict(reversed([*_pictures(plural)]))
    for name in sorted(plugins.files(plural)):
        plugin = plugins.load(plural, name)
        lines += [f"## {name}", "", *_paragraphs(plugin.target, plugins.summary(plugins.files(plural)[name])), ""]
        if name in pictures:
            lines += [f"![{name}](../gallery/{pictures[name]})", ""]
        rows = [
            (option.name, option.type_name, _shown(option.default), option.help) for option in plugin.options.values()
        ]
        if rows:
            lines += ["| option | type | default | |", "|---|---|---|---|"]
            lines += [
                f"| `{option}` | {_cell(kind)} | {_cell(default)} | {_cell(text)} |"
                for option, kind, default, text in rows
            ]
        folder = plural if plural == "scenarios" else f"dynviz/{plural}"
        lines += ["", f"Source: `{folder}/{plugins.files(plural)[name].name}`", ""]
    return "\n".join(lines)


def _paragraphs(target: Any, summary: str) -> Iterator[str]:
    """The docstring without its sections, else the line that the file begins with."""
    text = re.split(r"^(?:Attributes|Args|Raises|Returns|Example):", inspect.getdoc(target) or "", flags=re.M)[
        0
    ].strip()
    if not text or text.startswith(f"{target.__name__}("):
        text = summary
    elif summary not in text:
        yield f"**{_escaped(summary)}**\n"
    for paragraph in text.split("\n\n"):
        # Equations stand on lines of their own.
        yield "    " + paragraph if _is_equation(paragraph) else _escaped(" ".join(paragraph.split()))
        yield ""


def _is_equation(paragraph: str) -> bool:
    return bool(re.match(r"\S+(?: \S+)? = ", paragraph)) and "\n" not in paragraph


def _pictures(plural: str) -> Iterator[tuple[str, str]]:
    """Names of plug-ins of a kind, each with a picture of the gallery whose commands name it."""
    runs: dict[str, list[str]] = {}
    for line in GALLERY.splitlines():
        words = shlex.split(line) if line.startswith("dynviz ") else []
        if words[1:2] in (["run"], ["sweep"]) and "--out" in words:
            runs[words[words.index("--out") + 1]] = words
        elif words[1:2] == ["export"]:
            file = next((word for word in words if word.startswith("gallery/")), "")
            if file.rpartition(".")[2] not in SHOWN:
                continue
            trained = next(
                (run for out, run in runs.items() if any(word.split("@")[0].startswith(out) for word in words)), []
            )
            named = _named(plural, words, trained)
            yield from ((name, file.removeprefix("gallery/")) for name in named)


def _named(plural: str, export: list[str], run: list[str]) -> list[str]:
    if plural == "views":
        return [export[export.index("--view") + 1].split(":")[0]] if "--view" in export else []
    if plural == "exporters":
        return [next(word for word in export if word.startswith("gallery/")).rpartition(".")[2]]
    if plural == "scenarios":
        return [run[2].split(":")[0]] if run else []
    rules = [run[place + 1] for place, word in enumerate(run) if word == "-o"]
    if len(rules) > MOST_OPTIMIZERS:
        return []
    parts = [[part.split(":")[0] for part in re.split(r"\+(?=[a-z])", rule)] for rule in rules]
    return [part[0] for part in parts] if plural == "optimizers" else [name for part in parts for name in part[1:]]


def _schedules() -> str:
    lines = [
        "# Schedules",
        "",
        "A number of an optimizer can follow a schedule: `adamw:lr=warmup(1e-2,500) then cosine(1e-2)`.",
        "",
    ]
    lines += ["| schedule | |", "|---|---|"]
    for name, shape in SHAPES.items():
        lines.append(f"| `{usage(name)}` | {_cell((inspect.getdoc(shape) or '').splitlines()[0])} |")
    return "\n".join(lines)


def _commands() -> str:
    lines = ["# Commands", "", "What `dynviz COMMAND --help` prints.", ""]
    for name in commands.list_commands(None):
        command = commands.get_command(None, name)
        with click.Context(command, info_name=f"dynviz {name}", max_content_width=100) as context:
            lines += [f"## {name}", "", "```text", command.get_help(context), "```", ""]
    return "\n".join(lines)


def _contracts() -> str:
    lines = [
        "# What plug-ins provide",
        "",
        "A plug-in is a file. `dynviz new optimizer NAME` and `dynviz new scenario NAME` write one.",
        "",
    ]
    for name, title in CONTRACTS.items():
        source = (ROOT / "dynviz" / f"{name}.py").read_text(encoding="utf-8")
        lines += [f"## {title}", "", f"`dynviz/{name}.py`", "", "```python", source.rstrip(), "```", ""]
    return "\n".join(lines)


def _without_reports(text: str) -> str:
    """The gallery's page, whose links to reports lead to files that are not part of the site."""
    return re.sub(r"(?<!!)\[([^\]]*)\]\((?!https?:|#)[^)]*\)", r"\1", text)


def _shown(default: Any) -> str:
    if default is MISSING:
        return "required"
    if isinstance(default, bool) or default is None:
        return str(default).lower()
    return str(default)


def _cell(text: str) -> str:
    return _escaped(text).replace("|", "\\|")


def _escaped(text: str) -> str:
    """Text in which only what stands between backticks is markup."""
    parts = html.escape(text, quote=False).split("`")
    return "`".join(
        html.unescape(part) if place % 2 else re.sub(r"([*_])", r"\\\1", part) for place, part in enumerate(parts)
    )
