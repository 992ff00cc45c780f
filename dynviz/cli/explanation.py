"""What `dynviz list KIND NAME` prints: a docstring, options, and what a scenario records and shows."""

import dataclasses
import inspect
import re
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynviz import plugins
from dynviz.cli.say import say
from dynviz.plugins import zoo
from dynviz.plugins.options import MISSING
from dynviz.text import clean

if TYPE_CHECKING:
    from dynviz.task import Task

WIDEST = 100
"""Columns of text; longer lines are hard to read."""
ON_REQUEST = (
    ("parameters", "all parameters, in one row"),
    ("gradient", "gradient of the loss on the batch of the step, in one row"),
    ("term.*", "named parts of the step; which ones depends on the optimizer"),
    ("state.*", "the optimizer's statistics; which ones depends on the optimizer"),
)
"""Channels that any scenario records where `--record` asks for them."""


def explain(plural: str, name: str) -> None:
    """Print what is to know about a plug-in.

    Raises:
        DynvizError: There is none of that name.
    """
    plugin = plugins.load(plural, name)
    for part in plugin.parts or (plugin,):
        _summary(part)
    if plugin.file or plugin.name in plugins.files(plural):
        _docstring(plugin.target)
    if plural == "exporters":
        from dynviz.frame import format_of

        say(str(format_of(plugin.target)), err=False)
    rows = [(option.name, option.type_name, _shown(option.default), option.help) for option in plugin.options.values()]
    if not rows:
        say("It has no options.", err=False)
    else:
        _titled("", [("option", "type", "default", ""), *rows])
    if plural == "optimizers":
        _fallbacks(plugin)
        _space(plugin)
    elif plural == "scenarios" and not any(option.default is MISSING for option in plugin.options.values()):
        _contents(plugin.make().build(42))


def _summary(part: plugins.Plugin) -> None:
    file = Path(part.file) if part.file else plugins.files(part.kind.plural).get(part.name)
    if file:
        say(plugins.summary(file), err=False)
    else:
        say(zoo.summary(part.target), err=False)


def _docstring(target: Any) -> None:
    # Its sections are printed as tables.
    text = re.split(r"^(?:Attributes|Args|Raises|Returns):$", inspect.getdoc(target) or "", flags=re.M)[0]
    if text.startswith(f"{target.__name__}("):
        # A dataclass without a docstring gets its signature.
        return
    for paragraph in filter(None, text.strip().split("\n\n")):
        say("\n" + textwrap.fill(" ".join(paragraph.split()), _width()), err=False)


def _contents(task: "Task") -> None:
    """What a scenario with its default options records, and how it can be seen."""
    channels = [("loss", "1", "yes", "loss on the batch of the step")]
    for channel in (channel for probe in task.probes for channel in probe.channels):
        every = str(channel.every) if channel.every else "once"
        channels.append((channel.name, every, "yes" if channel.on else "--record", channel.help))
    channels += [(name, str(task.every), "--record", text) for name, text in ON_REQUEST]
    _titled("channels", [("name", "every (steps)", "recorded", ""), *channels])
    _titled("views", [(view, plugins.summary(plugins.files("views")[view])) for view in task.views])


def _titled(title: str, rows: list[Any]) -> None:
    say("", err=False)
    if title:
        say(title, err=False, bold=True)
    print_table(rows, indent=2 if title else 0)


def _fallbacks(plugin: plugins.Plugin) -> None:
    """Print what a rule does with parameters of shapes that it is not made for."""
    from dynviz.rule import fallbacks

    required = any(option.default is MISSING for option in plugin.options.values())
    if required or not dataclasses.is_dataclass(plugin.target):
        return
    rows = list(fallbacks(plugin.make()).items())
    if rows:
        say("", err=False)
        print_table([("parameter", "takes"), *rows])


def _space(plugin: plugins.Plugin) -> None:
    """Print the ranges in which a comparison searches."""
    from dynviz.comparison.spaces import space_of

    rows = list(space_of(plugin).items())
    if rows:
        say("", err=False)
        print_table([("searched by --tune", "range"), *rows])


def _shown(default: Any) -> str:
    if default is MISSING:
        return "required"
    if default is None:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return f"({', '.join(_shown(value) for value in default)})"
    return str(default)


def print_table(rows: list[Any], indent: int = 0) -> None:
    """Print rows in columns; the last column is folded at the terminal's width."""
    if not rows:
        return
    rows = [tuple(map(clean, row)) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lead = indent + sum(width + 2 for width in widths)
    room = max(_width() - lead, 30)
    for row in rows:
        cells = "".join(cell.ljust(width + 2) for cell, width in zip(row[:-1], widths, strict=True))
        lines = textwrap.wrap(row[-1], room) or [""]
        say((" " * indent + cells + lines[0]).rstrip(), err=False)
        for line in lines[1:]:
            say(" " * lead + line, err=False)


def _width() -> int:
    return min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST)
