"""What a terminal can show beside characters."""

from typing import Literal, TypeAlias

from dynviz.frozen import frozen

Protocol: TypeAlias = Literal["kitty", "iterm", "sixel"]
"""kitty's graphics protocol, iTerm2's inline images, and the sixels of DEC's terminals."""
GraphicsChoice: TypeAlias = Literal["auto", "cells", "kitty", "iterm", "sixel"]
"""A protocol, `cells` for characters, or `auto` for what the terminal says that it knows."""
USUAL_CELL = (10, 20)
"""Width and height in pixels of a terminal's cell where it does not say."""


@frozen
class GraphicsSupport:
    """How a terminal shows pictures.

    Attributes:
        protocol: How they are sent.
        cell: Width and height of a cell in pixels.
        placeholders: For kitty's protocol, whether characters can stand for the parts of a picture.
        tmux: Whether tmux stands between, which has to be told to pass pictures on.
        colors: For sixels, the most colours of a picture.
        largest: For sixels, the most pixels of its width and height; zeros where there is no limit.
    """

    protocol: Protocol
    cell: tuple[int, int] = USUAL_CELL
    placeholders: bool = False
    tmux: bool = False
    colors: int = 256
    largest: tuple[int, int] = (0, 0)
