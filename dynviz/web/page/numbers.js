// Numbers as text, and places on axes, as dynviz/charts/numbers.py and dynviz/scene/scales.py have them.
const THIN = "\u2009";

function grouped(text) {
  const [, sign, whole, rest] = /^(-?)(\d+)(.*)$/.exec(text);
  return sign + (whole.length > 3 ? whole.replace(/\B(?=(\d{3})+$)/g, THIN) : whole) + rest;
}

function trimmed(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function notFinite(value) {
  return Number.isNaN(value) ? "diverged" : value > 0 ? "∞" : "-∞";
}

function significant(value, digits = 3, padded = false) {
  if (!Number.isFinite(value)) return notFinite(value);
  if (value === 0) return "0";
  if (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${padded ? mantissa : trimmed(mantissa)}e${Number(exponent)}`;
  }
  const text = value.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value)))));
  return grouped(padded ? text : trimmed(text));
}

function resolved(value, axis) {
  if (!Number.isFinite(value)) return notFinite(value);
  const [low, high] = axis.limits, span = high - low;
  const decimals = span > 0 ? Math.floor(2.9 - Math.log10(span)) : 3;
  const small = decimals > 5 && Math.max(Math.abs(low), Math.abs(high)) < 1e-2;
  if (axis.log || small || Math.abs(value) >= 1e6) return significant(value, 3, true);
  const text = value.toFixed(Math.min(Math.max(0, decimals), 9));
  return grouped(Number(text) === 0 ? text.replace("-", "") : text);
}

function inWords(value, axis) {
  return axis.whole ? grouped(String(Math.round(value))) : resolved(value, axis);
}

const FAR = 1e3;

function logarithm(value) {
  return value > 0 ? Math.log10(value) : NaN;
}

function ends(axis) {
  return axis.log ? axis.limits.map(limit => limit > 0 ? Math.log10(limit) : -300) : axis.limits;
}

// Where a value stands on an axis: 0 at its low limit, 1 at the high one.
function fraction(axis, value) {
  const [low, high] = ends(axis);
  const place = ((axis.log ? logarithm(value) : value) - low) / (high - low || 1);
  return Number.isNaN(place) ? NaN : Math.max(-FAR, Math.min(FAR, place));
}

function valueAt(axis, place) {
  const [low, high] = ends(axis), value = low + place * (high - low);
  return axis.log ? 10 ** value : value;
}

// How many of ascending numbers are not above one.
function countUntil(numbers, value) {
  let low = 0, high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
