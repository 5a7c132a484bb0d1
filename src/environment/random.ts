/** `Math.random` of job code: the same numbers for the same seed, stage and task, on every engine
 *  and in every attempt. The generator is sfc32 (Chris Doty-Humphrey, public domain). */

const native = Math.random;

/** The seed of the next numbers; the state is made when the first is drawn, since most tasks draw
 *  none. */
let seed = "";
let stage = "";
let task = 0;
let isFresh = true;
let a = 0;
let b = 0;
let c = 0;
let counter = 0;

/** From now on the numbers are those of this task. `ofJob`: the job's option `seed`. */
export function startRandom(ofJob: string, ofStage: string, ofTask: number): void {
  seed = ofJob;
  stage = ofStage;
  task = ofTask;
  isFresh = true;
}

/** Replaces `Math.random` of this realm. */
export function useRandom(which: "seeded" | "native"): void {
  const value = which === "seeded" ? random : native;
  Object.defineProperty(Math, "random", { value, writable: true, configurable: true });
}

/** From 0 up to 1, with 53 random bits. */
export function random(): number {
  if (isFresh) begin();
  const high = next() >>> 5;
  const low = next() >>> 6;
  return (high * 67_108_864 + low) / 9_007_199_254_740_992;
}

function begin(): void {
  isFresh = false;
  const text = `${seed}\n${stage}\n${task}`;
  a = hashed(text, 0x9e37_79b9);
  b = hashed(text, 0x243f_6a88);
  c = hashed(text, 0xb7e1_5162);
  counter = 1;
  // Until the seed has spread to all bits of the state.
  for (let i = 0; i < 16; i++) next();
}

function next(): number {
  const sum = (a + b + counter) | 0;
  counter = (counter + 1) | 0;
  a = b ^ (b >>> 9);
  b = (c + (c << 3)) | 0;
  c = ((c << 21) | (c >>> 11)) + sum;
  c |= 0;
  return sum;
}

/** MurmurHash3's mixing of 16-bit characters. */
function hashed(text: string, start: number): number {
  let hash = start | 0;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0xcc9e_2d51);
    hash = (hash << 13) | (hash >>> 19);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return hash ^ (hash >>> 16);
}
