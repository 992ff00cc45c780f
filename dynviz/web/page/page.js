// The page: views, lanes, looks, keys and the mouse.
const byId = name => document.getElementById(name);
const NARROW = 640, LARGEST = 1.3, SMALLEST = 0.8;
const PLAY = "M4 2l10 6-10 6z", PAUSE = "M4 2h3v12H4zM9 2h3v12H9z";

class Viewer {
  constructor(film) {
    Object.assign(this, {film, hidden: new Set(), pointer: null, view: film.views[0]});
    this.paper = byId("picture").getContext("2d");
    this.look = this.preferred();
    this.player = new Player(film, () => this.draw());
    this.build();
    listen(this);
    this.follow();
    this.show(this.view);
  }

  preferred() {
    const {looks, theme} = this.film, dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const name = theme === "light" && dark ? "dark" : theme;
    return looks.find(look => look.name === name) ?? looks[0];
  }

  // What the address asks for, as in page.html#view=path&step=300&theme=dark.
  follow() {
    const asked = new URLSearchParams(location.hash.slice(1));
    this.view = this.film.views.find(view => view.name === asked.get("view")) ?? this.view;
    this.look = this.film.looks.find(look => look.name === asked.get("theme")) ?? this.look;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches || this.player.last === 0;
    if (asked.has("step")) this.player.frame = this.player.nearest(Number(asked.get("step")) || 0);
    else if (still) this.player.frame = this.player.last;
    else this.player.start();
  }

  build() {
    const {film, player} = this;
    byId("at").max = player.last;
    byId("player").hidden = player.last === 0;
    byId("views").hidden = film.views.length < 2;
    film.views.forEach((view, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = view.name;
      button.title = index < 9 ? `${view.name} (${index + 1})` : view.name;
      button.onclick = () => this.show(view);
      byId("views").append(button);
    });
    for (const [step, text] of film.views.flatMap(view => view.outcomes)) {
      if (!player.last || [...byId("events").children].some(one => one.title === text)) continue;
      const tick = document.createElement("i");
      tick.style.left = `${100 * player.nearest(step) / player.last}%`;
      tick.title = text;
      byId("events").append(tick);
    }
  }

  show(view) {
    this.view = view;
    byId("title").textContent = view.title;
    [...byId("views").children].forEach((button, index) =>
      button.setAttribute("aria-pressed", this.film.views[index] === view));
    byId("picture").setAttribute("aria-label", view.alt);
    this.pointer = null;
    this.say();
    this.fit();
  }

  toggle(role) {
    this.hidden.delete(role) || this.hidden.add(role);
    this.draw();
  }

  turn() {
    const {looks} = this.film;
    this.look = looks[(looks.indexOf(this.look) + 1) % looks.length];
    this.draw();
  }

  // The page that fits the window best, and how much larger or smaller it is drawn.
  fit() {
    const main = byId("stage"), width = main.clientWidth, pages = this.view.pages;
    const other = document.body.scrollHeight - main.offsetHeight;
    const height = Math.max(window.innerHeight - other, 240);
    const scaleOf = page => Math.min(width / page.width, height / page.height, LARGEST);
    let best = 0;
    if (width >= NARROW) {
      const worth = index => {
        const scale = scaleOf(pages[index]), lost = this.view.panels.length - pages[index].panels.length;
        const covered = scale ** 2 * pages[index].width * pages[index].height;
        // Letters are best as large as they are laid out.
        return covered * Math.min(1, scale / SMALLEST) ** 4 / Math.max(1, scale) ** 1.5 / (1 + lost);
      };
      best = pages.map((_, index) => index).slice(1).reduce((one, other) => worth(other) > worth(one) ? other : one);
    }
    this.page = pages[best];
    this.scale = best === 0 ? Math.min(width / this.page.width, LARGEST) : scaleOf(this.page);
    this.draw();
  }

  resize() {
    const canvas = byId("picture"), dense = window.devicePixelRatio || 1, {page, scale} = this;
    const width = Math.round(page.width * scale * dense), height = Math.round(page.height * scale * dense);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, {width, height});
    canvas.style.width = `${width / dense}px`;
    canvas.style.height = `${height / dense}px`;
    this.paper.setTransform(scale * dense, 0, 0, scale * dense, 0, 0);
  }

  // Roles of lanes that are switched off; a panel that is about one of them is empty then.
  shown(panel) {
    const own = new Set(readoutsOf(panel, this.player.frame).map(one => one[1]).filter(role => /^(lane|ordered)/.test(role)));
    const off = own.size === 1 && this.hidden.has([...own][0])
      && !marksAt(panel, this.player.frame).some(([mark]) => /^(lane|ordered)/.test(mark.color) && !own.has(mark.color));
    return role => !this.hidden.has(role) && !(off && role !== "grid");
  }

  easel(index) {
    return new Easel(this.paper, this.film, this.view.panels[index], this.page.panels[index], this.page, this.look);
  }

  draw() {
    if (!this.page) return;
    const {paper, page, view, player, look} = this, {frame} = player;
    this.resize();
    for (const role of ["ground", "text", "muted", "grid"]) {
      document.documentElement.style.setProperty(`--${role}`, look.colors[role]);
    }
    document.documentElement.style.colorScheme = look.name;
    paper.fillStyle = look.colors.ground;
    paper.fillRect(0, 0, page.width, page.height);
    page.panels.forEach((_, index) => {
      const panel = view.panels[index], [words, at] = panel.moving[view.pages.indexOf(page)];
      drawPanel(this.easel(index), frame, words[at[frame]] ?? [], this.shown(panel));
    });
    this.drawPointer();
    this.say();
  }

  say() {
    const {film, view, player} = this, {frame} = player, step = film.steps[frame];
    const [before, between] = view.counter;
    const words = `${before} ${grouped(String(step))}${view.steps > 0 ? ` ${between} ${grouped(String(view.steps))}` : ""}`;
    const values = view.panels.slice(0, 4)
      .map(panel => [panel.title, readoutsOf(panel, frame).map(one => readoutWords(one)).filter(Boolean).join(", ")])
      .filter(([, text]) => text).map(pair => pair.join(": ")).join("; ");
    byId("step").textContent = words;
    byId("at").value = frame;
    byId("at").style.setProperty("--share", `${100 * frame / Math.max(player.last, 1)}%`);
    byId("at").setAttribute("aria-valuetext", values ? `${words}. ${values}` : words);
    byId("sign").setAttribute("d", player.playing ? PAUSE : PLAY);
    byId("play").setAttribute("aria-label", player.playing ? "Pause" : "Play");
    const told = view.outcomes.filter(([when]) => when <= step).at(-1)?.[1] ?? "";
    if (byId("outcome").textContent !== told) byId("outcome").textContent = told;
    this.lanes();
  }

  // The names of the recordings are buttons, the other words beside the title stand after them.
  lanes() {
    const {view, player, look} = this, [values, at] = view.readouts, told = new Set(view.outcomes.map(one => one[1]));
    const plainOf = ([, role]) => role === "muted" || role === "text";
    const readouts = values[at[player.frame]].filter(([text]) => text && !told.has(text))
      .sort((one, other) => plainOf(one) - plainOf(other));
    const key = JSON.stringify([readouts, look.name, [...this.hidden]]);
    if (key === this.chips) return;
    this.chips = key;
    const focus = document.activeElement?.dataset?.role;
    byId("lanes").replaceChildren(...readouts.map(readout => {
      const [, role] = readout, plain = plainOf(readout);
      const item = document.createElement(plain ? "span" : "button");
      item.textContent = readoutWords(readout);
      if (!plain) {
        item.type = "button";
        item.dataset.role = role;
        item.setAttribute("aria-pressed", !this.hidden.has(role));
        item.style.setProperty("--lane", look.colors[role]);
        item.style.setProperty("--ink", look.inks[role]);
        item.title = `${this.hidden.has(role) ? "Show" : "Hide"} ${item.textContent}`;
        item.onclick = () => this.toggle(role);
      }
      return item;
    }));
    if (focus) byId("lanes").querySelector(`[data-role="${CSS.escape(focus)}"]`)?.focus();
  }

  // Which panel a place of the window is in, and where on its axes.
  at(event) {
    const box = byId("picture").getBoundingClientRect();
    const x = (event.clientX - box.left) / this.scale, y = (event.clientY - box.top) / this.scale;
    const index = this.page.panels.findIndex(({plot: [left, top, width, height]}) =>
      x >= left && x <= left + width && y >= top && y <= top + height);
    if (index < 0) return null;
    const [left, top, width, height] = this.page.panels[index].plot, panel = this.view.panels[index];
    return {index, x: valueAt(panel.x, (x - left) / width), y: valueAt(panel.y, (top + height - y) / height)};
  }

  reading(place) {
    const panel = this.view.panels[place.index];
    return panel.perspective ? {heading: "", rows: []}
      : reading(this.film, this.view, panel, this.player.frame, place.x, place.y, this.shown(panel));
  }

  // A line at the pointer's step through all panels over steps, and dots on the curves of its own.
  drawPointer() {
    const card = byId("card"), {pointer, paper, view, look} = this;
    card.hidden = true;
    if (!pointer) return;
    const own = this.reading(pointer);
    if (!own.rows.length) return;
    if (own.curves) {
      const axis = view.panels[pointer.index].x;
      view.panels.forEach((panel, index) => {
        if (panel.square || panel.x.label !== axis.label || !this.page.panels[index]) return;
        const easel = this.easel(index), share = fraction(panel.x, pointer.x);
        if (!(share >= 0 && share <= 1)) return;
        paper.fillStyle = look.colors.muted;
        crisp(paper, easel.column(share), easel.top, 1, easel.height);
      });
      const easel = this.easel(pointer.index), {dot, line} = this.page;
      for (const {at: [x, y], color} of own.rows.filter(row => row.at)) {
        const place = [easel.x(x), easel.y(y)];
        if (!easel.inside(...place)) continue;
        marker(paper, "dot", ...place, 0.8 * dot, 0.6 * line, look.colors.ground);
        marker(paper, "dot", ...place, 0.8 * dot, 0, look.colors[color]);
      }
    }
    this.fill(card, own);
  }

  fill(card, {heading, rows}) {
    const title = document.createElement("strong");
    title.textContent = heading;
    card.replaceChildren(title, ...rows.flatMap(({name, value, color}) => {
      const words = [name, value].map(text => Object.assign(document.createElement("span"), {textContent: text}));
      for (const word of words) word.style.color = this.look.inks[color];
      return words;
    }));
    card.hidden = false;
    const {left, top, right} = byId("picture").getBoundingClientRect(), {clientX, clientY} = this.pointer;
    // On the side of the pointer where the middle of the picture is.
    const beside = clientX > (left + right) / 2 ? clientX - card.offsetWidth - 14 : clientX + 14;
    card.style.left = `${Math.max(4, Math.min(beside, innerWidth - card.offsetWidth - 4))}px`;
    card.style.top = `${Math.max(4, Math.min(clientY - card.offsetHeight - 10, innerHeight - card.offsetHeight - 4), top)}px`;
  }

  point(event) {
    const place = this.at(event);
    this.pointer = place && {...place, clientX: event.clientX, clientY: event.clientY};
    this.draw();
  }

  leave() {
    this.pointer = null;
    this.draw();
  }

  // A click on curves over steps goes to that step.
  scrub(event) {
    const place = this.at(event);
    if (!place || !overSteps(this.view, this.view.panels[place.index])) return;
    this.player.seek(this.player.nearest(place.x));
  }
}

unpacked(DATA).then(film => { globalThis.dynviz = new Viewer(film); }).catch(error => {
  byId("outcome").textContent = "This page cannot be drawn; a newer browser may be able to.";
  throw error;
});
