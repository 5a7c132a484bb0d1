/** Keccak-256, by which existing implementations of the manager protocol name programs: the padding
 *  before SHA-3 was standardised, which no platform's own hashes have. */

const roundConstants: readonly (readonly [low: number, high: number])[] = [
  [0x00000001, 0x00000000],
  [0x00008082, 0x00000000],
  [0x0000808a, 0x80000000],
  [0x80008000, 0x80000000],
  [0x0000808b, 0x00000000],
  [0x80000001, 0x00000000],
  [0x80008081, 0x80000000],
  [0x00008009, 0x80000000],
  [0x0000008a, 0x00000000],
  [0x00000088, 0x00000000],
  [0x80008009, 0x00000000],
  [0x8000000a, 0x00000000],
  [0x8000808b, 0x00000000],
  [0x0000008b, 0x80000000],
  [0x00008089, 0x80000000],
  [0x00008003, 0x80000000],
  [0x00008002, 0x80000000],
  [0x00000080, 0x80000000],
  [0x0000800a, 0x00000000],
  [0x8000000a, 0x80000000],
  [0x80008081, 0x80000000],
  [0x00008080, 0x80000000],
  [0x80000001, 0x00000000],
  [0x80008008, 0x80000000],
];
/** Of rho and pi together: the lane that is written next, and by how much it is turned. */
const lanes = [
  10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1,
];
const turns = [
  1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44,
];
const rateBytes = 136;
const digestBytes = 32;
/** The prefix of such a multihash: its code and its length. */
const multihashPrefix = [0x1b, digestBytes];

/** 34 bytes: `1b 20` and the digest. */
export function keccakMultihash(bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(...multihashPrefix, ...keccak256(bytes));
}

/** 32 bytes. */
export function keccak256(bytes: Uint8Array): Uint8Array {
  // Lanes of 64 bits, low half first.
  const state = new Int32Array(50);
  let at = 0;
  for (; at + rateBytes <= bytes.length; at += rateBytes) absorb(state, bytes, at);
  const last = new Uint8Array(rateBytes);
  last.set(bytes.subarray(at));
  last[bytes.length - at]! |= 0x01;
  last[rateBytes - 1]! |= 0x80;
  absorb(state, last, 0);
  const digest = new Uint8Array(digestBytes);
  for (let i = 0; i < digestBytes; i++) digest[i] = state[i >> 2]! >>> (8 * (i & 3));
  return digest;
}

function absorb(state: Int32Array, bytes: Uint8Array, from: number): void {
  for (let i = 0; i < rateBytes; i++) state[i >> 2]! ^= bytes[from + i]! << (8 * (i & 3));
  for (const [low, high] of roundConstants) {
    mixColumns(state);
    moveLanes(state);
    mixRows(state);
    state[0]! ^= low;
    state[1]! ^= high;
  }
}

function mixColumns(state: Int32Array): void {
  const column = new Int32Array(10);
  for (let i = 0; i < 50; i++) column[i % 10]! ^= state[i]!;
  for (let x = 0; x < 5; x++) {
    const left = 2 * ((x + 4) % 5);
    const right = 2 * ((x + 1) % 5);
    const [low, high] = [column[right]!, column[right + 1]!];
    const mixedLow = column[left]! ^ ((low << 1) | (high >>> 31));
    const mixedHigh = column[left + 1]! ^ ((high << 1) | (low >>> 31));
    for (let i = 2 * x; i < 50; i += 10) {
      state[i]! ^= mixedLow;
      state[i + 1]! ^= mixedHigh;
    }
  }
}

function moveLanes(state: Int32Array): void {
  let [low, high] = [state[2]!, state[3]!];
  for (let i = 0; i < 24; i++) {
    const lane = 2 * lanes[i]!;
    const turn = turns[i]!;
    if (turn >= 32) [low, high] = [high, low];
    const by = turn & 31;
    const [turnedLow, turnedHigh] =
      by === 0
        ? [low, high]
        : [(low << by) | (high >>> (32 - by)), (high << by) | (low >>> (32 - by))];
    [low, high] = [state[lane]!, state[lane + 1]!];
    state[lane] = turnedLow;
    state[lane + 1] = turnedHigh;
  }
}

function mixRows(state: Int32Array): void {
  for (let row = 0; row < 50; row += 10) {
    const before = state.slice(row, row + 10);
    for (let i = 0; i < 10; i++) {
      state[row + i]! ^= ~before[(i + 2) % 10]! & before[(i + 4) % 10]!;
    }
  }
}
