// Buttons, keys, the mouse and fingers.
function listen(viewer) {
  const {player} = viewer, speeds = byId("speed"), canvas = byId("picture"), help = byId("help");
  const faster = by => {
    speeds.selectedIndex = Math.max(0, Math.min(speeds.length - 1, speeds.selectedIndex + by));
    player.speed = Number(speeds.value);
  };
  const keys = {
    " ": () => player.toggle(),
    ArrowLeft: event => player.go(event.shiftKey ? -10 : -1),
    ArrowRight: event => player.go(event.shiftKey ? 10 : 1),
    Home: () => player.go(-player.last),
    End: () => player.go(player.last),
    "[": () => faster(-1),
    "]": () => faster(1),
    t: () => viewer.turn(),
    "?": () => help.open ? help.close() : help.showModal(),
    Escape: () => viewer.leave(),
  };
  byId("play").onclick = keys[" "];
  byId("back").onclick = () => player.go(-1);
  byId("on").onclick = () => player.go(1);
  byId("at").oninput = () => player.seek(Number(byId("at").value));
  byId("player").onsubmit = event => event.preventDefault();
  byId("theme").onclick = keys.t;
  byId("keys").onclick = keys["?"];
  byId("close").onclick = () => help.close();
  speeds.onchange = () => faster(0);
  canvas.onpointermove = event => viewer.point(event);
  canvas.onpointerdown = event => { viewer.point(event); viewer.scrub(event); };
  canvas.onpointerleave = event => { if (event.pointerType === "mouse") viewer.leave(); };
  addEventListener("resize", () => viewer.fit());
  // Sentences and names come and go above the picture.
  new ResizeObserver(() => viewer.fit()).observe(document.querySelector("header"));
  document.addEventListener("keydown", event => {
    const {key, target} = event;
    const busy = target === speeds || (key === " " && /^(BUTTON|SUMMARY)$/.test(target.tagName));
    if (busy || event.ctrlKey || event.metaKey || event.altKey || (help.open && key !== "?")) return;
    const view = /^[1-9]$/.test(key) ? viewer.film.views[key - 1] : undefined;
    if (!view && !keys[key]) return;
    event.preventDefault();
    view ? viewer.show(view) : keys[key](event);
  });
}
