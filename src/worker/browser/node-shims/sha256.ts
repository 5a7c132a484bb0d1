/** SHA-256 (FIPS 180-4) that answers at once: the browser's own is asynchronous, and not there at
 *  all on plain http. */

const constants = new Int32Array(64);
const initial = new Int32Array(8);
/** Fractions of cube and square roots of the first primes. */
function fill(): void {
  let count = 0;
  const fraction = (value: number) => ((value - Math.floor(value)) * 2 ** 32) | 0;
  for (let number = 2; count < 64; number++) {
    let isPrime = true;
    for (let by = 2; by * by <= number; by++) if (number % by === 0) isPrime = false;
    if (!isPrime) continue;
    if (count < 8) initial[count] = fraction(Math.sqrt(number));
    constants[count++] = fraction(Math.cbrt(number));
  }
}
fill();

const blockBytes = 64;
const schedule = new Int32Array(64);

export class Sha256 {
  readonly #state = initial.slice();
  readonly #rest = new Uint8Array(blockBytes);
  #restBytes = 0;
  #sizeBytes = 0;

  update(bytes: Uint8Array): this {
    let at = 0;
    this.#sizeBytes += bytes.length;
    if (this.#restBytes > 0) {
      at = Math.min(bytes.length, blockBytes - this.#restBytes);
      this.#rest.set(bytes.subarray(0, at), this.#restBytes);
      this.#restBytes += at;
      if (this.#restBytes < blockBytes) return this;
      this.#blocks(this.#rest, 0, blockBytes);
      this.#restBytes = 0;
    }
    const end = bytes.length - ((bytes.length - at) % blockBytes);
    this.#blocks(bytes, at, end);
    this.#rest.set(bytes.subarray(end));
    this.#restBytes = bytes.length - end;
    return this;
  }

  /** Lowercase hex; nothing may be added after. */
  digest(_as: "hex"): string {
    const sizeBytes = this.#sizeBytes;
    const length = ((119 - this.#restBytes) % blockBytes) + 9;
    const end = new Uint8Array(length);
    end[0] = 0x80;
    const view = new DataView(end.buffer, 0, length);
    view.setUint32(length - 8, Math.floor(sizeBytes / 2 ** 29));
    view.setUint32(length - 4, (sizeBytes << 3) >>> 0);
    this.update(end);
    return Array.from(this.#state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  #blocks(bytes: Uint8Array, from: number, to: number): void {
    const state = this.#state;
    const w = schedule;
    for (let start = from; start < to; start += blockBytes) {
      for (let i = 0, at = start; i < 16; i++, at += 4) {
        w[i] =
          ((bytes[at] as number) << 24) |
          ((bytes[at + 1] as number) << 16) |
          ((bytes[at + 2] as number) << 8) |
          (bytes[at + 3] as number);
      }
      for (let i = 16; i < 64; i++) {
        const x = w[i - 15] as number;
        const y = w[i - 2] as number;
        const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        w[i] = ((w[i - 16] as number) + s0 + (w[i - 7] as number) + s1) | 0;
      }
      compress(state, w);
    }
  }
}

function compress(state: Int32Array, w: Int32Array): void {
  const k = constants;
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let e = state[4] as number;
  let f = state[5] as number;
  let g = state[6] as number;
  let h = state[7] as number;
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const choice = (e & f) ^ (~e & g);
    const t1 = (h + s1 + choice + (k[i] as number) + (w[i] as number)) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + s0 + majority) | 0;
  }
  state[0] = ((state[0] as number) + a) | 0;
  state[1] = ((state[1] as number) + b) | 0;
  state[2] = ((state[2] as number) + c) | 0;
  state[3] = ((state[3] as number) + d) | 0;
  state[4] = ((state[4] as number) + e) | 0;
  state[5] = ((state[5] as number) + f) | 0;
  state[6] = ((state[6] as number) + g) | 0;
  state[7] = ((state[7] as number) + h) | 0;
}
