// What stands at a place of a panel, in the recording's own numbers.
const NEAR_END = 0.02;

// The name of each colour: of the recordings, and of a panel's values.
function namesOf(view, panel, frame) {
  const names = {};
  const [values, at] = view.readouts;
  for (const [text, color, name] of [...values[at[frame]], ...readoutsOf(panel, frame)]) {
    if (color !== "muted" && color !== "text") names[color] ??= name || text;
  }
  return names;
}

// The rows of the card: name, value and colour of every curve at x, or of what moves over a plane.
function reading(film, view, panel, frame, x, y, shown) {
  const names = namesOf(view, panel, frame), rows = [];
  const heading = [[panel.x.label || "x", inWords(x, panel.x)]];
  const add = (name, value, color) => rows.push({name: name || panel.title, value, color});
  for (const [record, now] of marksAt(panel, frame)) {
    if (!shown(record.color)) continue;
    if (record.is === "line" && record.along === undefined && record.width >= 1) {
      const along = film.arrays[record.x], index = countUntil(along, x) - 1;
      const last = along[along.length - 1] + NEAR_END * Math.abs(panel.x.limits[1] - panel.x.limits[0]);
      const value = index < 0 || x > last ? NaN : film.arrays[record.y][index];
      if (Number.isFinite(value)) {
        rows.push({
          name: record.label || names[record.color] || panel.title, value: resolved(value, panel.y), number: value,
          color: record.color, at: [along[index], value],
        });
      }
    } else if (record.is === "line" && record.dot && now !== null && panel.square) {
      const index = countUntil(film.arrays[record.along], now) - 1;
      const place = index < 0 ? [] : [film.arrays[record.x][index], film.arrays[record.y][index]];
      if (place.length && place.every(Number.isFinite)) {
        add(record.label || names[record.color], `(${resolved(place[0], panel.x)}, ${resolved(place[1], panel.y)})`, record.color);
      }
    } else if (record.is === "bars") {
      const own = film.arrays[record.x], index = own.findIndex(middle => Math.abs(middle - x) <= record.width / 2);
      if (index >= 0) add(record.label || names[record.color], resolved(film.arrays[record.y][index], panel.y), record.color);
    } else if (record.is === "field") {
      const level = levelAt(film, panel, record, x, y);
      if (level !== undefined) add(record.label, levelWords(record, level), "text");
    }
  }
  const curves = rows.some(row => row.at);
  if (!curves) heading.push([panel.y.label || "y", inWords(y, panel.y)]);
  return {heading: heading.map(pair => pair.join(" ")).join("   "), curves, rows};
}

function levelAt(film, panel, record, x, y) {
  const [left, right, bottom, top] = record.extent;
  const column = Math.floor((fraction(panel.x, x) - left) / (right - left) * record.columns);
  const row = Math.floor((fraction(panel.y, y) - bottom) / (top - bottom) * record.rows);
  const inside = column >= 0 && column < record.columns && row >= 0 && row < record.rows;
  return inside ? film.arrays[record.image][row * record.columns + column] : undefined;
}

// Whether the clock runs along a panel's horizontal axis, in whatever language.
function overSteps(view, panel) {
  return panel.x.label !== "" && panel.x.label === view.counter[0];
}

// The value in the middle of a level.
function levelWords(record, level) {
  if (level === UNKNOWN) return "not finite";
  const share = (level + 0.5) / LEVELS, {low, high, scale} = record;
  return significant(scale === "log" && low > 0 ? low * (high / low) ** share : low + share * (high - low), 2);
}
