// Axes, words, legends and values of a panel, where dynviz/layout has put them.
const FAMILY = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif';
const ELLIPSIS = "…", HALO_WIDTH = 3, LONGEST = 1e4;

function letters(paper, size, bold) {
  paper.font = `${bold ? 600 : 400} ${size}px ${FAMILY}`;
}

// Lines of whole pixels of the screen, so that they are sharp at any scale.
function crisp(paper, left, top, width, height) {
  const scale = paper.getTransform().a, whole = length => Math.round(length * scale) / scale;
  const thick = length => Math.max(1, Math.round(length * scale)) / scale;
  paper.fillRect(whole(left), whole(top), thick(width), thick(height));
}

function drawAxes(easel) {
  const {paper, place, page} = easel, {left, top, width, height} = easel, thin = page.thin;
  const length = Math.round(0.3 * page.ticks), bottom = top + height;
  for (const column of place.x) {
    paper.fillStyle = easel.color("grid");
    crisp(paper, column, top, thin, height);
    paper.fillStyle = easel.color("muted");
    crisp(paper, column, bottom, thin, thin + length);
  }
  for (const row of place.y) {
    paper.fillStyle = easel.color("grid");
    crisp(paper, left, row - thin + 1, width, thin);
    paper.fillStyle = easel.color("muted");
    crisp(paper, left - thin - length, row - thin + 1, length + thin, thin);
  }
  if (place.axes) {
    paper.fillStyle = easel.color("muted");
    crisp(paper, left - thin, top, thin, height + thin);
    crisp(paper, left - thin, bottom, width + thin, thin);
  }
}

// Words where they are placed; letters that are wider than was reckoned with are squeezed.
function write(easel, written, halo = false) {
  const [text, size, bold, role, left, baseline, width = Infinity, align = "left", extra] = written, {paper} = easel;
  if (extra) drawSwatch(easel, extra, size, baseline);
  letters(paper, size, bold);
  paper.textBaseline = "alphabetic";
  paper.textAlign = align;
  const x = left + (align === "right" ? width : align === "center" ? width / 2 : 0);
  if (halo) {
    paper.strokeStyle = easel.color("ground");
    paper.lineWidth = HALO_WIDTH;
    paper.lineJoin = "round";
    paper.setLineDash([]);
    paper.strokeText(text, x, baseline, Math.min(width + 1, LONGEST));
  }
  paper.fillStyle = easel.look.inks[role];
  paper.fillText(text, x, baseline, Math.min(width + 1, LONGEST));
}

// What stands before a word of a legend; `clear` is the rectangle below words over stripes.
function drawSwatch(easel, [kind, ...rest], size, baseline) {
  const {paper, page} = easel;
  if (kind === "clear") {
    paper.fillStyle = easel.color("ground");
    paper.fillRect(...rest);
    return;
  }
  const [color, dash, shape, left, width] = rest, y = baseline - 0.36 * size, x = left + width / 2;
  if (kind === "ramp") {
    const colors = easel.ramp(color), height = Math.max(Math.round(0.55 * size), 3);
    const bar = sheet(["bar", color, easel.look.name].join(), LEVELS, 1, own => {
      for (let level = 0; level < LEVELS; level += 1) {
        own.fillStyle = `rgb(${colors(level)})`;
        own.fillRect(level, 0, 1, 1);
      }
    });
    paper.drawImage(bar, left, y - height / 2, width, height);
  } else if (kind === "marker") {
    marker(paper, shape, x, y, 0.3 * size, 0, easel.color(color));
  } else if (kind === "arrow") {
    arrows(paper, [[left, y, left + width, y]], HEAD * page.em, page.line, easel.color(color), () => true);
  } else if (kind === "area") {
    paper.fillStyle = easel.color(color);
    paper.fillRect(x - 0.3 * size, y - 0.3 * size, 0.6 * size, 0.6 * size);
  } else {
    paper.strokeStyle = easel.color(color);
    paper.lineWidth = page.line;
    paper.lineCap = "butt";
    paper.setLineDash(DASHES[dash].map(part => part * page.line));
    paper.beginPath();
    paper.moveTo(left, y);
    paper.lineTo(left + width, y);
    paper.stroke();
    paper.setLineDash([]);
  }
}

// A value in words, after the name of what it belongs to.
function readoutWords([text, , name], named = true) {
  return named && name ? `${name}${name.includes(" ") && text ? ":" : ""} ${text}`.trim() : text;
}

function readoutsOf(panel, frame) {
  const [values, at] = panel.readouts;
  return at[frame] >= 0 ? values[at[frame]] : [];
}

function drawReadouts(easel, frame, shown) {
  const {paper, page, place} = easel;
  const written = readoutsOf(easel.panel, frame).filter(readout => !(place.direct === "full" && readout[3]));
  letters(paper, page.em, false);
  written.slice(0, place.spots.length).forEach((readout, index) => {
    const [left, baseline, room, named] = place.spots[index];
    if (!shown(readout[1])) return;
    let text = readoutWords(readout, named);
    while (text.length > 1 && paper.measureText(text).width > room) text = text.replace(/.…?$/u, "") + ELLIPSIS;
    write(easel, [text, page.em, 0, readout[1], left, baseline, room, "left"]);
  });
}

// One panel: its axes, its marks, its words. `shown` says whether a role of colour is.
function drawPanel(easel, frame, moving, shown) {
  drawAxes(easel);
  drawMarks(easel, frame, record => shown(record.color));
  for (const written of moving) if (shown(written[3])) write(easel, written, true);
  for (const written of easel.place.words) if (shown(written[3]) && shown(written[8]?.[1])) write(easel, written);
  drawReadouts(easel, frame, shown);
}
