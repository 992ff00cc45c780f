"""A picture that is printed among other text, and scrolls with it."""

from dynviz.encoding.palettes import fitted
from dynviz.frame import Pixels
from dynviz.graphics import iterm, kitty, sixel, tiles
from dynviz.graphics.support import GraphicsSupport
from dynviz.scene.palette import Palette


def printed(pixels: Pixels, colors: Pixels, support: GraphicsSupport, columns: int, rows: int) -> str:
    """The text that prints a picture, with the line break after it.

    Args:
        pixels: The picture [height, width, 3].
        colors: Those of its theme [at most 256, 3].
        support: How the terminal shows pictures.
        columns: The width of the picture in cells.
        rows: Its height, fewer than the terminal has.
    """
    if support.protocol == "sixel":
        palette = Palette(fitted(colors[: support.colors], [pixels]))
        return _above(sixel.sixels(pixels, palette), rows)
    if support.protocol == "iterm":
        return _above(iterm.inline(pixels, columns, rows), rows)
    known = tiles.tiles(columns, rows, tiles.numbers()) if support.placeholders and support.tmux else ()
    if not known:
        keys = f"a=T,c={columns},r={rows},C=1"
        return _above(kitty.transmission(pixels, keys, tmux=support.tmux), rows)
    sent = [tiles.sent(tile, tile.pixels(pixels, columns, rows), tmux=True) for tile in known]
    lines = [tiles.stand_ins(known, row, 0, columns) + "\x1b[0m\n" for row in range(rows)]
    return "".join([*sent, *lines])


def _above(shown: str, rows: int) -> str:
    """A picture in rows that are made for it: terminals differ in where it would leave the cursor, and in scrolling."""
    return "\n" * rows + f"\x1b[{rows}A\x1b7{shown}\x1b8\x1b[{rows}B\r"
