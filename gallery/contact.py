"""Draws contact.png: a sheet of the last frames of all pictures of the gallery, with their names."""

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from dynviz.animation.recipe_writer import no_line
from dynviz.scene.theme import theme

HERE = Path(__file__).parent
TILE, GAP, WORDS, COLUMNS = (360, 270), 12, 34, 5
HEAD, TITLE = 64, "The last frames of all pictures"
COLORS = 256
"""Of the sheet: those of optimizers and classes, which must not be mistaken for each other, and the most frequent."""


def last_frame(file: Path) -> Image.Image:
    """The last frame of a picture, which has no more than the size of a tile."""
    with Image.open(io.BytesIO(file.read_bytes())) as picture:
        picture.seek(getattr(picture, "n_frames", 1) - 1)
        frame = picture.convert("RGB")
    frame.thumbnail(TILE, Image.Resampling.LANCZOS)
    return frame


def sheet(files: list[Path]) -> Image.Image:
    """All last frames in rows, under their names, which are read where the sheet is as wide as a page."""
    rows = -(-len(files) // COLUMNS)
    wide, tall = TILE[0] + GAP, TILE[1] + WORDS + GAP
    paper = Image.new("RGB", (COLUMNS * wide + GAP, HEAD + rows * tall + GAP), "white")
    draw, font = ImageDraw.Draw(paper), ImageFont.load_default(24)
    draw.text((GAP, GAP), TITLE, "#1f262e", ImageFont.load_default(40))
    for index, file in enumerate(files):
        left, top = GAP + index % COLUMNS * wide, HEAD + GAP + index // COLUMNS * tall
        draw.text((left, top), file.stem, "#1f262e", font)
        paper.paste(last_frame(file), (left, top + WORDS))
    return paper


def reduced(paper: Image.Image) -> Image.Image:
    """The sheet in few colours."""
    roles = [color for name in ("light", "dark") for color in theme(name).colors.values()]
    kept = np.unique(np.array(roles, np.uint8), axis=0)
    frequent = paper.quantize(COLORS - len(kept), dither=Image.Dither.NONE)
    palette = Image.new("P", (1, 1))
    palette.putpalette(kept.tobytes() + bytes(frequent.getpalette() or ()))
    return paper.quantize(palette=palette, dither=Image.Dither.NONE)


if __name__ == "__main__":
    names = re.findall(r"!\[.*?\]\((.+?)\)", (HERE / "README.md").read_text(encoding="utf-8"))
    pictures = [HERE / name for name in dict.fromkeys(names) if Path(name).suffix in {".gif", ".png"}]
    drawn = sheet([file for file in pictures if file.name != "contact.png" and file.exists()])
    info = PngInfo()
    info.add_itxt("Comment", no_line("it is a sheet of other pictures, which gallery/contact.py draws"))
    reduced(drawn).save(HERE / "contact.png", optimize=True, pnginfo=info)
