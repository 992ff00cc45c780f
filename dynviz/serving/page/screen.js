// The screen of a terminal: cells, and the control sequences that Textual writes.

export const BOLD = 1, DIM = 2, ITALIC = 4, UNDERLINE = 8, REVERSE = 16, STRUCK = 32;
export const DEFAULT = -1;

// What stands at the start of a text; nothing does if a sequence has only begun.
const TOKEN = new RegExp(
  "\\x1b\\[([?>=<!]?)([\\d;:]*)([ -/]*)([@-~])" + // 1 to 4: control sequences
  "|\\x1b\\]([^\\x07\\x1b]*)(?:\\x07|\\x1b\\\\)" + // 5: commands to the system
  "|\\x1b[PX^_][^\\x1b]*\\x1b\\\\|\\x1b[ -/]*[0-OQ-WYZ\\\\`-~]" + // others, which are dropped
  "|([\\x00-\\x1a\\x1c-\\x1f\\x7f])|([^\\x00-\\x1f\\x7f]+)", // 6, 7: single controls; words
  "y");
const LONGEST = 1 << 20; // characters of a sequence that has only begun
const JOINS = /[\p{M}\u200d\ufe0f]/u;
const WIDE = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const ATTRIBUTES = {1: BOLD, 2: DIM, 3: ITALIC, 4: UNDERLINE, 7: REVERSE, 9: STRUCK};
const ENDED = {22: BOLD | DIM, 23: ITALIC, 24: UNDERLINE, 27: REVERSE, 29: STRUCK};
const BASIC = [0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
               0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff];

// The colour with a number among 256: sixteen, a cube of 6 x 6 x 6, then greys.
function numbered(index) {
  if (index < 16) return BASIC[index];
  if (index > 231) return (8 + 10 * (index - 232)) * 0x010101;
  const level = part => (part ? 55 + 40 * part : 0);
  const cube = index - 16;
  return (level(Math.floor(cube / 36)) << 16) | (level(Math.floor(cube / 6) % 6) << 8) | level(cube % 6);
}

export class Screen {
  // answer: gets what a terminal replies; heed: gets the name of a command to the system, and its text.
  constructor(answer, heed) {
    this.answer = answer;
    this.heed = heed;
    this.modes = new Set();
    this.rest = "";
    this.resize(80, 24);
  }

  resize(columns, rows) {
    this.columns = columns;
    this.rows = rows;
    const size = columns * rows;
    this.signs = new Array(size).fill(" ");
    this.ink = new Int32Array(size).fill(DEFAULT);
    this.ground = new Int32Array(size).fill(DEFAULT);
    this.attributes = new Uint8Array(size);
    this.changed = new Set(Array(rows).keys());
    this.x = this.y = 0;
    this.style(["0"]);
  }

  get held() { return this.modes.has("?2026"); }

  get text() {
    const lines = [];
    for (let row = 0; row < this.rows; row += 1) {
      lines.push(this.signs.slice(row * this.columns, (row + 1) * this.columns).join("").trimEnd());
    }
    return lines.join("\n");
  }

  write(text) {
    text = this.rest + text;
    TOKEN.lastIndex = 0;
    let end = 0, found;
    while (end < text.length && (found = TOKEN.exec(text)) !== null) {
      end = TOKEN.lastIndex;
      const [, mark, numbers, between, final, command, control, words] = found;
      if (words !== undefined) this.print(words);
      else if (final !== undefined) this.obey(mark, numbers, between + final);
      else if (control !== undefined) this.control(control);
      else if (command !== undefined) this.system(command);
    }
    this.rest = text.slice(end);
    if (this.rest.length > LONGEST) this.rest = "";
  }

  print(words) {
    for (const sign of words) {
      const last = this.y * this.columns + this.x - 1;
      if (JOINS.test(sign)) {
        if (this.x > 0 && this.x <= this.columns) this.signs[last] += sign;
        continue;
      }
      // The part of a line that is too long is not shown.
      if (this.x >= this.columns) continue;
      this.put(sign);
      if (WIDE.test(sign) && this.x < this.columns) this.put("");
    }
    this.changed.add(this.y);
  }

  put(sign) {
    const place = this.y * this.columns + this.x;
    this.signs[place] = sign;
    this.ink[place] = this.now.ink;
    this.ground[place] = this.now.ground;
    this.attributes[place] = this.now.attributes;
    this.x += 1;
  }

  control(sign) {
    if (sign === "\r") this.x = 0;
    else if (sign === "\n") this.move(this.x, this.y + 1);
    else if (sign === "\b") this.move(this.x - 1, this.y);
  }

  move(x, y) {
    this.x = Math.max(0, Math.min(x, this.columns - 1));
    this.y = Math.max(0, Math.min(y, this.rows - 1));
  }

  obey(mark, text, final) {
    const parts = text.split(";");
    const number = (index, otherwise = 1) => (parts[index] ? parseInt(parts[index], 10) : otherwise);
    if (mark === "?" && final === "$p") this.answer(`\x1b[?${parts[0]};${parts[0] === "2026" ? 2 : 0}$y`);
    else if (mark === "?" && (final === "h" || final === "l")) {
      for (const part of parts) {
        if (part === "1049") this.clear(0, this.signs.length);
        if (final === "h") this.modes.add(mark + part);
        else this.modes.delete(mark + part);
      }
    } else if (mark !== "") return;
    else if (final === "m") this.style(parts);
    else if (final === "H" || final === "f") this.move(number(1) - 1, number(0) - 1);
    else if (final === "A") this.move(this.x, this.y - number(0));
    else if (final === "B") this.move(this.x, this.y + number(0));
    else if (final === "C") this.move(this.x + number(0), this.y);
    else if (final === "D") this.move(this.x - number(0), this.y);
    else if (final === "G") this.move(number(0) - 1, this.y);
    else if (final === "J" || final === "K") this.erase(final, number(0, 0));
    else if (final === "n" && parts[0] === "6") this.answer(`\x1b[${this.y + 1};${this.x + 1}R`);
  }

  erase(what, which) {
    const here = this.y * this.columns + this.x, [first, last] = what === "J"
      ? [0, this.signs.length] : [this.y * this.columns, (this.y + 1) * this.columns];
    this.clear(which === 0 ? here : first, which === 1 ? here + 1 : last);
  }

  clear(first, last) {
    this.signs.fill(" ", first, last);
    this.ink.fill(DEFAULT, first, last);
    this.ground.fill(this.now.ground, first, last);
    this.attributes.fill(0, first, last);
    for (let row = Math.floor(first / this.columns); row * this.columns < last; row += 1) this.changed.add(row);
  }

  style(parts) {
    for (let index = 0; index < parts.length; index += 1) {
      const code = parseInt(parts[index] || "0", 10);
      if (code === 0) this.now = {ink: DEFAULT, ground: DEFAULT, attributes: 0};
      else if (code in ATTRIBUTES) this.now.attributes |= ATTRIBUTES[code];
      else if (code in ENDED) this.now.attributes &= ~ENDED[code];
      else if (code === 38 || code === 48) {
        const values = parts.slice(index + 1, index + 5).map(Number), true_color = values[0] === 2;
        const [, red, green, blue] = values;
        this.now[code === 38 ? "ink" : "ground"] = true_color ? (red << 16) | (green << 8) | blue : numbered(red);
        index += true_color ? 4 : 2;
      } else if (code === 39) this.now.ink = DEFAULT;
      else if (code === 49) this.now.ground = DEFAULT;
      else if (code >= 30 && code < 38) this.now.ink = BASIC[code - 30];
      else if (code >= 40 && code < 48) this.now.ground = BASIC[code - 40];
      else if (code >= 90 && code < 98) this.now.ink = BASIC[code - 82];
      else if (code >= 100 && code < 108) this.now.ground = BASIC[code - 92];
    }
  }

  system(command) {
    const [name, ...rest] = command.split(";");
    if (name === "0" || name === "2") this.heed("title", rest.join(";"));
    else if (name === "52" && rest[1] !== "?") this.heed("copy", rest[1] || "");
  }
}
