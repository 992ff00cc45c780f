// Marks of a panel, the lowest first. `easel` knows the plot, the axes and the look; see dynviz/pixels/elements.py.
const FUTURE = 0, PAST = 1, DOT = 2;
const CONTOUR = 0.45, HALO = 600;

class Easel {
  constructor(paper, film, panel, place, page, look) {
    Object.assign(this, {paper, film, panel, place, page, look});
    [this.left, this.top, this.width, this.height] = place.plot;
  }
  column(share) { return this.left + share * this.width; }
  row(share) { return this.top + this.height - share * this.height; }
  x(value) { return this.column(fraction(this.panel.x, value)); }
  y(value) { return this.row(fraction(this.panel.y, value)); }
  array(index) { return this.film.arrays[index]; }
  color(role) { return this.look.colors[role]; }
  ramp(name) {
    const {ramps} = this.look, tables = this.look.tables ??= {};
    const table = tables[name] ??= ramps[name].match(/.{6}/g).map(hex => rgb(`#${hex}`));
    return level => table[level];
  }
  inside(x, y) {
    return x >= this.left - 0.5 && x <= this.left + this.width + 0.5
      && y >= this.top - 0.5 && y <= this.top + this.height + 0.5;
  }
  // The plot, and the width of a line around it.
  clipped(draw, more = this.page.line) {
    this.paper.save();
    this.paper.beginPath();
    this.paper.rect(this.left - more, this.top - more, this.width + 2 * more, this.height + 2 * more);
    this.paper.clip();
    draw();
    this.paper.restore();
  }
  stroke(points, role, width, share = 1, dash = "solid") {
    const {paper} = this;
    this.clipped(() => {
      paper.globalAlpha = share;
      paper.strokeStyle = this.color(role);
      paper.lineWidth = width;
      paper.lineJoin = "round";
      paper.lineCap = dash === "solid" ? "round" : "butt";
      paper.setLineDash(DASHES[dash].map(part => part * width));
      paper.beginPath();
      let begun = false, drawn = false;
      for (const [x, y] of points) {
        const there = x === x && y === y;
        if (there && begun) drawn = true, paper.lineTo(x, y);
        else if (there) paper.moveTo(x, y);
        // A point between two gaps is a dot.
        if (!there && begun && !drawn) paper.lineTo(begun[0] + 0.01, begun[1]);
        if (!there || !begun) drawn = false;
        begun = there ? begun || [x, y] : false;
      }
      paper.stroke();
    });
  }
  // An image over the plot: left, right, bottom and top as shares of its axes.
  image(canvas, [left, right, bottom, top], smooth) {
    const {paper} = this;
    this.clipped(() => {
      paper.imageSmoothingEnabled = Boolean(smooth);
      paper.imageSmoothingQuality = "high";
      paper.drawImage(canvas, ...this.rect([left, right, bottom, top]));
    }, 0);
  }
  rect([left, right, bottom, top]) {
    return [this.column(left), this.row(top), (right - left) * this.width, (top - bottom) * this.height];
  }
  hatched(mask, target) {
    const {page} = this, apart = Math.max(STRIPES_APART * page.ticks, 3);
    hatch(this.paper, mask, target, this.place.plot, this.color("muted"), apart, Math.max(1, 0.5 * page.line));
  }
}

function vertices(easel, record) {
  const x = easel.array(record.x), y = easel.array(record.y), points = [];
  for (let index = 0; index < x.length; index += 1) points.push([easel.x(x[index]), easel.y(y[index])]);
  return points;
}

// Where a line is now, between two of its points or at one; null where it is nowhere.
function present(easel, record, points, now) {
  const along = easel.array(record.along ?? record.x), index = countUntil(along, now) - 1;
  if (index < 0) return null;
  let [x, y] = points[index];
  const next = points[index + 1];
  if (next && Number.isFinite(next[0] + next[1])) {
    const time = record.along === undefined ? value => easel.x(value) : value => value;
    const before = time(along[index]), after = time(along[index + 1]);
    const share = after > before ? (time(now) - before) / (after - before) : 0;
    x += share * (next[0] - x);
    y += share * (next[1] - y);
  }
  return Number.isFinite(x + y) ? [x, y] : null;
}

const MARKS = {
  line(easel, record, now) {
    const points = vertices(easel, record), width = record.width * easel.page.line, role = record.color;
    if (now === null) return [[PAST, () => easel.stroke(points, role, width, record.alpha, record.dash)]];
    const end = present(easel, record, points, now);
    const past = points.slice(0, countUntil(easel.array(record.along ?? record.x), now));
    if (end) past.push(end);
    const parts = [[PAST, () => easel.stroke(past, role, width, record.alpha, record.dash)]];
    if (record.ghost) parts.push([FUTURE, () => easel.stroke(points, role, width, easel.look.futures[role], record.dash)]);
    if (record.dot && end && easel.inside(...end)) {
      const {dot, line} = easel.page;
      parts.push([DOT, () => marker(easel.paper, "dot", ...end, dot, 0.6 * line, easel.color("ground"))]);
      parts.push([DOT, () => marker(easel.paper, "dot", ...end, dot, 0, easel.color(role))]);
    }
    return parts;
  },
  band(easel, record, now) {
    const x = easel.array(record.x), low = easel.array(record.low), high = easel.array(record.high);
    const fill = (until, share) => easel.clipped(() => {
      easel.paper.globalAlpha = share;
      easel.paper.fillStyle = easel.color(record.color);
      easel.paper.fill(between(easel, x, low, high, until));
    });
    const {shade, shade_ghost: ghost} = easel.look;
    return [
      [FUTURE, () => fill(Infinity, ghost)],
      [PAST, () => fill(now === null ? Infinity : now, (shade - ghost) / (1 - ghost))],
    ];
  },
  points(easel, record) {
    const x = easel.array(record.x), y = easel.array(record.y), places = [];
    for (let index = 0; index < x.length; index += 1) {
      const place = [easel.column(x[index]), easel.row(y[index])];
      if (easel.inside(...place)) places.push(place);
    }
    const radius = record.size * MARKER_SIZES[record.marker] * easel.page.em / 20;
    const rim = record.alpha === 1 && places.length <= HALO && radius >= 1.2 ? 0.5 * easel.page.line : 0;
    return [[PAST, () => {
      for (const place of rim ? places : []) marker(easel.paper, record.marker, ...place, radius, rim, easel.color("ground"));
      easel.paper.globalAlpha = record.alpha;
      for (const place of places) marker(easel.paper, record.marker, ...place, radius, 0, easel.color(record.color));
      easel.paper.globalAlpha = 1;
    }]];
  },
  arrows(easel, record) {
    const [x, y, tipX, tipY] = [record.x, record.y, record.tx, record.ty].map(index => easel.array(index));
    const pairs = Array.from(x, (_, index) =>
      [easel.column(x[index]), easel.row(y[index]), easel.column(tipX[index]), easel.row(tipY[index])]);
    const {em, line} = easel.page, color = easel.color(record.color);
    return [[PAST, () => easel.clipped(() =>
      arrows(easel.paper, pairs, HEAD * em, record.width * line, color, (...place) => easel.inside(...place)))]];
  },
  bars(easel, record) {
    const x = easel.array(record.x), heights = easel.array(record.y), foot = easel.y(record.base);
    return [[PAST, () => easel.clipped(() => {
      easel.paper.fillStyle = easel.color(record.color);
      for (let index = 0; index < x.length; index += 1) {
        let left = easel.x(x[index] - record.width / 2), right = easel.x(x[index] + record.width / 2);
        if (!Number.isFinite(heights[index])) {
          easel.hatched(null, [left, easel.top, right - left, easel.height]);
          continue;
        }
        if (right - left >= 3) [left, right] = [Math.round(left), Math.round(right)];
        const head = easel.y(heights[index]);
        easel.paper.fillRect(left, Math.min(head, foot), right - left, Math.abs(foot - head));
      }
    })]];
  },
  field(easel, record) {
    const levels = easel.array(record.image), colors = easel.ramp(record.ramp);
    return [[PAST, () => {
      const key = ["field", record.image, record.columns, record.ramp, easel.look.name].join();
      easel.image(rampImage(key, record, levels, colors), record.extent, record.thinned);
      gaps(easel, record, record.image);
    }]];
  },
  regions(easel, record) {
    const levels = easel.array(record.image), colors = record.colors.map(role => rgb(easel.color(role)));
    return [[PAST, () => {
      const key = ["regions", record.image, record.columns, record.colors, easel.look.name].join();
      easel.image(rampImage(key, record, levels, level => colors[level]), record.extent);
      gaps(easel, record, record.image);
    }]];
  },
  contours(easel, record) {
    const x = easel.array(record.x), y = easel.array(record.y), {line} = easel.page;
    const points = Array.from(x, (_, index) => [easel.column(x[index]), easel.row(y[index])]);
    const width = record.ramp ? Math.max(0.7, 0.35 * line) : Math.max(1, 0.5 * line);
    return [[PAST, () => {
      if (record.ramp) {
        const colors = easel.ramp(record.ramp), last = Math.max(record.bands - 1, 1);
        const key = ["bands", record.image, record.columns, record.bands, record.ramp, easel.look.name].join();
        const shown = level => colors(Math.round((LEVELS - 1) * level / last));
        easel.image(rampImage(key, record, easel.array(record.image), shown), [0, 1, 0, 1], true);
      }
      if (record.hatch) gaps(easel, {...record.hatch, extent: record.extent}, record.hatch.image);
      easel.stroke(points, record.color, width, CONTOUR);
    }]];
  },
  terrain(easel, record) {
    return [[PAST, () => {
      const key = ["terrain", record.image, record.light, record.columns, easel.look.name].join();
      const levels = easel.array(record.image), light = easel.array(record.light);
      easel.image(terrainImage(key, record, levels, light, easel.ramp("terrain"), rgb(easel.color("grid"))), record.extent, true);
    }]];
  },
  referenceline(easel, record) {
    const {at, vertical, color, dash} = record, {thin} = easel.page;
    if (at === null || at < 0 || at > 1) return [];
    const x = easel.left + Math.min(Math.floor(at * easel.width), easel.width - thin) + thin / 2;
    const y = easel.top + easel.height - thin / 2 - Math.min(Math.floor(at * easel.height), easel.height - thin);
    const points = vertical
      ? [[x, easel.top], [x, easel.top + easel.height]] : [[easel.left, y], [easel.left + easel.width, y]];
    return [[PAST, () => easel.stroke(points, color, thin, 1, dash)]];
  },
};

// The area between two curves until a value of x, where both are finite.
function between(easel, x, low, high, until) {
  const path = new Path2D();
  let run = [];
  const close = () => {
    if (run.length > 1) {
      run.forEach(([column, , upper], index) => index ? path.lineTo(column, upper) : path.moveTo(column, upper));
      for (const [column, lower] of run.reverse()) path.lineTo(column, lower);
      path.closePath();
    }
    run = [];
  };
  for (let index = 0; index < x.length; index += 1) {
    if (x[index] > until) {
      // It ends between two samples as its line does.
      const share = index ? (easel.x(until) - easel.x(x[index - 1])) / (easel.x(x[index]) - easel.x(x[index - 1])) : NaN;
      const mixed = edge => easel.y(edge[index - 1]) + share * (easel.y(edge[index]) - easel.y(edge[index - 1]));
      if (share > 0 && Number.isFinite(mixed(low) + mixed(high))) run.push([easel.x(until), mixed(low), mixed(high)]);
      break;
    }
    const place = [easel.x(x[index]), easel.y(low[index]), easel.y(high[index])];
    if (place.every(Number.isFinite)) run.push(place);
    else close();
  }
  close();
  return path;
}

// Stripes over what is not finite.
function gaps(easel, record, index) {
  const levels = easel.array(index);
  if (!levels.includes(UNKNOWN) || record.plain) return;
  const key = ["gaps", index, record.columns].join();
  const mask = image(key, record.rows, record.columns, (place, data, at) => {
    if (levels[place] === UNKNOWN) data[at + 3] = 255;
  });
  easel.hatched(mask, easel.rect(record.extent));
}

// The records of a panel's marks in a frame, and when it is for each.
function marksAt(panel, frame) {
  return panel.marks
    .filter(([, at]) => (at[frame] ?? -1) >= 0)
    .map(([records, at, nows, now]) => [records[at[frame]], nows[now[frame]]]);
}

// Lines and bands that stand together lie over one another by age; every other mark is a group of its own.
function drawMarks(easel, frame, shown) {
  const parts = [];
  let group = 0, before = false;
  for (const [record, now] of marksAt(easel.panel, frame)) {
    const moves = record.is === "line" || record.is === "band";
    group += !(moves && before);
    before = moves;
    if (!shown(record)) continue;
    for (const [age, draw] of MARKS[record.is](easel, record, now)) parts.push([group, age, draw]);
  }
  parts.sort((one, other) => one[0] - other[0] || one[1] - other[1]);
  for (const [, , draw] of parts) {
    easel.paper.save();
    draw();
    easel.paper.restore();
  }
}
