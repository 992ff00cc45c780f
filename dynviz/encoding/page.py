"""The page that plays frames: its skeleton, its looks and its script."""

from string import Template

HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="dynviz">
<meta name="description" content="{alt}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<canvas id="picture" width="{width}" height="{height}" role="img" aria-label="{alt}"></canvas>
<form id="controls" aria-label="Player">
<button type="button" id="play" aria-label="Play"><svg viewBox="0 0 16 16">
<path id="sign" d="M4 2l10 6-10 6z"/></svg></button>
<button type="button" id="back" aria-label="One frame back"><svg viewBox="0 0 16 16">
<path d="M11 3v10L4 8z"/></svg></button>
<button type="button" id="on" aria-label="One frame forward"><svg viewBox="0 0 16 16">
<path d="M5 3v10l7-5z"/></svg></button>
<input type="range" id="at" min="0" max="{last}" value="0" aria-label="Frame">
<output id="step" for="at"></output>
<label>speed <select id="speed"><option>0.25</option><option>0.5</option><option selected>1</option><option>2</option>
<option>4</option></select></label>
</form>
<p class="keys"><span><kbd>space</kbd> play</span> <span><kbd>←</kbd> <kbd>→</kbd> frame</span>
<span><kbd>shift</kbd> <kbd>←</kbd> <kbd>→</kbd> ten</span> <span><kbd>home</kbd> <kbd>end</kbd> first, last</span>
<span><kbd>[</kbd> <kbd>]</kbd> speed</span></p>
<details><summary>About this animation</summary><p>{alt}</p><pre>{comment}</pre></details>
<noscript><p>Playing this animation needs JavaScript, which is switched off.</p></noscript>
</main>
<script type="application/json" id="recipe">{recipe}</script>
<script>
"use strict";
const frames = [];
function F(step, seconds, left, top, data) {{
  const frame = {{step, seconds, left, top, image: null, ready: Promise.resolve()}};
  if (data) {{
    frame.image = new Image();
    frame.image.src = "data:image/webp;base64," + data;
    frame.ready = frame.image.decode();
  }}
  frames.push(frame);
}}
"""

STYLE = Template("""
:root { color-scheme: $scheme; }
body { margin: 0; background: $ground; color: $text; font: 14px/1.5 system-ui, sans-serif; }
main { max-width: ${width}px; margin: 0 auto; }
form, .keys, details, noscript { margin: 8px 12px; }
canvas { display: block; width: 100%; height: auto; }
form { display: flex; align-items: center; gap: 8px; flex-wrap: wrap; }
input { flex: 1 1 160px; accent-color: #0072b2; }
label { margin-left: auto; color: $muted; }
button { min-width: 40px; min-height: 36px; padding: 0; }
svg { display: block; width: 16px; height: 16px; margin: auto; fill: currentColor; }
button, select, kbd { color: inherit; background: transparent; border: 1px solid $grid; border-radius: 6px; }
button:hover, select:hover { border-color: $muted; }
select { min-height: 36px; padding: 0 4px; font: inherit; color: $text; }
option { color: $text; background: $ground; }
:focus-visible { outline: 2px solid #0072b2; outline-offset: 2px; }
output { min-width: 12ch; font-variant-numeric: tabular-nums; }
.keys, details { color: $muted; font-size: 13px; }
.keys span { white-space: nowrap; margin-right: 1em; }
kbd { padding: 1px 5px; font: inherit; }
@media (pointer: coarse) { .keys { display: none; } }
@media (max-width: 480px) {
  form { justify-content: space-between; }
  input { order: -1; flex-basis: 100%; min-height: 36px; }
  button { flex: 1; min-height: 44px; }
  output { min-width: 0; }
  .keys { display: none; }
}
pre { white-space: pre-wrap; }
""")

FOOT = """
const LOOPS = $loop;
const find = name => document.getElementById(name);
const slider = find("at"), play = find("play"), speed = find("speed"), paper = find("picture").getContext("2d");
let shown = -1, wanted = 0, drawing = false, timer = 0, played = 0, due = 0;

// A frame is laid over the one before; going back begins at the first one.
async function draw() {
  if (drawing) return;
  drawing = true;
  while (shown !== wanted) {
    const goal = wanted, from = goal > shown ? shown + 1 : 0;
    await Promise.all(frames.slice(from, goal + 1).map(frame => frame.ready));
    for (const frame of frames.slice(from, goal + 1)) {
      if (frame.image) paper.drawImage(frame.image, frame.left, frame.top);
    }
    shown = goal;
  }
  drawing = false;
}

function seek(index) {
  wanted = Math.max(0, Math.min(frames.length - 1, index));
  slider.value = wanted;
  const words = "step " + String(frames[wanted].step).replace(/\\B(?=(\\d{3})+$)/g, "\\u2009");
  find("step").textContent = words;
  slider.setAttribute("aria-valuetext", words);
  draw();
}

function label(name, sign) {
  find("sign").setAttribute("d", sign);
  play.setAttribute("aria-label", name);
}

function pause() {
  clearTimeout(timer);
  timer = 0;
  label("Play", "M4 2l10 6-10 6z");
}

// Timers count whole milliseconds: what one is late, the next one is early, unless the page stood still.
function wait() {
  const now = performance.now();
  due = Math.max(due, now - 100) + 1000 * frames[wanted].seconds / speed.value;
  timer = setTimeout(tick, due - now);
}

function tick() {
  if (wanted === frames.length - 1) {
    played += 1;
    if (LOOPS && played >= LOOPS) return pause();
    seek(0);
  } else {
    seek(wanted + 1);
  }
  wait();
}

function start() {
  if (wanted === frames.length - 1) seek(0);
  played = 0;
  label("Pause", "M4 2h3v12H4zM9 2h3v12H9z");
  due = performance.now();
  wait();
}

function toggle() { timer ? pause() : start(); }
function go(by) { pause(); seek(wanted + by); }
function faster(by) { speed.selectedIndex = Math.max(0, Math.min(speed.length - 1, speed.selectedIndex + by)); }

const keys = {
  " ": toggle,
  ArrowLeft: event => go(event.shiftKey ? -10 : -1),
  ArrowRight: event => go(event.shiftKey ? 10 : 1),
  Home: () => go(-frames.length),
  End: () => go(frames.length),
  "[": () => faster(-1),
  "]": () => faster(1),
};
play.onclick = toggle;
find("back").onclick = () => go(-1);
find("on").onclick = () => go(1);
slider.oninput = () => { pause(); seek(+slider.value); };
find("controls").onsubmit = event => event.preventDefault();
document.addEventListener("keydown", event => {
  const busy = event.target === speed || (event.target.tagName === "BUTTON" && event.key === " ");
  if (!keys[event.key] || busy || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  keys[event.key](event);
});
seek(0);
if (frames.length > 1 && !matchMedia("(prefers-reduced-motion: reduce)").matches) start();
</script>
</body>
</html>
"""
