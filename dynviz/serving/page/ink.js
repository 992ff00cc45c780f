// Cells drawn on a canvas: blocks and dots of braille fill their cells exactly, as a font's do not.

import {BOLD, DEFAULT, DIM, ITALIC, REVERSE, STRUCK, UNDERLINE} from "./screen.js";

const FONT = '"dynviz mono", "DejaVu Sans Mono", Menlo, Consolas, monospace';
const POINTS = 15; // size of letters in CSS pixels
// Of DejaVu Sans Mono, in sizes of letters: columns, lines whose boxes meet, and the base of letters.
const COLUMN = 0.602, LINE = 1.164, BASELINE = 0.928;
const FADED = 0.6; // share of a faint letter's colour
const EIGHTHS = 8;
// Quarters of a cell: upper left 1, upper right 2, lower left 4, lower right 8; from U+2596 on.
const QUARTERS = [4, 8, 1, 13, 9, 7, 11, 2, 6, 14];
// Bits of braille from the first: column and row of the dot.
const DOTS = [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2], [0, 3], [1, 3]];

const css = color => `#${color.toString(16).padStart(6, "0")}`;
const mixed = (one, other, share) => [16, 8, 0].reduce(
  (all, shift) => all | (Math.round(((one >> shift) & 255) * share + ((other >> shift) & 255) * (1 - share)) << shift), 0);

export class Ink {
  constructor(canvas, light) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", {alpha: false});
    this.plain = light ? {ink: 0x1a1d21, ground: 0xffffff} : {ink: 0xe6e9ed, ground: 0x0f141a};
  }

  // Columns and rows that fit into a width and height in CSS pixels.
  fit(width, height) {
    this.ratio = window.devicePixelRatio || 1;
    // Halves and quarters of cells are whole pixels.
    this.wide = 2 * Math.max(Math.round((POINTS * this.ratio * COLUMN) / 2), 1);
    this.points = this.wide / COLUMN;
    this.high = 4 * Math.max(Math.round((this.points * LINE) / 4), 1);
    const columns = Math.max(Math.floor((width * this.ratio) / this.wide), 1);
    const rows = Math.max(Math.floor((height * this.ratio) / this.high), 1);
    this.canvas.width = columns * this.wide;
    this.canvas.height = rows * this.high;
    // A canvas of another size has forgotten its font.
    this.set = "";
    this.canvas.style.width = `${this.canvas.width / this.ratio}px`;
    this.canvas.style.height = `${this.canvas.height / this.ratio}px`;
    return [columns, rows];
  }

  // The cell at a place of the canvas, from 1.
  cell(x, y) {
    return [Math.floor((x * this.ratio) / this.wide) + 1, Math.floor((y * this.ratio) / this.high) + 1];
  }

  draw(screen) {
    for (const row of screen.changed) {
      if (row < screen.rows) this.row(screen, row);
    }
    screen.changed.clear();
  }

  colors(screen, place) {
    let ink = screen.ink[place], ground = screen.ground[place];
    const attributes = screen.attributes[place];
    ink = ink === DEFAULT ? this.plain.ink : ink;
    ground = ground === DEFAULT ? this.plain.ground : ground;
    if (attributes & REVERSE) [ink, ground] = [ground, ink];
    return [attributes & DIM ? mixed(ink, ground, FADED) : ink, ground, attributes];
  }

  row(screen, row) {
    const {context, wide, high} = this, top = row * high, first = row * screen.columns;
    const cells = Array.from({length: screen.columns}, (_, column) => this.colors(screen, first + column));
    for (let start = 0, end; start < cells.length; start = end) {
      for (end = start + 1; end < cells.length && cells[end][1] === cells[start][1];) end += 1;
      context.fillStyle = css(cells[start][1]);
      context.fillRect(start * wide, top, (end - start) * wide, high);
    }
    context.textBaseline = "alphabetic";
    cells.forEach(([ink, , attributes], column) => {
      const sign = screen.signs[first + column], left = column * wide;
      if (sign !== " " && sign !== "") {
        context.fillStyle = css(ink);
        if (!this.shape(sign.codePointAt(0), left, top)) this.letter(sign, attributes, left, top);
      }
      if (attributes & (UNDERLINE | STRUCK)) {
        context.fillStyle = css(ink);
        const line = Math.max(Math.round(this.ratio), 1);
        if (attributes & UNDERLINE) context.fillRect(left, top + high - line, wide, line);
        if (attributes & STRUCK) context.fillRect(left, top + high / 2, wide, line);
      }
    });
  }

  letter(sign, attributes, left, top) {
    const font = `${attributes & ITALIC ? "italic " : ""}${attributes & BOLD ? "bold " : ""}${this.points}px ${FONT}`;
    if (this.set !== font) {
      this.context.font = font;
      this.set = font;
    }
    this.context.fillText(sign, left, top + Math.round((BASELINE / LINE) * this.high));
  }

  // Draw a sign that fills parts of its cell; returns whether it is one.
  shape(code, left, top) {
    const {context, wide, high} = this;
    if (code >= 0x2800 && code < 0x2900) {
      const size = Math.max(Math.round(wide * 0.32), 1);
      DOTS.forEach(([column, row], bit) => {
        if ((code >> bit) & 1) {
          const x = left + Math.round((column + 0.5) * (wide / 2) - size / 2);
          context.fillRect(x, top + Math.round((row + 0.5) * (high / 4) - size / 2), size, size);
        }
      });
      return true;
    }
    if (code < 0x2580 || code > 0x259f) return false;
    const part = (share, whole) => Math.round((share / EIGHTHS) * whole);
    if (code === 0x2580) context.fillRect(left, top, wide, high / 2);
    else if (code <= 0x2588) {
      const height = part(code - 0x2580, high);
      context.fillRect(left, top + high - height, wide, height);
    } else if (code <= 0x258f) context.fillRect(left, top, part(0x2590 - code, wide), high);
    else if (code === 0x2590) context.fillRect(left + wide / 2, top, wide / 2, high);
    else if (code <= 0x2593) {
      context.globalAlpha = (code - 0x2590) / 4;
      context.fillRect(left, top, wide, high);
      context.globalAlpha = 1;
    } else if (code === 0x2594) context.fillRect(left, top, wide, part(1, high));
    else if (code === 0x2595) context.fillRect(left + wide - part(1, wide), top, part(1, wide), high);
    else {
      for (let bit = 0; bit < 4; bit += 1) {
        if ((QUARTERS[code - 0x2596] >> bit) & 1) {
          context.fillRect(left + (bit % 2) * (wide / 2), top + Math.floor(bit / 2) * (high / 2), wide / 2, high / 2);
        }
      }
    }
    return true;
  }
}
