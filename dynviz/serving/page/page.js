// The page: a terminal on a canvas, and the websocket to its player.

import {Ink} from "./ink.js";
import {follow, pasted, typed} from "./keys.js";
import {Screen} from "./screen.js";

const READ = 300; // milliseconds after a change until the text for screen readers is renewed, however much follows
const find = id => document.getElementById(id);
const light = matchMedia("(prefers-color-scheme: light)").matches;
const canvas = find("picture"), notice = find("notice");
const ink = new Ink(canvas, light);
const decoder = new TextDecoder();
let socket = null, drawing = false, reading = 0;

const send = (...message) => {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
};
const type = text => send("type", text);
const screen = new Screen(type, (what, text) => {
  if (what === "title") document.title = text;
  else navigator.clipboard?.writeText(
    new TextDecoder().decode(Uint8Array.from(atob(text), sign => sign.charCodeAt(0)))).catch(() => {});
});

function draw() {
  drawing = false;
  if (screen.held) return;
  ink.draw(screen);
  document.body.style.backgroundColor = getGround();
  reading ||= setTimeout(read, READ);
}

function read() {
  reading = 0;
  find("text").textContent = screen.text;
}

function getGround() {
  const [, ground] = ink.colors(screen, 0);
  return `#${ground.toString(16).padStart(6, "0")}`;
}

function soon() {
  if (!drawing) requestAnimationFrame(draw);
  drawing = true;
}

function fit() {
  const [columns, rows] = ink.fit(innerWidth, innerHeight);
  screen.resize(columns, rows);
  send("size", columns, rows);
  soon();
}

function connect() {
  notice.hidden = true;
  screen.modes.clear();
  fit();
  const query = `columns=${screen.columns}&rows=${screen.rows}&ground=${light ? "light" : "dark"}`;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(`${scheme}//${location.host}${location.pathname}ws?${query}`);
  socket.binaryType = "arraybuffer";
  socket.onmessage = event => {
    screen.write(decoder.decode(event.data, {stream: true}));
    soon();
  };
  socket.onclose = event => {
    const words = event.reason || "the connection to the server was lost";
    notice.querySelector("p").textContent = `${words[0].toUpperCase()}${words.slice(1)}.`;
    notice.hidden = false;
  };
}

notice.querySelector("button").addEventListener("click", connect);
addEventListener("keydown", event => {
  if (!notice.hidden) return;
  const text = typed(event);
  if (text !== null) {
    event.preventDefault();
    type(text);
  }
});
addEventListener("paste", event => type(pasted(event.clipboardData.getData("text"))));
addEventListener("focus", () => send("focus"));
addEventListener("blur", () => send("blur"));
addEventListener("resize", fit);
follow(canvas, event => ink.cell(event.offsetX, event.offsetY), type);

// Letters are measured, so they must be there.
await Promise.all(["15px", "bold 15px"].map(font => document.fonts.load(`${font} "dynviz mono"`)));
connect();
