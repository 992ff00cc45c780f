// Runs the script of a page without a browser: what it draws and says after some keys.
import { readFileSync } from "node:fs";

const script = readFileSync(process.argv[2], "utf8").match(/<script>([\s\S]*)<\/script>/)[1];
const drawn = [], timers = [];
let listener = null;

function element(tag) {
  return {
    tagName: tag, value: "0", textContent: "", attributes: {}, selectedIndex: 2, length: 5,
    setAttribute(name, value) { this.attributes[name] = value; },
    getContext: () => ({ drawImage: image => drawn.push(image.index) }),
  };
}
const elements = Object.fromEntries(["at", "play", "sign", "speed", "picture", "step", "back", "on", "controls"].map(
  name => [name, element(name)]));
elements.speed.value = "1";
let images = 0;
globalThis.Image = class { constructor() { this.index = images++; } decode() { return Promise.resolve(); } };
globalThis.document = {
  getElementById: name => elements[name],
  addEventListener: (_, found) => { listener = found; },
};
globalThis.matchMedia = () => ({ matches: false });
performance.now = () => 0;
globalThis.setTimeout = (call, wait) => { timers.push({ call, wait }); return timers.length; };
globalThis.clearTimeout = index => { if (index) timers[index - 1] = null; };

new Function(script)();
const settle = () => new Promise(resolve => setImmediate(resolve));
const report = [];
async function note(what) {
  await settle();
  report.push({ what, step: elements.step.textContent, play: elements.play.attributes["aria-label"], drawn: drawn.splice(0) });
}
const press = (key, shiftKey = false) => listener({ key, shiftKey, target: element("BODY"), preventDefault() {} });
const tick = () => { const next = timers.findLast(Boolean); timers[timers.indexOf(next)] = null; next.call(); return next.wait; };

await note("open");
const wait = tick();
await note("tick");
press(" "); await note("pause");
press("End"); await note("end");
press("ArrowLeft"); await note("back");
press("Home"); await note("home");
press("ArrowRight", true); await note("ten on");
press(" "); await note("play again");
elements.at.value = "1"; elements.at.oninput(); await note("slider");
console.log(JSON.stringify({ wait, report }));
