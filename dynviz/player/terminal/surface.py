"""The part of a terminal in which a picture of pixels is shown: what is sent for it, and what is there already."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dynviz.frame import Pixels
from dynviz.graphics import iterm, kitty, sixel, tiles
from dynviz.graphics.support import GraphicsSupport
from dynviz.graphics.tiles import PictureTile
from dynviz.layout.arrange import Rect
from dynviz.player.terminal.link import Link
from dynviz.scene.palette import Palette
from dynviz.scene.theme import RGB

STORED_RATE, INLINE_RATE = 30.0, 12.0
"""Frames a second at most: of a terminal that keeps pictures, and of one that decodes a file for each row."""


@dataclass(frozen=True, eq=False)
class SurfacePicture:
    """A picture on a surface.

    Attributes:
        pixels: [height, width, 3].
        columns: Its width in cells.
        rows: Its height.
        colors: Those of its theme [colors, 3], the ground first.
    """

    pixels: Pixels
    columns: int
    rows: int
    colors: Pixels

    @property
    def size(self) -> tuple[int, int]:
        """Its columns and rows."""
        return self.columns, self.rows

    @property
    def ground(self) -> RGB:
        """The colour behind it."""
        red, green, blue = self.colors[0].tolist()
        return red, green, blue

    def part(self, place: Rect) -> Pixels:
        """The pixels of some of its cells."""
        return tiles.part(self.pixels, place, self.columns, self.rows)


class PictureSurface(ABC):
    """Shows one picture at a time.

    Attributes:
        rate: Frames a second at most.
        moving: Whether a picture that moves is shown in pixels, or only one that stands still.
    """

    rate: float
    moving = True

    def __init__(self) -> None:
        self._picture: SurfacePicture | None = None
        self._open = True

    def open(self) -> None:
        """Begin, or begin again after it was closed."""
        self._open = True

    def close(self) -> str:
        """What removes all that was sent; nothing is shown afterwards, until it is opened again."""
        self._open = False
        return self.removal()

    def show(self, picture: SurfacePicture) -> None:
        """Let the next texts be those of this picture."""
        self._picture = picture

    def follows(self, picture: SurfacePicture) -> bool:
        """Whether a picture has the size of the one before, and so only what differs has to be sent."""
        return self._picture is not None and self._picture.size == picture.size

    def prepare(self, picture: SurfacePicture) -> None:  # noqa: B027 - there may be nothing to do
        """Do what takes long, in another thread."""

    @abstractmethod
    def text(self, row: int, first: int, last: int) -> str:
        """The text that shows some cells of a row, from column `first` to before column `last`."""

    @abstractmethod
    def update(self, picture: SurfacePicture) -> tuple[str, list[Rect]]:
        """Show a picture that follows: what is sent at once, and the cells of which the texts are written again."""

    def removal(self) -> str:
        """What removes all that was sent, whatever it was."""
        return ""

    def leave(self) -> str:
        """What removes a picture that is not shown any more."""
        self._picture = None
        return ""


class StoredSurface(PictureSurface):
    """A terminal that keeps pictures, and shows them where placeholders are; parts that have changed are sent again.

    What covers placeholders covers the picture, and what erases them removes it from the screen.
    """

    rate = STORED_RATE

    def __init__(self, link: Link, *, tmux: bool) -> None:
        super().__init__()
        self._link, self._tmux, self._cuts = link, tmux, link.cuts
        self._numbers = tiles.numbers()
        self._sent: dict[int, int] = {}
        self._stale = False
        self._prepared: tuple[SurfacePicture | None, dict[int, tuple[int, str]]] = None, {}

    def show(self, picture: SurfacePicture) -> None:
        """Let the next texts be those of this picture; one of another size is removed first."""
        if self._sent and not self.follows(picture):
            self._sent, self._stale = {}, True
        super().show(picture)

    def prepare(self, picture: SurfacePicture) -> None:
        """Encode the parts that have changed."""
        sent = dict(self._sent)
        self._prepared = (
            picture,
            {
                tile.number: (digest, self._encoded(picture, tile) if sent.get(tile.number) != digest else "")
                for tile in self._tiles(picture)
                for digest in (self._digest(picture, tile),)
            },
        )

    def text(self, row: int, first: int, last: int) -> str:
        """The placeholders, behind the parts that have not been sent."""
        picture = self._picture
        if picture is None or not self._open:
            return " " * (last - first)
        known = self._tiles(picture)
        due = self._due(picture, [tile for tile in known if tile.place.top <= row < tile.place.bottom])
        ground = ";".join(map(str, picture.ground))
        return f"{due}\x1b[0;48;2;{ground}m{tiles.stand_ins(known, row, first, last)}\x1b[0m"

    def update(self, picture: SurfacePicture) -> tuple[str, list[Rect]]:
        """Send the parts that have changed; what stands for them stays."""
        self.show(picture)
        return self._due(picture, self._tiles(picture)) if self._open else "", []

    def leave(self) -> str:
        """Remove the parts that were sent."""
        super().leave()
        sent, self._sent = tuple(self._sent), {}
        return kitty.deletion(sent, tmux=self._tmux)

    def removal(self) -> str:
        """Remove all parts that can have been sent."""
        return kitty.deletion(self._numbers, tmux=self._tmux)

    def _due(self, picture: SurfacePicture, parts: list[PictureTile]) -> str:
        """The commands for those of some parts that the terminal does not have."""
        if self._link.cuts != self._cuts:
            self._cuts, self._sent, self._stale = self._link.cuts, {}, True
        prepared = self._prepared[1] if self._prepared[0] is picture else {}
        texts = [self.removal()] if self._stale else []
        for tile in parts:
            digest, text = prepared.get(tile.number) or (self._digest(picture, tile), "")
            if self._sent.get(tile.number) != digest:
                texts.append(text or self._encoded(picture, tile))
                self._sent[tile.number] = digest
        self._stale = False
        return "".join(texts)

    def _tiles(self, picture: SurfacePicture) -> list[PictureTile]:
        return list(tiles.tiles(picture.columns, picture.rows, self._numbers))

    def _digest(self, picture: SurfacePicture, tile: PictureTile) -> int:
        return hash((tile.place, picture.part(tile.place).tobytes()))

    def _encoded(self, picture: SurfacePicture, tile: PictureTile) -> str:
        return tiles.sent(tile, picture.part(tile.place), tmux=self._tmux)


class InlineSurface(PictureSurface):
    """A terminal that puts pictures into its cells, where text replaces them: each row is a picture of its own."""

    rate = INLINE_RATE

    def __init__(self, encode: Callable[[SurfacePicture, Rect], str], widest: int = 0, *, moving: bool = True) -> None:
        """Choose the protocol.

        Args:
            encode: The text for some cells of a picture.
            widest: Columns of such a text at most; 0: any.
            moving: Whether it is quick enough for pictures that move.
        """
        super().__init__()
        self._encode, self._widest, self.moving = encode, widest, moving

    def text(self, row: int, first: int, last: int) -> str:
        """The picture of these cells."""
        if self._picture is None or not self._open:
            return " " * (last - first)
        pieces, most = [], self._widest or last - first
        for left in range(first, last, most):
            place = Rect(left, row, min(most, last - left), 1)
            pieces.append(f"\x1b7{self._encode(self._picture, place)}\x1b8\x1b[{place.width}C")
        return "".join(pieces)

    def update(self, picture: SurfacePicture) -> tuple[str, list[Rect]]:
        """Nothing is sent at once: rows that have changed are written again, from their first change to the last."""
        before, areas = self._picture, []
        self.show(picture)
        for row in range(picture.rows):
            place = Rect(0, row, picture.columns, 1)
            new, old = picture.part(place), before.part(place) if before is not None else None
            if old is None or old.shape != new.shape:
                areas.append(place)
                continue
            changed = np.flatnonzero((new != old).any(axis=(0, 2))) * picture.columns / new.shape[1]
            if len(changed):
                first, last = int(changed[0]), min(int(changed[-1]) + 1, picture.columns)
                areas.append(Rect(first, row, last - first, 1))
        return "", areas


def surface_of(support: GraphicsSupport | None, link: Link) -> PictureSurface | None:
    """The surface of a terminal; none where it shows no pictures."""
    if support is None:
        return None
    if support.protocol == "kitty":
        return StoredSurface(link, tmux=support.tmux)
    if support.protocol == "iterm":
        return InlineSurface(lambda picture, place: iterm.inline(picture.part(place), place.width, place.height))
    # Sixels take long to make and to read.
    return InlineSurface(SixelRows(support.colors), support.largest[0] // support.cell[0], moving=False)


class SixelRows:
    """Rows of a picture as sixels, all in one palette: terminals share its registers among pictures."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._palette: tuple[bytes, Palette] | None = None

    def __call__(self, picture: SurfacePicture, place: Rect) -> str:
        """The text for some cells."""
        colors = picture.colors[: self._most]
        if self._palette is None or self._palette[0] != colors.tobytes():
            self._palette = colors.tobytes(), Palette(colors)
        return sixel.sixels(picture.part(place), self._palette[1])
