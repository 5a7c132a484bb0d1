/** Inputs for fuzz tests: valid samples that are cut, flipped, mixed and given numbers at the
 *  limits; the same ones for the same seed. */

/** A whole number from 0 up to but not `below`. */
export type Chance = (below: number) => number;

/** Varints, lengths and JSON that are at an end of their range. */
const extremes = [
  "ffffffffffffffffff01",
  "ffffffff0f",
  "ffffffff",
  "808080808000",
  "00",
  "7f",
  "80",
  "c33e",
  "c43e",
  "ffffffffffffff7f",
  "000000000000f07f",
].map((hex) => Uint8Array.from(Buffer.from(hex, "hex")));

const spices = ["9007199254740993", "-1", "1e400", "null", "[[[[", '"__proto__":', "\\ud800", "é"];
const all = [...extremes, ...spices.map((text) => Uint8Array.from(Buffer.from(text)))];

/** Replaces a word of JSON such that the text stays JSON with another meaning. */
const words = ["null", "-1", "1e400", "9007199254740993", '""', "[]", "{}", "true", "0.5", "[[0]]"];

/** One to four changes of a sample. */
export function mutate(samples: readonly Uint8Array[], chance: Chance): Uint8Array {
  const pick = (): Uint8Array => samples[chance(samples.length)]!;
  let bytes = Uint8Array.from(pick());
  if (jsonStarts.has(bytes[0]!) && chance(2) === 0) return otherJson(bytes, chance);
  for (let times = chance(4); times >= 0; times -= 1) {
    const at = chance(bytes.length + 1);
    const start = bytes.subarray(0, at);
    const rest = bytes.subarray(Math.min(bytes.length, at + chance(5)));
    const kind = chance(7);
    if (kind === 0) bytes[at] = chance(256);
    else if (kind === 1) bytes[at] = bytes[at]! ^ (1 << chance(8));
    else if (kind === 2) bytes = joined(start, rest);
    else if (kind === 3) bytes = joined(start, random(chance), rest);
    else if (kind === 4) bytes = joined(start, pick(), rest);
    else if (kind === 5) bytes = Uint8Array.from(start);
    else bytes = joined(start, all[chance(all.length)]!, rest);
  }
  return bytes;
}

const jsonStarts = new Set([..."{["].map((sign) => sign.charCodeAt(0)));

/** A changed value or name of JSON. */
function otherJson(bytes: Uint8Array, chance: Chance): Uint8Array {
  let text = Buffer.from(bytes).toString("utf8");
  for (let times = chance(3); times >= 0; times -= 1) {
    const found = [...text.matchAll(/"[^"]*"|-?[0-9.]+|true|false|null|\[\]|\{\}/g)];
    const at = found[chance(found.length)];
    if (at === undefined) break;
    const word = words[chance(words.length)]!;
    text = text.slice(0, at.index) + word + text.slice(at.index + at[0].length);
  }
  return Uint8Array.from(Buffer.from(text));
}

function random(chance: Chance): Uint8Array {
  return Uint8Array.from({ length: chance(12) }, () => chance(256));
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** mulberry32. */
export function chanceFrom(seed: number): Chance {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
