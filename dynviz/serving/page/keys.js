// What a terminal sends for keys, the mouse, fingers and pasted text.

const LETTERS = {ArrowUp: "A", ArrowDown: "B", ArrowRight: "C", ArrowLeft: "D", Home: "H", End: "F",
                 F1: "P", F2: "Q", F3: "R", F4: "S"};
const NUMBERS = {Insert: 2, Delete: 3, PageUp: 5, PageDown: 6, F6: 17, F7: 18, F8: 19, F9: 20, F10: 21};
const SIGNS = {Enter: "\r", Tab: "\t", Backspace: "\x7f", Escape: "\x1b"};
// With ctrl these are the browser's: a new tab or window, close it, reload, its address, search, paste, zoom.
const OF_BROWSER = "tnwrlfv0+-=";

const modifiers = event => Number(event.shiftKey) + 2 * Number(event.altKey) + 4 * Number(event.ctrlKey);

// The text for a key; null for those that are the browser's own.
export function typed(event) {
  const {key} = event, held = modifiers(event);
  if (event.metaKey || event.isComposing) return null;
  if (key in LETTERS) {
    const letter = LETTERS[key], plain = key.startsWith("F") ? `\x1bO${letter}` : `\x1b[${letter}`;
    return held ? `\x1b[1;${held + 1}${letter}` : plain;
  }
  if (key in NUMBERS) return `\x1b[${NUMBERS[key]}${held ? `;${held + 1}` : ""}~`;
  if (key === "Tab" && event.shiftKey) return "\x1b[Z";
  if (key in SIGNS) return (event.altKey ? "\x1b" : "") + SIGNS[key];
  if ([...key].length !== 1) return null;
  if (event.ctrlKey && !event.altKey) {
    const letter = key.toLowerCase();
    return /[a-z]/.test(letter) && !event.shiftKey && !OF_BROWSER.includes(letter)
      ? String.fromCharCode(letter.charCodeAt(0) & 31) : null;
  }
  return event.altKey && !event.ctrlKey ? `\x1b${key}` : key;
}

// A pasted text, in brackets that it cannot close itself.
export const pasted = text => `\x1b[200~${text.replaceAll("\x1b", "")}\x1b[201~`;

const held = event => 4 * Number(event.shiftKey) + 8 * Number(event.altKey) + 16 * Number(event.ctrlKey);

// Tells of the mouse, or a finger, over a canvas; place gives the cell of an event, from 1.
export function follow(canvas, place, send) {
  let button = null, last = "";
  const tell = (event, code, final) => {
    const [column, row] = place(event);
    const words = `\x1b[<${code + held(event)};${column};${row}${final}`;
    if (words !== last) send(words);
    last = words;
  };
  canvas.addEventListener("pointerdown", event => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    button = event.button;
    tell(event, button, "M");
  });
  canvas.addEventListener("pointerup", event => {
    if (button !== null) tell(event, button, "m");
    button = null;
  });
  canvas.addEventListener("pointermove", event => tell(event, 32 + (button ?? 3), "M"));
  canvas.addEventListener("pointercancel", () => { button = null; });
  canvas.addEventListener("contextmenu", event => event.preventDefault());
  canvas.addEventListener("wheel", event => {
    event.preventDefault();
    last = "";
    tell(event, event.deltaY < 0 ? 64 : 65, "M");
  }, {passive: false});
}
