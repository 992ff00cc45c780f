// From the text of a page to its tree and its arrays; see dynviz/web/pool.py.
const MISSING = 65535, UNKNOWN = 255, FRESH = 255;

async function unpacked(text) {
  const packed = Uint8Array.from(atob(text), sign => sign.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const tree = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  tree.arrays = arrays(tree.entries, bytes.subarray(4 + length));
  delete tree.entries;
  return tree;
}

function arrays(entries, bytes) {
  const made = [], codes = [];
  let at = 0;

  // All first bytes of the numbers, then all second ones, and so on.
  function planes(count, size) {
    const numbers = new Uint32Array(count);
    for (let plane = 0; plane < size; plane += 1) {
      for (let index = 0; index < count; index += 1) numbers[index] |= bytes[at + index] << (8 * plane);
      at += count;
    }
    return numbers;
  }

  // Differences that wrap around stand as 0, -1, 1, -2, 2 and so on.
  const unfolded = code => (code >>> 1) ^ -(code & 1);

  function undone(stored, mask, how, since) {
    if (how === "plain") return stored;
    let before = 0;
    for (let index = 0; index < stored.length; index += 1) {
      before = ((how === "along" ? before : codes[since][index]) + unfolded(stored[index])) & mask;
      stored[index] = before;
    }
    return stored;
  }

  const read = {
    even: (start, stride, count) => Float64Array.from({length: count}, (_, index) => start + index * stride),
    whole: count => {
      let sum = 0;
      return Float64Array.from(planes(count, 4), difference => (sum += difference | 0));
    },
    floats: count => Float64Array.from(new Float32Array(planes(count, 4).buffer)),
    slice: (index, start, stop) => made[index].subarray(start, stop),
    numbers: (count, scale, low, unit, how, since) => {
      const own = codes[made.length] = undone(planes(count, 2), 0xFFFF, how, since);
      const value = scale === "log" ? code => Math.exp(low + code * unit) : code => low + code * unit;
      return Float64Array.from(own, code => code === MISSING ? NaN : value(code));
    },
    // Each point is one of an earlier frame, after so many that are skipped, or a new one; the former come first.
    cloud: (count, low, unit, since) => {
      const skips = since === null ? null : planes(count, 1), stored = planes(2 * count, 2);
      let own = stored;
      if (skips) {
        const earlier = codes[since], half = earlier.length / 2, known = skips.filter(skip => skip !== FRESH).length;
        own = new Uint32Array(2 * count);
        for (let index = 0, place = -1, moved = 0, fresh = 2 * known; index < count; index += 1) {
          if (skips[index] === FRESH) {
            own[index] = stored[fresh];
            own[count + index] = stored[fresh + count - known];
            fresh += 1;
            continue;
          }
          place += skips[index] + 1;
          own[index] = (unfolded(stored[moved]) + earlier[place]) & 0xFFFF;
          own[count + index] = (unfolded(stored[known + moved]) + earlier[half + place]) & 0xFFFF;
          moved += 1;
        }
      }
      codes[made.length] = own;
      return Float64Array.from(own, code => low + code * unit);
    },
    bytes: (count, how, since) => {
      const stored = bytes.slice(at, at + count);
      at += count;
      return codes[made.length] = undone(stored, 0xFF, how, since);
    },
  };
  for (const [kind, ...rest] of entries) made.push(read[kind](...rest));
  return made;
}
