"""HTML: one page that draws the recorded numbers, with a slider, lanes and views."""

import base64
import json
from html import escape
from pathlib import Path
from typing import IO, Literal

from dynviz.encoding.page import FOOT, HEAD, STYLE
from dynviz.encoding.patches import Patches, colors_for
from dynviz.exporters.webp import still
from dynviz.frame import Frames, Piece, Pixels, Quality, Sheet, exporter
from dynviz.text import clean
from dynviz.web.document import WebPage, document

DETAILS: dict[Quality, tuple[tuple[int, int], ...]] = {
    "small": ((400, 64),),
    "balanced": ((800, 128), (640, 96), (500, 80), (400, 64)),
    "best": ((1600, 512),),
}
"""Of how many columns long curves keep the extremes, and the rows and columns of maps; see `document`."""


@exporter(motion=True)
def export(
    frames: Frames,
    target: Path,
    sheet: Sheet,
    *,
    loop: int = 0,
    quality: Quality = "balanced",
    content: Literal["views", "view", "frames"] = "views",
) -> None:
    """Write a page.

    Args:
        frames: At least one, all of one size.
        target: The file.
        sheet: Size, colours, words and comment.
        loop: How many times it plays; 0 repeats forever.
        quality: `small` has coarse maps and curves, `balanced` as fine ones as fit into a megabyte, `best` fine ones.
            Of frames, `small` has some 48 colours of the theme, those that the pictures show, `balanced` all of them,
            `best` the pixels as they are.
        content: What the page holds: `views`, the numbers of the view that is asked for and of those that the scenario
            suggests, and draws them; `view`, those of one view; `frames`, frames of pixels.
    """
    shown = sheet.views(others=content == "views") if content != "frames" else ()
    with target.open("w", encoding="utf-8") as file:
        if shown:
            file.write(document(_page(sheet, loop), shown, frames.slots(), DETAILS[quality], frames.report))
        else:
            _write_frames(file, frames, sheet, loop, quality)


def _title(sheet: Sheet) -> str:
    return sheet.title or sheet.comment.partition("\nscenario ")[2].partition("\n")[0] or "dynviz"


def _page(sheet: Sheet, loop: int) -> WebPage:
    return WebPage(
        title=_title(sheet),
        alt=sheet.alt,
        comment=sheet.comment,
        recipe=sheet.recipe,
        theme=sheet.theme,
        loop=loop,
    )


def _write_frames(file: IO[str], frames: Frames, sheet: Sheet, loop: int, quality: Quality) -> None:
    colors = {
        role: "#{:02x}{:02x}{:02x}".format(*sheet.theme.color(role)) for role in ("ground", "text", "muted", "grid")
    }
    file.write(
        HEAD.format(
            title=escape(clean(_title(sheet))),
            style=STYLE.substitute(colors, scheme=sheet.theme.name, width=sheet.size[0]),
            comment=escape(sheet.comment),
            recipe=sheet.recipe,
            alt=escape(sheet.alt),
            width=sheet.size[0],
            height=sheet.size[1],
            last=sheet.count - 1,
        )
    )
    code = None if quality == "best" else colors_for(sheet, quality)
    for piece in frames.coded(HtmlCoder(code)):
        _write(file, piece)
    file.write(FOOT.replace("$loop", str(loop)))


class HtmlCoder:
    """Where each patch lies, as text, then its image as text; nothing where nothing changes."""

    def __init__(self, colors: Pixels | None) -> None:
        self._patches = Patches(colors)

    def __call__(self, before: Pixels | None, after: Pixels) -> bytes:
        """The patch that makes one frame of the one before."""
        patch = self._patches.patch(before, after)
        return b"" if patch is None else f"{patch.left},{patch.top} ".encode() + base64.b64encode(still(patch))


def _write(file: IO[str], piece: Piece) -> None:
    place, _, image = piece.data.decode().partition(" ")
    left, top = map(int, place.split(",")) if place else (0, 0)
    file.write(f"F({json.dumps(piece.step)},{piece.seconds:.6g},{left},{top},{json.dumps(image)});\n")
