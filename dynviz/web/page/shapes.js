// Shapes without a time: markers, arrows, images, hatching. Sizes are those of dynviz/pixels.
const DASHES = {solid: [], dashed: [4, 2.6], dotted: [1, 1.8]};
const MARKER_SIZES = {dot: 1, ring: 1.2, cross: 1.35, star: 1.6, up: 1.2, down: 1.2, left: 1.2, right: 1.2};
const TURNS = {up: 0, right: Math.PI / 2, down: Math.PI, left: -Math.PI / 2};
const HEAD = 0.62, SLENDER = 0.38, NECK = 0.8, LEAST = 0.35;
const LINES = 0.28, STRIPES = 0.55, STRIPES_APART = 0.6;
const LEVELS = 64;

// A marker around a place, which reaches `rim` further than its radius.
function marker(paper, kind, x, y, radius, rim, color) {
  paper.fillStyle = paper.strokeStyle = color;
  paper.lineJoin = "round";
  paper.lineCap = "butt";
  paper.setLineDash([]);
  paper.beginPath();
  if (kind === "ring") {
    const half = Math.max(radius * 0.18, 0.6);
    paper.lineWidth = 2 * (half + rim);
    paper.arc(x, y, Math.max(radius - half, 0.1), 0, 2 * Math.PI);
    paper.stroke();
  } else if (kind === "cross") {
    const arm = (radius + rim) / Math.SQRT2;
    paper.lineWidth = 2 * (Math.max(radius * 0.2, 0.6) + rim);
    paper.moveTo(x - arm, y - arm);
    paper.lineTo(x + arm, y + arm);
    paper.moveTo(x - arm, y + arm);
    paper.lineTo(x + arm, y - arm);
    paper.stroke();
  } else if (kind === "dot") {
    paper.arc(x, y, radius + rim, 0, 2 * Math.PI);
    paper.fill();
  } else {
    for (const [across, down] of corners(kind)) paper.lineTo(x + radius * across, y + radius * down);
    paper.closePath();
    paper.fill();
    if (rim) {
      paper.lineWidth = 2 * rim;
      paper.stroke();
    }
  }
}

// The corners of a star or an arrowhead of radius 1; an arrowhead begins at its tip.
function corners(kind) {
  if (kind === "star") {
    return Array.from({length: 10}, (_, index) => {
      const turn = index * Math.PI / 5, reach = index % 2 ? 0.45 : 1;
      return [reach * Math.sin(turn), -reach * Math.cos(turn)];
    });
  }
  const turn = TURNS[kind], cos = Math.cos(turn), sin = Math.sin(turn);
  return [[0, 0], [1, 1.5], [-1, 1.5]].map(([x, y]) => [x * cos - y * sin, x * sin + y * cos]);
}

// Arrows between places; one shorter than its head is a smaller head, and the shortest are dots.
function arrows(paper, pairs, head, width, color, inside) {
  paper.fillStyle = paper.strokeStyle = color;
  paper.lineWidth = width;
  paper.lineCap = "round";
  paper.setLineDash([]);
  const heads = new Path2D(), shafts = new Path2D();
  for (const [x, y, tipX, tipY] of pairs) {
    const length = Math.hypot(tipX - x, tipY - y);
    if (!Number.isFinite(length)) continue;
    if (length < LEAST * head) {
      const [middleX, middleY] = [(x + tipX) / 2, (y + tipY) / 2];
      if (inside(middleX, middleY)) {
        const radius = Math.max(0.7 * width, 1);
        heads.moveTo(middleX + radius, middleY);
        heads.arc(middleX, middleY, radius, 0, 2 * Math.PI);
      }
      continue;
    }
    const size = Math.min(length, head), backX = size * (tipX - x) / length, backY = size * (tipY - y) / length;
    heads.moveTo(tipX, tipY);
    heads.lineTo(tipX - backX - SLENDER * backY, tipY - backY + SLENDER * backX);
    heads.lineTo(tipX - backX + SLENDER * backY, tipY - backY - SLENDER * backX);
    heads.closePath();
    if (length > head) {
      shafts.moveTo(x, y);
      shafts.lineTo(tipX - NECK * backX, tipY - NECK * backY);
    }
  }
  paper.stroke(shafts);
  paper.fill(heads);
}

const sheets = new Map(), MOST_PIXELS = 1 << 24;
let kept = 0;

// A canvas that is made once for each key; of very many or large ones, the oldest are made again.
function sheet(key, width, height, paint) {
  if (!sheets.has(key)) {
    for (const [old, canvas] of sheets) {
      if (kept + width * height <= MOST_PIXELS) break;
      kept -= canvas.width * canvas.height;
      sheets.delete(old);
    }
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    paint(canvas.getContext("2d"));
    sheets.set(key, canvas);
    kept += width * height;
  }
  return sheets.get(key);
}

// An image of rows and columns whose first row is at the bottom; `paint` gives red, green, blue and opacity.
function image(key, rows, columns, paint) {
  return sheet(key, columns, rows, paper => {
    const pixels = paper.createImageData(columns, rows);
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        const at = 4 * ((rows - 1 - row) * columns + column);
        paint(row * columns + column, pixels.data, at);
      }
    }
    paper.putImageData(pixels, 0, 0);
  });
}

function rgb(hex) {
  return [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));
}

function put(data, at, color) {
  data[at] = color[0];
  data[at + 1] = color[1];
  data[at + 2] = color[2];
  data[at + 3] = 255;
}

// Levels of a ramp; what is not finite stays clear.
function rampImage(key, record, levels, colors) {
  return image(key, record.rows, record.columns, (index, data, at) => {
    if (levels[index] !== UNKNOWN) put(data, at, colors(levels[index]));
  });
}

// A landscape: lighter or darker colours of its heights, white lines over them, and its walls.
function terrainImage(key, record, levels, light, colors, wall) {
  return image(key, record.rows, record.columns, (index, data, at) => {
    const level = levels[index];
    if (level === UNKNOWN) return;
    if (level >= 2 * LEVELS) return put(data, at, wall);
    const lit = colors(level % LEVELS).map(part => part * light[index] / 100);
    put(data, at, level < LEVELS ? lit : lit.map(part => part + LINES * (255 - part)));
  });
}

const stripes = document.createElement("canvas");

// Stripes where a mask is opaque, or in a whole rectangle.
function hatch(paper, mask, target, rect, color, apart, width) {
  const [left, top, wide, tall] = rect, fine = 2;
  // This clears it, too.
  stripes.width = Math.max(1, Math.round(wide * fine));
  stripes.height = Math.max(1, Math.round(tall * fine));
  const own = stripes.getContext("2d");
  own.scale(stripes.width / wide, stripes.height / tall);
  own.translate(-left, -top);
  own.imageSmoothingEnabled = false;
  if (mask) own.drawImage(mask, ...target);
  else own.fillRect(...target);
  own.globalCompositeOperation = "source-in";
  own.strokeStyle = color;
  own.lineWidth = width;
  own.beginPath();
  for (let total = apart / 2; total < wide + tall; total += apart) {
    own.moveTo(left + total, top);
    own.lineTo(left + total - tall, top + tall);
  }
  own.stroke();
  paper.save();
  paper.globalAlpha = STRIPES;
  paper.drawImage(stripes, left, top, wide, tall);
  paper.restore();
}
