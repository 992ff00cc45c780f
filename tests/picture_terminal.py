"""A terminal that shows pictures, by the words of the protocols: kitty's with placeholders, iTerm2's, and sixels.

It shares no code with the package, and refuses what a protocol does not allow.
"""

import base64
import io
import re
import unicodedata
import zlib

import numpy as np
from PIL import Image

TOKEN = re.compile(
    r"\x1bPtmux;(?P<tmux>(?:[^\x1b]|\x1b\x1b)*)\x1b\\"
    r"|\x1b_G(?P<kitty>[^\x1b]*)\x1b\\"
    r"|\x1b\]1337;File=(?P<iterm>[^\x07]*)\x07"
    r"|\x1b\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|\x1bP(?P<sixel>[\d;]*q[^\x1b]*)\x1b\\"
    r"|\x1bP[^\x1b]*\x1b\\"
    r"|\x1b\[(?P<csi>[?<>=]?[\d;:]*[$ ]?[A-Za-z])"
    r"|\x1b(?P<escape>[78])"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f])"
    r"|(?P<text>[^\x1b])",
    re.DOTALL,
)
EXCLUDED = {0x300, 0x301, 0x302, 0x303, 0x304, 0x306, 0x307, 0x308, 0x309, 0x30A, 0x30B, 0x30C, 0x30F, 0x311, 0x313}
EXCLUDED |= {0x314, 0x342, 0x653, 0x654}
MARKS = [
    chr(code)
    for code in range(0x300, 0x65B)
    if unicodedata.combining(chr(code)) == 230
    and unicodedata.category(chr(code)) == "Mn"
    and not unicodedata.decomposition(chr(code))
    and code not in EXCLUDED
]
"""As the protocol defines them: of class 230, without a decomposition, but for some."""


class PictureTerminal:
    def __init__(self, columns, rows, cell=(10, 20)):
        self.columns, self.rows, self.cell = columns, rows, cell
        self.images, self.virtual, self.placements, self.begun = {}, {}, {}, None
        self.row = self.column = 0
        self.saved = (0, 0)
        self.color, self.ground = None, None
        self.cells = {}
        self.tmux = False
        self.commands = []

    def feed(self, text):
        at = 0
        while at < len(text):
            token = TOKEN.match(text, at)
            assert token, f"not understood: {text[at : at + 60]!r}"
            at = token.end()
            kind = token.lastgroup
            if kind is not None:
                getattr(self, f"_{kind}")(token[kind])

    def _tmux(self, text):
        self.tmux = True
        self.feed(text.replace("\x1b\x1b", "\x1b"))
        self.tmux = False

    def _kitty(self, text):
        keys, _, payload = text.partition(";")
        keys = dict(pair.split("=") for pair in keys.split(","))
        assert len(payload) <= 4096
        if self.begun is not None:
            assert set(keys) <= {"m", "q"}, "between chunks nothing else may be sent"
            self.begun[1].append(payload)
        else:
            self.commands.append(keys)
            if keys.get("a") == "q":
                return
            if keys.get("a") == "d":
                assert keys["d"] == "I"
                for known in (self.images, self.virtual, self.placements):
                    known.pop(int(keys["i"]), None)
                return
            self.begun = keys, [payload]
        assert keys["q"] == "2", "an answer would be taken for keys"
        if keys.get("m") == "1":
            assert len(payload) % 4 == 0
            return
        (keys, payloads), self.begun = self.begun, None
        self._load(keys, base64.b64decode("".join(payloads), validate=True))

    def _load(self, keys, data):
        assert (keys["a"], keys["f"], keys["o"]) == ("T", "24", "z")
        width, height = int(keys["s"]), int(keys["v"])
        data = zlib.decompress(data)
        assert len(data) == 3 * width * height
        number = int(keys.get("i", 0))
        self.images[number] = np.frombuffer(data, np.uint8).reshape(height, width, 3)
        size = int(keys["c"]), int(keys["r"])
        if keys.get("U") == "1":
            self.virtual[number] = size
        else:
            assert keys["C"] == "1"
            self.placements[number] = (self.row, self.column, *size, int(keys.get("z", 0)))

    def _iterm(self, text):
        keys, _, data = text.partition(":")
        keys = dict(pair.split("=") for pair in keys.split(";"))
        data = base64.b64decode(data, validate=True)
        assert keys["inline"] == "1"
        assert keys["preserveAspectRatio"] == "0"
        assert int(keys["size"]) == len(data)
        image = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        self._paint(image, int(keys["width"]), int(keys["height"]))

    def _sixel(self, text):
        image = decoded(text)
        height, width = image.shape[:2]
        self._paint(image, -(-width // self.cell[0]), -(-height // self.cell[1]))

    def _paint(self, image, columns, rows):
        whole = resized(image, columns * self.cell[0], rows * self.cell[1])
        for row in range(rows):
            for column in range(columns):
                self.cells[self.row + row, self.column + column] = "image", self._part(whole, row, column)
        # Where the cursor is now differs between terminals: nobody may rely on it.
        self.row, self.column = self.rows - 1, self.columns - 1

    def _part(self, image, row, column):
        wide, tall = self.cell
        return image[row * tall : (row + 1) * tall, column * wide : (column + 1) * wide]

    def _osc(self, text):
        pass

    def _csi(self, text):
        if text[0] in "?<>=":
            return
        numbers = [int(number or 0) for number in re.split("[;:]", text[:-1].rstrip("$ ")) if number.isdecimal()]
        first = numbers[0] if numbers else 1
        if text[-1] == "H":
            self.row, self.column = (numbers[0] - 1, numbers[1] - 1) if len(numbers) > 1 else (0, 0)
        elif text[-1] in "ABC":
            down, across = {"A": (-1, 0), "B": (1, 0), "C": (0, 1)}[text[-1]]
            self.row = min(max(self.row + down * first, 0), self.rows - 1)
            self.column = min(self.column + across * first, self.columns - 1)
        elif text[-1] == "m":
            self._sgr(numbers or [0])

    def _sgr(self, numbers):
        while numbers:
            number, numbers = numbers[0], numbers[1:]
            if number == 0:
                self.color = self.ground = None
            elif number in (38, 48):
                taken = 2 if numbers[0] == 5 else 4
                color, numbers = tuple(numbers[:taken]), numbers[taken:]
                if number == 38:
                    self.color = color
                else:
                    self.ground = color
            elif number == 39:
                self.color = None
            elif number == 49:
                self.ground = None

    def _escape(self, text):
        if text == "7":
            self.saved = self.row, self.column
        else:
            self.row, self.column = self.saved

    def _control(self, text):
        if text == "\r":
            self.column = 0
        elif text == "\n":
            self.row, self.column = self.row + 1, 0
            if self.row == self.rows:
                self.row -= 1
                self.cells = {(row - 1, column): shown for (row, column), shown in self.cells.items() if row}

    def _text(self, text):
        if unicodedata.combining(text):
            kind, marks, color, ground = self.cells[self.row, self.column - 1]
            assert kind == "\U0010eeee"
            self.cells[self.row, self.column - 1] = kind, marks + text, color, ground
            return
        assert self.column < self.columns, "beyond the right edge"
        self.cells[self.row, self.column] = text, "", self.color, self.ground
        self.column += 1

    def shown(self, row, column):
        """The pixels of a cell; None where it shows none of a picture."""
        cell = self.cells.get((row, column))
        if cell is not None and cell[0] == "image":
            return cell[1]
        if cell is not None and cell[0] == "\U0010eeee":
            return self._stood_for(cell)
        for number, (top, left, wide, tall, z) in self.placements.items():
            if not (top <= row < top + tall and left <= column < left + wide):
                continue
            assert z == 0 or z < -(1 << 30), "it would cover dialogs"
            if z == 0 or cell is None or (cell[0] == " " and cell[3] is None):
                whole = resized(self.images[number], wide * self.cell[0], tall * self.cell[1])
                return self._part(whole, row - top, column - left)
        return None

    def _stood_for(self, cell):
        _, marks, color, _ = cell
        row, column, *high = (MARKS.index(mark) for mark in marks)
        assert color[0] == 5
        number = color[1] + ((high[0] if high else 0) << 24)
        if number not in self.images:
            return None
        wide, tall = self.virtual[number]
        assert row < tall
        assert column < wide
        return self._part(resized(self.images[number], wide * self.cell[0], tall * self.cell[1]), row, column)

    def picture(self, top, left, rows, columns):
        """The pixels of an area of cells, all of which show a picture."""
        lines = [[self.shown(row, column) for column in range(left, left + columns)] for row in range(top, top + rows)]
        assert all(part is not None for line in lines for part in line), "not all of it is a picture"
        return np.concatenate([np.concatenate(line, axis=1) for line in lines])


def resized(image, width, height):
    if image.shape[:2] == (height, width):
        return image
    rows = (np.arange(height) * image.shape[0] // height).clip(0, image.shape[0] - 1)
    columns = (np.arange(width) * image.shape[1] // width).clip(0, image.shape[1] - 1)
    return image[rows[:, None], columns]


def decoded(text):
    """Sixels as pixels; what is not drawn is magenta."""
    body = text.partition("q")[2]
    size = re.match(r'"1;1;(\d+);(\d+)', body)
    width, height = int(size[1]), int(size[2])
    image = np.full((-(-height // 6) * 6, width, 3), (255, 0, 255), np.uint8)
    colors, color, left, top = {}, None, 0, 0
    for token in re.finditer(r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)([?-~])|([?-~])|([$-])", body[size.end() :]):
        register, red, green, blue, count, repeated, alone, control = token.groups()
        if register and red:
            colors[int(register)] = np.rint(np.array([int(red), int(green), int(blue)]) * 2.55)
        elif register:
            color = colors[int(register)]
        elif control:
            left, top = 0, top + 6 * (control == "-")
        else:
            bits, times = ord(repeated or alone) - 63, int(count or 1)
            assert left + times <= width
            for bit in range(6):
                if bits >> bit & 1:
                    image[top + bit, left : left + times] = color
            left += times
    return image[:height]
