"""A scene as a file: what commands draw of their own results."""

import io
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.recording import disk
from dynviz.scene.marks import Scene
from dynviz.scene.theme import theme as themes

SUFFIXES = ("png", "svg", "pdf")
SIZE = (640, 480)
"""The default size."""


def check(file: Path) -> None:
    """See that a picture can be written in the format that its name asks for.

    Raises:
        DynvizError: It cannot.
    """
    if file.suffix.lower().removeprefix(".") not in SUFFIXES:
        raise DynvizError(f"{file}: a picture of results is one of {', '.join(SUFFIXES)}; end its name so")


def save(
    scene: Scene,
    file: Path,
    size: tuple[int, int],
    theme: str,
    *,
    words: str = "",
    recipe: str = "",
    small: bool = False,
) -> None:
    """Write a scene as the picture that the file's suffix names.

    Args:
        scene: What is drawn.
        file: The file, which is replaced if it exists.
        size: Width and height in pixels.
        theme: The theme.
        words: What is seen, for those who cannot see it.
        recipe: How it is made, as a line.
        small: Whether a PNG has 256 colours at most, those that come nearest.

    Raises:
        DynvizError: It cannot be written, or its size cannot be drawn.
    """
    from imageio.v3 import imwrite
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    from dynviz.pixels import PixelCanvas
    from dynviz.pixels.vector import Vector

    check(file)
    suffix = file.suffix.lower()
    if suffix == ".png":
        info = PngInfo()
        if recipe:
            info.add_itxt("Comment", recipe, zip=True)
        if words:
            info.add_itxt("Description", words)
        image = PixelCanvas(*size, theme).draw(scene)
        if small:
            buffer = io.BytesIO()
            indexed = Image.fromarray(image).quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
            indexed.save(buffer, "PNG", optimize=True, pnginfo=info)
            data = buffer.getvalue()
        else:
            data = imwrite("<bytes>", image, plugin="pillow", extension=".png", pnginfo=info)
    else:
        vector = Vector(*size, themes(theme))
        data = vector.svg(scene, words, recipe).encode() if suffix == ".svg" else vector.pdf(scene, words, recipe)
    with disk.replacing(file) as target:
        target.write(data)
